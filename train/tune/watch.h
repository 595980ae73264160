/* Whether the loss has left all bounds though it is finite: the mean of a window of steps, and the last of them, is
   above a thousand times the smallest such mean of the same stage, and above what a model gives that knows nothing.
   Plain numbers: they are part of the state of a run. */
#ifndef FTL_WATCH_H
#define FTL_WATCH_H

#include "tune/loss.h"

enum { FTL_WATCH_STEPS = 50 }; /* of a window; those of an epoch when it has fewer */
#define FTL_WATCH_FACTOR 1000

typedef struct {
  double reference; /* loss on valid when the stage began */
  double smallest;  /* mean of a window; INFINITY before the first step */
  double sum;       /* of the window so far */
  int64_t steps;    /* in it */
} ftl_watch;

/* At the beginning of a stage. A loss on valid of NAN is as none. */
void ftl_watch_start(ftl_watch *watch, double valid_loss);
/* After a step; window in steps. True: the loss diverges, and *mean is that of the window. */
bool ftl_watch_step(ftl_watch *watch, double loss, int64_t window, double bound, double *mean);

/* The loss of errors of 1 eV/atom, 1 eV/Angstrom and 0.1 eV/Angstrom^3 on the structure with the largest weights. */
double ftl_watch_bound(const ftl_loss *loss, const ftl_dataset *dataset);

#endif
