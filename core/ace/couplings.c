/* Couplings of two real vectors of components to a third, as lists of what is not zero (coupled.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ace/coupled.h"
#include "math/wigner.h"

enum { SIZE = FTL_WIGNER_MAX_L + 1 };

/* A component in the order of coupled.h in e3nn's, -l .. l, and the sign between them: e3nn's harmonics are without the
   Condon-Shortley phase, sines have negative m. */
static int e3nn_place(int l, int component, double *sign) {
  const int m = (component + 1) / 2;
  *sign = m % 2 ? -1 : 1;
  return component % 2 ? l + m : l - m;
}

/* One direction: rows, and the two that are multiplied, as places of z, x and y in `order`. */
static bool list(const int l[3], const double *symbol, const int order[3], double scale, ftl_ace_coupling *to) {
  const int n[3] = {2 * l[0] + 1, 2 * l[1] + 1, 2 * l[2] + 1};
  int component[3], count = 0;
  for (int k = 0; k < n[0] * n[1] * n[2]; k++) count += symbol[k] != 0;
  to->c = malloc(((size_t)count + 1) * sizeof *to->c);
  to->term = malloc(((size_t)count + 1) * sizeof *to->term);
  if (!to->c || !to->term) return false;
  to->n_rows = n[order[0]];
  count = 0;
  for (int row = 0; row < to->n_rows; row++) {
    to->first[row] = count;
    component[order[0]] = row;
    for (int a = 0; a < n[order[1]]; a++)
      for (int b = 0; b < n[order[2]]; b++) {
        int place[3];
        double sign[3];
        component[order[1]] = a;
        component[order[2]] = b;
        for (int k = 0; k < 3; k++) place[k] = e3nn_place(l[k], component[k], &sign[k]);
        const double value = symbol[(place[0] * n[1] + place[1]) * n[2] + place[2]];
        if (value == 0) continue;
        to->term[count] = (ftl_ace_coupling_term){a, b};
        to->c[count++] = scale * sign[0] * sign[1] * sign[2] * value;
      }
  }
  to->first[to->n_rows] = count;
  return true;
}

static bool make_kind(const int l[3], ftl_ace_coupling_kind *kind) {
  /* x, y, z are 0, 1, 2: z from x and y, x from z and y, y from z and x */
  static const int orders[FTL_ACE_DIRECTIONS][3] = {{2, 0, 1}, {0, 2, 1}, {1, 2, 0}};
  double *symbol = malloc((size_t)((2 * l[0] + 1) * (2 * l[1] + 1) * (2 * l[2] + 1)) * sizeof *symbol);
  bool ok = symbol != NULL;
  if (ok) ftl_wigner_3j(l[0], l[1], l[2], symbol);
  for (int way = 0; way < FTL_ACE_DIRECTIONS && ok; way++)
    ok = list(l, symbol, orders[way], sqrt(2.0 * l[2] + 1), &kind->way[way]);
  free(symbol);
  return ok;
}

int ftl_ace_coupling_of(ftl_ace_couplings *c, int l1, int l2, int l) {
  const int l_all[3] = {l1, l2, l};
  if (!c->of) {
    c->of = malloc(SIZE * SIZE * SIZE * sizeof *c->of);
    if (!c->of) return -1;
    memset(c->of, -1, SIZE * SIZE * SIZE * sizeof *c->of);
  }
  int *at = &c->of[(l1 * SIZE + l2) * SIZE + l];
  if (*at >= 0) return *at;
  ftl_ace_coupling_kind *more = realloc(c->kind, ((size_t)c->n + 1) * sizeof *more);
  if (!more) return -1;
  c->kind = more;
  memset(&c->kind[c->n], 0, sizeof *c->kind);
  c->n++;
  if (!make_kind(l_all, &c->kind[c->n - 1])) return -1;
  return *at = c->n - 1;
}

void ftl_ace_couplings_free(ftl_ace_couplings *c) {
  for (int k = 0; k < c->n; k++)
    for (int way = 0; way < FTL_ACE_DIRECTIONS; way++) {
      free(c->kind[k].way[way].term);
      free(c->kind[k].way[way].c);
    }
  free(c->kind);
  free(c->of);
}
