/* How a run talks to the program that asked for it. */
#ifndef FTL_HOST_H
#define FTL_HOST_H

#include <signal.h>

/* Called by one thread at a time. `phase` is of the run's own enum (ftl_train_phase, ftl_surrogate_phase): what ending
   the process would lose; it is told on every rank, the others are for rank 0. */
typedef struct {
  void *context;
  void (*say)(void *context, const char *text);                 /* what happens: settings, a line per epoch */
  void (*show)(void *context, const char *text);                /* results: what is trained, the final errors */
  void (*warn)(void *context, const char *text);                /* a sentence */
  void (*stage)(void *context, const char *what, double total); /* progress in `what` begins; NULL: it has ended */
  void (*progress)(void *context, double done, double total);
  void (*phase)(void *context, int phase);
  const volatile sig_atomic_t *stop; /* becomes nonzero: end in order; NULL: never */
} ftl_host;

#endif
