#include "support/work_memory.h"

#include <cblas.h>
#include <omp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/threads.h"
#include "base/error.h"

/* ---- what is free ---- */

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static bool read_line_of(const char *path, const char *format, size_t *value) {
  FILE *stream = fopen(path, "r");
  char line[512];
  bool found = false;
  while (stream && !found && fgets(line, sizeof line, stream)) found = sscanf(line, format, value) == 1;
  if (stream) fclose(stream);
  return found;
}

static size_t left_of(int resource, const char *line_of_status) {
  struct rlimit limit;
  size_t used = 0;
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  if (!read_line_of("/proc/self/status", line_of_status, &used)) return limit.rlim_cur;
  return limit.rlim_cur > used << 10 ? limit.rlim_cur - (used << 10) : 0;
}

/* Of the group of this process and those around it, version 2 ("0::/a/b") or 1 ("4:memory:/a/b"). */
static size_t left_of_groups(void) {
  FILE *stream = fopen("/proc/self/cgroup", "r");
  char line[512], group[512] = "";
  bool second = true;
  while (stream && fgets(line, sizeof line, stream)) {
    if (sscanf(line, "0::%500s", group) == 1) continue;
    const char *memory = strstr(line, ":memory:");
    if (memory && sscanf(memory, ":memory:%500s", group) == 1) {
      second = false;
      break;
    }
  }
  if (stream) fclose(stream);
  size_t left = SIZE_MAX;
  for (bool more = *group != 0; more;) {
    char path[1100];
    size_t most = 0, used = 0;
    const char *folder = second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory", *own = strcmp(group, "/") ? group : "";
    snprintf(path, sizeof path, "%s%s/%s", folder, own, second ? "memory.max" : "memory.limit_in_bytes");
    const bool limited = read_line_of(path, "%zu", &most);
    snprintf(path, sizeof path, "%s%s/%s", folder, own, second ? "memory.current" : "memory.usage_in_bytes");
    if (limited && read_line_of(path, "%zu", &used)) left = least(left, most > used ? most - used : 0);
    char *slash = strrchr(group, '/');
    more = *own && slash;
    if (more) slash[slash == group] = 0;
  }
  return left;
}

size_t ftl_free_bytes(void) {
  size_t kb = 0;
  const size_t machine = read_line_of("/proc/meminfo", "MemAvailable: %zu kB", &kb) ? kb << 10 : SIZE_MAX;
  const size_t limits = least(left_of(RLIMIT_AS, "VmSize: %zu kB"), left_of(RLIMIT_DATA, "VmData: %zu kB"));
  return least(machine, least(limits, left_of_groups()));
}

/* ---- OpenBLAS ---- */

/* Each thread that is in OpenBLAS has one; OpenBLAS keeps them. */
static const size_t BUFFER = (size_t)129 << 20;

void *blas_memory_alloc(int unused)
    __attribute__((weak)); /* OpenBLAS' own, and not in other libraries of its interface */
void blas_memory_free(void *buffer) __attribute__((weak));

static bool is_limited(void) {
  struct rlimit address, data;
  size_t strict = 0;
  read_line_of("/proc/sys/vm/overcommit_memory", "%zu", &strict);
  return getrlimit(RLIMIT_AS, &address) != 0 || getrlimit(RLIMIT_DATA, &data) != 0 ||
         address.rlim_cur != RLIM_INFINITY || data.rlim_cur != RLIM_INFINITY || strict == 2;
}

static bool can_map(size_t size) {
  void *found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (found == MAP_FAILED) return false;
  munmap(found, size);
  return true;
}

bool ftl_memory_is_left(void) { return can_map((size_t)8 << 20); }

/* All at once, so that there are as many; it keeps what is given back. */
static void have_buffers(int n) {
  void **buffer = blas_memory_alloc && blas_memory_free ? malloc((size_t)n * sizeof *buffer) : NULL;
  for (int k = 0; buffer && k < n; k++) buffer[k] = blas_memory_alloc(0);
  for (int k = 0; buffer && k < n; k++) blas_memory_free(buffer[k]);
  free(buffer);
}

static ftl_status start_blas(int callers, int threads, ftl_error *error) {
  if (is_limited()) {
    const size_t needed = (size_t)(callers + threads - 1) * BUFFER + (size_t)threads * ((size_t)9 << 20);
    if (!can_map(needed))
      return ftl_no_memory(error, NULL,
                           "the buffers of OpenBLAS: %zu MB of address space for %d thread%s, and %zu MB can be had; "
                           "raise the limit (ulimit -v)%s",
                           needed >> 20, callers, callers == 1 ? "" : "s", ftl_free_bytes() >> 20,
                           callers == 1 ? "" : ", or take fewer threads");
    have_buffers(callers);
  }
  openblas_set_num_threads(threads);
  return FTL_OK;
}

ftl_status ftl_work_start(int threads, int blas_threads, ftl_error *error) {
  const int n = threads > 0 ? threads : omp_get_max_threads();
  const int blas = blas_threads > 0 ? blas_threads : n, possible = ftl_threads_possible(n + blas - 2);
  if (possible < n + blas - 2)
    return ftl_no_memory(error, NULL,
                         "%d threads, of which %d can be made: take fewer threads, or raise the limits of memory "
                         "and processes (ulimit -v, -u)",
                         n + blas - 1, possible + 1);
  FTL_TRY(start_blas(n, blas, error));
  return ftl_threads_start(n, error);
}
