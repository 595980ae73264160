/* The only state of the library that is not in a model or a workspace: how often this process was forked. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "engine/fork_team.h"

#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int generation;             /* forks between the first process and this one */
static atomic_int at_work;                /* calls that may have a team now */
static atomic_bool alone;                 /* the runtime of this process is not to be trusted with a team */
static _Thread_local bool leaves_trouble; /* from before_fork to after_fork, which the thread that forks runs */

/* OpenMP 5.0's, by name: in a Python that has imported torch first, the runtime may be torch's older libgomp, to which
   a library that needs this symbol could not be linked at all. */
static int (*pause_teams)(omp_pause_resource_t);

static void before_fork(void) { leaves_trouble = !pause_teams || pause_teams(omp_pause_hard) != 0 || at_work > 0; }

static void after_fork(void) {
  generation++;
  at_work = 0;
  if (leaves_trouble) alone = true;
}

static void watch_forks(void) {
  *(void **)&pause_teams = dlsym(RTLD_DEFAULT, "omp_pause_resource_all");
  pthread_atfork(before_fork, NULL, after_fork);
}

int ftl_team_generation(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  return generation;
}

int ftl_team(const ftl_workspace *ws) { return alone || ws->generation != generation ? 1 : ws->n_threads; }

void ftl_team_at_work(bool begins) { at_work += begins ? 1 : -1; }
