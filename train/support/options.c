#include "support/options_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/numbers.h"
#include "base/error.h"
#include "files/foundations.h"
#include "support/distance.h"

/* ---- keys ---- */

const ftl_option *ftl_option_find(const ftl_option_table *table, const char *key) {
  for (int k = 0; k < table->n; k++)
    if (strcmp(table->option[k].key, key) == 0) return &table->option[k];
  return NULL;
}

ftl_status ftl_option_unknown(const ftl_option_table *table, const char *key, ftl_status code, const char *where,
                              ftl_error *error) {
  int nearest = 0, least = 1000;
  const ftl_option *option = table->option;
  for (int k = 0; k < table->n; k++) {
    const char *dot = strrchr(option[k].key, '.'); /* "huber_dleta" is near "loss.huber_delta" */
    int d = ftl_word_distance(key, option[k].key);
    if (dot && !strchr(key, '.')) {
      int tail = ftl_word_distance(key, dot + 1);
      if (tail < d) d = tail;
    }
    if (d < least) {
      least = d;
      nearest = k;
    }
  }
  return ftl_fail(error, code, where, "there is no option '%.80s'; the nearest is '%s' (frozentl %s --help lists all)",
                  key, option[nearest].key, table->command);
}

/* ---- values ---- */

static void free_words(ftl_words *words) {
  for (int i = 0; i < words->n; i++) free(words->item[i]);
  free(words->item);
  *words = (ftl_words){0};
}

static void free_rates(ftl_rates *rates) {
  for (int i = 0; i < rates->n; i++) free(rates->name[i]);
  free(rates->name);
  free(rates->value);
  *rates = (ftl_rates){0};
}

static void free_value(ftl_options *options, const ftl_option *option) {
  void *member = ftl_option_member(options, option);
  switch (option->type) {
  case FTL_OPTION_TEXT:
  case FTL_OPTION_PATH:
    free(*(char **)member);
    *(char **)member = NULL;
    break;
  case FTL_OPTION_PATHS:
  case FTL_OPTION_WORDS:
    free_words(member);
    break;
  case FTL_OPTION_RATES:
    free_rates(member);
    break;
  default:
    break;
  }
}

static ftl_status no_memory(ftl_error *error) {
  return ftl_fail(error, FTL_ERR_MEMORY, NULL, "no memory for the options");
}

static ftl_status add_word(ftl_words *words, const char *text, ftl_error *error) {
  size_t room = (size_t)words->n;
  FTL_TRY(FTL_GROW(words->item, room, words->n + 1, "the recipe", error));
  if (!(words->item[words->n] = strdup(text))) return no_memory(error);
  words->n++;
  return FTL_OK;
}

static ftl_status bad(const char *where, const ftl_option *option, const char *text, ftl_error *error) {
  char choices[FTL_CHOICES_LENGTH];
  switch (option->type) {
  case FTL_OPTION_INTEGER:
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s takes a whole number from %.0f to %.15g, not '%.80s'", option->key,
                    option->min, option->max, text);
  case FTL_OPTION_BOOL:
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s is true or false, not '%.80s'", option->key, text);
  case FTL_OPTION_CHOICE:
    ftl_option_choices(option, choices);
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s is one of %s, not '%.80s'", option->key, choices, text);
  case FTL_OPTION_RATES:
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s takes NAME=NUMBER from %g to %g, not '%.80s'", option->key,
                    option->min, option->max, text);
  default:
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s takes a number from %g to %g, not '%.80s'", option->key,
                    option->min, option->max, text);
  }
}

static ftl_status add_rate(ftl_rates *rates, const ftl_option *option, const char *text, const char *where,
                           ftl_error *error) {
  const char *equals = strrchr(text, '=');
  double value;
  if (!equals || equals == text || !ftl_parse_real(equals + 1, &value) || value < option->min || value > option->max)
    return bad(where, option, text, error);
  const size_t length = (size_t)(equals - text);
  for (int i = 0; i < rates->n; i++)
    if (strlen(rates->name[i]) == length && memcmp(rates->name[i], text, length) == 0)
      return ftl_fail(error, FTL_ERR_INPUT, where, "%s names '%s' twice", option->key, rates->name[i]);
  size_t room = (size_t)rates->n, value_room = room;
  FTL_TRY(FTL_GROW(rates->name, room, rates->n + 1, "the recipe", error));
  FTL_TRY(FTL_GROW(rates->value, value_room, rates->n + 1, "the recipe", error));
  if (!(rates->name[rates->n] = strndup(text, length))) return no_memory(error);
  rates->value[rates->n++] = value;
  return FTL_OK;
}

