#include "surrogate/basis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "surrogate/invariants.h"

enum { MOST_COUNTED = 20 }; /* times what is allowed */

/* A factor A_{mu n l}. Functions list theirs in this order: by l, so that couplings repeat, then mu and n. */
typedef struct {
  int l, mu, n;
} factor;

typedef struct {
  int l[FTL_BASIS_MAX_RANK];
  bool same[FTL_BASIS_MAX_RANK];
  ftl_invariants invariants;
} coupled;

typedef struct {
  const ftl_basis_options *options;
  ftl_surrogate *surrogate;
  coupled *cache;
  size_t n_cache, cache_room, room; /* room: functions of the element under way */
  int64_t n_functions;
  int mu0, rank, n_factors;
  factor *factor; /* [n_factors] */
  const factor *chosen[FTL_BASIS_MAX_RANK];
  ftl_error *error;
} builder;

/* ---- couplings, each made once ---- */

static ftl_status find_couplings(builder *b, const ftl_invariants **found) {
  coupled key = {0};
  for (int t = 0; t < b->rank; t++) {
    key.l[t] = b->chosen[t]->l;
    key.same[t] = t > 0 && b->chosen[t] == b->chosen[t - 1];
  }
  for (size_t k = 0; k < b->n_cache; k++) {
    const coupled *c = &b->cache[k];
    if (c->invariants.rank == b->rank && memcmp(c->l, key.l, sizeof key.l) == 0 &&
        memcmp(c->same, key.same, sizeof key.same) == 0) {
      *found = &c->invariants;
      return FTL_OK;
    }
  }
  FTL_TRY(FTL_GROW(b->cache, b->cache_room, b->n_cache + 1, "a basis", b->error));
  FTL_TRY(ftl_invariants_make(b->rank, key.l, key.same, &key.invariants, b->error));
  b->cache[b->n_cache] = key;
  *found = &b->cache[b->n_cache++].invariants;
  return FTL_OK;
}

/* ---- which products belong to the basis ---- */

/* Bounds for the elements of the chosen factors and the centre; also counts the neighbours' elements. */
static const ftl_basis_bounds *bounds_of(const builder *b, int *n_neighbours) {
  const ftl_basis_options *o = b->options;
  bool in[FTL_MAX_ELEMENTS] = {false};
  int n = 0;
  for (int t = 0; t < b->rank; t++) {
    n += !in[b->chosen[t]->mu];
    in[b->chosen[t]->mu] = true;
  }
  *n_neighbours = n;
  n += !in[b->mu0];
  in[b->mu0] = true;
  for (int k = 0; k < o->n_blocks; k++) {
    const ftl_basis_block *block = &o->block[k];
    int matching = 0;
    for (int e = 0; e < block->n_elements; e++)
      for (int mu = 0; mu < o->n_elements; mu++) matching += in[mu] && o->elements[mu] == block->elements[e];
    if (matching == n && block->n_elements == n && (!block->centre || block->centre == o->elements[b->mu0]))
      return &block->bounds;
  }
  return &o->bounds;
}

static bool belongs(const builder *b) {
  int sum_l = 0, n_neighbours, k = b->rank - 1;
  double degree = 0;
  const ftl_basis_bounds *bounds = bounds_of(b, &n_neighbours);
  for (int t = 0; t < b->rank; t++) {
    if (b->chosen[t]->n >= bounds->n[k] || b->chosen[t]->l > bounds->l[k]) return false;
    sum_l += b->chosen[t]->l;
    degree += b->chosen[t]->n + 1 + b->options->degree_l * b->chosen[t]->l;
  }
  if (b->options->degree > 0 && degree > b->options->degree + 1e-9) return false;
  if (b->options->max_species > 0 && n_neighbours > b->options->max_species) return false;
  return sum_l % 2 == 0;
}

