/* Labels against what a model answers for the same structures: other units, signs and zeros show where nothing in the
   labels alone gives them away. A model that knows the elements is right to some tens of percent; units are not. */
#ifndef FTL_COMPARE_H
#define FTL_COMPARE_H

#include "data/dataset.h"
#include "data/findings/composition.h"
#include "data/findings/findings.h"

/* One structure, as sums. */
typedef struct {
  const char *path;
  int64_t line, frame;
  int n;
  double volume;
  bool has_energy, has_forces, has_stress;
  double energy, answer;                /* label and answer, eV */
  double force_answer, force2, answer2; /* sums over components: label answer, label^2, answer^2 */
  double largest_force;                 /* of the labels */
  double stress[3][3], stress_answer[3][3];
} ftl_compared;

/* Owned; zero-initialise. */
typedef struct {
  int64_t n;
  ftl_compared *frame;           /* [n] */
  ftl_compositions compositions; /* [n] */
  size_t room;
} ftl_comparison;

/* forces[n] and stress are the model's answers; those without a label are not read and may be NULL. structure->path
   must outlive the comparison. FTL_ERR_MEMORY. */
ftl_status ftl_comparison_add(ftl_comparison *comparison, const ftl_structure *structure, double energy,
                              const double (*forces)[3], const double (*stress)[3], ftl_error *error);
void ftl_comparison_free(ftl_comparison *comparison);

/* Energies, forces and stresses in other units, of the other sign or order, and energies per atom. FTL_ERR_MEMORY. */
ftl_status ftl_comparison_units(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                                ftl_error *error);
/* Energies from another zero than the model's, and such that are far from the others. e0_shift[119], by atomic number,
   is added to the answers (NULL: 0). `advice` says what to do ("--e0 fit ..."). *mean (or NULL) gets the median of the
   absolute differences, eV an atom; NAN without energies. FTL_ERR_MEMORY. */
ftl_status ftl_comparison_zero(const char *name, const ftl_comparison *comparison, const double *e0_shift,
                               const char *advice, double *mean, ftl_findings *findings, ftl_error *error);

/* Of n structures, those that are worth comparing: at most so many, evenly spread, and of no more atoms than that in
   all (but at least one). chosen[n] is set; returns how many. */
int64_t ftl_comparison_choose(const ftl_dataset *dataset, int64_t most, int64_t atoms, bool *chosen);

#endif
