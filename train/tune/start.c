#include "tune/start.h"

#include <stdlib.h>
#include <string.h>

#include "data/xyz.h"
#include "tune/replay.h"
#include "base/error.h"
#include "model/tensors.h"
#include "new_model/new_model.h"

ftl_status ftl_start_set(ftl_source *source, const char *name, const double *numbers, int64_t n, ftl_error *error) {
  ftl_tensor *tensor = (ftl_tensor *)ftl_tensors_find(&source->tensors, name);
  if (!tensor || tensor->count != n)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s does not have %lld numbers", name, (long long)n);
  double *data = ftl_tensors_allocate(&source->tensors, (size_t)n * sizeof *data);
  if (!data) return ftl_no_memory(error, source->path, "tensor %s", name);
  memcpy(data, numbers, (size_t)n * sizeof *data);
  tensor->data = data;
  tensor->dtype = FTL_F64;
  return FTL_OK;
}

/* ---- elements ---- */

static ftl_status element(const char *symbol, const char *key, int *z, ftl_error *error) {
  *z = ftl_atomic_number(symbol);
  if (*z > 0) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, key, "'%.40s' is not a chemical element; symbols are spelt H, Cu", symbol);
}

static bool is_word(const ftl_words *words, const char *word) {
  return words->n == 1 && strcmp(words->item[0], word) == 0;
}

/* The elements that the recipe asks for; n = 0: all that there are. */
static ftl_status wanted_elements(const ftl_recipe *recipe, const ftl_sets *sets, int elements[118], int *n,
                                  ftl_error *error) {
  const ftl_words *words = &recipe->elements;
  *n = 0;
  if (is_word(words, "all")) return FTL_OK;
  if (is_word(words, "data")) {
    *n = ftl_sets_elements(sets, elements);
    return FTL_OK;
  }
  ftl_status status = FTL_OK;
  for (int k = 0; !status && k < words->n; k++) {
    status = element(words->item[k], "elements", &elements[*n], error);
    for (int j = 0; !status && j < *n; j++)
      if (elements[j] == elements[*n])
        status = ftl_fail(error, FTL_ERR_INPUT, "elements", "%s is given twice", words->item[k]);
    ++*n;
  }
  return status;
}

/* "Nb=Mo": begins like Mo; "Nb" or "Nb=mean": like the mean of all; "Nb=random". */
static ftl_status new_element(const char *word, ftl_new_element *made, ftl_error *error) {
  char symbol[8] = "";
  const char *equals = strchr(word, '=');
  const size_t length = equals ? (size_t)(equals - word) : strlen(word);
  snprintf(symbol, sizeof symbol, "%.*s", length < sizeof symbol ? (int)length : 7, word);
  *made = (ftl_new_element){.like = FTL_LIKE_MEAN, .e0 = __builtin_nan("")};
  ftl_status status = element(symbol, "add_elements", &made->atomic_number, error);
  if (status != FTL_OK || !equals || strcmp(equals + 1, "mean") == 0) return status;
  if (strcmp(equals + 1, "random") == 0) {
    made->like = FTL_LIKE_RANDOM;
    return FTL_OK;
  }
  return element(equals + 1, "add_elements", &made->like, error);
}

bool ftl_start_adds(const ftl_recipe *recipe, int atomic_number) {
  ftl_new_element made;
  for (int k = 0; k < recipe->add_elements.n; k++)
    if (new_element(recipe->add_elements.item[k], &made, NULL) == FTL_OK && made.atomic_number == atomic_number)
      return true;
  return false;
}

static ftl_status add_elements(const ftl_recipe *recipe, ftl_source *source, ftl_error *error) {
  const ftl_words *words = &recipe->add_elements;
  ftl_new_element made[FTL_MAX_ELEMENTS];
  ftl_random random;
  ftl_status status = FTL_OK;
  if (words->n == 0) return FTL_OK;
  if (words->n > FTL_MAX_ELEMENTS) return ftl_fail(error, FTL_ERR_INPUT, "add_elements", "there are too many");
  for (int k = 0; !status && k < words->n; k++) status = new_element(words->item[k], &made[k], error);
  ftl_random_seed(&random, (uint64_t)recipe->seed);
  return status ? status : ftl_source_add_elements(source, made, words->n, &random, error);
}

