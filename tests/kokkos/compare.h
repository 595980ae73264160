/* An evaluator of core/kokkos against the C core on a structure, in each execution space there is, alone and with every
   periodic image as a ghost of its own, double and mixed. */
#ifndef FTL_TESTS_KOKKOS_COMPARE_H
#define FTL_TESTS_KOKKOS_COMPARE_H

#include "unit/twins.h"

#define FAIL fail_msg
#include "answers.h"
#include "unit/close.h"

static double worst_double, worst_mixed, worst_trust;

static void compare(const char *name, const char *space, const ftl_model *model, const ftl_graph *graph,
                    const int *owner, const answers *c, bool mixed) {
  double trust, *worst = mixed ? &worst_mixed : &worst_double;
  const double d = difference(space, model, graph, owner, c, mixed, &trust);
  if (!mixed) worst_trust = fmax(worst_trust, trust);
  *worst = fmax(*worst, d);
  if (!(d <= MOST_DIFFERENCE(mixed)))
    fail_msg("%s, %s, %s%s: differs by %.3g", name, space, mixed ? "mixed" : "double", owner ? ", ghosts" : "", d);
}

static void check_structure(const char *name, ftl_model *const models[2], const structure *s) {
  static answers c, c_mixed;
  static int ghost_species[MAX_NODES];
  ftl_neighbours list = {0};
  int species[MAX_ATOMS];
  const ftl_graph graph = image_graph(models[0], s, species, &list), ghosts = ghost_graph(&graph, ghost_species);
  c_answers(models[0], &graph, &c);
  c_answers(models[1], &graph, &c_mixed);
  for (const char *const *space = kokkos_spaces(); *space; space++) {
    compare(name, *space, models[0], &graph, NULL, &c, false);
    compare(name, *space, models[0], &ghosts, graph.node + graph.n_local, &c, false);
    compare(name, *space, models[1], &graph, NULL, &c_mixed, true);
  }
  ftl_neighbours_free(&list);
}

#endif
