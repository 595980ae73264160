/* Memory of many arrays with one lifetime: reserve many, test once, free at once. Internal to core and train.

     ftl_arena memory = {0};
     x->a = ftl_arena_take(&memory, n, sizeof *x->a);
     x->b = ftl_arena_take(&memory, n, sizeof *x->b);
     FTL_TRY(ftl_arena_check(&memory, error, "the neighbours of %d atoms", n));

   After the first failure it gives nothing more, so that one test tells of all. Not for several threads at once. */
#ifndef FTL_ARENA_H
#define FTL_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "frozentl.h"

/* Zero-initialise, or with the first two. */
typedef struct {
  size_t chunk;         /* bytes of the first piece of memory that arrays share; every next one is twice as large. 0:
                           each array is a piece of its own, so that a tool sees what is written beyond it */
  bool (*enough)(void); /* asked after every piece whether enough is left for others; false: it failed */

  /* private but for reading */
  struct ftl_arena_piece *last;
  size_t used;  /* bytes of the last piece */
  size_t bytes; /* of all pieces */
  bool failed;
} ftl_arena;

/* count items of `size` bytes, at least 1, aligned to 64 bytes, zeroed; at least 64 bytes more may be read behind them.
   NULL once something could not be had, also for a size that cannot be. */
void *ftl_arena_take(ftl_arena *arena, size_t count, size_t size);
/* The same, not zeroed. */
void *ftl_arena_take_dirty(ftl_arena *arena, size_t count, size_t size);
/* A copy that ends with NUL. NULL as above, or of NULL. */
char *ftl_arena_text(ftl_arena *arena, const char *text);

/* FTL_ERR_MEMORY if anything could not be had: "no memory for " what. */
ftl_status ftl_arena_check(const ftl_arena *arena, ftl_error *error, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/* What is taken after ftl_arena_here goes back at once by ftl_arena_back, and what was taken before stays. The mark is
   good until what was there then is taken back itself. */
typedef struct {
  struct ftl_arena_piece *last;
  size_t used;
} ftl_arena_mark;
ftl_arena_mark ftl_arena_here(const ftl_arena *arena);
void ftl_arena_back(ftl_arena *arena, ftl_arena_mark mark);

/* Takes all back and forgets a failure; several pieces become one. */
void ftl_arena_reset(ftl_arena *arena);
/* Leaves it as it began. */
void ftl_arena_free(ftl_arena *arena);

#endif