/* ---- a foundation ---- */

static ftl_status choose_head(const ftl_recipe *recipe, ftl_source *source, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  if (recipe->head || arch->n_heads == 1) return ftl_source_cut_head(source, recipe->head, error);
  char list[300] = "";
  for (int k = 0; k < arch->n_heads; k++) {
    const size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", k ? ", " : "", arch->heads[k]);
  }
  return ftl_fail(error, FTL_ERR_INPUT, source->path, "it has several heads; choose with head the one to train: %s",
                  list);
}

/* As in mace-torch's multi-head fine-tuning; a model with several heads answers by the one that is called Default. */
static ftl_status add_head(const ftl_recipe *recipe, ftl_source *source, ftl_error *error) {
  static const char own[] = "Default", foundation[] = "pt_head";
  char old[200];
  if (!ftl_replay_wanted(recipe) || recipe->replay.head != FTL_REPLAY_SEPARATE) return FTL_OK;
  if (recipe->checkpoint == FTL_CHECKPOINT_DELTA)
    return ftl_fail(error, FTL_ERR_INPUT, "checkpoint", "a delta cannot hold a new head; replay.head separate is full");
  snprintf(old, sizeof old, "%s", strcmp(source->arch.heads[0], own) == 0 ? foundation : source->arch.heads[0]);
  return ftl_source_add_head(source, old, own, error);
}

/* elements: data. Those of the data that the model has (the checks name structures with others), and those that were
   added. */
static ftl_status cut_to_data(const ftl_recipe *recipe, const int *elements, int n, ftl_source *source,
                              ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  int kept[FTL_MAX_ELEMENTS], n_kept = 0;
  for (int k = 0; k < arch->n_elements; k++)
    if (ftl_element_index(elements, n, arch->atomic_numbers[k]) >= 0 || ftl_start_adds(recipe, arch->atomic_numbers[k]))
      kept[n_kept++] = arch->atomic_numbers[k];
  return n_kept > 0 ? ftl_source_cut_elements(source, kept, n_kept, error) : FTL_OK;
}

ftl_status ftl_start_read(const ftl_recipe *recipe, ftl_source **source, double *cutoff, ftl_error *error) {
  *source = NULL;
  *cutoff = recipe->scratch.r_max;
  if (!recipe->foundation) return FTL_OK;
  ftl_status status = ftl_source_read(recipe->foundation, source, error);
  if (!status) *cutoff = (*source)->arch.r_max;
  return status;
}

static ftl_status adapt_foundation(const ftl_recipe *recipe, const ftl_sets *sets, ftl_source *source,
                                   ftl_error *error) {
  int elements[118], n;
  const bool data = is_word(&recipe->elements, "data");
  ftl_status status = wanted_elements(recipe, sets, elements, &n, error);
  if (!status) status = choose_head(recipe, source, error);
  if (!status) status = add_elements(recipe, source, error);
  for (int k = 0; !status && !data && k < n; k++)
    if (ftl_element_index(source->arch.atomic_numbers, source->arch.n_elements, elements[k]) < 0)
      status = ftl_fail(error, FTL_ERR_INPUT, source->path,
                        "it does not know %s; add_elements (%s=mean, or like a similar element) adds it",
                        ftl_element_symbol(elements[k]), ftl_element_symbol(elements[k]));
  if (!status && data) status = cut_to_data(recipe, elements, n, source, error);
  else if (!status && n > 0) status = ftl_source_cut_elements(source, elements, n, error);
  return status ? status : add_head(recipe, source, error);
}

/* ---- a new model ---- */

