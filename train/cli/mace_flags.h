/* The flags of mace-torch's mace_run_train (0.3.16, mace/tools/arg_parser.py), each with what becomes of it here. */
#ifndef FTL_CLI_MACE_FLAGS_H
#define FTL_CLI_MACE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/translation.h"

typedef struct {
  const char *flag, *initial; /* NULL: none */
  cli_role role;
  const char *becomes;
  bool alone; /* takes no value: --ema */
} cli_mace_flag;

enum { CLI_MACE_N = 169 };
extern const cli_mace_flag cli_mace_flags[CLI_MACE_N];

/* Where the flag of this name (length characters, no dashes; also its second name, stage_two_lr for swa_lr) is in the
 * table, or -1. */
int cli_mace_flag_at(const char *name, size_t length);

#endif
