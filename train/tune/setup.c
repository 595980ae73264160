#include "tune/setup.h"

#include <omp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tune/train_check.h"
#include "tune/checkpoint.h"
#include "tune/lora.h"
#include "tune/no_effect.h"
#include "tune/replay.h"
#include "tune/sample.h"
#include "tune/split.h"
#include "tune/start.h"
#include "base/error.h"
#include "support/work_memory.h"
#include "support/ranks.h"
#include "parameters/freeze.h"

void ftl_setup_free(ftl_setup *s) {
  ftl_graphs_free(&s->train);
  ftl_graphs_free(&s->valid);
  ftl_graphs_free(&s->test);
  ftl_batches_free(&s->batches);
  ftl_team_free(&s->team);
  ftl_network_free(s->network);
  free(s->values);
  free(s->train_head);
  free(s->own_head);
  ftl_parameters_free(&s->parameters);
  ftl_source_free(s->source);
  ftl_source_free(s->base);
  for (int k = 0; k < 3; k++) ftl_comparison_free(&s->compared[k]);
  ftl_findings_free(&s->findings);
  ftl_sets_free(&s->sets);
  json_decref(s->described);
  *s = (ftl_setup){0};
}

void ftl_setup_say(const ftl_setup *setup, const char *format, ...) {
  char text[600];
  va_list args;
  if (!setup->host->say || ftl_ranks_mine() != 0) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  setup->host->say(setup->host->context, text);
}

void ftl_setup_warn(const ftl_setup *setup, const char *format, ...) {
  char text[1024];
  va_list args;
  if (!setup->host->warn || ftl_ranks_mine() != 0) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  setup->host->warn(setup->host->context, text);
}

/* ---- data ---- */

static void warn_of_labels(void *context, const char *text) { ftl_setup_warn(context, "%s", text); }

/* How data was divided, and what valid lacks. */
static void warn_of_sets(const ftl_setup *s) {
  char text[500];
  for (int k = 0; k < 2; k++)
    if (*s->sets.note[k]) ftl_setup_warn(s, "%s", s->sets.note[k]);
  if (s->sets.valid.n < FTL_SPLIT_LEAST)
    ftl_setup_warn(
        s,
        "valid has %lld structure%s only, so chance decides which epoch is the best: give more with valid, or "
        "a larger valid_fraction",
        (long long)s->sets.valid.n, s->sets.valid.n == 1 ? "" : "s");
  ftl_split_lacking(&s->sets.train, &s->sets.valid, "valid", text);
  if (*text) ftl_setup_warn(s, "%s", text);
}

/* The loss has no gradient for weights of elements that no structure has: the decay is then all that Adam sees, and it
   scales it to whole steps (examples/data-efficiency, "What an earlier study found"). AdamW's decay is not scaled. */
static void warn_of_decay(const ftl_setup *s) {
  const ftl_architecture *arch = &s->source->arch;
  int present[118], absent = 0;
  const int n = ftl_dataset_elements(&s->sets.train, present);
  bool decays = false;
  if (!s->recipe->foundation || s->recipe->optimiser.weight_decay == 0 ||
      s->recipe->optimiser.kind == FTL_OPTIMISER_ADAMW)
    return;
  for (int k = 0; k < s->parameters.n; k++)
    decays |= s->parameters.parameter[k].trained && s->parameters.parameter[k].group == FTL_GROUP_PRODUCT_WEIGHTS;
  for (int k = 0; k < arch->n_elements; k++) absent += ftl_element_index(present, n, arch->atomic_numbers[k]) < 0;
  if (decays && absent > 0)
    ftl_setup_warn(s,
                   "weight decay will destroy what the foundation knows of the %d elements that train lacks: set "
                   "optimiser.weight_decay to 0, or elements to data if they are not needed",
                   absent);
}

/* The same structures of files of the same content. */
static bool same_sets(const json_t *a, const json_t *b) {
  static const char *const keys[] = {"frames", "sha256", "set"};
  const json_t *x = json_object_get(a, "files"), *y = json_object_get(b, "files");
  bool same = x && y && json_array_size(x) == json_array_size(y);
  for (size_t k = 0; same && k < json_array_size(x); k++)
    for (size_t i = 0; same && i < sizeof keys / sizeof *keys; i++) {
      json_t *one = json_object_get(json_array_get(x, k), keys[i]),
             *other = json_object_get(json_array_get(y, k), keys[i]);
      same = one == other || json_equal(one, other); /* both may be missing */
    }
  return same;
}

