#include "tune/lora.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/error.h"
#include "model/traits.h"
#include "parameters/freeze.h"

static const ftl_words no_words;
static const ftl_rates no_rates;

/* ---- which tensors ---- */

static bool has_group(const ftl_parameters *parameters, const char *name) {
  for (int k = 0; k < parameters->n; k++)
    if (strcmp(ftl_group_name(parameters->parameter[k].group), name) == 0) return true;
  return false;
}

/* lora.groups, without default groups that the model does not have, and then `more`; the strings are borrowed. */
static char **join_words(const ftl_recipe *recipe, const ftl_parameters *parameters, const ftl_words *more, int *n) {
  const ftl_words *groups = &recipe->lora.groups;
  char **word = malloc(((size_t)groups->n + (size_t)more->n + 1) * sizeof *word);
  *n = 0;
  for (int k = 0; word && k < groups->n; k++)
    if (ftl_options_is_chosen(&recipe->options, "lora.groups") || has_group(parameters, groups->item[k]))
      word[(*n)++] = groups->item[k];
  for (int k = 0; word && k < more->n; k++) word[(*n)++] = more->item[k];
  return word;
}

static ftl_status mark(const ftl_recipe *recipe, ftl_parameters *parameters, const ftl_words *more,
                       const ftl_rates *rates, ftl_error *error) {
  ftl_words words = {0};
  words.item = join_words(recipe, parameters, more, &words.n);
  if (!words.item) return ftl_no_memory(error, NULL, "the words of lora");
  ftl_status status = ftl_freeze_apply(parameters, &no_words, &words, rates, error);
  free(words.item);
  return status;
}

ftl_status ftl_lora_apply(const ftl_recipe *recipe, ftl_parameters *parameters, ftl_error *error) {
  return mark(recipe, parameters, &recipe->train, &recipe->rates, error);
}

/* in[k]: lora.groups name the tensor k. */
static ftl_status find_low(const ftl_recipe *recipe, const ftl_source *source, const ftl_parameters *parameters,
                           bool *in, ftl_error *error) {
  ftl_parameters copy;
  ftl_status status = ftl_parameters_list(source, &copy, error);
  if (!status) status = mark(recipe, &copy, &no_words, &no_rates, error);
  for (int k = 0; !status && k < parameters->n; k++)
    in[k] = copy.parameter[k].trained && copy.parameter[k].group != FTL_GROUP_READOUT;
  ftl_parameters_free(&copy);
  return status;
}

static int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

static int64_t divisor_of(const ftl_irreps *irreps, int64_t n) {
  for (int b = 0; b < irreps->n; b++) n = common_divisor(n, irreps->block[b].mul);
  return n;
}

/* A vector of weights is a row of matrices, one for each pair of irreps. Their rows are as long as there are channels,
   or, where irreps have different numbers of channels, multiples of what divides all. */
static int64_t row_length(const ftl_architecture *arch) {
  int64_t n = ftl_irreps_count(&arch->layer[0].node_feats, 0, 1);
  for (int t = 0; t < arch->n_layers && arch->family == FTL_FAMILY_NEQUIP; t++) {
    const ftl_layer_traits traits = ftl_layer_traits_of(&arch->layer[t]);
    n = divisor_of(&traits.message, divisor_of(&arch->layer[t].node_feats, n));
  }
  return n;
}

/* The tensor as a matrix, if factors have fewer numbers than it. */
static bool as_matrix(const ftl_source *source, const ftl_parameter *p, int64_t rank, int64_t *rows, int64_t *columns) {
  const ftl_tensor *tensor = ftl_tensors_find(&source->tensors, p->name);
  *columns = tensor->ndim > 1 ? tensor->shape[tensor->ndim - 1] : row_length(&source->arch);
  if (*columns < 1 || p->count % *columns != 0) return false;
  *rows = p->count / *columns;
  return rank * (*rows + *columns) < p->count;
}

/* ---- making ---- */

static void add_factor(ftl_lora *lora, const ftl_parameter *of, const char *name, int64_t count) {
  ftl_parameter *factor = &lora->factors.parameter[lora->factors.n++];
  *factor = *of;
  factor->name = name;
  factor->offset = lora->factors.count;
  factor->count = count;
  lora->factors.count += count;
}

static void add_item(ftl_lora *lora, const ftl_source *source, int k, bool low) {
  const ftl_parameter *p = &lora->parameters->parameter[k];
  ftl_lora_item *item = &lora->item[lora->n++];
  *item = (ftl_lora_item){.parameter = k, .a = lora->factors.count, .b = -1};
  if (!low || !as_matrix(source, p, lora->rank, &item->rows, &item->columns)) {
    add_factor(lora, p, p->name, p->count);
    return;
  }
  /* names that the weight decay of whole tensors does not apply to */
  add_factor(lora, p, "lora_A", item->rows * lora->rank);
  item->b = lora->factors.count;
  add_factor(lora, p, "lora_B", item->columns * lora->rank);
  lora->n_low++;
}

