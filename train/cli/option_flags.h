/* Flags of a command that come from its table of options (support/options.h), and --set KEY=VALUE. A command has a
   cli_flags in its state; before argp runs it makes argp's list, in argp's parser it hands every key to
   cli_flags_parse first, and afterwards it sets the options. */
#ifndef FTL_CLI_OPTION_FLAGS_H
#define FTL_CLI_OPTION_FLAGS_H

#include <argp.h>
#include <stdbool.h>

#include "support/options.h"

typedef struct {
  char *key, *text, *name; /* "loss.energy", "10", "--set" */
} cli_flag;

typedef struct {
  char *key, *text; /* "optimiser.lr", "0.01" */
} cli_setting;

typedef struct {
  const ftl_option_table *table;
  struct argp_option *list; /* for struct argp */
  int n_helped;             /* the first ones of it, whose help texts were made from the table */
  cli_flag *given;          /* in their order: a recipe is read before them, wherever it stands */
  int n;
  size_t room;
} cli_flags;

/* Keys of a command's own options are letters that the table does not have, or CLI_FLAGS_KEY + 1, + 2, ... */
enum { CLI_FLAGS_KEY = 900 };

/* The list: the table's flags (group 1), --set with this example ("loss.energy=10"; NULL: there is no recipe), then
   `own` (may be NULL) up to its entry {0}. False without memory. */
bool cli_flags_start(cli_flags *flags, const ftl_option_table *table, const char *example,
                     const struct argp_option *own);
void cli_flags_end(cli_flags *flags);

/* Keeps a flag of the table or --set; false: the key is another one. Ends the program on wrong usage, as argp does. */
bool cli_flags_parse(cli_flags *flags, int key, const char *argument, struct argp_state *state);

/* Settings that stand before those given so far, as if by flags that are called --NAME. */
ftl_status cli_flags_prepend(cli_flags *flags, int n, const cli_setting *setting, const char *name, ftl_error *error);

/* Reads the recipe (NULL: none), then sets what the flags say. */
ftl_status cli_flags_apply(const cli_flags *flags, const char *recipe, ftl_options *options, ftl_error *error);

#endif
