/* What the subcommands of `frozentl` share: exit codes, reporting, option parsing, a progress bar. Only these files and
   cmd_*.c print. */
#ifndef FTL_CLI_H
#define FTL_CLI_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "support/paths.h"
#include "frozentl.h"
#include "model/architecture.h"
#include "support/options.h"

/* Exit codes, documented in --help and docs. */
enum {
  CLI_OK = 0,
  CLI_INPUT = 1,  /* a model or data file is missing, wrong or not supported */
  CLI_USAGE = 2,  /* the command line */
  CLI_OUTPUT = 3, /* a result cannot be written: no permission, no space, the file exists */
  CLI_MEMORY = 4,
  CLI_DIVERGED = 5,    /* training diverged */
  CLI_INTERRUPTED = 6, /* a signal ended train, fit or distill */
  CLI_DIFFERENT = 7    /* frozentl diff: the models differ */
};

/* From here on what the program prints on stdout and stderr, argp's messages and libraries' included, goes through
   ftl_printable: no file can act on the terminal. Lines and tabs stay. False without memory. Only the progress bar,
   which writes to cli_terminal, is as it is. */
bool cli_guard_streams(void);
extern FILE *cli_terminal;

/* Prints JSON on stdout and ends the line, in ASCII: names from files are escaped rather than replaced. */
void cli_print_json(const json_t *json, size_t flags);

/* Prints "frozentl: WHERE: MESSAGE" on stderr and returns `exit_code`, or CLI_MEMORY if that is what the error is. */
int cli_report(const ftl_error *error, int exit_code);

/* Before anything is computed: no output is an input, another output, or a file of a run. Frees the paths. Returns
   CLI_OK, or CLI_OUTPUT after saying which. */
int cli_check_paths(ftl_paths *paths);

/* For a command without --force: CLI_OK if there is nothing of that name, not even a dangling link, else CLI_OUTPUT
   after saying so. */
int cli_refuse_existing(const char *path);
/* Writes a file of content[size], whole or not at all; CLI_OUTPUT after a sentence. */
int cli_save(const char *path, const char *content, size_t size);

/* ftl_source_write, which puts a complete file in place; a signal before that leaves nothing behind. */
ftl_status cli_write_model(const ftl_source *source, const char *path, ftl_error *error);

/* Parses with argp as the subcommand `name` ("eval"); returns CLI_OK, or CLI_USAGE after argp printed what is wrong and
   how to get help. --help and --version exit here with 0. */
int cli_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input);

/* "H,Cu": atomic numbers into z[room]; argp_error, which ends the program with CLI_USAGE, on anything that is not a
 * list of different elements. */
int cli_elements(struct argp_state *state, const char *option, const char *text, int *z, int room);

/* A line on stderr, redrawn a few times a second, when stderr is a terminal and `quiet` is false; otherwise nothing. */
typedef struct {
  bool shown;
  double total, began, drawn; /* total 0: unknown */
  double first;               /* done before it started, by an earlier run */
  const char *what;
} cli_progress;
void cli_progress_start(cli_progress *progress, const char *what, double total, bool quiet);
void cli_progress_update(cli_progress *progress, double done);
void cli_progress_clear(cli_progress *progress); /* for other output; the next update draws it again */
void cli_progress_end(cli_progress *progress);   /* clears the line */

/* Of --foundation, which every command that reads models has. */
#define CLI_FOUNDATION_HELP                                                                                            \
  "if it is a delta: the file of its foundation, or its name (otherwise looked for next to the delta, in the folders " \
  "of FROZENTL_PATH and in ~/.cache/frozentl)"

/* More threads than cores are a mistake, mostly: says so on stderr. */
void cli_warn_of_threads(int threads);

int cmd_info(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_estimate(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_foundation(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_fit(int argc, char **argv);
int cmd_distill(int argc, char **argv);
int cmd_select(int argc, char **argv);
int cmd_trust(int argc, char **argv);

#endif
