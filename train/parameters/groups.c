#include "parameters/groups.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FTL_N_GROUPS] = {
    "embedding",       "radial",         "linear_up", "linear",      "skip", "density",
    "product.weights", "product.linear", "readout",   "scale_shift", "E0",   "zbl"};

const char *ftl_group_name(ftl_group group) { return group >= 0 && group < FTL_N_GROUPS ? names[group] : "none"; }

/* The first pattern that fits decides. */
static const struct {
  const char *pattern;
  ftl_group group;
  bool also_buffers;
} rules[] = {
    {"node_embedding.*", FTL_GROUP_EMBEDDING, false},
    {"radial_embedding.*", FTL_GROUP_RADIAL, false},
    {"interactions.*.conv_tp_weights.*", FTL_GROUP_RADIAL, false},
    {"interactions.*.source_embedding.*", FTL_GROUP_RADIAL, false},
    {"interactions.*.target_embedding.*", FTL_GROUP_RADIAL, false},
    {"interactions.*.linear_up.*", FTL_GROUP_LINEAR_UP, false},
    {"interactions.*.linear*", FTL_GROUP_LINEAR, false},
    {"interactions.*.skip_tp.*", FTL_GROUP_SKIP, false},
    {"interactions.*.density_fn.*", FTL_GROUP_DENSITY, false},
    {"interactions.*.alpha", FTL_GROUP_DENSITY, false},
    {"interactions.*.beta", FTL_GROUP_DENSITY, false},
    {"products.*.symmetric_contractions.*", FTL_GROUP_PRODUCT_WEIGHTS, false},
    {"products.*.linear.*", FTL_GROUP_PRODUCT_LINEAR, false},
    {"readouts.*", FTL_GROUP_READOUT, false},
    {"scale_shift.*", FTL_GROUP_SCALE_SHIFT, true},
    {"atomic_energies_fn.atomic_energies", FTL_GROUP_E0, true},
    {"pair_repulsion_fn.*", FTL_GROUP_ZBL, false},
};

ftl_group ftl_tensor_group(const ftl_tensor *tensor, int *layer) {
  *layer = -1;
  for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
    if (fnmatch(rules[k].pattern, tensor->name, 0) != 0) continue;
    if (!tensor->is_parameter && !rules[k].also_buffers) return FTL_GROUP_NONE;
    const char *dot = strchr(tensor->name, '.');
    if (strchr(rules[k].pattern, '*') && dot && dot[1] >= '0' && dot[1] <= '9') *layer = atoi(dot + 1);
    return rules[k].group;
  }
  return FTL_GROUP_NONE;
}
