#include "tune/propose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune/train_sets.h"
#include "tune/suit.h"
#include "base/error.h"

static ftl_status read_data(const ftl_recipe *recipe, ftl_dataset *dataset, ftl_error *error) {
  ftl_dataset_options options;
  ftl_sets_options(recipe, &options);
  options.max_force = 0;
  if (recipe->data.n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, "data",
                    "it is not given: a recipe is proposed for a data set (--data X.xyz)");
  ftl_status status = ftl_dataset_read(recipe->data.item, recipe->data.n, &options, dataset, error);
  if (!status && dataset->n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, recipe->data.item[0], "there is no structure in it");
  return status;
}

/* What training would refuse is not proposed. */
static ftl_status check_labels(const ftl_recipe *recipe, const ftl_dataset *dataset, ftl_error *error) {
  const char *path = recipe->data.item[0];
  ftl_dataset_options o;
  ftl_sets_options(recipe, &o);
  FTL_TRY(ftl_label_survey_require_names(&dataset->survey, &o.labels, "data", path, error));
  FTL_TRY(ftl_label_survey_require_any(&dataset->survey, &o.labels, "data", path, error));
  return ftl_heads_require_one(&dataset->survey.heads, &o.select, "--select ", path, error);
}

ftl_status ftl_propose(ftl_recipe *recipe, char note[300], ftl_error *error) {
  ftl_dataset dataset = {0};
  ftl_label_counts labels = {0};
  ftl_status status = read_data(recipe, &dataset, error);
  if (!status) {
    ftl_dataset_count_labels(&dataset, &labels);
    status = check_labels(recipe, &dataset, error);
  }
  ftl_dataset_remove_isolated(&dataset);
  if (!status) status = ftl_recipe_suit(recipe, &dataset, note, error);
  ftl_dataset_free(&dataset);
  return status ? status : ftl_options_check(&recipe->options, error);
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
  int smallest = dataset->structure[0].n;
  for (int64_t s = 0; s < dataset->n; s++)
    if (dataset->structure[s].n < smallest) smallest = dataset->structure[s].n;
  fprintf(stream, "frozentl train THIS-FILE. What was found in the data:\n%lld structures of %d to %d atoms, elements",
          (long long)dataset->n, smallest, ftl_dataset_largest(dataset));
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
  if (!status) {
    char *preamble = make_preamble(recipe, &dataset);
    const ftl_options_style style = {.folder = folder, .documented = true, .preamble = preamble};
    status = ftl_options_write(&recipe->options, &style, stream, error);
    free(preamble);
  }
  ftl_dataset_free(&dataset);
  return status;
}
