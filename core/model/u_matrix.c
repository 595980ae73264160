#include "model/u_matrix.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "math/wigner.h"

/* One path through the tree: some factors coupled to an irrep. */
typedef struct {
  int l, p;
  double *c; /* [2 l + 1][n_lm]^level; owned */
} coupling;

typedef struct {
  int n;
  size_t room;
  coupling *coupling;
} coupling_list;

typedef struct {
  int max_ell, n_lm, l, nu; /* as in ftl_u_matrix */
  ftl_error *error;
} task;

static int natural(int l) { return l % 2 ? -1 : 1; }

static void free_list(coupling_list *list) {
  for (int k = 0; k < list->n; k++) free(list->coupling[k].c);
  free(list->coupling);
  *list = (coupling_list){0};
}

static ftl_status no_memory(const task *t) {
  return ftl_no_memory(t->error, NULL, "the U matrices of correlation %d", t->nu);
}

/* Adds an irrep with `count` zeros. */
static ftl_status append(const task *t, coupling_list *list, int l, int p, size_t count, double **c) {
  FTL_TRY(FTL_GROW(list->coupling, list->room, list->n + 1, "U matrices", t->error));
  *c = calloc(count, sizeof **c);
  if (!*c) return no_memory(t);
  list->coupling[list->n++] = (coupling){l, p, *c};
  return FTL_OK;
}

/* Couples `left`, whose components are [2 left->l + 1][n_left], with factor l2 to l: adds to
   u[2 l + 1][n_left][n_lm][stride], of which the last index is 0. */
static void couple(const task *t, const coupling *left, size_t n_left, int l2, int l, double *u, size_t stride) {
  const int d1 = 2 * left->l + 1, d2 = 2 * l2 + 1;
  double w[(2 * FTL_WIGNER_MAX_L + 1) * (2 * FTL_WIGNER_MAX_L + 1) * (2 * 3 + 1)];
  const double component = sqrt(2 * l + 1); /* e3nn's "component" normalisation */
  ftl_wigner_3j(l, left->l, l2, w);
  for (int i = 0; i < 2 * l + 1; i++)
    for (int j = 0; j < d1; j++)
      for (int m = 0; m < d2; m++) {
        const double factor = component * w[(i * d1 + j) * d2 + m];
        if (factor == 0) continue;
        for (size_t k = 0; k < n_left; k++)
          u[(((size_t)i * n_left + k) * (size_t)t->n_lm + (size_t)(l2 * l2 + m)) * stride] +=
              factor * left->c[(size_t)j * n_left + k];
      }
}

/* Whether a path may go through an irrep when `level` factors are coupled: those that cannot end at t->l are left out,
   which changes nothing in the order of the others. */
static bool passes(const task *t, int l, int p, int level) {
  const int reach = (t->nu - level) * t->max_ell;
  return abs(l - t->l) <= reach && (t->nu < 4 || p == natural(l));
}

/* Stable, by l, then odd before even: the order of e3nn's irreps. */
static void sort_list(coupling_list *list) {
  for (int k = 1; k < list->n; k++) {
    const coupling moved = list->coupling[k];
    int j = k;
    for (; j > 0; j--) {
      const coupling *before = &list->coupling[j - 1];
      if (before->l < moved.l || (before->l == moved.l && before->p <= moved.p)) break;
      list->coupling[j] = *before;
    }
    list->coupling[j] = moved;
  }
}

/* One factor by itself: rows of the unit matrix. */
static ftl_status first_level(const task *t, coupling_list *list) {
  for (int l = 0; l <= t->max_ell; l++) {
    double *c;
    if (!passes(t, l, natural(l), 1)) continue;
    FTL_TRY(append(t, list, l, natural(l), (size_t)((2 * l + 1) * t->n_lm), &c));
    for (int m = 0; m < 2 * l + 1; m++) c[m * t->n_lm + l * l + m] = 1;
  }
  return FTL_OK;
}

/* From all couplings of level - 1 factors, with n_left = n_lm^(level - 1), to those of `level`. */
static ftl_status next_level(const task *t, const coupling_list *lefts, size_t n_left, int level, coupling_list *list) {
  for (int k = 0; k < lefts->n; k++) {
    const coupling *left = &lefts->coupling[k];
    for (int l2 = 0; l2 <= t->max_ell; l2++)
      for (int l = abs(left->l - l2); l <= left->l + l2; l++) {
        const int p = left->p * natural(l2);
        double *c;
        if (!passes(t, l, p, level)) continue;
        FTL_TRY(append(t, list, l, p, (size_t)(2 * l + 1) * n_left * (size_t)t->n_lm, &c));
        couple(t, left, n_left, l2, l, c, 1);
      }
  }
  sort_list(list);
  return FTL_OK;
}

/* The last factor goes straight into u, whose paths stand side by side. Without u, only counts them. */
static int last_level(const task *t, const coupling_list *lefts, size_t n_left, double *u, int n_paths) {
  int n = 0;
  for (int k = 0; k < lefts->n; k++) {
    const coupling *left = &lefts->coupling[k];
    for (int l2 = abs(left->l - t->l); l2 <= t->max_ell && l2 <= left->l + t->l; l2++) {
      if (left->p * natural(l2) != natural(t->l)) continue;
      if (u) couple(t, left, n_left, l2, t->l, u + n, (size_t)n_paths);
      n++;
    }
  }
  return n;
}

ftl_status ftl_u_matrix(int max_ell, int l, int nu, double **u, int *n_paths, ftl_error *error) {
  const task t = {.max_ell = max_ell, .n_lm = (max_ell + 1) * (max_ell + 1), .l = l, .nu = nu, .error = error};
  coupling_list list = {0};
  size_t n_left = (size_t)t.n_lm;
  ftl_status status = first_level(&t, &list);
  *u = NULL;
  *n_paths = 1;
  for (int level = 2; !status && level < nu; level++) {
    coupling_list next = {0};
    status = next_level(&t, &list, n_left, level, &next);
    n_left *= (size_t)t.n_lm;
    free_list(&list);
    list = next;
  }
  if (!status && nu == 1) { /* the only irrep that passes is l itself */
    *u = list.coupling[0].c;
    list.coupling[0].c = NULL;
  } else if (!status) {
    *n_paths = last_level(&t, &list, n_left, NULL, 0);
    *u = calloc((size_t)(2 * l + 1) * n_left * (size_t)t.n_lm * (size_t)*n_paths, sizeof **u);
    if (*u) last_level(&t, &list, n_left, *u, *n_paths);
    else status = no_memory(&t);
  }
  free_list(&list);
  return status;
}

ftl_status ftl_u_matrices_need(ftl_u_matrices *matrices, int l, int nu, ftl_error *error) {
  if (matrices->u[l][nu]) return FTL_OK;
  return ftl_u_matrix(matrices->max_ell, l, nu, &matrices->u[l][nu], &matrices->n_paths[l][nu], error);
}

void ftl_u_matrices_free(ftl_u_matrices *matrices) {
  for (int l = 0; l <= FTL_U_MAX_L; l++)
    for (int nu = 0; nu <= FTL_U_MAX_NU; nu++) free(matrices->u[l][nu]);
  *matrices = (ftl_u_matrices){0};
}
