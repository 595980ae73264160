/* The keys of pacemaker's input.yaml (python-ace's docs/pacemaker/inputfile.md and examples, 2024-11), each with what
   becomes of it here. Below embeddings, bonds and functions stands a word for elements (ALL, UNARY, AlNi), which the
   table leaves out. */
#ifndef FTL_CLI_PACEMAKER_KEYS_H
#define FTL_CLI_PACEMAKER_KEYS_H

#include "cli/translation.h"

typedef struct {
  const char *key, *initial; /* initial: the default; NULL: none */
  cli_role role;             /* CLI_BECOMES_PASSED: and all that is below it */
  const char *becomes;
} cli_pacemaker_key;

extern const cli_pacemaker_key cli_pacemaker_keys[];
extern const int cli_pacemaker_n;

/* Where this key is in the table, or -1. */
int cli_pacemaker_key_at(const char *key);

#endif
