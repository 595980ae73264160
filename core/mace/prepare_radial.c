/* The radial parts of a layer. */
#include <stdlib.h>

#include "mace/feature_tables.h"
#include "base/error.h"

ftl_status ftl_prepare_radial(ftl_model *model, const ftl_source *source, int t, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[t];
  const ftl_layer *layer = &model->arch.layer[t];
  ftl_radial radial;
  ftl_feature_tables tables = {0};
  ftl_status status = ftl_radial_make(model, source, t, &radial, error);
  if (!status && t == 0) status = ftl_feature_tables_check_room(model, source->path, error);
  if (!status) status = ftl_feature_tables_fit(model, &radial, &prepared->grid, &prepared->density, &tables, error);
  /* what the message's linear makes: the target, or with a gate its scalars, gates and gated irreps */
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  const ftl_irreps *target = &layer->target, message = traits.message;
  if (!status && traits.nonlinear &&
      (target->n == 0 || target->block[0].l != 0 || target->block[0].p != 1 ||
       (target->n > 1 && target->block[1].l == 0)))
    status =
        ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "interaction %d: a nonlinear block with odd scalars", t);
  ftl_layout_make(&message, model->pad, &prepared->message);
  if (!status)
    status = t == 0 ? ftl_prepare_first(model, source, &radial, &tables, &message, error)
                    : ftl_prepare_conv(model, source, t, &radial, &tables, &message, error);
  free(tables.coefficients);
  ftl_radial_free(&radial);
  return status;
}
