#include "base/random.h"

#include <math.h>

static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

void ftl_random_seed(ftl_random *random, uint64_t seed) {
  for (int k = 0; k < 4; k++) {
    uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    random->s[k] = z ^ (z >> 31);
  }
}

uint64_t ftl_random_next(ftl_random *random) {
  uint64_t *s = random->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

double ftl_random_uniform(ftl_random *random) { return (double)(ftl_random_next(random) >> 11) * 0x1p-53; }

double ftl_random_normal(ftl_random *random) {
  /* Box and Muller; 1 - u is in (0, 1] */
  double radius = sqrt(-2 * log(1 - ftl_random_uniform(random)));
  return radius * cos(2 * 3.14159265358979323846 * ftl_random_uniform(random));
}

int64_t ftl_random_below(ftl_random *random, int64_t n) {
  uint64_t range = (uint64_t)n, reject = (0 - range) % range, x; /* 2^64 mod n values too many */
  do x = ftl_random_next(random);
  while (x < reject);
  return (int64_t)(x % range);
}

void ftl_random_shuffle(ftl_random *random, int n, int *x) {
  for (int k = n - 1; k > 0; k--) {
    int other = (int)ftl_random_below(random, k + 1), swap = x[k];
    x[k] = x[other];
    x[other] = swap;
  }
}
