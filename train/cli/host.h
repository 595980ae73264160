/* How a run of train, fit or distill talks to the terminal: what it says on stdout, warnings on stderr, its progress as
   a bar. With several ranks one of them talks. */
#ifndef FTL_CLI_HOST_H
#define FTL_CLI_HOST_H

#include "cli/cli.h"
#include "support/host.h"

typedef struct {
  bool quiet;      /* what it says is left out, and the bar; results and warnings are not */
  const char *run; /* the folder, for what is said when a signal ends it; NULL: nothing can be gone on with */
  cli_progress progress;
} cli_host;

/* A signal ends it as cli/stop.h says; `phase` calls cli_host_phase. At the end: cli_progress_end(&host->progress). */
ftl_host cli_host_start(cli_host *host, void (*phase)(void *context, int phase));

/* What the first signal says from now on, a format with the run as its only %s; `waits`: the run ends in order. */
void cli_host_phase(const cli_host *host, bool waits, const char *format);

#endif
