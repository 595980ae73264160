/* exp on vectors of numbers, for the activations: x = k log 2 + r, a polynomial in r, k into the exponent. Relative
   error below 4e-16 in double, 2e-7 in float; arguments are clamped where the result would overflow. */

#if FTL_REAL_FLOAT
typedef int32_t exp_integer __attribute__((vector_size(FTL_VECTOR_BYTES), aligned(8), may_alias));
#define EXP_SHIFT  0x1.8p23f
#define EXP_BITS   23
#define EXP_BIAS   127
#define EXP_LIMIT  87.0f
#define EXP_LN2_HI 0x1.63p-1f
#define EXP_LN2_LO -0x1.bd0106p-13f
#define EXP_TERMS  7
#else
typedef int64_t exp_integer __attribute__((vector_size(FTL_VECTOR_BYTES), aligned(8), may_alias));
#define EXP_SHIFT  0x1.8p52
#define EXP_BITS   52
#define EXP_BIAS   1023
#define EXP_LIMIT  700.0
#define EXP_LN2_HI 0x1.62e42fefa3800p-1
#define EXP_LN2_LO 0x1.ef35793c76730p-45
#define EXP_TERMS  13
#endif

static inline vector exp_select(exp_integer mask, vector yes, vector no) {
  return (vector)((mask & (exp_integer)yes) | (~mask & (exp_integer)no));
}

static inline vector exp_of(vector x) {
  static const real inverse_factorial[14] = {1,
                                             1,
                                             1 / (real)2,
                                             1 / (real)6,
                                             1 / (real)24,
                                             1 / (real)120,
                                             1 / (real)720,
                                             1 / (real)5040,
                                             1 / (real)40320,
                                             1 / (real)362880,
                                             1 / (real)3628800,
                                             1 / (real)39916800,
                                             1 / (real)479001600,
                                             1 / (real)6227020800.0};
  const vector limit = (vector){0} + EXP_LIMIT;
  x = exp_select(x > limit, limit, x);
  x = exp_select(x < -limit, -limit, x);
  vector shifted = x * (real)1.4426950408889634 + EXP_SHIFT; /* nearest integer in the low bits */
  vector k = shifted - EXP_SHIFT, r = x - k * EXP_LN2_HI - k * EXP_LN2_LO;
  vector p = (vector){0} + inverse_factorial[EXP_TERMS];
  for (int n = EXP_TERMS - 1; n >= 0; n--) p = p * r + inverse_factorial[n];
  exp_integer power = ((exp_integer)shifted + EXP_BIAS) << EXP_BITS; /* 2^k */
  return p * (vector)power;
}
