/* What an edge gets from its length, as splines: which functions, and the tables of every pair of elements. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "model/prepared.h"
#include "base/error.h"

#define MAX_BYTES    ((size_t)1 << 30)
#define MAX_BINS     (1 << 17) /* from here on splines and functions agree to 1e-11 */
#define DIRECT_BYTES ((size_t)24 << 20)
#define USUAL_BINS   0.001 /* Angstrom, where nothing is said: surrogates that are not read from a .yace */

/* R_nl and rank 1 functions in use: sizes that the whole model shares. */
typedef struct {
  int n_of_l[FTL_ACE_MAX_L + 1], n_alone;
  bool plain; /* R_nl = g_n wherever it is used */
} usage;

/* A table that may be shared: functions are rows of coefficients of g_k, [n_functions][n_base]. */
typedef struct {
  const ftl_ace_bond *bond;
  double *matrix;
  int table;
} wish;

static int largest(int a, int b) { return a > b ? a : b; }
static int smallest(int a, int b) { return a < b ? a : b; }

static usage find_usage(const ftl_ace_file *file, const int *species_of) {
  usage use = {.plain = true};
  for (int mu = 0; mu < file->n_elements; mu++)
    for (int k = 0; k < file->n_functions[mu] && species_of[mu] >= 0; k++) {
      const ftl_ace_function *f = &file->function[mu][k];
      bool kept = f->n_m > 0;
      for (int t = 0; t < f->rank; t++) kept = kept && species_of[f->mu[t]] >= 0;
      if (kept && f->rank == 1) use.n_alone = largest(use.n_alone, f->n[0] + 1);
      for (int t = 0; t < f->rank && kept && f->rank > 1; t++)
        use.n_of_l[f->l[t]] = largest(use.n_of_l[f->l[t]], f->n[t] + 1);
    }
  return use;
}

static double coefficient(const ftl_ace_bond *b, int n, int l, int k) {
  if (n >= b->n_radial || l > b->lmax || k >= b->n_base) return 0;
  return b->coefficient[((size_t)n * ((size_t)b->lmax + 1) + (size_t)l) * (size_t)b->n_base + (size_t)k];
}

static bool is_plain(const ftl_ace_bond *b, const usage *use, int n_base) {
  for (int l = 0; l <= FTL_ACE_MAX_L; l++)
    for (int n = 0; n < use->n_of_l[l]; n++)
      for (int k = 0; k < largest(n_base, n + 1); k++)
        if (coefficient(b, n, l, k) != (k == n)) return false;
  return true;
}

/* The functions of an edge: R of each segment, then rank 1 unless these are among the R_n0 already. */
static void set_segments(ftl_ace *ace, usage *use, int n_density) {
  if (use->plain && use->n_alone <= 8 * ace->n_chunks) {
    use->n_of_l[0] = largest(use->n_of_l[0], use->n_alone);
    use->n_alone = 0;
  }
  int n_radial = 0;
  for (int l = 0; l <= ace->lmax; l++) {
    int n = use->n_of_l[l];
    ftl_ace_segment *last = ace->n_segments > 0 ? &ace->segment[ace->n_segments - 1] : NULL;
    if (n == 0) continue;
    if (use->plain && last && last->n == n && last->lm + last->n_lm == l * l) {
      last->n_lm += 2 * l + 1;
      continue;
    }
    ace->segment[ace->n_segments++] = (ftl_ace_segment){l * l, 2 * l + 1, use->plain ? 0 : n_radial, n};
    n_radial = use->plain ? largest(n_radial, n) : n_radial + n;
  }
  ace->n_linear = use->n_alone > 0 ? n_density : 0;
  ace->n_out = n_radial + ace->n_linear;
}

/* The parts of the segments that functions around mu (of the file) have factors in of the element z (of the model). */
static void set_pair_segments(const ftl_ace *ace, const ftl_ace_file *file, int mu, int z, const int *species_of,
                              bool plain, ftl_ace_pair *pair) {
  int n_of_l[FTL_ACE_MAX_L + 1] = {0};
  for (int k = 0; k < file->n_functions[mu]; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    for (int t = 0; t < f->rank && f->n_m > 0 && (f->rank > 1 || ace->n_linear == 0); t++)
      if (species_of[f->mu[t]] == z) n_of_l[f->l[t]] = largest(n_of_l[f->l[t]], f->n[t] + 1);
  }
  for (int s = 0; s < ace->n_segments; s++) {
    const ftl_ace_segment *all = &ace->segment[s];
    for (int l = 0; l <= ace->lmax; l++) {
      ftl_ace_segment *last = pair->n_segments > 0 ? &pair->segment[pair->n_segments - 1] : NULL;
      if (n_of_l[l] == 0 || l * l < all->lm || l * l >= all->lm + all->n_lm) continue;
      pair->lmax = l;
      if (plain && last && last->n == n_of_l[l] && last->lm + last->n_lm == l * l) last->n_lm += 2 * l + 1;
      else pair->segment[pair->n_segments++] = (ftl_ace_segment){l * l, 2 * l + 1, all->radial, n_of_l[l]};
    }
  }
}

