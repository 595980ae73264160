#include "model/groups.h"

static const char *const names[] = {"embedding",       "radial",         "linear_up", "linear",      "skip", "density",
                                    "product.weights", "product.linear", "readout",   "scale_shift", "E0",   "zbl"};
_Static_assert(sizeof names / sizeof *names == FTL_N_GROUPS, "a name for each group");

const char *ftl_group_name(ftl_group group) { return group >= 0 && group < FTL_N_GROUPS ? names[group] : "none"; }
