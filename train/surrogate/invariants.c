#include "surrogate/invariants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define INDEPENDENT 1e-7 /* of a vector's length: what is left of one that depends on the others is rounding */

static double log_factorial(int n) { return lgamma(n + 1.0); }

/* Varshalovich et al. (1988), section 8.2.1, eq. (3). Logarithms: factorials of 4 l would cost digits no more than
   their sum does. */
double ftl_clebsch_gordan(int l1, int m1, int l2, int m2, int l3, int m3) {
  if (m1 + m2 != m3 || l3 < abs(l1 - l2) || l3 > l1 + l2) return 0;
  if (abs(m1) > l1 || abs(m2) > l2 || abs(m3) > l3) return 0;
  double front = 0.5 * (log_factorial(l1 + l2 - l3) + log_factorial(l1 - l2 + l3) + log_factorial(-l1 + l2 + l3) -
                        log_factorial(l1 + l2 + l3 + 1) + log_factorial(l1 + m1) + log_factorial(l1 - m1) +
                        log_factorial(l2 + m2) + log_factorial(l2 - m2) + log_factorial(l3 + m3) +
                        log_factorial(l3 - m3) + log(2 * l3 + 1));
  double sum = 0;
  for (int t = 0; t <= l1 + l2 - l3; t++) {
    int a = l3 - l2 + t + m1, b = l3 - l1 + t - m2, c = l1 + l2 - l3 - t, d = l1 - t - m1, e = l2 - t + m2;
    if (a < 0 || b < 0 || c < 0 || d < 0 || e < 0) continue;
    double size = exp(front - log_factorial(t) - log_factorial(a) - log_factorial(b) - log_factorial(c) -
                      log_factorial(d) - log_factorial(e));
    sum += t % 2 ? -size : size;
  }
  return sum;
}

/* ---- terms: classes of m with the same real part ---- */

typedef struct {
  int rank;
  const int *l;
  const bool *same;
  int n_all;     /* m of sum 0 */
  int *m;        /* [n_all][rank] */
  int *class_of; /* [n_all] */
  int n_classes;
  int *first;   /* [n_classes] a member, the canonical one */
  int *members; /* [n_classes] */
} terms;

static int compare_m(const int *a, const int *b, int rank) {
  for (int t = 0; t < rank; t++)
    if (a[t] != b[t]) return a[t] < b[t] ? -1 : 1;
  return 0;
}

/* Sorted within runs of equal factors. */
static void sort_equal(const terms *x, int *m) {
  for (int begin = 0; begin < x->rank;) {
    int end = begin + 1;
    while (end < x->rank && x->same[end]) end++;
    for (int a = begin + 1; a < end; a++)
      for (int b = a; b > begin && m[b - 1] > m[b]; b--) {
        int swap = m[b];
        m[b] = m[b - 1];
        m[b - 1] = swap;
      }
    begin = end;
  }
}

/* The larger of m and -m, so that a canonical m leads with a positive number. */
static void canonical(const terms *x, const int *m, int *to) {
  int minus[FTL_INVARIANTS_MAX_RANK];
  for (int t = 0; t < x->rank; t++) {
    to[t] = m[t];
    minus[t] = -m[t];
  }
  sort_equal(x, to);
  sort_equal(x, minus);
  if (compare_m(minus, to, x->rank) > 0) memcpy(to, minus, (size_t)x->rank * sizeof *to);
}

static int count_m(const terms *x, int *m, int t, int sum, bool write, int *n) {
  if (t == x->rank - 1) {
    if (abs(sum) > x->l[t]) return *n;
    m[t] = -sum;
    if (write) memcpy(x->m + *n * x->rank, m, (size_t)x->rank * sizeof *m);
    return ++*n;
  }
  for (m[t] = -x->l[t]; m[t] <= x->l[t]; m[t]++) count_m(x, m, t + 1, sum + m[t], write, n);
  return *n;
}

static void free_terms(terms *x) {
  free(x->m);
  free(x->class_of);
  free(x->first);
  free(x->members);
}

static bool make_terms(terms *x) {
  int m[FTL_INVARIANTS_MAX_RANK], n = 0;
  x->n_all = count_m(x, m, 0, 0, false, &n);
  size_t room = (size_t)x->n_all + 1;
  x->m = malloc(room * (size_t)x->rank * sizeof *x->m);
  x->class_of = malloc(room * sizeof *x->class_of);
  x->first = malloc(room * sizeof *x->first);
  x->members = calloc(room, sizeof *x->members);
  if (!x->m || !x->class_of || !x->first || !x->members) return false;
  n = 0;
  count_m(x, m, 0, 0, true, &n);
  /* the m of a class are found by its canonical member, which is one of them */
  for (int k = 0; k < x->n_all; k++) {
    canonical(x, x->m + k * x->rank, m);
    int c = 0;
    while (c < x->n_classes && compare_m(x->m + x->first[c] * x->rank, m, x->rank) != 0) c++;
    if (c == x->n_classes) {
      int at = 0;
      while (compare_m(x->m + at * x->rank, m, x->rank) != 0) at++;
      x->first[x->n_classes++] = at;
    }
    x->class_of[k] = c;
    x->members[c]++;
  }
  return true;
}

