/* Threads that help each other within a structure: every slice is done once, helpers take part, and no bit of energies,
   forces and gradients depends on them. */
#include "twins.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "close.h"
#include "gradient_problem.h"
#include "support/crew.h"

enum { HELPERS = 3, SLICES = 64 };

static void *help(void *crew) {
  ftl_crew_help(crew);
  return NULL;
}

typedef struct {
  ftl_crew *crew;
  pthread_t thread[HELPERS];
} company;

static company company_begin(void) {
  company c;
  ftl_error error = {0};
  check(ftl_crew_new(1 + HELPERS, &c.crew, &error), &error);
  ftl_crew_begin(c.crew, 1);
  for (int k = 0; k < HELPERS; k++) assert_int_equal(pthread_create(&c.thread[k], NULL, help, c.crew), 0);
  while (ftl_crew_at_hand(c.crew) < 1 + HELPERS) sched_yield();
  return c;
}
static void company_end(company *c) {
  ftl_crew_finished_one(c->crew);
  for (int k = 0; k < HELPERS; k++) pthread_join(c->thread[k], NULL);
  ftl_crew_free(c->crew);
}

typedef struct {
  atomic_int done[SLICES], begun;
  int wait_for;
} slices;

static void one_slice(void *work, int slice) {
  slices *s = work;
  s->begun++;
  while (s->begun < s->wait_for) sched_yield();
  s->done[slice]++;
}

/* Guards the handing out of slices, over many rounds, short ones and some after which helpers sleep; slices that wait
   for each other end only if every helper takes one. */
static void every_slice_once(void **unused) {
  (void)unused;
  company c = company_begin();
  for (int round = 0; round < 200; round++) {
    const bool all = round % 20 == 0;
    slices s = {.wait_for = all ? 1 + HELPERS : 0};
    const int n = all ? 1 + HELPERS : 1 + round % SLICES;
    if (round % 50 == 49) usleep(20000);
    ftl_crew_run(c.crew, round % (1 + HELPERS), n, one_slice, &s);
    for (int k = 0; k < SLICES; k++) assert_int_equal(s.done[k], k < n);
  }
  company_end(&c);
  slices s = {.wait_for = 0};
  ftl_crew_run(NULL, 0, SLICES, one_slice, &s);
  for (int k = 0; k < SLICES; k++) assert_int_equal(s.done[k], 1);
}

/* A simple cubic crystal of 64 atoms, displaced: some 800 pairs, enough for several slices of everything. */
static void write_crystal(const char *path, const ftl_source *source) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file, "64\nLattice=\"10 0 0 0 10 0 0 0 10\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n");
  for (int k = 0; k < 64; k++)
    fprintf(file, "%s %.6f %.6f %.6f\n", ftl_element_symbol(source->arch.atomic_numbers[k % source->arch.n_elements]),
            2.5 * (k / 16) + 0.2 * sin(k), 2.5 * (k / 4 % 4) + 0.2 * cos(2 * k), 2.5 * (k % 4) + 0.2 * sin(3 * k));
  fclose(file);
}

static double loss_and_gradient(problem *p, double *gradient) {
  const double loss = loss_of(p, &all_terms, true);
  memcpy(gradient, p->gradient, (size_t)p->parameters.count * sizeof *gradient);
  return loss;
}

static void compare_bits(const char *model, const char *freeze, ftl_precision precision) {
  char path[] = "/tmp/frozentl-crew-XXXXXX";
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  ftl_source *source;
  ftl_error error = {0};
  check(ftl_source_read(model, &source, &error), &error);
  write_crystal(path, source);
  ftl_source_free(source);
  problem p;
  problem_open(&p, model, path, freeze, precision);
  remove(path);
  make_labels(&p);
  const size_t count = (size_t)p.parameters.count;
  double *alone = calloc(count, sizeof *alone), *helped = calloc(count, sizeof *helped);
  assert_true(alone && helped);
  const double loss = loss_and_gradient(&p, alone);
  company c = company_begin();
  ftl_sweep_join(p.sweep, c.crew, 0);
  for (int round = 0; round < 3; round++) {
    assert_true(loss_and_gradient(&p, helped) == loss);
    assert_memory_equal(alone, helped, count * sizeof *alone);
  }
  company_end(&c);
  free(alone);
  free(helped);
  problem_close(&p);
}

/* Guards the promise that the number of threads changes no bit, through every stage that is in slices. */
static void helpers_change_no_bit(void **unused) {
  (void)unused;
  compare_bits("tests/parity/twins/t-density-zbl.model", NULL, FTL_DOUBLE);
  compare_bits("tests/parity/twins/t-nonlinear-heads.model", NULL, FTL_MIXED);
  compare_bits("tests/parity/twins/t-plain-residual.model", "f5", FTL_DOUBLE);
  compare_bits("tests/parity/sevennet-twins/s-parity-l3.pth", NULL, FTL_MIXED);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_slice_once), cmocka_unit_test(helpers_change_no_bit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
