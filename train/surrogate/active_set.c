#include "surrogate/active_set.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "surrogate/design.h"
#include "surrogate/maxvol.h"

enum { CHUNK_ATOMS = 2048 };            /* whose functions are computed together */
static const double MAX_KEPT = 1 << 30; /* bytes for the functions of all atoms, so that they are computed once */

typedef struct {
  ftl_maxvol maxvol;
  double *rms;
  int64_t atoms;  /* of the pass */
  double largest; /* gamma of the pass, each atom's when it was offered */
  int n_rows;
  double *rows; /* [FTL_MAXVOL_ROWS][n]: atoms that wait for an offer */
  int64_t room;
  double *kept; /* [room][n]: all atoms, from the first pass over them on; NULL: not kept */
} element;

typedef struct {
  const ftl_surrogate *surrogate;
  const ftl_dataset *data;
  ftl_active_set_options options;
  ftl_descriptors *plan;
  int n_threads, width;   /* functions of the largest element */
  ftl_designer *designer; /* [n_threads] */
  double *value;          /* [CHUNK_ATOMS][width] */
  int *mu;                /* [CHUNK_ATOMS] */
  element element[FTL_MAX_ELEMENTS];
  bool scales;      /* the pass sums squares of functions and offers nothing */
  bool keep, kept;  /* the pass keeps functions of all atoms; they are there */
  double threshold; /* of the pass */
  double done, total;
} choice;

static ftl_status no_memory(ftl_error *error) { return ftl_no_memory(error, NULL, "an active set"); }

static void free_choice(choice *c) {
  for (int k = 0; c->designer && k < c->n_threads; k++) ftl_designer_free(&c->designer[k]);
  for (int mu = 0; mu < c->surrogate->file.n_elements; mu++) {
    ftl_maxvol_free(&c->element[mu].maxvol);
    free(c->element[mu].rms);
    free(c->element[mu].rows);
    free(c->element[mu].kept);
  }
  free(c->designer);
  free(c->value);
  free(c->mu);
  ftl_descriptors_free(c->plan);
}

static ftl_active_set_options with_defaults(const ftl_active_set_options *options) {
  ftl_active_set_options o = options ? *options : (ftl_active_set_options){0};
  if (!(o.threshold > 0)) o.threshold = 1.02;
  if (!(o.delta > 0)) o.delta = 1e-2;
  if (o.max_passes < 1) o.max_passes = 20;
  if (o.sample_atoms < 1) o.sample_atoms = 10000;
  if (o.threads < 1) o.threads = omp_get_max_threads();
  return o;
}

static ftl_status start(choice *c, ftl_error *error) {
  const ftl_surrogate *s = c->surrogate;
  FTL_TRY(ftl_descriptors_new(s, &c->plan, error));
  c->width = 1;
  for (int mu = 0; mu < s->file.n_elements; mu++) {
    size_t n = (size_t)s->file.n_functions[mu];
    if ((int)n > c->width) c->width = (int)n;
    c->element[mu].rms = calloc(n + 1, sizeof(double));
    c->element[mu].rows = malloc((FTL_MAXVOL_ROWS * n + 1) * sizeof(double));
    if (!c->element[mu].rms || !c->element[mu].rows) return no_memory(error);
  }
  c->n_threads = c->options.threads;
  c->designer = calloc((size_t)c->n_threads, sizeof *c->designer);
  c->value = malloc(CHUNK_ATOMS * (size_t)c->width * sizeof *c->value);
  c->mu = malloc(CHUNK_ATOMS * sizeof *c->mu);
  if (!c->designer || !c->value || !c->mu) return no_memory(error);
  for (int k = 0; k < c->n_threads; k++) FTL_TRY(ftl_designer_new(s, c->plan, &c->designer[k], error));
  return FTL_OK;
}

/* Room for the functions of all atoms, if that is within bounds. */
static bool make_room_for_all(choice *c) {
  const ftl_ace_file *file = &c->surrogate->file;
  double bytes = 0;
  for (int64_t k = 0; k < c->data->n; k++)
    for (int i = 0; i < c->data->structure[k].n; i++) {
      int mu = ftl_element_index(file->atomic_number, file->n_elements, c->data->structure[k].atomic_number[i]);
      if (mu >= 0) c->element[mu].room++;
    }
  for (int mu = 0; mu < file->n_elements; mu++)
    bytes += (double)c->element[mu].room * file->n_functions[mu] * (double)sizeof(double);
  if (bytes > MAX_KEPT) return false;
  for (int mu = 0; mu < file->n_elements; mu++) {
    size_t numbers = (size_t)c->element[mu].room * (size_t)file->n_functions[mu];
    c->element[mu].kept = malloc((numbers + 1) * sizeof(double));
    if (!c->element[mu].kept) return false;
  }
  return true;
}

