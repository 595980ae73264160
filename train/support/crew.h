/* Threads that help each other within a structure. Each of them has a place and works on structures of its own; one
   that finds no more of them helps the others until all are done. Work is handed out in slices, a fraction of a
   millisecond each: who has nothing to do spins for some microseconds, then yields, then sleeps. (A nested team of
   OpenMP costs more than such a slice takes.)

   Which thread takes a slice is left to chance; what a slice does must not depend on it. */
#ifndef FTL_CREW_H
#define FTL_CREW_H

#include "base/error.h"

typedef struct ftl_crew ftl_crew;
typedef void (*ftl_slice)(void *work, int slice);

/* For n threads. FTL_ERR_MEMORY. free accepts NULL. */
ftl_status ftl_crew_new(int n, ftl_crew **crew, ftl_error *error);
void ftl_crew_free(ftl_crew *crew);

/* Before the threads begin with so many structures together; and by who has finished one of them. */
void ftl_crew_begin(ftl_crew *crew, int structures);
void ftl_crew_finished_one(ftl_crew *crew);
/* Helps until every structure is finished. */
void ftl_crew_help(ftl_crew *crew);

/* Calls slice(work, k) for k = 0 to n - 1 < 65536, by the thread of this place and who helps, and returns when all are
   done. crew NULL: by the caller alone. A slice must not call this again. */
void ftl_crew_run(ftl_crew *crew, int place, int n, ftl_slice slice, void *work);

/* Threads that would take slices now, the caller among them. Changes at any time. */
int ftl_crew_at_hand(ftl_crew *crew);

#endif
