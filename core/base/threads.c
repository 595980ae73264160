#include "base/threads.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"

enum { SLACK = 1 << 20 }; /* bytes that OpenMP and the C library take besides a stack */

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t over;
  bool end;
} gate;

static void *wait_for_end(void *context) {
  gate *g = context;
  pthread_mutex_lock(&g->lock);
  while (!g->end) pthread_cond_wait(&g->over, &g->lock);
  pthread_mutex_unlock(&g->lock);
  return NULL;
}

/* OMP_STACKSIZE: a number, and B, K (if there is none), M or G. 0: the system's own size. */
static size_t stack_size(void) {
  const char *text = getenv("OMP_STACKSIZE"), *units = "bkmg";
  char *end = NULL;
  const unsigned long long number = text ? strtoull(text, &end, 10) : 0;
  if (!text || end == text || number > 1 << 24) return 0;
  end += strspn(end, " \t");
  const char *unit = *end ? strchr(units, *end | 0x20) : units + 1;
  return unit ? (size_t)number << (10 * (unit - units)) : 0;
}

int ftl_threads_possible(int n) {
  gate g = {.lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};
  pthread_t *thread = malloc(((size_t)n + 1) * sizeof *thread);
  pthread_attr_t attributes;
  int made = 0;
  if (!thread || pthread_attr_init(&attributes) != 0) {
    free(thread);
    return 0;
  }
  if (stack_size() > 0) pthread_attr_setstacksize(&attributes, stack_size());
  void *slack = mmap(NULL, ((size_t)n + 1) * SLACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  while (slack != MAP_FAILED && made < n && pthread_create(&thread[made], &attributes, wait_for_end, &g) == 0) made++;
  pthread_mutex_lock(&g.lock);
  g.end = true;
  pthread_cond_broadcast(&g.over);
  pthread_mutex_unlock(&g.lock);
  for (int k = 0; k < made; k++) pthread_join(thread[k], NULL);
  if (slack != MAP_FAILED) munmap(slack, ((size_t)n + 1) * SLACK);
  pthread_attr_destroy(&attributes);
  free(thread);
  return made;
}

ftl_status ftl_threads_check(int n, ftl_error *error) {
  const int possible = n > 1 ? ftl_threads_possible(n - 1) : 0;
  if (n > 1 && possible < n - 1)
    return ftl_no_memory(error, NULL,
                         "%d threads, of which %d can be made: take fewer threads, or raise the limits of memory "
                         "and processes (ulimit -v, -u)",
                         n, possible + 1);
  return FTL_OK;
}

ftl_status ftl_threads_start(int n, ftl_error *error) {
  const ftl_status status = ftl_threads_check(n, error);
  FTL_TRY(status);
#pragma omp parallel num_threads(n)
  { /* nothing: the team stays for later */
  }
  return FTL_OK;
}
