/* Comparison of doubles; cmocka 1.1.5 has only floats. Include after cmocka.h and math.h. */
#ifndef FTL_TESTS_CLOSE_H
#define FTL_TESTS_CLOSE_H

#define assert_close(a, b, tolerance)                                                                                  \
  do {                                                                                                                 \
    const double left_side = (a), right_side = (b);                                                                    \
    if (!(fabs(left_side - right_side) <= (tolerance)))                                                                \
      fail_msg("%s = %.15g is not %s = %.15g", #a, left_side, #b, right_side);                                         \
  } while (0)

#endif
