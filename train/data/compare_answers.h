/* Labels of an XYZ frame against an answer, for findings. */
#ifndef FTL_EVAL_COMPARE_H
#define FTL_EVAL_COMPARE_H

#include "data/findings/compare.h"
#include "data/evaluator.h"

/* `path` stands for the file, and must outlive the comparison. FTL_ERR_MEMORY. */
ftl_status ftl_answer_compare(ftl_comparison *comparison, const char *path, const ftl_xyz_frame *frame,
                              const ftl_labels *labels, const ftl_answer *answer, ftl_error *error);

#endif
