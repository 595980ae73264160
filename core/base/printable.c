#include "base/printable.h"

#include <stdint.h>
#include <string.h>

/* The character at p; its bytes, 0 if they are no UTF-8, -1 if p ends within it. */
static int decode(const unsigned char *p, size_t n, uint32_t *character) {
  const int size = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  *character = size == 1 ? *p : size ? *p & (0x7fu >> size) : 0;
  for (int k = 1; k < size; k++) {
    if ((size_t)k == n) return -1;
    if ((p[k] & 0xc0) != 0x80) return 0;
    *character = *character << 6 | (p[k] & 0x3f);
  }
  return *character < least[size] || *character > 0x10ffff || (*character >= 0xd800 && *character < 0xe000) ? 0 : size;
}

/* Controls, and what changes the direction, the order or the lines of the text around it, or is not seen. */
static bool acts(uint32_t c) {
  static const struct {
    uint32_t first, last;
  } range[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
               {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
               {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}};
  for (size_t k = 0; k < sizeof range / sizeof *range; k++)
    if (c >= range[k].first && c <= range[k].last) return true;
  return false;
}

size_t ftl_printable_bytes(char *bytes, size_t n, const char *keep, size_t *rest) {
  size_t to = 0;
  if (rest) *rest = 0;
  for (size_t at = 0; at < n;) {
    uint32_t c;
    const int size = decode((unsigned char *)bytes + at, n - at, &c);
    if (size < 0 && rest) {
      *rest = n - at;
      memmove(bytes + to, bytes + at, *rest);
      return to;
    }
    if (size > 0 && (!acts(c) || (c != 0 && c < 0x80 && strchr(keep, (int)c)))) {
      memmove(bytes + to, bytes + at, (size_t)size);
      to += (size_t)size;
    } else {
      bytes[to++] = '?';
    }
    at += size > 0 ? (size_t)size : 1;
  }
  return to;
}

char *ftl_printable(char *text, const char *keep) {
  text[ftl_printable_bytes(text, strlen(text), keep, NULL)] = 0;
  return text;
}

int ftl_printable_size(const char *text) {
  uint32_t c = 0;
  const int size = decode((const unsigned char *)text, strnlen(text, 4), &c);
  return size > 0 && !acts(c) ? size : 0;
}

bool ftl_is_printable(const char *text) {
  for (int size; *text; text += size)
    if (!(size = ftl_printable_size(text))) return false;
  return true;
}
