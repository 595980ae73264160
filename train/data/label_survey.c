#include "data/label_survey.h"

#include <string.h>

#include "data/selection.h"
#include "data/xyz_internal.h"
#include "base/error.h"
#include "base/text.h"

/* ---- counting ---- */

/* A virial serves as a stress. */
static bool is_missed(const ftl_labels *labels, int kind) {
  if (kind == FTL_LABEL_ENERGY) return !labels->has_energy;
  if (kind == FTL_LABEL_FORCES) return !labels->has_forces;
  return !labels->has_stress && !labels->stress_without_volume;
}

static void add_unread(ftl_label_survey *s, const ftl_xyz_frame *frame, const ftl_unread *seen, const char *name) {
  char clean[FTL_TALLY_WORD] = "";
  int k = 0;
  ftl_tally_clean(name, clean);
  while (k < s->n_unread && (s->unread[k].column != seen->column || strcmp(s->unread[k].name, clean) != 0)) k++;
  if (k == FTL_UNREAD_MOST) {
    s->more_unread++;
    return;
  }
  ftl_unread *u = &s->unread[k];
  if (k == s->n_unread) {
    *u = *seen;
    u->missed = 0;
    memcpy(u->name, clean, sizeof u->name);
    ftl_xyz_where(frame, frame->line + 1, u->first);
    s->n_unread++;
  }
  if (u->kind < 0) u->kind = seen->kind; /* blank in the first frame, say */
  u->frames++;
  u->missed += seen->missed;
}

/* Word for word what is read under another name. */
static bool is_copy(const ftl_xyz_frame *frame, const char *name, const char *read, bool column) {
  if (!column) return strcmp(ftl_xyz_value(frame, name), ftl_xyz_value(frame, read)) == 0;
  const ftl_xyz_property *a = ftl_xyz_find_property(frame, name), *b = ftl_xyz_find_property(frame, read);
  bool same = a->columns == b->columns;
  for (int i = 0; same && i < frame->n; i++)
    for (int c = 0; same && c < a->columns; c++)
      same = strcmp(ftl_xyz_word(frame, i, a->first + c), ftl_xyz_word(frame, i, b->first + c)) == 0;
  return same;
}

static void look_at(ftl_label_survey *s, const ftl_xyz_frame *frame, const ftl_label_names *names,
                    const ftl_label_keys *keys, const ftl_labels *labels, const char *name, bool column, int kind) {
  const char *prefix = ftl_label_prefix(names);
  bool prefixed = *prefix && strncmp(name, prefix, strlen(prefix)) == 0;
  for (int k = 0; k < FTL_LABELS; k++) { /* another spelling of what is read */
    if (column != (k == FTL_LABEL_FORCES) || !ftl_label_is_read(names, (ftl_label_kind)k, name)) continue;
    if (is_copy(frame, name, keys->key[k], column)) return;
    prefixed = true;
  }
  if (kind < 0 && !prefixed) return;
  const ftl_unread seen = {
      .kind = kind, .column = column, .prefixed = prefixed, .missed = kind >= 0 && is_missed(labels, kind)};
  add_unread(s, frame, &seen, name);
}

static void count_labels(ftl_label_survey *s, const ftl_xyz_frame *frame, const ftl_labels *labels) {
  s->frames++;
  s->atoms += frame->n;
  s->energy += labels->has_energy;
  s->forces += labels->has_forces;
  s->stress += labels->has_stress;
  s->stress_without_volume += labels->stress_without_volume;
  if ((labels->blank_energy || labels->blank_forces || labels->blank_stress) && !*s->first_blank)
    ftl_xyz_where(frame, frame->line + 1, s->first_blank);
  s->blank[0] += labels->blank_energy;
  s->blank[1] += labels->blank_forces;
  s->blank[2] += labels->blank_stress;
  if (!*frame->repeated) return;
  if (s->repeated++ > 0) return;
  ftl_tally_clean(frame->repeated, s->repeated_key);
  ftl_xyz_where(frame, frame->line + 1, s->first_repeated);
}

ftl_status ftl_label_survey_add(ftl_label_survey *s, const ftl_xyz_frame *frame, const ftl_label_names *names,
                                const ftl_labels *labels, ftl_error *error) {
  ftl_label_keys keys;
  FTL_TRY(ftl_label_keys_find(frame, names, &keys, error));
  for (int k = 0; k < FTL_LABELS; k++)
    if (keys.key[k]) ftl_tally_add(&s->read[k], keys.key[k]);
  for (int e = 0; e < frame->n_entries; e++) {
    const char *name = frame->entry[e].key;
    if (name != keys.key[FTL_LABEL_ENERGY] && name != keys.key[FTL_LABEL_STRESS] && name != keys.key[FTL_LABEL_VIRIAL])
      look_at(s, frame, names, &keys, labels, name, false, ftl_label_looks_like_key(&frame->entry[e]));
    if (s->frames == 0) ftl_tally_add(&s->first_keys, name);
  }
  for (int p = 0; p < frame->n_properties; p++) {
    const char *name = frame->property[p].name;
    if (name != keys.key[FTL_LABEL_FORCES])
      look_at(s, frame, names, &keys, labels, name, true, ftl_label_looks_like_column(&frame->property[p]));
    if (s->frames == 0) ftl_tally_add(&s->first_keys, name);
  }
  count_labels(s, frame, labels);
  return FTL_OK;
}

void ftl_label_survey_add_head(ftl_label_survey *survey, const char *head) {
  ftl_tally_add(&survey->heads, head ? head : FTL_SELECT_NONE);
}

/* ---- what was read ---- */

static void count_one(char text[400], int64_t n, const char *one, const char *several, const ftl_tally *a,
                      const ftl_tally *b) {
  ftl_text_add(text, 400, "%s%lld %s", *text ? ", " : "", (long long)n, n == 1 ? one : several);
  const char *open = " (";
  for (const ftl_tally *t = a; n > 0 && t; t = t == a ? b : NULL)
    for (int k = 0; k < t->n && k < 3; k++) {
      ftl_text_add(text, 400, "%s%.40s", open, t->word[k]);
      open = ", ";
    }
  if (*open == ',') ftl_text_add(text, 400, ")");
}

void ftl_label_survey_count(const ftl_label_survey *s, char text[400]) {
  text[0] = '\0';
  count_one(text, s->energy, "energy", "energies", &s->read[FTL_LABEL_ENERGY], NULL);
  count_one(text, s->forces, "with forces", "with forces", &s->read[FTL_LABEL_FORCES], NULL);
  count_one(text, s->stress, "stress", "stresses", &s->read[FTL_LABEL_STRESS], &s->read[FTL_LABEL_VIRIAL]);
}