static ftl_status add_functions(builder *b) {
  const ftl_invariants *coupling = NULL;
  ftl_ace_file *file = &b->surrogate->file;
  ftl_status status = find_couplings(b, &coupling);
  for (int f = 0; !status && f < coupling->n_functions; f++) {
    if (++b->n_functions > b->options->max_functions) continue; /* counted for the message */
    int *n = &file->n_functions[b->mu0];
    FTL_TRY(FTL_GROW(file->function[b->mu0], b->room, *n + 1, "a basis", b->error));
    ftl_ace_function *g = &file->function[b->mu0][*n];
    *g = (ftl_ace_function){.rank = b->rank, .n_density = 1};
    for (int t = 0; t < b->rank; t++) {
      g->mu[t] = b->chosen[t]->mu;
      g->n[t] = b->chosen[t]->n;
      g->l[t] = b->chosen[t]->l;
    }
    g->m = malloc(((size_t)coupling->n_terms * (size_t)b->rank + 1) * sizeof *g->m);
    g->c = malloc(((size_t)coupling->n_terms + 1) * sizeof *g->c);
    ++*n; /* from here on the file frees it */
    if (!g->m || !g->c) return ftl_no_memory(b->error, NULL, "a basis");
    for (int k = 0; k < coupling->n_terms; k++) {
      double c = coupling->c[f * coupling->n_terms + k];
      if (c == 0) continue;
      memcpy(g->m + g->n_m * b->rank, coupling->m + k * b->rank, (size_t)b->rank * sizeof *g->m);
      g->c[g->n_m++] = c;
    }
  }
  return status;
}

/* Far above what is allowed: counting goes no further, it could take for ever. */
static bool far_too_many(const builder *b) { return b->n_functions / MOST_COUNTED > b->options->max_functions; }

/* All choices of b->rank factors, with repetition, whose order does not matter; degree: of those chosen. */
static ftl_status choose(builder *b, int t, int from, double degree) {
  if (t == b->rank || t == FTL_BASIS_MAX_RANK) return belongs(b) ? add_functions(b) : FTL_OK;
  const ftl_basis_options *o = b->options;
  const double most = o->degree > 0 ? o->degree + 1e-9 - (b->rank - t - 1) : INFINITY; /* 1 each for the others */
  ftl_status status = FTL_OK;
  for (int k = from; k < b->n_factors && !status && !far_too_many(b); k++) {
    const double with = degree + b->factor[k].n + 1 + o->degree_l * b->factor[k].l;
    if (with > most) continue;
    b->chosen[t] = &b->factor[k];
    status = choose(b, t + 1, k, with);
  }
  return status;
}

/* The widest bounds of any block: `belongs` narrows them. */
static ftl_status list_factors(builder *b) {
  const ftl_basis_options *o = b->options;
  int k = b->rank - 1, n = o->bounds.n[k], l = o->bounds.l[k];
  for (int block = 0; block < o->n_blocks; block++) {
    if (o->block[block].bounds.n[k] > n) n = o->block[block].bounds.n[k];
    if (o->block[block].bounds.l[k] > l) l = o->block[block].bounds.l[k];
  }
  b->n_factors = 0;
  b->factor = malloc(((size_t)n * (size_t)(l + 1) * (size_t)o->n_elements + 1) * sizeof *b->factor);
  if (!b->factor) return ftl_no_memory(b->error, NULL, "a basis");
  for (int il = 0; il <= l; il++)
    for (int mu = 0; mu < o->n_elements; mu++)
      for (int in = 0; in < n; in++)
        if (o->degree <= 0 || in + b->rank + o->degree_l * il <= o->degree + 1e-9)
          b->factor[b->n_factors++] = (factor){il, mu, in};
  return FTL_OK;
}

static ftl_status build_element(builder *b) {
  ftl_status status = FTL_OK;
  b->room = 0;
  for (b->rank = 1; b->rank <= FTL_BASIS_MAX_RANK && !status; b->rank++) {
    status = list_factors(b);
    if (!status) status = choose(b, 0, 0, 0);
    free(b->factor);
    b->factor = NULL;
  }
  return status;
}

/* ---- the file around the functions ---- */

static void widen(const ftl_basis_bounds *bounds, int *n_base, int *n_radial, int *lmax) {
  if (bounds->n[0] > *n_base) *n_base = bounds->n[0];
  for (int k = 1; k < FTL_BASIS_MAX_RANK; k++) {
    if (bounds->n[k] == 0) continue;
    if (bounds->n[k] > *n_radial) *n_radial = bounds->n[k];
    if (bounds->l[k] > *lmax) *lmax = bounds->l[k];
  }
}

