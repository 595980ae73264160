#include "cli/translation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"

void cli_settings_free(cli_settings *settings) {
  for (int k = 0; k < settings->n; k++) {
    free(settings->setting[k].key);
    free(settings->setting[k].text);
  }
  for (int k = 0; k < settings->n_said; k++) free(settings->said[k]);
  free(settings->setting);
  free(settings->said);
  *settings = (cli_settings){0};
}

ftl_status cli_settings_use(const cli_settings *settings, cli_flags *flags, const char *name, bool quiet,
                            ftl_error *error) {
  FTL_TRY(cli_flags_prepend(flags, settings->n, settings->setting, name, error));
  for (int k = 0; k < settings->n_said && !quiet; k++) fprintf(stderr, "frozentl: warning: %s\n", settings->said[k]);
  return FTL_OK;
}

void cli_document_row(const char *before, const char *option, const char *initial, cli_role role, const char *becomes) {
  static const char *const kinds[] = {[CLI_BECOMES_KEYS] = "",
                                      [CLI_BECOMES_SCRATCH] = "",
                                      [CLI_BECOMES_PASSED] = "no part: ",
                                      [CLI_BECOMES_NONE] = "no counterpart",
                                      [CLI_BECOMES_REFUSED] = "refused: "};
  printf("| `%s%s` | %s | %s%s%s |\n", before, option, initial ? initial : "", kinds[role],
         role == CLI_BECOMES_NONE && *becomes ? "; " : "", becomes);
}

void cli_refuse(cli_translation *t, const char *option, const char *format, ...) {
  char why[300], where[200];
  va_list args;
  if (t->status) return;
  va_start(args, format);
  vsnprintf(why, sizeof why, format, args);
  va_end(args);
  snprintf(where, sizeof where, "%s%.80s%.80s", t->before, option, t->after);
  t->status = ftl_fail(t->error, FTL_ERR_INPUT, where, "%s", why);
}

void cli_say(cli_translation *t, const char *format, ...) {
  char text[2000];
  va_list args;
  cli_settings *out = t->out;
  if (t->status) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  t->status = FTL_GROW(out->said, out->said_room, out->n_said + 1, "what is said", t->error);
  if (t->status) return;
  char *copy = strdup(text);
  if (copy) out->said[out->n_said++] = copy;
  else t->status = ftl_no_memory(t->error, NULL, "what is said");
}

void cli_say_none(cli_translation *t, const char *option, const char *becomes) {
  cli_say(t, "%s%s has no counterpart%s%s", t->before, option, *becomes ? ": " : "", becomes);
}

void cli_set(cli_translation *t, const char *key, const char *text) {
  cli_settings *out = t->out;
  if (t->status) return;
  t->status = FTL_GROW(out->setting, out->room, out->n + 1, "the settings", t->error);
  if (t->status) return;
  const cli_setting setting = {strdup(key), strdup(text)};
  out->setting[out->n++] = setting;
  if (!setting.key || !setting.text) t->status = ftl_no_memory(t->error, NULL, "a setting");
}

void cli_set_without(cli_translation *t, const char *key, const char *text, const char *less) {
  char kept[300];
  size_t n = 0;
  for (; *text && n + 1 < sizeof kept; text++)
    if (!strchr(less, *text)) kept[n++] = *text;
  kept[n] = '\0';
  cli_set(t, key, kept);
}
