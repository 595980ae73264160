/* Writing answers: extended XYZ and JSON. Errors: FTL_ERR_IO, FTL_ERR_MEMORY. */
#ifndef FTL_ANSWERS_H
#define FTL_ANSWERS_H

#include <stdio.h>

#include "data/evaluator.h"
#include "data/labels.h"

/* The frame with energy, stress (nine numbers; removed if the answer has none), forces and node_energy, and what the
   answer knows of its errors, replacing those it had; and head, if name_head. The keys of `frame` are changed. */
ftl_status ftl_answer_write_xyz(FILE *stream, ftl_xyz_frame *frame, const ftl_answer *answer, bool name_head,
                                ftl_error *error);

/* A JSON list, an object per answer: frame, head, energy, forces, node_energy, stress (3x3 or null); config_type if the
   frame has one, extrapolation, energy_deviation, force_deviation (a number for each atom) and total_deviation where
   the answer has them, and reference with those of energy, forces and stress that `labels` has, if there are any.
   Numbers have 17 significant digits. `first` answers come without a comma in front. */
ftl_status ftl_answers_begin_json(FILE *stream, ftl_error *error);
ftl_status ftl_answer_write_json(FILE *stream, const ftl_xyz_frame *frame, const ftl_labels *labels,
                                 const ftl_answer *answer, bool first, ftl_error *error);
ftl_status ftl_answers_end_json(FILE *stream, ftl_error *error);

#endif
