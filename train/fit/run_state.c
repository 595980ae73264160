/* The state of a run, to disk and back. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fit/checkpoint.h"
#include "fit/run.h"
#include "model/error.h"
#include "parameters/freeze.h"

/* ---- plain numbers ---- */

/* Integers of the position by name; doubles go into a vector, where they keep their bits. */
static const struct {
  const char *name;
  size_t offset;
} integers[] = {{"epoch", offsetof(ftl_run, at.epoch)},
                {"position", offsetof(ftl_run, at.position)},
                {"stage", offsetof(ftl_run, at.stage)},
                {"averaged", offsetof(ftl_run, at.averaged)},
                {"waited", offsetof(ftl_run, at.waited)},
                {"best_epoch", offsetof(ftl_run, at.best_epoch)},
                {"best_step", offsetof(ftl_run, at.best_step)},
                {"trained", offsetof(ftl_run, at.trained)},
                {"finished", offsetof(ftl_run, at.finished)},
                {"reason", offsetof(ftl_run, at.reason)},
                {"step", offsetof(ftl_run, optimiser.step)},
                {"random0", offsetof(ftl_run, at.random.s[0])},
                {"random1", offsetof(ftl_run, at.random.s[1])},
                {"random2", offsetof(ftl_run, at.random.s[2])},
                {"random3", offsetof(ftl_run, at.random.s[3])},
                {"schedule_bad", offsetof(ftl_run, schedule.bad)},
                {"schedule_epoch", offsetof(ftl_run, schedule.epoch)}};
static const size_t reals[] = {
    offsetof(ftl_run, at.loss_sum),  offsetof(ftl_run, at.largest_norm), offsetof(ftl_run, at.lr),
    offsetof(ftl_run, at.best_loss), offsetof(ftl_run, at.best_energy),  offsetof(ftl_run, at.best_forces),
    offsetof(ftl_run, at.seconds),   offsetof(ftl_run, schedule.factor), offsetof(ftl_run, schedule.best)};
enum { N_INTEGERS = sizeof integers / sizeof *integers, N_REALS = sizeof reals / sizeof *reals };

static int64_t *integer_of(const ftl_run *run, int k) { return (int64_t *)((char *)run + integers[k].offset); }
static double *real_of(const ftl_run *run, int k) { return (double *)((char *)run + reals[k]); }

static json_t *make_object(const ftl_run *run) {
  json_t *object = json_object(), *position = json_object();
  bool ok = object && position;
  for (int k = 0; ok && k < N_INTEGERS; k++)
    ok = json_object_set_new(position, integers[k].name, json_integer(*integer_of(run, k))) == 0;
  ok = ok && json_object_set(object, "position", position) == 0;
  ok = ok && json_object_set(object, "dataset", run->s.described) == 0;
  ok = ok && json_object_set_new(object, "version", json_string(ftl_version())) == 0;
  if (ok && run->s.recipe->foundation)
    ok = json_object_set_new(object, "foundation_sha256", json_string(run->s.foundation_sha256)) == 0;
  json_decref(position);
  if (ok) return object;
  json_decref(object);
  return NULL;
}

/* ---- vectors ---- */

/* Vectors of a run by name; those that it does not have are NULL. */
enum { N_VECTORS = 7 };
static void list_vectors(const ftl_run *run, const char *name[N_VECTORS], double *data[N_VECTORS]) {
  static const char *const names[N_VECTORS] = {"values", "mean", "square", "largest", "ema", "average", "best"};
  double *const all[N_VECTORS] = {
      run->values, run->optimiser.mean, run->optimiser.square, run->optimiser.largest, run->ema, run->mean, run->best};
  memcpy(name, names, sizeof names);
  memcpy(data, all, sizeof all);
}

static void pack(const ftl_parameters *parameters, const double *vector, double *packed) {
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    if (!p->trained) continue;
    memcpy(packed, vector + p->offset, (size_t)p->count * sizeof *packed);
    packed += p->count;
  }
}

static void unpack(const ftl_parameters *parameters, const double *packed, double *vector) {
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    if (!p->trained) continue;
    memcpy(vector + p->offset, packed, (size_t)p->count * sizeof *packed);
    packed += p->count;
  }
}

