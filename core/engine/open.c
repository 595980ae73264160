/* Opening and describing a model. */
#include <stdlib.h>

#include "base/error.h"
#include "engine/share.h"
#include "engine/uncertainty.h"
#include "files/foundations.h"
#include "model/kernels.h"

/* In the order in which they are asked whether a file is theirs. */
static const ftl_engine *const engines[FTL_N_ENGINES] = {&ftl_ace_engine, &ftl_mace_engine};

const ftl_engine *ftl_engine_of(int number) {
  for (int k = 0; k < FTL_N_ENGINES; k++)
    if (engines[k]->number == number) return engines[k];
  return NULL;
}

void ftl_model_free(ftl_model *model) {
  if (!model) return;
  if (model->mapping.numbers) {
    ftl_unmap_model(model);
    return;
  }
  for (int h = 0; h < FTL_MAX_HEADS; h++) free(model->arch.heads[h]);
  free(model->pair_class);
  free(model->e0);
  free(model->scale);
  free(model->zbl);
  free(model->descriptor);
  if (model->engine) model->engine->free(model);
  free(model);
}

ftl_status ftl_model_open(const char *path, const ftl_open_options *options, ftl_model **model, ftl_error *error) {
  if (!path || !model) return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_model_open: NULL path or model");
  if (options && options->precision != FTL_DOUBLE && options->precision != FTL_MIXED)
    return ftl_fail(error, FTL_ERR_ARGUMENT, path, "ftl_model_open: unknown precision %d", (int)options->precision);
  char file[FTL_PATH_ROOM];
  bool mine = false;
  ftl_status status = ftl_model_path(path, file, sizeof file, error);
  for (int k = 0; k < FTL_N_ENGINES && !status && !mine; k++)
    status = engines[k]->open(file, options, &mine, model, error);
  return status;
}

void ftl_model_get_info(const ftl_model *model, ftl_model_info *info) {
  *info = (ftl_model_info){
      .cutoff = model->arch.r_max,
      .n_layers = model->arch.n_layers,
      .n_elements = model->n_species,
      .atomic_numbers = model->arch.atomic_numbers,
      .n_heads = model->arch.n_heads,
      .heads = model->heads,
      .head = model->head,
      .precision = model->precision,
      .n_parameters = model->n_parameters,
      .kernel_isa = model->kernels->isa,
      .ace = model->engine->ace,
      .extrapolation = ftl_has_extrapolation(model),
      .n_committee = model->n_committee,
  };
}

int ftl_model_species(const ftl_model *model, int atomic_number) {
  for (int z = 0; z < model->n_species; z++)
    if (model->arch.atomic_numbers[z] == atomic_number) return z;
  return -1;
}

int ftl_model_descriptors(const ftl_model *model, const ftl_descriptor_block **blocks, int *width) {
  if (blocks) *blocks = model->descriptor;
  if (width) *width = model->descriptor_width;
  return model->n_descriptors;
}

double ftl_model_e0(const ftl_model *model, int species) {
  return species >= 0 && species < model->n_species ? model->e0[species] : 0;
}
