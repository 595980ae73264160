/* The stack machine. Opcodes as CPython's Lib/pickletools.py documents them. */
#include "files/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"

#define CHUNK     ((size_t)1 << 16)
#define MAX_STACK ((size_t)1 << 20) /* values at a time; a torch pickle needs a few hundred */

typedef struct chunk {
  struct chunk *next;
  size_t used, size;
  double data[];
} chunk;

struct ftl_pickle {
  chunk *chunks;
  ftl_py *root;
};

typedef struct {
  ftl_pickle *pickle;
  const unsigned char *begin, *at, *end;
  ftl_py **stack; /* NULL entries are marks */
  size_t n, room;
  ftl_py **memo;
  size_t memo_n, memo_room; /* memo_n: one past the highest index used, for MEMOIZE */
  const char *where;
  ftl_error *error;
  ftl_status status;
} machine;

/* Every failure goes through here: remembers the first and makes the caller return false. */
static bool __attribute__((format(printf, 3, 4))) bad(machine *m, ftl_status code, const char *format, ...) {
  char text[300];
  va_list args;
  if (m->status) return false;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  m->status =
      ftl_fail(m->error, code, m->where, "the pickle is refused at byte %zu: %s", (size_t)(m->at - m->begin), text);
  return false;
}

static bool no_memory(machine *m) { return bad(m, FTL_ERR_MEMORY, "no memory"); }
static bool truncated(machine *m) { return bad(m, FTL_ERR_FORMAT, "it ends in the middle"); }

static void *allocate(machine *m, size_t size) {
  chunk *c = m->pickle->chunks;
  void *result;
  size = (size + 15) & ~(size_t)15;
  if (!c || c->size - c->used < size) {
    size_t room = size > CHUNK ? size : CHUNK;
    c = malloc(sizeof *c + room);
    if (!c) {
      no_memory(m);
      return NULL;
    }
    c->next = m->pickle->chunks;
    c->used = 0;
    c->size = room;
    m->pickle->chunks = c;
  }
  result = (char *)c->data + c->used;
  c->used += size;
  return result;
}

static ftl_py *new_value(machine *m, ftl_py_kind kind) {
  ftl_py *v = allocate(m, sizeof *v);
  if (v) {
    memset(v, 0, sizeof *v);
    v->kind = kind;
  }
  return v;
}

/* ---- stack and memo ---- */

static bool push_entry(machine *m, ftl_py *value) {
  if (m->n >= MAX_STACK) return bad(m, FTL_ERR_FORMAT, "it nests more than %zu values", MAX_STACK);
  if (FTL_GROW(m->stack, m->room, m->n + 1, "the stack", NULL)) return no_memory(m);
  m->stack[m->n++] = value;
  return true;
}

static bool push(machine *m, ftl_py *value) { return value && push_entry(m, value); }

static ftl_py *top(machine *m) {
  if (!m->n || !m->stack[m->n - 1]) {
    bad(m, FTL_ERR_FORMAT, "an instruction finds the stack empty");
    return NULL;
  }
  return m->stack[m->n - 1];
}

static ftl_py *pop(machine *m) {
  ftl_py *value = top(m);
  if (value) m->n--;
  return value;
}

/* Number of values above the topmost mark; they stay at m->stack + m->n - count. */
static bool count_to_mark(machine *m, size_t *count) {
  size_t k = m->n;
  while (k > 0 && m->stack[k - 1]) k--;
  if (k == 0) return bad(m, FTL_ERR_FORMAT, "an instruction finds no mark on the stack");
  *count = m->n - k;
  return true;
}

static bool memoize(machine *m, size_t index) {
  ftl_py *value = top(m);
  if (!value) return false;
  /* An honest pickle uses each index once, and each use takes two bytes. */
  if (index >= (size_t)(m->end - m->begin)) return bad(m, FTL_ERR_FORMAT, "memo index %zu is out of range", index);
  if (index >= m->memo_room) {
    const size_t before = m->memo_room;
    if (FTL_GROW(m->memo, m->memo_room, index + 1, "the memo", NULL)) return no_memory(m);
    memset(m->memo + before, 0, (m->memo_room - before) * sizeof *m->memo);
  }
  m->memo[index] = value;
  if (index >= m->memo_n) m->memo_n = index + 1;
  return true;
}

static bool recall(machine *m, size_t index) {
  if (index >= m->memo_n || !m->memo[index]) return bad(m, FTL_ERR_FORMAT, "memo entry %zu does not exist", index);
  return push(m, m->memo[index]);
}

/* ---- reading arguments ---- */

static bool read_unsigned(machine *m, int bytes, uint64_t *number) {
  if (m->end - m->at < bytes) return truncated(m);
  *number = 0;
  for (int k = 0; k < bytes; k++) *number |= (uint64_t)m->at[k] << (8 * k);
  m->at += bytes;
  return true;
}

