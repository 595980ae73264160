#include "support/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "support/options_internal.h"
#include "support/output.h"

static bool is_recorded(const ftl_options *options, const ftl_option *option) {
  return option->type != FTL_OPTION_PATH && option->type != FTL_OPTION_PATHS &&
         ftl_options_applies(options, option, NULL);
}

json_t *ftl_options_record(const ftl_options *options) {
  json_t *record = json_object();
  for (int k = 0; record && k < options->table->n; k++) {
    const ftl_option *option = &options->table->option[k];
    if (!is_recorded(options, option)) continue;
    char *text = ftl_options_has_value(options, option) ? ftl_options_text(options, option) : strdup("");
    json_t *value = text ? json_string(text) : NULL;
    if (!value && text) value = json_string("(not UTF-8)");
    free(text);
    if (json_object_set_new(record, option->key, value) == 0) continue;
    json_decref(record);
    record = NULL;
  }
  return record;
}

static bool among(const char *key, const char *const *list) {
  for (; *list; list++)
    if (strcmp(*list, key) == 0) return true;
  return false;
}

static void add(char *text, size_t room, const char *key, const char *before, const char *now) {
  const size_t used = strlen(text);
  snprintf(text + used, room - used, "%s%s is %.60s%s (it was %.60s%s)", used ? ", " : "", key, *now ? now : "not set",
           strlen(now) > 60 ? "..." : "", *before ? before : "not set", strlen(before) > 60 ? "..." : "");
}

ftl_status ftl_options_compare(const ftl_options *options, const json_t *record, const char *const *free_keys,
                               const char *where, char said[400], ftl_error *error) {
  char wrong[400] = "";
  json_t *now = ftl_options_record(options);
  if (!now) return ftl_no_memory(error, where, "comparing the recipe");
  *said = '\0';
  for (int k = 0; k < options->table->n; k++) {
    const char *key = options->table->option[k].key, *before = json_string_value(json_object_get(record, key)),
               *text = json_string_value(json_object_get(now, key));
    if (!before && !ftl_options_is_set(options, key)) continue;
    if (!before) before = "";
    if (!text) text = "";
    if (strcmp(before, text) == 0) continue;
    if (among(key, free_keys)) add(said, 400, key, before, text);
    else add(wrong, sizeof wrong, key, before, text);
  }
  json_decref(now);
  if (!*wrong) return FTL_OK;
  return ftl_fail(
      error, FTL_ERR_INPUT, where,
      "the recipe has changed since the run began: %s; a run that goes on keeps its settings: put them back, "
      "or begin another run",
      wrong);
}

ftl_status ftl_record_write(const char *path, json_t *json, ftl_error *error) {
  ftl_output_file output;
  if (!json) return ftl_no_memory(error, path, "writing it");
  ftl_status status = ftl_output_open(path, &output, error);
  if (!status) {
    const bool good = json_dumpf(json, output.stream, JSON_INDENT(1)) == 0 && putc('\n', output.stream) != EOF;
    if (good) status = ftl_output_commit(&output, error);
    else {
      status = ftl_fail(error, FTL_ERR_IO, path, "cannot write it: %s", strerror(errno));
      ftl_output_discard(&output);
    }
  }
  json_decref(json);
  return status;
}
