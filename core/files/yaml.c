#include "files/yaml.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "files/yaml_load.h"

ftl_status ftl_yaml_fail(ftl_yaml *yaml, const yaml_node_t *node, ftl_error *error, const char *format, ...) {
  char where[256], message[400];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  snprintf(where, sizeof where, "%.200s, line %zu", yaml->path, node ? node->start_mark.line + 1 : 1);
  return ftl_fail(error, FTL_ERR_FORMAT, where, "%s", message);
}

ftl_status ftl_yaml_open(ftl_yaml *yaml, const void *data, size_t size, const char *path, ftl_error *error) {
  memset(yaml, 0, sizeof *yaml);
  yaml->path = path;
  return ftl_yaml_load(data, size, path, &yaml->document, error);
}

void ftl_yaml_close(ftl_yaml *yaml) { yaml_document_delete(&yaml->document); }

const yaml_node_t *ftl_yaml_node(ftl_yaml *yaml, yaml_node_item_t item) {
  return yaml_document_get_node(&yaml->document, item);
}

int ftl_yaml_length(const yaml_node_t *node) {
  return node->type == YAML_SEQUENCE_NODE ? (int)(node->data.sequence.items.top - node->data.sequence.items.start) : -1;
}

int ftl_yaml_pairs(const yaml_node_t *node) {
  return node->type == YAML_MAPPING_NODE ? (int)(node->data.mapping.pairs.top - node->data.mapping.pairs.start) : -1;
}

const yaml_node_t *ftl_yaml_item(ftl_yaml *yaml, const yaml_node_t *sequence, int k) {
  return ftl_yaml_node(yaml, sequence->data.sequence.items.start[k]);
}

const char *ftl_yaml_text(const yaml_node_t *node) {
  if (node->type != YAML_SCALAR_NODE) return NULL;
  const char *text = (const char *)node->data.scalar.value;
  return strlen(text) == node->data.scalar.length ? text : NULL; /* "\0" inside is hostile */
}

ftl_status ftl_yaml_fields(ftl_yaml *yaml, const yaml_node_t *mapping, const char *what, ftl_yaml_field *field, int n,
                           ftl_error *error) {
  if (mapping->type != YAML_MAPPING_NODE)
    return ftl_yaml_fail(yaml, mapping, error, "%s must be a mapping of fields", what);
  for (int f = 0; f < n; f++) field[f].value = NULL;
  const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
  for (; pair < mapping->data.mapping.pairs.top; pair++) {
    const yaml_node_t *key = ftl_yaml_node(yaml, pair->key);
    const char *name = ftl_yaml_text(key);
    int f = 0;
    while (name && f < n && strcmp(field[f].name, name) != 0) f++;
    if (!name || f == n)
      return ftl_yaml_fail(yaml, key, error, "%s has a field '%.60s', which is not known here", what,
                           name ? name : "(no word)");
    field[f].value = ftl_yaml_node(yaml, pair->value);
  }
  for (int f = 0; f < n; f++)
    if (field[f].required && !field[f].value)
      return ftl_yaml_fail(yaml, mapping, error, "%s lacks the field '%s'", what, field[f].name);
  return FTL_OK;
}

ftl_status ftl_yaml_number(ftl_yaml *yaml, const yaml_node_t *node, const char *what, double *value, ftl_error *error) {
  const char *text = ftl_yaml_text(node);
  char *end = NULL;
  if (text && *text) *value = strtod(text, &end);
  if (!text || !*text || *end || !isfinite(*value))
    return ftl_yaml_fail(yaml, node, error, "%s: '%.40s' is not a finite number", what, text ? text : "(a list)");
  return FTL_OK;
}

ftl_status ftl_yaml_integer(ftl_yaml *yaml, const yaml_node_t *node, const char *what, int low, int high, int *value,
                            ftl_error *error) {
  const char *text = ftl_yaml_text(node);
  char *end = NULL;
  long number = 0;
  if (text && *text) number = strtol(text, &end, 10);
  if (!text || !*text || *end)
    return ftl_yaml_fail(yaml, node, error, "%s: '%.40s' is not an integer", what, text ? text : "(a list)");
  if (number < low || number > high)
    return ftl_yaml_fail(yaml, node, error, "%s is %.20s, outside %d .. %d", what, text, low, high);
  *value = (int)number;
  return FTL_OK;
}

static ftl_status need_length(ftl_yaml *yaml, const yaml_node_t *node, const char *what, int n, ftl_error *error) {
  int length = ftl_yaml_length(node);
  if (length < 0) return ftl_yaml_fail(yaml, node, error, "%s must be a list", what);
  return length == n ? FTL_OK
                     : ftl_yaml_fail(yaml, node, error, "%s has %d entries where %d are needed", what, length, n);
}

ftl_status ftl_yaml_numbers(ftl_yaml *yaml, const yaml_node_t *node, const char *what, int n, double *values,
                            ftl_error *error) {
  FTL_TRY(need_length(yaml, node, what, n, error));
  for (int k = 0; k < n; k++) FTL_TRY(ftl_yaml_number(yaml, ftl_yaml_item(yaml, node, k), what, &values[k], error));
  return FTL_OK;
}

ftl_status ftl_yaml_integers(ftl_yaml *yaml, const yaml_node_t *node, const char *what, int n, int low, int high,
                             int *values, ftl_error *error) {
  FTL_TRY(need_length(yaml, node, what, n, error));
  for (int k = 0; k < n; k++)
    FTL_TRY(ftl_yaml_integer(yaml, ftl_yaml_item(yaml, node, k), what, low, high, &values[k], error));
  return FTL_OK;
}
