/* The structure of the benchmarks in C: rattled fcc copper with 2 % of hydrogen, or of a model's first element alone.
 */
#ifndef FTL_BENCH_CRYSTAL_H
#define FTL_BENCH_CRYSTAL_H

#include "frozentl.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LATTICE 3.615 /* Angstrom, as bench/lib/structures.py */

/* Opens a model for H and Cu, or for all its elements when it lacks one of them. */
ftl_status ftl_open_for_crystal(const char *path, ftl_precision precision, ftl_model **model, ftl_error *error);

/* CELLS cubed unit cells: returns the number of atoms, or -1 when memory does not suffice. The caller frees both. The
   same atoms every time. */
int ftl_crystal(const ftl_model *model, int cells, int **species, double (**position)[3]);

/* Normal numbers of mean 0 and spread 1. */
double ftl_bench_gauss(unsigned long long *state);

#ifdef __cplusplus
}
#endif
#endif
