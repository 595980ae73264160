/* Opens a model a few times, for programs/startup, and prints "cpu_seconds X  wall_seconds Y  held_mb Z": the least of
   all times, and what the opened model holds.

     open_model MODEL all|El,El,... double|mixed TIMES */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frozentl.h"

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double megabytes_held(void) {
  const struct mallinfo2 m = mallinfo2();
  return (double)(m.uordblks + m.hblkhd) / 1e6;
}

static int read_elements(char *list, int elements[120]) {
  int n = 0;
  if (strcmp(list, "all") == 0) return 0;
  for (char *symbol = strtok(list, ","); symbol && n < 120; symbol = strtok(NULL, ","))
    elements[n++] = ftl_atomic_number(symbol);
  return n;
}

int main(int argc, char **argv) {
  int elements[120];
  if (argc != 5) {
    fprintf(stderr, "usage: open_model MODEL all|El,El,... double|mixed TIMES\n");
    return 2;
  }
  const int n = read_elements(argv[2], elements);
  const ftl_open_options options = {.precision = strcmp(argv[3], "mixed") == 0 ? FTL_MIXED : FTL_DOUBLE,
                                    .elements = n ? elements : NULL,
                                    .n_elements = n};
  double cpu = INFINITY, wall = INFINITY, held = 0;
  for (int k = 0; k < atoi(argv[4]); k++) {
    ftl_model *model;
    ftl_error error = {0};
    held = megabytes_held();
    double c = seconds(CLOCK_PROCESS_CPUTIME_ID), w = seconds(CLOCK_MONOTONIC);
    if (ftl_model_open(argv[1], &options, &model, &error)) {
      fprintf(stderr, "open_model: %s: %s\n", error.where, error.message);
      return 1;
    }
    cpu = fmin(cpu, seconds(CLOCK_PROCESS_CPUTIME_ID) - c);
    wall = fmin(wall, seconds(CLOCK_MONOTONIC) - w);
    held = megabytes_held() - held;
    ftl_model_free(model);
  }
  printf("cpu_seconds %.6f  wall_seconds %.6f  held_mb %.3f\n", cpu, wall, held);
  return 0;
}