/* Rows of coefficients that make an edge's functions `from` and up out of the g_k of this pair. */
static double *output_matrix(const ftl_ace *ace, const ftl_ace_file *file, const int *species_of, int i, int j,
                             int from) {
  const ftl_ace_bond *bond = &file->bond[i * file->n_elements + j];
  size_t n_base = (size_t)ace->n_base, n_radial = (size_t)(ace->n_out - ace->n_linear);
  double *m = calloc(((size_t)ace->n_out + 1) * n_base, sizeof *m);
  if (!m) return NULL;
  for (int s = 0; s < ace->n_segments; s++) {
    const ftl_ace_segment *segment = &ace->segment[s];
    int l = (int)sqrt(segment->lm + 0.5);
    for (int n = 0; n < segment->n && segment->radial + n >= from; n++)
      for (int k = 0; k < ace->n_base; k++)
        m[(size_t)(segment->radial + n - from) * n_base + (size_t)k] = coefficient(bond, n, l, k);
  }
  for (int f = 0; f < file->n_functions[i] && ace->n_linear > 0; f++) {
    const ftl_ace_function *function = &file->function[i][f];
    if (function->rank > 1 || function->n_m == 0 || function->mu[0] != j || species_of[j] < 0) continue;
    for (int p = 0; p < function->n_density; p++)
      m[(n_radial + (size_t)p - (size_t)from) * n_base + (size_t)function->n[0]] += function->c[p];
  }
  return m;
}

static bool same_base(const ftl_ace_bond *a, const ftl_ace_bond *b) {
  return a->kind == b->kind && a->lambda == b->lambda && a->cutoff == b->cutoff && a->d_cutoff == b->d_cutoff &&
         a->inner == b->inner && a->d_inner == b->d_inner;
}

/* Numbers the different tables among the wishes; how many. */
static int share(wish *w, int n, size_t matrix_size) {
  int count = 0;
  for (int k = 0; k < n; k++) {
    int like = 0;
    while (like < k && !(same_base(w[k].bond, w[like].bond) &&
                         (!w[k].matrix || memcmp(w[k].matrix, w[like].matrix, matrix_size * sizeof(double)) == 0)))
      like++;
    w[k].table = like < k ? w[like].table : count++;
  }
  return count;
}

/* ---- splines ---- */

static int bins_of(const ftl_ace_bond *bond, double spacing) {
  if (spacing <= 0) spacing = USUAL_BINS;
  return (int)fmin(fmax(bond->cutoff / spacing, 2), MAX_BINS);
}

/* The bins of ML-PACE: their ends in its own arithmetic, where the last may lie at the cutoff or just below. */
static double node_at(const ftl_ace_bond *bond, int n_bins, int n) {
  return 1 / ((double)n_bins / bond->cutoff) * (double)n;
}

static void cubic(double v0, double s0, double v1, double s1, double c[4]) {
  c[0] = v0;
  c[1] = s0;
  c[2] = 3 * (v1 - v0) - s1 - 2 * s0;
  c[3] = -2 * (v1 - v0) + s1 + s0;
}

/* Values and slopes per bin of the functions at node n. */
static void sample(const ftl_ace_table *table, const wish *w, int n_base, int n, double *value, double *slope) {
  double g[FTL_ACE_MAX_RADIAL] = {0}, dg[FTL_ACE_MAX_RADIAL] = {0}, r = node_at(w->bond, table->n_bins, n);
  if (r < w->bond->cutoff) ftl_ace_base(w->bond, n_base, r, g, dg);
  for (int f = 0; f < table->n_functions; f++) {
    double v = w->matrix ? 0 : g[f], s = w->matrix ? 0 : dg[f];
    const double *row = w->matrix ? w->matrix + (size_t)f * (size_t)n_base : NULL;
    for (int k = 0; k < n_base && row; k++) {
      v += row[k] * g[k];
      s += row[k] * dg[k];
    }
    value[f] = v;
    slope[f] = s / table->inverse;
  }
}

static void put(const ftl_model *model, const ftl_ace_table *table, int n, const double *now, const double *next) {
  size_t pad = (size_t)table->pad;
  for (size_t f = 0; f < (size_t)table->n_functions; f++) {
    if (model->precision == FTL_DOUBLE) {
      double *row = (double *)table->row + (size_t)n * 2 * pad;
      row[f] = now[f];
      row[pad + f] = now[pad + f];
      continue;
    }
    double c[4];
    cubic(now[f], now[pad + f], next[f], next[pad + f], c);
    for (size_t k = 0; k < 4; k++) ((float *)table->row)[((size_t)n * 4 + k) * pad + f] = (float)c[k];
  }
}

