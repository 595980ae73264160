/* How well predicted errors tell errors: coverage, rank correlation and miscalibration (docs/uncertainty.md, eqs. U8 to
   U10). */
#ifndef FTL_CALIBRATION_H
#define FTL_CALIBRATION_H

#include <stddef.h>
#include <stdint.h>

#include "frozentl.h"

/* Zero-initialise; free with ftl_calibration_free. */
typedef struct {
  int dimensions; /* of an error: 1, or 3 for the length of a vector */
  size_t n, room;
  double (*pair)[2]; /* [n] size of the error, and the predicted root mean square of it */
} ftl_calibration;

void ftl_calibration_free(ftl_calibration *calibration);
/* FTL_ERR_MEMORY */
ftl_status ftl_calibration_add(ftl_calibration *calibration, double error_size, double deviation, ftl_error *error);

/* The factor of the deviations that makes these errors most likely, normal as they are supposed to be: the root mean
   square of error over deviation. 1 for no pairs, or where the deviations are all 0. */
double ftl_calibration_scale(const ftl_calibration *calibration);

typedef struct {
  int64_t n;
  double error, deviation; /* root mean squares */
  double within[2];        /* of the errors, inside the intervals that should hold 68 % and 95 % of them */
  double miscalibration;   /* area between the share of errors in every interval and what it should be: 0 to 0.5 */
  double spearman;         /* rank correlation of error and deviation; NAN for fewer than 3 */
} ftl_calibration_result;

/* FTL_ERR_MEMORY */
ftl_status ftl_calibration_measure(const ftl_calibration *calibration, ftl_calibration_result *result,
                                   ftl_error *error);

#endif
