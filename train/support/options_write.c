/* Options as text: YAML with or without documentation, and the table of options for the manual. */
#include "support/options_internal.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/numbers.h"
#include "base/error.h"
#include "files/foundations.h"

typedef struct {
  char *text;
  size_t length, room;
  bool failed;
} buffer;

static void append(buffer *b, const char *text) {
  const size_t more = strlen(text);
  if (b->failed) return;
  b->failed = FTL_GROW(b->text, b->room, b->length + more + 1, "the recipe", NULL);
  if (b->failed) return;
  memcpy(b->text + b->length, text, more + 1);
  b->length += more;
}

/* As a YAML scalar: quoted unless nothing in it could mean something else. */
static void append_scalar(buffer *b, const char *text) {
  const bool begins = isalnum((unsigned char)text[0]) || (text[0] && strchr("_./", text[0]));
  const size_t plain = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-");
  if (begins && !text[plain] && strcmp(text, "null") != 0) {
    append(b, text);
    return;
  }
  append(b, "\"");
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    char piece[8] = {(char)*p};
    if (*p == '"' || *p == '\\') snprintf(piece, sizeof piece, "\\%c", *p);
    else if (*p < 0x20 || *p == 0x7f) snprintf(piece, sizeof piece, "\\x%02x", *p);
    append(b, piece);
  }
  append(b, "\"");
}

/* `path` as seen from `folder`; absolute ones and those that do not exist stay. The caller frees it. */
static char *relative_to(const char *folder, const char *path) {
  char here[PATH_MAX], there[PATH_MAX];
  if (!folder || path[0] == '/' || !realpath(*folder ? folder : ".", here) || !realpath(path, there))
    return strdup(path);
  size_t common = 0; /* behind the last '/' of what both begin with */
  strcat(here, "/");
  strcat(there, "/");
  for (size_t i = 0; here[i] && here[i] == there[i]; i++)
    if (here[i] == '/') common = i + 1;
  buffer b = {0};
  for (const char *p = here + common; *p; p++)
    if (*p == '/') append(&b, "../");
  append(&b, there + common);
  if (b.failed) return NULL;
  if (b.length == 0) append(&b, "./");
  if (b.length > 1 && b.text[b.length - 1] == '/') b.text[b.length - 1] = '\0';
  return b.text;
}

static void append_number(buffer *b, const ftl_options *options, const ftl_option *option) {
  char number[32] = "";
  const void *member = ftl_option_member(options, option);
  if (option->type == FTL_OPTION_INTEGER) snprintf(number, sizeof number, "%lld", (long long)*(const int64_t *)member);
  else if (option->type == FTL_OPTION_REAL) ftl_format_real(*(const double *)member, number);
  else if (option->type == FTL_OPTION_BOOL || option->type == FTL_OPTION_SWITCH)
    strcpy(number, *(const bool *)member ? "true" : "false");
  append(b, option->type == FTL_OPTION_CHOICE ? option->choices[*(const int *)member] : number);
}

/* Words, paths and rates, each through `add`; joined by `separator`. */
static void append_list(buffer *b, const ftl_options *options, const ftl_option *option, const char *folder,
                        bool yaml) {
  const void *member = ftl_option_member(options, option);
  void (*add)(buffer *, const char *) = yaml ? append_scalar : append;
  if (option->type == FTL_OPTION_RATES) {
    const ftl_rates *rates = member;
    for (int i = 0; i < rates->n; i++) {
      char number[32];
      ftl_format_real(rates->value[i], number);
      if (i > 0) append(b, yaml ? ", " : ",");
      add(b, rates->name[i]);
      append(b, yaml ? ": " : "=");
      append(b, number);
    }
    return;
  }
  const ftl_words *words = member;
  for (int i = 0; i < words->n; i++) {
    char *path = option->type == FTL_OPTION_PATHS ? relative_to(folder, words->item[i]) : strdup(words->item[i]);
    if (!path) b->failed = true;
    if (i > 0) append(b, yaml ? ", " : ",");
    if (path) add(b, path);
    free(path);
  }
}

static void append_value(buffer *b, const ftl_options *options, const ftl_option *option, const char *folder,
                         bool yaml) {
  const char *text = NULL;
  char *path = NULL;
  switch (option->type) {
  case FTL_OPTION_TEXT:
    text = *(char **)ftl_option_member(options, option);
    break;
  case FTL_OPTION_PATH:
    text = *(char **)ftl_option_member(options, option);
    if (text && !(option->model && ftl_foundation_find(text))) text = path = relative_to(folder, text);
    break;
  case FTL_OPTION_PATHS:
  case FTL_OPTION_WORDS:
  case FTL_OPTION_RATES:
    if (yaml) append(b, option->type == FTL_OPTION_RATES ? "{" : "[");
    append_list(b, options, option, folder, yaml);
    if (yaml) append(b, option->type == FTL_OPTION_RATES ? "}" : "]");
    return;
  default:
    append_number(b, options, option);
    return;
  }
  if (yaml) append_scalar(b, text ? text : "");
  else append(b, text ? text : "");
  free(path);
}

char *ftl_options_text(const ftl_options *options, const ftl_option *option) {
  buffer b = {0};
  append(&b, "");
  append_value(&b, options, option, NULL, false);
  if (!b.failed) return b.text;
  free(b.text);
  return NULL;
}

/* ---- YAML ---- */

static bool live(const ftl_options *options, const ftl_option *option) {
  const bool list =
      option->type == FTL_OPTION_PATHS || option->type == FTL_OPTION_WORDS || option->type == FTL_OPTION_RATES;
  if (!ftl_options_applies(options, option, NULL) || !ftl_options_has_value(options, option)) return false;
  if (!list) return true;
  return ((const ftl_words *)ftl_option_member(options, option))->n > 0; /* n comes first in ftl_rates too */
}

