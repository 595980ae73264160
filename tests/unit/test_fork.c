/* A child made by fork computes what its parent does, and never waits for threads that it does not have. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frozentl.h"

enum { N = 64, PATIENCE = 60 /* s, after which a child that waits is ended */ };

static ftl_model *model;
static int species[N];
static double positions[N][3];
static const double cell[3][3] = {{10.8, 0, 0}, {0, 10.8, 0}, {0, 0, 10.8}};

static void open_model(const char *path) {
  ftl_error error = {0};
  if (ftl_model_open(path, NULL, &model, &error)) fail_msg("%s: %s", error.where, error.message);
  for (int i = 0; i < N; i++) {
    species[i] = ftl_model_species(model, i % 5 == 4 ? 1 : 29);
    for (int x = 0; x < 3; x++)
      positions[i][x] = 2.7 * (x == 0 ? i % 4 : x == 1 ? i / 4 % 4 : i / 16) + 0.1 * ((i * 7 + x * 3) % 5);
  }
}

/* Everything that a computation answers. */
typedef struct {
  double energy, forces[N][3], virial[6];
} answer;

static bool compute(ftl_workspace *ws, answer *out) {
  ftl_result result = {.forces = out->forces[0]};
  const int pbc[3] = {1, 1, 1};
  if (ftl_compute(ws, N, species, (const double(*)[3])positions, cell, pbc, &result, NULL)) return false;
  out->energy = result.energy;
  memcpy(out->virial, result.virial, sizeof out->virial);
  return true;
}

static ftl_workspace *workspace(int threads) {
  ftl_workspace *ws = NULL;
  ftl_error error = {0};
  if (ftl_workspace_new(model, threads, &ws, &error)) fail_msg("%s: %s", error.where, error.message);
  return ws;
}

/* The exit status of a child that does `work`, or -1 if it had to be ended. */
static int in_child(int (*work)(ftl_workspace *, const answer *), ftl_workspace *ws, const answer *expected) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    alarm(PATIENCE);
    _exit(work(ws, expected));
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int same(ftl_workspace *ws, const answer *expected) {
  answer a;
  return compute(ws, &a) && memcmp(&a, expected, sizeof a) == 0 ? 0 : 1;
}

static int same_in_a_new_one(ftl_workspace *parents, const answer *expected) {
  (void)parents;
  ftl_workspace *ws = NULL;
  if (ftl_workspace_new(model, 3, &ws, NULL)) return 2;
  int result = same(ws, expected);
  ftl_workspace_free(ws);
  return result;
}

static int same_in_a_grandchild(ftl_workspace *ws, const answer *expected) {
  if (same(ws, expected) || same_in_a_new_one(ws, expected)) return 1;
  return in_child(same, ws, expected) || in_child(same_in_a_new_one, ws, expected);
}

static void fork_between_computations(const char *path) {
  open_model(path);
  ftl_workspace *ws = workspace(3);
  answer expected;
  assert_int_equal(in_child(same_in_a_new_one, ws, &expected) >= 0, 1); /* before there was a team at all */
  assert_true(compute(ws, &expected));
  for (int k = 0; k < 3; k++) {
    assert_int_equal(in_child(same, ws, &expected), 0);
    assert_int_equal(in_child(same_in_a_new_one, ws, &expected), 0);
    assert_int_equal(in_child(same_in_a_grandchild, ws, &expected), 0);
    assert_int_equal(same(ws, &expected), 0); /* and the parent has its team again */
  }
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

static void test_mace(void **state) {
  (void)state;
  fork_between_computations("potentials/h2cu.ftl");
}

static void test_ace(void **state) {
  (void)state;
  fork_between_computations("potentials/h2cu-ace.ftl");
}

/* A fork between two calls of the layer-wise interface, which the child goes on with. */
static ftl_graph graph;
static ftl_output output;
static double layer_forces[N][3];

static int finish(ftl_workspace *ws, const answer *expected) {
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  for (int t = 0; t < info.n_layers - 1; t++)
    if (ftl_layer_forward(ws, t, FTL_ALL, NULL)) return 2;
  if (ftl_last_layer(ws, FTL_ALL, NULL)) return 2;
  for (int t = info.n_layers - 2; t >= 0; t--)
    if (ftl_layer_reverse(ws, t, FTL_ALL, NULL)) return 2;
  if (ftl_end(ws, NULL)) return 2;
  return output.energy == expected->energy && !memcmp(layer_forces, expected->forces, sizeof layer_forces) ? 0 : 1;
}

static void test_between_layers(void **state) {
  (void)state;
  open_model("potentials/h2cu.ftl");
  static int64_t first_edge[N + 1];
  static int sender[N * N];
  int n = 0;
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++)
      if (j != i) sender[n++] = j;
    first_edge[i + 1] = n;
  }
  graph = (ftl_graph){.n_local = N,
                      .n_total = N,
                      .species = species,
                      .first_edge = first_edge,
                      .sender = sender,
                      .position = (const double(*)[3])positions};
  output = (ftl_output){.forces = layer_forces[0]};
  ftl_workspace *ws = workspace(3);
  answer expected = {0};
  assert_int_equal(ftl_begin(ws, &graph, &output, NULL), FTL_OK);
  finish(ws, &expected);
  expected.energy = output.energy;
  memcpy(expected.forces, layer_forces, sizeof layer_forces);
  memset(layer_forces, 0, sizeof layer_forces);
  assert_int_equal(ftl_begin(ws, &graph, &output, NULL), FTL_OK);
  assert_int_equal(in_child(finish, ws, &expected), 0);
  assert_int_equal(finish(ws, &expected), 0);
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

static atomic_bool stop;

static void *keep_computing(void *ws) {
  answer a;
  while (!stop) compute(ws, &a);
  return NULL;
}

/* The other thread's workspace is lost to the child, not the model nor this thread's. */
static void test_beside_another_thread(void **state) {
  (void)state;
  open_model("potentials/h2cu-ace.ftl");
  ftl_workspace *ws = workspace(3), *others = workspace(3);
  answer expected;
  assert_true(compute(ws, &expected));
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, keep_computing, others), 0);
  int bad = 0;
  for (int k = 0; k < 10; k++) {
    bad += in_child(same, ws, &expected) != 0 || in_child(same_in_a_grandchild, ws, &expected) != 0;
    bad += same(ws, &expected) != 0;
  }
  stop = true;
  pthread_join(thread, NULL);
  assert_int_equal(bad, 0);
  ftl_workspace_free(ws);
  ftl_workspace_free(others);
  ftl_model_free(model);
}

/* More threads than OpenMP's runtime can start would end the process. */
static void test_number_of_threads(void **state) {
  (void)state;
  open_model("potentials/h2cu-ace.ftl");
  ftl_workspace *ws = NULL;
  ftl_error error;
  const int wrong[] = {-1, 1025, 1000000};
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    assert_int_equal(ftl_workspace_new(model, wrong[k], &ws, &error), FTL_ERR_ARGUMENT);
    assert_string_equal(error.where, "threads");
  }
  ftl_model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mace), cmocka_unit_test(test_ace), cmocka_unit_test(test_between_layers),
      cmocka_unit_test(test_beside_another_thread), cmocka_unit_test(test_number_of_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
