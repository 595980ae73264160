/* frozentl info of a PACE potential: .yace or a surrogate. */
#ifndef CLI_INFO_PACE_H
#define CLI_INFO_PACE_H

#include "files/model_file.h"

/* Prints what the file holds, as text or JSON; answers the exit code. */
int cli_info_pace(const char *path, ftl_pace_kind kind, int json, ftl_error *error);

#endif
