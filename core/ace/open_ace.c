/* Files of PACE potentials and surrogates as models. */
#include <stdlib.h>
#include <sys/mman.h>

#include "ace/ace.h"
#include "base/error.h"
#include "files/model_file.h"
#include "files/surrogate_file.h"
#include "model/engine.h"

static ftl_status open_yace(const void *data, size_t size, const char *path, const ftl_open_options *options,
                            ftl_model **model, ftl_error *error) {
  ftl_ace_file file;
  ftl_status status = ftl_ace_file_read(data, size, path, &file, error);
  if (status) return status;
  status = ftl_ace_make(&file, path, options, model, error);
  ftl_ace_file_free(&file);
  return status;
}

void ftl_ace_take_surrogate(ftl_model *model, ftl_surrogate *surrogate) {
  if (model->surrogate) ftl_surrogate_free(model->surrogate);
  free(model->surrogate);
  model->surrogate = surrogate;
  model->n_committee = surrogate->n_committee;
  model->energy_scale = surrogate->energy_scale;
  model->force_scale = surrogate->force_scale;
}

static ftl_status open_surrogate(const void *data, size_t size, const char *path, const ftl_open_options *options,
                                 ftl_model **model, ftl_error *error) {
  ftl_surrogate *surrogate = calloc(1, sizeof *surrogate);
  ftl_ace_file file;
  if (!surrogate) return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory for the surrogate");
  ftl_status status = ftl_surrogate_read(data, size, path, surrogate, NULL, error);
  if (!status) status = ftl_surrogate_file(surrogate, surrogate->coefficient, &file, error);
  if (!status) {
    status = ftl_ace_make(&file, path, options, model, error);
    ftl_ace_file_free(&file);
  }
  if (!status) {
    ftl_ace_take_surrogate(*model, surrogate);
    return FTL_OK;
  }
  ftl_surrogate_free(surrogate);
  free(surrogate);
  return status;
}

ftl_status ftl_ace_open(const char *path, const ftl_open_options *options, bool *mine, ftl_model **model,
                        ftl_error *error) {
  void *data;
  size_t size;
  ftl_status status = ftl_file_map(path, &data, &size, error);
  ftl_pace_kind kind = status ? FTL_PACE_NONE : ftl_pace_kind_of(data, size, path);
  *mine = kind != FTL_PACE_NONE;
  if (*mine && options && options->foundation) status = ftl_source_no_delta(path, error);
  else if (kind == FTL_PACE_YACE) status = open_yace(data, size, path, options, model, error);
  else if (kind == FTL_PACE_SURROGATE) status = open_surrogate(data, size, path, options, model, error);
  if (data) munmap(data, size);
  return status;
}

const ftl_engine ftl_ace_engine = {
    .number = FTL_ENGINE_ace,
    .ace = true,
    .open = ftl_ace_open,
    .free = ftl_ace_free,
    .arrays = ftl_ace_arrays,
    .scratch_new = ftl_ace_scratch_new,
    .scratch_edges = ftl_ace_scratch_edges,
    .scratch_bytes = ftl_ace_scratch_bytes,
    .scratch_free = ftl_ace_scratch_free,
};
