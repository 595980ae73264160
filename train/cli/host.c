#include "cli/host.h"

#include <stdio.h>

#include "cli/stop.h"
#include "support/ranks.h"

static void show(void *context, const char *text) {
  cli_host *host = context;
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
  cli_progress_clear(&host->progress);
  fflush(stdout);
  fprintf(stderr, "frozentl: warning: %s\n", text);
}

static void progress(void *context, double done, double total) {
  cli_host *host = context;
  if (!host->progress.what) {
    cli_progress_start(&host->progress, "steps", total, host->quiet);
    host->progress.first = done - 1;
  }
  cli_progress_update(&host->progress, done);
}

/* One rank says it. */
static void stop_phase(bool waits, const char *format, const char *run) {
  char text[800];
  snprintf(text, sizeof text, format, run);
  cli_stop_phase(waits, ftl_ranks_mine() == 0 ? text : NULL);
}

static void phase(void *context, ftl_train_phase phase) {
  const cli_host *host = context;
  if (phase == FTL_TRAIN_BEGUN)
    stop_phase(false, "interrupted before the first step; begin again with: frozentl train --resume %.600s", host->run);
  else if (phase == FTL_TRAIN_STEPS)
    stop_phase(true,
               "interrupted; the step under way took too long to wait for, and what was done since the last state is "
               "lost; go on with: frozentl train --resume %.500s",
               host->run);
  else
    stop_phase(
        false,
        "interrupted; the model is written, only its errors (errors.csv, predictions-*.csv) are missing: frozentl "
        "train --resume %.500s makes them",
        host->run);
}

ftl_train_host cli_host_start(cli_host *host) {
  stop_phase(false,
             host->resumed ? "interrupted; the run is as it was: go on with: frozentl train --resume %.600s"
                           : "interrupted; nothing was written to %.600s",
             host->run);
  return (ftl_train_host){.context = host,
                          .say = say,
                          .show = show,
                          .warn = warn,
                          .progress = progress,
                          .phase = phase,
                          .stop = cli_stop_on_signals()};
}
