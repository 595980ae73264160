/* Options from YAML: mappings nest along the dots of a key. */
#include "support/options_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/path.h"
#include "base/error.h"
#include "files/foundations.h"
#include "files/yaml_load.h"

enum { MAX_KEY = 256, MAX_DEPTH = 8, MAX_RECIPE = 4 << 20 };

typedef struct {
  ftl_options *options;
  const char *path;
  yaml_document_t document;
  bool *seen; /* [options]: set by this file already */
} reader;

static void say_where(const reader *r, const yaml_node_t *node, char where[256]) {
  snprintf(where, 256, "%.200s, line %zu", r->path, node->start_mark.line + 1);
}

static yaml_node_t *node_of(reader *r, yaml_node_item_t item) { return yaml_document_get_node(&r->document, item); }
static const char *text_of(const yaml_node_t *node) { return (const char *)node->data.scalar.value; }

/* The words of a scalar, a list, or (rates) a mapping; each is allocated. */
static ftl_status collect(reader *r, const ftl_option *option, yaml_node_t *node, char ***words, int *n,
                          const char *where, ftl_error *error) {
  const bool path = option->type == FTL_OPTION_PATH || option->type == FTL_OPTION_PATHS;
  int count = 1;
  if (node->type == YAML_SEQUENCE_NODE) count = (int)(node->data.sequence.items.top - node->data.sequence.items.start);
  if (node->type == YAML_MAPPING_NODE) count = (int)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
  *n = 0;
  *words = calloc((size_t)count + 1, sizeof **words);
  if (!*words) return ftl_no_memory(error, NULL, "the recipe");
  for (int i = 0; i < count; i++) {
    yaml_node_t *item = node;
    char *word = NULL;
    if (node->type == YAML_SEQUENCE_NODE) item = node_of(r, node->data.sequence.items.start[i]);
    if (node->type == YAML_MAPPING_NODE) {
      yaml_node_t *key = node_of(r, node->data.mapping.pairs.start[i].key);
      item = node_of(r, node->data.mapping.pairs.start[i].value);
      if (key->type == YAML_SCALAR_NODE && item->type == YAML_SCALAR_NODE) {
        word = malloc(strlen(text_of(key)) + strlen(text_of(item)) + 2);
        if (word) sprintf(word, "%s=%s", text_of(key), text_of(item));
      }
    } else if (item->type == YAML_SCALAR_NODE) {
      const bool name = option->model && ftl_foundation_find(text_of(item));
      word = path && *text_of(item) && !name ? ftl_path_beside(r->path, text_of(item)) : strdup(text_of(item));
    }
    if (item->type != YAML_SCALAR_NODE)
      return ftl_fail(error, FTL_ERR_FORMAT, where, "%s takes no nested value", option->key);
    if (item->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (strcmp(text_of(item), "~") == 0 || strcmp(text_of(item), "null") == 0 || !*text_of(item))) {
      free(word);
      return ftl_fail(error, FTL_ERR_FORMAT, where, "%s has no value; give one, or remove the line", option->key);
    }
    if (!word) return ftl_no_memory(error, NULL, "the recipe");
    (*words)[(*n)++] = word;
  }
  return FTL_OK;
}

static ftl_status read_option(reader *r, const ftl_option *option, yaml_node_t *node, const char *where,
                              ftl_error *error) {
  const int k = ftl_option_index(r->options, option);
  int n = 0;
  char **words = NULL;
  if (r->seen[k]) return ftl_fail(error, FTL_ERR_FORMAT, where, "%s is given twice", option->key);
  r->seen[k] = true;
  ftl_status status = FTL_OK;
  if (node->type == YAML_MAPPING_NODE && option->type != FTL_OPTION_RATES)
    status = ftl_fail(error, FTL_ERR_FORMAT, where, "%s takes a value, nothing nested below it", option->key);
  if (!status) status = collect(r, option, node, &words, &n, where, error);
  /* "freeze: f4, radial" is the list that the flag --freeze f4,radial is */
  if (!status && option->type == FTL_OPTION_WORDS && node->type == YAML_SCALAR_NODE) {
    r->options->grows[k] = false;
    status = ftl_options_set(r->options, option->key, words[0], where, error);
    r->options->grows[k] = false;
  } else if (!status) {
    status = ftl_options_assign(r->options, option, n, (const char *const *)words, false, where, error);
  }
  for (int i = 0; i < n; i++) free(words[i]);
  free(words);
  return status;
}

