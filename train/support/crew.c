#include "support/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { SPINS = 4000, YIELDS = 50 };

/* One place's slices. A slice is taken by counting `state` up from what was seen, which fails when these slices are
   gone and others in their place; who has taken one keeps the owner from going on until it is counted as done. */
typedef struct {
  _Alignas(128) atomic_uint_least64_t state; /* how many times there was work << 32 | slices << 16 | next slice */
  atomic_int done;
  ftl_slice slice;
  void *work;
} job;

struct ftl_crew {
  int n;
  atomic_int left, helping, asleep;
  pthread_mutex_t mutex; /* for those that sleep */
  pthread_cond_t news;
  job *job;
};

ftl_status ftl_crew_new(int n, ftl_crew **crew, ftl_error *error) {
  *crew = calloc(1, sizeof **crew);
  job *jobs = *crew ? aligned_alloc(128, (size_t)n * sizeof *jobs) : NULL;
  if (!jobs) {
    free(*crew);
    *crew = NULL;
    return ftl_no_memory(error, NULL, "%d threads", n);
  }
  for (int k = 0; k < n; k++) jobs[k] = (job){0};
  (*crew)->n = n;
  (*crew)->job = jobs;
  pthread_mutex_init(&(*crew)->mutex, NULL);
  pthread_cond_init(&(*crew)->news, NULL);
  return FTL_OK;
}

void ftl_crew_free(ftl_crew *crew) {
  if (!crew) return;
  pthread_mutex_destroy(&crew->mutex);
  pthread_cond_destroy(&crew->news);
  free(crew->job);
  free(crew);
}

static void wake(ftl_crew *crew) {
  if (atomic_load(&crew->asleep) == 0) return;
  pthread_mutex_lock(&crew->mutex);
  pthread_cond_broadcast(&crew->news);
  pthread_mutex_unlock(&crew->mutex);
}

void ftl_crew_begin(ftl_crew *crew, int structures) { atomic_store(&crew->left, structures); }

void ftl_crew_finished_one(ftl_crew *crew) {
  if (atomic_fetch_sub(&crew->left, 1) == 1) wake(crew);
}

static bool is_open(uint64_t state) { return (state & 0xffff) < (state >> 16 & 0xffff); }

/* Takes slices of a job while there are any. */
static bool work_on(job *own) {
  bool worked = false;
  uint64_t state = atomic_load(&own->state);
  while (is_open(state)) {
    if (!atomic_compare_exchange_weak(&own->state, &state, state + 1)) continue;
    own->slice(own->work, (int)(state & 0xffff));
    atomic_fetch_add(&own->done, 1);
    worked = true;
    state = atomic_load(&own->state);
  }
  return worked;
}

static void pause_a_little(int tries) {
  if (tries > SPINS) sched_yield();
#if defined(__x86_64__)
  else __builtin_ia32_pause();
#elif defined(__aarch64__)
  else __asm__ volatile("yield");
#endif
}

static bool is_news(ftl_crew *crew) {
  bool news = atomic_load(&crew->left) == 0;
  for (int k = 0; k < crew->n; k++) news = news || is_open(atomic_load(&crew->job[k].state));
  return news;
}

static void sleep_until_news(ftl_crew *crew) {
  pthread_mutex_lock(&crew->mutex);
  atomic_fetch_add(&crew->asleep, 1); /* before the look: who brings news after it sees this */
  while (!is_news(crew)) pthread_cond_wait(&crew->news, &crew->mutex);
  atomic_fetch_sub(&crew->asleep, 1);
  pthread_mutex_unlock(&crew->mutex);
}

void ftl_crew_help(ftl_crew *crew) {
  atomic_fetch_add(&crew->helping, 1);
  for (int tries = 0; atomic_load(&crew->left) > 0; tries++) {
    for (int k = 0; k < crew->n; k++)
      if (work_on(&crew->job[k])) tries = 0;
    if (tries > SPINS + YIELDS) sleep_until_news(crew), tries = 0;
    else if (tries) pause_a_little(tries);
  }
  atomic_fetch_sub(&crew->helping, 1);
}

void ftl_crew_run(ftl_crew *crew, int place, int n, ftl_slice slice, void *work) {
  if (n == 1 || ftl_crew_at_hand(crew) == 1) {
    for (int k = 0; k < n; k++) slice(work, k);
    return;
  }
  job *own = &crew->job[place];
  own->slice = slice;
  own->work = work;
  atomic_store(&own->done, 0);
  atomic_store(&own->state, ((atomic_load(&own->state) >> 32) + 1) << 32 | (uint64_t)n << 16);
  wake(crew);
  work_on(own);
  for (int tries = 0; atomic_load(&own->done) < n; tries++) pause_a_little(tries);
}

int ftl_crew_at_hand(ftl_crew *crew) { return crew ? 1 + atomic_load(&crew->helping) : 1; }
