/* A command line of mace-torch's mace_run_train as settings of a recipe (docs/training.md, "From mace_run_train"). */
#ifndef FTL_CLI_FROM_MACE_H
#define FTL_CLI_FROM_MACE_H

#include <stddef.h>

#include "frozentl.h"
#include "cli/option_flags.h"

/* Zero-initialise; cli_settings_free when done. */
typedef struct {
  int n;
  size_t room;
  cli_setting *setting;
  int n_said;
  size_t said_room;
  char **said; /* sentences: what has no counterpart, and what plays no part here */
} cli_settings;

/* Splits `command` as a shell would (quotes, backslashes, $HOME; nothing is executed) and translates it, whether it
   begins with mace_run_train or with the first flag. What the command leaves out has mace-torch's default.
   FTL_ERR_INPUT, `where` the flag, for a flag or value that mace_run_train does not know, and for one that asks for
   what is not trained here (dipoles, charges, another model). */
ftl_status cli_from_mace(const char *command, cli_settings *settings, ftl_error *error);
void cli_settings_free(cli_settings *settings);

#endif
