#include "data/findings/compare_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/findings/find.h"
#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/error.h"

/* A frame votes for a unit when its labels follow the answers so well; a wrong model rarely does. */
#define FOLLOWS 0.95
/* Slopes of a model that is not quite right. Rydberg and Hartree are a factor of two apart. */
#define NEAR 1.25
/* Of the frames, to be sure; and to mention it. */
#define MOST 0.6
#define SOME 0.1
enum { FEW = 3 };

ftl_status ftl_comparison_add(ftl_comparison *c, const ftl_structure *s, double energy, const double (*forces)[3],
                              const double (*stress)[3], ftl_error *error) {
  if (!isfinite(energy)) return FTL_OK; /* atoms in each other: there is nothing to compare */
  FTL_TRY(FTL_GROW(c->frame, c->room, (size_t)c->n + 1, "the frames", error));
  FTL_TRY(ftl_compositions_add(&c->compositions, s->n, s->atomic_number, error));
  const ftl_labels *labels = &s->labels;
  ftl_compared *frame = &c->frame[c->n++];
  *frame = (ftl_compared){.path = s->path,
                          .line = s->line,
                          .frame = s->frame,
                          .n = s->n,
                          .volume = s->volume,
                          .has_energy = labels->has_energy,
                          .has_forces = labels->has_forces && forces,
                          .has_stress = labels->has_stress && stress,
                          .energy = labels->energy,
                          .answer = energy,
                          .largest_force = ftl_largest_force(s)};
  for (int k = 0; frame->has_forces && k < 3 * s->n; k++) {
    const double f = labels->forces[k / 3][k % 3], g = forces[k / 3][k % 3];
    frame->force_answer += f * g;
    frame->force2 += f * f;
    frame->answer2 += g * g;
  }
  if (frame->has_stress) {
    memcpy(frame->stress, labels->stress, sizeof frame->stress);
    memcpy(frame->stress_answer, stress, sizeof frame->stress_answer);
  }
  return FTL_OK;
}

void ftl_comparison_free(ftl_comparison *c) {
  free(c->frame);
  ftl_compositions_free(&c->compositions);
  *c = (ftl_comparison){0};
}

void ftl_compared_where(const ftl_compared *frame, char where[256]) {
  const ftl_xyz_frame place = {.path = frame->path, .index = frame->frame, .line = frame->line};
  ftl_xyz_where(&place, frame->line, where);
}

const ftl_unit *ftl_unit_of(double slope, const ftl_unit *units, int n) {
  const ftl_unit *best = NULL;
  double nearest = log(NEAR);
  if (slope == 0) return NULL;
  for (int k = 0; k < n; k++) {
    const double distance = fabs(log(fabs(slope) / units[k].factor));
    if (distance >= nearest) continue;
    nearest = distance;
    best = &units[k];
  }
  return best;
}

void ftl_votes_add(ftl_votes *votes, int64_t k, int n, double slope, double correlation, const ftl_unit *units,
                   int n_units) {
  votes->frames++;
  const ftl_unit *unit = fabs(correlation) >= FOLLOWS ? ftl_unit_of(slope, units, n_units) : NULL;
  if (!unit) return;
  const size_t at = 2 * (size_t)(unit - units) + (slope < 0);
  if (votes->count[at]++ == 0) votes->first[at] = k;
  votes->large[at] += n > 2;
}

const ftl_unit *ftl_votes_winner(const ftl_votes *votes, const ftl_unit *units, int n_units, bool *negative,
                                 int64_t *count, int64_t *first, ftl_severity *severity) {
  int best = -1;
  for (int k = 0; k < 2 * n_units; k++) {
    const bool right = !units[k / 2].name && k % 2 == 0;
    if (!right && votes->count[k] > 0 && (best < 0 || votes->count[k] > votes->count[best])) best = k;
  }
  *severity = FTL_REMARK;
  *count = 0;
  if (best < 0) return NULL;
  *count = votes->count[best];
  *first = votes->first[best];
  *negative = best % 2;
  const double all = (double)votes->frames, part = (double)*count / all, large = (double)votes->large[best] / all;
  if (part >= MOST && *count >= FEW) *severity = FTL_REFUSE;
  return part >= MOST || (large >= SOME && votes->large[best] >= FEW) ? &units[best / 2] : NULL;
}

ftl_status ftl_comparison_units(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                                ftl_error *error) {
  FTL_TRY(ftl_compare_energies(name, comparison, findings, error));
  FTL_TRY(ftl_compare_forces(name, comparison, findings, error));
  return ftl_compare_stress(name, comparison, findings, error);
}

int64_t ftl_comparison_choose(const ftl_dataset *dataset, int64_t most, int64_t atoms, bool *chosen) {
  const int64_t n = dataset->n, wanted = n < most ? n : most;
  int64_t taken = 0;
  memset(chosen, 0, (size_t)n * sizeof *chosen);
  for (int64_t k = 0; k < wanted; k++) {
    const ftl_structure *s = &dataset->structure[k * n / wanted];
    if (s->isolated || (taken > 0 && s->n > atoms)) continue;
    chosen[k * n / wanted] = true;
    atoms -= s->n;
    taken++;
  }
  return taken;
}
