#include "data/label_keys.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "data/xyz_internal.h"

/* What is read behind a prefix; the first is the usual one. */
static const char *const spelling[FTL_LABELS][3] = {
    {"energy"}, {"forces", "force"}, {"stress", "stresses"}, {"virial", "virials"}};

const char *ftl_label_word(ftl_label_kind kind) { return spelling[kind][0]; }

const char *ftl_label_prefix(const ftl_label_names *names) { return names->prefix ? names->prefix : "REF_"; }

bool ftl_label_by_prefix(const ftl_label_names *names, ftl_label_kind kind) {
  if (kind == FTL_LABEL_STRESS || kind == FTL_LABEL_VIRIAL)
    return !names->name[FTL_LABEL_STRESS] && !names->name[FTL_LABEL_VIRIAL];
  return !names->name[kind];
}

bool ftl_label_is_prefixed(const char *name, ftl_label_kind kind, size_t *length) {
  const size_t all = strlen(name);
  for (int k = 0; k < 3 && spelling[kind][k]; k++) {
    const size_t end = strlen(spelling[kind][k]);
    if (all < end || strcasecmp(name + all - end, spelling[kind][k]) != 0) continue;
    *length = all - end;
    return true;
  }
  return false;
}

/* ---- those that are read ---- */

bool ftl_label_is_read(const ftl_label_names *names, ftl_label_kind kind, const char *name) {
  size_t length;
  if (names->name[kind]) return strcmp(names->name[kind], name) == 0;
  const char *prefix = ftl_label_prefix(names);
  return ftl_label_by_prefix(names, kind) && strncmp(name, prefix, strlen(prefix)) == 0 &&
         ftl_label_is_prefixed(name, kind, &length) && length == strlen(prefix);
}

/* The usual spelling of a kind that goes by the prefix. */
static bool is_usual(const ftl_label_names *names, ftl_label_kind kind, const char *name) {
  const char *prefix = ftl_label_prefix(names);
  return strncmp(name, prefix, strlen(prefix)) == 0 && strcmp(name + strlen(prefix), spelling[kind][0]) == 0;
}

/* The usual spelling counts where there are several, and the survey says the others. */
static ftl_status take(const ftl_xyz_frame *frame, const ftl_label_names *names, ftl_label_kind kind, const char *name,
                       ftl_label_keys *keys, ftl_error *error) {
  const char *before = keys->key[kind];
  if (before && strcmp(before, name) == 0)
    return ftl_xyz_fail(frame, frame->line + 1, error, "the comment line gives %s twice: keep one of them", name);
  if (before && is_usual(names, kind, before)) return FTL_OK;
  if (before && !is_usual(names, kind, name))
    return ftl_xyz_fail(frame, frame->line + 1, error,
                        "the frame has both %.60s and %.60s: choose one, with labels.%s (flag --labels-%s)", before,
                        name, ftl_label_word(kind), ftl_label_word(kind));
  keys->key[kind] = name;
  return FTL_OK;
}

ftl_status ftl_label_keys_find(const ftl_xyz_frame *frame, const ftl_label_names *names, ftl_label_keys *keys,
                               ftl_error *error) {
  static const ftl_label_kind in_comment[] = {FTL_LABEL_ENERGY, FTL_LABEL_STRESS, FTL_LABEL_VIRIAL};
  ftl_status status = FTL_OK;
  *keys = (ftl_label_keys){{NULL}};
  for (int e = 0; !status && e < frame->n_entries; e++)
    for (int k = 0; !status && k < 3; k++)
      if (ftl_label_is_read(names, in_comment[k], frame->entry[e].key))
        status = take(frame, names, in_comment[k], frame->entry[e].key, keys, error);
  for (int p = 0; !status && p < frame->n_properties; p++)
    if (ftl_label_is_read(names, FTL_LABEL_FORCES, frame->property[p].name))
      status = take(frame, names, FTL_LABEL_FORCES, frame->property[p].name, keys, error);
  return status;
}

/* ---- those that look like labels ---- */