static bool is_section(const ftl_option_table *table, const char *key) {
  const size_t length = strlen(key);
  for (int k = 0; k < table->n; k++)
    if (strncmp(table->option[k].key, key, length) == 0 && table->option[k].key[length] == '.') return true;
  return false;
}

static ftl_status read_mapping(reader *r, const yaml_node_t *mapping, const char *prefix, int depth, ftl_error *error) {
  const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
  for (; pair < mapping->data.mapping.pairs.top; pair++) {
    char where[256], full[MAX_KEY];
    const yaml_node_t *key = node_of(r, pair->key);
    yaml_node_t *value = node_of(r, pair->value);
    say_where(r, key, where);
    if (key->type != YAML_SCALAR_NODE) return ftl_fail(error, FTL_ERR_FORMAT, where, "a key is a word");
    snprintf(full, sizeof full, "%.100s%s%.100s", prefix, *prefix ? "." : "", text_of(key));
    const ftl_option_table *table = r->options->table;
    const ftl_option *option = ftl_option_find(table, full), *above = ftl_option_find(table, prefix);
    if (above && strcmp(text_of(key), "prefix") == 0) option = above; /* "labels: {prefix: REF_, energy: E}" */
    ftl_status status;
    if (option && !(value->type == YAML_MAPPING_NODE && is_section(table, full))) {
      status = read_option(r, option, value, where, error);
    } else if (is_section(table, full)) {
      if (value->type == YAML_SCALAR_NODE && !*text_of(value)) continue; /* everything below it is a comment */
      if (value->type != YAML_MAPPING_NODE)
        return ftl_fail(error, FTL_ERR_FORMAT, where, "'%s' has options below it: '%s:' and then lines like '  %s'",
                        full, full, "option: value");
      if (depth == MAX_DEPTH) return ftl_fail(error, FTL_ERR_FORMAT, where, "nested too deep");
      status = read_mapping(r, value, full, depth + 1, error);
    } else {
      status = ftl_option_unknown(table, full, FTL_ERR_FORMAT, where, error);
    }
    if (status == FTL_ERR_INPUT) return error ? (error->code = FTL_ERR_FORMAT) : FTL_ERR_FORMAT;
    FTL_TRY(status);
  }
  return FTL_OK;
}

static ftl_status read_document(reader *r, ftl_error *error) {
  const yaml_node_t *root = yaml_document_get_root_node(&r->document);
  if (!root || (root->type == YAML_SCALAR_NODE && !*text_of(root)))
    return ftl_fail(error, FTL_ERR_FORMAT, r->path, "the recipe is empty");
  if (root->type != YAML_MAPPING_NODE)
    return ftl_fail(error, FTL_ERR_FORMAT, r->path, "a recipe has lines like 'option: value'");
  return read_mapping(r, root, "", 0, error);
}

/* All of a file, which may be a pipe. */
static ftl_status read_text(const char *path, char **text, size_t *size, ftl_error *error) {
  FILE *stream = fopen(path, "rb");
  struct stat info;
  if (!stream) return ftl_fail(error, FTL_ERR_IO, path, "cannot open the recipe: %s", strerror(errno));
  if (fstat(fileno(stream), &info) == 0 && S_ISDIR(info.st_mode)) {
    fclose(stream);
    return ftl_fail(error, FTL_ERR_IO, path, "it is a folder, not a recipe");
  }
  ftl_status status = FTL_OK;
  *text = malloc(MAX_RECIPE + 1);
  if (!*text) {
    status = ftl_no_memory(error, path, "the recipe");
  } else {
    *size = fread(*text, 1, MAX_RECIPE + 1, stream);
    if (ferror(stream)) status = ftl_fail(error, FTL_ERR_IO, path, "cannot read the recipe: %s", strerror(errno));
    else if (*size > MAX_RECIPE)
      status = ftl_fail(error, FTL_ERR_FORMAT, path, "a recipe has at most %d MB: is this one?", MAX_RECIPE >> 20);
  }
  fclose(stream);
  return status;
}

ftl_status ftl_options_read(ftl_options *options, const char *path, ftl_error *error) {
  reader r = {.options = options, .path = path};
  char *text = NULL;
  size_t size = 0;
  free(options->source);
  options->source = strdup(path);
  ftl_status status = read_text(path, &text, &size, error);
  r.seen = calloc((size_t)options->table->n, sizeof *r.seen);
  if (!status && !r.seen) status = ftl_no_memory(error, NULL, "the recipe");
  if (!status) status = ftl_yaml_load(text, size, path, &r.document, error);
  if (!status) {
    status = read_document(&r, error);
    yaml_document_delete(&r.document);
  }
  free(r.seen);
  free(text);
  return status;
}
