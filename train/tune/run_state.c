/* The state of a run, to disk and back. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "support/output.h"
#include "tune/checkpoint.h"
#include "tune/train_run.h"
#include "base/error.h"
#include "support/record.h"
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
                {"watched", offsetof(ftl_run, at.watch.steps)},
                {"told", offsetof(ftl_run, at.outcome.told)},
                {"bad_energy", offsetof(ftl_run, at.outcome.bad[FTL_OUTCOME_ENERGY])},
                {"bad_forces", offsetof(ftl_run, at.outcome.bad[FTL_OUTCOME_FORCES])},
                {"bad_stress", offsetof(ftl_run, at.outcome.bad[FTL_OUTCOME_STRESS])},
                {"random0", offsetof(ftl_run, at.random.s[0])},
                {"random1", offsetof(ftl_run, at.random.s[1])},
                {"random2", offsetof(ftl_run, at.random.s[2])},
                {"random3", offsetof(ftl_run, at.random.s[3])},
                {"schedule_bad", offsetof(ftl_run, schedule.bad)},
                {"schedule_epoch", offsetof(ftl_run, schedule.epoch)}};
static const size_t reals[] = {offsetof(ftl_run, at.loss_sum),
                               offsetof(ftl_run, at.largest_norm),
                               offsetof(ftl_run, at.lr),
                               offsetof(ftl_run, at.best_loss),
                               offsetof(ftl_run, at.best_energy),
                               offsetof(ftl_run, at.best_forces),
                               offsetof(ftl_run, at.seconds),
                               offsetof(ftl_run, schedule.factor),
                               offsetof(ftl_run, schedule.best),
                               offsetof(ftl_run, at.next_loss),
                               offsetof(ftl_run, at.watch.reference),
                               offsetof(ftl_run, at.watch.smallest),
                               offsetof(ftl_run, at.watch.sum),
                               offsetof(ftl_run, at.best_stress),
                               offsetof(ftl_run, at.best_next),
                               offsetof(ftl_run, at.outcome.first[FTL_OUTCOME_ENERGY]),
                               offsetof(ftl_run, at.outcome.first[FTL_OUTCOME_FORCES]),
                               offsetof(ftl_run, at.outcome.first[FTL_OUTCOME_STRESS]),
                               offsetof(ftl_run, at.outcome.first_loss[0]),
                               offsetof(ftl_run, at.outcome.first_loss[1])};
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
  ok = ok && json_object_set_new(object, "recipe", ftl_options_record(&run->s.recipe->options)) == 0;
  ok = ok && json_object_set(object, "inputs", run->inputs) == 0;
  if (ok && run->s.recipe->foundation)
    ok = json_object_set_new(object, "foundation_sha256", json_string(run->s.foundation_sha256)) == 0;
  json_decref(position);
  if (ok) return object;
  json_decref(object);
  return NULL;
}

/* ---- vectors ---- */

typedef struct {
  const char *name;
  const ftl_parameters *parameters;
  double *data; /* NULL: the run does not have it */
} vector;

enum { N_VECTORS = 8 };
static void list_vectors(ftl_run *run, vector list[N_VECTORS]) {
  const ftl_parameters *all = &run->s.parameters, *moved = run->optimiser.parameters;
  const vector vectors[N_VECTORS] = {{"values", all, run->values},
                                     {"mean", moved, run->optimiser.mean},
                                     {"square", moved, run->optimiser.square},
                                     {"largest", moved, run->optimiser.largest},
                                     {"factors", moved, run->lora.values},
                                     {"ema", moved, run->ema},
                                     {"average", moved, run->mean},
                                     {"best", moved, run->best}};
  memcpy(list, vectors, sizeof vectors);
}

/* What is trained of a vector, to `packed`, which moves on. */
static void pack(const vector *v, double **packed) {
  for (int k = 0; k < v->parameters->n; k++) {
    const ftl_parameter *p = &v->parameters->parameter[k];
    if (!p->trained) continue;
    memcpy(*packed, v->data + p->offset, (size_t)p->count * sizeof **packed);
    *packed += p->count;
  }
}

static void unpack(const vector *v, const double *packed) {
  for (int k = 0; k < v->parameters->n; k++) {
    const ftl_parameter *p = &v->parameters->parameter[k];
    if (!p->trained) continue;
    memcpy(v->data + p->offset, packed, (size_t)p->count * sizeof *packed);
    packed += p->count;
  }
}

static json_t *describe(ftl_run *run, double numbers[N_REALS]) {
  const double before = run->at.seconds;
  run->at.seconds = ftl_run_seconds(run);
  for (int k = 0; k < N_REALS; k++) numbers[k] = *real_of(run, k);
  run->at.seconds = before;
  return make_object(run);
}