/* ---- couplings ---- */

/* ((l1 l2) L2, l3) L3 ... to L = 0: one vector over classes for each chain of intermediate L. */
typedef struct {
  const terms *x;
  ftl_invariants *out;
  double *vector; /* [n_classes] */
  int chain[FTL_INVARIANTS_MAX_RANK];
} coupling;

static double term_coefficient(const coupling *p, const int *m) {
  const int *l = p->x->l, *L = p->chain;
  double c = 1;
  for (int t = 1, sum = m[0]; t < p->x->rank && c != 0; t++) {
    c *= ftl_clebsch_gordan(L[t - 1], sum, l[t], m[t], L[t], sum + m[t]);
    sum += m[t];
  }
  return c;
}

/* A class has `members` m that share its coefficient evenly, which gives the scalar product. */
static double scalar_product(const terms *x, const double *a, const double *b) {
  double sum = 0;
  for (int c = 0; c < x->n_classes; c++) sum += a[c] * b[c] / x->members[c];
  return sum;
}

/* Gram-Schmidt, twice for orthogonality to rounding. */
static void keep_if_independent(coupling *p) {
  const terms *x = p->x;
  int n = x->n_classes;
  double before = scalar_product(x, p->vector, p->vector);
  if (before < INDEPENDENT * INDEPENDENT) return;
  for (int pass = 0; pass < 2; pass++)
    for (int f = 0; f < p->out->n_functions; f++) {
      const double *other = p->out->c + f * n;
      double projection = scalar_product(x, p->vector, other);
      for (int c = 0; c < n; c++) p->vector[c] -= projection * other[c];
    }
  double after = scalar_product(x, p->vector, p->vector);
  if (after < INDEPENDENT * INDEPENDENT * before) return;
  double *to = p->out->c + p->out->n_functions++ * n;
  for (int c = 0; c < n; c++) to[c] = p->vector[c] / sqrt(after);
}

static void add_chain(coupling *p) {
  const terms *x = p->x;
  memset(p->vector, 0, (size_t)x->n_classes * sizeof *p->vector);
  for (int k = 0; k < x->n_all; k++) p->vector[x->class_of[k]] += term_coefficient(p, x->m + k * x->rank);
  keep_if_independent(p);
}

static int walk_chains(coupling *p, int t, bool add) {
  const terms *x = p->x;
  int n = 0;
  if (t == x->rank || t == FTL_INVARIANTS_MAX_RANK) {
    if (p->chain[t - 1] != 0) return 0;
    if (add) add_chain(p);
    return 1;
  }
  for (int L = abs(p->chain[t - 1] - x->l[t]); L <= p->chain[t - 1] + x->l[t]; L++) {
    p->chain[t] = L;
    n += walk_chains(p, t + 1, add);
  }
  return n;
}

/* Coefficients below rounding are dropped with the terms that no function has. */
static void drop_empty_terms(const terms *x, ftl_invariants *out) {
  int n = 0;
  for (int c = 0; c < x->n_classes; c++) {
    bool used = false;
    for (int f = 0; f < out->n_functions; f++) {
      double *value = &out->c[f * x->n_classes + c];
      if (fabs(*value) < 1e-13) *value = 0;
      used |= *value != 0;
    }
    if (!used) continue;
    memcpy(out->m + n * x->rank, x->m + x->first[c] * x->rank, (size_t)x->rank * sizeof *out->m);
    for (int f = 0; f < out->n_functions; f++) out->c[f * x->n_classes + n] = out->c[f * x->n_classes + c];
    n++;
  }
  for (int f = 1; f < out->n_functions; f++)
    memmove(out->c + f * n, out->c + f * x->n_classes, (size_t)n * sizeof *out->c);
  out->n_terms = n;
}

ftl_status ftl_invariants_make(int rank, const int *l, const bool *same, ftl_invariants *out, ftl_error *error) {
  terms x = {.rank = rank, .l = l, .same = same};
  coupling p = {.x = &x, .out = out, .chain = {l[0]}};
  *out = (ftl_invariants){.rank = rank};
  bool good = make_terms(&x);
  int n_chains = good ? walk_chains(&p, 1, false) : 0;
  p.vector = malloc(((size_t)x.n_classes + 1) * sizeof *p.vector);
  out->m = malloc(((size_t)x.n_classes * (size_t)rank + 1) * sizeof *out->m);
  out->c = malloc(((size_t)x.n_classes * (size_t)n_chains + 1) * sizeof *out->c);
  good = good && p.vector && out->m && out->c;
  if (good) {
    walk_chains(&p, 1, true);
    drop_empty_terms(&x, out);
  } else {
    ftl_invariants_free(out);
  }
  free(p.vector);
  free_terms(&x);
  return good ? FTL_OK : ftl_no_memory(error, NULL, "the couplings of a basis");
}

void ftl_invariants_free(ftl_invariants *invariants) {
  free(invariants->m);
  free(invariants->c);
  *invariants = (ftl_invariants){0};
}
