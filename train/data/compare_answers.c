#include "data/compare_answers.h"

ftl_status ftl_answer_compare(ftl_comparison *comparison, const char *path, const ftl_xyz_frame *frame,
                              const ftl_labels *labels, const ftl_answer *answer, ftl_error *error) {
  /* a view: nothing of it is kept but the path */
  const ftl_structure view = {.path = (char *)path,
                              .frame = frame->index,
                              .line = frame->line,
                              .n = frame->n,
                              .atomic_number = frame->atomic_number,
                              .volume = ftl_frame_volume(frame),
                              .labels = *labels};
  return ftl_comparison_add(comparison, &view, answer->energy, (const double(*)[3])answer->forces,
                            answer->has_stress ? (const double(*)[3])answer->stress : NULL, error);
}