ftl_status ftl_run_save(ftl_run *run, ftl_error *error) {
  if (!ftl_run_writes()) return FTL_OK;
  const int n_elements = run->s.source->arch.n_elements;
  double numbers[N_REALS], baseline[FTL_MAX_ELEMENTS + 2];
  vector list[N_VECTORS];
  ftl_state_vector part[N_VECTORS + 2];
  int n = 0;
  int64_t count = 1;
  list_vectors(run, list);
  for (int k = 0; k < N_VECTORS; k++) count += list[k].data ? ftl_parameters_trained(list[k].parameters) : 0;
  double *packed = malloc((size_t)count * sizeof *packed), *next = packed;
  json_t *object = describe(run, numbers);
  char *path = ftl_run_path(run, "state.ftl");
  ftl_status status = packed && object && path ? FTL_OK : ftl_no_memory(error, NULL, "the state of the run");
  for (int k = 0; !status && k < N_VECTORS; k++) {
    if (!list[k].data) continue;
    part[n++] = (ftl_state_vector){list[k].name, ftl_parameters_trained(list[k].parameters), next};
    pack(&list[k], &next);
  }
  memcpy(baseline, run->s.baseline.e0, (size_t)n_elements * sizeof *baseline);
  baseline[n_elements] = run->s.baseline.scale;
  baseline[n_elements + 1] = run->s.baseline.shift;
  part[n++] = (ftl_state_vector){"baseline", n_elements + 2, baseline};
  part[n++] = (ftl_state_vector){"numbers", N_REALS, numbers};
  if (!status) status = ftl_run_written(run, ftl_state_write(path, part, n, object, error));
  json_decref(object);
  free(packed);
  free(path);
  return status;
}

ftl_status ftl_run_restore(ftl_run *run, const ftl_state *state, ftl_error *error) {
  vector list[N_VECTORS];
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
  for (int k = 0; !status && k < N_REALS; k++) *real_of(run, k) = from[k];
  list_vectors(run, list);
  for (int k = 0; !status && k < N_VECTORS; k++) {
    if (!list[k].data) continue;
    status = ftl_state_find(state, list[k].name, ftl_parameters_trained(list[k].parameters), &from, error);
    if (!status) unpack(&list[k], from);
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
  json_t *freeze = json_pack("{s:o, s:o, s:o}", "freeze", words_json(&recipe->freeze), "train",
                             words_json(&recipe->train), "rates", rates);
  if (freeze && ftl_recipe_is_set(recipe, "lora.rank"))
    json_object_set_new(freeze, "lora",
                        json_pack("{s:I, s:f, s:o}", "rank", (json_int_t)recipe->lora.rank, "alpha", recipe->lora.alpha,
                                  "groups", words_json(&recipe->lora.groups)));
  return freeze;
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

ftl_status ftl_run_put_best(ftl_run *run, ftl_lora_pairs *pairs, ftl_error *error) {
  ftl_setup *s = &run->s;
  const double *values = ftl_run_whole(run, run->best);
  ftl_status status = FTL_OK;
  if (run->lora.n > 0 && s->base)
    status = ftl_lora_pairs_make(&run->lora, s->source, run->best, pairs, run->whole, error);
  return status ? status : ftl_parameters_put(&s->parameters, values, s->source, error);
}

/* What learning to tell errors may take: with `auto` a tenth of the run's gradients, which are the same however often
   it was interrupted. */
static double work_of_teaching(const ftl_run *run) {
  const double epochs = (double)run->at.epoch;
  return run->s.recipe->trust == FTL_TEACH_ALWAYS ? INFINITY : 0.1 * epochs * (double)run->s.sets.train.n;
}

ftl_status ftl_run_write_model(ftl_run *run, ftl_error *error) {
  if (!ftl_run_writes()) return FTL_OK;
  ftl_setup *s = &run->s;
  json_t *freeze = ftl_run_freeze(s->recipe), *training = training_json(run);
  ftl_lora_pairs pairs = {0};
  const ftl_checkpoint_info info = {.foundation = s->recipe->foundation,
                                    .sha256 = s->recipe->foundation ? s->foundation_sha256 : NULL,
                                    .base = s->base,
                                    .pairs = &pairs,
                                    .freeze = freeze,
                                    .dataset = s->described,
                                    .training = training};
  char *path = ftl_run_path(run, "model.ftl");
  ftl_status status = freeze && training && path ? FTL_OK : ftl_no_memory(error, NULL, "the description of the model");
  if (!status) status = ftl_run_put_best(run, &pairs, error);
  if (!status && run->teach && run->ending && s->source->arch.n_heads <= 1)
    status = run->teach(s->host, s->source, &s->sets.train, &s->sets.valid, work_of_teaching(run),
                        (int)s->recipe->threads, error);
  if (!status) {
    ftl_output_file file;
    ftl_output_begin_model(path, &file);
    status = ftl_run_written(run, ftl_checkpoint_write(s->source, &s->parameters, &info, path, error));
    ftl_output_end_model(&file);
  }
  json_decref(freeze);
  json_decref(training);
  ftl_lora_pairs_free(&pairs);
  free(path);
  return status;
}
