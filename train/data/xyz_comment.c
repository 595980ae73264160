/* The comment line of an extended XYZ frame: key=value entries, Lattice, pbc, Properties. */
#define _GNU_SOURCE /* strcasestr */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/error.h"
#include "data/xyz_internal.h"

#define MAX_COLUMNS 10000

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

static char *copy(const char *begin, const char *end) { return strndup(begin, (size_t)(end - begin)); }

/* Where a word that is not quoted or bracketed ends: at a space, and for a key at '='. */
static const char *end_of_plain(const char *s, bool is_key) {
  while (*s && !is_space(*s) && !(is_key && *s == '=')) s++;
  return s;
}

/* Behind the bracket that closes the one at s; NULL: none does. */
static const char *end_of_brackets(const char *s) {
  int depth = 0;
  for (; *s; s++) {
    depth += *s == '{' || *s == '[';
    depth -= *s == '}' || *s == ']';
    if (depth == 0) return s + 1;
  }
  return NULL;
}

/* Behind the quote that closes the one at s; NULL: none does. */
static const char *end_of_quote(const char *s) {
  const char quote = *s;
  for (s++; *s && *s != quote; s++)
    if (*s == '\\' && s[1]) s++;
  return *s ? s + 1 : NULL;
}

/* Reads one word, quoted or bracketed or plain. The decoded text goes to *word, owned by the caller; *p moves behind
   it. It looks at no more of the line than the word: a line of many keys takes linear time. NULL: ok. Otherwise what is
   wrong. */
static const char *read_word(const char **p, bool is_key, char **word) {
  const char *s = *p, *end;
  const bool quoted = *s == '"' || *s == '\'', bracketed = !is_key && (*s == '{' || *s == '[');
  end = quoted ? end_of_quote(s) : bracketed ? end_of_brackets(s) : end_of_plain(s, is_key);
  if (!end) return quoted ? "has a quote that is not closed" : "has a bracket that is not closed";
  const char *from = s + (quoted || bracketed), *to = end - (quoted || bracketed);
  char *out = *word = malloc((size_t)(to - from) + 1);
  if (!out) return "is too long for the memory";
  while (from < to) {
    if (quoted && *from == '\\' && from + 1 < to) from++;
    *out++ = *from++;
  }
  *out = '\0';
  if (*end && !is_space(*end) && !(is_key && *end == '=')) return "has text right behind a closing quote or bracket";
  *p = end;
  return NULL;
}

static ftl_status add_entry(ftl_xyz_frame *frame, char *key, char *value, char *raw, ftl_error *error) {
  ftl_status status = FTL_GROW(frame->entry, frame->entry_room, (size_t)frame->n_entries + 1, "a comment line", error);
  if (!status && (!key || !value)) status = ftl_no_memory(error, frame->path, "a comment line");
  if (status) {
    free(key);
    free(value);
    free(raw);
    return status;
  }
  frame->entry[frame->n_entries++] = (ftl_xyz_entry){key, value, raw};
  return FTL_OK;
}

static ftl_status parse_entries(ftl_xyz_frame *frame, const char *text, ftl_error *error) {
  const int64_t line = frame->line + 1;
  const char *p = text;
  for (;;) {
    while (is_space(*p)) p++;
    if (!*p) return FTL_OK;
    const char *begin = p, *wrong;
    char *key = NULL, *value = NULL;
    wrong = read_word(&p, true, &key);
    const char *end = p;
    if (!wrong) {
      while (is_space(*p)) p++;
      if (*p == '=') {
        p++;
        while (is_space(*p)) p++;
        wrong = read_word(&p, false, &value);
        end = p;
      } else {
        value = strdup("T"); /* a key alone, as ASE reads it */
      }
    }
    ftl_status status = FTL_OK;
    if (wrong) status = ftl_xyz_fail(frame, line, error, "the comment line %s, at \"%.40s\"", wrong, begin);
    else if (!*key)
      status = ftl_xyz_fail(frame, line, error, "the comment line has a '=' without a key, at \"%.40s\"", begin);
    if (status) {
      free(key);
      free(value);
      return status;
    }
    FTL_TRY(add_entry(frame, key, value, copy(begin, end), error));
  }
}

