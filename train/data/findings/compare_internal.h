/* Between the files of comparing. */
#ifndef FTL_COMPARE_INTERNAL_H
#define FTL_COMPARE_INTERNAL_H

#include "data/findings/compare.h"

/* A unit that labels may have instead, and its size: label = factor * (what it is in eV, Angstrom). */
typedef struct {
  double factor;
  const char *name; /* NULL: the right one */
} ftl_unit;

/* The unit, or minus the unit, whose factor the slope is within a quarter of; NULL when the slope is none's. */
const ftl_unit *ftl_unit_of(double slope, const ftl_unit *units, int n);

/* "FILE, line L, frame F" */
void ftl_compared_where(const ftl_compared *frame, char where[256]);

ftl_status ftl_compare_energies(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                                ftl_error *error);
ftl_status ftl_compare_forces(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                              ftl_error *error);
ftl_status ftl_compare_stress(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                              ftl_error *error);

/* Which unit most of the frames agree on. Zero-initialise. */
typedef struct {
  int64_t frames;    /* that say something */
  int64_t count[32]; /* by unit, positive and negative ones */
  int64_t large[32]; /* of them, those of three atoms and more: a pair has one force, which follows by chance */
  int64_t first[32]; /* the first frame of each */
} ftl_votes;

/* Frame k, of n atoms, has labels of `slope` times the answers, and follows them by `correlation`. */
void ftl_votes_add(ftl_votes *votes, int64_t k, int n, double slope, double correlation, const ftl_unit *units,
                   int n_units);
/* The winner among wrong units and signs, or NULL when few agree on it; *severity by how many do. */
const ftl_unit *ftl_votes_winner(const ftl_votes *votes, const ftl_unit *units, int n_units, bool *negative,
                                 int64_t *count, int64_t *first, ftl_severity *severity);

#endif
