/* core/kokkos against numbers of the C core that lie in files, made on another machine:

     gpu_kit check record FILE MODEL [STRUCTURES.xyz]      the numbers of up to four of its frames and of three random
   structures gpu_check compare SPACE STAGES.csv FILE...        an execution space of Kokkos against them; names of
   kernels, and how often they ran, go to STAGES.csv

   A model's file lies beside its numbers. `compare` prints CSV: model,precision,atoms,nodes,difference,limit,verdict.
   It ends with 1 if any difference is above its limit, and with 2 when it cannot compare. */
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "kokkos/stage_times.h"
#include "model/architecture.h"

static _Noreturn void stop(const char *format, ...) {
  va_list list;
  va_start(list, format);
  fputs("gpu_kit check: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
  exit(2);
}
#define FAIL stop
#include "kokkos/answers.h"

enum { FRAMES = 4, MOST_STAGES = 512 };

/* ---- numbers in a file ---- */

typedef struct {
  const char *name;
  double *x;
  int n;
} field;
enum { N_FIELDS = 10 };
static void fields_of(structure *s, answers *a, field f[N_FIELDS]) {
  const field all[N_FIELDS] = {{"position", s->position[0], 3 * s->n},
                               {"energy", &a->energy, 1},
                               {"virial", a->virial, 9},
                               {"forces", a->forces[0], 3 * s->n},
                               {"node_energy", a->node_energy, s->n},
                               {"atom_virial", a->atom_virial[0], 9 * s->n},
                               {"centroid_virial", a->centroid_virial[0], 9 * s->n},
                               {"extrapolation", a->extrapolation, s->n},
                               {"energy_deviation", a->energy_deviation, s->n},
                               {"force_deviation", a->force_deviation, s->n}};
  memcpy(f, all, sizeof all);
}

static void write_numbers(FILE *file, structure *s, answers *a, ftl_precision precision) {
  field f[N_FIELDS];
  const double *c = s->cell[0];
  fprintf(file, "structure %s %d %d %d %d\ncell", precision == FTL_MIXED ? "mixed" : "double", s->n, s->pbc[0],
          s->pbc[1], s->pbc[2]);
  for (int k = 0; k < 9; k++) fprintf(file, " %.17g", c[k]);
  fputs("\nnumbers", file);
  for (int i = 0; i < s->n; i++) fprintf(file, " %d", s->number[i]);
  fields_of(s, a, f);
  for (int k = 0; k < N_FIELDS; k++) {
    fprintf(file, "\n%s", f[k].name);
    for (int i = 0; i < f[k].n; i++) fprintf(file, " %.17g", f[k].x[i]);
  }
  fputc('\n', file);
}

static void read_doubles(const char *path, FILE *file, const char *name, double *x, int n) {
  char word[32];
  if (fscanf(file, "%31s", word) != 1 || strcmp(word, name)) stop("%s: '%s' is expected", path, name);
  for (int k = 0; k < n; k++)
    if (fscanf(file, "%lf", &x[k]) != 1) stop("%s: %s needs %d numbers", path, name, n);
}

/* false at the end. */
static bool read_numbers(const char *path, FILE *file, structure *s, answers *a, ftl_precision *precision) {
  char word[16];
  double numbers[MAX_ATOMS];
  field f[N_FIELDS];
  *s = (structure){0};
  const int read = fscanf(file, " structure %15s %d %d %d %d", word, &s->n, &s->pbc[0], &s->pbc[1], &s->pbc[2]);
  if (read == EOF) return false;
  if (read != 5 || s->n < 1 || s->n > MAX_ATOMS) stop("%s: this is no file of gpu_kit check, or it is cut off", path);
  *precision = strcmp(word, "mixed") == 0 ? FTL_MIXED : FTL_DOUBLE;
  read_doubles(path, file, "cell", s->cell[0], 9);
  read_doubles(path, file, "numbers", numbers, s->n);
  for (int i = 0; i < s->n; i++) s->number[i] = (int)numbers[i];
  fields_of(s, a, f);
  for (int k = 0; k < N_FIELDS; k++) read_doubles(path, file, f[k].name, f[k].x, f[k].n);
  return true;
}

/* ---- record ---- */

/* Where a family wants to be told (SevenNet), the last of its heads. */
static const char *head_of(const char *path) {
  static char head[128];
  ftl_source *source = NULL;
  ftl_model *model = NULL;
  const ftl_status status = ftl_model_open(path, NULL, &model, NULL);
  ftl_model_free(model);
  if (status == FTL_OK) return NULL;
  MUST(ftl_source_read(path, &source, error));
  snprintf(head, sizeof head, "%s", source->arch.heads[source->arch.n_heads - 1]);
  ftl_source_free(source);
  return head;
}

static ftl_model *open_model(const char *path, const char *head, ftl_precision precision) {
  const ftl_open_options options = {.precision = precision, .head = head};
  ftl_model *model;
  MUST(ftl_model_open(path, &options, &model, error));
  return model;
}

static void record_structure(FILE *file, ftl_model *const models[2], structure *s) {
  static answers a;
  int species[MAX_ATOMS];
  ftl_neighbours list = {0};
  const ftl_graph graph = image_graph(models[0], s, species, &list);
  for (int k = 0; k < 2; k++) {
    c_answers(models[k], &graph, &a);
    write_numbers(file, s, &a, k ? FTL_MIXED : FTL_DOUBLE);
  }
  ftl_neighbours_free(&list);
}

static void record(const char *path, const char *model, const char *frames) {
  static structure s;
  static const int atoms[3] = {7, 24,
                               120}; /* a cell smaller than the cutoff; few neighbours; more atoms than a batch */
  static const double side[3] = {4.5, 16, 13};
  char copy[1024];
  const char *head = head_of(model);
  FILE *file = fopen(path, "w"), *from = frames ? fopen(frames, "r") : NULL;
  if (!file) stop("%s cannot be written", path);
  if (frames && !from) stop("%s cannot be read", frames);
  snprintf(copy, sizeof copy, "%s", model);
  fprintf(file, "model %s\nhead %s\n", basename(copy), head ? head : "-");
  ftl_model *models[2] = {open_model(model, head, FTL_DOUBLE), open_model(model, head, FTL_MIXED)};
  ftl_model_info info;
  ftl_model_get_info(models[0], &info);
  for (int k = 0, read; from && k < FRAMES && (read = next_frame(from, &s)) != 0; k++) {
    if (read < 0) stop("%s: frame %d is no extended XYZ of at most %d atoms", frames, k + 1, MAX_ATOMS);
    record_structure(file, models, &s);
  }
  uint64_t state = 11;
  for (int k = 0; k < 3; k++) {
    random_structure(&s, atoms[k], side[k], 1.5, info.atomic_numbers, info.n_elements, &state);
    record_structure(file, models, &s);
  }
  if (from) fclose(from);
  if (fclose(file)) stop("%s cannot be written", path);
  for (int k = 0; k < 2; k++) ftl_model_free(models[k]);
}

/* ---- compare ---- */

/* One line; whether it is within its limit. */
static bool compare(const char *name, const char *space, const ftl_model *model, const ftl_graph *graph,
                    const int *owner, const answers *a, bool mixed) {
  double trust;
  const double d = difference(space, model, graph, owner, a, mixed, &trust);
  const bool fine = d <= MOST_DIFFERENCE(mixed);
  printf("%s,%s,%d,%d,%.2g,%.0g,%s\n", name, mixed ? "mixed" : "double", graph->n_local, graph->n_total, d,
         MOST_DIFFERENCE(mixed), fine ? "same" : "DIFFERS");
  fflush(stdout); /* what is known when the time is up, or a kernel never ends */
  return fine;
}

static int compare_file(const char *space, const char *path) {
  static structure s;
  static answers a;
  static int ghost_species[MAX_NODES];
  char name[256], head[128], folder[1024], model[2048];
  int species[MAX_ATOMS], failed = 0;
  ftl_precision precision;
  ftl_model *models[2] = {NULL, NULL};
  FILE *file = fopen(path, "r");
  if (!file) stop("%s cannot be read", path);
  if (fscanf(file, "model %255s head %127s", name, head) != 2) stop("%s: this is no file of gpu_kit check", path);
  snprintf(folder, sizeof folder, "%s", path);
  snprintf(model, sizeof model, "%s/%s", dirname(folder), name);
  while (read_numbers(path, file, &s, &a, &precision)) {
    const bool mixed = precision == FTL_MIXED;
    ftl_neighbours list = {0};
    if (!models[mixed]) models[mixed] = open_model(model, strcmp(head, "-") ? head : NULL, precision);
    const ftl_graph graph = image_graph(models[mixed], &s, species, &list), ghosts = ghost_graph(&graph, ghost_species);
    failed += !compare(name, space, models[mixed], &graph, NULL, &a, mixed);
    failed += !compare(name, space, models[mixed], &ghosts, graph.node + graph.n_local, &a, mixed);
    ftl_neighbours_free(&list);
  }
  fclose(file);
  for (int k = 0; k < 2; k++) ftl_model_free(models[k]);
  return failed;
}

static void write_stages(const char *path) {
  static kokkos_stage stages[MOST_STAGES];
  const int n = kokkos_stages(stages, MOST_STAGES);
  FILE *file = fopen(path, "w");
  if (!file) stop("%s cannot be written", path);
  fputs("stage,launches,seconds\n", file);
  for (int k = 0; k < n && k < MOST_STAGES; k++)
    fprintf(file, "\"%s\",%ld,%.6f\n", stages[k].name, stages[k].launches, stages[k].seconds);
  if (fclose(file)) stop("%s cannot be written", path);
}

int gpu_check(int argc, char **argv) {
  if (argc >= 4 && argc <= 5 && !strcmp(argv[1], "record"))
    return record(argv[2], argv[3], argc > 4 ? argv[4] : NULL), 0;
  if (argc < 5 || strcmp(argv[1], "compare"))
    stop("usage: gpu_kit check record FILE MODEL [STRUCTURES.xyz] | gpu_kit check compare SPACE STAGES.csv FILE...");
  int failed = 0;
  kokkos_start(1, argv);
  kokkos_time_stages(1);
  for (int k = 4; k < argc; k++) failed += compare_file(argv[2], argv[k]);
  write_stages(argv[3]);
  kokkos_stop();
  return failed > 0;
}
