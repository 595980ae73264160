/* What the C core answers for a structure, and how far an evaluator of core/kokkos is from it: for tests (compare.h)
   and for programs that bring the numbers along (bench/gpu-kit). Includer defines FAIL(format, ...), which does not
   return. */
#ifndef FTL_TESTS_KOKKOS_ANSWERS_H
#define FTL_TESTS_KOKKOS_ANSWERS_H

#include <math.h>

#include "evaluate.h"
#include "unit/structures.h"

#define MAX_NODES 20000

typedef struct {
  double energy, virial[9], forces[MAX_ATOMS][3], node_energy[MAX_ATOMS], atom_virial[MAX_ATOMS][9],
      centroid_virial[MAX_ATOMS][9];
  /* of a model that knows them */
  double extrapolation[MAX_ATOMS], energy_deviation[MAX_ATOMS], force_deviation[MAX_ATOMS];
} answers;

/* Forces in mixed are held against the largest force, but of at least 0.1 eV/Angstrom: in a crystal nearly at rest,
   what paths add to forces nearly cancels, and float32 is seen in what is left (1.3e-5 of 0.04 at worst). */
#define LEAST_FORCE 0.1

#define MUST(call)                                                                                                     \
  do {                                                                                                                 \
    ftl_error must_error = {0};                                                                                        \
    ftl_error *error = &must_error;                                                                                    \
    if ((call) != FTL_OK) FAIL("%s: %s (%s)", #call, must_error.message, must_error.where);                            \
  } while (0)

/* Of the structure in `species`, with a list that has a skin, as hosts have them. */
static inline ftl_graph image_graph(const ftl_model *model, const structure *s, int *species, ftl_neighbours *list) {
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  for (int i = 0; i < s->n; i++) species[i] = ftl_model_species(model, s->number[i]);
  MUST(ftl_neighbours_build_images(list, s->n, s->position, s->cell, s->pbc, info.cutoff + 0.5, error));
  return ftl_neighbours_graph(list, s->n, species);
}

/* The same structure with its images as nodes; owners of these are graph->node + n_local. `species` is for MAX_NODES.
 */
static inline ftl_graph ghost_graph(const ftl_graph *graph, int *species) {
  ftl_graph ghosts = *graph;
  if (graph->n_atoms > MAX_NODES) FAIL("a structure has %d images, more than %d", graph->n_atoms, MAX_NODES);
  for (int a = 0; a < graph->n_atoms; a++) species[a] = graph->species[graph->node[a]];
  ghosts.n_total = graph->n_atoms;
  ghosts.species = species;
  ghosts.node = NULL;
  return ghosts;
}

static inline void c_answers(const ftl_model *model, const ftl_graph *graph, answers *a) {
  ftl_model_info info;
  ftl_workspace *ws;
  memset(a, 0, sizeof *a);
  ftl_output output = {.forces = a->forces[0],
                       .node_energy = a->node_energy,
                       .atom_virial = a->atom_virial,
                       .centroid_virial = a->centroid_virial};
  ftl_model_get_info(model, &info);
  if (info.extrapolation) output.extrapolation = a->extrapolation;
  if (info.n_committee > 0) {
    output.energy_deviation = a->energy_deviation;
    output.committee_forces = calloc(3 * (size_t)(graph->n_total * info.n_committee) + 1, sizeof(double));
    if (!output.committee_forces) FAIL("%s", "out of memory");
  }
  MUST(ftl_workspace_new(model, 1, &ws, error));
  MUST(ftl_begin(ws, graph, &output, error));
  for (int t = 0; t < info.n_layers - 1; t++) MUST(ftl_layer_forward(ws, t, FTL_ALL, error));
  MUST(ftl_last_layer(ws, FTL_ALL, error));
  for (int t = info.n_layers - 2; t >= 0; t--) MUST(ftl_layer_reverse(ws, t, FTL_ALL, error));
  MUST(ftl_end(ws, error));
  ftl_workspace_free(ws);
  if (output.committee_forces)
    MUST(ftl_force_deviation(model, graph->n_local, output.committee_forces, a->force_deviation, error));
  free(output.committee_forces);
  a->energy = output.energy;
  memcpy(a->virial, output.virial, sizeof output.virial);
}

static inline double largest(const double *x, size_t n) {
  double most = 1e-3;
  for (size_t k = 0; k < n; k++) most = fmax(most, fabs(x[k]));
  return most;
}
static inline double differ(const double *x, const double *y, size_t n) {
  double most = 0;
  for (size_t k = 0; k < n; k++) most = x[k] == x[k] ? fmax(most, fabs(x[k] - y[k])) : INFINITY;
  return most / largest(y, n);
}

/* Each against itself: grades of atoms that are too close, or of elements without data, are 10^6. */
static inline double differ_each(const double *x, const double *y, size_t n) {
  double most = 0;
  for (size_t k = 0; k < n; k++)
    most = x[k] == x[k] ? fmax(most, fabs(x[k] - y[k]) / fmax(fabs(y[k]), 1e-3)) : INFINITY;
  return most;
}

/* Largest relative difference of anything in double; in mixed, of forces, from the C core's in mixed: what float32
   tables lose is the same in both. `trust`: the part of it that is grades and deviations. */
#define MOST_DIFFERENCE(mixed) ((mixed) ? 1e-5 : 1e-10)
static inline double difference(const char *space, const ftl_model *model, const ftl_graph *graph, const int *owner,
                                const answers *c, bool mixed, double *trust) {
  static double forces[3 * MAX_NODES], node_energy[MAX_ATOMS], atom_virial[MAX_NODES][9], centroid_virial[MAX_NODES][9];
  static double extrapolation[MAX_ATOMS], energy_deviation[MAX_ATOMS], force_deviation[MAX_ATOMS];
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  const bool one_layer = info.n_layers == 1;
  kokkos_answer k = {.forces = forces,
                     .node_energy = node_energy,
                     .atom_virial = atom_virial,
                     .centroid_virial = one_layer ? centroid_virial : NULL,
                     .extrapolation = info.extrapolation ? extrapolation : NULL,
                     .energy_deviation = info.n_committee > 0 ? energy_deviation : NULL,
                     .force_deviation = info.n_committee > 0 ? force_deviation : NULL};
  const size_t n = (size_t)graph->n_local;
  MUST(kokkos_evaluate(space, model, graph, owner, owner ? 2 : 1, &k, error));
  for (int g = graph->n_local; g < graph->n_total; g++)
    for (int x = 0; x < 9; x++) {
      atom_virial[owner[g - graph->n_local]][x] += atom_virial[g][x];
      centroid_virial[owner[g - graph->n_local]][x] += centroid_virial[g][x];
    }
  double d = differ(forces, c->forces[0], 3 * n);
  if (mixed) {
    d *= fmin(1, largest(c->forces[0], 3 * n) / LEAST_FORCE);
  } else {
    d = fmax(d, differ(node_energy, c->node_energy, n));
    d = fmax(d, fabs(k.energy - c->energy) / (largest(c->node_energy, n) * (double)n));
    d = fmax(d, differ(k.virial, c->virial, 9));
    d = fmax(d, differ(atom_virial[0], c->atom_virial[0], 9 * n));
    if (one_layer) d = fmax(d, differ(centroid_virial[0], c->centroid_virial[0], 9 * n));
  }
  *trust = 0;
  if (info.extrapolation) *trust = differ_each(extrapolation, c->extrapolation, n);
  if (info.n_committee > 0) {
    *trust = fmax(*trust, differ(energy_deviation, c->energy_deviation, n));
    *trust = fmax(*trust, differ(force_deviation, c->force_deviation, n));
  }
  return fmax(d, *trust);
}

#endif
