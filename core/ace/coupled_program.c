/* A plan of products as kernels go through it: places, batches of couplings, rows of the form (coupled.h). */
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "ace/coupled_plan.h"
#include "base/error.h"

/* Products in the order in which they are computed, or rows are gone through. */
typedef struct {
  int product, level, kind, parent;
} ordered;

static int compare(const void *pa, const void *pb) {
  const ordered *a = pa, *b = pb;
  if (a->level != b->level) return a->level - b->level;
  if (a->kind != b->kind) return a->kind - b->kind;
  if (a->parent != b->parent) return a->parent - b->parent;
  return a->product - b->product;
}

typedef struct {
  const ftl_ace *ace;
  const ftl_ace_plan *plan;
  ftl_ace_coupled *to;
  int n, *place, *n_others;
  ordered *list;
} builder;

static bool within(unsigned part, unsigned all) { return (part & ~all) == 0; }

static void mark(const ftl_ace_plan *plan, int k, int *place) {
  for (; k >= 0 && place[k] < 0; k = plan->product[k].parent) {
    place[k] = 0;
    if (plan->product[k].parent >= 0) place[plan->product[k].channel] = 0;
  }
}

/* Products in use, channels first, and their places. */
static void list_products(builder *b, unsigned set) {
  const ftl_ace_plan *plan = b->plan;
  for (int k = 0; k < plan->n_products; k++) b->place[k] = -1;
  for (int k = 0; k < plan->n_dots; k++) {
    const ftl_ace_dot *dot = &plan->dot[k];
    if (!within(plan->product[dot->x].species | plan->product[dot->y].species, set)) continue;
    mark(plan, dot->x, b->place);
    mark(plan, dot->y, b->place);
    b->n_others[dot->x]++;
    b->n_others[dot->y] += dot->x != dot->y;
  }
  for (int k = 0; k < plan->n_alone; k++)
    if (within(plan->product[plan->alone[k]].species, set)) mark(plan, plan->alone[k], b->place);
  for (int k = 0; k < plan->n_products; k++) {
    const ftl_ace_product *p = &plan->product[k];
    if (b->place[k] >= 0) b->list[b->n++] = (ordered){k, p->order, p->parent < 0 ? 0 : p->kind, p->parent};
  }
  qsort(b->list, (size_t)b->n, sizeof *b->list, compare);
  for (int k = 0; k < b->n; k++) {
    b->place[b->list[k].product] = b->to->n_places;
    b->to->n_places += 2 * plan->product[b->list[k].product].l + 1;
  }
}

static void write_products(builder *b) {
  const ftl_ace_plan *plan = b->plan;
  const int pad = 8 * b->ace->n_chunks;
  ftl_ace_coupling_batch *batch = NULL;
  for (int k = 0; k < b->n; k++) {
    const ftl_ace_product *p = &plan->product[b->list[k].product];
    const int place = b->place[b->list[k].product];
    if (p->parent < 0) {
      b->to->channel[b->to->n_channels++] =
          (ftl_ace_channel){(p->z * b->ace->n_lm + p->l * p->l) * pad + p->n, p->l, place};
      continue;
    }
    if (!batch || batch->n == FTL_ACE_BATCH || batch->kind != p->kind || b->list[k - 1].level != p->order) {
      batch = &b->to->batch[b->to->n_batches++];
      *batch = (ftl_ace_coupling_batch){.shared = true, .kind = p->kind};
    }
    batch->x[batch->n] = b->place[p->parent];
    batch->y[batch->n] = b->place[p->channel];
    batch->z[batch->n++] = place;
    batch->shared = batch->shared && batch->x[batch->n - 1] == batch->x[0];
  }
}

