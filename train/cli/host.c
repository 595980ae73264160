#include "cli/host.h"

#include <stdio.h>

#include "cli/stop.h"
#include "support/ranks.h"

static void show(void *context, const char *text) {
  cli_host *host = context;
  if (ftl_ranks_mine() > 0) return;
  cli_progress_clear(&host->progress);
  puts(text);
  fflush(stdout);
}

static void say(void *context, const char *text) {
  const cli_host *host = context;
  if (!host->quiet) show(context, text);
}

static void warn(void *context, const char *text) {
  cli_host *host = context;
  if (ftl_ranks_mine() > 0) return;
  cli_progress_clear(&host->progress);
  fflush(stdout);
  fprintf(stderr, "frozentl: warning: %s\n", text);
}

static void stage(void *context, const char *what, double total) {
  cli_host *host = context;
  if (what) cli_progress_start(&host->progress, what, total, host->quiet || ftl_ranks_mine() > 0);
  else cli_progress_end(&host->progress);
}

static void progress(void *context, double done, double total) {
  cli_host *host = context;
  if (!host->progress.what) { /* a run of one stage */
    stage(context, "steps", total);
    host->progress.first = done - 1;
  }
  host->progress.total = total; /* passes of a stage may turn out to be more */
  cli_progress_update(&host->progress, done);
}

void cli_host_phase(const cli_host *host, bool waits, const char *format) {
  char text[800];
  snprintf(text, sizeof text, format, host->run ? host->run : "");
  cli_stop_phase(waits, ftl_ranks_mine() == 0 ? text : NULL);
}

ftl_host cli_host_start(cli_host *host, void (*phase)(void *context, int phase)) {
  return (ftl_host){.context = host,
                    .say = say,
                    .show = show,
                    .warn = warn,
                    .stage = stage,
                    .progress = progress,
                    .phase = phase,
                    .stop = cli_stop_on_signals()};
}
