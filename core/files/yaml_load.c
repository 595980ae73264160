#include "files/yaml_load.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* yaml_parser_load is not used: its time grows with the square of the depth and of the number of anchors before anybody
   can look. Here every event is judged as it comes. */
enum { MAX_DEPTH = 64, MAX_DIRECTIVES = 64, MAX_NODES = 1 << 30 };

typedef struct {
  int node, key; /* key of a mapping that waits for its value; 0: none */
} level;

typedef struct {
  const char *path;
  yaml_document_t *document;
  level open[MAX_DEPTH];
  int depth;
  ftl_error *error;
} loader;

static ftl_status refuse(const loader *l, ftl_status code, size_t line, const char *format, const char *text) {
  char where[256];
  snprintf(where, sizeof where, "%.200s, line %zu", l->path, line + 1);
  return ftl_fail(l->error, code, where, format, text);
}

static ftl_status no_memory(const loader *l) { return ftl_no_memory(l->error, l->path, "reading the file"); }

/* libyaml compares each with all before it. */
static bool few_directives(const char *data, size_t size) {
  if (size == 0) return true; /* data may be NULL */
  int n = *data == '%';
  for (const char *at = data, *end = data + size; (at = memchr(at, '\n', (size_t)(end - at)));)
    n += ++at < end && *at == '%';
  return n <= MAX_DIRECTIVES;
}

static yaml_node_t *node_of(const loader *l, int node) { return &l->document->nodes.start[node - 1]; }

/* ---- keys ---- */

static int compare_keys(const void *a, const void *b) {
  const yaml_node_t *x = *(const yaml_node_t *const *)a, *y = *(const yaml_node_t *const *)b;
  const size_t n = x->data.scalar.length, m = y->data.scalar.length;
  const int order = memcmp(x->data.scalar.value, y->data.scalar.value, n < m ? n : m);
  if (order != 0) return order;
  if (n != m) return n < m ? -1 : 1;
  return x->start_mark.index < y->start_mark.index ? -1 : 1; /* the later one is named */
}

static bool same_key(const yaml_node_t *a, const yaml_node_t *b) {
  return a->data.scalar.length == b->data.scalar.length &&
         memcmp(a->data.scalar.value, b->data.scalar.value, a->data.scalar.length) == 0;
}

static ftl_status check_keys(const loader *l, const yaml_node_t *mapping) {
  const yaml_node_pair_t *begin = mapping->data.mapping.pairs.start, *end = mapping->data.mapping.pairs.top;
  const yaml_node_t **key = malloc(((size_t)(end - begin) + 1) * sizeof *key);
  size_t n = 0;
  ftl_status status = FTL_OK;
  if (!key) return no_memory(l);
  for (const yaml_node_pair_t *pair = begin; pair < end; pair++)
    if (node_of(l, pair->key)->type == YAML_SCALAR_NODE) key[n++] = node_of(l, pair->key);
  if (n > 1) qsort(key, n, sizeof *key, compare_keys);
  for (size_t k = 1; k < n && !status; k++)
    if (same_key(key[k - 1], key[k]))
      status = refuse(l, FTL_ERR_FORMAT, key[k]->start_mark.line, "'%.80s' is given twice",
                      (const char *)key[k]->data.scalar.value);
  free(key);
  return status;
}

/* ---- events ---- */

static bool attach(loader *l, int node) {
  if (l->depth == 0) return true; /* the root */
  level *top = &l->open[l->depth - 1];
  if (node_of(l, top->node)->type == YAML_SEQUENCE_NODE)
    return yaml_document_append_sequence_item(l->document, top->node, node);
  const int key = top->key;
  top->key = key ? 0 : node;
  return key == 0 || yaml_document_append_mapping_pair(l->document, top->node, key, node);
}

