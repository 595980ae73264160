/* Typed access to a YAML document whose fields are known beforehand. Errors name the file, the line and the field. */
#ifndef FTL_ACE_YAML_H
#define FTL_ACE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "frozentl.h"

typedef struct {
  yaml_document_t document;
  const char *path;
} ftl_yaml;

/* Refuses what files/yaml_load.h refuses: a tree that fits in the file cannot grow when it is walked. */
ftl_status ftl_yaml_open(ftl_yaml *yaml, const void *data, size_t size, const char *path, ftl_error *error);
void ftl_yaml_close(ftl_yaml *yaml);

typedef struct {
  const char *name;
  bool required;
  const yaml_node_t *value; /* found, or NULL */
} ftl_yaml_field;

/* The fields of a mapping; `what` is its name for errors. Unknown and missing fields are refused by name. */
ftl_status ftl_yaml_fields(ftl_yaml *yaml, const yaml_node_t *mapping, const char *what, ftl_yaml_field *field, int n,
                           ftl_error *error);

const yaml_node_t *ftl_yaml_node(ftl_yaml *yaml, yaml_node_item_t item);
/* Items of a sequence, pairs of a mapping; -1 when the node is not of that kind. */
int ftl_yaml_length(const yaml_node_t *sequence);
int ftl_yaml_pairs(const yaml_node_t *mapping);
const yaml_node_t *ftl_yaml_item(ftl_yaml *yaml, const yaml_node_t *sequence, int k);
/* NULL when it is not a scalar. */
const char *ftl_yaml_text(const yaml_node_t *node);

ftl_status ftl_yaml_number(ftl_yaml *yaml, const yaml_node_t *node, const char *what, double *value, ftl_error *error);
ftl_status ftl_yaml_integer(ftl_yaml *yaml, const yaml_node_t *node, const char *what, int low, int high, int *value,
                            ftl_error *error);
/* Sequences of exactly n. */
ftl_status ftl_yaml_numbers(ftl_yaml *yaml, const yaml_node_t *node, const char *what, int n, double *values,
                            ftl_error *error);
ftl_status ftl_yaml_integers(ftl_yaml *yaml, const yaml_node_t *node, const char *what, int n, int low, int high,
                             int *values, ftl_error *error);

/* FTL_ERR_FORMAT at a node. */
ftl_status ftl_yaml_fail(ftl_yaml *yaml, const yaml_node_t *node, ftl_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