/* What makes another quantity of it, or a setting. */
static const char *const other[] = {
    "weight",    "weights",     "sigma",   "kinetic",   "error",      "std",      "uncertainty", "variance",
    "node",      "atom",        "per",     "threshold", "fermi",      "cutoff",   "cut",         "norm",
    "max",       "band",        "homo",    "lumo",      "zero",       "zpe",      "delta",       "adsorption",
    "formation", "cohesive",    "binding", "hull",      "above",      "relative", "interaction", "surface",
    "mixing",    "vibrational", "thermal", "barrier",   "activation", "field",    "constant"};
static const char *const word_of[FTL_LABELS][6] = {{"energy", "energies", "toten", "etot", "epot"},
                                                   {"forces", "force", "frc"},
                                                   {"stress", "stresses"},
                                                   {"virial", "virials"}};
/* Letters that stand for a kind, alone or beside one of these words. */
static const char *const letter_of[FTL_LABELS][2] = {{"e"}, {"f"}, {NULL}, {NULL}};
static const char *const beside[] = {"tot", "total", "dft", "ref", "pot", "scf", "qm", "pbe", "scan", "hse", "xyz"};

static bool among(const char *word, size_t length, const char *const *list, size_t n) {
  for (size_t k = 0; k < n && list[k]; k++)
    if (strlen(list[k]) == length && strncasecmp(list[k], word, length) == 0) return true;
  return false;
}

/* The next word of "dft_energy", "TotEnergy", "stress-pbe": letters, and a new word at a capital behind a small one. */
static size_t next_word(const char **p) {
  while (**p && !isalpha((unsigned char)**p)) ++*p;
  size_t length = 0;
  while (isalpha((unsigned char)(*p)[length]) &&
         !(length > 0 && isupper((unsigned char)(*p)[length]) && islower((unsigned char)(*p)[length - 1])))
    length++;
  return length;
}

/* The kind whose word a name has, or -1. */
static int kind_of(const char *name) {
  int kind = -1, by_letter = -1;
  bool named = true; /* besides letters there are only words that go with them */
  size_t length;
  for (const char *p = name; (length = next_word(&p)) > 0; p += length) {
    if (among(p, length, other, sizeof other / sizeof *other)) return -1;
    bool letter = false;
    for (int k = 0; k < FTL_LABELS; k++) {
      if (among(p, length, word_of[k], 6)) kind = k;
      if (!among(p, length, letter_of[k], 2)) continue;
      by_letter = k;
      letter = true;
    }
    named &= letter || among(p, length, beside, sizeof beside / sizeof *beside);
  }
  const bool digits = name[strcspn(name, "0123456789")] != '\0'; /* e0 is no energy of a structure */
  return kind < 0 && named && !digits ? by_letter : kind;
}

/* Numbers in a value, blank ones included, or -1 for anything else. */
static int count_numbers(const char *text) {
  const char *separators = " \t,[](){}";
  int n = 0;
  if (strncmp(text, "_JSON", 5) == 0) text += 5;
  for (;;) {
    char word[64];
    double value;
    text += strspn(text, separators);
    const size_t length = strcspn(text, separators);
    if (length == 0) return n;
    if (length >= sizeof word || n > 9) return -1;
    memcpy(word, text, length);
    word[length] = '\0';
    if (!ftl_parse_real(word, &value) && !ftl_xyz_is_blank(word)) return -1;
    n++;
    text += length;
  }
}

int ftl_label_looks_like_key(const ftl_xyz_entry *entry) {
  const int kind = kind_of(entry->key);
  if (kind < 0 || kind == FTL_LABEL_FORCES) return -1;
  const int n = count_numbers(entry->value);
  const bool fits = kind == FTL_LABEL_ENERGY ? n == 1 : n == 6 || n == 9;
  return fits ? kind : -1;
}

int ftl_label_looks_like_column(const ftl_xyz_property *property) {
  const bool fits = property->columns == 3 && (property->type == 'R' || property->type == 'I') &&
                    kind_of(property->name) == FTL_LABEL_FORCES;
  return fits ? FTL_LABEL_FORCES : -1;
}