void ftl_option_choices(const ftl_option *option, char text[FTL_CHOICES_LENGTH]) {
  size_t used = 0;
  *text = '\0';
  for (size_t k = 0; k < option->n_choices && used < FTL_CHOICES_LENGTH; k++)
    if (option->choices[k])
      used += (size_t)snprintf(text + used, FTL_CHOICES_LENGTH - used, "%s%s", used ? "|" : "", option->choices[k]);
}

static bool set_choice(const ftl_option *option, const char *text, int *value) {
  for (size_t k = 0; k < option->n_choices; k++)
    if (option->choices[k] && strcmp(option->choices[k], text) == 0) {
      *value = (int)k;
      return true;
    }
  return false;
}

/* Whether a word is one of "a|b|c". */
static bool is_among(const char *words, const char *text) {
  const size_t length = strlen(text);
  for (const char *p = words;; p++) {
    const size_t size = strcspn(p, "|");
    if (size == length && memcmp(p, text, size) == 0) return true;
    p += size;
    if (!*p) return false;
  }
}

static ftl_status set_number(ftl_options *options, const ftl_option *option, const char *text, const char *where,
                             ftl_error *error) {
  void *member = ftl_option_member(options, option);
  char *end;
  double real;
  switch (option->type) {
  case FTL_OPTION_INTEGER:
    errno = 0;
    long long integer = strtoll(text, &end, 10);
    if (end == text || *end || errno || (double)integer < option->min || (double)integer > option->max) break;
    *(int64_t *)member = integer;
    return FTL_OK;
  case FTL_OPTION_REAL:
    if (!ftl_parse_real(text, &real) || real < option->min || real > option->max) break;
    *(double *)member = real;
    return FTL_OK;
  case FTL_OPTION_BOOL:
  case FTL_OPTION_SWITCH:
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) break;
    *(bool *)member = strcmp(text, "true") == 0;
    return FTL_OK;
  default:
    if (!set_choice(option, text, member)) break;
    return FTL_OK;
  }
  return bad(where, option, text, error);
}

ftl_status ftl_options_assign(ftl_options *options, const ftl_option *option, int n, const char *const *words,
                              bool append, const char *where, ftl_error *error) {
  const bool list = option->type == FTL_OPTION_PATHS || option->type == FTL_OPTION_WORDS;
  ftl_status status = FTL_OK;
  if (!list && option->type != FTL_OPTION_RATES && n != 1)
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s takes one value, not a list", option->key);
  for (int i = 0; i < n; i++)
    if (!*words[i] && option->type != FTL_OPTION_TEXT)
      return ftl_fail(error, FTL_ERR_INPUT, where, "%s has no value", option->key);
  if (!append) free_value(options, option);
  void *member = ftl_option_member(options, option);
  for (int i = 0; !status && i < n; i++) {
    if (list) {
      status = add_word(member, words[i], error);
    } else if (option->type == FTL_OPTION_RATES) {
      status = add_rate(member, option, words[i], where, error);
    } else if (option->type == FTL_OPTION_TEXT || option->type == FTL_OPTION_PATH) {
      free(*(char **)member); /* given twice: the last one counts */
      *(char **)member = strdup(words[i]);
      if (!*(char **)member) status = no_memory(error);
    } else {
      status = set_number(options, option, words[i], where, error);
    }
  }
  char *given = strdup(where);
  if (!given) return status ? status : no_memory(error);
  char **kept = &options->given[ftl_option_index(options, option)];
  free(*kept);
  *kept = given;
  return status;
}

/* ---- sets of values ---- */

/* Splits at commas; words[] and the copy behind it are freed as one. */
static char **split(const char *text, bool at_commas, int *n) {
  int count = 1;
  for (const char *p = text; at_commas && *p; p++) count += *p == ',';
  char **words = malloc((size_t)count * sizeof *words + strlen(text) + 1);
  if (!words) return NULL;
  char *copy = (char *)(words + count);
  strcpy(copy, text);
  *n = 0;
  for (char *p = copy;; p++) {
    words[(*n)++] = p;
    if (!at_commas) return words;
    p += strcspn(p, ",");
    if (!*p) return words;
    *p = '\0';
  }
}

