/* The pickle machine: what it makes of honest pickles, and how it refuses the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "files/pickle.h"

static ftl_pickle *parse(const void *data, size_t size) {
  ftl_pickle *pickle;
  ftl_error error = {0};
  if (ftl_pickle_parse(data, size, "test", &pickle, &error)) fail_msg("%s", error.message);
  return pickle;
}
#define PARSE(text) parse(text, sizeof(text) - 1)

static void refuse(const void *data, size_t size, const char *part) {
  ftl_pickle *pickle;
  ftl_error error = {0};
  assert_int_equal(ftl_pickle_parse(data, size, "the file", &pickle, &error), FTL_ERR_FORMAT);
  assert_null(pickle);
  assert_string_equal(error.where, "the file");
  if (!strstr(error.message, part)) fail_msg("expected '%s', got '%s'", part, error.message);
}
#define REFUSE(text, part) refuse(text, sizeof(text) - 1, part)

/* pickle.dumps({"a": [1, -2, 3.5, True, None], "b": (70000, "x")}, 2) */
static void values(void **unused) {
  (void)unused;
  ftl_pickle *p = PARSE("\x80\x02}q\0(X\x01\0\0\0aq\x01]q\x02(K\x01J\xfe\xff\xff\xffG@\x0c\0\0\0\0\0\0\x88Ne"
                        "X\x01\0\0\0bq\x03Jp\x11\x01\0X\x01\0\0\0xq\x04\x86q\x05u.");
  const ftl_py *a = ftl_py_get(ftl_pickle_root(p), "a"), *b = ftl_py_get(ftl_pickle_root(p), "b");
  int64_t number;
  assert_int_equal(ftl_py_length(a), 5);
  assert_true(ftl_py_to_int(ftl_py_item(a, 1), &number));
  assert_int_equal(number, -2);
  assert_int_equal(ftl_py_item(a, 2)->kind, FTL_PY_FLOAT);
  assert_true(ftl_py_item(a, 2)->u.real == 3.5);
  assert_true(ftl_py_item(a, 3)->u.boolean);
  assert_int_equal(ftl_py_item(a, 4)->kind, FTL_PY_NONE);
  assert_null(ftl_py_item(a, 5));
  assert_true(ftl_py_to_int(ftl_py_item(b, 0), &number));
  assert_int_equal(number, 70000);
  assert_true(ftl_py_string_is(ftl_py_item(b, 1), "x"));
  assert_null(ftl_py_get(ftl_pickle_root(p), "c"));
  ftl_pickle_free(p);
}

/* pickle.dumps([2**40, -1, b"\x00\xff", {1}], 5): FRAME, SHORT_BINBYTES, MEMOIZE, LONG1, EMPTY_SET */
static void protocol_5(void **unused) {
  (void)unused;
  ftl_pickle *p = PARSE("\x80\x05\x95\x21\0\0\0\0\0\0\0]\x94(\x8a\x06\0\0\0\0\0\x01J\xff\xff\xff\xff"
                        "C\x02\0\xff\x94\x8f\x94(K\x01\x90h\x01"
                        "e.");
  const ftl_py *root = ftl_pickle_root(p);
  int64_t number;
  assert_true(ftl_py_to_int(ftl_py_item(root, 0), &number));
  assert_int_equal(number, (int64_t)1 << 40);
  assert_int_equal(ftl_py_item(root, 2)->kind, FTL_PY_BYTES);
  assert_int_equal(ftl_py_item(root, 3)->kind, FTL_PY_SET);
  assert_ptr_equal(ftl_py_item(root, 4), ftl_py_item(root, 2));
  ftl_pickle_free(p);
}

static void long_integers(void **unused) {
  (void)unused;
  ftl_pickle *p = PARSE("\x80\x02]\x8a\x01\xff"
                        "a\x8a\0"
                        "a\x8a\x08\0\0\0\0\0\0\0\x80"
                        "a.");
  int64_t number;
  assert_true(ftl_py_to_int(ftl_py_item(ftl_pickle_root(p), 0), &number) && number == -1);
  assert_true(ftl_py_to_int(ftl_py_item(ftl_pickle_root(p), 1), &number) && number == 0);
  assert_true(ftl_py_to_int(ftl_py_item(ftl_pickle_root(p), 2), &number) && number == INT64_MIN);
  ftl_pickle_free(p);
}

/* The pickle of os.system("touch PATH") is data here: the call becomes a record, and nothing happens. */
static void calls_are_records(void **unused) {
  (void)unused;
  char path[] = "/tmp/frozentl-pickle-XXXXXX", text[128], name[128];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  unlink(path);
  int n = snprintf(text, sizeof text, "cos\nsystem\n(X%c%c%c%ctouch %stR.", (int)strlen(path) + 6, 0, 0, 0, path);
  ftl_pickle *p = parse(text, (size_t)n);
  const ftl_py *root = ftl_pickle_root(p);
  assert_int_equal(root->kind, FTL_PY_CALL);
  assert_string_equal(ftl_py_describe(root, name, sizeof name), "os.system");
  assert_true(ftl_py_global_is(root->u.call.callable, "os", "system"));
  assert_int_not_equal(access(path, F_OK), 0);
  ftl_pickle_free(p);
}