/* ---- keys and columns that are given twice ---- */

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* A name that occurs twice in names[n], which is sorted; NULL: none does. */
static const char *find_twice(const char **names, int n) {
  qsort(names, (size_t)n, sizeof *names, by_name);
  for (int k = 1; k < n; k++)
    if (strcmp(names[k - 1], names[k]) == 0) return names[k];
  return NULL;
}

/* frame->repeated is a key that stands twice, or "". Most of them nobody reads, and whoever reads one asks for it. */
static ftl_status note_repeated(ftl_xyz_frame *frame, ftl_error *error) {
  const char **names = malloc(((size_t)frame->n_entries + 1) * sizeof *names);
  if (!names) return ftl_no_memory(error, frame->path, "a comment line");
  for (int k = 0; k < frame->n_entries; k++) names[k] = frame->entry[k].key;
  const char *twice = find_twice(names, frame->n_entries);
  snprintf(frame->repeated, sizeof frame->repeated, "%.60s", twice ? twice : "");
  free(names);
  return FTL_OK;
}

static ftl_status refuse_twice_given_columns(const ftl_xyz_frame *frame, ftl_error *error) {
  const char **names = malloc(((size_t)frame->n_properties + 1) * sizeof *names);
  if (!names) return ftl_no_memory(error, frame->path, "a comment line");
  for (int k = 0; k < frame->n_properties; k++) names[k] = frame->property[k].name;
  const char *twice = find_twice(names, frame->n_properties);
  free(names);
  return twice ? ftl_xyz_fail(frame, frame->line + 1, error, "Properties gives %s twice", twice) : FTL_OK;
}

/* Lattice, pbc and Properties are found whatever their case, as QUIP does; but beside Lattice="..." a lattice=hcp is
   something else. The entry, or NULL; *count: how many there are to choose from. */
static ftl_xyz_entry *find_entry(const ftl_xyz_frame *frame, const char *key, int *count) {
  ftl_xyz_entry *exact = NULL, *similar = NULL;
  int n_exact = 0, n_similar = 0;
  for (int k = 0; k < frame->n_entries; k++) {
    ftl_xyz_entry *e = &frame->entry[k];
    if (strcmp(e->key, key) == 0 && n_exact++ == 0) exact = e;
    else if (strcasecmp(e->key, key) == 0 && n_similar++ == 0) similar = e;
  }
  *count = exact ? n_exact : n_similar;
  return exact ? exact : similar;
}

/* They are read always. */
static ftl_status refuse_twice_given_geometry(const ftl_xyz_frame *frame, ftl_error *error) {
  const char *const names[] = {"Lattice", "pbc", "Properties"};
  for (int i = 0; i < 3; i++) {
    int count;
    find_entry(frame, names[i], &count);
    if (count > 1) return ftl_xyz_fail(frame, frame->line + 1, error, "the comment line gives %s twice", names[i]);
  }
  return FTL_OK;
}

static const char *find(const ftl_xyz_frame *frame, const char *key) {
  int count;
  const ftl_xyz_entry *entry = find_entry(frame, key, &count);
  return entry ? entry->value : NULL;
}

static ftl_status parse_lattice(ftl_xyz_frame *frame, ftl_error *error) {
  const char *text = find(frame, "Lattice");
  double v[9];
  frame->has_cell = text != NULL;
  memset(frame->cell, 0, sizeof frame->cell);
  if (!text) return FTL_OK;
  int count = ftl_xyz_numbers(text, v, 9);
  if (count == 9) memcpy(frame->cell, v, sizeof v);
  else if (count == 3)
    for (int a = 0; a < 3; a++) frame->cell[a][a] = v[a];
  else return ftl_xyz_fail(frame, frame->line + 1, error, "Lattice=\"%.80s\" is not nine finite numbers", text);
  return FTL_OK;
}

