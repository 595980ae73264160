/* frozentl info of a PACE potential. */
#ifndef CLI_INFO_PACE_H
#define CLI_INFO_PACE_H

#include "frozentl.h"

/* Prints what the .yace holds, as text or JSON; answers the exit code. */
int cli_info_pace(const char *path, int json, ftl_error *error);

#endif
