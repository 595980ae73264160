/* Which structures are isolated atoms. Their energies are E0, and not something to train on (as in mace-torch); all
   commands ask here, so that they agree. */
#ifndef FTL_ISOLATED_H
#define FTL_ISOLATED_H

#include "data/dataset.h"

/* config_type says so: IsolatedAtom (mace-torch), isolated_atom (GAP) or isolated, in any case and with any separator.
 */
bool ftl_isolated_by_name(const char *config_type);

/* One atom that is isolated by its config_type, or not periodic at all: what is known without a cutoff. */
bool ftl_isolated_alone(const ftl_structure *structure);

/* *isolated: as above, or one atom that no image of it reaches within the cutoff (a box that is longer). `scratch` is
   reused. FTL_ERR_INPUT: a flat cell; FTL_ERR_MEMORY. */
ftl_status ftl_isolated_within(const ftl_structure *structure, double cutoff, ftl_neighbours *scratch, bool *isolated,
                               ftl_error *error);

/* Sets `isolated` of every structure by ftl_isolated_within. */
ftl_status ftl_isolated_mark(ftl_dataset *dataset, double cutoff, ftl_error *error);

#endif
