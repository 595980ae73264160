#include "base/clock.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/output.h"
#include "base/error.h"

int cli_report(const ftl_error *error, int exit_code) {
  fflush(stdout);
  fprintf(stderr, "frozentl: %s%s%s\n", error->where, *error->where ? ": " : "", error->message);
  return error->code == FTL_ERR_MEMORY ? CLI_MEMORY : exit_code;
}

ftl_status cli_write_model(const ftl_source *source, const char *path, ftl_error *error) {
  ftl_output_file file;
  ftl_output_begin_model(path, &file);
  ftl_status status = ftl_source_write(source, path, error);
  ftl_output_end_model(&file);
  return status;
}

/* What stdout goes to, when that is a file and nobody asked for it by name ("-o /dev/stdout"). */
static void add_stdout(ftl_paths *paths) {
  struct stat info;
  if (fstat(STDOUT_FILENO, &info) != 0 || !S_ISREG(info.st_mode)) return;
  for (int k = 0; k < paths->n; k++)
    if (strncmp(paths->path[k].path, "/dev/", 5) == 0 || strncmp(paths->path[k].path, "/proc/", 6) == 0) return;
  ftl_paths_output(paths, "standard output", "/dev/stdout");
}

int cli_check_paths(ftl_paths *paths) {
  ftl_error error = {0};
  add_stdout(paths);
  ftl_status status = ftl_paths_check(paths, &error);
  if (!status) status = ftl_paths_check_runs(paths, &error);
  ftl_paths_free(paths);
  return status == FTL_OK ? CLI_OK : cli_report(&error, CLI_OUTPUT);
}

int cli_save(const char *path, const char *content, size_t size) {
  ftl_error error = {0};
  ftl_output_file file;
  if (ftl_output_open(path, &file, &error) != FTL_OK) return cli_report(&error, CLI_OUTPUT);
  fwrite(content, 1, size, file.stream);
  return ftl_output_commit(&file, &error) == FTL_OK ? CLI_OK : cli_report(&error, CLI_OUTPUT);
}

int cli_refuse_existing(const char *path) {
  struct stat info;
  ftl_error error = {0};
  if (lstat(path, &info) != 0) return CLI_OK;
  ftl_fail(&error, FTL_ERR_IO, path, "it exists; choose another name, or --force to replace it");
  return cli_report(&error, CLI_OUTPUT);
}

int cli_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input) {
  char full[64];
  snprintf(full, sizeof full, "frozentl %s", name);
  argv[0] = full; /* argp's messages begin with it */
  return argp_parse(argp, argc, argv, 0, NULL, input) == 0 ? CLI_OK : CLI_USAGE;
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

void cli_warn_of_threads(int threads) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  if (cores > 0 && threads > cores)
    fprintf(stderr,
            "frozentl: warning: threads is %d, but this machine has %ld cores: more threads than cores only make it "
            "slower\n",
            threads, cores);
}

void cli_progress_start(cli_progress *progress, const char *what, double total, bool quiet) {
  progress->shown = !quiet && isatty(STDERR_FILENO);
  progress->total = total;
  progress->what = what;
  progress->began = ftl_seconds();
  progress->drawn = progress->first = 0;
}

void cli_progress_update(cli_progress *progress, double done) {
  double now = ftl_seconds();
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