/* Text in lines of at most 100 columns, each behind `lead`. */
static void append_comment(buffer *b, const char *lead, const char *text) {
  while (*text) {
    size_t size = strcspn(text, "\n");
    if (size > 100) {
      size_t cut = 100;
      while (cut > 0 && text[cut] != ' ') cut--;
      if (cut > 0) size = cut;
    }
    char line[256];
    snprintf(line, sizeof line, "%s%.*s\n", lead, (int)(size < 200 ? size : 200), text);
    append(b, line);
    text += size;
    text += *text == ' ' || *text == '\n';
  }
}

static void append_documentation(buffer *b, const ftl_option *option, const char *indent) {
  char lead[16], line[700], choices[FTL_CHOICES_LENGTH];
  const char *when = option->when ? option->when : "";
  ftl_option_choices(option, choices);
  snprintf(lead, sizeof lead, "%s# ", indent);
  snprintf(line, sizeof line, "%s%s%s%s%s%s", option->doc, *choices ? "; one of " : "", choices, *when ? " [with " : "",
           when, *when ? "]" : "");
  append_comment(b, lead, line);
}

/* Whether the section of option k was written before, for options that do not stand behind one another: YAML has it
   once. */
static bool section_is_closed(const ftl_option *option, int k, size_t section) {
  while (k > 0 && strncmp(option[k - 1].key, option[k].key, section) == 0) k--;
  for (int j = 0; j < k; j++)
    if (strncmp(option[j].key, option[k].key, section) == 0) return true;
  return false;
}

/* Length of the section and its dot; 0: none, one that is closed, or one that is an option too (labels, labels.energy),
   below which YAML has no room for others: they are written as they are, dots and all. */
static size_t section_of(const ftl_option_table *table, const ftl_option *option) {
  const char *dot = strchr(option->key, '.');
  char name[80];
  if (!dot) return 0;
  snprintf(name, sizeof name, "%.*s", (int)(dot - option->key), option->key);
  const size_t section = (size_t)(dot - option->key) + 1;
  return ftl_option_find(table, name) || section_is_closed(table->option, (int)(option - table->option), section)
             ? 0
             : section;
}

ftl_status ftl_options_write(const ftl_options *options, const ftl_options_style *style, FILE *stream,
                             ftl_error *error) {
  const int n = options->table->n;
  const ftl_option *option = options->table->option;
  buffer b = {0};
  append(&b, "");
  if (style->preamble) append_comment(&b, "# ", style->preamble);
  for (int k = 0; k < n; k++) {
    const size_t section = section_of(options->table, &option[k]);
    if (section && (k == 0 || strncmp(option[k].key, option[k - 1].key, section) != 0)) {
      bool any = false;
      for (int j = k; j < n && strncmp(option[k].key, option[j].key, section) == 0; j++)
        any |= live(options, &option[j]);
      char header[80];
      snprintf(header, sizeof header, "%s%s%.*s:\n", style->documented ? "\n" : "", any ? "" : "#", (int)section - 1,
               option[k].key);
      if (any || style->documented) append(&b, header);
    }
    const bool on = live(options, &option[k]);
    if (!on && !style->documented) continue;
    if (style->documented) {
      if (!section) append(&b, "\n");
      append_documentation(&b, &option[k], section ? "  " : "");
    }
    append(&b, on ? "" : "#");
    append(&b, section ? "  " : "");
    append(&b, option[k].key + section);
    append(&b, ": ");
    if (on || option[k].initial) append_value(&b, options, &option[k], style->folder, true);
    append(&b, "\n");
  }
  if (b.failed) {
    free(b.text);
    return ftl_no_memory(error, NULL, "the recipe");
  }
  const bool ok = fputs(b.text, stream) >= 0 && fflush(stream) == 0;
  free(b.text);
  return ok ? FTL_OK : ftl_fail(error, FTL_ERR_IO, NULL, "cannot write the recipe: %s", strerror(errno));
}

/* ---- the manual ---- */

static void print_markdown(FILE *stream, const char *text) {
  for (; *text; text++) fputs(*text == '|' ? "\\|" : (char[2]){*text}, stream);
}

void ftl_options_document(const ftl_option_table *table, FILE *stream) {
  fputs("| option | flag | default | applies with | what it does |\n| --- | --- | --- | --- | --- |\n", stream);
  for (const ftl_option *o = table->option; o < table->option + table->n; o++) {
    fprintf(stream, "| `%s` | ", o->key);
    if (o->letter) fprintf(stream, "`-%c`, ", o->letter);
    if (o->flag) fprintf(stream, "`--%s`", o->flag);
    fprintf(stream, " | %s", o->initial && *o->initial ? o->initial : o->needed ? "needed" : "");
    if (o->tuned) fprintf(stream, "%swith %s: %s", o->initial ? "; " : "", table->tuned_by, o->tuned);
    fputs(" | ", stream);
    print_markdown(stream, o->when ? o->when : "");
    fputs(" | ", stream);
    print_markdown(stream, o->doc);
    if (o->choices) {
      char choices[FTL_CHOICES_LENGTH];
      ftl_option_choices(o, choices);
      fputs("; one of ", stream);
      print_markdown(stream, choices);
    } else if (o->type == FTL_OPTION_INTEGER || o->type == FTL_OPTION_REAL) {
      fprintf(stream, " (%.15g to %.15g)", o->min, o->max);
    }
    fputs(" |\n", stream);
  }
}
