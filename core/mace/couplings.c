#include "mace/couplings.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "model/prepared.h"

typedef struct {
  int l1, l2, l3;
  const ftl_tensor *w3j; /* NULL where one of them is zero */
} triple;

/* sqrt(2 l3 + 1) w3j, which is e3nn's "component" normalisation with one term for each output block, and its closed
   forms when an l is zero (e3nn o3/_tensor_product/_codegen.py). */
static double coefficient(const triple *t, int m1, int m2, int m3) {
  const int d2 = 2 * t->l2 + 1, d3 = 2 * t->l3 + 1;
  if (t->w3j) return sqrt((double)d3) * ftl_tensor_at(t->w3j, (int64_t)(m1 * d2 + m2) * d3 + m3);
  if (t->l1 == 0) return m2 == m3;
  if (t->l2 == 0) return m1 == m3;
  return m1 == m2 ? 1 / sqrt(2.0 * t->l1 + 1) : 0;
}

static ftl_status find_triple(const ftl_source *source, int t, const ftl_conv_paths *paths, int p, triple *found,
                              ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  const int l1 = arch->layer[t].edge.block[paths->path[p].in1].l, l2 = arch->sh.block[paths->path[p].in2].l,
            l3 = paths->mid.block[p].l;
  *found = (triple){l1, l2, l3, NULL};
  if (l1 == 0 || l2 == 0 || l3 == 0) return FTL_OK;
  found->w3j =
      ftl_require(source, error, "interactions.%d.conv_tp._compiled_main_left_right._w3j_%d_%d_%d", t, l1, l2, l3);
  return found->w3j ? FTL_OK : FTL_ERR_FORMAT;
}

ftl_status ftl_edge_couplings_make(const ftl_source *source, int t, const ftl_conv_paths *paths,
                                   ftl_edge_couplings *couplings, ftl_error *error) {
  triple path[FTL_MAX_BLOCKS];
  size_t most = 0;
  *couplings = (ftl_edge_couplings){0};
  for (int p = 0; p < paths->n; p++) {
    FTL_TRY(find_triple(source, t, paths, p, &path[p], error));
    most += (size_t)((2 * path[p].l1 + 1) * (2 * path[p].l2 + 1) * (2 * path[p].l3 + 1));
  }
  couplings->entry = malloc((most + 1) * sizeof *couplings->entry);
  if (!couplings->entry) return ftl_no_memory(error, source->path, "the tables of the model");
  for (int p = 0; p < paths->n; p++) {
    couplings->first[p] = couplings->n;
    couplings->first_m[p] = couplings->n_m;
    for (int m3 = 0; m3 < 2 * path[p].l3 + 1; m3++)
      for (int m1 = 0; m1 < 2 * path[p].l1 + 1; m1++, couplings->n_m++)
        for (int m2 = 0; m2 < 2 * path[p].l2 + 1; m2++) {
          const double c = coefficient(&path[p], m1, m2, m3);
          if (c == 0) continue;
          couplings->entry[couplings->n++] = (ftl_coupling_entry){couplings->n_m, path[p].l2 * path[p].l2 + m2, c};
        }
  }
  couplings->first[paths->n] = couplings->n;
  couplings->first_m[paths->n] = couplings->n_m;
  return FTL_OK;
}

void ftl_edge_couplings_free(ftl_edge_couplings *couplings) {
  free(couplings->entry);
  couplings->entry = NULL;
}
