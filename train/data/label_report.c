/* What is said about the labels of a set. */
#include <string.h>

#include "data/label_survey.h"
#include "base/error.h"
#include "base/text.h"

/* ---- what was not ---- */

enum { ENERGY = 1, FORCES = 2, STRESS = 4 };

static int bit_of(int kind) { return kind == FTL_LABEL_ENERGY ? ENERGY : kind == FTL_LABEL_FORCES ? FORCES : STRESS; }

/* What reading by this prefix would give. */
static int covered(const ftl_label_survey *s, const char *prefix, size_t length) {
  int bits = 0;
  size_t own;
  for (int k = 0; k < s->n_unread; k++) {
    const ftl_unread *u = &s->unread[k];
    if (u->missed > 0 && ftl_label_is_prefixed(u->name, (ftl_label_kind)u->kind, &own) && own == length &&
        strncmp(u->name, prefix, length) == 0)
      bits |= bit_of(u->kind);
  }
  return bits;
}

/* The prefix of an unread label by which all that is missed would be read, or NULL. */
static const char *find_prefix(const ftl_label_survey *s, int missed, size_t *length) {
  for (int k = 0; k < s->n_unread; k++) {
    const ftl_unread *u = &s->unread[k];
    if (u->missed > 0 && ftl_label_is_prefixed(u->name, (ftl_label_kind)u->kind, length) &&
        covered(s, u->name, *length) == missed)
      return u->name;
  }
  return NULL;
}

/* The unread label of this kind that most frames have; a stress rather than a virial. */
static const ftl_unread *find_best(const ftl_label_survey *s, int bit) {
  const ftl_unread *best = NULL;
  for (int k = 0; k < s->n_unread; k++) {
    const ftl_unread *u = &s->unread[k];
    if (u->missed == 0 || bit_of(u->kind) != bit) continue;
    if (!best || u->missed > best->missed || (u->missed == best->missed && u->kind < best->kind)) best = u;
  }
  return best;
}

static int missed_bits(const ftl_label_survey *s) {
  int bits = 0;
  for (int k = 0; k < s->n_unread; k++)
    if (s->unread[k].missed > 0) bits |= bit_of(s->unread[k].kind);
  return bits;
}

/* "--labels dft_", or "--labels-energy E --labels-forces f". */
static void append_options(const ftl_label_survey *s, int missed, char text[400]) {
  size_t length = 0;
  const bool any_read = s->energy + s->forces + s->stress + s->stress_without_volume > 0;
  const char *prefix = any_read ? NULL : find_prefix(s, missed, &length);
  if (prefix && length == 0) ftl_text_add(text, 400, "--labels ''");
  else if (prefix) ftl_text_add(text, 400, "--labels %.*s", (int)length, prefix);
  for (int bit = ENERGY; !prefix && bit <= STRESS; bit *= 2) {
    const ftl_unread *u = missed & bit ? find_best(s, bit) : NULL;
    const char *gap = strlen(text) > 0 && text[strlen(text) - 1] != ' ' ? " " : "";
    if (u) ftl_text_add(text, 400, "%s--labels-%s %s", gap, ftl_label_word((ftl_label_kind)u->kind), u->name);
  }
}

void ftl_label_survey_advise(const ftl_label_survey *s, char text[400]) {
  const int missed = missed_bits(s);
  text[0] = '\0';
  if (!missed) return;
  const char *gap = "";
  for (int k = 0; k < s->n_unread; k++) {
    if (s->unread[k].missed == 0) continue;
    ftl_text_add(text, 400, "%s%.40s", gap, s->unread[k].name);
    gap = ", ";
  }
  if (strlen(text) > 200) strcpy(text + 200, "...");
  ftl_text_add(text, 400, ": use ");
  append_options(s, missed, text);
}

/* ---- refusals ---- */

