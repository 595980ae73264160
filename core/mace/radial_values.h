/* Tables of radial functions at an edge: polynomials in its place t in a cell, c[coefficient][vector], of which n
   vectors are wanted and `row` lie between two coefficients. n is a constant. */

#define MAX_D          7 /* components of l = 3 */
#define N_COEFFICIENTS FTL_RADIAL_COEFFICIENTS(sizeof(real))

FTL_INLINE void radial_values(int n, int row, const real *c, vec t, vec *R) {
  for (int v = 0; v < n; v++) R[v] = load(c + ((N_COEFFICIENTS - 1) * row + v) * LANES);
  for (int k = N_COEFFICIENTS - 2; k >= 0; k--)
    for (int v = 0; v < n; v++) R[v] = R[v] * t + load(c + (k * row + v) * LANES);
}

/* And their derivatives by t: two chains of multiply-adds each. */
FTL_INLINE void radial_slopes(int n, int row, const real *c, vec t, vec *R, vec *dR) {
  for (int v = 0; v < n; v++) {
    dR[v] = load(c + ((N_COEFFICIENTS - 1) * row + v) * LANES);
    R[v] = dR[v] * t + load(c + ((N_COEFFICIENTS - 2) * row + v) * LANES);
  }
  for (int k = N_COEFFICIENTS - 3; k >= 0; k--)
    for (int v = 0; v < n; v++) {
      dR[v] = dR[v] * t + R[v];
      R[v] = R[v] * t + load(c + (k * row + v) * LANES);
    }
}
