/* Text from files on its way to a person: a terminal acts on control characters. Internal to core and train. */
#ifndef FTL_PRINTABLE_H
#define FTL_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Replaces in place, by one '?' each, control characters (ESC, BEL, CR, DEL, C1, ...), characters that turn or hide
   text (bidirectional overrides, zero widths, line separators, ...) and bytes that are no UTF-8. `keep` lists the
   control characters that may stay, "" for none, "\n\t" for whole pages. Returns text. */
char *ftl_printable(char *text, const char *keep);

/* The same of n bytes, of which NUL is one more to replace; the number that is left. An incomplete character at the end
   is replaced too, or, if `rest` is not NULL, left there: *rest of its bytes. */
size_t ftl_printable_bytes(char *bytes, size_t n, const char *keep, size_t *rest);

/* Whether it would leave all of a text as it is. */
bool ftl_is_printable(const char *text);

/* Bytes of the character that a text begins with; 0 if it would be replaced. */
int ftl_printable_size(const char *text);

#endif
