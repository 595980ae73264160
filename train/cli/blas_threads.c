/* OpenBLAS makes its threads before main, one for every core, each with buffers of 128 MB, and waits for ever where
   they cannot be had: a command that only reads a file would not end under a limit of memory. It asks the environment
   how many, and this is what it hears; the commands that calculate with it take their threads in support/work_memory.c.
 */
#define _GNU_SOURCE /* environ */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((visibility("default"))) char *getenv(const char *name) {
  static char one[] = "1";
  if (strcmp(name, "OPENBLAS_NUM_THREADS") == 0) return one;
  const size_t length = strlen(name);
  for (char **entry = environ; entry && *entry && length > 0; entry++)
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  return NULL;
}
