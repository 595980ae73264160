/* Building a text of bounded length, and looking at its end. */
#ifndef FTL_TEXT_H
#define FTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Adds to the text in a buffer of `size` bytes, as much as fits. */
void ftl_text_add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Whether `text` ends in `end`, or is it. */
bool ftl_ends_with(const char *text, const char *end);

#endif
