#include "data/evaluator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/stage_times.h"
#include "data/labels.h"
#include "files/model_file.h"
#include "model/architecture.h"
#include "base/clock.h"
#include "base/error.h"

typedef struct {
  ftl_model *model;
  ftl_workspace *workspace;
} engine;

struct ftl_evaluator {
  char *path, *foundation; /* foundation: NULL where it is looked for */
  ftl_precision precision;
  int n_threads;
  int n_heads, default_head; /* default_head < 0: not known yet */
  char *heads[FTL_MAX_HEADS];
  engine engines[FTL_MAX_HEADS];
  int n_elements, elements[FTL_MAX_ELEMENTS];
  bool seen[FTL_MAX_ELEMENTS], only_seen;
  bool trust;          /* asked for */
  bool isolated_atoms; /* E0 are energies of isolated atoms; of a SevenNet they are a shift that was fitted */
};

ftl_status ftl_evaluator_open(const char *path, ftl_precision precision, int n_threads, ftl_evaluator **evaluator,
                              ftl_error *error) {
  return ftl_evaluator_open_with(path, NULL, precision, n_threads, evaluator, error);
}

/* What is in a file: of a MACE model without preparing it, of a PACE potential by opening it. */
typedef struct {
  ftl_source *source;
  ftl_model *pace;
  int n_elements, n_heads;
  const int *elements;
  const char *const *heads;
} description;

static ftl_status describe(const char *path, const char *foundation, description *d, ftl_error *error) {
  ftl_pace_kind pace;
  *d = (description){0};
  ftl_status status = ftl_pace_kind_of_file(path, &pace, error);
  if (!status && pace != FTL_PACE_NONE && foundation) return ftl_source_no_delta(path, error);
  if (!status && pace != FTL_PACE_NONE) {
    ftl_model_info info;
    FTL_TRY(ftl_model_open(path, NULL, &d->pace, error));
    ftl_model_get_info(d->pace, &info);
    d->n_elements = info.n_elements;
    d->elements = info.atomic_numbers;
    d->n_heads = info.n_heads;
    d->heads = info.heads;
  } else if (!status) {
    status = ftl_source_read_with(path, foundation, &d->source, error);
    if (!status && foundation && !d->source->delta) status = ftl_source_no_delta(path, error);
    if (status) {
      ftl_source_free(d->source);
      return status;
    }
    d->n_elements = d->source->arch.n_elements;
    d->elements = d->source->arch.atomic_numbers;
    d->n_heads = d->source->arch.n_heads;
    d->heads = (const char *const *)d->source->arch.heads;
  }
  return status;
}

ftl_status ftl_evaluator_open_with(const char *path, const char *foundation, ftl_precision precision, int n_threads,
                                   ftl_evaluator **evaluator, ftl_error *error) {
  *evaluator = NULL;
  description d;
  FTL_TRY(describe(path, foundation, &d, error));
  ftl_evaluator *e = calloc(1, sizeof *e);
  bool ok = e && (e->path = strdup(path)) && (!foundation || (e->foundation = strdup(foundation)));
  if (ok) {
    e->precision = precision;
    e->n_threads = n_threads;
    e->default_head = FTL_DEFAULT_HEAD;
    e->n_elements = d.n_elements;
    memcpy(e->elements, d.elements, (size_t)d.n_elements * sizeof *e->elements);
    e->isolated_atoms = !d.source || d.source->arch.family != FTL_FAMILY_NEQUIP;
    for (int h = 0; ok && h < d.n_heads; h++, e->n_heads++) ok = (e->heads[h] = strdup(d.heads[h])) != NULL;
  }
  ftl_source_free(d.source);
  ftl_model_free(d.pace);
  if (!ok) {
    ftl_evaluator_free(e);
    return ftl_no_memory(error, path, "opening a model");
  }
  *evaluator = e;
  return FTL_OK;
}

void ftl_evaluator_free(ftl_evaluator *evaluator) {
  if (!evaluator) return;
  for (int h = 0; h < FTL_MAX_HEADS; h++) {
    ftl_workspace_free(evaluator->engines[h].workspace);
    ftl_model_free(evaluator->engines[h].model);
    free(evaluator->heads[h]);
  }
  free(evaluator->path);
  free(evaluator->foundation);
  free(evaluator);
}

int ftl_evaluator_n_heads(const ftl_evaluator *evaluator) { return evaluator->n_heads; }
const char *ftl_evaluator_head(const ftl_evaluator *evaluator, int head) { return evaluator->heads[head]; }

