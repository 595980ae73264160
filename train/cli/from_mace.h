/* A command line of mace-torch's mace_run_train as settings of a recipe (docs/training.md, "From mace_run_train"). */
#ifndef FTL_CLI_FROM_MACE_H
#define FTL_CLI_FROM_MACE_H

#include "frozentl.h"
#include "cli/translation.h"

/* Splits `command` as a shell would (quotes, backslashes, $HOME; nothing is executed) and translates it, whether it
   begins with mace_run_train or with the first flag. What the command leaves out has mace-torch's default.
   FTL_ERR_INPUT, `where` the flag, for a flag or value that mace_run_train does not know, and for one that asks for
   what is not trained here (dipoles, charges, another model). */
ftl_status cli_from_mace(const char *command, cli_settings *settings, ftl_error *error);

#endif
