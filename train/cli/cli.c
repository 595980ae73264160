#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int cli_report(const ftl_error *error, int exit_code) {
  fflush(stdout);
  fprintf(stderr, "frozentl: %s%s%s\n", error->where, *error->where ? ": " : "", error->message);
  return error->code == FTL_ERR_MEMORY ? CLI_MEMORY : exit_code;
}

int cli_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input) {
  char full[64];
  snprintf(full, sizeof full, "frozentl %s", name);
  argv[0] = full; /* argp's messages begin with it */
  return argp_parse(argp, argc, argv, 0, NULL, input) == 0 ? CLI_OK : CLI_USAGE;
}

int cli_integer(struct argp_state *state, const char *option, const char *text, int min, int max) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (end == text || *end || errno || value < min || value > max)
    argp_error(state, "%s takes a whole number from %d to %d, not '%s'", option, min, max, text);
  return (int)value;
}

int cli_elements(struct argp_state *state, const char *option, const char *text, int *z, int room) {
  int count = 0;
  for (const char *p = text;;) {
    char symbol[4] = "";
    size_t length = strcspn(p, ",");
    if (length < sizeof symbol) memcpy(symbol, p, length);
    int number = ftl_atomic_number(symbol);
    if (!number)
      argp_error(state, "%s: '%.*s' is not a chemical element; give symbols like H,Cu", option, (int)length, p);
    for (int k = 0; k < count; k++)
      if (z[k] == number) argp_error(state, "%s names %s twice", option, symbol);
    if (count == room) argp_error(state, "%s takes at most %d elements", option, room);
    z[count++] = number;
    if (!p[length]) return count;
    p += length + 1;
  }
}

double cli_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void cli_progress_start(cli_progress *progress, const char *what, double total, bool quiet) {
  progress->shown = !quiet && isatty(STDERR_FILENO);
  progress->total = total;
  progress->what = what;
  progress->began = cli_seconds();
  progress->drawn = progress->first = 0;
}

void cli_progress_update(cli_progress *progress, double done) {
  double now = cli_seconds();
  if (!progress->shown || now - progress->drawn < 0.2) return;
  progress->drawn = now;
  if (progress->total <= 0 || done <= 0) {
    fprintf(cli_terminal, "\r\033[K%.0f %s", done, progress->what);
    return;
  }
  enum { WIDTH = 30 };
  double fraction = done < progress->total ? done / progress->total : 1;
  int filled = (int)(fraction * WIDTH);
  double here = done - progress->first; /* of this run */
  double left = here > 0 ? (now - progress->began) * (progress->total - done) / here : 0;
  fprintf(cli_terminal, "\r\033[K[%.*s%*s] %3.0f %%  %.0f of %.0f %s, %d:%02d:%02d left", filled,
          "##############################", WIDTH - filled, "", 100 * fraction, done, progress->total, progress->what,
          (int)(left / 3600), (int)(left / 60) % 60, (int)left % 60);
}

void cli_progress_clear(cli_progress *progress) {
  if (progress->shown && progress->drawn > 0) fputs("\r\033[K", cli_terminal);
  progress->drawn = 0;
}

void cli_progress_end(cli_progress *progress) {
  cli_progress_clear(progress);
  progress->shown = false;
}