static bool has_element(const int *elements, int n, int z) {
  for (int k = 0; k < n; k++)
    if (elements[k] == z) return true;
  return false;
}

static ftl_status check_block(const ftl_basis_options *o, const ftl_basis_block *block, ftl_error *error) {
  if (block->n_elements < 1) return ftl_fail(error, FTL_ERR_INPUT, NULL, "a block of the basis has no elements");
  for (int e = 0; e < block->n_elements; e++) {
    const int z = block->elements[e];
    if (!has_element(o->elements, o->n_elements, z))
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "a block of the basis has %s, which is not among its elements",
                      ftl_element_symbol(z));
    if (has_element(block->elements, e, z))
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "a block of the basis has %s twice", ftl_element_symbol(z));
  }
  if (block->centre && !has_element(block->elements, block->n_elements, block->centre)) {
    const char *centre = ftl_element_symbol(block->centre);
    return ftl_fail(
        error, FTL_ERR_INPUT, NULL,
        "a block of the basis for functions around %s does not have %s among its elements, so that none is of "
        "it: these include the centre's (%s@%s-...)",
        centre, centre, centre, centre);
  }
  return FTL_OK;
}

static ftl_status check_options(const ftl_basis_options *o, ftl_error *error) {
  if (o->n_elements < 1) return ftl_fail(error, FTL_ERR_INPUT, NULL, "a basis needs at least one element");
  if (!(o->cutoff > 0) || o->cutoff > 20)
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "the cutoff of a basis is %g Angstrom; it must be above 0 and up to 20",
                    o->cutoff);
  if (!(o->d_cutoff > 0 && o->d_cutoff < o->cutoff))
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "the width of the cutoff is %g; it must be above 0 and below %g",
                    o->d_cutoff, o->cutoff);
  for (int k = 0; k < o->n_pairs; k++)
    for (int e = 0; e < 2; e++)
      if (!has_element(o->elements, o->n_elements, o->pair[k].element[e]))
        return ftl_fail(error, FTL_ERR_INPUT, NULL,
                        "a cutoff is given for a pair with %s, which is not among the elements",
                        ftl_element_symbol(o->pair[k].element[e]));
  for (int k = 0; k < o->n_pairs; k++)
    if (!(o->pair[k].cutoff > o->d_cutoff && o->pair[k].cutoff <= o->cutoff))
      return ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "the cutoff of %s and %s is %g Angstrom; it must be above the width of the cutoff, %g, and up to "
                      "the cutoff of all pairs, %g",
                      ftl_element_symbol(o->pair[k].element[0]), ftl_element_symbol(o->pair[k].element[1]),
                      o->pair[k].cutoff, o->d_cutoff, o->cutoff);
  for (int block = -1; block < o->n_blocks; block++) {
    const ftl_basis_bounds *b = block < 0 ? &o->bounds : &o->block[block].bounds;
    for (int k = 0; k < FTL_BASIS_MAX_RANK; k++)
      if (b->n[k] < 0 || b->n[k] > FTL_ACE_MAX_RADIAL || b->l[k] < 0 || b->l[k] > FTL_INVARIANTS_MAX_L)
        return ftl_fail(error, FTL_ERR_INPUT, NULL, "a basis of rank %d has n = %d and l = %d; up to %d and %d can be",
                        k + 1, b->n[k], b->l[k], FTL_ACE_MAX_RADIAL, FTL_INVARIANTS_MAX_L);
    if (b->l[0] != 0) return ftl_fail(error, FTL_ERR_INPUT, NULL, "functions of rank 1 have l = 0, not %d", b->l[0]);
    FTL_TRY(block < 0 ? FTL_OK : check_block(o, &o->block[block], error));
  }
  return FTL_OK;
}

static double cutoff_of(const ftl_basis_options *o, int z1, int z2) {
  for (int k = 0; k < o->n_pairs; k++) {
    const int *z = o->pair[k].element;
    if ((z[0] == z1 && z[1] == z2) || (z[0] == z2 && z[1] == z1)) return o->pair[k].cutoff;
  }
  return o->cutoff;
}

