/* Every array of an opened model, one after another: what sharing a model between processes is made of
   (engine/share.c).

   An engine lists its arrays in a function of this kind, from outer to inner: an array of structures first, then the
   arrays that these point to. A list may read what stands before in it, also while a model is being put together. An
   array that is NULL is passed over; counts are those of the allocation, or of its part in use. */
#ifndef FTL_ARRAYS_H
#define FTL_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frozentl.h"

typedef struct ftl_arrays ftl_arrays;
struct ftl_arrays {
  /* What is done with an array that is there: `pointer` is its pointer's address; `bytes` FTL_TEXT_BYTES: of text, up
     to its NUL. */
  ftl_status (*each)(ftl_arrays *arrays, void *pointer, size_t bytes, bool numbers, ftl_error *error);
};

#define FTL_TEXT_BYTES SIZE_MAX

/* Numbers are what nothing is indexed by: whatever they are, memory is safe. */
ftl_status ftl_array(ftl_arrays *arrays, void *pointer, size_t count, size_t size, bool numbers, ftl_error *error);

/* In a list, `arrays` and `error` are its arguments: structures and indices; numbers of `size` bytes, of which the
   kernels may read 64 bytes more; double. */
#define FTL_STRUCTURE(array, count)     FTL_TRY(ftl_array(arrays, &(array), (size_t)(count), sizeof *(array), false, error))
#define FTL_NUMBERS(array, count, size) FTL_TRY(ftl_array(arrays, &(array), (size_t)(count), (size), true, error))
#define FTL_DOUBLES(array, count)       FTL_NUMBERS(array, count, sizeof(double))
#define FTL_TEXT(array)                 FTL_TRY(ftl_array(arrays, &(array), 1, FTL_TEXT_BYTES, false, error))

#endif
