#include "fit/recipe_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz.h"
#include "fit/distance.h"
#include "model/error.h"

/* ---- keys ---- */

int ftl_recipe_find(const char *key) {
  int n;
  const ftl_option *option = ftl_recipe_options(&n);
  for (int k = 0; k < n; k++)
    if (strcmp(option[k].key, key) == 0) return k;
  return -1;
}

ftl_status ftl_recipe_unknown(const char *key, ftl_status code, const char *where, ftl_error *error) {
  int n, nearest = 0, least = 1000;
  const ftl_option *option = ftl_recipe_options(&n);
  for (int k = 0; k < n; k++) {
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
  return ftl_fail(error, code, where,
                  "there is no option '%.80s'; the nearest is '%s' (frozentl train --help lists all)", key,
                  option[nearest].key);
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

static void free_value(ftl_recipe *recipe, const ftl_option *option) {
  void *member = ftl_recipe_member(recipe, option);
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
  return ftl_fail(error, FTL_ERR_MEMORY, NULL, "no memory for the recipe");
}

static ftl_status add_word(ftl_words *words, const char *text, ftl_error *error) {
  char **grown = realloc(words->item, ((size_t)words->n + 1) * sizeof *grown);
  if (grown) words->item = grown;
  if (!grown || !(grown[words->n] = strdup(text))) return no_memory(error);
  words->n++;
  return FTL_OK;
}

static ftl_status bad(const char *where, const ftl_option *option, const char *text, ftl_error *error) {
  switch (option->type) {
  case FTL_OPTION_INTEGER:
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s takes a whole number from %.0f to %.15g, not '%.80s'", option->key,
                    option->min, option->max, text);
  case FTL_OPTION_BOOL:
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s is true or false, not '%.80s'", option->key, text);
  case FTL_OPTION_CHOICE:
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s is one of %s, not '%.80s'", option->key, option->choices, text);
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
  char **name = realloc(rates->name, ((size_t)rates->n + 1) * sizeof *name);
  if (name) rates->name = name;
  double *values = realloc(rates->value, ((size_t)rates->n + 1) * sizeof *values);
  if (values) rates->value = values;
  if (!name || !values || !(name[rates->n] = strndup(text, length))) return no_memory(error);
  values[rates->n++] = value;
  return FTL_OK;
}

/* Index of a word in "a|b|c", or -1. */
static int find_choice(const char *choices, const char *text) {
  const size_t length = strlen(text);
  int index = 0;
  for (const char *p = choices;; p++, index++) {
    size_t size = strcspn(p, "|");
    if (size == length && memcmp(p, text, size) == 0) return index;
    p += size;
    if (!*p) return -1;
  }
}

static ftl_status set_number(ftl_recipe *recipe, const ftl_option *option, const char *text, const char *where,
                             ftl_error *error) {
  void *member = ftl_recipe_member(recipe, option);
  char *end;
  double real;
  int choice;
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
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) break;
    *(bool *)member = strcmp(text, "true") == 0;
    return FTL_OK;
  default:
    choice = find_choice(option->choices, text);
    if (choice < 0) break;
    *(int *)member = choice;
    return FTL_OK;
  }
  return bad(where, option, text, error);
}

ftl_status ftl_recipe_assign(ftl_recipe *recipe, int k, int n, const char *const *words, bool append, const char *where,
                             ftl_error *error) {
  int count;
  const ftl_option *option = ftl_recipe_options(&count) + k;
  const bool list = option->type == FTL_OPTION_PATHS || option->type == FTL_OPTION_WORDS;
  ftl_status status = FTL_OK;
  if (!list && option->type != FTL_OPTION_RATES && n != 1)
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s takes one value, not a list", option->key);
  for (int i = 0; i < n; i++)
    if (!*words[i] && option->type != FTL_OPTION_TEXT)
      return ftl_fail(error, FTL_ERR_INPUT, where, "%s has no value", option->key);
  if (!append) free_value(recipe, option);
  void *member = ftl_recipe_member(recipe, option);
  for (int i = 0; status == FTL_OK && i < n; i++) {
    if (list) {
      status = add_word(member, words[i], error);
    } else if (option->type == FTL_OPTION_RATES) {
      status = add_rate(member, option, words[i], where, error);
    } else if (option->type == FTL_OPTION_TEXT || option->type == FTL_OPTION_PATH) {
      *(char **)member = strdup(words[i]);
      if (!*(char **)member) status = no_memory(error);
    } else {
      status = set_number(recipe, option, words[i], where, error);
    }
  }
  char *given = strdup(where);
  if (!given) return status == FTL_OK ? no_memory(error) : status;
  free(recipe->given[k]);
  recipe->given[k] = given;
  return status;
}

/* ---- recipes ---- */

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

static ftl_status set_text(ftl_recipe *recipe, int k, const char *text, bool append, const char *where,
                           ftl_error *error) {
  int count, n;
  const ftl_option *option = ftl_recipe_options(&count) + k;
  char **words = split(text, option->type == FTL_OPTION_WORDS || option->type == FTL_OPTION_RATES, &n);
  if (!words) return no_memory(error);
  ftl_status status = ftl_recipe_assign(recipe, k, n, (const char *const *)words, append, where, error);
  free(words);
  return status;
}

