/* The LAPACK routines used, Fortran names; OpenBLAS has them. Hidden lengths of character arguments come last. */
#ifndef FTL_LAPACK_H
#define FTL_LAPACK_H

#include <stddef.h>

/* QR of an upper triangle stacked on a rectangle (L = 0): the triangle A[n][lda] becomes R, B[n][ldb] reflectors. */
void dtpqrt_(const int *m, const int *n, const int *l, const int *nb, double *a, const int *lda, double *b,
             const int *ldb, double *t, const int *ldt, double *work, int *info);
void dgesdd_(const char *job, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
             const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info,
             size_t);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info, size_t, size_t);
void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
void dgetri_(const int *n, double *a, const int *lda, const int *pivot, double *work, const int *lwork, int *info);

#endif
