/* Signals that end a long command. */
#ifndef FTL_CLI_STOP_H
#define FTL_CLI_STOP_H

#include <signal.h>

/* From now on the first SIGINT or SIGTERM sets what this returns, which asks the command to save its work and stop; the
   second one ends the program as it would have without this call. */
const volatile sig_atomic_t *cli_stop_on_signals(void);

#endif