/* ---- atoms, in the order of the data ---- */

static void offer(choice *c, element *e) {
  e->largest = fmax(e->largest, ftl_maxvol_offer(&e->maxvol, e->n_rows, e->rows, e->maxvol.n, c->threshold));
  e->n_rows = 0;
}

static void take(choice *c, int mu, const double *value) {
  element *e = &c->element[mu];
  size_t n = (size_t)c->surrogate->file.n_functions[mu];
  if (c->keep && e->atoms < e->room) memcpy(e->kept + (size_t)e->atoms * n, value, n * sizeof *value);
  e->atoms++;
  if (c->scales) {
    for (size_t k = 0; k < n; k++) e->rms[k] += value[k] * value[k];
    return;
  }
  memcpy(e->rows + (size_t)e->n_rows * n, value, n * sizeof *value);
  if (++e->n_rows == FTL_MAXVOL_ROWS) offer(c, e);
}

typedef struct {
  choice *c;
  int first; /* of the structure in the chunk */
} visit;

static void visit_one(void *context, int atom, int mu, const double *value) {
  (void)atom;
  take(context, mu, value);
}

static void visit_chunk(void *context, int atom, int mu, const double *value) {
  const visit *v = context;
  size_t at = (size_t)(v->first + atom);
  v->c->mu[at] = mu;
  memcpy(v->c->value + at * (size_t)v->c->width, value, (size_t)v->c->surrogate->file.n_functions[mu] * sizeof *value);
}

/* Structures list[0 .. n - 1], of no more than CHUNK_ATOMS atoms, on all threads. */
static ftl_status chunk(choice *c, const int64_t *list, int n, ftl_error *error) {
  ftl_status worst = FTL_OK;
  int first[CHUNK_ATOMS], atoms = 0, worst_at = n;
  for (int k = 0; k < n; k++) {
    first[k] = atoms;
    atoms += c->data->structure[list[k]].n;
  }
#pragma omp parallel for num_threads(c->n_threads) schedule(dynamic, 1)
  for (int k = 0; k < n; k++) {
    ftl_error own = {0};
    visit v = {c, first[k]};
    ftl_status status =
        ftl_design_atoms(&c->designer[omp_get_thread_num()], &c->data->structure[list[k]], visit_chunk, &v, &own);
    if (!status) continue;
#pragma omp critical(ftl_active_set_error)
    if (k < worst_at) { /* the first one in the data, whatever the threads do */
      worst = status;
      worst_at = k;
      if (error) *error = own;
    }
  }
  for (int a = 0; a < atoms && !worst; a++) take(c, c->mu[a], c->value + (size_t)a * (size_t)c->width);
  return worst;
}

/* Every step-th structure. */
static ftl_status go_through(choice *c, int64_t step, ftl_error *error) {
  int64_t list[CHUNK_ATOMS];
  int n = 0, atoms = 0;
  ftl_status status = FTL_OK;
  for (int mu = 0; mu < FTL_MAX_ELEMENTS; mu++) {
    c->element[mu].atoms = 0;
    c->element[mu].largest = 0;
  }
  for (int64_t k = 0; k < c->data->n && !status; k += step) {
    const ftl_structure *s = &c->data->structure[k];
    if (c->options.stop && *c->options.stop) return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "interrupted");
    if (n > 0 && (atoms + s->n > CHUNK_ATOMS || n == CHUNK_ATOMS)) {
      status = chunk(c, list, n, error);
      n = atoms = 0;
    }
    if (!status && s->n > CHUNK_ATOMS) {
      status = ftl_design_atoms(&c->designer[0], s, visit_one, c, error);
    } else if (!status) {
      list[n++] = k;
      atoms += s->n;
    }
    c->done++;
    if (c->options.progress) c->options.progress(c->options.context, c->done, c->total);
  }
  if (!status && n > 0) status = chunk(c, list, n, error);
  for (int mu = 0; mu < c->surrogate->file.n_elements && !status && !c->scales; mu++) offer(c, &c->element[mu]);
  return status;
}

/* ---- passes ---- */

static ftl_status start_sets(choice *c, ftl_error *error) {
  ftl_status status = FTL_OK;
  for (int mu = 0; mu < c->surrogate->file.n_elements && !status; mu++) {
    element *e = &c->element[mu];
    int n = c->surrogate->file.n_functions[mu];
    for (int k = 0; k < n && e->atoms > 0; k++) e->rms[k] = sqrt(e->rms[k] / (double)e->atoms);
    status = ftl_maxvol_new(n, e->rms, c->options.delta, &e->maxvol, error);
  }
  return status;
}

