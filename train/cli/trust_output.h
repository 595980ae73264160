/* What frozentl trust and, at the end of a run, frozentl train have in common: a file with what its model knows of its
   errors, and the table of how good that is. */
#ifndef FTL_CLI_TRUST_OUTPUT_H
#define FTL_CLI_TRUST_OUTPUT_H

#include "trust/trust_make.h"
#include "tune/train.h"

/* Writes the source to `out`: as a delta if it was read from one, the file `model`. Returns an exit code, after
   reporting. */
int cli_trust_write(const ftl_source *source, const char *model, const char *out, ftl_error *error);
/* What frozentl train does at the end of a run: ftl_train_teach. */
ftl_train_teach cli_trust_of_run;
/* Prints what was learnt and how well it tells errors. */
void cli_trust_report(const ftl_source *source, const ftl_trust_report *report, const char *out, double seconds);

/* "forces  1234 errors ..." of a table that begins with CLI_CALIBRATION_HEAD; units of the two root mean squares. */
void cli_print_calibration_head(void);
void cli_print_calibration(const char *what, const ftl_calibration_result *result, const char *unit);

#endif
