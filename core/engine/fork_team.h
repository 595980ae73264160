/* Teams of OpenMP threads, and fork. Internal. */
#ifndef FTL_TEAM_H
#define FTL_TEAM_H

#include "engine/workspace.h"

/* After a fork the child has one thread, and what OpenMP's runtime remembers of the others waits for ever: libgomp
   takes the parent's team for its own. So before a fork the team of the thread that forks is sent home, and the child
   begins with none. There, a workspace of the parent computes with one thread: of what forks to share work, each child
   should take one core. A workspace made in the child has the threads that it was made with, unless the fork came while
   another thread was at work (then nobody knows which locks of the runtime it held): from then on one thread does all.
 */

/* Called when a workspace is made: sees to it that forks are noticed, and returns which child of a child this is. */
int ftl_team_generation(void);

/* Threads for a parallel loop over ws->thread: n_threads or 1. The partition stays, so the answer is the same to the
 * bit. */
int ftl_team(const ftl_workspace *ws);

/* Around work of a workspace that may run beside another thread's fork. */
void ftl_team_at_work(bool begins);

#endif