/* Rows of products of few components first: loops of the same length follow each other. */
static void write_form(builder *b, unsigned set) {
  const ftl_ace_plan *plan = b->plan;
  const size_t n_density = (size_t)plan->n_density;
  int *next = b->n_others; /* of a product's row */
  for (int k = 0; k < b->n; k++) {
    b->list[k].level = plan->product[b->list[k].product].l;
    b->list[k].kind = b->n_others[b->list[k].product];
  }
  qsort(b->list, (size_t)b->n, sizeof *b->list, compare);
  for (int k = 0, first = 0; k < b->n; k++) {
    const int q = b->list[k].product, n = b->n_others[q];
    b->to->row[b->to->n_rows++] = (ftl_ace_form_row){b->place[q], 2 * plan->product[q].l + 1, n};
    next[q] = first;
    first += n;
  }
  for (int k = 0; k < plan->n_dots; k++) {
    const ftl_ace_dot *dot = &plan->dot[k];
    if (!within(plan->product[dot->x].species | plan->product[dot->y].species, set)) continue;
    for (int side = 0; side < (dot->x == dot->y ? 1 : 2); side++) {
      const int at = next[side ? dot->y : dot->x]++;
      b->to->other[at] = b->place[side ? dot->x : dot->y];
      for (size_t p = 0; p < n_density; p++)
        b->to->c[(size_t)at * n_density + p] = (dot->x == dot->y ? 2 : 1) * plan->c[(size_t)k * n_density + p];
    }
  }
}

static void write_alone(builder *b, unsigned set) {
  const ftl_ace_plan *plan = b->plan;
  const size_t n_density = (size_t)plan->n_density;
  for (int k = 0; k < plan->n_alone; k++) {
    if (!within(plan->product[plan->alone[k]].species, set)) continue;
    memcpy(b->to->alone_c + (size_t)b->to->n_alone * n_density, plan->alone_c + (size_t)k * n_density,
           n_density * sizeof(double));
    b->to->alone[b->to->n_alone++] = b->place[plan->alone[k]];
  }
}

ftl_status ftl_ace_coupled_make(const ftl_ace *ace, const ftl_ace_plan *plan, unsigned set, ftl_ace_coupled *to,
                                ftl_error *error) {
  builder b = {.ace = ace, .plan = plan, .to = to};
  const size_t n = (size_t)plan->n_products + 1, n_density = (size_t)plan->n_density;
  ftl_arena scratch = {0};
  memset(to, 0, sizeof *to);
  b.place = ftl_arena_take(&scratch, n, sizeof *b.place);
  b.n_others = ftl_arena_take(&scratch, n, sizeof *b.n_others);
  b.list = ftl_arena_take(&scratch, n, sizeof *b.list);
  ftl_status status = ftl_arena_check(&scratch, error, "the potential's products");
  if (!status) list_products(&b, set);
  to->memory.chunk = 1 << 14;
  const size_t used = (size_t)b.n + 1;
  size_t others = 1;
  for (int k = 0; k < b.n; k++) others += (size_t)b.n_others[b.list[k].product];
  to->channel = ftl_arena_take_dirty(&to->memory, used, sizeof *to->channel);
  to->batch = ftl_arena_take_dirty(&to->memory, used, sizeof *to->batch);
  to->row = ftl_arena_take_dirty(&to->memory, used, sizeof *to->row);
  to->other = ftl_arena_take_dirty(&to->memory, others, sizeof *to->other);
  to->c = ftl_arena_take_dirty(&to->memory, others * n_density, sizeof *to->c);
  to->alone = ftl_arena_take_dirty(&to->memory, (size_t)plan->n_alone + 1, sizeof *to->alone);
  to->alone_c = ftl_arena_take_dirty(&to->memory, ((size_t)plan->n_alone + 1) * n_density, sizeof *to->alone_c);
  if (!status) status = ftl_arena_check(&to->memory, error, "the potential's products");
  if (!status) {
    write_products(&b);
    write_form(&b, set);
    write_alone(&b, set);
  }
  ftl_arena_free(&scratch);
  return status;
}
