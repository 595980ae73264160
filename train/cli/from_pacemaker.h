/* pacemaker's input.yaml as settings of a recipe of `frozentl fit` (docs/from-pacemaker.md). */
#ifndef FTL_CLI_FROM_PACEMAKER_H
#define FTL_CLI_FROM_PACEMAKER_H

#include "cli/translation.h"

/* FTL_ERR_IO; FTL_ERR_FORMAT with the line for bad YAML; FTL_ERR_INPUT names a key whose value asks for what is not
   fitted here. */
ftl_status cli_from_pacemaker(const char *path, cli_settings *settings, ftl_error *error);

#endif
