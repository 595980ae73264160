/* A function of a basis and its adjoints from A: what the C core and the Kokkos build (core/kokkos) have in common. */
#ifndef FTL_DESCRIPTOR_VALUE_H
#define FTL_DESCRIPTOR_VALUE_H

#include "ace/descriptors_plan.h"
#include "math/function.h"

/* The value, and unless adjoint is NULL its adjoints dB/dRe A + i dB/dIm A in the slots. Numbers are `stride` apart:
   a[n_species][n_labels][2], adjoint[n_slots][2]. */
FTL_FUNCTION double ftl_descriptor_value(const ftl_descriptor_function *f, int n_labels, const double *a,
                                         double *adjoint, int stride) {
  double value = 0;
  for (int k = 0; k < 2 * f->n_slots && adjoint; k++) adjoint[k * stride] = 0;
  for (int k = 0; k < f->n_terms; k++) {
    const ftl_descriptor_factor *factor = f->factor + k * f->rank;
    double re[FTL_ACE_MAX_RANK], im[FTL_ACE_MAX_RANK], before_re[FTL_ACE_MAX_RANK + 1], before_im[FTL_ACE_MAX_RANK + 1];
    before_re[0] = f->c[k];
    before_im[0] = 0;
    for (int t = 0; t < f->rank; t++) {
      const ftl_descriptor_slot *slot = &f->slot[factor[t].slot];
      const double *at = a + 2 * (slot->mu * n_labels + slot->label) * stride;
      re[t] = factor[t].re * at[0];
      im[t] = factor[t].im * at[stride];
      before_re[t + 1] = before_re[t] * re[t] - before_im[t] * im[t];
      before_im[t + 1] = before_re[t] * im[t] + before_im[t] * re[t];
    }
    value += before_re[f->rank];
    if (!adjoint) continue;
    double after_re = 1, after_im = 0;
    for (int t = f->rank - 1; t >= 0; t--) { /* d Re(p a)/da = conj p */
      double p_re = before_re[t] * after_re - before_im[t] * after_im;
      double p_im = before_re[t] * after_im + before_im[t] * after_re, next = after_re * re[t] - after_im * im[t];
      double *to = adjoint + 2 * factor[t].slot * stride;
      to[0] += factor[t].re * p_re;
      to[stride] -= factor[t].im * p_im;
      after_im = after_re * im[t] + after_im * re[t];
      after_re = next;
    }
  }
  return value;
}

#endif