ftl_status ftl_recipe_new(ftl_recipe **recipe, ftl_error *error) {
  int n;
  const ftl_option *option = ftl_recipe_options(&n);
  ftl_recipe *r = *recipe = calloc(1, sizeof *r);
  if (!r || !(r->given = calloc((size_t)n, sizeof *r->given)) || !(r->grows = calloc((size_t)n, sizeof *r->grows)))
    return no_memory(error);
  for (int k = 0; k < n; k++) {
    if (!option[k].initial) continue;
    ftl_status status = set_text(r, k, option[k].initial, false, "default", error);
    if (status != FTL_OK) return status;
    free(r->given[k]);
    r->given[k] = NULL;
  }
  return FTL_OK;
}

void ftl_recipe_free(ftl_recipe *recipe) {
  if (!recipe) return;
  int n;
  const ftl_option *option = ftl_recipe_options(&n);
  for (int k = 0; k < n; k++) {
    free_value(recipe, &option[k]);
    if (recipe->given) free(recipe->given[k]);
  }
  free(recipe->given);
  free(recipe->grows);
  free(recipe);
}

ftl_status ftl_recipe_set(ftl_recipe *recipe, const char *key, const char *text, const char *where, ftl_error *error) {
  const int k = ftl_recipe_find(key);
  if (k < 0) return ftl_recipe_unknown(key, FTL_ERR_INPUT, where, error);
  const bool append = recipe->grows[k];
  recipe->grows[k] = true;
  return set_text(recipe, k, text, append, where, error);
}

bool ftl_recipe_is_set(const ftl_recipe *recipe, const char *key) {
  const int k = ftl_recipe_find(key);
  return k >= 0 && recipe->given[k];
}

/* ---- what applies ---- */

bool ftl_recipe_has_value(const ftl_recipe *recipe, const ftl_option *option) {
  int n;
  return option->initial || recipe->given[option - ftl_recipe_options(&n)];
}

/* One of "a|b" has a value. */
static bool any_has_value(const ftl_recipe *recipe, const char *keys, size_t length) {
  char key[80];
  int n;
  for (const char *p = keys, *end = keys + length; p < end; p += strlen(key) + 1) {
    snprintf(key, sizeof key, "%.*s", (int)strcspn(p, "| "), p);
    const int k = ftl_recipe_find(key);
    if (k >= 0 && ftl_recipe_has_value(recipe, ftl_recipe_options(&n) + k)) return true;
  }
  return false;
}

static bool holds(const ftl_recipe *recipe, const char *condition, size_t length) {
  char key[80], value[80];
  int n;
  const bool negated = condition[0] == '!';
  const size_t equals = strcspn(condition, "= ");
  if (equals >= length) return any_has_value(recipe, condition + negated, length - negated) != negated;
  snprintf(key, sizeof key, "%.*s", (int)(equals - negated), condition + negated);
  const int k = ftl_recipe_find(key);
  if (k < 0) return false;
  const ftl_option *option = ftl_recipe_options(&n) + k;
  if (!ftl_recipe_applies(recipe, option, NULL)) return false;
  char *have = ftl_recipe_text(recipe, option), *choices = strndup(condition + equals + 1, length - equals - 1);
  snprintf(value, sizeof value, "%s", have ? have : "");
  const bool found = choices && find_choice(choices, value) >= 0;
  free(have);
  free(choices);
  return found;
}

bool ftl_recipe_applies(const ftl_recipe *recipe, const ftl_option *option, const char **condition) {
  for (const char *p = option->when; *p;) {
    const size_t length = strcspn(p, " ");
    if (!holds(recipe, p, length)) {
      if (condition) *condition = p;
      return false;
    }
    p += length;
    p += *p == ' ';
  }
  return true;
}

static ftl_status does_not_apply(const ftl_recipe *recipe, const ftl_option *option, const char *condition,
                                 const char *where, ftl_error *error) {
  char key[80];
  int n;
  const int length = (int)strcspn(condition, " "), equals = (int)strcspn(condition, "= ");
  if (condition[0] == '!')
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s does not apply when %.*s is given; remove one of them",
                    option->key, length - 1, condition + 1);
  if (equals == length)
    return ftl_fail(error, FTL_ERR_INPUT, where, "%s applies only when %.*s is given; give it, or remove %s",
                    option->key, length, condition, option->key);
  snprintf(key, sizeof key, "%.*s", equals, condition);
  char *have = ftl_recipe_text(recipe, ftl_recipe_options(&n) + ftl_recipe_find(key));
  ftl_fail(error, FTL_ERR_INPUT, where, "%s applies only with %s %.*s, and %s is %s; remove it or change %s",
           option->key, key, length - equals - 1, condition + equals + 1, key, have ? have : "", key);
  free(have);
  return FTL_ERR_INPUT;
}

ftl_status ftl_recipe_check(const ftl_recipe *recipe, ftl_error *error) {
  int n;
  const ftl_option *option = ftl_recipe_options(&n);
  for (int k = 0; k < n; k++) {
    const char *condition;
    if (recipe->given[k] && !ftl_recipe_applies(recipe, &option[k], &condition))
      return does_not_apply(recipe, &option[k], condition, recipe->given[k], error);
  }
  for (int k = 0; k < n; k++)
    if (option[k].needed && !ftl_recipe_has_value(recipe, &option[k]) && ftl_recipe_applies(recipe, &option[k], NULL))
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "%s is not given: %s", option[k].key, option[k].doc);
  return FTL_OK;
}
