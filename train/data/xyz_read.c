/* Reading extended XYZ: lines and frames. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes.h"
#include "data/formats.h"
#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/error.h"

#define MAX_LINE (1 << 26) /* bytes: no sensible line is longer, and a file that is not text may have no line end */

struct ftl_xyz_reader {
  char *path;
  ftl_bytes bytes;
  int64_t line;  /* number of the line in `text` */
  int64_t frame; /* index of the frame being read */
  char *text;
  size_t room, length;
};

int64_t ftl_xyz_atom_line(const ftl_xyz_frame *frame, int i) { return frame->line + 2 + i; }

void ftl_xyz_where(const ftl_xyz_frame *frame, int64_t line, char where[256]) {
  /* a long path loses its beginning rather than the line number */
  const char *path = frame->path ? frame->path : "";
  size_t length = strlen(path), most = 256 - 80;
  snprintf(where, 256, "%s%s, line %lld, frame %lld", length > most ? "..." : "",
           length > most ? path + length - most : path, (long long)line, (long long)frame->index);
}

ftl_status ftl_xyz_fail(const ftl_xyz_frame *frame, int64_t line, ftl_error *error, const char *format, ...) {
  char where[sizeof error->where], message[sizeof error->message];
  ftl_xyz_where(frame, line, where);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return ftl_fail(error, FTL_ERR_FORMAT, where, "%s", message);
}

ftl_status ftl_xyz_open(const char *path, ftl_xyz_reader **reader, ftl_error *error) {
  *reader = NULL;
  ftl_xyz_reader *r = calloc(1, sizeof *r);
  if (!r || !(r->path = strdup(strcmp(path, "-") == 0 ? "standard input" : path))) {
    free(r);
    return ftl_no_memory(error, path, "opening a file");
  }
  ftl_status status = ftl_bytes_open(path, r->path, &r->bytes, error);
  if (status) {
    ftl_xyz_close(r);
    return status;
  }
  *reader = r;
  return FTL_OK;
}

void ftl_xyz_close(ftl_xyz_reader *reader) {
  if (!reader) return;
  ftl_bytes_close(&reader->bytes);
  free(reader->text);
  free(reader->path);
  free(reader);
}

/* Adds bytes of a line. */
static ftl_status append(ftl_xyz_reader *r, const ftl_xyz_frame *frame, const unsigned char *bytes, size_t n,
                         ftl_error *error) {
  if (memchr(bytes, 0, n)) return ftl_xyz_fail(frame, r->line, error, "this is not a text file: not an XYZ file");
  if (r->length + n > MAX_LINE)
    return ftl_xyz_fail(frame, r->line, error, "the line is longer than %d MB: not an XYZ file", MAX_LINE >> 20);
  FTL_TRY(FTL_GROW(r->text, r->room, r->length + n + 1, "an XYZ frame", error));
  memcpy(r->text + r->length, bytes, n);
  r->length += n;
  return FTL_OK;
}

