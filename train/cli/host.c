#include "cli/host.h"

#include <stdio.h>

#include "cli/stop.h"

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

ftl_train_host cli_host_start(cli_host *host) {
  return (ftl_train_host){
      .context = host, .say = say, .show = show, .warn = warn, .progress = progress, .stop = cli_stop_on_signals()};
}
