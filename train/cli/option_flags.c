#include "cli/option_flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "base/array.h"
#include "base/error.h"

enum { KEY_TABLE = 1000 };

/* ---- argp's list ---- */

static const char *value_name(const ftl_option *option) {
  static const char *const names[] = {
      [FTL_OPTION_TEXT] = "TEXT",      [FTL_OPTION_PATH] = "FILE",        [FTL_OPTION_PATHS] = "FILE",
      [FTL_OPTION_WORDS] = "WORD,...", [FTL_OPTION_RATES] = "WORD=X,...", [FTL_OPTION_INTEGER] = "N",
      [FTL_OPTION_REAL] = "X",         [FTL_OPTION_BOOL] = "true|false",  [FTL_OPTION_SWITCH] = NULL,
      [FTL_OPTION_CHOICE] = "WORD"};
  return option->value ? option->value : names[option->type];
}

/* Adds an option to the list, with a help text of its own. */
static bool help(cli_flags *flags, const char *name, int key, const char *value, const char *text) {
  char *doc = strdup(text);
  if (!doc) return false;
  flags->list[flags->n_helped++] = (struct argp_option){name, key, value, 0, doc, 1};
  return true;
}

bool cli_flags_start(cli_flags *flags, const ftl_option_table *table, const char *example,
                     const struct argp_option *own) {
  char text[600], choices[FTL_CHOICES_LENGTH];
  size_t n_own = 0;
  while (own && own[n_own].name) n_own++;
  *flags = (cli_flags){.table = table};
  flags->list = calloc((size_t)table->n + 1 + n_own + 1, sizeof *flags->list);
  if (!flags->list) return false;
  for (int k = 0; k < table->n; k++) {
    const ftl_option *option = &table->option[k];
    if (!option->flag) continue;
    ftl_option_choices(option, choices);
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s%s", option->doc, *choices ? "; one of " : "", choices,
             option->initial ? "; default " : "", option->initial ? option->initial : "",
             option->tuned ? "; default with " : "", option->tuned ? table->tuned_by : "", option->tuned ? " " : "",
             option->tuned ? option->tuned : "");
    if (!help(flags, option->flag, option->letter ? option->letter : KEY_TABLE + k, value_name(option), text))
      return false;
  }
  if (example) {
    snprintf(text, sizeof text, "set any option of a recipe: --set %s", example);
    if (!help(flags, "set", CLI_FLAGS_KEY, "KEY=VALUE", text)) return false;
  }
  if (n_own > 0) memcpy(flags->list + flags->n_helped, own, n_own * sizeof *own);
  return true;
}

void cli_flags_end(cli_flags *flags) {
  for (int k = 0; k < flags->n_helped; k++) free((char *)flags->list[k].doc);
  free(flags->list);
  for (int k = 0; k < flags->n; k++) {
    free(flags->given[k].key);
    free(flags->given[k].text);
    free(flags->given[k].name);
  }
  free(flags->given);
}

/* ---- what is given ---- */

/* False without memory; then what could be had is in it all the same. */
static bool make_flag(const char *key, size_t length, const char *text, const char *name, cli_flag *flag) {
  *flag = (cli_flag){strndup(key, length), strdup(text), malloc(strlen(name) + 3)};
  if (flag->name) sprintf(flag->name, "--%s", name);
  return flag->key && flag->text && flag->name;
}

static void keep(cli_flags *flags, struct argp_state *state, const char *key, size_t length, const char *text,
                 const char *name) {
  const ftl_status grown = FTL_GROW(flags->given, flags->room, flags->n + 1, "the flags", NULL);
  if (grown || !make_flag(key, length, text, name, &flags->given[flags->n]))
    argp_failure(state, CLI_MEMORY, 0, "no memory");
  flags->n++;
}

bool cli_flags_parse(cli_flags *flags, int key, const char *argument, struct argp_state *state) {
  const ftl_option *option = flags->table->option;
  for (int k = 0; k < flags->table->n; k++)
    if (option[k].flag && (key == KEY_TABLE + k || (option[k].letter && key == option[k].letter))) {
      keep(flags, state, option[k].key, strlen(option[k].key), argument ? argument : "true", option[k].flag);
      return true;
    }
  if (key != CLI_FLAGS_KEY) return false;
  const size_t length = strcspn(argument, "=");
  if (!argument[length] || length == 0) argp_error(state, "--set takes KEY=VALUE, not '%s'", argument);
  keep(flags, state, argument, length, argument + length + 1, "set");
  return true;
}

ftl_status cli_flags_prepend(cli_flags *flags, int n, const cli_setting *setting, const char *name, ftl_error *error) {
  FTL_TRY(FTL_GROW(flags->given, flags->room, flags->n + n, "the flags", error));
  memmove(flags->given + n, flags->given, (size_t)flags->n * sizeof *flags->given);
  flags->n += n;
  bool whole = true;
  for (int k = 0; k < n; k++)
    whole &= make_flag(setting[k].key, strlen(setting[k].key), setting[k].text, name, &flags->given[k]);
  return whole ? FTL_OK : ftl_no_memory(error, NULL, "the flags");
}

ftl_status cli_flags_apply(const cli_flags *flags, const char *recipe, ftl_options *options, ftl_error *error) {
  FTL_TRY(recipe ? ftl_options_read(options, recipe, error) : FTL_OK);
  for (int k = 0; k < flags->n; k++)
    FTL_TRY(ftl_options_set(options, flags->given[k].key, flags->given[k].text, flags->given[k].name, error));
  return ftl_options_settle(options, error);
}
