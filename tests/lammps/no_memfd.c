/* Preloaded, makes a machine that has no memory without a name, as under kernels before 3.17: ranks cannot share
 * tables. */
#include <errno.h>

__attribute__((visibility("default"))) int memfd_create(const char *name, unsigned flags) {
  (void)name, (void)flags;
  errno = ENOSYS;
  return -1;
}
