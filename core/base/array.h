/* The array that grows. Internal to core and train. */
#ifndef FTL_ARRAY_H
#define FTL_ARRAY_H

#include <stddef.h>

#include "frozentl.h"

/* Room for `need` items of an array with room for `room` (size_t), and for half as many again; contents are kept, new
   room is not zeroed. FTL_ERR_MEMORY, also for a size that cannot be: both are as before. `what` is what
   the array is, for the message: FTL_TRY(FTL_GROW(set->frame, set->room, set->n + 1, "the frames", error)). */
#define FTL_GROW(array, room, need, what, error)                                                                       \
  ftl_array_grow(&(array), &(room), (size_t)(need), sizeof *(array), what, error)

/* The same; `array` is the address of the pointer. */
ftl_status ftl_array_grow(void *array, size_t *room, size_t need, size_t size, const char *what, ftl_error *error);

#endif