static ftl_status make_file(const ftl_basis_options *o, ftl_ace_file *file, ftl_error *error) {
  size_t n = (size_t)o->n_elements;
  int n_base = 1, n_radial = 0, lmax = 0;
  widen(&o->bounds, &n_base, &n_radial, &lmax);
  for (int k = 0; k < o->n_blocks; k++) widen(&o->block[k].bounds, &n_base, &n_radial, &lmax);
  if (n_radial > n_base) n_base = n_radial; /* R_nl is g_n */
  file->n_elements = o->n_elements;
  memcpy(file->atomic_number, o->elements, n * sizeof *o->elements);
  file->embedding = calloc(n, sizeof *file->embedding);
  file->bond = calloc(n * n, sizeof *file->bond);
  file->n_functions = calloc(n, sizeof *file->n_functions);
  file->function = calloc(n, sizeof *file->function);
  if (!file->embedding || !file->bond || !file->n_functions || !file->function)
    return ftl_no_memory(error, NULL, "a basis");
  for (size_t mu = 0; mu < n; mu++)
    file->embedding[mu] = (ftl_ace_embedding){
        .n_density = 1, .shifted = true, .weight = {1}, .exponent = {1}, .core_cutoff = 1e5, .d_core_cutoff = 250};
  for (size_t k = 0; k < n * n; k++) {
    ftl_ace_bond *b = &file->bond[k];
    *b = (ftl_ace_bond){.kind = o->radial,
                        .inner_kind = FTL_ACE_INNER_DENSITY,
                        .lambda = o->lambda,
                        .cutoff = cutoff_of(o, o->elements[k / n], o->elements[k % n]),
                        .d_cutoff = o->d_cutoff,
                        .n_radial = n_radial,
                        .lmax = lmax,
                        .n_base = n_base};
    b->coefficient = calloc((size_t)n_radial * ((size_t)lmax + 1) * (size_t)n_base + 1, sizeof *b->coefficient);
    if (!b->coefficient) return ftl_no_memory(error, NULL, "a basis");
    for (int r = 0; r < n_radial; r++)
      for (int l = 0; l <= lmax; l++) b->coefficient[(r * (lmax + 1) + l) * n_base + r] = 1;
  }
  return FTL_OK;
}

ftl_status ftl_basis_make(const ftl_basis_options *options, ftl_surrogate *surrogate, ftl_error *error) {
  builder b = {.options = options, .surrogate = surrogate, .error = error};
  *surrogate = (ftl_surrogate){.energy_scale = 1, .force_scale = 1};
  ftl_status status = check_options(options, error);
  if (!status) status = make_file(options, &surrogate->file, error);
  for (b.mu0 = 0; b.mu0 < options->n_elements && !status; b.mu0++) status = build_element(&b);
  if (!status && b.n_functions > options->max_functions)
    status =
        ftl_fail(error, FTL_ERR_INPUT, NULL,
                 "the basis would have %s%lld functions, more than the %lld allowed; lower n, l or the degree of the "
                 "high ranks, or allow more",
                 far_too_many(&b) ? "over " : "", (long long)b.n_functions, (long long)options->max_functions);
  if (!status && b.n_functions == 0)
    status = ftl_fail(error, FTL_ERR_INPUT, NULL, "the bounds on n, l and degree leave no function at all");
  for (size_t k = 0; k < b.n_cache; k++) ftl_invariants_free(&b.cache[k].invariants);
  free(b.cache);
  if (status) ftl_surrogate_free(surrogate);
  else ftl_surrogate_number(surrogate);
  return status;
}

void ftl_basis_set_inner(ftl_surrogate *surrogate, const double *inner, double width) {
  ftl_ace_file *file = &surrogate->file;
  for (int k = 0; k < file->n_elements * file->n_elements; k++) {
    file->bond[k].inner_kind = FTL_ACE_INNER_ZBL;
    file->bond[k].inner = inner[k];
    file->bond[k].d_inner = width;
    file->bond[k].core = 1; /* times ZBL */
  }
}

double ftl_basis_scale(const ftl_ace_function *f) { return pow(sqrt(4 * M_PI), f->rank); }

double ftl_basis_roughness(const ftl_ace_function *f, double p, double weight_n, double weight_l) {
  double sum = 1;
  for (int t = 0; t < f->rank; t++) sum += weight_n * pow(f->n[t], p) + weight_l * pow(f->l[t], p);
  return sum;
}
