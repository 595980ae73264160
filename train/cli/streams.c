/* What leaves the program for a terminal. */
#define _GNU_SOURCE /* fopencookie */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "base/printable.h"

FILE *cli_terminal;

enum { BLOCK = 4096, REST = 4 };

typedef struct {
  int descriptor;
  char rest[REST]; /* of a character whose end comes with the next write */
  size_t n_rest;
} guard;

static bool write_all(int descriptor, const char *bytes, size_t n) {
  while (n > 0) {
    const ssize_t done = write(descriptor, bytes, n);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    bytes += done;
    n -= (size_t)done;
  }
  return true;
}

static ssize_t write_guarded(void *cookie, const char *bytes, size_t n) {
  guard *g = cookie;
  for (size_t at = 0; at < n;) {
    char block[BLOCK + REST];
    const size_t more = n - at < BLOCK ? n - at : BLOCK, before = g->n_rest;
    memcpy(block, g->rest, before);
    memcpy(block + before, bytes + at, more);
    const size_t left = ftl_printable_bytes(block, before + more, "\n\t", &g->n_rest);
    memcpy(g->rest, block + left, g->n_rest);
    if (!write_all(g->descriptor, block, left)) return 0; /* fopencookie: an error */
    at += more;
  }
  return (ssize_t)n;
}

static FILE *guarded(guard *g, int mode) {
  const cookie_io_functions_t functions = {.write = write_guarded};
  FILE *stream = fopencookie(g, "w", functions);
  if (stream) setvbuf(stream, NULL, mode, mode == _IONBF ? 0 : BUFSIZ);
  return stream;
}

bool cli_guard_streams(void) {
  static guard out = {.descriptor = STDOUT_FILENO}, err = {.descriptor = STDERR_FILENO};
  FILE *new_out = guarded(&out, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF), *new_err = guarded(&err, _IONBF);
  cli_terminal = stderr;
  if (!new_out || !new_err) return false;
  fflush(stdout);
  stdout = new_out;
  stderr = new_err;
  return true;
}

void cli_print_json(const json_t *json, size_t flags) {
  json_dumpf(json, stdout, flags | JSON_ENSURE_ASCII);
  putchar('\n');
}
