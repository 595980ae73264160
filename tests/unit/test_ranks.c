/* One process, as nearly always: nothing is sent, and nothing changes. What several do is in ranks_program.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/ranks.h"

static void forget_mpirun(void) {
  static const char *const names[] = {"PMI_SIZE", "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) unsetenv(names[k]);
}

static void one_process(void **unused) {
  (void)unused;
  char text[] = "ab";
  double x[2] = {1, 2};
  forget_mpirun();
  ftl_ranks_start(NULL, NULL);
  assert_null(ftl_ranks_problem());
  assert_int_equal(ftl_ranks_n(), 1);
  assert_int_equal(ftl_ranks_mine(), 0);
  ftl_ranks_sum(x, 2);
  assert_true(x[0] == 1 && x[1] == 2);
  assert_int_equal(ftl_ranks_max(-3), -3);
  ftl_ranks_broadcast(text, sizeof text);
  assert_string_equal(text, "ab");
  ftl_ranks_abort(3);
  ftl_ranks_end();
}

/* Processes that cannot find each other must not train one by one: as under the mpirun of another MPI. */
static void strangers(void **unused) {
  (void)unused;
  forget_mpirun();
  setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
  ftl_ranks_start(NULL, NULL);
  assert_non_null(ftl_ranks_problem());
  assert_non_null(strstr(ftl_ranks_problem(), ftl_ranks_built() ? "another MPI" : "built without MPI"));
  ftl_ranks_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_process), cmocka_unit_test(strangers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
