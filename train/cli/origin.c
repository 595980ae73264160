#include "cli/origin.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

/* Text of the file: its line breaks could make lines of their own, which would say anything. */
static void print_word(const char *text, int width) {
  char *copy = text ? strdup(text) : NULL;
  printf("%-*s", width, copy ? ftl_printable(copy, "") : "?");
  free(copy);
}

static void print_value(const json_t *value) {
  if (json_is_string(value)) print_word(json_string_value(value), 0);
  else json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT | JSON_REAL_PRECISION(8));
}

/* Any content: one level of it as lines. */
static void print_plain(const char *part, const json_t *content) {
  const char *key;
  json_t *item;
  print_word(part, 20);
  putchar(' ');
  if (!json_is_object(content)) print_value(content);
  putchar('\n');
  json_object_foreach((json_t *)content, key, item) {
    fputs("  ", stdout);
    print_word(key, 18);
    putchar(' ');
    print_value(item);
    putchar('\n');
  }
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "not said";
}

static void print_foundation(const char *part, const json_t *content) {
  printf("%-20s ", part);
  print_word(text_of(content, "name"), 0);
  fputs(" (SHA-256 ", stdout);
  print_word(text_of(content, "sha256"), 0);
  puts(")");
}

/* "lora rank 4, alpha 8: radial skip" */
static void print_lora(const json_t *lora, bool first) {
  size_t k;
  json_t *word;
  printf("%s lora rank %g, alpha %g:", first ? "" : ";", json_number_value(json_object_get(lora, "rank")),
         json_number_value(json_object_get(lora, "alpha")));
  json_array_foreach(json_object_get(lora, "groups"), k, word) {
    putchar(' ');
    print_word(json_string_value(word), 0);
  }
}

static void print_freeze(const char *part, const json_t *content) {
  const char *key, *word;
  json_t *list, *item;
  size_t k;
  bool first = true;
  printf("%-20s", part);
  json_object_foreach((json_t *)content, key, list) {
    if (json_array_size(list) == 0 && json_object_size(list) == 0) continue;
    if (strcmp(key, "lora") == 0) {
      print_lora(list, first);
      first = false;
      continue;
    }
    fputs(first ? " " : "; ", stdout);
    print_word(key, 0);
    first = false;
    json_array_foreach(list, k, item) {
      putchar(' ');
      print_word(json_string_value(item), 0);
    }
    json_object_foreach(list, word, item) {
      putchar(' ');
      print_word(word, 0);
      printf(" x %g", json_number_value(item));
    }
  }
  printf("%s\n", first ? " nothing" : "");
}

static void print_trained(const char *part, const json_t *content, bool verbose) {
  size_t k;
  json_t *name;
  printf("%-20s %zu tensor%s%s\n", part, json_array_size(content), json_array_size(content) == 1 ? "" : "s",
         verbose ? "" : " (-v names them)");
  if (!verbose) return;
  json_array_foreach(content, k, name) {
    fputs("  ", stdout);
    print_word(json_string_value(name), 0);
    putchar('\n');
  }
}

static void print_dataset(const char *part, const json_t *content) {
  size_t k;
  json_t *file, *value;
  const char *key;
  printf("%-20s SHA-256 ", part);
  print_word(text_of(content, "sha256"), 0);
  putchar('\n');
  json_array_foreach(json_object_get(content, "files"), k, file) {
    printf("  ");
    json_object_foreach(file, key, value) {
      if (strcmp(key, "name")) {
        fputs(", ", stdout);
        print_word(key, 0);
        putchar(' ');
      }
      print_value(value);
    }
    putchar('\n');
  }
}

void cli_print_origin(const json_t *origin, bool verbose) {
  static const struct {
    const char *part;
    json_type type;
    void (*print)(const char *part, const json_t *content);
  } known[] = {{"foundation", JSON_OBJECT, print_foundation},
               {"freeze", JSON_OBJECT, print_freeze},
               {"dataset", JSON_OBJECT, print_dataset}};
  const char *part;
  json_t *content;
  json_object_foreach((json_t *)origin, part, content) {
    if (!strcmp(part, "trained") && json_is_array(content)) {
      print_trained(part, content, verbose);
      continue;
    }
    void (*print)(const char *, const json_t *) = print_plain;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
      if (!strcmp(part, known[k].part) && json_typeof(content) == known[k].type) print = known[k].print;
    print(part, content);
  }
}