/* Everything the set has by way of labels, or else all names of its first frame. */
static void list_names(const ftl_label_survey *s, char text[300]) {
  const char *gap = "";
  text[0] = '\0';
  for (int kind = 0; kind < FTL_LABELS; kind++)
    for (int k = 0; k < s->read[kind].n && k < 3; k++, gap = ", ")
      ftl_text_add(text, 240, "%s%.40s", gap, s->read[kind].word[k]);
  for (int k = 0; k < s->n_unread; k++, gap = ", ") ftl_text_add(text, 240, "%s%.40s", gap, s->unread[k].name);
  for (int k = 0; !*gap && k < s->first_keys.n; k++)
    ftl_text_add(text, 240, "%s%.40s", k ? ", " : "", s->first_keys.word[k]);
  if (!*text) ftl_text_add(text, 240, "no key at all");
  if (strlen(text) > 235) strcpy(text + 232, "...");
}

ftl_status ftl_label_survey_require_names(const ftl_label_survey *s, const ftl_label_names *names, const char *set,
                                          const char *path, ftl_error *error) {
  for (int kind = 0; s->frames > 0 && kind < FTL_LABELS; kind++) {
    if (!names->name[kind] || s->read[kind].n > 0) continue;
    char have[300];
    list_names(s, have);
    return ftl_fail(error, FTL_ERR_INPUT, path,
                    "%s: labels.%s is %.60s, but none of the %lld structures has %s %.60s; they have %s", set,
                    ftl_label_word((ftl_label_kind)kind), names->name[kind], (long long)s->frames,
                    kind == FTL_LABEL_FORCES ? "a column" : "a key", names->name[kind], have);
  }
  return FTL_OK;
}

ftl_status ftl_label_survey_require_any(const ftl_label_survey *s, const ftl_label_names *names, const char *set,
                                        const char *path, ftl_error *error) {
  char advice[400], have[300];
  if (s->frames == 0 || s->energy + s->forces + s->stress + s->stress_without_volume > 0) return FTL_OK;
  ftl_label_survey_advise(s, advice);
  list_names(s, have);
  return ftl_fail(error, FTL_ERR_INPUT, path,
                  "%s: none of the %lld structures has a label by the names that are looked for (%.40senergy, "
                  "%.40sforces, ...); they have %s%s",
                  set, (long long)s->frames, ftl_label_prefix(names), ftl_label_prefix(names), *advice ? "" : have,
                  *advice ? advice : "; name them with labels.energy, labels.forces, ... (--labels-energy NAME, ...)");
}

/* ---- warnings ---- */

static const ftl_unread *first_missed(const ftl_label_survey *s, int64_t *most) {
  const ftl_unread *first = NULL;
  *most = 0;
  for (int k = 0; k < s->n_unread; k++) {
    if (s->unread[k].missed == 0) continue;
    if (!first) first = &s->unread[k];
    if (s->unread[k].missed > *most) *most = s->unread[k].missed;
  }
  return first;
}

static void report_missed(const ftl_label_survey *s, const char *set, char text[1024]) {
  char advice[400];
  int64_t most;
  const ftl_unread *first = first_missed(s, &most);
  text[0] = '\0';
  if (!first) return;
  ftl_label_survey_advise(s, advice);
  ftl_text_add(text, 1024, "%s: labels that are not used, in %lld of %lld structures (first: %s): %s", set,
               (long long)most, (long long)s->frames, first->first, advice);
}

static void report_prefixed(const ftl_label_survey *s, const char *prefix, const char *set, char text[1024]) {
  const ftl_unread *first = NULL;
  text[0] = '\0';
  for (int k = 0; k < s->n_unread; k++) {
    const ftl_unread *u = &s->unread[k];
    if (!u->prefixed || u->missed > 0) continue;
    if (!first)
      ftl_text_add(text, 1024, "%s: names that begin with %.40s and are not read: ", set, *prefix ? prefix : "''");
    ftl_text_add(text, 700, "%s%s%s (%lld)", first ? ", " : "", u->column ? "column " : "", u->name,
                 (long long)u->frames);
    if (!first) first = u;
  }
  if (first && s->more_unread > 0) ftl_text_add(text, 1024, " and others");
  if (first) ftl_text_add(text, 1024, "; first: %s", first->first);
}