static void objects_keep_class_and_state(void **unused) {
  (void)unused;
  char name[64];
  ftl_pickle *p = PARSE("\x80\x02"
                        "cmace.modules.blocks\nThing\n)\x81}X\x01\0\0\0kK\x05sb.");
  const ftl_py *root = ftl_pickle_root(p);
  int64_t number;
  assert_int_equal(root->kind, FTL_PY_OBJECT);
  assert_true(ftl_py_global_is(ftl_py_class(root), "mace", "Thing"));
  assert_true(ftl_py_global_is(ftl_py_class(root), "mace.modules.blocks", "Thing"));
  assert_false(ftl_py_global_is(ftl_py_class(root), "mac", "Thing"));
  assert_false(ftl_py_global_is(ftl_py_class(root), "e3nn", "Thing"));
  assert_string_equal(ftl_py_describe(root, name, sizeof name), "mace.modules.blocks.Thing");
  assert_true(ftl_py_to_int(ftl_py_get(root->u.call.state, "k"), &number) && number == 5);
  ftl_pickle_free(p);
}

static void ordered_dict_and_set(void **unused) {
  (void)unused;
  ftl_pickle *p = PARSE("ccollections\nOrderedDict\n)R(X\x01\0\0\0aK\x01X\x01\0\0\0aK\x02u.");
  int64_t number;
  assert_int_equal(ftl_pickle_root(p)->kind, FTL_PY_DICT);
  assert_true(ftl_py_to_int(ftl_py_get(ftl_pickle_root(p), "a"), &number) && number == 2); /* the last wins */
  ftl_pickle_free(p);
  p = PARSE("c__builtin__\nset\n]K\x01"
            "a\x85R.");
  assert_int_equal(ftl_pickle_root(p)->kind, FTL_PY_SET);
  assert_int_equal(ftl_py_length(ftl_pickle_root(p)), 1);
  ftl_pickle_free(p);
}

static void a_list_may_hold_itself(void **unused) {
  (void)unused;
  ftl_pickle *p = PARSE("]q\0h\0a.");
  assert_ptr_equal(ftl_py_item(ftl_pickle_root(p), 0), ftl_pickle_root(p));
  ftl_pickle_free(p);
}

static void hostile_pickles(void **unused) {
  (void)unused;
  REFUSE("", "ends in the middle");
  REFUSE("\x80", "ends in the middle");
  REFUSE("\x80\x09.", "protocol 9");
  REFUSE("\x80\x02N", "ends in the middle");
  REFUSE("\x80\x02.", "stack empty");
  REFUSE("X\xff\xff\xff\xff"
         "ab.",
         "ends in the middle");
  REFUSE("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "ends in the middle");
  REFUSE("cos\nsystem", "ends in the middle");
  REFUSE("h\x05.", "memo entry 5");
  REFUSE("Nr\xff\xff\xff\xff.", "memo index 4294967295");
  REFUSE("t.", "no mark");
  REFUSE("N\x86.", "stack empty");
  REFUSE("(N\x86.", "mark instead of a value");
  REFUSE("(K\x01"
         "d.",
         "key without a value");
  REFUSE("K\x01K\x02"
         "a.",
         "no container");
  REFUSE("Na.", "no container");
  REFUSE("NNb.", "no object");
  REFUSE("R.", "stack empty");
  REFUSE("\x8a\x09\0\0\0\0\0\0\0\0\x01.", "more than 64 bits");
  REFUSE("I42\n.", "opcode 0x49");
  REFUSE("NN\x93.", "not named by strings");
  REFUSE("0.", "stack empty");
  REFUSE("}(NNN"
         "u.",
         "key without a value");
}

static void deep_pickles(void **unused) {
  (void)unused;
  size_t n = (size_t)3 << 20;
  char *deep = malloc(n + 1);
  assert_non_null(deep);
  memset(deep, '(', n); /* three million marks */
  refuse(deep, n, "nests more than");
  /* a million lists in each other: no recursion anywhere, so that this is only a value */
  size_t lists = 500000;
  memset(deep, ']', lists);
  memset(deep + lists, 'a', lists - 1);
  deep[2 * lists - 1] = '.';
  ftl_pickle *p = parse(deep, 2 * lists);
  assert_int_equal(ftl_pickle_root(p)->kind, FTL_PY_LIST);
  ftl_pickle_free(p);
  free(deep);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values),
      cmocka_unit_test(protocol_5),
      cmocka_unit_test(long_integers),
      cmocka_unit_test(calls_are_records),
      cmocka_unit_test(objects_keep_class_and_state),
      cmocka_unit_test(ordered_dict_and_set),
      cmocka_unit_test(a_list_may_hold_itself),
      cmocka_unit_test(hostile_pickles),
      cmocka_unit_test(deep_pickles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
