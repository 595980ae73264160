/* What an opened model, the teacher, answers for labelled structures. */
#ifndef FTL_SURROGATE_TEACHER_H
#define FTL_SURROGATE_TEACHER_H

#include "data/findings/compare.h"

/* Asks for all structures, or those of which chosen[set->n] is true (NULL: all), and adds to `table` (by config_type;
   NULL: to none) and to `comparison` (NULL: to none). threads 0: all. FTL_ERR_INPUT for an element that the model
   lacks; errors of ftl_compute; FTL_ERR_MEMORY. */
ftl_status ftl_answers_compare(const ftl_model *model, int threads, const ftl_dataset *set, const bool *chosen,
                               ftl_error_table *table, ftl_comparison *comparison, ftl_error *error);

/* Sets atom_energy of all structures: the model's energies of atoms less e0[n] of elements[n]. Errors as above. */
ftl_status ftl_answers_atoms(const ftl_model *model, int threads, const int *elements, const double *e0, int n,
                             ftl_dataset *set, ftl_error *error);

#endif