static ftl_status describe(ftl_setup *s, const ftl_state *restored, ftl_error *error) {
  if (s->recipe->foundation) {
    FTL_TRY(ftl_sha256_file(s->recipe->foundation, s->foundation_sha256, error));
  }
  s->described = ftl_sets_describe(s->recipe, &s->sets);
  if (!s->described) return ftl_no_memory(error, NULL, "describing the data sets");
  if (!restored) return FTL_OK;
  const char *model = json_string_value(json_object_get(restored->object, "foundation_sha256"));
  if (strcmp(model ? model : "", s->foundation_sha256) != 0)
    return ftl_fail(error, FTL_ERR_INPUT, s->recipe->foundation, "it has changed since the run began");
  json_t *before = json_object_get(restored->object, "dataset");
  if (!same_sets(before, s->described))
    return ftl_fail(error, FTL_ERR_INPUT, s->recipe->output, "the data sets have changed since the run began");
  json_decref(s->described); /* files may have other names by now */
  s->described = json_incref(before);
  return FTL_OK;
}

/* ---- the model ---- */

static ftl_status make_graphs(ftl_setup *s, const ftl_dataset *dataset, ftl_graphs *graphs, ftl_error *error) {
  const ftl_architecture *arch = &s->source->arch;
  return ftl_graphs_new(dataset, arch->atomic_numbers, arch->n_elements, arch->r_max, &s->memory, graphs, error);
}

static ftl_status make_network(ftl_setup *s, ftl_error *error) {
  const int threads = s->recipe->threads > 0 ? (int)s->recipe->threads : omp_get_max_threads();
  FTL_TRY(ftl_parameters_list(s->source, &s->parameters, error));
  FTL_TRY(ftl_recipe_is_set(s->recipe, "lora.rank")
              ? ftl_lora_apply(s->recipe, &s->parameters, error)
              : ftl_freeze_apply(&s->parameters, &s->recipe->freeze, &s->recipe->train, &s->recipe->rates, error));
  s->values = malloc(((size_t)s->parameters.count + 1) * sizeof *s->values);
  if (!s->values) return ftl_no_memory(error, NULL, "the parameters");
  ftl_parameters_get(&s->parameters, s->source, s->values);
  ftl_status status =
      ftl_network_new(s->source, &s->parameters, (ftl_precision)s->recipe->precision, &s->network, error);
  if (!status) status = ftl_network_set(s->network, s->values, error);
  if (!status) ftl_network_watch(s->network, s->host->stop);
  if (!status) status = ftl_team_new(s->network, &s->parameters, threads, &s->team, error);
  return status;
}

/* The foundation's energies of train, before E0 changes. */
static ftl_status predict_energies(ftl_setup *s, double **energies, ftl_error *error) {
  ftl_predictions predictions = {0};
  ftl_graphs graphs = {0};
  *energies = malloc(((size_t)s->sets.train.n + 1) * sizeof **energies);
  ftl_status status = *energies ? make_graphs(s, &s->sets.train, &graphs, error)
                                : ftl_no_memory(error, NULL, "the foundation's energies");
  if (!status) status = ftl_evaluate(&s->team, &graphs, NULL, FTL_ANSWER_ENERGIES, &predictions, error);
  for (int64_t k = 0; !status && k < s->sets.train.n; k++) (*energies)[k] = ftl_predictions_get(&predictions, k).energy;
  ftl_predictions_free(&predictions);
  ftl_graphs_free(&graphs);
  return status;
}

static ftl_status restore_baseline(ftl_setup *s, const ftl_state *restored, ftl_error *error) {
  const int n = s->source->arch.n_elements;
  const double *data;
  FTL_TRY(ftl_state_find(restored, "baseline", n + 2, &data, error));
  memcpy(s->baseline.e0, data, (size_t)n * sizeof *data);
  s->baseline.scale = data[n];
  s->baseline.shift = data[n + 1];
  return FTL_OK;
}