static bool read_text(machine *m, int length_bytes, ftl_py_text *text) {
  uint64_t size = 0;
  if (!read_unsigned(m, length_bytes, &size)) return false;
  if (size > (uint64_t)(m->end - m->at)) return truncated(m);
  *text = (ftl_py_text){(const char *)m->at, (size_t)size};
  m->at += size;
  return true;
}

static bool read_line(machine *m, ftl_py_text *text) {
  const unsigned char *newline = m->at < m->end ? memchr(m->at, '\n', (size_t)(m->end - m->at)) : NULL;
  if (!newline) return truncated(m);
  *text = (ftl_py_text){(const char *)m->at, (size_t)(newline - m->at)};
  m->at = newline + 1;
  return true;
}

/* ---- making values ---- */

static bool push_int(machine *m, int64_t number) {
  ftl_py *v = new_value(m, FTL_PY_INT);
  if (v) v->u.integer = number;
  return push(m, v);
}

static bool push_bool(machine *m, bool value) {
  ftl_py *v = new_value(m, FTL_PY_BOOL);
  if (v) v->u.boolean = value;
  return push(m, v);
}

/* LONG1 and LONG4: little-endian two's complement of any length; more than 64 bits are refused. */
static bool push_long(machine *m, int length_bytes) {
  ftl_py_text digits = {NULL, 0};
  uint64_t number = 0;
  if (!read_text(m, length_bytes, &digits)) return false;
  if (digits.size > 8) return bad(m, FTL_ERR_FORMAT, "it holds an integer of more than 64 bits");
  if (digits.size && (digits.data[digits.size - 1] & 0x80)) number = ~(uint64_t)0;
  for (size_t k = digits.size; k-- > 0;) number = (number << 8) | (unsigned char)digits.data[k];
  return push_int(m, (int64_t)number);
}

static bool push_float(machine *m) {
  ftl_py *v;
  uint64_t bits = 0;
  if (m->end - m->at < 8) return truncated(m);
  for (int k = 0; k < 8; k++) bits = (bits << 8) | m->at[k]; /* big-endian */
  m->at += 8;
  v = new_value(m, FTL_PY_FLOAT);
  if (v) memcpy(&v->u.real, &bits, sizeof bits);
  return push(m, v);
}

static bool push_text(machine *m, ftl_py_kind kind, int length_bytes) {
  ftl_py_text text = {NULL, 0};
  ftl_py *v;
  if (!read_text(m, length_bytes, &text)) return false;
  v = new_value(m, kind);
  if (v) v->u.text = text;
  return push(m, v);
}

static bool push_global(machine *m, ftl_py_text module, ftl_py_text name) {
  ftl_py *v = new_value(m, FTL_PY_GLOBAL);
  if (v) {
    v->u.global.module = module;
    v->u.global.name = name;
  }
  return push(m, v);
}

static bool append(machine *m, ftl_py *list, ftl_py *const *values, size_t n) {
  size_t needed = list->u.items.n + n;
  if (!n) return true;
  if (needed > list->u.items.capacity) {
    size_t capacity = 2 * needed;
    ftl_py **items = allocate(m, capacity * sizeof *items);
    if (!items) return false;
    if (list->u.items.n) memcpy(items, list->u.items.item, list->u.items.n * sizeof *items);
    list->u.items.item = items;
    list->u.items.capacity = capacity;
  }
  memcpy(list->u.items.item + list->u.items.n, values, n * sizeof *values);
  list->u.items.n = needed;
  return true;
}

/* A container of the topmost n values, which it replaces (and the mark below them, if there is one). */
static bool collect(machine *m, ftl_py_kind kind, size_t n, bool marked) {
  ftl_py *v;
  if (m->n < n) return bad(m, FTL_ERR_FORMAT, "an instruction finds the stack empty");
  for (size_t k = m->n - n; k < m->n; k++)
    if (!m->stack[k]) return bad(m, FTL_ERR_FORMAT, "an instruction finds a mark instead of a value");
  if (kind == FTL_PY_DICT && n % 2) return bad(m, FTL_ERR_FORMAT, "a dict has a key without a value");
  v = new_value(m, kind);
  if (!v) return false;
  if (n) {
    v->u.items.item = allocate(m, n * sizeof(ftl_py *));
    if (!v->u.items.item) return false;
    memcpy(v->u.items.item, m->stack + m->n - n, n * sizeof(ftl_py *));
    v->u.items.n = v->u.items.capacity = n;
  }
  m->n -= n + (marked ? 1 : 0);
  return push(m, v);
}

static bool collect_marked(machine *m, ftl_py_kind kind) {
  size_t n = 0;
  return count_to_mark(m, &n) && collect(m, kind, n, true);
}