static void report_blank(const ftl_label_survey *s, const char *set, char text[1024]) {
  static const char *const names[] = {"energies", "forces", "stresses"};
  const char *gap = "";
  text[0] = '\0';
  for (int k = 0; k < 3; k++) {
    if (s->blank[k] == 0) continue;
    if (!*gap) ftl_text_add(text, 1024, "%s: labels without a number (nan, None, ...) count as missing: ", set);
    ftl_text_add(text, 1024, "%s%s of %lld structures", gap, names[k], (long long)s->blank[k]);
    gap = ", ";
  }
  if (*gap) ftl_text_add(text, 1024, " of %lld; first: %s", (long long)s->frames, s->first_blank);
}

void ftl_label_survey_report(const ftl_label_survey *s, const ftl_label_names *names, const char *set, bool wanted,
                             bool with_volume, void (*say)(void *context, const char *text), void *context) {
  char text[1024];
  ftl_error error = {0};
  if (ftl_label_survey_require_names(s, names, set, NULL, &error) != FTL_OK) say(context, error.message);
  report_missed(s, set, text);
  if (*text) say(context, text);
  else if (wanted && ftl_label_survey_require_any(s, names, set, NULL, &error) != FTL_OK) say(context, error.message);
  report_prefixed(s, ftl_label_prefix(names), set, text);
  if (*text) say(context, text);
  report_blank(s, set, text);
  if (*text) say(context, text);
  text[0] = '\0';
  if (with_volume && s->stress_without_volume > 0)
    ftl_text_add(text, sizeof text,
                 "%s: stress labels left out, because the structure is not periodic in three directions: %lld of %lld",
                 set, (long long)s->stress_without_volume, (long long)s->frames);
  if (*text) say(context, text);
  text[0] = '\0';
  if (s->repeated > 0)
    ftl_text_add(text, sizeof text,
                 "%s: a key stands twice in the comment line of %lld structures, and nobody reads it: %s (%s)", set,
                 (long long)s->repeated, s->repeated_key, s->first_repeated);
  if (*text) say(context, text);
}

/* ---- heads ---- */

static int64_t named_heads(const ftl_tally *heads, bool *some_without) {
  int64_t n = heads->n + (heads->others > 0);
  *some_without = false;
  for (int k = 0; k < heads->n; k++) *some_without |= strcmp(heads->word[k], FTL_SELECT_NONE) == 0;
  return n - *some_without;
}

ftl_status ftl_heads_require_one(const ftl_tally *heads, const ftl_selection *select, const char *option,
                                 const char *path, ftl_error *error) {
  bool some_without;
  char list[250];
  if (ftl_selection_has(select, "head") || named_heads(heads, &some_without) < 2) return FTL_OK;
  ftl_tally_list(heads, list, sizeof list);
  return ftl_fail(error, FTL_ERR_INPUT, path,
                  "structures of several heads (levels of theory) would be mixed: %s; choose with %shead=%.60s, or mix "
                  "them by naming each (head=A,head=B)",
                  list, option, heads->word[strcmp(heads->word[0], FTL_SELECT_NONE) == 0]);
}

void ftl_heads_report(const ftl_tally *heads, const ftl_selection *select, const char *set, bool mixed,
                      void (*say)(void *context, const char *text), void *context) {
  bool some_without;
  char list[250], text[600];
  const int64_t n = named_heads(heads, &some_without);
  if (ftl_selection_has(select, "head") || n == 0 || n + some_without < 2 || (n > 1 && !mixed)) return;
  ftl_tally_list(heads, list, sizeof list);
  snprintf(
      text, sizeof text,
      "%s: structures of different heads (levels of theory) are compared as one: %s; choose with --select head=%.60s",
      set, list, heads->word[strcmp(heads->word[0], FTL_SELECT_NONE) == 0]);
  say(context, text);
}
