/* Numbers and values of extended XYZ frames. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/error.h"
#include "base/numbers.h"
#include "data/xyz_internal.h"

int ftl_xyz_numbers(const char *text, double *values, int max) {
  const char *separators = " \t,[](){}";
  int count = 0;
  if (strncmp(text, "_JSON", 5) == 0) text += 5;
  for (;;) {
    text += strspn(text, separators);
    size_t length = strcspn(text, separators);
    char word[64];
    if (length == 0) return count;
    if (length >= sizeof word || count == max) return -1;
    memcpy(word, text, length);
    word[length] = 0;
    if (!ftl_parse_real(word, &values[count++])) return -1;
    text += length;
  }
}

static bool is_blank_word(const char *word, size_t length) {
  static const char *const blank[] = {"nan", "none", "null", "na",       "n/a",
                                      "--",  "-nan", "+nan", "nan(ind)", "-nan(ind)"};
  for (size_t k = 0; k < sizeof blank / sizeof *blank; k++)
    if (strlen(blank[k]) == length && strncasecmp(blank[k], word, length) == 0) return true;
  return false;
}

bool ftl_xyz_is_blank(const char *text) {
  const char *separators = " \t,[]{}\"'";
  if (strncmp(text, "_JSON", 5) == 0) text += 5;
  for (;;) {
    text += strspn(text, separators);
    const size_t length = strcspn(text, separators);
    if (length == 0) return true;
    if (!is_blank_word(text, length)) return false;
    text += length;
  }
}

const char *ftl_xyz_value(const ftl_xyz_frame *frame, const char *key) {
  for (int k = 0; k < frame->n_entries; k++)
    if (strcmp(frame->entry[k].key, key) == 0) return frame->entry[k].value;
  return NULL;
}

ftl_status ftl_xyz_once(const ftl_xyz_frame *frame, const char *key, ftl_error *error) {
  int count = 0;
  for (int k = 0; *frame->repeated && k < frame->n_entries; k++) count += strcmp(frame->entry[k].key, key) == 0;
  if (count <= 1) return FTL_OK;
  return ftl_xyz_fail(frame, frame->line + 1, error, "the comment line gives %s twice: keep one of them", key);
}

ftl_status ftl_xyz_real(const ftl_xyz_frame *frame, const char *key, double *value, ftl_error *error) {
  const char *text = ftl_xyz_value(frame, key);
  if (!text) return ftl_xyz_fail(frame, frame->line + 1, error, "the comment line has no %s", key);
  if (ftl_xyz_numbers(text, value, 1) != 1)
    return ftl_xyz_fail(frame, frame->line + 1, error, "%s=\"%.60s\" is not a finite number", key, text);
  return FTL_OK;
}

ftl_status ftl_xyz_matrix(const ftl_xyz_frame *frame, const char *key, double matrix[3][3], ftl_error *error) {
  const char *text = ftl_xyz_value(frame, key);
  if (!text) return ftl_xyz_fail(frame, frame->line + 1, error, "the comment line has no %s", key);
  double v[9];
  int count = ftl_xyz_numbers(text, v, 9);
  if (count == 6) { /* Voigt: xx yy zz yz xz xy */
    const double full[3][3] = {{v[0], v[5], v[4]}, {v[5], v[1], v[3]}, {v[4], v[3], v[2]}};
    memcpy(matrix, full, sizeof full);
  } else if (count == 9) {
    memcpy(matrix, v, sizeof v);
  } else {
    return ftl_xyz_fail(frame, frame->line + 1, error, "%s=\"%.60s\" is not nine (or six) finite numbers", key, text);
  }
  return FTL_OK;
}

/* Removes the key from the k-th entry on, wherever it stands. */
static void remove_entries(ftl_xyz_frame *frame, const char *key, int k) {
  int kept = k;
  for (; k < frame->n_entries; k++) {
    ftl_xyz_entry *e = &frame->entry[k];
    if (strcmp(e->key, key) != 0) {
      frame->entry[kept++] = *e;
      continue;
    }
    free(e->key);
    free(e->value);
    free(e->raw);
  }
  if (kept < frame->n_entries) frame->n_entries = kept;
}

ftl_status ftl_xyz_set(ftl_xyz_frame *frame, const char *key, const char *value, ftl_error *error) {
  int k = 0;
  while (k < frame->n_entries && strcmp(frame->entry[k].key, key) != 0) k++;
  remove_entries(frame, key, value ? k + 1 : k);
  if (!value) return FTL_OK;
  FTL_TRY(FTL_GROW(frame->entry, frame->entry_room, (size_t)k + 1, "a comment line", error));
  char *owned_value = strdup(value), *owned_key = k == frame->n_entries ? strdup(key) : frame->entry[k].key;
  if (!owned_value || !owned_key) {
    free(owned_value);
    if (k == frame->n_entries) free(owned_key);
    return ftl_no_memory(error, frame->path, "a comment line");
  }
  if (k == frame->n_entries) {
    frame->n_entries++;
  } else {
    free(frame->entry[k].value);
    free(frame->entry[k].raw);
  }
  frame->entry[k] = (ftl_xyz_entry){owned_key, owned_value, NULL};
  return FTL_OK;
}
