/* Another program's command line or input file as settings of a recipe, with sentences on what has no counterpart
   (docs/from-mace.md, docs/from-pacemaker.md). */
#ifndef FTL_CLI_TRANSLATION_H
#define FTL_CLI_TRANSLATION_H

#include <stdbool.h>
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

void cli_settings_free(cli_settings *settings);
/* The settings become flags that stand before those given, as if by --NAME; the sentences are warnings unless `quiet`.
   Errors of cli_flags_prepend. */
ftl_status cli_settings_use(const cli_settings *settings, cli_flags *flags, const char *name, bool quiet,
                            ftl_error *error);

/* What becomes of one of the program's options. */
typedef enum {
  CLI_BECOMES_KEYS,    /* it is translated; `becomes`: the keys */
  CLI_BECOMES_SCRATCH, /* the same, of a new model: with a foundation it plays no part */
  CLI_BECOMES_PASSED,  /* plays no part here, whatever it is; `becomes`: why */
  CLI_BECOMES_NONE,    /* other than its default it has no counterpart; `becomes`: what to do, or why */
  CLI_BECOMES_REFUSED  /* other than its default it asks for what is not made here; `becomes`: for what */
} cli_role;

/* A row of the manual's table. */
void cli_document_row(const char *before, const char *option, const char *initial, cli_role role, const char *becomes);

/* A translation under way. After the first thing that goes wrong nothing more is done. */
typedef struct {
  const char *before, *after; /* of an option's name, in messages: "--", " of mace_run_train" */
  cli_settings *out;
  ftl_status status;
  ftl_error *error;
} cli_translation;

void cli_refuse(cli_translation *t, const char *option, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cli_say(cli_translation *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The sentence for an option without counterpart. */
void cli_say_none(cli_translation *t, const char *option, const char *becomes);
void cli_set(cli_translation *t, const char *key, const char *text);
/* `key` is the text less some characters. */
void cli_set_without(cli_translation *t, const char *key, const char *text, const char *less);

#endif
