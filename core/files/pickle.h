/* Python pickles as inert data. Nothing is imported or called: GLOBAL makes a record of two names, REDUCE and NEWOBJ
   a record of "what would be called with what", BUILD attaches a state to it. Protocols 2 to 5, binary opcodes only,
   which is what torch.save writes.

   Values form a graph, not a tree (the memo can share and even tie cycles): whoever walks it must bound the walk. */
#ifndef FTL_PICKLE_H
#define FTL_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frozentl.h"

typedef enum {
  FTL_PY_NONE,
  FTL_PY_BOOL,
  FTL_PY_INT,
  FTL_PY_FLOAT,
  FTL_PY_STRING,    /* text: UTF-8, not checked, not terminated */
  FTL_PY_BYTES,     /* text */
  FTL_PY_LIST,      /* items */
  FTL_PY_TUPLE,     /* items */
  FTL_PY_SET,       /* items */
  FTL_PY_DICT,      /* items: key, value, key, value, ... */
  FTL_PY_GLOBAL,    /* global */
  FTL_PY_CALL,      /* call: REDUCE, a function or class applied to arguments */
  FTL_PY_OBJECT,    /* call: NEWOBJ, an instance of a class */
  FTL_PY_PERSISTENT /* call.args: torch's reference to a storage */
} ftl_py_kind;

typedef struct ftl_py ftl_py;

typedef struct {
  const char *data; /* points into the pickle */
  size_t size;
} ftl_py_text;

struct ftl_py {
  ftl_py_kind kind;
  union {
    bool boolean;
    int64_t integer;
    double real;
    ftl_py_text text;
    struct {
      ftl_py **item;
      size_t n, capacity;
    } items;
    struct {
      ftl_py_text module, name;
    } global;
    struct {
      ftl_py *callable;
      ftl_py *args;
      ftl_py *state; /* NULL until BUILD */
    } call;
  } u;
};

typedef struct ftl_pickle ftl_pickle;

/* `data` must outlive the pickle. `where` (file and entry) is for messages. */
ftl_status ftl_pickle_parse(const void *data, size_t size, const char *where, ftl_pickle **pickle, ftl_error *error);
const ftl_py *ftl_pickle_root(const ftl_pickle *pickle);
void ftl_pickle_free(ftl_pickle *pickle);

/* ---- looking at values; all accept NULL and any kind ---- */

bool ftl_py_text_is(ftl_py_text text, const char *expected);
bool ftl_py_string_is(const ftl_py *value, const char *expected);
/* Value of a string key; the last one if it is there twice, as in Python. NULL if absent or not a dict. */
const ftl_py *ftl_py_get(const ftl_py *dict, const char *key);
/* Number of items of a list, tuple or set, and one of them; 0 and NULL otherwise. */
size_t ftl_py_length(const ftl_py *sequence);
const ftl_py *ftl_py_item(const ftl_py *sequence, size_t k);
/* The class of an OBJECT or the callable of a CALL, if it is a GLOBAL; else NULL. */
const ftl_py *ftl_py_class(const ftl_py *value);
/* A GLOBAL of this name in this package ("mace" matches "mace.modules.blocks") or module. */
bool ftl_py_global_is(const ftl_py *value, const char *package, const char *name);
bool ftl_py_to_int(const ftl_py *value, int64_t *number);
/* Writes "module.name", the kind, or the like, for messages. Returns text. */
const char *ftl_py_describe(const ftl_py *value, char *text, size_t size);

#endif
