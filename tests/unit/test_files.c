/* Locks of run folders, and files that are the same under two names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/lock.h"
#include "support/paths.h"

static char folder[64];

static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/ftl-files-XXXXXX");
  return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text) {
  FILE *stream = fopen(name, "w");
  assert_non_null(stream);
  fputs(text, stream);
  fclose(stream);
}

static void test_one_holds_it(void **state) {
  (void)state;
  ftl_lock first, second;
  ftl_error error;
  char warning[400], pid[32];
  assert_int_equal(ftl_lock_take(".", "train", &first, warning, &error), FTL_OK);
  assert_string_equal(warning, "");
  assert_int_equal(ftl_lock_take(".", "fit", &second, warning, &error), FTL_ERR_INPUT);
  snprintf(pid, sizeof pid, "process %ld on host ", (long)getpid());
  assert_non_null(strstr(error.message, pid));
  assert_non_null(strstr(error.message, "frozentl train"));
  ftl_lock_release(&second); /* not held */
  assert_int_equal(access(FTL_LOCK_NAME, F_OK), 0);
  ftl_lock_release(&first);
  assert_int_not_equal(access(FTL_LOCK_NAME, F_OK), 0);
  assert_int_equal(ftl_lock_take(".", "fit", &second, warning, &error), FTL_OK);
  ftl_lock_release(&second);
}

static void test_a_removed_lock_is_not_taken_for_another(void **state) {
  (void)state;
  ftl_lock first, second;
  ftl_error error;
  char warning[400];
  assert_int_equal(ftl_lock_take(".", "train", &first, warning, &error), FTL_OK);
  unlink(FTL_LOCK_NAME); /* by hand */
  assert_int_equal(ftl_lock_take(".", "train", &second, warning, &error), FTL_OK);
  ftl_lock_release(&first); /* leaves the other's file */
  assert_int_equal(access(FTL_LOCK_NAME, F_OK), 0);
  ftl_lock_release(&second);
}

static void test_no_folder(void **state) {
  (void)state;
  ftl_lock lock;
  ftl_error error;
  char warning[400];
  assert_int_equal(ftl_lock_take("absent", "train", &lock, warning, &error), FTL_ERR_IO);
  assert_string_equal(error.where, "absent");
  symlink("elsewhere", FTL_LOCK_NAME); /* nothing is written through a link */
  assert_int_equal(ftl_lock_take(".", "train", &lock, warning, &error), FTL_ERR_IO);
  assert_int_not_equal(access("elsewhere", F_OK), 0);
  unlink(FTL_LOCK_NAME);
}

static ftl_status check(const char *input, const char *output, const char *more) {
  ftl_paths paths = {0};
  ftl_error error;
  ftl_paths_input(&paths, "input", input);
  ftl_paths_output(&paths, "--output", output);
  ftl_paths_output(&paths, "--json", more);
  ftl_status status = ftl_paths_check(&paths, &error);
  if (status) assert_non_null(strstr(error.message, "--output"));
  ftl_paths_free(&paths);
  return status;
}

static void test_same_file(void **state) {
  (void)state;
  write_file("a", "a");
  write_file("b", "a");
  assert_int_equal(mkdir("d", 0777), 0);
  assert_int_equal(symlink("a", "l"), 0);
  assert_int_equal(symlink("..", "d/up"), 0);
  assert_int_equal(link("a", "h"), 0);
  const char *const names[] = {"a", "./a", "l", "h", "d/../a", "d/up/a", "d/up/h"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    assert_int_equal(check("a", names[k], NULL), FTL_ERR_INPUT);
    assert_int_equal(check(names[k], "a", NULL), FTL_ERR_INPUT);
    assert_int_equal(check(NULL, names[k], "a"), FTL_ERR_INPUT);
  }
  assert_int_equal(check("a", "b", "c"), FTL_OK);
  /* not there yet */
  assert_int_equal(check(NULL, "new", "d/up/new"), FTL_ERR_INPUT);
  assert_int_equal(check(NULL, "new", "d/new"), FTL_OK);
  assert_int_equal(check("absent/x", "absent/y", NULL), FTL_OK);
  assert_int_equal(check("absent/x", "absent/x", NULL), FTL_ERR_INPUT);
  /* streams */
  assert_int_equal(check("/dev/null", "/dev/null", "/dev/null"), FTL_OK);
  assert_int_equal(check("-", "-", NULL), FTL_OK);
  assert_int_equal(mkfifo("p", 0666), 0);
  assert_int_equal(check("p", "./p", NULL), FTL_ERR_INPUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_holds_it),
      cmocka_unit_test(test_a_removed_lock_is_not_taken_for_another),
      cmocka_unit_test(test_no_folder),
      cmocka_unit_test(test_same_file),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