ftl_status ftl_evaluator_find_head(const ftl_evaluator *evaluator, const char *name, int *head, ftl_error *error) {
  char list[256] = "";
  for (int h = 0; h < evaluator->n_heads; h++) {
    if (strcmp(evaluator->heads[h], name) == 0) {
      *head = h;
      return FTL_OK;
    }
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", h ? ", " : "", evaluator->heads[h]);
  }
  return ftl_fail(error, FTL_ERR_INPUT, evaluator->path, "it has no head '%.60s'; it has: %s", name, list);
}

ftl_status ftl_evaluator_check(ftl_evaluator *evaluator, const ftl_xyz_frame *frame, ftl_error *error) {
  for (int i = 0; i < frame->n; i++) {
    int k = 0;
    while (k < evaluator->n_elements && evaluator->elements[k] != frame->atomic_number[i]) k++;
    if (k < evaluator->n_elements) {
      evaluator->seen[k] = true;
      continue;
    }
    char where[256], list[400] = "";
    ftl_xyz_where(frame, ftl_xyz_atom_line(frame, i), where);
    for (k = 0; k < evaluator->n_elements; k++) {
      strcat(list, k ? " " : "");
      strcat(list, ftl_element_symbol(evaluator->elements[k]));
    }
    return ftl_fail(error, FTL_ERR_INPUT, where, "atom %d is %s, which %s does not know: it has %s", i,
                    ftl_element_symbol(frame->atomic_number[i]), evaluator->path, list);
  }
  return FTL_OK;
}

void ftl_evaluator_only_seen(ftl_evaluator *evaluator) { evaluator->only_seen = true; }
void ftl_evaluator_ask_trust(ftl_evaluator *evaluator) { evaluator->trust = true; }

static ftl_status get_engine(ftl_evaluator *e, int *head, engine **found, ftl_error *error) {
  if (*head == FTL_DEFAULT_HEAD) *head = e->n_heads == 1 ? 0 : e->default_head;
  if (*head != FTL_DEFAULT_HEAD && e->engines[*head].workspace) {
    *found = &e->engines[*head];
    return FTL_OK;
  }
  int elements[FTL_MAX_ELEMENTS], n = 0;
  for (int k = 0; k < e->n_elements; k++)
    if (!e->only_seen || e->seen[k]) elements[n++] = e->elements[k];
  const ftl_open_options options = {.precision = e->precision,
                                    .head = *head == FTL_DEFAULT_HEAD ? NULL : e->heads[*head],
                                    .elements = elements,
                                    .n_elements = n,
                                    .foundation = e->foundation};
  engine made = {0};
  ftl_model_info info;
  ftl_status status = ftl_model_open(e->path, &options, &made.model, error);
  if (!status) status = ftl_workspace_new(made.model, e->n_threads, &made.workspace, error);
  if (status) {
    ftl_model_free(made.model);
    return status;
  }
  if (*head == FTL_DEFAULT_HEAD) {
    ftl_model_get_info(made.model, &info);
    int h;
    status = ftl_evaluator_find_head(e, info.heads[info.head], &h, error);
    *head = e->default_head = h;
  }
  if (status != FTL_OK || e->engines[*head].workspace) { /* the default turned out to be one that is open already */
    ftl_workspace_free(made.workspace);
    ftl_model_free(made.model);
  } else {
    e->engines[*head] = made;
  }
  *found = &e->engines[*head];
  return status;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static ftl_status make_room(ftl_answer *answer, size_t n, ftl_error *error) {
  if (n <= answer->room) return FTL_OK;
  ftl_answer_free(answer);
  answer->forces = malloc(n * sizeof *answer->forces);
  answer->node_energy = malloc(n * sizeof *answer->node_energy);
  answer->species = malloc(n * sizeof *answer->species);
  answer->trust = malloc(3 * n * sizeof *answer->trust);
  if (!answer->forces || !answer->node_energy || !answer->species || !answer->trust)
    return ftl_no_memory(error, NULL, "the predictions for %zu atoms", n);
  answer->room = n;
  return FTL_OK;
}

/* Finite, or the name of what is not. */
static const char *not_finite(const ftl_xyz_frame *frame, const ftl_answer *answer) {
  if (!isfinite(answer->energy)) return "energy";
  for (int i = 0; i < frame->n; i++) {
    if (!isfinite(answer->node_energy[i])) return "energy of an atom";
    for (int k = 0; k < 3; k++)
      if (!isfinite(answer->forces[i][k])) return "force on an atom";
  }
  for (int k = 0; k < 9; k++)
    if (answer->has_stress && !isfinite(answer->stress[k / 3][k % 3])) return "stress";
  return NULL;
}

/* Where what is known of errors goes, where it is asked for. */
static ftl_status ask_trust(const ftl_evaluator *e, const ftl_model *model, ftl_answer *answer, ftl_error *error) {
  ftl_model_info info;
  answer->extrapolation = answer->energy_deviation = answer->force_deviation = NULL;
  if (!e->trust) return FTL_OK;
  ftl_model_get_info(model, &info);
  if (!info.extrapolation && info.n_committee == 0)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, e->path, "it knows nothing of its errors; %s",
                    info.ace ? "surrogates that frozentl distill makes do"
                             : "frozentl trust teaches it, from the data it was trained on");
  if (info.extrapolation) answer->extrapolation = answer->trust;
  if (info.n_committee == 0) return FTL_OK;
  answer->energy_deviation = answer->trust + answer->room;
  answer->force_deviation = answer->trust + 2 * answer->room;
  return FTL_OK;
}

