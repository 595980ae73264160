#include "fit/propose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit/sets.h"
#include "model/error.h"

/* Sets an option that the user did not give. */
static ftl_status suggest(ftl_recipe *recipe, const char *key, const char *text, ftl_error *error) {
  return ftl_recipe_is_set(recipe, key) ? FTL_OK : ftl_options_set(&recipe->options, key, text, "proposed", error);
}

static ftl_status read_data(const ftl_recipe *recipe, ftl_dataset *dataset, ftl_error *error) {
  ftl_dataset_options options;
  ftl_sets_options(recipe, &options);
  options.max_force = 0;
  if (recipe->data.n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, "data",
                    "it is not given: a recipe is proposed for a data set (--data X.xyz)");
  ftl_status status = ftl_dataset_read(recipe->data.item, recipe->data.n, &options, dataset, error);
  if (status == FTL_OK && dataset->n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, recipe->data.item[0], "there is no structure in it");
  return status;
}

/* What training would refuse is not proposed. */
static ftl_status check_labels(const ftl_recipe *recipe, const ftl_dataset *dataset, ftl_error *error) {
  const char *path = recipe->data.item[0];
  ftl_dataset_options o;
  ftl_sets_options(recipe, &o);
  ftl_status status = ftl_label_survey_require_names(&dataset->survey, &o.labels, "data", path, error);
  if (status == FTL_OK) status = ftl_label_survey_require_any(&dataset->survey, &o.labels, "data", path, error);
  if (status == FTL_OK) status = ftl_heads_require_one(&dataset->survey.heads, &o.select, "--select ", path, error);
  return status;
}

/* A weight without labels would have no effect. */
static ftl_status propose_loss(ftl_recipe *recipe, const ftl_label_counts *labels, ftl_error *error) {
  ftl_status status = FTL_OK;
  /* mace-torch's 1 to 100 leaves energies behind when there are few steps: 5 meV/atom then weigh as 0.5 meV/Angstrom */
  status = suggest(recipe, "loss.energy", labels->energy > 0 ? "100" : "0", error);
  if (status == FTL_OK && labels->forces == 0) status = suggest(recipe, "loss.forces", "0", error);
  if (status == FTL_OK && labels->stress == 0) status = suggest(recipe, "loss.stress", "0", error);
  return status;
}

/* A foundation is close to its goal: small steps, few of them, an average; what lies under the products stays. */
static ftl_status propose_fine_tuning(ftl_recipe *recipe, ftl_error *error) {
  ftl_status status = FTL_OK;
  /* sampled replay is to have elements that the data lack */
  if (!ftl_recipe_is_set(recipe, "replay.sample")) status = suggest(recipe, "elements", "data", error);
  if (status == FTL_OK) status = suggest(recipe, "e0.kind", "fit", error);
  if (status == FTL_OK && !ftl_recipe_is_set(recipe, "train")) status = suggest(recipe, "freeze", "f5", error);
  if (status == FTL_OK) status = suggest(recipe, "optimiser.lr", "0.001", error);
  if (status == FTL_OK) status = suggest(recipe, "ema", "0.99", error);
  return status;
}

/* About 20 000 steps from scratch and 5000 from a foundation, in batches that leave many steps in an epoch. */
static ftl_status propose_length(ftl_recipe *recipe, int64_t frames, ftl_error *error) {
  const int64_t batch = ftl_recipe_is_set(recipe, "batch_size") ? recipe->batch_size
                        : frames < 100                          ? 2
                        : frames < 1000                         ? 5
                                                                : 10;
  const int64_t per_epoch = (frames + batch - 1) / batch, steps = recipe->foundation ? 5000 : 20000;
  const int64_t epochs = steps / per_epoch < 10 ? 10 : steps / per_epoch > 500 ? 500 : steps / per_epoch;
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)batch);
  ftl_status status = suggest(recipe, "batch_size", text, error);
  snprintf(text, sizeof text, "%lld", (long long)epochs);
  if (status == FTL_OK && !ftl_recipe_is_set(recipe, "steps")) status = suggest(recipe, "epochs", text, error);
  if (status == FTL_OK) status = suggest(recipe, "schedule.kind", "cosine", error);
  if (status == FTL_OK && recipe->valid.n == 0)
    status = suggest(recipe, "valid_fraction", frames < 200 ? "0.1" : "0.05", error);
  return status;
}

