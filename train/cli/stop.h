/* Signals that end a long command: SIGINT, SIGTERM, and, unless they are ignored (nohup), SIGHUP and SIGPIPE: whoever
   read what it says has gone. */
#ifndef FTL_CLI_STOP_H
#define FTL_CLI_STOP_H

#include <signal.h>
#include <stdbool.h>

/* From now on the first signal ends the program with CLI_INTERRUPTED, in order: temporary files and locks are removed,
   and stderr gets the sentence of cli_stop_phase. The second one ends the program as it would have without this call.
   The result is what cli_stop_phase(true, ...) sets. */
const volatile sig_atomic_t *cli_stop_on_signals(void);

/* What the first signal does from now on. `waits` false: nothing would be lost, the program ends at once. True: the
   flag is set, and the command saves its work and ends by itself; after CLI_STOP_GRACE seconds the program ends all the
   same, but never while a file is being written. `sentence` (copied; NULL: none) is written when the program ends here.
 */
void cli_stop_phase(bool waits, const char *sentence);

enum { CLI_STOP_GRACE = 10 };

#endif
