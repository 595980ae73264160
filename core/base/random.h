/* Random numbers whose state is four words, so that a run can be saved and continued to the bit: xoshiro256** (Blackman
   and Vigna, 2018), seeded by splitmix64. Not for threads to share. */
#ifndef FTL_RANDOM_H
#define FTL_RANDOM_H

#include <stdint.h>

typedef struct {
  uint64_t s[4];
} ftl_random;

void ftl_random_seed(ftl_random *random, uint64_t seed);
uint64_t ftl_random_next(ftl_random *random);
double ftl_random_uniform(ftl_random *random);              /* [0, 1), 53 bits */
double ftl_random_normal(ftl_random *random);               /* mean 0, variance 1; uses two numbers, keeps none */
int64_t ftl_random_below(ftl_random *random, int64_t n);    /* 0 .. n-1, n >= 1, without bias */
void ftl_random_shuffle(ftl_random *random, int n, int *x); /* a permutation of x[n], all equally likely */

#endif