static ftl_status add(loader *l, const yaml_event_t *e) {
  const yaml_char_t *anchor = e->type == YAML_SCALAR_EVENT           ? e->data.scalar.anchor
                              : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.anchor
                                                                     : e->data.mapping_start.anchor;
  const bool opens = e->type != YAML_SCALAR_EVENT;
  const size_t line = e->start_mark.line;
  int node;
  if (anchor) return refuse(l, FTL_ERR_FORMAT, line, "anchors and aliases have no place in %s", "this format");
  if (opens && l->depth == MAX_DEPTH)
    return refuse(l, FTL_ERR_FORMAT, line, "lists and mappings nest deeper than %s levels, which no such file does",
                  "64");
  if (l->document->nodes.top - l->document->nodes.start >= MAX_NODES)
    return refuse(l, FTL_ERR_FORMAT, line, "there are more than 2^30 entries%s", "");
  if (e->type == YAML_SCALAR_EVENT)
    node = yaml_document_add_scalar(l->document, NULL, e->data.scalar.value, (int)e->data.scalar.length,
                                    e->data.scalar.style);
  else if (e->type == YAML_SEQUENCE_START_EVENT)
    node = yaml_document_add_sequence(l->document, NULL, e->data.sequence_start.style);
  else node = yaml_document_add_mapping(l->document, NULL, e->data.mapping_start.style);
  if (node == 0) return no_memory(l);
  node_of(l, node)->start_mark = e->start_mark;
  if (!attach(l, node)) return no_memory(l);
  if (opens) l->open[l->depth++] = (level){node, 0};
  return FTL_OK;
}

static ftl_status take(loader *l, const yaml_event_t *e, int *documents) {
  switch (e->type) {
  case YAML_DOCUMENT_START_EVENT:
    if ((*documents)++ == 0) return FTL_OK;
    return refuse(l, FTL_ERR_FORMAT, e->start_mark.line, "a second document begins here, and %s is read: remove one",
                  "only one");
  case YAML_SCALAR_EVENT:
    if (e->data.scalar.length > 1 << 30)
      return refuse(l, FTL_ERR_FORMAT, e->start_mark.line, "a word has more than 2^30 letters%s", "");
    return add(l, e);
  case YAML_SEQUENCE_START_EVENT:
  case YAML_MAPPING_START_EVENT:
    return add(l, e);
  case YAML_ALIAS_EVENT:
    return refuse(l, FTL_ERR_FORMAT, e->start_mark.line, "anchors and aliases have no place in %s", "this format");
  case YAML_MAPPING_END_EVENT:
    return check_keys(l, node_of(l, l->open[--l->depth].node));
  case YAML_SEQUENCE_END_EVENT:
    l->depth--;
    return FTL_OK;
  default:
    return FTL_OK;
  }
}

static ftl_status load(loader *l, yaml_parser_t *parser) {
  ftl_status status = FTL_OK;
  int documents = 0;
  for (bool more = true; more && !status;) {
    yaml_event_t event;
    if (!yaml_parser_parse(parser, &event)) {
      if (parser->error == YAML_MEMORY_ERROR) return no_memory(l);
      return refuse(l, FTL_ERR_FORMAT, parser->problem_mark.line, "this is not YAML: %s",
                    parser->problem ? parser->problem : "it cannot be parsed");
    }
    more = event.type != YAML_STREAM_END_EVENT;
    status = take(l, &event, &documents);
    yaml_event_delete(&event);
  }
  return status;
}

ftl_status ftl_yaml_load(const void *data, size_t size, const char *path, yaml_document_t *document, ftl_error *error) {
  loader l = {.path = path, .document = document, .error = error};
  yaml_parser_t parser;
  if (!few_directives(data, size))
    return ftl_fail(error, FTL_ERR_FORMAT, path, "more than %d of its lines begin with %%", MAX_DIRECTIVES);
  if (!yaml_document_initialize(document, NULL, NULL, NULL, 1, 1)) return no_memory(&l);
  if (!yaml_parser_initialize(&parser)) {
    yaml_document_delete(document);
    return no_memory(&l);
  }
  yaml_parser_set_input_string(&parser, size ? data : "", size);
  const ftl_status status = load(&l, &parser);
  yaml_parser_delete(&parser);
  if (status) yaml_document_delete(document);
  return status;
}