ftl_status ftl_propose(ftl_recipe *recipe, ftl_error *error) {
  ftl_dataset dataset = {0};
  ftl_label_counts labels = {0};
  ftl_status status = read_data(recipe, &dataset, error);
  if (status == FTL_OK) {
    ftl_dataset_count_labels(&dataset, &labels);
    status = check_labels(recipe, &dataset, error);
  }
  if (status == FTL_OK) status = propose_loss(recipe, &labels, error);
  if (status == FTL_OK && recipe->foundation) status = propose_fine_tuning(recipe, error);
  if (status == FTL_OK) status = propose_length(recipe, dataset.n, error);
  if (status == FTL_OK) status = suggest(recipe, "output", "run", error);
  ftl_dataset_free(&dataset);
  return status;
}

/* ---- writing ---- */

static void print_elements(const ftl_dataset *dataset, FILE *stream) {
  int elements[118];
  const int n = ftl_dataset_elements(dataset, elements);
  for (int k = 0; k < n; k++) fprintf(stream, " %s", ftl_element_symbol(elements[k]));
}

/* "config_types: bulk 40, surface 12" of up to 20 kinds. */
static void print_configs(const ftl_dataset *dataset, FILE *stream) {
  enum { MOST = 20 };
  const char *name[MOST];
  int64_t count[MOST];
  int n = 0;
  for (int64_t s = 0; s < dataset->n; s++) {
    int k = 0;
    while (k < n && strcmp(name[k], dataset->structure[s].config_type) != 0) k++;
    if (k == MOST) continue;
    if (k == n) {
      name[n] = dataset->structure[s].config_type;
      count[n++] = 0;
    }
    count[k]++;
  }
  for (int k = 0; k < n; k++) fprintf(stream, "%s %s %lld", k ? "," : "", name[k], (long long)count[k]);
  if (n == MOST) fputs(" ...", stream);
}

static void print_remark(void *stream, const char *text) { fprintf(stream, "\nNOTE %s", text); }

static char *make_preamble(const ftl_recipe *recipe, const ftl_dataset *dataset) {
  char *text = NULL;
  size_t size;
  char counts[400];
  ftl_dataset_options o;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return NULL;
  int64_t smallest = dataset->structure[0].n, largest = 0;
  for (int64_t s = 0; s < dataset->n; s++) {
    if (dataset->structure[s].n < smallest) smallest = dataset->structure[s].n;
    if (dataset->structure[s].n > largest) largest = dataset->structure[s].n;
  }
  fprintf(stream,
          "frozentl train THIS-FILE. What was found in the data:\n%lld structures of %lld to %lld atoms, elements",
          (long long)dataset->n, (long long)smallest, (long long)largest);
  print_elements(dataset, stream);
  ftl_label_survey_count(&dataset->survey, counts);
  fprintf(stream, "\nlabels: %s\nconfig_types:", counts);
  print_configs(dataset, stream);
  ftl_sets_options(recipe, &o);
  ftl_label_survey_report(&dataset->survey, &o.labels, "data", true, true, print_remark, stream);
  return fclose(stream) == 0 ? text : NULL;
}

ftl_status ftl_propose_write(const ftl_recipe *recipe, const char *path, FILE *stream, ftl_error *error) {
  ftl_dataset dataset = {0};
  char folder[4096];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
  ftl_status status = read_data(recipe, &dataset, error);
  if (status == FTL_OK) {
    char *preamble = make_preamble(recipe, &dataset);
    const ftl_options_style style = {.folder = folder, .documented = true, .preamble = preamble};
    status = ftl_options_write(&recipe->options, &style, stream, error);
    free(preamble);
  }
  ftl_dataset_free(&dataset);
  return status;
}