/* The next line without its end; *end: there is none. */
static ftl_status next_line(ftl_xyz_reader *r, ftl_xyz_frame *frame, bool *end, ftl_error *error) {
  ftl_bytes *b = &r->bytes;
  const unsigned char *newline = NULL;
  bool any = false;
  r->length = 0;
  r->line++;
  while (!newline) {
    FTL_TRY(b->at == b->end ? ftl_bytes_fill(b, error) : FTL_OK);
    if (b->at == b->end) break;
    any = true;
    newline = memchr(b->data + b->at, '\n', b->end - b->at);
    const size_t n = newline ? (size_t)(newline - (b->data + b->at)) : b->end - b->at;
    FTL_TRY(append(r, frame, b->data + b->at, n, error));
    b->at += n + (newline != NULL);
  }
  *end = !any;
  if (!r->room) {
    FTL_TRY(FTL_GROW(r->text, r->room, 1, "an XYZ frame", error));
  }
  while (r->length > 0 && (r->text[r->length - 1] == '\r' || r->text[r->length - 1] == ' ')) r->length--;
  r->text[r->length] = 0;
  if (r->line == 1 && strncmp(r->text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark of UTF-8 */
    r->length -= 3;
    memmove(r->text, r->text + 3, r->length + 1);
  }
  return FTL_OK;
}

static ftl_status read_count(const char *text, ftl_xyz_frame *frame, ftl_error *error) {
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  while (*end == ' ' || *end == '\t') end++;
  if (end == text || *end)
    return ftl_xyz_fail(frame, frame->line, error, "a number of atoms is expected, but the line is \"%.60s\"", text);
  if (errno || n < 1 || n > INT_MAX - 1)
    return ftl_xyz_fail(frame, frame->line, error, "%.30s is not a usable number of atoms", text);
  frame->n = (int)n;
  return FTL_OK;
}

/* Cuts the line of atom i into words and appends them to the frame's text. */
static ftl_status split(ftl_xyz_frame *frame, int i, const char *line, size_t length, ftl_error *error) {
  const size_t columns = (size_t)frame->n_columns, base = frame->text_used;
  FTL_TRY(FTL_GROW(frame->text, frame->text_room, base + length + 1, "an XYZ frame", error));
  FTL_TRY(FTL_GROW(frame->word, frame->word_room, ((size_t)i + 1) * columns, "an XYZ frame", error));
  memcpy(frame->text + base, line, length + 1);
  frame->text_used += length + 1;
  size_t found = 0;
  for (char *p = frame->text + base; *p;) {
    if (*p == ' ' || *p == '\t') {
      *p++ = 0;
      continue;
    }
    if (found < columns) frame->word[(size_t)i * columns + found] = (size_t)(p - frame->text);
    found++;
    while (*p && *p != ' ' && *p != '\t') p++;
  }
  if (found != columns)
    return ftl_xyz_fail(frame, ftl_xyz_atom_line(frame, i), error,
                        "atom %d has %zu columns where Properties (or plain XYZ: symbol x y z) has %zu", i, found,
                        columns);
  return FTL_OK;
}

static ftl_status read_atoms(ftl_xyz_reader *r, ftl_xyz_frame *frame, ftl_error *error) {
  const ftl_xyz_property *position = ftl_xyz_find_property(frame, "pos"),
                         *species = ftl_xyz_find_property(frame, "species");
  const char *const names[] = {"Z", "numbers", "atomic_numbers"};
  for (int k = 0; k < 3 && !species; k++) species = ftl_xyz_find_property(frame, names[k]);
  if (!position || position->type != 'R' || position->columns != 3)
    return ftl_xyz_fail(frame, frame->line + 1, error, "Properties has no pos:R:3");
  if (!species || species->columns != 1 || species->type == 'R' || species->type == 'L')
    return ftl_xyz_fail(frame, frame->line + 1, error,
                        "Properties has no species:S:1 (nor Z:I:1, numbers:I:1 or atomic_numbers:I:1)");
  frame->text_used = 0;
  for (int i = 0; i < frame->n; i++) {
    bool end;
    FTL_TRY(next_line(r, frame, &end, error));
    if (end) return ftl_xyz_fail(frame, r->line, error, "the file ends after %d of %d atoms", i, frame->n);
    ftl_status status = FTL_OK;
    if ((size_t)i >= frame->atom_room) { /* as lines come: a count is not believed before its atoms are there */
      size_t room = frame->atom_room;
      status = FTL_GROW(frame->position, room, (size_t)i + 1, "an XYZ frame", error);
      if (!status) status = FTL_GROW(frame->atomic_number, frame->atom_room, (size_t)i + 1, "an XYZ frame", error);
      FTL_TRY(status);
    }
    FTL_TRY(split(frame, i, r->text, r->length, error));
    FTL_TRY(ftl_xyz_read_species(frame, i, species, error));
    FTL_TRY(ftl_xyz_read_reals(frame, i, position, frame->position[i], error));
  }
  return FTL_OK;
}

static ftl_status read_frame(ftl_xyz_reader *reader, ftl_xyz_frame *frame, bool *end, ftl_error *error) {
  frame->path = reader->path;
  frame->index = reader->frame;
  do {
    ftl_status status = next_line(reader, frame, end, error);
    if (status != FTL_OK || *end) return status;
  } while (reader->text[strspn(reader->text, " \t")] == 0);
  frame->line = reader->line;
  bool cut = false;
  ftl_status status = read_count(reader->text, frame, error);
  if (!status) status = next_line(reader, frame, &cut, error);
  if (!status && cut) status = ftl_xyz_fail(frame, reader->line, error, "the file ends before the comment line");
  if (!status) status = ftl_xyz_parse_comment(frame, reader->text, error);
  if (!status) status = read_atoms(reader, frame, error);
  if (!status) reader->frame++;
  return status;
}

/* A file that is no XYZ file fails in its first frame, whatever with: what it is says more. */
ftl_status ftl_xyz_read(ftl_xyz_reader *reader, ftl_xyz_frame *frame, bool *end, ftl_error *error) {
  char text[512];
  ftl_status status = read_frame(reader, frame, end, error);
  if (status == FTL_ERR_FORMAT && reader->frame == 0 &&
      ftl_format_recognise(reader->bytes.head, reader->bytes.n_head, reader->path, text))
    return ftl_fail(error, FTL_ERR_FORMAT, reader->path, "%s", text);
  return status;
}

void ftl_xyz_clear(ftl_xyz_frame *frame) {
  for (int k = 0; k < frame->n_entries; k++) {
    free(frame->entry[k].key);
    free(frame->entry[k].value);
    free(frame->entry[k].raw);
  }
  for (int k = 0; k < frame->n_properties; k++) free(frame->property[k].name);
  frame->n_entries = frame->n_properties = 0;
  frame->repeated[0] = '\0';
}

void ftl_xyz_frame_free(ftl_xyz_frame *frame) {
  ftl_xyz_clear(frame);
  free(frame->entry);
  free(frame->property);
  free(frame->atomic_number);
  free(frame->position);
  free(frame->word);
  free(frame->text);
  memset(frame, 0, sizeof *frame);
}
