/* Structures for tests: frames of an extended XYZ file, and random ones. Free of any test library, for programs that
   run outside of ctest (bench/gpu-kit) read them too. */
#ifndef FTL_TESTS_STRUCTURES_H
#define FTL_TESTS_STRUCTURES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frozentl.h"
#include "neighbour/neighbours.h"

#define MAX_ATOMS 256

typedef struct {
  int n;
  int number[MAX_ATOMS];
  double position[MAX_ATOMS][3];
  double cell[3][3];
  int pbc[3];
} structure;

/* The next frame of an extended XYZ file as ASE writes it, species and pos first: 1; 0 at the end; -1 when it is none.
 */
static inline int next_frame(FILE *file, structure *s) {
  char line[4096], symbol[8];
  if (!fgets(line, sizeof line, file)) return 0;
  *s = (structure){.n = atoi(line)};
  if (s->n < 1 || s->n > MAX_ATOMS || !fgets(line, sizeof line, file)) return -1;
  const char *lattice = strstr(line, "Lattice=\""), *pbc = strstr(line, "pbc=\"");
  double *c = &s->cell[0][0];
  if (lattice && sscanf(lattice + 9, "%lf %lf %lf %lf %lf %lf %lf %lf %lf", c, c + 1, c + 2, c + 3, c + 4, c + 5, c + 6,
                        c + 7, c + 8) != 9)
    return -1;
  for (int k = 0; k < 3; k++) s->pbc[k] = pbc ? pbc[5 + 2 * k] == 'T' : lattice != NULL;
  for (int i = 0; i < s->n; i++) {
    double *x = s->position[i];
    if (!fgets(line, sizeof line, file) || sscanf(line, "%7s %lf %lf %lf", symbol, x, x + 1, x + 2) != 4) return -1;
    s->number[i] = ftl_atomic_number(symbol);
    if (s->number[i] < 1) return -1;
  }
  return 1;
}

/* Atoms of random elements in a triclinic box of about `side` Angstrom, none closer than `closest` (images included).
   The generator's state is the caller's, so that a failure can be repeated. */
static inline double random_unit(uint64_t *state) { /* splitmix64 */
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static inline void random_structure(structure *s, int n, double side, double closest, const int *numbers,
                                    int n_elements, uint64_t *state) {
  *s = (structure){.n = n, .pbc = {1, 1, 1}};
  for (int a = 0; a < 3; a++)
    for (int c = 0; c < 3; c++) s->cell[a][c] = (a == c ? side : 0) + side * 0.3 * (random_unit(state) - 0.5);
  for (int i = 0; i < n;) {
    double f[3];
    for (int c = 0; c < 3; c++) f[c] = random_unit(state);
    for (int c = 0; c < 3; c++) s->position[i][c] = f[0] * s->cell[0][c] + f[1] * s->cell[1][c] + f[2] * s->cell[2][c];
    s->number[i] = numbers[(int)(random_unit(state) * n_elements)];
    ftl_neighbours near = {0};
    const ftl_status status = ftl_neighbours_build(&near, i + 1, s->position, s->cell, s->pbc, closest, NULL);
    if (status == FTL_OK && near.n_edges == 0) i++;
    ftl_neighbours_free(&near);
  }
}

#endif
