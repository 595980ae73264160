/* Atoms that are too close to each other, or too far, and coordinates that are no Angstrom. */
#include <math.h>

#include "data/findings/composition.h"
#include "data/findings/find.h"
#include "base/error.h"
#include "base/radii.h"

#include <stdlib.h>

/* Of the sum of covalent radii: the shortest bonds have 0.9, and at half of it forces are hundreds of eV/Angstrom. */
#define CLOSE 0.5
/* Half of a set whose nearest neighbours are no nearer, or all nearer, than this has another unit: Bohr as Angstrom is
   1.89 times too long, Angstrom taken for Bohr and converted 0.53 times. Metals and molecules have 0.9 to 1.3. */
#define LONG  1.75
#define SHORT 0.68
/* Distances up to this part of the radii are looked for, in so many structures. */
#define SEARCHED 2.8
enum { SAMPLE = 200, FEW = 3 };

/* Distance of the nearest pair as a part of its covalent radii; `beyond` when there is none up to that part. */
static ftl_status nearest(const ftl_structure *s, double beyond, ftl_neighbours *list, double *part, ftl_error *error) {
  double radius = 0;
  for (int i = 0; i < s->n; i++) radius = fmax(radius, ftl_covalent_radii[s->atomic_number[i]]);
  ftl_status status = ftl_structure_neighbours(s, 2 * radius * beyond, list, error);
  *part = beyond;
  for (int i = 0; !status && i < s->n; i++)
    for (int64_t e = list->first_edge[i]; e < list->first_edge[i + 1]; e++) {
      const double *r = list->vector[e], radii = ftl_covalent_radii[s->atomic_number[i]] +
                                                 ftl_covalent_radii[s->atomic_number[list->sender[e]]];
      *part = fmin(*part, sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]) / radii);
    }
  return status;
}

/* All coordinates lie between 0 and 1, in a cell that is longer. */
static bool looks_fractional(const ftl_structure *s) {
  double longest = 0;
  for (int k = 0; k < 3; k++)
    longest = fmax(longest,
                   sqrt(s->cell[k][0] * s->cell[k][0] + s->cell[k][1] * s->cell[k][1] + s->cell[k][2] * s->cell[k][2]));
  for (int k = 0; k < 3 * s->n; k++)
    if (s->position[k / 3][k % 3] < -0.01 || s->position[k / 3][k % 3] > 1.01) return false;
  return s->has_cell && s->n > 1 && longest > 2;
}

/* A gas has no typical distance. */
static bool is_noble(const ftl_structure *s) {
  for (int i = 0; i < s->n; i++) {
    const int z = s->atomic_number[i];
    if (z != 2 && z != 10 && z != 18 && z != 36 && z != 54 && z != 86) return false;
  }
  return true;
}

static ftl_status find_close(const char *name, const ftl_dataset *dataset, int64_t looked_at, ftl_neighbours *list,
                             ftl_findings *findings, ftl_error *error) {
  ftl_worst close = {0};
  int64_t fractional = 0;
  double least = 1;
  char where[256];
  ftl_status status = FTL_OK;
  for (int64_t k = 0; !status && k < dataset->n; k++) {
    double part;
    status = nearest(&dataset->structure[k], CLOSE, list, &part, error);
    if (status != FTL_OK || part >= CLOSE) continue;
    least = fmin(least, part);
    fractional += looks_fractional(&dataset->structure[k]);
    ftl_worst_add(&close, &dataset->structure[k], 1 - part);
  }
  if (status != FTL_OK || close.count == 0) return status;
  ftl_worst_where(&close, where);
  return ftl_findings_add(
      findings, FTL_FINDING_CLOSE, close.count * 2 > looked_at ? FTL_REFUSE : FTL_REMARK, close.count, error,
      "%s: atoms are closer than half the sum of their covalent radii in %lld of %lld structures; "
      "worst: %.150s, %.2g of it; %s",
      name, (long long)close.count, (long long)dataset->n, where, least,
      fractional * 2 > close.count ? "all their coordinates are between 0 and 1: fractional? Angstrom are expected"
                                   : "Angstrom are expected for cell and positions; correct or remove them");
}

static ftl_status find_scale(const char *name, const ftl_dataset *dataset, double *part, ftl_neighbours *list,
                             ftl_findings *findings, ftl_error *error) {
  const int64_t all = dataset->n, wanted = all < SAMPLE ? all : SAMPLE;
  int64_t n = 0;
  char where[256];
  ftl_status status = FTL_OK;
  const ftl_structure *first = NULL;
  for (int64_t k = 0; !status && k < wanted; k++) {
    const ftl_structure *s = &dataset->structure[k * all / wanted];
    if (s->isolated || is_noble(s)) continue;
    status = nearest(s, SEARCHED, list, &part[n], error);
    if (part[n] >= SEARCHED) continue; /* alone */
    if (!first) first = s;
    n++;
  }
  const double median = ftl_median(part, n);
  if (status != FTL_OK || n < FEW || (median <= LONG && median >= SHORT)) return status;
  ftl_structure_where(first, -1, where);
  return ftl_findings_add(
      findings, FTL_FINDING_CLOSE, FTL_REMARK, n, error,
      "%s: the nearest atoms are typically %.2f times the sum of their covalent radii apart (bonds have 0.9 to 1.3): "
      "%s "
      "first: %.150s; Angstrom are expected for cell and positions",
      name, median,
      median > LONG ? "cell and positions in Bohr?" : "lengths that were converted twice, or strong pressure?", where);
}

ftl_status ftl_find_geometry(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error) {
  ftl_neighbours list = {0};
  const int before = findings->n;
  double *part = malloc((SAMPLE + 1) * sizeof *part);
  int64_t several = 0;
  if (!part) return ftl_no_memory(error, NULL, "looking at distances");
  for (int64_t k = 0; k < dataset->n; k++) several += dataset->structure[k].n > 1;
  ftl_status status = find_close(name, dataset, several, &list, findings, error);
  if (!status && findings->n == before) status = find_scale(name, dataset, part, &list, findings, error);
  ftl_neighbours_free(&list);
  free(part);
  return status;
}
