#include "data/answers.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static ftl_status check(FILE *stream, ftl_error *error) {
  if (ferror(stream)) return ftl_fail(error, FTL_ERR_IO, NULL, "cannot write predictions: %s", strerror(errno));
  return FTL_OK;
}

/* What an answer may know of its errors, for each atom. */
enum { N_TRUST = 3 };
static const char *const trust_name[N_TRUST] = {"extrapolation", "energy_deviation", "force_deviation"};
static double *trust_of(const ftl_answer *answer, int which) {
  return which == 0 ? answer->extrapolation : which == 1 ? answer->energy_deviation : answer->force_deviation;
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
  if (!status) status = ftl_xyz_set(frame, "stress", answer->has_stress ? text : NULL, error);
  if (!status && name_head) status = ftl_xyz_set(frame, "head", answer->head, error);
  ftl_format_real(answer->total_deviation, number);
  if (!status && answer->energy_deviation) status = ftl_xyz_set(frame, "total_deviation", number, error);
  FTL_TRY(status);
  ftl_xyz_extra extra[5] = {{"forces", 3, answer->forces[0]}, {"node_energy", 1, answer->node_energy}};
  int n = 2;
  for (int k = 0; k < N_TRUST; k++)
    if (trust_of(answer, k)) extra[n++] = (ftl_xyz_extra){trust_name[k], 1, trust_of(answer, k)};
  return ftl_xyz_write(stream, frame, extra, n, error);
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

/* "[[...], ...]" */
static void write_vectors(FILE *stream, int n, const double (*v)[3]) {
  fputs("[", stream);
  for (int i = 0; i < n; i++) {
    fputs(i ? ", " : "", stream);
    write_vector(stream, v[i]);
  }
  fputs("]", stream);
}

/* , "name": [...] */
static void write_numbers(FILE *stream, const char *name, int n, const double *x) {
  fprintf(stream, ",\n \"%s\": [", name);
  for (int i = 0; i < n; i++) fprintf(stream, "%s%.17g", i ? ", " : "", x[i]);
  fputs("]", stream);
}

/* As JSON writes it, in ASCII; malloc'ed. */
static char *quoted(const char *text) {
  json_t *word = json_string(text);
  if (!word) word = json_string("(not UTF-8)");
  char *written = json_dumps(word, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
  json_decref(word);
  return written;
}

/* What the frame had: its config_type, and the labels that answers are compared with. */
static ftl_status write_reference(FILE *stream, const ftl_xyz_frame *frame, const ftl_labels *labels,
                                  ftl_error *error) {
  const char *type = ftl_xyz_value(frame, "config_type"), *comma = "";
  if (type) {
    char *word = quoted(type);
    if (!word) return ftl_no_memory(error, NULL, "writing a config_type");
    fprintf(stream, ",\n \"config_type\": %s", word);
    free(word);
  }
  if (!labels->has_energy && !labels->has_forces && !labels->has_stress) return FTL_OK;
  fputs(",\n \"reference\": {", stream);
  if (labels->has_energy) {
    fprintf(stream, "\"energy\": %.17g", labels->energy);
    comma = ", ";
  }
  if (labels->has_forces) {
    fprintf(stream, "%s\"forces\": ", comma);
    write_vectors(stream, frame->n, (const double(*)[3])labels->forces);
    comma = ", ";
  }
  if (labels->has_stress) {
    fprintf(stream, "%s\"stress\": ", comma);
    write_vectors(stream, 3, labels->stress);
  }
  fputs("}", stream);
  return FTL_OK;
}

ftl_status ftl_answer_write_json(FILE *stream, const ftl_xyz_frame *frame, const ftl_labels *labels,
                                 const ftl_answer *answer, bool first, ftl_error *error) {
  char *head = quoted(answer->head);
  if (!head) return ftl_no_memory(error, NULL, "writing the head's name");
  fprintf(stream, "%s\n{\"frame\": %lld, \"head\": %s, \"energy\": %.17g,\n \"forces\": ", first ? "" : ",",
          (long long)frame->index, head, answer->energy);
  free(head);
  write_vectors(stream, frame->n, (const double(*)[3])answer->forces);
  write_numbers(stream, "node_energy", frame->n, answer->node_energy);
  for (int k = 0; k < N_TRUST; k++)
    if (trust_of(answer, k)) write_numbers(stream, trust_name[k], frame->n, trust_of(answer, k));
  if (answer->energy_deviation) fprintf(stream, ",\n \"total_deviation\": %.17g", answer->total_deviation);
  fputs(",\n \"stress\": ", stream);
  if (answer->has_stress) write_vectors(stream, 3, answer->stress);
  else fputs("null", stream);
  FTL_TRY(write_reference(stream, frame, labels, error));
  fputs("}", stream);
  return check(stream, error);
}
