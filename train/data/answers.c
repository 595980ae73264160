#include "data/answers.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static ftl_status check(FILE *stream, ftl_error *error) {
  if (ferror(stream)) return ftl_fail(error, FTL_ERR_IO, NULL, "cannot write answers: %s", strerror(errno));
  return FTL_OK;
}

ftl_status ftl_answer_write_xyz(FILE *stream, ftl_xyz_frame *frame, const ftl_answer *answer, bool name_head,
                                ftl_error *error) {
  char text[9 * 32] = "", number[32];
  ftl_format_real(answer->energy, number);
  ftl_status status = ftl_xyz_set(frame, "energy", number, error);
  for (int k = 0; k < 9; k++) {
    ftl_format_real(answer->stress[k / 3][k % 3], number);
    strcat(text, k ? " " : "");
    strcat(text, number);
  }
  if (status == FTL_OK) status = ftl_xyz_set(frame, "stress", answer->has_stress ? text : NULL, error);
  if (status == FTL_OK && name_head) status = ftl_xyz_set(frame, "head", answer->head, error);
  if (status != FTL_OK) return status;
  const ftl_xyz_extra extra[] = {{"forces", 3, answer->forces[0]}, {"node_energy", 1, answer->node_energy}};
  return ftl_xyz_write(stream, frame, extra, 2, error);
}

ftl_status ftl_answers_begin_json(FILE *stream, ftl_error *error) {
  fputs("[", stream);
  return check(stream, error);
}

ftl_status ftl_answers_end_json(FILE *stream, ftl_error *error) {
  fputs("\n]\n", stream);
  return check(stream, error);
}

static void write_vector(FILE *stream, const double v[3]) {
  fprintf(stream, "[%.17g, %.17g, %.17g]", v[0], v[1], v[2]);
}

ftl_status ftl_answer_write_json(FILE *stream, const ftl_xyz_frame *frame, const ftl_answer *answer, bool first,
                                 ftl_error *error) {
  json_t *name = json_string(answer->head);
  char *head = json_dumps(name, JSON_ENCODE_ANY | JSON_ENSURE_ASCII); /* quotes and escapes */
  json_decref(name);
  if (!head) return ftl_fail(error, FTL_ERR_MEMORY, NULL, "no memory to write the head's name");
  fprintf(stream, "%s\n{\"frame\": %lld, \"head\": %s, \"energy\": %.17g,\n \"forces\": [", first ? "" : ",",
          (long long)frame->index, head, answer->energy);
  free(head);
  for (int i = 0; i < frame->n; i++) {
    fputs(i ? ", " : "", stream);
    write_vector(stream, answer->forces[i]);
  }
  fputs("],\n \"node_energy\": [", stream);
  for (int i = 0; i < frame->n; i++) fprintf(stream, "%s%.17g", i ? ", " : "", answer->node_energy[i]);
  fputs("],\n \"stress\": ", stream);
  if (answer->has_stress) {
    for (int a = 0; a < 3; a++) {
      fputs(a ? ", " : "[", stream);
      write_vector(stream, answer->stress[a]);
    }
    fputs("]}", stream);
  } else {
    fputs("null}", stream);
  }
  return check(stream, error);
}