static ftl_status fit_baseline(ftl_setup *s, ftl_error *error) {
  double *energies = NULL;
  ftl_status status = FTL_OK;
  if (s->recipe->e0.kind == FTL_START_FIT && s->recipe->foundation) status = predict_energies(s, &energies, error);
  if (!status) status = ftl_baseline_e0(s->recipe, &s->sets, s->source, energies, &s->baseline, error);
  free(energies);
  if (!status && *s->baseline.warning) ftl_setup_warn(s, "%s", s->baseline.warning);
  if (!status) status = ftl_baseline_scale_shift(s->recipe, &s->sets, s->source, &s->baseline, error);
  if (!status && *s->baseline.warning) ftl_setup_warn(s, "%s", s->baseline.warning);
  return status;
}

/* E0, scale and shift of the source and the network. */
static ftl_status make_baseline(ftl_setup *s, const ftl_state *restored, ftl_error *error) {
  ftl_baseline_get(s->source, &s->baseline);
  const ftl_baseline before = s->baseline;
  ftl_status status = restored ? restore_baseline(s, restored, error) : fit_baseline(s, error);
  if (!status && !restored) status = ftl_check_zero(s, &before, error);
  const bool changed = memcmp(before.e0, s->baseline.e0, sizeof before.e0) != 0 || before.scale != s->baseline.scale ||
                       before.shift != s->baseline.shift;
  if (status != FTL_OK || !changed) return status;
  FTL_TRY(ftl_replay_shift(s, &before, error));
  FTL_TRY(ftl_baseline_put(&s->baseline, s->source, error));
  ftl_parameters_get(&s->parameters, s->source, s->values);
  return ftl_network_set(s->network, s->values, error);
}

static void set_losses(ftl_setup *s) {
  const ftl_recipe *r = s->recipe;
  s->loss = (ftl_loss){r->loss.kind, r->loss.energy, r->loss.forces, r->loss.stress, r->loss.huber_delta};
  s->second = (ftl_loss){r->loss.kind, r->swa.energy, r->swa.forces, r->swa.stress, r->loss.huber_delta};
}

ftl_status ftl_setup_make(ftl_recipe *recipe, const ftl_host *host, const ftl_state *restored, ftl_setup *setup,
                          ftl_error *error) {
  ftl_setup *s = setup;
  s->recipe = recipe;
  s->host = host;
  s->memory.limit = (size_t)recipe->cache_mb * 1000000;
  double cutoff;
  ftl_status status = ftl_work_start((int)recipe->threads, 1, error); /* threads work on structures */
  if (status == FTL_OK) status = ftl_start_read(recipe, &s->source, &cutoff, error);
  if (status == FTL_OK) status = ftl_sets_read(recipe, cutoff, &s->sets, error);
  if (status == FTL_OK) ftl_sets_report_labels(recipe, &s->sets, warn_of_labels, s);
  set_losses(s);
  if (status == FTL_OK) status = ftl_start_model(recipe, &s->sets, &s->source, error);
  if (status == FTL_OK) status = ftl_check_labels(s, restored != NULL, error);
  if (status == FTL_OK) warn_of_sets(s);
  if (status == FTL_OK) status = describe(s, restored, error);
  if (status == FTL_OK && recipe->checkpoint == FTL_CHECKPOINT_DELTA && !recipe->foundation)
    status = ftl_fail(error, FTL_ERR_INPUT, "checkpoint", "a delta needs a foundation; a new model is written in full");
  if (!status && recipe->trust == FTL_TEACH_ALWAYS && s->source->arch.n_heads > 1)
    status = ftl_fail(
        error, FTL_ERR_INPUT, "trust",
        "the model has %d heads, and only one of a single head can learn to tell its errors; train it without, "
        "and take frozentl trust --head NAME",
        s->source->arch.n_heads);
  if (!status && recipe->checkpoint == FTL_CHECKPOINT_DELTA)
    status = ftl_checkpoint_base(recipe->foundation, s->source, &s->base, error);
  if (!status) status = make_network(s, error);
  if (!status && !restored) status = ftl_check_answers(s, error);
  if (!status) status = ftl_replay_label(s, error);
  if (!status) status = ftl_sample_replay(s, error);
  if (!status) status = make_baseline(s, restored, error);
  if (!status) status = ftl_replay_join(s, error);
  if (!status) status = ftl_no_effect_check(s, error);
  if (!status) warn_of_decay(s);
  if (!status) status = make_graphs(s, &s->sets.train, &s->train, error);
  if (!status) status = make_graphs(s, &s->sets.valid, &s->valid, error);
  if (!status) status = make_graphs(s, &s->sets.test, &s->test, error);
  return status;
}
