/* The reference models of ../shared (see its README) for unit tests: structures, graphs, answers. Header only, because
   each test is one program. Everything here fails the running test when a file is not as expected. */
#ifndef FTL_TESTS_TWINS_H
#define FTL_TESTS_TWINS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frozentl.h"
#include "model/architecture.h"
#include "sanitized.h"
#include "structures.h"

/* FTL_SHARED, or ../shared seen from the project's root, where ctest runs. */
static inline const char *shared_dir(void) {
  const char *dir = getenv("FTL_SHARED");
  return dir ? dir : "../shared";
}

/* A twin is named by the path of its files without extension. "SHARED/reference/NAME"; static storage. */
static inline const char *shared_twin(const char *name) {
  static char path[1024];
  snprintf(path, sizeof path, "%s/reference/%s", shared_dir(), name);
  return path;
}

static inline const char *with_extension(const char *twin, const char *extension) {
  static char path[1100];
  snprintf(path, sizeof path, "%s.%s", twin, extension);
  return path;
}

/* Skips the running test when ../shared is not there. */
static inline void need_shared(void) {
  if (access(shared_twin("mace"), R_OK) == 0) return;
  print_message("skipped: there is no %s; set FTL_SHARED to the folder with the reference models\n", shared_dir());
  skip();
}

/* Bytes: under a sanitizer small models must do. */
enum { LARGEST_MODEL = SANITIZED ? 1 << 20 : 1 << 30 };

/* A MACE (.model) or a SevenNet (.pth); static storage. */
static inline const char *twin_model(const char *twin) {
  return with_extension(twin, access(with_extension(twin, "pth"), F_OK) == 0 ? "pth" : "model");
}

/* The head to open a file of a twin with where any will do: of a SevenNet (.pth) with several none is chosen by itself.
   Static storage. */
static inline const char *head_of_twin(const char *path) {
  static char head[64];
  char json[1100];
  const size_t n = strlen(path);
  if (n < 4 || strcmp(path + n - 4, ".pth")) return NULL;
  snprintf(json, sizeof json, "%.*s.json", (int)(n - 4), path);
  json_t *root = json_load_file(json, 0, NULL);
  const char *name = json_string_value(json_object_get(json_array_get(json_object_get(root, "answers"), 0), "head"));
  snprintf(head, sizeof head, "%s", name ? name : "Default");
  json_decref(root);
  return head;
}

static inline bool is_too_large(const char *twin) {
  struct stat model;
  return stat(twin_model(twin), &model) == 0 && model.st_size > LARGEST_MODEL;
}

/* A published SevenNet: what takes minutes with it is tested on the random twins, which have its options. */
static inline bool is_published(const char *twin) {
  struct stat model;
  return stat(with_extension(twin, "pth"), &model) == 0 && model.st_size > (1 << 22);
}

/* FTL_SHARD=K/N, set by ftl_add_unit_test: this process is the K-th of N that share the twins. */
static inline void read_shard(int *shard, int *n_shards) {
  const char *text = getenv("FTL_SHARD");
  *shard = *n_shards = 1;
  if (text && !(sscanf(text, "%d/%d", shard, n_shards) == 2 && *shard >= 1 && *shard <= *n_shards))
    fail_msg("FTL_SHARD is '%s', not K/N", text);
}

/* Before the group runs: only the first shard runs tests other than `over_twins`, the one that calls for_each_twin. */
#define share_twins(over_twins) ((void)(over_twins), filter_shard(#over_twins))
static inline void filter_shard(const char *over_twins) {
  int shard, n_shards;
  read_shard(&shard, &n_shards);
  if (shard > 1) cmocka_set_test_filter(over_twins);
}

/* Calls `f` for every twin there is, or for this shard's: those of ../shared, those kept in tests/parity/twins, and, if
   FTL_TWINS names a folder (as tests/parity/make_twins.py fills build/twins), those in it. Skips the test if there is
   none at all. */
static inline void for_each_twin(void (*f)(const char *twin)) {
  char pattern[4][1024];
  const char *more = getenv("FTL_TWINS");
  snprintf(pattern[0], sizeof pattern[0], "%s/reference/[hm]*/*.json", shared_dir());
  snprintf(pattern[1], sizeof pattern[1], "tests/parity/*twins/*.json");
  snprintf(pattern[2], sizeof pattern[2], "%s/*.json", more ? more : "nowhere");
  snprintf(pattern[3], sizeof pattern[3], "%s/reference/sevennet/*.json", shared_dir());
  int n = 0, shard, n_shards;
  read_shard(&shard, &n_shards);
  for (int k = 0; k < 4; k++) {
    glob_t found;
    if (glob(pattern[k], 0, NULL, &found) == 0)
      for (size_t q = 0; q < found.gl_pathc; q++, n++) {
        if (n % n_shards != shard - 1) continue;
        found.gl_pathv[q][strlen(found.gl_pathv[q]) - strlen(".json")] = 0;
        if (access(twin_model(found.gl_pathv[q]), F_OK) == 0 && !is_too_large(found.gl_pathv[q])) f(found.gl_pathv[q]);
      }
    globfree(&found);
  }
  if (n > 0) return;
  print_message("skipped: no reference models in %s or tests/parity/twins\n", shared_dir());
  skip();
}