/* APPENDS, SETITEMS, ADDITEMS, and their single forms with n given. Objects that behave like containers (subclasses of
   list and dict) swallow the items: nothing here needs them. */
static bool extend(machine *m, ftl_py_kind kind, size_t n, bool marked) {
  size_t below = n + (marked ? 1 : 0);
  ftl_py *target;
  if (m->n < below + 1 || !(target = m->stack[m->n - below - 1]))
    return bad(m, FTL_ERR_FORMAT, "an instruction finds no container on the stack");
  for (size_t k = m->n - n; k < m->n; k++)
    if (!m->stack[k]) return bad(m, FTL_ERR_FORMAT, "an instruction finds a mark instead of a value");
  if (kind == FTL_PY_DICT && n % 2) return bad(m, FTL_ERR_FORMAT, "a dict has a key without a value");
  if (target->kind == kind) {
    if (!append(m, target, m->stack + m->n - n, n)) return false;
  } else if (target->kind != FTL_PY_OBJECT && target->kind != FTL_PY_CALL) {
    return bad(m, FTL_ERR_FORMAT, "items are added to something that is no container");
  }
  m->n -= below;
  return true;
}

static bool extend_marked(machine *m, ftl_py_kind kind) {
  size_t n = 0;
  return count_to_mark(m, &n) && extend(m, kind, n, true);
}

/* REDUCE, NEWOBJ. Two containers that torch modules are full of become what they are; the rest stays a record. */
static bool call(machine *m, ftl_py_kind kind) {
  ftl_py *args = pop(m), *callable = args ? pop(m) : NULL, *v;
  if (!callable) return false;
  if (ftl_py_global_is(callable, "collections", "OrderedDict") && ftl_py_length(args) == 0)
    return push(m, new_value(m, FTL_PY_DICT));
  v = new_value(m, kind);
  if (!v) return false;
  if ((ftl_py_global_is(callable, "__builtin__", "set") || ftl_py_global_is(callable, "builtins", "set")) &&
      ftl_py_length(args) == 1 && ftl_py_item(args, 0)->kind == FTL_PY_LIST) {
    v->kind = FTL_PY_SET;
    v->u.items = args->u.items.item[0]->u.items;
  } else {
    v->u.call.callable = callable;
    v->u.call.args = args;
  }
  return push(m, v);
}

static bool build(machine *m) {
  ftl_py *state = pop(m), *object = state ? top(m) : NULL;
  if (!object) return false;
  if (object->kind == FTL_PY_OBJECT || object->kind == FTL_PY_CALL) object->u.call.state = state;
  else if (object->kind != FTL_PY_DICT && object->kind != FTL_PY_SET && object->kind != FTL_PY_LIST)
    return bad(m, FTL_ERR_FORMAT, "a state is given to something that is no object");
  return true;
}

/* NEWOBJ_EX: class, args, kwargs. The keyword arguments are dropped: no covered class has any. */
static bool call_with_keywords(machine *m) { return pop(m) && call(m, FTL_PY_OBJECT); }

static bool stack_global(machine *m) {
  ftl_py *name = pop(m), *module = name ? pop(m) : NULL;
  if (!module) return false;
  if (name->kind != FTL_PY_STRING || module->kind != FTL_PY_STRING)
    return bad(m, FTL_ERR_FORMAT, "a global is not named by strings");
  return push_global(m, module->u.text, name->u.text);
}

static bool persistent(machine *m) {
  ftl_py *id = pop(m), *v;
  if (!id) return false;
  v = new_value(m, FTL_PY_PERSISTENT);
  if (v) v->u.call.args = id;
  return push(m, v);
}

static bool pop_to_mark(machine *m) {
  size_t n = 0;
  if (!count_to_mark(m, &n)) return false;
  m->n -= n + 1;
  return true;
}

static bool one_pop(machine *m) {
  if (!m->n) return bad(m, FTL_ERR_FORMAT, "an instruction finds the stack empty");
  m->n--;
  return true;
}

/* ---- the machine ---- */

static bool memo_index(machine *m, int bytes, bool store) {
  uint64_t index = 0;
  return read_unsigned(m, bytes, &index) && (store ? memoize(m, (size_t)index) : recall(m, (size_t)index));
}

