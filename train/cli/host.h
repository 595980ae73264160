/* How a fit talks to the terminal: what it says on stdout, warnings on stderr, its steps as a progress bar. */
#ifndef FTL_CLI_HOST_H
#define FTL_CLI_HOST_H

#include "cli/cli.h"
#include "tune/train.h"

typedef struct {
  bool quiet;      /* what it says is left out, and the bar; results and warnings are not */
  const char *run; /* the folder, for what is said when a signal ends it */
  bool resumed;
  cli_progress progress;
} cli_host;

/* A signal ends it as cli/stop.h says. At the end: cli_progress_end(&host->progress). */
ftl_train_host cli_host_start(cli_host *host);

#endif