static ftl_status set_text(ftl_options *options, const ftl_option *option, const char *text, bool append,
                           const char *where, ftl_error *error) {
  int n;
  char **words = split(text, option->type == FTL_OPTION_WORDS || option->type == FTL_OPTION_RATES, &n);
  if (!words) return no_memory(error);
  ftl_status status = ftl_options_assign(options, option, n, (const char *const *)words, append, where, error);
  free(words);
  return status;
}

/* Leaves the option as not given. */
static ftl_status set_default(ftl_options *options, const ftl_option *option, const char *text, ftl_error *error) {
  char **given = &options->given[ftl_option_index(options, option)];
  ftl_status status = set_text(options, option, text, false, "default", error);
  free(*given);
  *given = NULL;
  return status;
}

ftl_status ftl_options_make(ftl_options *options, const ftl_option_table *table, void *values, ftl_error *error) {
  *options = (ftl_options){.table = table, .values = values};
  options->given = calloc((size_t)table->n, sizeof *options->given);
  options->grows = calloc((size_t)table->n, sizeof *options->grows);
  if (!options->given || !options->grows) return no_memory(error);
  for (int k = 0; k < table->n; k++) {
    if (!table->option[k].initial) continue;
    FTL_TRY(set_default(options, &table->option[k], table->option[k].initial, error));
  }
  return FTL_OK;
}

/* The default of an option as things stand; NULL: none. */
static const char *default_of(const ftl_options *options, const ftl_option *option) {
  const char *by = options->table->tuned_by;
  return option->tuned && by && ftl_options_is_set(options, by) ? option->tuned : option->initial;
}

ftl_status ftl_options_settle(ftl_options *options, ftl_error *error) {
  ftl_status status = FTL_OK;
  for (int k = 0; !status && k < options->table->n; k++) {
    const ftl_option *option = &options->table->option[k];
    if (!option->tuned || options->given[k]) continue;
    const char *text = default_of(options, option);
    if (text) status = set_default(options, option, text, error);
    else free_value(options, option);
  }
  return status;
}

void ftl_options_free(ftl_options *options) {
  for (int k = 0; options->table && k < options->table->n; k++) {
    free_value(options, &options->table->option[k]);
    if (options->given) free(options->given[k]);
  }
  free(options->given);
  free(options->grows);
  free(options->source);
}

ftl_status ftl_options_set(ftl_options *options, const char *key, const char *text, const char *where,
                           ftl_error *error) {
  const ftl_option *option = ftl_option_find(options->table, key);
  if (!option) return ftl_option_unknown(options->table, key, FTL_ERR_INPUT, where, error);
  bool *grows = &options->grows[ftl_option_index(options, option)];
  const bool append = *grows;
  *grows = true;
  return set_text(options, option, text, append, where, error);
}

ftl_status ftl_options_suit(ftl_options *options, const char *key, const char *text, ftl_error *error) {
  return ftl_options_is_set(options, key) ? FTL_OK : ftl_options_set(options, key, text, "by the data", error);
}

bool ftl_options_is_set(const ftl_options *options, const char *key) {
  const ftl_option *option = ftl_option_find(options->table, key);
  return option && options->given[ftl_option_index(options, option)];
}

bool ftl_options_is_chosen(const ftl_options *options, const char *key) {
  const ftl_option *option = ftl_option_find(options->table, key);
  const char *text = option ? default_of(options, option) : NULL;
  if (!ftl_options_is_set(options, key)) return false;
  if (strncmp(options->given[ftl_option_index(options, option)], "--", 2) == 0) return true;
  char *have = ftl_options_text(options, option);
  double a, b;
  const bool same =
      text && have && (strcmp(have, text) == 0 || (ftl_parse_real(have, &a) && ftl_parse_real(text, &b) && a == b));
  free(have);
  return !same;
}

ftl_status ftl_options_locate(ftl_options *options, ftl_error *error) {
  char path[FTL_PATH_ROOM];
  for (int k = 0; k < options->table->n; k++) {
    const ftl_option *option = &options->table->option[k];
    char **member = option->model ? ftl_option_member(options, option) : NULL;
    if (!member || !*member || !ftl_foundation_find(*member)) continue;
    const ftl_status status = ftl_model_path(*member, path, sizeof path, error);
    if (status != FTL_OK) return status;
    char *copy = strdup(path);
    if (!copy) return no_memory(error);
    free(*member);
    *member = copy;
  }
  return FTL_OK;
}

