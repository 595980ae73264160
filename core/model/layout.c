#include "model/layout.h"

void ftl_layout_make(const ftl_irreps *irreps, int lanes, ftl_layout *layout) {
  layout->n = irreps->n;
  layout->dim = 0;
  for (int i = 0; i < irreps->n; i++) {
    ftl_layout_block *b = &layout->b[i];
    b->mul = irreps->block[i].mul;
    b->pad = (b->mul + lanes - 1) / lanes * lanes;
    b->l = irreps->block[i].l;
    b->p = irreps->block[i].p;
    b->d = 2 * b->l + 1;
    b->offset = layout->dim;
    layout->dim += b->d * b->pad;
  }
}

int ftl_layout_count(const ftl_layout *layout, int l, int p) {
  int count = 0;
  for (int b = 0; b < layout->n; b++)
    if (layout->b[b].l == l && layout->b[b].p == p) count += layout->b[b].mul;
  return count;
}
