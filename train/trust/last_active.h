/* The active set of a model's last layer: for each element of the data, as many atoms as there are features, whose
   features span a large volume (surrogate/maxvol.h). */
#ifndef FTL_LAST_ACTIVE_H
#define FTL_LAST_ACTIVE_H

#include "trust/trusted.h"

typedef struct {
  int64_t atoms[FTL_MAX_ELEMENTS];  /* of the trust's elements: looked at */
  double largest[FTL_MAX_ELEMENTS]; /* gamma among them */
} ftl_last_active_report;

/* Sets the inverses of `trust`, whose elements are those of the data. Of large data every k-th structure is looked at,
   so that features take no more than 512 MiB. FTL_ERR_MEMORY and as ftl_trusted_features. */
ftl_status ftl_last_active_set(ftl_trusted *trusted, const ftl_dataset *data, ftl_trust *trust,
                               ftl_last_active_report *report, ftl_error *error);

#endif