static ftl_status fill(const ftl_model *model, ftl_ace_table *table, const wish *w, const char *path,
                       ftl_error *error) {
  size_t pad = (size_t)table->pad;
  double *now = calloc(4 * pad, sizeof *now), *next = now + 2 * pad;
  bool finite = true;
  if (!now) return ftl_no_memory(error, path, "radial functions");
  for (int n = table->n_bins; n >= 1; n--) {
    memcpy(next, now, 2 * pad * sizeof *now);
    sample(table, w, model->ace->n_base, n, now, now + pad);
    for (size_t k = 0; k < 2 * pad; k++) finite = finite && isfinite(now[k]);
    put(model, table, n, now, next);
  }
  for (size_t f = 0; f < pad; f++) { /* bin 1 at -1 */
    double c[4], *v = &next[f], *s = &next[pad + f];
    cubic(now[f], now[pad + f], *v, *s, c);
    *v = c[0] - c[1] + c[2] - c[3];
    *s = c[1] - 2 * c[2] + 3 * c[3];
  }
  put(model, table, 0, next, now);
  free(now);
  return finite ? FTL_OK
                : ftl_fail(error, FTL_ERR_FORMAT, path,
                           "its radial functions are not finite: radparameters or radcoefficients are beyond sense");
}

static ftl_status fill_core(ftl_ace_pair *pair, int n_bins, const char *path, ftl_error *error) {
  double(*core)[2] = calloc((size_t)n_bins + 1, sizeof *core), step = node_at(&pair->bond, n_bins, 1), c[4];
  if (!core) return ftl_no_memory(error, path, "the core repulsion");
  bool finite = true;
  for (int n = 1; n <= n_bins; n++) {
    double r = node_at(&pair->bond, n_bins, n);
    if (r < pair->bond.cutoff) core[n][0] = ftl_ace_core(pair, r, &core[n][1]);
    core[n][1] *= step;
    finite = finite && isfinite(core[n][0]) && isfinite(core[n][1]);
    if (core[n][0] != 0 || core[n][1] != 0) pair->n_core = smallest(n + 1, n_bins);
  }
  cubic(core[1][0], core[1][1], core[2][0], core[2][1], c);
  core[0][0] = c[0] - c[1] + c[2] - c[3];
  core[0][1] = c[1] - 2 * c[2] + 3 * c[3];
  pair->core = realloc(core, ((size_t)pair->n_core + 1) * sizeof *core);
  if (!pair->core) pair->core = core;
  return finite ? FTL_OK
                : ftl_fail(error, FTL_ERR_FORMAT, path,
                           "its core repulsion is not finite: prehc or lambdahc are beyond sense");
}

/* ---- all pairs ---- */

typedef struct {
  ftl_model *model;
  const ftl_ace_file *file;
  const char *path;
  const int *species_of;
  int n_functions; /* of a table */
  wish *wish;      /* by pair of species */
} maker;

static const ftl_ace_bond *bond_of(const maker *m, int pair, int *i, int *j) {
  int n = m->model->n_species;
  for (*i = 0; m->species_of[*i] != pair / n; ++*i) {
  }
  for (*j = 0; m->species_of[*j] != pair % n; ++*j) {
  }
  return &m->file->bond[*i * m->file->n_elements + *j];
}

static int padded(const maker *m, int n_functions) {
  int lanes = m->model->lanes;
  return largest(1, (n_functions + lanes - 1) / lanes) * lanes;
}

static size_t row_bytes(const maker *m, int n_functions) {
  return 16 * (size_t)padded(m, n_functions); /* two doubles or four floats each */
}

static size_t table_bytes(const maker *m, int n_functions, int n_tables) {
  size_t most = 0;
  for (int k = 0; k < m->model->n_species * m->model->n_species; k++) {
    size_t bins = (size_t)bins_of(m->wish[k].bond, m->file->bins) + 1;
    if (bins > most) most = bins;
  }
  return most * row_bytes(m, n_functions) * (size_t)n_tables;
}

