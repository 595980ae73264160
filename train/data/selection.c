#include "data/selection.h"

#include <string.h>

#include "base/error.h"

static size_t key_length(const char *condition) { return strcspn(condition, "="); }

static bool same_key(const char *a, const char *b) {
  const size_t length = key_length(a);
  return length == key_length(b) && memcmp(a, b, length) == 0;
}

/* Whether an earlier condition has the key of the k-th. */
static bool named_before(const ftl_selection *s, int k) {
  for (int j = 0; j < k; j++)
    if (same_key(s->condition[j], s->condition[k])) return true;
  return false;
}

ftl_status ftl_selection_check(const ftl_selection *s, ftl_error *error) {
  for (int k = 0; k < s->n; k++) {
    const size_t length = key_length(s->condition[k]);
    if (length == 0 || length > 200 || !s->condition[k][length])
      return ftl_fail(error, FTL_ERR_INPUT, "select",
                      "'%.80s' is not KEY=VALUE, as in head=pbe or config_type=bulk; %s stands for no such key",
                      s->condition[k], FTL_SELECT_NONE);
  }
  return FTL_OK;
}

bool ftl_selection_has(const ftl_selection *s, const char *key) {
  for (int k = 0; k < s->n; k++)
    if (key_length(s->condition[k]) == strlen(key) && strncmp(s->condition[k], key, strlen(key)) == 0) return true;
  return false;
}

/* The frame's value of the key of a condition. */
static const char *value_of(const ftl_xyz_frame *frame, const char *condition, char key[256]) {
  const size_t length = key_length(condition) < 255 ? key_length(condition) : 255;
  memcpy(key, condition, length);
  key[length] = '\0';
  const char *value = ftl_xyz_value(frame, key);
  return value ? value : FTL_SELECT_NONE;
}

ftl_status ftl_selection_takes(const ftl_selection *s, const ftl_xyz_frame *frame, bool *takes, ftl_error *error) {
  char key[256];
  *takes = true;
  for (int k = 0; k < s->n; k++) {
    if (named_before(s, k)) continue;
    const char *value = value_of(frame, s->condition[k], key);
    FTL_TRY(ftl_xyz_once(frame, key, error));
    bool any = false;
    for (int j = k; j < s->n; j++)
      any |= same_key(s->condition[j], s->condition[k]) &&
             strcmp(s->condition[j] + key_length(s->condition[j]) + 1, value) == 0;
    *takes &= any;
  }
  return FTL_OK;
}

void ftl_selection_add(ftl_selection_count *count, const ftl_selection *s, const ftl_xyz_frame *frame, bool taken) {
  char key[256], text[400];
  count->frames++;
  count->taken += taken;
  for (int k = 0; k < s->n; k++) {
    if (named_before(s, k)) continue;
    const char *value = value_of(frame, s->condition[k], key);
    snprintf(text, sizeof text, "%s=%.100s", key, value);
    ftl_tally_add(&count->values, text);
  }
}

ftl_status ftl_selection_require(const ftl_selection_count *count, const ftl_selection *s, const char *path,
                                 ftl_error *error) {
  char list[250], wanted[150] = "";
  if (s->n == 0 || count->frames == 0 || count->taken > 0) return FTL_OK;
  for (int k = 0; k < s->n; k++)
    snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%s%s", k ? "," : "", s->condition[k]);
  ftl_tally_list(&count->values, list, sizeof list);
  return ftl_fail(error, FTL_ERR_INPUT, path, "select %s takes none of the %lld structures; they have %s", wanted,
                  (long long)count->frames, list);
}
