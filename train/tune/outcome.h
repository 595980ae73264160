/* Whether training made the model worse than it was: errors on valid against those of epoch 0. Plain numbers: they are
   part of the state of a run. */
#ifndef FTL_OUTCOME_H
#define FTL_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FTL_OUTCOME_ENERGY, FTL_OUTCOME_FORCES, FTL_OUTCOME_STRESS, FTL_OUTCOME_KINDS };

/* RMSE in eV/atom, eV/Angstrom, eV/Angstrom^3; NAN without labels. */
typedef struct {
  double first[FTL_OUTCOME_KINDS]; /* before training */
  double first_loss[2];            /* by the weights of stage one and stage two; NAN without that stage */
  int64_t bad[FTL_OUTCOME_KINDS];  /* epochs in a row in which it was worse */
  int64_t told;                    /* bits of what was said to be worse */
} ftl_outcome;

void ftl_outcome_start(ftl_outcome *outcome, const double errors[FTL_OUTCOME_KINDS], double loss, double second_loss);

/* Bits (1 << kind) of errors that are worse than at the start: by more than 5 %, and by more than 0.1 meV/atom,
   1 meV/Angstrom or 0.05 meV/Angstrom^3. */
int ftl_outcome_worse(const ftl_outcome *outcome, const double errors[FTL_OUTCOME_KINDS]);

/* After the validation of an epoch: bits of what is worse beyond doubt (for three epochs in a row, or more than twice
   as large as at the start) and was not said before. */
int ftl_outcome_epoch(ftl_outcome *outcome, const double errors[FTL_OUTCOME_KINDS]);

/* "energy 16.17 -> 111.30 meV/atom, forces ..." of these bits, where there are numbers. */
void ftl_outcome_list(const ftl_outcome *outcome, const double errors[FTL_OUTCOME_KINDS], int bits, char *text,
                      size_t room);

#endif
