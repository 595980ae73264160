/* Looking at the values of a pickle. */
#include <stdio.h>
#include <string.h>

#include "files/pickle.h"
#include "base/printable.h"

bool ftl_py_text_is(ftl_py_text text, const char *expected) {
  size_t n = strlen(expected);
  return text.size == n && !memcmp(text.data, expected, n);
}

bool ftl_py_string_is(const ftl_py *value, const char *expected) {
  return value && value->kind == FTL_PY_STRING && ftl_py_text_is(value->u.text, expected);
}

const ftl_py *ftl_py_get(const ftl_py *dict, const char *key) {
  if (!dict || dict->kind != FTL_PY_DICT) return NULL;
  for (size_t k = dict->u.items.n; k >= 2; k -= 2)
    if (ftl_py_string_is(dict->u.items.item[k - 2], key)) return dict->u.items.item[k - 1];
  return NULL;
}

size_t ftl_py_length(const ftl_py *sequence) {
  if (!sequence) return 0;
  switch (sequence->kind) {
  case FTL_PY_LIST:
  case FTL_PY_TUPLE:
  case FTL_PY_SET:
    return sequence->u.items.n;
  default:
    return 0;
  }
}

const ftl_py *ftl_py_item(const ftl_py *sequence, size_t k) {
  return k < ftl_py_length(sequence) ? sequence->u.items.item[k] : NULL;
}

const ftl_py *ftl_py_class(const ftl_py *value) {
  if (!value || (value->kind != FTL_PY_OBJECT && value->kind != FTL_PY_CALL)) return NULL;
  return value->u.call.callable->kind == FTL_PY_GLOBAL ? value->u.call.callable : NULL;
}

bool ftl_py_global_is(const ftl_py *value, const char *package, const char *name) {
  size_t n = strlen(package);
  if (!value || value->kind != FTL_PY_GLOBAL || !ftl_py_text_is(value->u.global.name, name)) return false;
  ftl_py_text module = value->u.global.module;
  return module.size >= n && !memcmp(module.data, package, n) && (module.size == n || module.data[n] == '.');
}

bool ftl_py_to_int(const ftl_py *value, int64_t *number) {
  if (!value || value->kind != FTL_PY_INT) return false;
  *number = value->u.integer;
  return true;
}

const char *ftl_py_describe(const ftl_py *value, char *text, size_t size) {
  static const char *const kinds[] = {
      [FTL_PY_NONE] = "None",        [FTL_PY_BOOL] = "a bool",         [FTL_PY_INT] = "an int",
      [FTL_PY_FLOAT] = "a float",    [FTL_PY_STRING] = "a str",        [FTL_PY_BYTES] = "bytes",
      [FTL_PY_LIST] = "a list",      [FTL_PY_TUPLE] = "a tuple",       [FTL_PY_SET] = "a set",
      [FTL_PY_DICT] = "a dict",      [FTL_PY_GLOBAL] = "a name",       [FTL_PY_CALL] = "the result of a call",
      [FTL_PY_OBJECT] = "an object", [FTL_PY_PERSISTENT] = "a storage"};
  const ftl_py *global = value && value->kind == FTL_PY_GLOBAL ? value : ftl_py_class(value);
  if (!value) snprintf(text, size, "nothing");
  else if (global)
    snprintf(text, size, "%.*s.%.*s", (int)(global->u.global.module.size < 120 ? global->u.global.module.size : 120),
             global->u.global.module.data, (int)(global->u.global.name.size < 120 ? global->u.global.name.size : 120),
             global->u.global.name.data);
  else snprintf(text, size, "%s", kinds[value->kind]);
  return ftl_printable(text, "");
}
