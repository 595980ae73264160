#include "tune/no_effect.h"

#include <unistd.h>

#include "tune/optimiser.h"
#include "tune/replay.h"
#include "base/error.h"
#include "support/ranks.h"

static bool is_set(const ftl_setup *s, const char *key) { return ftl_recipe_is_set(s->recipe, key); }
static bool is_chosen(const ftl_setup *s, const char *key) { return ftl_options_is_chosen(&s->recipe->options, key); }

/* Given by the user, not by the data or a default. */
static const char *where(const ftl_setup *s, const char *key) {
  const ftl_options *options = &s->recipe->options;
  return options->given[ftl_option_find(options->table, key) - options->table->option];
}

static int64_t epochs_of(const ftl_setup *s) {
  const int64_t batches = ftl_batches_count(&s->batches);
  return is_set(s, "steps") ? (s->recipe->steps + batches - 1) / batches : s->recipe->epochs;
}

static const char *length_key(const ftl_setup *s) { return is_set(s, "steps") ? "steps" : "epochs"; }

/* "epochs is 2", or "steps are used up in epoch 3" */
static ftl_status too_late(const ftl_setup *s, const char *key, int64_t value, const char *what, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_INPUT, where(s, key),
                  "%s is %lld, but training ends after epoch %lld (%s): %s; make %s smaller or train longer", key,
                  (long long)value, (long long)epochs_of(s), length_key(s), what, key);
}

static ftl_status check_length(const ftl_setup *s, ftl_error *error) {
  const ftl_recipe *r = s->recipe;
  const int64_t epochs = epochs_of(s);
  if (is_set(s, "swa.start") && r->swa.start > epochs)
    return too_late(s, "swa.start", r->swa.start, "stage two would never begin", error);
  if (is_set(s, "patience") && r->patience >= epochs)
    return too_late(s, "patience", r->patience, "it could never end the run earlier", error);
  if (r->schedule.kind == FTL_SCHEDULE_PLATEAU && r->schedule.patience >= epochs) {
    if (is_chosen(s, "schedule.patience"))
      return too_late(s, "schedule.patience", r->schedule.patience, "the learning rate would never fall", error);
    ftl_setup_say(s, "the learning rate stays as it is: schedule.patience is %lld, and there are %lld epochs",
                  (long long)r->schedule.patience, (long long)epochs);
  }
  const int64_t steps = is_set(s, "steps") ? r->steps : epochs * ftl_batches_count(&s->batches);
  if (r->schedule.warmup >= steps)
    ftl_setup_warn(s, "schedule.warmup is %lld, but there are %lld steps: the learning rate never gets to %g",
                   (long long)r->schedule.warmup, (long long)steps, r->optimiser.lr);
  if (is_chosen(s, "schedule.min_lr") && r->schedule.min_lr >= r->optimiser.lr)
    return ftl_fail(error, FTL_ERR_INPUT, where(s, "schedule.min_lr"),
                    "schedule.min_lr is %g, but optimiser.lr is %g, so that the learning rate would never fall; make "
                    "schedule.min_lr smaller, or give schedule.kind constant",
                    r->schedule.min_lr, r->optimiser.lr);
  return FTL_OK;
}

static ftl_status check_replay(const ftl_setup *s, ftl_error *error) {
  const ftl_recipe *r = s->recipe;
  if (!ftl_replay_wanted(r)) return FTL_OK;
  if (r->replay.weight == 0)
    return ftl_fail(error, FTL_ERR_INPUT, where(s, "replay.weight"),
                    "replay.weight is 0, so that replay has no effect; raise it, or leave out replay");
  if (is_set(s, "replay.frames") && r->replay.frames > s->batches.replay)
    return ftl_fail(error, FTL_ERR_INPUT, where(s, "replay.frames"),
                    "replay.frames is %lld, but there are %d structures of replay only", (long long)r->replay.frames,
                    s->batches.replay);
  return FTL_OK;
}

static ftl_status check_decay(const ftl_setup *s, ftl_error *error) {
  bool decays = false;
  for (int k = 0; k < s->parameters.n; k++)
    decays |= s->parameters.parameter[k].trained && s->parameters.parameter[k].decays;
  if (decays || !is_chosen(s, "optimiser.weight_decay") || s->recipe->optimiser.weight_decay == 0 ||
      is_set(s, "lora.rank"))
    return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, where(s, "optimiser.weight_decay"),
                  "optimiser.weight_decay has no effect: what decays (message linears, products) is frozen; remove it");
}

static void say_threads(const ftl_setup *s) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  if (is_chosen(s, "threads") && cores > 0 && s->team.n > cores)
    ftl_setup_warn(s, "threads is %d, but this machine has %ld cores: more threads than cores only make it slower",
                   s->team.n, cores);
  if (ftl_ranks_n() > s->batches.size)
    ftl_setup_say(s, "%d processes, but %d structures per step: the others have nothing to do", ftl_ranks_n(),
                  s->batches.size);
}

ftl_status ftl_no_effect_check(const ftl_setup *setup, ftl_error *error) {
  const bool linear = ftl_recipe_is_linear(setup->recipe);
  ftl_status status = linear ? FTL_OK : check_length(setup, error);
  if (!status) status = check_replay(setup, error);
  if (!status) status = check_decay(setup, error);
  if (!status && !linear) say_threads(setup);
  return status;
}