static ftl_status read_widths(const ftl_words *words, ftl_scratch_options *o, ftl_error *error) {
  if (words->n > FTL_SCRATCH_MAX_MLP)
    return ftl_fail(error, FTL_ERR_INPUT, "scratch.radial_mlp", "it has %d layers; up to %d are possible", words->n,
                    FTL_SCRATCH_MAX_MLP);
  o->n_radial_mlp = words->n;
  for (int k = 0; k < words->n; k++) {
    double width;
    if (!ftl_parse_real(words->item[k], &width) || width < 1 || width > 1e6 || width != (int)width)
      return ftl_fail(error, FTL_ERR_INPUT, "scratch.radial_mlp", "'%.40s' is not a width, a whole number from 1 on",
                      words->item[k]);
    o->radial_mlp[k] = (int)width;
  }
  return FTL_OK;
}

static ftl_status make_new(const ftl_recipe *recipe, const ftl_sets *sets, ftl_source **source, ftl_error *error) {
  static const ftl_interaction_kind first[FTL_N_BLOCKS] = {[FTL_BLOCKS_RESIDUAL] = FTL_INTERACTION,
                                                           [FTL_BLOCKS_DENSITY] = FTL_INTERACTION_DENSITY,
                                                           [FTL_BLOCKS_NONLINEAR] = FTL_INTERACTION_NONLINEAR};
  static const ftl_interaction_kind other[FTL_N_BLOCKS] = {[FTL_BLOCKS_RESIDUAL] = FTL_INTERACTION_RESIDUAL,
                                                           [FTL_BLOCKS_DENSITY] = FTL_INTERACTION_DENSITY_RESIDUAL,
                                                           [FTL_BLOCKS_NONLINEAR] = FTL_INTERACTION_NONLINEAR};
  int elements[118], n;
  ftl_scratch_options o;
  ftl_random random;
  ftl_scratch_defaults(&o);
  o.r_max = recipe->scratch.r_max;
  o.radial = (ftl_radial_kind)recipe->scratch.radial;
  o.num_bessel = (int)recipe->scratch.basis;
  o.cutoff_p = (int)recipe->scratch.cutoff_p;
  o.transform = (ftl_transform_kind)recipe->scratch.transform;
  o.pair_repulsion = recipe->scratch.zbl;
  o.hidden = recipe->scratch.hidden;
  o.max_ell = (int)recipe->scratch.max_ell;
  o.n_layers = (int)recipe->scratch.layers;
  o.correlation[0] = (int)recipe->scratch.correlation;
  o.first = first[recipe->scratch.interaction];
  o.other = other[recipe->scratch.interaction];
  o.mlp = recipe->scratch.readout;
  o.gate = (ftl_activation)recipe->scratch.gate;
  o.avg_num_neighbors = recipe->scratch.avg_num_neighbors;
  ftl_status status = read_widths(&recipe->scratch.radial_mlp, &o, error);
  if (!status && is_word(&recipe->elements, "all"))
    status = ftl_fail(error, FTL_ERR_INPUT, "elements",
                      "all elements of a foundation can be kept, but there is none; name them, or leave it out");
  if (!status) status = wanted_elements(recipe, sets, elements, &n, error);
  if (!status && n == 0) n = ftl_sets_elements(sets, elements);
  if (!status && !ftl_recipe_is_set(recipe, "scratch.avg_num_neighbors"))
    status = ftl_dataset_average_neighbours(&sets->train, o.r_max, &o.avg_num_neighbors, error);
  FTL_TRY(status);
  o.elements = elements;
  o.n_elements = n;
  ftl_random_seed(&random, (uint64_t)recipe->seed);
  return ftl_scratch_new(&o, &random, source, error);
}

ftl_status ftl_start_model(const ftl_recipe *recipe, const ftl_sets *sets, ftl_source **source, ftl_error *error) {
  if (*source) return adapt_foundation(recipe, sets, *source, error);
  return make_new(recipe, sets, source, error);
}
