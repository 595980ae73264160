#include "sampling/lammps_lines.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

ftl_status ftl_lammps_open(const char *path, ftl_lammps_lines *l, ftl_error *error) {
  *l = (ftl_lammps_lines){.path = path, .stream = fopen(path, "r")};
  return l->stream ? FTL_OK : ftl_fail(error, FTL_ERR_IO, path, "cannot be opened: %s", strerror(errno));
}

void ftl_lammps_close(ftl_lammps_lines *l) {
  if (l->stream) fclose(l->stream);
  free(l->text);
  *l = (ftl_lammps_lines){0};
}

ftl_status ftl_lammps_bad(const ftl_lammps_lines *l, ftl_error *error, const char *format, ...) {
  char where[256], text[400];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  snprintf(where, sizeof where, "%.200s, line %lld", l->path, (long long)l->line);
  return ftl_fail(error, FTL_ERR_FORMAT, where, "%s", text);
}

ftl_status ftl_lammps_next(ftl_lammps_lines *l, ftl_error *error) {
  l->n_words = 0;
  while (l->n_words == 0 && getline(&l->text, &l->room, l->stream) > 0) {
    l->line++;
    l->comment = strchr(l->text, '#');
    if (l->comment) *l->comment++ = 0;
    char *rest = NULL, *word = strtok_r(l->text, " \t\r\n", &rest);
    for (; word; word = strtok_r(NULL, " \t\r\n", &rest)) {
      if (l->n_words == FTL_LAMMPS_WORDS)
        return ftl_lammps_bad(l, error, "there are more than %d words in the line", FTL_LAMMPS_WORDS);
      l->word[l->n_words++] = word;
    }
  }
  if (ferror(l->stream)) return ftl_fail(error, FTL_ERR_IO, l->path, "cannot be read: %s", strerror(errno));
  return FTL_OK;
}

bool ftl_lammps_is(const ftl_lammps_lines *l, int k, const char *word) {
  return k < l->n_words && strcmp(l->word[k], word) == 0;
}

bool ftl_lammps_whole(const ftl_lammps_lines *l, int k, int64_t *value) {
  char *end;
  errno = 0;
  if (k >= l->n_words) return false;
  *value = strtoll(l->word[k], &end, 10);
  return errno == 0 && end != l->word[k] && *end == 0;
}

bool ftl_lammps_has_room(const ftl_lammps_lines *l, int64_t atoms) {
  struct stat file; /* an atom takes six bytes at least */
  return atoms < 10000000 &&
         !(fstat(fileno(l->stream), &file) == 0 && S_ISREG(file.st_mode) && atoms > file.st_size / 6);
}

void ftl_lammps_cell(const double low[3], const double high[3], const double tilt[3], double cell[3][3]) {
  memset(cell, 0, 9 * sizeof **cell);
  for (int k = 0; k < 3; k++) cell[k][k] = high[k] - low[k];
  cell[1][0] = tilt[0];
  cell[2][0] = tilt[1];
  cell[2][1] = tilt[2];
}