ftl_status ftl_evaluator_run(ftl_evaluator *evaluator, int head, const ftl_xyz_frame *frame, int repeat,
                             ftl_answer *answer, ftl_error *error) {
  engine *used;
  char where[256];
  ftl_xyz_where(frame, frame->line, where);
  FTL_TRY(get_engine(evaluator, &head, &used, error));
  FTL_TRY(make_room(answer, (size_t)frame->n, error));
  FTL_TRY(ask_trust(evaluator, used->model, answer, error));
  double *times = malloc(((size_t)repeat + 1) * sizeof *times);
  if (!times) return ftl_no_memory(error, NULL, "%d repeats", repeat);

  for (int i = 0; i < frame->n; i++) answer->species[i] = ftl_model_species(used->model, frame->atomic_number[i]);
  ftl_result result = {.forces = answer->forces[0],
                       .node_energy = answer->node_energy,
                       .extrapolation = answer->extrapolation,
                       .energy_deviation = answer->energy_deviation,
                       .force_deviation = answer->force_deviation};
  ftl_status status = FTL_OK;
  for (int k = 0; !status && k <= repeat; k++) {
    double began = ftl_seconds();
    status = ftl_compute(used->workspace, frame->n, answer->species, frame->position,
                         frame->has_cell ? frame->cell : NULL, frame->pbc, &result, error);
    times[k] = ftl_seconds() - began;
  }
  if (repeat > 0) qsort(times + 1, (size_t)repeat, sizeof *times, by_value);
  answer->seconds = repeat > 0 ? (times[1 + (repeat - 1) / 2] + times[1 + repeat / 2]) / 2 : times[0];
  free(times);
  if (status) {
    if (error && !*error->where) ftl_error_place(error, where);
    return status;
  }
  answer->head = evaluator->heads[head];
  answer->energy = result.energy;
  answer->total_deviation = result.total_deviation;
  /* as ASE's calculators of mace-torch and sevenn: node_energy is without energies of isolated atoms, energy with */
  for (int i = 0; evaluator->isolated_atoms && i < frame->n; i++)
    answer->node_energy[i] -= ftl_model_e0(used->model, answer->species[i]);
  answer->bytes = (double)ftl_workspace_bytes(used->workspace);
  double volume = ftl_frame_volume(frame);
  answer->has_stress = volume > 0;
  const int voigt[3][3] = {{0, 3, 4}, {3, 1, 5}, {4, 5, 2}}; /* places in xx yy zz xy xz yz */
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) answer->stress[a][b] = volume > 0 ? -result.virial[voigt[a][b]] / volume : 0;
  const char *wrong = not_finite(frame, answer);
  if (wrong) return ftl_fail(error, FTL_ERR_INPUT, where, "the model's %s is not a finite number", wrong);
  return FTL_OK;
}

void ftl_evaluator_write_stage_times(const ftl_evaluator *evaluator, double atom_steps, FILE *stream) {
  for (int h = 0; h < evaluator->n_heads; h++)
    if (evaluator->engines[h].workspace) ftl_stage_times_write(evaluator->engines[h].workspace, atom_steps, stream);
}

void ftl_answer_free(ftl_answer *answer) {
  free(answer->forces);
  free(answer->node_energy);
  free(answer->species);
  free(answer->trust);
  memset(answer, 0, sizeof *answer);
}
