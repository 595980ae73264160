/* Writing extended XYZ. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "data/xyz_internal.h"

/* A word as it is, or quoted where the reader (and ASE's) would take it apart. */
static void write_word(FILE *stream, const char *text) {
  if (*text && !strpbrk(text, " \t\"'\\=,{}[]")) {
    fputs(text, stream);
    return;
  }
  putc('"', stream);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') putc('\\', stream);
    putc(*text, stream);
  }
  putc('"', stream);
}

static bool replaced(const ftl_xyz_property *property, const ftl_xyz_extra *extra, int n_extra) {
  for (int k = 0; k < n_extra; k++)
    if (strcmp(property->name, extra[k].name) == 0) return true;
  return false;
}

static void write_comment(FILE *stream, const ftl_xyz_frame *frame, const ftl_xyz_extra *extra, int n_extra) {
  const char *colon = "Properties=";
  for (int k = 0; k < frame->n_properties; k++) {
    const ftl_xyz_property *p = &frame->property[k];
    if (replaced(p, extra, n_extra)) continue;
    fprintf(stream, "%s%s:%c:%d", colon, p->name, p->type, p->columns);
    colon = ":";
  }
  for (int k = 0; k < n_extra; k++) fprintf(stream, ":%s:R:%d", extra[k].name, extra[k].columns);
  for (int k = 0; k < frame->n_entries; k++) {
    const ftl_xyz_entry *e = &frame->entry[k];
    putc(' ', stream);
    if (e->raw) {
      fputs(e->raw, stream);
    } else {
      write_word(stream, e->key);
      putc('=', stream);
      write_word(stream, e->value);
    }
  }
  putc('\n', stream);
}

ftl_status ftl_xyz_write(FILE *stream, const ftl_xyz_frame *frame, const ftl_xyz_extra *extra, int n_extra,
                         ftl_error *error) {
  fprintf(stream, "%d\n", frame->n);
  write_comment(stream, frame, extra, n_extra);
  for (int i = 0; i < frame->n; i++) {
    const size_t *word = frame->word + (size_t)i * (size_t)frame->n_columns;
    const char *gap = "";
    for (int k = 0; k < frame->n_properties; k++) {
      const ftl_xyz_property *p = &frame->property[k];
      if (replaced(p, extra, n_extra)) continue;
      for (int c = 0; c < p->columns; c++) {
        fputs(gap, stream);
        fputs(frame->text + word[p->first + c], stream);
        gap = " ";
      }
    }
    for (int k = 0; k < n_extra; k++)
      for (int c = 0; c < extra[k].columns; c++) {
        char text[32];
        ftl_format_real(extra[k].values[(size_t)i * (size_t)extra[k].columns + (size_t)c], text);
        putc(' ', stream);
        fputs(text, stream);
      }
    putc('\n', stream);
  }
  if (ferror(stream)) return ftl_fail(error, FTL_ERR_IO, NULL, "cannot write an XYZ frame: %s", strerror(errno));
  return FTL_OK;
}
