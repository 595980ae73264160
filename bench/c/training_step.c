/* Times optimiser steps on one batch, for programs/training: prints "atoms N  ms_per_atom_step X
   cpu_ms_per_atom_step Y  threads T", the least of all steps.

     training_step MODEL DATA.xyz FRAMES f0..f7 double|mixed THREADS STEPS

   A step is what the training loop does for a batch: energies, forces and stress of each structure, loss, gradient, sum
   over structures, AMSGrad step, new weights in place. Neighbour lists are made once, as in training. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/dataset.h"
#include "tune/loss.h"
#include "tune/optimiser.h"
#include "gradient/gradient.h"
#include "parameters/freeze.h"

static void check(ftl_status status, const ftl_error *error) {
  if (!status) return;
  fprintf(stderr, "training_step: %s: %s\n", error->where, error->message);
  exit(1);
}

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 8) {
    fprintf(stderr, "usage: training_step MODEL DATA.xyz FRAMES f0..f7 double|mixed THREADS STEPS\n");
    return 2;
  }
  const int threads = atoi(argv[6]);
  const int steps = atoi(argv[7]);
  ftl_error error = {0};
  ftl_source *source;
  ftl_parameters parameters;
  ftl_network *network;
  ftl_dataset data = {0};
  ftl_optimiser optimiser;
  ftl_words freeze = {1, &argv[4]}, none = {0};
  ftl_rates rates = {0};
  const ftl_optimiser_options adam = {
      .kind = FTL_OPTIMISER_AMSGRAD, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip = 10};
  const ftl_loss loss = {.kind = FTL_LOSS_WEIGHTED, .energy = 1, .forces = 100, .stress = 1};
  check(ftl_source_read(argv[1], &source, &error), &error);
  check(ftl_dataset_read(&argv[2], 1, NULL, &data, &error), &error);
  ftl_dataset_truncate(&data, atoi(argv[3]));
  check(ftl_parameters_list(source, &parameters, &error), &error);
  check(ftl_freeze_apply(&parameters, &freeze, &none, &rates, &error), &error);
  check(ftl_network_new(source, &parameters, strcmp(argv[5], "mixed") == 0 ? FTL_MIXED : FTL_DOUBLE, &network, &error),
        &error);
  check(ftl_optimiser_new(&parameters, &adam, &optimiser, &error), &error);
  const ftl_batch batch = {data.n, ftl_dataset_atoms(&data)};
  const size_t count = (size_t)parameters.count;
  double *values = calloc(count, sizeof *values), *gradient = calloc(count * (size_t)threads, sizeof *gradient);
  ftl_structure_graph *graph = calloc((size_t)data.n, sizeof *graph);
  ftl_kept **kept = calloc((size_t)data.n, sizeof *kept);
  ftl_sweep **sweep = calloc((size_t)threads, sizeof *sweep);
  double(**d_forces)[3] = calloc((size_t)threads, sizeof *d_forces);
  ftl_neighbours scratch = {0};
  ftl_parameters_get(&parameters, source, values);
  for (int64_t s = 0; s < data.n; s++)
    check(ftl_structure_graph_build(&data.structure[s], source->arch.atomic_numbers, source->arch.n_elements,
                                    source->arch.r_max, &scratch, &graph[s], &error),
          &error);
  for (int64_t s = 0; s < data.n; s++) kept[s] = getenv("FTL_KEEP_NOTHING") ? NULL : ftl_kept_new();
  ftl_crew *crew;
  check(ftl_crew_new(threads, &crew, &error), &error);
  for (int t = 0; t < threads; t++) {
    check(ftl_sweep_new(network, &sweep[t], &error), &error);
    ftl_sweep_join(sweep[t], crew, t);
    d_forces[t] = calloc((size_t)batch.atoms, sizeof *d_forces[t]);
  }
  double best = 1e9, best_cpu = 1e9;
  for (int step = 0; step < steps; step++) {
    const double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    ftl_crew_begin(crew, (int)data.n);
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(dynamic) nowait
      for (int64_t s = 0; s < data.n; s++) {
        const int t = omp_get_thread_num();
        ftl_error mine = {0};
        ftl_prediction prediction;
        ftl_loss_gradient d = {.forces = d_forces[t]};
        check(ftl_sweep_predict(sweep[t], &graph[s].graph, kept[s], 0, true, &prediction, &mine), &mine);
        ftl_loss_structure(&loss, &batch, &data.structure[s], &prediction, &d);
        check(ftl_sweep_gradient(sweep[t], d.energy, d.has_forces ? (const double(*)[3])d.forces : NULL,
                                 d.has_virial ? (const double(*)[3])d.virial : NULL, gradient + (size_t)t * count,
                                 &mine),
              &mine);
        ftl_crew_finished_one(crew);
      }
      ftl_crew_help(crew);
    }
    for (int t = 1; t < threads; t++)
      for (size_t k = 0; k < count; k++) gradient[k] += gradient[(size_t)t * count + k];
    ftl_optimiser_step(&optimiser, 1e-4, gradient, values);
    check(ftl_network_set(network, values, &error), &error);
    memset(gradient, 0, count * (size_t)threads * sizeof *gradient);
    const double took = seconds(CLOCK_MONOTONIC) - start, used = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (took < best) best = took;
    if (used < best_cpu) best_cpu = used;
  }
  printf("atoms %lld  ms_per_atom_step %.5f  cpu_ms_per_atom_step %.5f  threads %d\n", (long long)batch.atoms,
         1e3 * best / (double)batch.atoms, 1e3 * best_cpu / (double)batch.atoms, threads);
  return 0;
}
