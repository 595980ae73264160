/* Opening and describing a model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ace/ace.h"
#include "engine/uncertainty.h"
#include "model/prepared.h"
#include "files/foundations.h"
#include "files/model_file.h"
#include "files/surrogate_file.h"
#include "model/kernels.h"
#include "base/error.h"

static ftl_status open_yace(const void *data, size_t size, const char *path, const ftl_open_options *options,
                            ftl_model **model, ftl_error *error) {
  ftl_ace_file file;
  ftl_status status = ftl_ace_file_read(data, size, path, &file, error);
  if (status) return status;
  status = ftl_ace_open(&file, path, options, model, error);
  ftl_ace_file_free(&file);
  return status;
}

/* The model keeps the surrogate. */
static ftl_status open_surrogate(const void *data, size_t size, const char *path, const ftl_open_options *options,
                                 ftl_model **model, ftl_error *error) {
  ftl_surrogate *surrogate = calloc(1, sizeof *surrogate);
  ftl_ace_file file;
  if (!surrogate) return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory for the surrogate");
  ftl_status status = ftl_surrogate_read(data, size, path, surrogate, NULL, error);
  if (!status) status = ftl_surrogate_file(surrogate, surrogate->coefficient, &file, error);
  if (!status) {
    status = ftl_ace_open(&file, path, options, model, error);
    ftl_ace_file_free(&file);
  }
  if (!status) {
    (*model)->surrogate = surrogate;
    return FTL_OK;
  }
  ftl_surrogate_free(surrogate);
  free(surrogate);
  return status;
}

/* Opens the file if it is a PACE potential. */
static ftl_status open_ace(const char *path, const ftl_open_options *options, bool *is_ace, ftl_model **model,
                           ftl_error *error) {
  void *data;
  size_t size;
  ftl_status status = ftl_file_map(path, &data, &size, error);
  ftl_pace_kind kind = status ? FTL_PACE_NONE : ftl_pace_kind_of(data, size, path);
  *is_ace = kind != FTL_PACE_NONE;
  if (*is_ace && options && options->foundation) status = ftl_source_no_delta(path, error);
  else if (kind == FTL_PACE_YACE) status = open_yace(data, size, path, options, model, error);
  else if (kind == FTL_PACE_SURROGATE) status = open_surrogate(data, size, path, options, model, error);
  if (data) munmap(data, size);
  return status;
}

void ftl_model_free(ftl_model *model) {
  if (!model) return;
  for (int h = 0; h < FTL_MAX_HEADS; h++) free(model->arch.heads[h]);
  free(model->pair_class);
  free(model->e0);
  free(model->zbl);
  ftl_layers_free(model);
  ftl_ace_free(model->ace);
  if (model->surrogate) ftl_surrogate_free(model->surrogate);
  free(model->surrogate);
  free(model);
}

ftl_status ftl_model_open(const char *path, const ftl_open_options *options, ftl_model **model, ftl_error *error) {
  if (!path || !model) return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_model_open: NULL path or model");
  if (options && options->precision != FTL_DOUBLE && options->precision != FTL_MIXED)
    return ftl_fail(error, FTL_ERR_ARGUMENT, path, "ftl_model_open: unknown precision %d", (int)options->precision);
  bool is_ace;
  char file[FTL_PATH_ROOM];
  ftl_status status = ftl_model_path(path, file, sizeof file, error);
  if (status) return status;
  path = file;
  status = open_ace(path, options, &is_ace, model, error);
  const char *foundation = options ? options->foundation : NULL;
  if (status || is_ace) return status;
  ftl_source *source = NULL;
  status = ftl_source_read_with(path, foundation, &source, error);
  if (status) return status;
  if (foundation && !source->delta) status = ftl_source_no_delta(path, error);
  if (status) {
    ftl_source_free(source);
    return status;
  }
  if (options && options->elements)
    status = ftl_source_cut_elements(source, options->elements, options->n_elements, error);
  if (!status) status = ftl_prepare(source, options, model, error);
  ftl_source_free(source);
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
      .ace = model->ace != NULL,
      .extrapolation = ftl_has_extrapolation(model),
      .n_committee = model->surrogate ? model->surrogate->n_committee : 0,
  };
}

int ftl_model_species(const ftl_model *model, int atomic_number) {
  for (int z = 0; z < model->n_species; z++)
    if (model->arch.atomic_numbers[z] == atomic_number) return z;
  return -1;
}

double ftl_model_e0(const ftl_model *model, int species) {
  return species >= 0 && species < model->n_species ? model->e0[species] : 0;
}
