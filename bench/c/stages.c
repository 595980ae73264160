/* Operations, bytes and time of every stage, for programs/stages: evaluates the first frame of DATA.xyz STEPS times
   with one thread and prints a line per layer and stage, tab-separated: layer, stage, flops, bytes, us (all per atom;
   the time is the least of the steps). Built with FTL_TIMERS.

     stages MODEL DATA.xyz double|mixed STEPS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/stage_times.h"
#include "data/xyz.h"
#include "stage_counts.h"

static void check(ftl_status status, const ftl_error *error) {
  if (!status) return;
  fprintf(stderr, "stages: %s: %s\n", error->where, error->message);
  exit(1);
}

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The elements of a frame, each once. */
static int elements_of(const ftl_xyz_frame *frame, int *elements) {
  int n = 0;
  for (int i = 0; i < frame->n; i++) {
    int k = 0;
    while (k < n && elements[k] != frame->atomic_number[i]) k++;
    if (k == n) elements[n++] = frame->atomic_number[i];
  }
  return n;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: stages MODEL DATA.xyz double|mixed STEPS\n");
    return 2;
  }
  static double least[FTL_MAX_LAYERS][FTL_N_STAGES], step[FTL_MAX_LAYERS][FTL_N_STAGES];
  static ftl_stage_count count[FTL_MAX_LAYERS][FTL_N_STAGES];
  ftl_error error = {0};
  ftl_xyz_reader *reader;
  ftl_xyz_frame frame = {0};
  ftl_model *model;
  ftl_workspace *ws;
  int elements[FTL_MAX_ELEMENTS];
  bool end;
  check(ftl_xyz_open(argv[2], &reader, &error), &error);
  check(ftl_xyz_read(reader, &frame, &end, &error), &error);
  const ftl_open_options options = {.precision = strcmp(argv[3], "mixed") == 0 ? FTL_MIXED : FTL_DOUBLE,
                                    .elements = elements,
                                    .n_elements = elements_of(&frame, elements)};
  check(ftl_model_open(argv[1], &options, &model, &error), &error);
  check(ftl_workspace_new(model, 1, &ws, &error), &error);
  int *species = malloc((size_t)frame.n * sizeof *species);
  double(*forces)[3] = malloc((size_t)frame.n * sizeof *forces), best = 1e9, sum = 0;
  for (int i = 0; i < frame.n; i++) species[i] = ftl_model_species(model, frame.atomic_number[i]);
  for (int k = 0; k <= atoi(argv[4]); k++) { /* the first makes room and is not counted */
    ftl_result result = {.forces = forces[0]};
    ftl_stage_times_reset(ws);
    double began = cpu_seconds();
    check(ftl_compute(ws, frame.n, species, (const double(*)[3])frame.position, (const double(*)[3])frame.cell,
                      frame.pbc, &result, &error),
          &error);
    double took = cpu_seconds() - began;
    if (!ftl_stage_times(ws, step)) return fprintf(stderr, "stages: this build has no timers (FTL_TIMERS)\n"), 1;
    for (int t = 0; t < FTL_MAX_LAYERS; t++)
      for (int s = 0; s < FTL_N_STAGES; s++)
        if (k == 1 || step[t][s] < least[t][s]) least[t][s] = step[t][s];
    if (k > 0 && took < best) best = took;
  }
  ftl_stage_counts(ws, count);
  double n = frame.n;
  for (int t = 0; t < FTL_MAX_LAYERS; t++)
    for (int s = 0; s < FTL_N_STAGES; s++) {
      if (!(least[t][s] > 0 && count[t][s].flops > 0)) continue;
      sum += least[t][s];
      printf("%d\t%s\t%.1f\t%.1f\t%.4f\n", t, ftl_stage_names[s], count[t][s].flops / n, count[t][s].bytes / n,
             1e6 * least[t][s] / n);
    }
  printf("-\tneighbours and the rest\t0\t0\t%.4f\n", 1e6 * (best > sum ? best - sum : 0) / n);
  ftl_workspace_free(ws);
  ftl_model_free(model);
  ftl_xyz_close(reader);
  ftl_xyz_frame_free(&frame);
  free(species);
  free(forces);
  return 0;
}
