#include "tune/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/replay.h"
#include "tune/sample_make.h"
#include "tune/start.h"
#include "base/error.h"

enum { TRIES = 20, ROUND = 1000 }; /* candidates for a structure that is wanted; candidates at a time, for memory */

typedef struct {
  ftl_setup *s;
  ftl_sample_options options;
  ftl_random random;
  ftl_neighbours scratch;
  ftl_dataset made;        /* candidates */
  double **velocity;       /* [made.n] with replay.temperature: [3 n] */
  ftl_predictions answers; /* of made */
  int64_t read;            /* structures of sets.replay that are from files */
  int64_t tried, close, absurd;
} sampler;

/* ---- candidates ---- */

static void forget(sampler *m) {
  for (int64_t k = 0; m->velocity && k < m->made.n; k++) free(m->velocity[k]);
  free(m->velocity);
  m->velocity = NULL;
  ftl_predictions_free(&m->answers);
  ftl_dataset_free(&m->made);
}

static ftl_status no_memory(ftl_error *error) { return ftl_no_memory(error, NULL, "sampled structures"); }

static ftl_status make_candidates(sampler *m, int64_t n, ftl_error *error) {
  const ftl_dataset *own = &m->s->sets.train, *replay = &m->s->sets.replay;
  ftl_status status = FTL_OK;
  m->made.structure = calloc((size_t)n, sizeof *m->made.structure);
  m->velocity = calloc((size_t)n, sizeof *m->velocity);
  if (!m->made.structure || !m->velocity) return no_memory(error);
  m->made.room = (size_t)n;
  for (int64_t k = 0; !status && k < n; k++) {
    const int64_t seed = ftl_random_below(&m->random, own->n + m->read);
    const ftl_structure *from = seed < own->n ? &own->structure[seed] : &replay->structure[seed - own->n];
    status = ftl_sample_make(&m->options, from, &m->random, &m->made.structure[m->made.n++], error);
  }
  m->tried += n;
  return status;
}

/* Takes candidates out, into `into` or for good; answers are of others then. */
static ftl_status take_out(sampler *m, const bool *out, ftl_dataset *into, ftl_error *error) {
  ftl_dataset waste = {0};
  const int64_t n = m->made.n;
  int64_t kept = 0;
  ftl_status status = ftl_dataset_move(&m->made, out, into ? into : &waste, error);
  ftl_dataset_free(&waste);
  ftl_predictions_free(&m->answers);
  FTL_TRY(status);
  for (int64_t k = 0; k < n; k++) {
    if (out[k]) free(m->velocity[k]);
    else m->velocity[kept++] = m->velocity[k];
  }
  return FTL_OK;
}

static ftl_status drop_close(sampler *m, ftl_error *error) {
  bool *out = calloc((size_t)m->made.n + 1, sizeof *out);
  ftl_status status = out ? FTL_OK : no_memory(error);
  for (int64_t k = 0; !status && k < m->made.n; k++) {
    status = ftl_sample_close(&m->made.structure[k], &m->scratch, &out[k], error);
    m->close += out[k];
  }
  if (!status) status = take_out(m, out, NULL, error);
  free(out);
  return status;
}

/* ---- what the foundation says ---- */

static ftl_status answer(sampler *m, ftl_error *error) {
  const ftl_architecture *arch = &m->s->source->arch;
  ftl_graph_memory nothing = {.full = true}; /* atoms move */
  ftl_graphs graphs = {0};
  ftl_predictions_free(&m->answers);
  ftl_status status =
      ftl_graphs_new(&m->made, arch->atomic_numbers, arch->n_elements, arch->r_max, &nothing, &graphs, error);
  if (!status) status = ftl_evaluate(&m->s->team, &graphs, NULL, FTL_ANSWER_ALL, &m->answers, error);
  ftl_graphs_free(&graphs);
  return status;
}

static bool is_absurd(const ftl_structure *structure, const ftl_prediction *prediction, double limit) {
  if (!isfinite(prediction->energy)) return true;
  for (int i = 0; i < structure->n; i++) {
    const double *f = prediction->forces[i];
    if (!(f[0] * f[0] + f[1] * f[1] + f[2] * f[2] <= limit * limit)) return true;
  }
  return false;
}

/* Answers, without candidates whose forces are absurd. */
static ftl_status answer_and_drop(sampler *m, ftl_error *error) {
  ftl_status status = drop_close(m, error);
  bool *out = calloc((size_t)m->made.n + 1, sizeof *out), any = false;
  if (!status && !out) status = no_memory(error);
  if (!status) status = answer(m, error);
  for (int64_t k = 0; !status && k < m->made.n; k++) {
    const ftl_prediction prediction = ftl_predictions_get(&m->answers, k);
    out[k] = is_absurd(&m->made.structure[k], &prediction, m->s->recipe->replay.max_force);
    any |= out[k];
    m->absurd += out[k];
  }
  if (!status && any) {
    status = take_out(m, out, NULL, error);
    if (!status) status = answer(m, error);
  }
  free(out);
  return status;
}

/* ---- dynamics ---- */

/* Langevin dynamics (BAOAB of Leimkuhler and Matthews) of atoms that are all as light as hydrogen, in steps of half a
   femtosecond: energies of sampled structures do not depend on masses, and no motion is too fast for the step. */
static const double step = 0.05;      /* Angstrom / sqrt(eV), the mass being 1 */
static const double remembered = 0.9; /* part of a velocity that is left after a step */
static const double boltzmann = 8.617333262e-5;

