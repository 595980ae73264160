/* A source (a MACE `.model`, a `.ftl` file) as a model. */
#include "base/error.h"
#include "files/model_file.h"
#include "mace/mace.h"
#include "model/engine.h"

ftl_status ftl_mace_open(const char *path, const ftl_open_options *options, bool *mine, ftl_model **model,
                         ftl_error *error) {
  const char *foundation = options ? options->foundation : NULL;
  ftl_source *source = NULL;
  *mine = true;
  FTL_TRY(ftl_source_read_with(path, foundation, &source, error));
  ftl_status status = FTL_OK;
  if (foundation && !source->delta) status = ftl_source_no_delta(path, error);
  if (status) {
    ftl_source_free(source);
    return status;
  }
  if (options && options->elements)
    status = ftl_source_cut_elements(source, options->elements, options->n_elements, error);
  if (!status) status = ftl_prepare(source, options, model, error);
  if (!status && source->trust) {
    status = ftl_prepare_trust(*model, source->trust, path, error);
    if (status) ftl_model_free(*model);
    else source->trust = NULL;
  }
  ftl_source_free(source);
  return status;
}

const ftl_engine ftl_mace_engine = {
    .number = FTL_ENGINE_mace,
    .open = ftl_mace_open,
    .free = ftl_mace_free,
    .arrays = ftl_mace_arrays,
    .scratch_new = ftl_mace_scratch_new,
    .scratch_edges = ftl_mace_scratch_edges,
    .scratch_bytes = ftl_mace_scratch_bytes,
    .scratch_free = ftl_mace_scratch_free,
};