static ftl_status parse_pbc(ftl_xyz_frame *frame, ftl_error *error) {
  const char *text = find(frame, "pbc");
  for (int a = 0; a < 3; a++) frame->pbc[a] = frame->has_cell;
  if (!text) return FTL_OK;
  const char *p = text;
  int count = 0;
  for (;;) {
    while (*p && (is_space(*p) || strchr(",[]", *p))) p++;
    if (!*p) break;
    const char *begin = p;
    while (*p && !is_space(*p) && !strchr(",[]", *p)) p++;
    size_t length = (size_t)(p - begin);
    int yes = (length == 1 && strchr("Tt1", *begin)) || (length == 4 && strncasecmp(begin, "true", 4) == 0);
    int no = (length == 1 && strchr("Ff0", *begin)) || (length == 5 && strncasecmp(begin, "false", 5) == 0);
    if (count == 3 || !(yes || no)) {
      count = -1;
      break;
    }
    frame->pbc[count++] = yes;
  }
  if (count != 3) return ftl_xyz_fail(frame, frame->line + 1, error, "pbc=\"%.40s\" is not three of T and F", text);
  if (!frame->has_cell && (frame->pbc[0] || frame->pbc[1] || frame->pbc[2]))
    return ftl_xyz_fail(frame, frame->line + 1, error, "pbc=\"%.40s\" says periodic, but there is no Lattice", text);
  return FTL_OK;
}

/* Removes the entry of Properties, which is kept as frame->property. */
static void drop_properties(ftl_xyz_frame *frame) {
  int count;
  ftl_xyz_entry *e = find_entry(frame, "Properties", &count);
  free(e->key);
  free(e->value);
  free(e->raw);
  frame->n_entries--;
  memmove(e, e + 1, (size_t)(&frame->entry[frame->n_entries] - e) * sizeof *e);
}

static ftl_status parse_properties(ftl_xyz_frame *frame, const char *text, ftl_error *error) {
  const int64_t line = frame->line + 1;
  const char *p = text;
  frame->n_columns = 0;
  for (;;) {
    const char *name = p, *name_end = strchr(p, ':');
    const char *type = name_end ? name_end + 1 : NULL;
    if (!type || name == name_end || !*type || !strchr("SRIL", *type) || type[1] != ':' ||
        !isdigit((unsigned char)type[2]))
      return ftl_xyz_fail(frame, line, error, "Properties has \"%.40s\" where NAME:TYPE:COLUMNS is expected", p);
    char *end;
    long columns = strtol(type + 2, &end, 10);
    if (columns < 1 || columns > MAX_COLUMNS || (*end && *end != ':') || frame->n_columns + columns > MAX_COLUMNS)
      return ftl_xyz_fail(frame, line, error, "Properties has \"%.40s\": not a usable number of columns", p);
    FTL_TRY(FTL_GROW(frame->property, frame->property_room, (size_t)frame->n_properties + 1, "a comment line", error));
    char *owned = copy(name, name_end);
    if (!owned) return ftl_no_memory(error, frame->path, "a comment line");
    frame->property[frame->n_properties++] = (ftl_xyz_property){owned, *type, (int)columns, frame->n_columns};
    frame->n_columns += (int)columns;
    if (!*end) return refuse_twice_given_columns(frame, error);
    p = end + 1;
  }
}

ftl_status ftl_xyz_parse_comment(ftl_xyz_frame *frame, const char *text, ftl_error *error) {
  ftl_xyz_clear(frame);
  ftl_status status = parse_entries(frame, text, error);
  /* A line that says neither Properties nor Lattice may be a plain remark, with a stray quote. */
  bool extended = strcasestr(text, "Properties=") || strcasestr(text, "Lattice=");
  if ((status == FTL_ERR_FORMAT && !extended) || (status == FTL_OK && !strchr(text, '='))) {
    ftl_xyz_clear(frame);
    while (is_space(*text)) text++;
    status = *text ? add_entry(frame, strdup("comment"), strdup(text), NULL, error) : FTL_OK;
  }
  if (!status) status = refuse_twice_given_geometry(frame, error);
  if (!status) status = note_repeated(frame, error);
  if (!status) status = parse_lattice(frame, error);
  if (!status) status = parse_pbc(frame, error);
  FTL_TRY(status);
  const char *properties = find(frame, "Properties");
  status = parse_properties(frame, properties ? properties : "species:S:1:pos:R:3", error);
  if (!status && properties) drop_properties(frame);
  return status;
}
