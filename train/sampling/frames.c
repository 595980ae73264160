#include "sampling/frames.h"

#include <string.h>

static void write_real(FILE *stream, double value) {
  char text[32];
  ftl_format_real(value, text);
  fputs(text, stream);
}

static void write_matrix(FILE *stream, const char *key, const double m[3][3]) {
  fprintf(stream, "%s=\"", key);
  for (int k = 0; k < 9; k++) {
    if (k) putc(' ', stream);
    write_real(stream, m[k / 3][k % 3]);
  }
  fputs("\" ", stream);
}

static void write_comment(FILE *stream, const ftl_structure *s, const char *more) {
  const ftl_labels *labels = &s->labels;
  if (s->has_cell) write_matrix(stream, "Lattice", (const double(*)[3])s->cell);
  fprintf(stream, "Properties=species:S:1:pos:R:3%s", labels->has_forces ? ":REF_forces:R:3" : "");
  if (labels->has_energy) {
    fputs(" REF_energy=", stream);
    write_real(stream, labels->energy);
  }
  putc(' ', stream);
  if (labels->has_stress) write_matrix(stream, "REF_stress", (const double(*)[3])labels->stress);
  fprintf(stream, "pbc=\"%c %c %c\"", s->pbc[0] ? 'T' : 'F', s->pbc[1] ? 'T' : 'F', s->pbc[2] ? 'T' : 'F');
  if (strcmp(s->config_type, FTL_NO_CONFIG_TYPE) != 0) fprintf(stream, " config_type=%s", s->config_type);
  fprintf(stream, "%s\n", more ? more : "");
}

void ftl_frame_write(FILE *stream, const ftl_structure *structure, const char *more) {
  fprintf(stream, "%d\n", structure->n);
  write_comment(stream, structure, more);
  for (int i = 0; i < structure->n; i++) {
    fputs(ftl_element_symbol(structure->atomic_number[i]), stream);
    for (int c = 0; c < 6; c++) {
      if (c >= 3 && !structure->labels.has_forces) break;
      putc(' ', stream);
      write_real(stream, c < 3 ? structure->position[i][c] : structure->labels.forces[i][c - 3]);
    }
    putc('\n', stream);
  }
}
