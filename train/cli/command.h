/* Command lines of the commands without a recipe: a table of options (support/options.h), of which flags and --help are
   made as for train, fit and distill (cli/option_flags.h), and one or two files. */
#ifndef FTL_CLI_COMMAND_H
#define FTL_CLI_COMMAND_H

#include <argp.h>

#include "support/options.h"

enum { CLI_MOST_FILES = 2 };

typedef struct {
  ftl_options options;        /* its `values` are the command's */
  char *file[CLI_MOST_FILES]; /* NULL behind the last; of argv */
} cli_given;

typedef struct {
  ftl_option_table table;  /* `command` is the name behind "frozentl" */
  const char *files, *doc; /* argp's args_doc and doc */
  int least, most;         /* files it takes */
  const char *missing;     /* what is said below `least`: "which FILE?" */
  const char *extra;       /* and above `most`, before ", not also 'NAME'": "one FILE at a time" */
  /* What the table cannot say: sets the other members of the values, and ends in argp_error on wrong usage. May be
     NULL. */
  void (*check)(const cli_given *given, struct argp_state *state);
} cli_command;

/* Sets the values, all zero before, from the table's defaults and argv, and runs the command with them. Returns its
   exit code, or CLI_USAGE as cli_parse, or CLI_MEMORY; what the values own is freed. */
int cli_command_run(const cli_command *command, int argc, char **argv, void *values,
                    int (*run)(const cli_given *given));

#endif