/* Tables of the edges' functions themselves where they are few, of the g_k where pairs with the same g_k abound. */
static ftl_status choose_tables(maker *m, bool plain, int n_alone, ftl_error *error) {
  ftl_ace *ace = m->model->ace;
  int n = m->model->n_species * m->model->n_species, i, j;
  int n_shared = share(m->wish, n, 0), n_radial = ace->n_out - ace->n_linear;
  int n_base = plain ? largest(n_radial, n_alone) : ace->n_base;
  size_t bytes = table_bytes(m, n_base, n_shared), direct = table_bytes(m, ace->n_out, n);
  m->n_functions = n_base;
  ace->n_direct = plain ? n_radial : 0;
  ace->n_tables = n_shared;
  if (!plain && (direct <= DIRECT_BYTES || direct <= bytes)) {
    for (int k = 0; k < n; k++) {
      bond_of(m, k, &i, &j);
      m->wish[k].matrix = output_matrix(ace, m->file, m->species_of, i, j, 0);
      if (!m->wish[k].matrix) return ftl_no_memory(error, m->path, "radial functions");
    }
    m->n_functions = ace->n_direct = ace->n_out;
    ace->n_tables = share(m->wish, n, (size_t)ace->n_out * (size_t)ace->n_base);
    bytes = table_bytes(m, ace->n_out, ace->n_tables);
  }
  if (bytes > MAX_BYTES)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, m->path,
                    "its radial functions would take %zu MB for %d pairs of elements; open it for fewer elements",
                    bytes >> 20, n);
  return FTL_OK;
}

static ftl_status make_table(maker *m, const wish *w, ftl_ace_table *table, ftl_error *error) {
  table->n_functions = m->n_functions;
  table->pad = padded(m, m->n_functions);
  table->n_bins = bins_of(w->bond, m->file->bins);
  table->inverse = (double)table->n_bins / w->bond->cutoff;
  table->row = ftl_calloc64(((size_t)table->n_bins + 3) * row_bytes(m, m->n_functions));
  table->zero_row = ((size_t)table->n_bins + 1) * row_bytes(m, m->n_functions) / (size_t)m->model->real_bytes;
  if (!table->row) return ftl_no_memory(error, m->path, "radial functions");
  return fill(m->model, table, w, m->path, error);
}

/* [n_out - n_direct][table functions] */
static ftl_status make_mix(maker *m, int i, int j, void **mix, ftl_error *error) {
  const ftl_ace *ace = m->model->ace;
  size_t rows = (size_t)(ace->n_out - ace->n_direct), columns = (size_t)m->n_functions, n_base = (size_t)ace->n_base;
  if (rows == 0) return FTL_OK;
  double *matrix = output_matrix(ace, m->file, m->species_of, i, j, ace->n_direct);
  for (size_t k = 0; k < rows && matrix; k++)
    memmove(matrix + k * columns, matrix + k * n_base, columns * sizeof(double));
  *mix = matrix ? ftl_pack(m->model, matrix, rows * columns) : NULL;
  free(matrix);
  return *mix ? FTL_OK : ftl_no_memory(error, m->path, "radial functions");
}

static ftl_status make_pairs(maker *m, ftl_error *error) {
  ftl_ace *ace = m->model->ace;
  ftl_status status = FTL_OK;
  int n = ace->n_species * ace->n_species, i, j;
  ace->table = calloc((size_t)ace->n_tables, sizeof *ace->table);
  if (!ace->table) return ftl_no_memory(error, m->path, "radial functions");
  for (int k = 0; k < n && !status; k++) {
    ftl_ace_pair *pair = &ace->pair[k];
    ftl_ace_table *table = &ace->table[m->wish[k].table];
    bond_of(m, k, &i, &j);
    pair->table = table;
    if (!table->row) status = make_table(m, &m->wish[k], table, error);
    if (!status) status = make_mix(m, i, j, &pair->mix, error);
    if (!status && pair->bond.core != 0) status = fill_core(pair, table->n_bins, m->path, error);
  }
  return status;
}

ftl_status ftl_ace_tables_make(ftl_model *model, const ftl_ace_file *file, const char *path, const int *species_of,
                               ftl_error *error) {
  ftl_ace *ace = model->ace;
  usage use = find_usage(file, species_of);
  int n_density = 0, i, j, n = model->n_species * model->n_species;
  maker m = {.model = model, .file = file, .path = path, .species_of = species_of};
  m.wish = calloc((size_t)n, sizeof *m.wish);
  if (!m.wish) return ftl_no_memory(error, path, "the potential");
  for (int k = 0; k < n; k++) {
    m.wish[k].bond = bond_of(&m, k, &i, &j);
    use.plain = use.plain && is_plain(m.wish[k].bond, &use, ace->n_base);
    n_density = largest(n_density, file->embedding[i].n_density);
  }
  set_segments(ace, &use, n_density);
  for (int k = 0; k < n; k++) {
    bond_of(&m, k, &i, &j);
    set_pair_segments(ace, file, i, k % model->n_species, species_of, use.plain, &ace->pair[k]);
  }
  ace->record_vectors = 4 + 2 * (size_t)padded(&m, ace->n_out);
  ftl_status status = choose_tables(&m, use.plain, use.n_alone, error);
  if (!status) status = make_pairs(&m, error);
  for (int k = 0; k < n; k++) free(m.wish[k].matrix);
  free(m.wish);
  return status;
}