ftl_status ftl_run_save(ftl_run *run, ftl_error *error) {
  if (!ftl_run_writes()) return FTL_OK;
  const int64_t trained = ftl_parameters_trained(&run->s.parameters);
  const int n_elements = run->s.source->arch.n_elements;
  const char *name[N_VECTORS];
  double *data[N_VECTORS], numbers[N_REALS], baseline[FTL_MAX_ELEMENTS + 2];
  ftl_state_vector vector[N_VECTORS + 2];
  int n = 0;
  double *packed = malloc(((size_t)trained * N_VECTORS + 1) * sizeof *packed), *next = packed;
  const double seconds = run->at.seconds;
  run->at.seconds = ftl_run_seconds(run);
  for (int k = 0; k < N_REALS; k++) numbers[k] = *real_of(run, k);
  run->at.seconds = seconds;
  json_t *object = make_object(run);
  char *path = ftl_run_path(run, "state.ftl");
  ftl_status status =
      packed && object && path ? FTL_OK : ftl_fail(error, FTL_ERR_MEMORY, NULL, "no memory for the state of the run");
  list_vectors(run, name, data);
  for (int k = 0; status == FTL_OK && k < N_VECTORS; k++) {
    if (!data[k]) continue;
    pack(&run->s.parameters, data[k], next);
    vector[n++] = (ftl_state_vector){name[k], trained, next};
    next += trained;
  }
  memcpy(baseline, run->s.baseline.e0, (size_t)n_elements * sizeof *baseline);
  baseline[n_elements] = run->s.baseline.scale;
  baseline[n_elements + 1] = run->s.baseline.shift;
  vector[n++] = (ftl_state_vector){"baseline", n_elements + 2, baseline};
  vector[n++] = (ftl_state_vector){"numbers", N_REALS, numbers};
  if (status == FTL_OK) status = ftl_run_written(run, ftl_state_write(path, vector, n, object, error));
  json_decref(object);
  free(packed);
  free(path);
  return status;
}

ftl_status ftl_run_restore(ftl_run *run, const ftl_state *state, ftl_error *error) {
  const int64_t trained = ftl_parameters_trained(&run->s.parameters);
  const char *name[N_VECTORS];
  double *data[N_VECTORS];
  const double *from;
  const json_t *position = json_object_get(state->object, "position");
  for (int k = 0; k < N_INTEGERS; k++) {
    const json_t *number = json_object_get(position, integers[k].name);
    if (!json_is_integer(number))
      return ftl_fail(error, FTL_ERR_FORMAT, run->s.recipe->output, "the state of the run has no '%s'",
                      integers[k].name);
    *integer_of(run, k) = json_integer_value(number);
  }
  ftl_status status = ftl_state_find(state, "numbers", N_REALS, &from, error);
  for (int k = 0; status == FTL_OK && k < N_REALS; k++) *real_of(run, k) = from[k];
  list_vectors(run, name, data);
  for (int k = 0; status == FTL_OK && k < N_VECTORS; k++) {
    if (!data[k]) continue;
    status = ftl_state_find(state, name[k], trained, &from, error);
    if (status == FTL_OK) unpack(&run->s.parameters, from, data[k]);
  }
  return status;
}

/* ---- the model ---- */

static json_t *words_json(const ftl_words *words) {
  json_t *list = json_array();
  for (int k = 0; k < words->n; k++) json_array_append_new(list, json_string(words->item[k]));
  return list;
}

json_t *ftl_run_freeze(const ftl_recipe *recipe) {
  json_t *rates = json_object();
  for (int k = 0; k < recipe->rates.n; k++)
    json_object_set_new(rates, recipe->rates.name[k], json_real(recipe->rates.value[k]));
  return json_pack("{s:o, s:o, s:o}", "freeze", words_json(&recipe->freeze), "train", words_json(&recipe->train),
                   "rates", rates);
}

static json_t *real(double x) { return x - x == 0 ? json_real(x) : json_null(); }

/* Only what an interrupted run and an uninterrupted one have in common: the file is the same to the bit. */
static json_t *training_json(const ftl_run *run) {
  static const char *const precision[] = {"double", "mixed"};
  return json_pack("{s:I, s:I, s:o, s:o, s:o, s:I, s:s, s:s}", "best_epoch", (json_int_t)run->at.best_epoch, "steps",
                   (json_int_t)run->at.best_step, "valid_loss", real(run->at.best_loss), "energy_rmse",
                   real(run->at.best_energy), "forces_rmse", real(run->at.best_forces), "seed",
                   (json_int_t)run->s.recipe->seed, "precision", precision[run->s.recipe->precision], "version",
                   ftl_version());
}

ftl_status ftl_run_write_model(ftl_run *run, ftl_error *error) {
  if (!ftl_run_writes()) return FTL_OK;
  ftl_setup *s = &run->s;
  json_t *freeze = ftl_run_freeze(s->recipe), *training = training_json(run);
  const ftl_checkpoint_info info = {.foundation = s->recipe->foundation,
                                    .sha256 = s->recipe->foundation ? s->foundation_sha256 : NULL,
                                    .base = s->base,
                                    .freeze = freeze,
                                    .dataset = s->described,
                                    .training = training};
  char *path = ftl_run_path(run, "model.ftl");
  ftl_status status = freeze && training && path
                          ? FTL_OK
                          : ftl_fail(error, FTL_ERR_MEMORY, NULL, "no memory for the description of the model");
  if (status == FTL_OK) status = ftl_parameters_put(&s->parameters, run->best, s->source, error);
  if (status == FTL_OK)
    status = ftl_run_written(run, ftl_checkpoint_write(s->source, &s->parameters, &info, path, error));
  json_decref(freeze);
  json_decref(training);
  free(path);
  return status;
}
