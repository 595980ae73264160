/* What is known of a model's errors, from the data it was trained on: posterior, committee and active set, scaled to
   the errors found on structures held back (docs/uncertainty.md). */
#ifndef FTL_TRUST_MAKE_H
#define FTL_TRUST_MAKE_H

#include "data/calibration.h"
#include "trust/equations.h"
#include "trust/last_active.h"

enum { FTL_TRUST_MEMBERS = 8 }; /* a good number: deviations of forces within 14 % */

typedef struct {
  ftl_equations_options equations;
  int members; /* of the committee, 1 to FTL_MAX_COMMITTEE */
} ftl_trust_options;

typedef struct {
  int64_t structures, held;
  int64_t energies, forces; /* labels learnt from */
  double energy_noise, force_noise;
  double effective; /* weights that the data determine */
  ftl_last_active_report active;
  ftl_calibration_result energy, force; /* on what was held back, scaled; n = 0: no labels there */
} ftl_trust_report;

/* The work of ftl_trust_make, in gradients of a structure of the trainer: of an energy's row, of each row of forces, of
   features and the active set, of the errors of what is held back (measured: docs/uncertainty.md). FTL_ERR_INPUT for a
   source of several heads; FTL_ERR_MEMORY. */
ftl_status ftl_trust_work(const ftl_source *source, const ftl_dataset *data, const ftl_dataset *held,
                          const ftl_trust_options *options, double *work, ftl_error *error);
/* Sets source->trust, in place of one that it had. The source has one head. `held` are structures that are in neither
   `data` nor what the model was trained on; where they have no energies or no forces, these deviations stay as the
   posterior has them. FTL_ERR_INPUT: data without labels, elements that the model lacks (names file, line and atom); it
   was interrupted (options.equations.stop). FTL_ERR_MEMORY. */
ftl_status ftl_trust_make(ftl_source *source, const ftl_dataset *data, const ftl_dataset *held,
                          const ftl_trust_options *options, ftl_trust_report *report, ftl_error *error);

#endif
