/* What a file is that is not extended XYZ, told from its first bytes (unpacked, if it was gzip). */
#ifndef FTL_FORMATS_H
#define FTL_FORMATS_H

#include <stdbool.h>
#include <stddef.h>

/* True, and a sentence that names the format and says what makes extended XYZ of the file, when it is known. `path` is
   the file's, for that command. Text formats are recognised by several marks together: what may be a faulty XYZ file is
   none of them. */
bool ftl_format_recognise(const unsigned char *bytes, size_t n, const char *path, char text[512]);

#endif
