/* Numbers as text. */
#ifndef FTL_NUMBERS_H
#define FTL_NUMBERS_H

#include <stdbool.h>

/* The shortest text of at most 17 digits that reads back as the same double. */
void ftl_format_real(double value, char text[32]);
/* A whole word as a finite number in decimal notation. */
bool ftl_parse_real(const char *text, double *value);

#endif