static bool step(machine *m, unsigned char opcode) {
  uint64_t number = 0;
  ftl_py_text module = {NULL, 0}, name = {NULL, 0};
  switch (opcode) {
  case 0x80: /* PROTO */
    if (!read_unsigned(m, 1, &number)) return false;
    return number <= 5 || bad(m, FTL_ERR_FORMAT, "it says it has protocol %d", (int)number);
  case 0x95:
    return read_unsigned(m, 8, &number); /* FRAME: a hint for buffering */
  case '(':
    return push_entry(m, NULL);
  case '0':
    return one_pop(m);
  case '1':
    return pop_to_mark(m);
  case '2':
    return push(m, top(m)); /* DUP */
  case 'N':
    return push(m, new_value(m, FTL_PY_NONE));
  case 0x88:
    return push_bool(m, true);
  case 0x89:
    return push_bool(m, false);
  case 'K':
    return read_unsigned(m, 1, &number) && push_int(m, (int64_t)number);
  case 'M':
    return read_unsigned(m, 2, &number) && push_int(m, (int64_t)number);
  case 'J':
    return read_unsigned(m, 4, &number) && push_int(m, (int32_t)(uint32_t)number);
  case 0x8a:
    return push_long(m, 1);
  case 0x8b:
    return push_long(m, 4);
  case 'G':
    return push_float(m);
  case 'X':
    return push_text(m, FTL_PY_STRING, 4);
  case 0x8c:
    return push_text(m, FTL_PY_STRING, 1);
  case 0x8d:
    return push_text(m, FTL_PY_STRING, 8);
  case 'U': /* SHORT_BINSTRING */
  case 'C':
    return push_text(m, FTL_PY_BYTES, 1);
  case 'T': /* BINSTRING */
  case 'B':
    return push_text(m, FTL_PY_BYTES, 4);
  case 0x8e: /* BINBYTES8 */
  case 0x96:
    return push_text(m, FTL_PY_BYTES, 8);
  case ']':
    return collect(m, FTL_PY_LIST, 0, false);
  case 'l':
    return collect_marked(m, FTL_PY_LIST);
  case 'a':
    return extend(m, FTL_PY_LIST, 1, false);
  case 'e':
    return extend_marked(m, FTL_PY_LIST);
  case ')':
    return collect(m, FTL_PY_TUPLE, 0, false);
  case 't':
    return collect_marked(m, FTL_PY_TUPLE);
  case 0x85:
    return collect(m, FTL_PY_TUPLE, 1, false);
  case 0x86:
    return collect(m, FTL_PY_TUPLE, 2, false);
  case 0x87:
    return collect(m, FTL_PY_TUPLE, 3, false);
  case '}':
    return collect(m, FTL_PY_DICT, 0, false);
  case 'd':
    return collect_marked(m, FTL_PY_DICT);
  case 's':
    return extend(m, FTL_PY_DICT, 2, false);
  case 'u':
    return extend_marked(m, FTL_PY_DICT);
  case 0x8f:
    return collect(m, FTL_PY_SET, 0, false);
  case 0x90:
    return extend_marked(m, FTL_PY_SET);
  case 0x91:
    return collect_marked(m, FTL_PY_SET); /* FROZENSET */
  case 'c':
    return read_line(m, &module) && read_line(m, &name) && push_global(m, module, name);
  case 0x93:
    return stack_global(m);
  case 'R':
    return call(m, FTL_PY_CALL);
  case 0x81:
    return call(m, FTL_PY_OBJECT);
  case 0x92:
    return call_with_keywords(m);
  case 'b':
    return build(m);
  case 'Q':
    return persistent(m);
  case 'q':
    return memo_index(m, 1, true);
  case 'r':
    return memo_index(m, 4, true);
  case 0x94:
    return memoize(m, m->memo_n);
  case 'h':
    return memo_index(m, 1, false);
  case 'j':
    return memo_index(m, 4, false);
  }
  return bad(m, FTL_ERR_FORMAT, "opcode 0x%02x is not one that torch.save writes", opcode);
}

static bool run(machine *m) {
  while (m->at < m->end) {
    unsigned char opcode = *m->at++;
    if (opcode == '.') {
      m->pickle->root = pop(m);
      if (m->pickle->root && m->at < m->end) return bad(m, FTL_ERR_FORMAT, "it goes on after its end");
      return m->pickle->root != NULL;
    }
    if (!step(m, opcode)) return false;
  }
  return truncated(m);
}

ftl_status ftl_pickle_parse(const void *data, size_t size, const char *where, ftl_pickle **pickle, ftl_error *error) {
  machine m = {.begin = data, .at = data, .where = where, .error = error};
  *pickle = NULL;
  m.end = m.begin + size;
  m.pickle = calloc(1, sizeof *m.pickle);
  if (!m.pickle) return ftl_no_memory(error, where, "reading the pickle");
  if (!run(&m)) {
    if (!m.status) no_memory(&m);
    ftl_pickle_free(m.pickle);
  } else {
    *pickle = m.pickle;
  }
  free(m.stack);
  free(m.memo);
  return m.status;
}

const ftl_py *ftl_pickle_root(const ftl_pickle *pickle) { return pickle->root; }

void ftl_pickle_free(ftl_pickle *pickle) {
  if (!pickle) return;
  for (chunk *c = pickle->chunks; c;) {
    chunk *next = c->next;
    free(c);
    c = next;
  }
  free(pickle);
}
