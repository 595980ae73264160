/* The recipe of a training run: values of the options of `frozentl train` (support/options.h). */
#ifndef FTL_RECIPE_H
#define FTL_RECIPE_H

#include "data/policy.h"
#include "support/options.h"

enum { FTL_LOSS_WEIGHTED, FTL_LOSS_HUBER, FTL_LOSS_UNIVERSAL, FTL_N_LOSSES };
enum { FTL_START_KEEP, FTL_START_FIT, FTL_START_GIVEN, FTL_N_STARTS };                /* e0.kind, scale_shift */
enum { FTL_BLOCKS_RESIDUAL, FTL_BLOCKS_DENSITY, FTL_BLOCKS_NONLINEAR, FTL_N_BLOCKS }; /* scratch.interaction */
enum { FTL_OPTIMISER_AMSGRAD, FTL_OPTIMISER_ADAMW, FTL_OPTIMISER_ADAM, FTL_N_OPTIMISERS };
enum { FTL_SCHEDULE_CONSTANT, FTL_SCHEDULE_PLATEAU, FTL_SCHEDULE_EXPONENTIAL, FTL_SCHEDULE_COSINE, FTL_N_SCHEDULES };
enum { FTL_REPLAY_FOUNDATION, FTL_REPLAY_DATA, FTL_N_REPLAY_LABELS }; /* replay.labels */
enum { FTL_REPLAY_SHARED, FTL_REPLAY_SEPARATE, FTL_N_REPLAY_HEADS };  /* replay.head */
enum { FTL_CHECKPOINT_FULL, FTL_CHECKPOINT_DELTA, FTL_N_CHECKPOINTS };
enum { FTL_TEACH_NEVER, FTL_TEACH_CHEAP, FTL_TEACH_ALWAYS, FTL_N_TEACHES }; /* trust */

/* The value of every option; what each one means is said in the table (train_recipe.c). */
typedef struct {
  char *output, *foundation, *head;
  ftl_words data, valid, test, elements, add_elements;
  char *labels; /* their prefix */
  struct {
    char *energy, *forces, *stress, *virial;
  } label;
  ftl_words select;
  int large_forces; /* data/policy.h */
  int64_t frames;
  double fraction, valid_fraction, max_force;
  int checks; /* data/policy.h */
  struct {
    int kind;
    ftl_rates values;
  } e0;
  int scale_shift;
  ftl_words freeze, train;
  ftl_rates rates;
  struct {
    int64_t rank;
    double alpha;
    ftl_words groups;
  } lora;
  struct {
    ftl_words data, select;
    int labels, head;
    double weight, fraction, rattle, strain, substitute, temperature, max_force;
    int64_t frames, sample, steps;
  } replay;
  struct {
    int kind;
    double energy, forces, stress, huber_delta;
    ftl_rates configs;
  } loss;
  struct {
    int kind;
    double lr, weight_decay, beta1, beta2, epsilon, clip;
  } optimiser;
  double ema;
  struct {
    int64_t start;
    double lr, energy, forces, stress;
  } swa;
  struct {
    int kind;
    double factor, gamma, min_lr;
    int64_t patience, warmup;
  } schedule;
  int64_t epochs, steps, batch_size, patience, seed, threads;
  int precision; /* ftl_precision */
  int checkpoint;
  int trust; /* FTL_TEACH_... */
  int64_t save_every, cache_mb;
  struct {
    int interaction, radial, transform, gate; /* FTL_BLOCKS_..., ftl_radial_kind, ftl_transform_kind, ftl_activation */
    char *hidden, *readout;
    ftl_words radial_mlp;
    int64_t layers, correlation, max_ell, basis, cutoff_p;
    double r_max, avg_num_neighbors;
    bool zbl;
  } scratch;

  ftl_options options; /* what is read, set, checked and written */
} ftl_recipe;

extern const ftl_option_table ftl_recipe_table;

/* A recipe with every default, to be freed also after a failure. FTL_ERR_MEMORY. */
ftl_status ftl_recipe_new(ftl_recipe **recipe, ftl_error *error);
void ftl_recipe_free(ftl_recipe *recipe);

static inline bool ftl_recipe_is_set(const ftl_recipe *recipe, const char *key) {
  return ftl_options_is_set(&recipe->options, key);
}

#endif