static int64_t all_swaps(const choice *c) {
  int64_t n = 0;
  for (int mu = 0; mu < c->surrogate->file.n_elements; mu++) n += c->element[mu].maxvol.swaps;
  return n;
}

/* As go_through, of what is kept. */
static void go_through_kept(choice *c) {
  for (int mu = 0; mu < c->surrogate->file.n_elements; mu++) {
    element *e = &c->element[mu];
    e->largest = 0;
    for (int64_t at = 0; at < e->atoms; at += FTL_MAXVOL_ROWS) {
      int64_t left = e->atoms - at;
      e->largest =
          fmax(e->largest, ftl_maxvol_offer(&e->maxvol, left < FTL_MAXVOL_ROWS ? (int)left : FTL_MAXVOL_ROWS,
                                            e->kept + (size_t)at * (size_t)e->maxvol.n, e->maxvol.n, c->threshold));
    }
  }
}

static ftl_status pass(choice *c, int64_t step, double threshold, ftl_error *error) {
  int64_t before = all_swaps(c);
  ftl_status status = FTL_OK;
  c->threshold = threshold;
  if (c->kept) go_through_kept(c);
  else status = go_through(c, step, error);
  for (int mu = 0; mu < c->surrogate->file.n_elements && !status && all_swaps(c) > before; mu++)
    status = ftl_maxvol_refresh(&c->element[mu].maxvol, error);
  return status;
}

/* A coarse choice in a sample, then passes until one replaces nothing; if they end before, one that only looks. */
static ftl_status choose(choice *c, int *passes, ftl_error *error) {
  int64_t atoms = ftl_dataset_atoms(c->data), step = (atoms + c->options.sample_atoms - 1) / c->options.sample_atoms;
  if (atoms == 0) return ftl_fail(error, FTL_ERR_INPUT, NULL, "an active set needs atoms and the data have none");
  c->total = (double)(c->data->n / step * 2 + 3 * c->data->n); /* a guess: three passes */
  c->scales = true;
  ftl_status status = go_through(c, step, error);
  c->scales = false;
  if (!status) status = start_sets(c, error);
  if (!status) status = pass(c, step, 2, error);
  for (*passes = 0; *passes < c->options.max_passes && !status; ++*passes) {
    int64_t before = all_swaps(c);
    if (c->total < c->done + (double)c->data->n) c->total = c->done + (double)c->data->n;
    c->keep = *passes == 0 && make_room_for_all(c);
    status = pass(c, 1, c->options.threshold, error);
    c->kept |= c->keep;
    c->keep = false;
    if (!status && all_swaps(c) == before) {
      ++*passes;
      return FTL_OK;
    }
  }
  return status ? status : pass(c, 1, INFINITY, error);
}

/* The surrogate takes the inverses. */
static ftl_status keep(const choice *c, ftl_surrogate *s, ftl_error *error) {
  for (int mu = 0; mu < s->file.n_elements; mu++) {
    size_t n = (size_t)s->file.n_functions[mu];
    free(s->active[mu]);
    s->active[mu] = malloc((n * n + 1) * sizeof(double));
    if (!s->active[mu]) return no_memory(error);
    ftl_maxvol_inverse(&c->element[mu].maxvol, s->active[mu]);
  }
  return FTL_OK;
}

static void fill_report(const choice *c, int passes, ftl_active_set_report *report) {
  *report = (ftl_active_set_report){.passes = passes, .swaps = all_swaps(c)};
  for (int mu = 0; mu < c->surrogate->file.n_elements; mu++) {
    const element *e = &c->element[mu];
    report->atoms[mu] = e->atoms;
    report->largest[mu] = e->largest;
    for (int k = 0; k < e->maxvol.n; k++) report->chosen[mu] += e->maxvol.offered[k];
  }
}

ftl_status ftl_active_set_make(ftl_surrogate *surrogate, const ftl_dataset *data, const ftl_active_set_options *options,
                               ftl_active_set_report *report, ftl_error *error) {
  choice *c = calloc(1, sizeof *c);
  int passes = 0;
  if (!c) return no_memory(error);
  c->surrogate = surrogate;
  c->data = data;
  c->options = with_defaults(options);
  ftl_status status = start(c, error);
  if (!status) status = choose(c, &passes, error);
  if (!status) status = keep(c, surrogate, error);
  if (!status && report) fill_report(c, passes, report);
  free_choice(c);
  free(c);
  return status;
}