static inline ftl_source *read_twin(const char *twin) {
  ftl_source *source = NULL;
  ftl_error error = {0};
  if (ftl_source_read(twin_model(twin), &source, &error) != FTL_OK)
    fail_msg("%s: %s (%s)", twin, error.message, error.where);
  return source;
}

/* The next frame of an extended XYZ file; false at the end. */
static inline bool read_frame(FILE *file, structure *s) {
  const int read = next_frame(file, s);
  assert_true(read >= 0);
  return read == 1;
}

static inline double volume(const structure *s) {
  const double(*c)[3] = s->cell;
  return fabs(c[0][0] * (c[1][1] * c[2][2] - c[1][2] * c[2][1]) - c[0][1] * (c[1][0] * c[2][2] - c[1][2] * c[2][0]) +
              c[0][2] * (c[1][0] * c[2][1] - c[1][1] * c[2][0]));
}

/* A structure's graph for a model: owns what it points to. */
typedef struct {
  int species[MAX_ATOMS];
  ftl_neighbours neighbours;
  ftl_graph graph;
} structure_graph;

/* numbers[n_elements]: the model's atomic numbers. `g` must stay in place: the graph points into it. */
static inline void build_graph(structure_graph *g, const structure *s, const int *numbers, int n_elements,
                               double r_max) {
  ftl_error error = {0};
  memset(g, 0, sizeof *g);
  if (ftl_neighbours_build(&g->neighbours, s->n, s->position, s->cell, s->pbc, r_max, &error) != FTL_OK)
    fail_msg("%s", error.message);
  for (int i = 0; i < s->n; i++) {
    g->species[i] = -1;
    for (int k = 0; k < n_elements; k++)
      if (numbers[k] == s->number[i]) g->species[i] = k;
    assert_true(g->species[i] >= 0);
  }
  g->graph = (ftl_graph){.n_local = s->n,
                         .n_total = s->n,
                         .species = g->species,
                         .first_edge = g->neighbours.first_edge,
                         .sender = g->neighbours.sender,
                         .vector = (const double(*)[3])g->neighbours.vector};
}

static inline void free_graph(structure_graph *g) { ftl_neighbours_free(&g->neighbours); }

/* One answer of a twin's JSON. */
typedef struct {
  int frame, head;
  double energy;
  double node_energy[MAX_ATOMS]; /* of a MACE: E0 subtracted, as MACECalculator gives it */
  double forces[MAX_ATOMS][3];
  bool has_stress;
  double stress[9]; /* xx xy xz yx ... */
} answer;

static inline json_t *read_answers(const char *twin) {
  json_error_t error;
  json_t *root = json_load_file(with_extension(twin, "json"), 0, &error);
  if (!root) fail_msg("%s.json: %s", twin, error.text);
  return root;
}

static inline size_t count_answers(const json_t *root) { return json_array_size(json_object_get(root, "answers")); }

static inline void get_answer(const json_t *root, size_t index, const ftl_source *source, answer *a) {
  const json_t *item = json_array_get(json_object_get(root, "answers"), index);
  const json_t *head = json_object_get(item, "head"), *stress = json_object_get(item, "stress");
  const json_t *forces = json_object_get(item, "forces"), *nodes = json_object_get(item, "node_energy");
  *a = (answer){.frame = (int)json_integer_value(json_object_get(item, "frame")),
                .head = source->arch.n_heads == 1 ? 0 : -1,
                .energy = json_number_value(json_object_get(item, "energy"))};
  for (int h = 0; json_is_string(head) && h < source->arch.n_heads; h++)
    if (!strcmp(source->arch.heads[h], json_string_value(head))) a->head = h;
  assert_true(a->head >= 0);
  assert_in_range(json_array_size(forces), 1, MAX_ATOMS);
  assert_int_equal(json_array_size(forces), json_array_size(nodes));
  for (size_t i = 0; i < json_array_size(forces); i++) {
    a->node_energy[i] = json_number_value(json_array_get(nodes, i));
    for (size_t c = 0; c < 3; c++) a->forces[i][c] = json_number_value(json_array_get(json_array_get(forces, i), c));
  }
  a->has_stress = json_is_array(stress);
  static const int voigt[9] = {0, 5, 4, 5, 1, 3, 4, 3, 2}; /* of xx yy zz yz xz xy */
  for (int k = 0; a->has_stress && k < 9; k++)
    a->stress[k] = json_number_value(json_array_get(stress, (size_t)voigt[k]));
}

/* What is to be subtracted from an atom's energy to compare it with an answer: E0 of a species of a MACE. */
static inline double twin_e0(const ftl_source *source, int head, int species) {
  if (source->arch.family == FTL_FAMILY_NEQUIP) return 0; /* its answers have the shift in */
  const ftl_tensor *e0 = ftl_tensors_find(&source->tensors, "atomic_energies_fn.atomic_energies");
  assert_non_null(e0);
  return ftl_tensor_at(e0, (int64_t)head * source->arch.n_elements + species);
}

#endif