static ftl_status start_velocities(sampler *m, ftl_error *error) {
  const double width = sqrt(boltzmann * m->s->recipe->replay.temperature);
  for (int64_t k = 0; k < m->made.n; k++) {
    const int n = 3 * m->made.structure[k].n;
    m->velocity[k] = malloc((size_t)n * sizeof *m->velocity[k]);
    if (!m->velocity[k]) return no_memory(error);
    for (int i = 0; i < n; i++) m->velocity[k][i] = width * ftl_random_normal(&m->random);
  }
  return FTL_OK;
}

static void kick(sampler *m, int64_t k) {
  const ftl_prediction prediction = ftl_predictions_get(&m->answers, k);
  for (int i = 0; i < 3 * m->made.structure[k].n; i++)
    m->velocity[k][i] += 0.5 * step * prediction.forces[i / 3][i % 3];
}

static void drift(sampler *m, int64_t k) {
  const double noise = sqrt((1 - remembered * remembered) * boltzmann * m->s->recipe->replay.temperature);
  ftl_structure *structure = &m->made.structure[k];
  for (int i = 0; i < 3 * structure->n; i++) {
    double *x = &structure->position[i / 3][i % 3], *v = &m->velocity[k][i];
    *x += 0.5 * step * *v;
    *v = remembered * *v + noise * ftl_random_normal(&m->random);
    *x += 0.5 * step * *v;
  }
}

/* Ends with answers for the last positions. */
static ftl_status run_dynamics(sampler *m, ftl_error *error) {
  ftl_status status = start_velocities(m, error);
  for (int64_t t = 0; !status && t < m->s->recipe->replay.steps; t++) {
    for (int64_t k = 0; k < m->made.n; k++) {
      kick(m, k);
      drift(m, k);
    }
    status = answer_and_drop(m, error);
    for (int64_t k = 0; !status && k < m->made.n; k++) kick(m, k);
  }
  return status;
}

/* ---- all of it ---- */

static ftl_status sample_some(sampler *m, int64_t n, ftl_error *error) {
  ftl_status status = make_candidates(m, n, error);
  if (!status) status = answer_and_drop(m, error);
  if (!status && ftl_recipe_is_set(m->s->recipe, "replay.temperature")) status = run_dynamics(m, error);
  bool *all = malloc(((size_t)m->made.n + 1) * sizeof *all);
  if (!status && !all) status = no_memory(error);
  for (int64_t k = 0; !status && k < m->made.n; k++) {
    const ftl_prediction prediction = ftl_predictions_get(&m->answers, k);
    status = ftl_replay_relabel(&m->made.structure[k], &prediction, error);
    all[k] = true;
  }
  if (!status) status = take_out(m, all, &m->s->sets.replay, error);
  free(all);
  forget(m);
  return status;
}

static void choose_elements(sampler *m) {
  const ftl_architecture *arch = &m->s->source->arch;
  ftl_sample_options *o = &m->options;
  for (int k = 0; k < arch->n_elements; k++)
    if (!ftl_start_adds(m->s->recipe, arch->atomic_numbers[k])) o->elements[o->n_elements++] = arch->atomic_numbers[k];
}

static ftl_status sample_all(sampler *m, ftl_error *error) {
  const ftl_recipe *recipe = m->s->recipe;
  ftl_dataset *replay = &m->s->sets.replay;
  const int64_t read = m->read = replay->n, wanted = recipe->replay.sample;
  ftl_status status = FTL_OK;
  while (!status && replay->n - read < wanted && m->tried < TRIES * wanted) {
    const int64_t missing = wanted - (replay->n - read);
    status = sample_some(m, missing < ROUND ? missing : ROUND, error);
  }
  FTL_TRY(status);
  ftl_setup_say(m->s,
                "replay: %lld structures sampled; of %lld, %lld had atoms too close and %lld forces above %g eV/A",
                (long long)(replay->n - read), (long long)m->tried, (long long)m->close, (long long)m->absurd,
                recipe->replay.max_force);
  if (replay->n - read == wanted) return FTL_OK;
  return ftl_fail(
      error, FTL_ERR_INPUT, "replay.sample",
      "of %lld structures that were tried only %lld are fit for use: %lld had atoms too close and %lld forces "
      "above replay.max_force (%g); lower replay.rattle, replay.strain or replay.temperature",
      (long long)m->tried, (long long)(replay->n - read), (long long)m->close, (long long)m->absurd,
      recipe->replay.max_force);
}

ftl_status ftl_sample_replay(ftl_setup *setup, ftl_error *error) {
  const ftl_recipe *recipe = setup->recipe;
  if (!ftl_recipe_is_set(recipe, "replay.sample")) return FTL_OK;
  sampler m = {.s = setup,
               .options = {.rattle = recipe->replay.rattle,
                           .strain = recipe->replay.strain,
                           .substitute = recipe->replay.substitute}};
  ftl_random_seed(&m.random, (uint64_t)recipe->seed);
  choose_elements(&m);
  if (m.options.n_elements == 0)
    return ftl_fail(error, FTL_ERR_INPUT, "replay.sample",
                    "every element of the model is one that add_elements adds, and the foundation knows none");
  ftl_status status = sample_all(&m, error);
  forget(&m);
  ftl_neighbours_free(&m.scratch);
  return status;
}
