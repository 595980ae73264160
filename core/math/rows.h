/* What most of a model's opening consists of. */
#ifndef FTL_ROWS_H
#define FTL_ROWS_H

#include <stddef.h>

/* out[c] += sum over rows q of factor[q] * row[q * stride + c], c < n. Four rows at a time: each number of `out` is
   then fetched and stored once for four products. */
static inline void ftl_add_rows(int n_rows, const double *restrict factor, const double *restrict row, size_t stride,
                                int n, double *restrict out) {
  int q = 0;
  for (; q + 4 <= n_rows; q += 4, row += 4 * stride) {
    const double f0 = factor[q], f1 = factor[q + 1], f2 = factor[q + 2], f3 = factor[q + 3];
    for (int c = 0; c < n; c++)
      out[c] += (f0 * row[c] + f1 * row[stride + (size_t)c]) +
                (f2 * row[2 * stride + (size_t)c] + f3 * row[3 * stride + (size_t)c]);
  }
  for (; q < n_rows; q++, row += stride)
    for (int c = 0; c < n; c++) out[c] += factor[q] * row[c];
}

#endif