static void start_values(ftl_lora *lora, uint64_t seed) {
  ftl_random random;
  ftl_random_seed(&random, seed);
  for (int k = 0; k < lora->n; k++) {
    const ftl_lora_item *item = &lora->item[k];
    const ftl_parameter *p = &lora->parameters->parameter[item->parameter];
    if (item->b < 0) memcpy(lora->values + item->a, lora->base + p->offset, (size_t)p->count * sizeof *lora->base);
    else
      for (int64_t i = item->a; i < item->b; i++) lora->values[i] = ftl_random_normal(&random);
  }
}

ftl_status ftl_lora_new(const ftl_recipe *recipe, const ftl_source *source, const ftl_parameters *parameters,
                        const double *values, ftl_lora *lora, ftl_error *error) {
  const size_t n = (size_t)parameters->n + 1, count = (size_t)parameters->count + 1;
  *lora = (ftl_lora){.parameters = parameters,
                     .rank = (int)recipe->lora.rank,
                     .scale = recipe->lora.alpha / (double)recipe->lora.rank,
                     .item = calloc(n, sizeof *lora->item),
                     .base = malloc(count * sizeof *lora->base)};
  lora->factors.parameter = calloc(2 * n, sizeof *lora->factors.parameter);
  bool *low = calloc(n, sizeof *low);
  ftl_status status = FTL_OK;
  if (!lora->item || !lora->base || !lora->factors.parameter || !low)
    status = ftl_no_memory(error, NULL, "low-rank factors");
  if (!status) status = find_low(recipe, source, parameters, low, error);
  for (int k = 0; !status && k < parameters->n; k++)
    if (parameters->parameter[k].trained) add_item(lora, source, k, low[k]);
  free(low);
  FTL_TRY(status);
  if (lora->n_low == 0)
    return ftl_fail(error, FTL_ERR_INPUT, "lora.rank",
                    "a rank of %d makes no tensor of lora.groups smaller; lower it, or train them whole without lora",
                    lora->rank);
  memcpy(lora->base, values, (size_t)parameters->count * sizeof *values);
  lora->values = calloc((size_t)lora->factors.count + 1, sizeof *lora->values);
  lora->gradient = calloc((size_t)lora->factors.count + 1, sizeof *lora->gradient);
  if (!lora->values || !lora->gradient) return ftl_no_memory(error, NULL, "low-rank factors");
  start_values(lora, (uint64_t)recipe->seed);
  return FTL_OK;
}

void ftl_lora_free(ftl_lora *lora) {
  free(lora->item);
  free(lora->base);
  free(lora->values);
  free(lora->gradient);
  ftl_parameters_free(&lora->factors);
  *lora = (ftl_lora){0};
}

/* ---- there and back ---- */

void ftl_lora_expand(const ftl_lora *lora, const double *factors, double *values) {
  const int rank = lora->rank;
  for (int k = 0; k < lora->n; k++) {
    const ftl_lora_item *item = &lora->item[k];
    const ftl_parameter *p = &lora->parameters->parameter[item->parameter];
    double *to = values + p->offset;
    const double *a = factors + item->a, *b = factors + item->b;
    memcpy(to, item->b < 0 ? a : lora->base + p->offset, (size_t)p->count * sizeof *to);
    if (item->b < 0) continue;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)item->rows, (int)item->columns, rank, lora->scale, a,
                rank, b, (int)item->columns, 1, to, (int)item->columns);
  }
}

void ftl_lora_gradient(ftl_lora *lora, const double *gradient) {
  const int rank = lora->rank;
  for (int k = 0; k < lora->n; k++) {
    const ftl_lora_item *item = &lora->item[k];
    const ftl_parameter *p = &lora->parameters->parameter[item->parameter];
    const double *g = gradient + p->offset;
    const int rows = (int)item->rows, columns = (int)item->columns;
    if (item->b < 0) {
      memcpy(lora->gradient + item->a, g, (size_t)p->count * sizeof *g);
      continue;
    }
    /* dL/dA = scale G B^T, dL/dB = scale A^T G */
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, rank, columns, lora->scale, g, columns,
                lora->values + item->b, columns, 0, lora->gradient + item->a, rank);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rank, columns, rows, lora->scale, lora->values + item->a, rank,
                g, columns, 0, lora->gradient + item->b, columns);
  }
}
