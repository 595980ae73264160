/* How irreps lie in memory for the stages: channels innermost, padded to whole 64-byte vectors. */
#ifndef FTL_LAYOUT_H
#define FTL_LAYOUT_H

#include "model/architecture.h"

typedef struct {
  int mul;    /* channels */
  int pad;    /* channels with padding: a multiple of the vector length; the padding is always zero */
  int l, p;   /* irrep */
  int d;      /* 2l+1 components */
  int offset; /* of [d][pad] in the row of one atom, in numbers */
} ftl_layout_block;

/* One atom's row is its blocks one after another. Where stages work on a block of n atoms together, the order is
   [block][atom][component][channel]: block b starts at n * offset, so that each irrep is one row-major matrix of n * d
   rows. */
typedef struct {
  int n;   /* blocks */
  int dim; /* numbers in a row, padding included */
  ftl_layout_block b[FTL_MAX_BLOCKS];
} ftl_layout;

/* Channels of one irrep. */
int ftl_layout_count(const ftl_layout *layout, int l, int p);
/* lanes: numbers in a 64-byte vector (8 for float64, 16 for float32). */
void ftl_layout_make(const ftl_irreps *irreps, int lanes, ftl_layout *layout);

#endif