/* ---- what applies ---- */

bool ftl_options_has_value(const ftl_options *options, const ftl_option *option) {
  return default_of(options, option) || options->given[ftl_option_index(options, option)];
}

/* One of "a|b" has a value. */
static bool any_has_value(const ftl_options *options, const char *keys, size_t length) {
  char key[80];
  for (const char *p = keys, *end = keys + length; p < end; p += strlen(key) + 1) {
    snprintf(key, sizeof key, "%.*s", (int)strcspn(p, "| "), p);
    const ftl_option *option = ftl_option_find(options->table, key);
    if (option && ftl_options_has_value(options, option)) return true;
  }
  return false;
}

static double number_of(const ftl_options *options, const ftl_option *option) {
  const void *member = ftl_option_member(options, option);
  return option->type == FTL_OPTION_REAL ? *(const double *)member : (double)*(const int64_t *)member;
}

static bool holds(const ftl_options *options, const char *condition, size_t length) {
  char key[80];
  const bool negated = condition[0] == '!';
  const size_t equals = strcspn(condition, "=> ");
  if (equals >= length) return any_has_value(options, condition + negated, length - negated) != negated;
  snprintf(key, sizeof key, "%.*s", (int)(equals - negated), condition + negated);
  const ftl_option *option = ftl_option_find(options->table, key);
  if (!option || !ftl_options_applies(options, option, NULL)) return false;
  if (condition[equals] == '>') return number_of(options, option) > 0;
  char *have = ftl_options_text(options, option), *choices = strndup(condition + equals + 1, length - equals - 1);
  bool found = false;
  char *rest = NULL; /* lists have several words */
  for (char *word = have ? strtok_r(have, ",", &rest) : NULL; choices && word && !found;
       word = strtok_r(NULL, ",", &rest))
    found = is_among(choices, word);
  free(have);
  free(choices);
  return found;
}

bool ftl_options_applies(const ftl_options *options, const ftl_option *option, const char **condition) {
  for (const char *p = option->when; p && *p;) {
    const size_t length = strcspn(p, " ");
    if (!holds(options, p, length)) {
      if (condition) *condition = p;
      return false;
    }
    p += length;
    p += *p == ' ';
  }
  return true;
}

static ftl_status does_not_apply(const ftl_options *options, const ftl_option *option, const char *condition,
                                 const char *where, ftl_error *error) {
  char key[80];
  const int length = (int)strcspn(condition, " "), equals = (int)strcspn(condition, "=> ");
  if (condition[0] == '!')
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s does not apply when %.*s is given; remove one of them",
                    option->key, length - 1, condition + 1);
  if (equals == length)
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s applies only when %.*s is given; give it, or remove %s",
                    option->key, length, condition, option->key);
  snprintf(key, sizeof key, "%.*s", equals, condition);
  char *have = ftl_options_text(options, ftl_option_find(options->table, key));
  ftl_fail(error, FTL_ERR_INPUT, where, "%s applies only with %s%s %.*s, and %s is %s; remove it or change %s",
           option->key, key, condition[equals] == '>' ? " above" : "", length - equals - 1, condition + equals + 1, key,
           have ? have : "", key);
  free(have);
  return FTL_ERR_INPUT;
}

ftl_status ftl_options_check_given(const ftl_options *options, ftl_error *error) {
  const ftl_option *option = options->table->option;
  for (int k = 0; k < options->table->n; k++) {
    const char *condition;
    if (options->given[k] && !ftl_options_applies(options, &option[k], &condition))
      return does_not_apply(options, &option[k], condition, options->given[k], error);
  }
  return FTL_OK;
}

ftl_status ftl_options_check(const ftl_options *options, ftl_error *error) {
  const ftl_option *option = options->table->option;
  FTL_TRY(ftl_options_check_given(options, error));
  for (int k = 0; k < options->table->n; k++)
    if (option[k].needed && !ftl_options_has_value(options, &option[k]) &&
        ftl_options_applies(options, &option[k], NULL))
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "%s is not given: %s", option[k].key, option[k].doc);
  return FTL_OK;
}
