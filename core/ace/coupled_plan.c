/* Which products an element's functions share: functions of the same channels are taken together, those of most factors
   first, and each group is cut into two parts where that costs the fewest multiplications besides what is there. */
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "ace/coupled_fit.h"
#include "ace/coupled_plan.h"
#include "base/error.h"

/* What a multiplication of the three directions of a coupling costs, in those of the form. */
enum { COUPLING_COST = 3, DOT_COST = 2 };

/* A function, and its factors as sorted numbers that tell channels apart, l first. */
typedef struct {
  int rank, key[FTL_ACE_MAX_RANK];
  const ftl_ace_function *function;
} entry;

typedef struct {
  ftl_ace_plan *plan;
  ftl_ace_couplings *couplings;
  const int *species_of;
} planner;

/* ---- products ---- */

static int find(const ftl_ace_plan *plan, int parent, int channel, int l) {
  int k = plan->product[parent].first_child;
  while (k >= 0 && (plan->product[k].channel != channel || plan->product[k].l != l)) k = plan->product[k].next;
  return k;
}

static int find_channel(const ftl_ace_plan *plan, int mu, int n, int l) {
  for (int k = 0; k < plan->n_products; k++) {
    const ftl_ace_product *p = &plan->product[k];
    if (p->parent < 0 && p->mu == mu && p->n == n && p->l == l) return k;
  }
  return -1;
}

/* -1: no memory. */
static int add_product(ftl_ace_plan *plan, const ftl_ace_product *product) {
  if (plan->n_products == plan->room_products) {
    const int room = 2 * plan->room_products + 64;
    ftl_ace_product *more = realloc(plan->product, (size_t)room * sizeof *more);
    if (!more) return -1;
    plan->product = more;
    plan->room_products = room;
  }
  const int k = plan->n_products++;
  plan->product[k] = *product;
  plan->product[k].first_child = plan->product[k].next = -1;
  if (product->parent >= 0) {
    plan->product[k].next = plan->product[product->parent].first_child;
    plan->product[product->parent].first_child = k;
  }
  return k;
}

static int channel_of(planner *p, int mu, int n, int l) {
  const int found = find_channel(p->plan, mu, n, l);
  if (found >= 0) return found;
  const int z = p->species_of[mu];
  return add_product(
      p->plan,
      &(ftl_ace_product){.parent = -1, .l = l, .mu = mu, .n = n, .z = z, .order = 1, .species = z < 32 ? 1u << z : 0});
}

static int product_of(planner *p, int parent, int channel, int l) {
  const ftl_ace_product *a = &p->plan->product[parent], *b = &p->plan->product[channel];
  const int found = find(p->plan, parent, channel, l);
  if (found >= 0) return found;
  const int kind = ftl_ace_coupling_of(p->couplings, a->l, b->l, l);
  if (kind < 0) return -1;
  return add_product(p->plan, &(ftl_ace_product){.parent = parent,
                                                 .channel = channel,
                                                 .l = l,
                                                 .kind = kind,
                                                 .order = a->order + 1,
                                                 .species = a->species | b->species});
}

/* The products along a state; -1: no memory. */
static int state_product(planner *p, const int *channel, unsigned set, const int *l) {
  int at = -1, depth = 0;
  for (int k = 0; set >> k; k++) {
    if (!(set >> k & 1)) continue;
    at = depth == 0 ? channel[k] : product_of(p, at, channel[k], l[depth]);
    if (at < 0) return -1;
    depth++;
  }
  return at;
}

/* ---- costs ---- */

/* Multiplications of the products of all states that are not there. States are in the order of their paths. -1: no
   memory. */
static int64_t states_cost(const planner *p, const int *channel, unsigned set, const ftl_ace_states *s) {
  int64_t cost = 0;
  int of[FTL_ACE_MAX_SIDE], n = 0, at[FTL_ACE_MAX_SIDE];
  for (int k = 0; set >> k; k++)
    if (set >> k & 1) of[n++] = channel[k];
  at[0] = of[0];
  for (int k = 0; k < s->n; k++) {
    int same = 1;
    while (k > 0 && same < n && s->l[k][same] == s->l[k - 1][same]) same++;
    for (int d = same; d < n; d++) {
      const int l1 = s->l[k][d - 1], l2 = p->plan->product[of[d]].l, l = s->l[k][d];
      at[d] = at[d - 1] < 0 ? -1 : find(p->plan, at[d - 1], of[d], l);
      if (at[d] >= 0) continue;
      const int kind = ftl_ace_coupling_of(p->couplings, l1, l2, l);
      if (kind < 0) return -1;
      cost += COUPLING_COST * (int64_t)p->couplings->kind[kind].way[FTL_ACE_TO_PRODUCT].first[2 * l + 1];
    }
  }
  return cost;
}

static int64_t split_cost(const planner *p, const int *channel, int rank, const ftl_ace_split *split) {
  const unsigned right_set = ((1u << rank) - 1) & ~split->left_set;
  const int64_t left = states_cost(p, channel, split->left_set, &split->left);
  const int64_t right = states_cost(p, channel, right_set, &split->right);
  int64_t cost = left + right;
  if (left < 0 || right < 0) return -1;
  for (int k = 0; k < split->n_pairs; k++)
    cost += DOT_COST * (2 * split->left.l[split->pair[k][0]][split->left.order - 1] + 2);
  return cost;
}

static int bits(unsigned set) {
  int n = 0;
  for (; set; set &= set - 1) n++;
  return n;
}

/* *found is false if none can be had. */
static ftl_status choose_split(const planner *p, const ftl_ace_alike *group, const int *channel, ftl_ace_split *best,
                               bool *found, ftl_error *error) {
  int64_t least = INT64_MAX, cost = 0;
  ftl_ace_split *split = malloc(sizeof *split);
  for (unsigned set = 1; split && cost >= 0 && set < 1u << group->rank; set++) {
    if (bits(set) != (group->rank + 1) / 2 || !ftl_ace_split_make(group, set, split)) continue;
    cost = split_cost(p, channel, group->rank, split);
    if (cost < 0 || cost >= least) continue;
    least = cost;
    *best = *split;
  }
  *found = least < INT64_MAX;
  if (!split || cost < 0) return ftl_no_memory(error, NULL, "the potential's products");
  free(split);
  return FTL_OK;
}

/* ---- groups ---- */

static int compare_ints(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Most factors first. */
static int compare_entries(const void *pa, const void *pb) {
  const entry *a = pa, *b = pb;
  if (a->rank != b->rank) return b->rank - a->rank;
  for (int k = 0; k < a->rank; k++)
    if (a->key[k] != b->key[k]) return a->key[k] - b->key[k];
  return 0;
}

static bool kept(const planner *p, const ftl_ace_function *f) {
  bool all = f->n_m > 0;
  for (int t = 0; t < f->rank; t++) all = all && p->species_of[f->mu[t]] >= 0;
  return all;
}

static bool add_dot(ftl_ace_plan *plan, int x, int y, const double *c) {
  const size_t n_density = (size_t)plan->n_density;
  if (plan->n_dots == plan->room_dots) {
    const int room = 2 * plan->room_dots + 64;
    ftl_ace_dot *more = realloc(plan->dot, (size_t)room * sizeof *more);
    if (more) plan->dot = more;
    double *more_c = realloc(plan->c, (size_t)room * n_density * sizeof *more_c);
    if (more_c) plan->c = more_c;
    if (!more || !more_c) return false;
    plan->room_dots = room;
  }
  plan->dot[plan->n_dots] = (ftl_ace_dot){x, y};
  memcpy(plan->c + (size_t)plan->n_dots++ * n_density, c, n_density * sizeof *c);
  return true;
}

static ftl_status add_group(planner *p, const ftl_ace_alike *group, ftl_ace_split *split, bool *exact,
                            ftl_error *error) {
  const int n_density = p->plan->n_density;
  int channel[FTL_ACE_MAX_RANK];
  double c[FTL_ACE_MAX_FORM * FTL_ACE_MAX_DENSITY];
  for (int k = 0; k < group->rank; k++) {
    channel[k] = channel_of(p, group->mu[k], group->n[k], group->l[k]);
    if (channel[k] < 0) return ftl_no_memory(error, NULL, "the potential's products");
  }
  FTL_TRY(choose_split(p, group, channel, split, exact, error));
  if (*exact) FTL_TRY(ftl_ace_split_fit(p->couplings, group, split, c, exact, error));
  for (int k = 0; k < split->n_pairs && *exact; k++) {
    bool used = false;
    for (int q = 0; q < n_density; q++) used = used || c[k * n_density + q] != 0;
    if (!used) continue;
    const int x = state_product(p, channel, split->left_set, split->left.l[split->pair[k][0]]);
    const int y =
        state_product(p, channel, ((1u << group->rank) - 1) & ~split->left_set, split->right.l[split->pair[k][1]]);
    if (x < 0 || y < 0 || !add_dot(p->plan, x, y, c + k * n_density))
      return ftl_no_memory(error, NULL, "the potential's products");
  }
  return FTL_OK;
}

/* All of rank 2 and above. */
static ftl_status add_functions(planner *p, const ftl_ace *ace, const ftl_ace_file *file, int mu, bool *exact,
                                ftl_error *error) {
  const size_t room = (size_t)file->n_functions[mu] + 1;
  entry *list = malloc(room * sizeof *list);
  const ftl_ace_function **functions = malloc(room * sizeof *functions);
  ftl_ace_split *split = malloc(sizeof *split);
  ftl_status status = FTL_OK;
  int n = 0;
  *exact = true;
  if (!list || !functions || !split) status = ftl_no_memory(error, NULL, "the potential's products");
  for (int k = 0; k < file->n_functions[mu] && !status; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    if (f->rank < 2 || !kept(p, f)) continue;
    list[n] = (entry){.rank = f->rank, .function = f};
    for (int t = 0; t < f->rank; t++)
      list[n].key[t] = (f->l[t] * file->n_elements + f->mu[t]) * 8 * ace->n_chunks + f->n[t];
    qsort(list[n].key, (size_t)f->rank, sizeof(int), compare_ints);
    n++;
  }
  if (!status) qsort(list, (size_t)n, sizeof *list, compare_entries);
  for (int first = 0, last; first < n && !status && *exact; first = last) {
    ftl_ace_alike group = {.rank = list[first].rank, .function = functions};
    for (last = first; last < n && compare_entries(&list[first], &list[last]) == 0; last++)
      functions[group.n_functions++] = list[last].function;
    for (int k = 0; k < group.rank; k++) {
      const int key = list[first].key[k], pad = 8 * ace->n_chunks;
      group.n[k] = key % pad;
      group.mu[k] = key / pad % file->n_elements;
      group.l[k] = key / pad / file->n_elements;
      group.slot[k] = k == 0 ? 0 : group.slot[k - 1] + (key != list[first].key[k - 1]);
    }
    status = add_group(p, &group, split, exact, error);
  }
  free(list);
  free(functions);
  free(split);
  return status;
}

static ftl_status add_alone(planner *p, const ftl_ace_file *file, int mu, ftl_error *error) {
  ftl_ace_plan *plan = p->plan;
  const size_t room = (size_t)file->n_functions[mu] + 1, n_density = (size_t)plan->n_density;
  plan->alone = malloc(room * sizeof *plan->alone);
  plan->alone_c = malloc(room * n_density * sizeof *plan->alone_c);
  if (!plan->alone || !plan->alone_c) return ftl_no_memory(error, NULL, "the potential's products");
  for (int k = 0; k < file->n_functions[mu]; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    if (f->rank > 1 || !kept(p, f)) continue;
    const int channel = channel_of(p, f->mu[0], f->n[0], 0);
    if (channel < 0) return ftl_no_memory(error, NULL, "the potential's products");
    memcpy(plan->alone_c + (size_t)plan->n_alone * n_density, f->c, n_density * sizeof(double));
    plan->alone[plan->n_alone++] = channel;
  }
  return FTL_OK;
}

ftl_status ftl_ace_plan_make(ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of, ftl_ace_plan **out,
                             ftl_error *error) {
  planner p = {calloc(1, sizeof *p.plan), &ace->couplings, species_of};
  bool exact = true;
  *out = NULL;
  if (!p.plan) return ftl_no_memory(error, NULL, "the potential's products");
  p.plan->n_density = file->embedding[mu].n_density;
  ftl_status status = add_functions(&p, ace, file, mu, &exact, error);
  if (!status && exact && ace->n_linear == 0) status = add_alone(&p, file, mu, error);
  if (status || !exact) ftl_ace_plan_free(p.plan);
  else *out = p.plan;
  return status;
}

void ftl_ace_plan_free(ftl_ace_plan *plan) {
  if (!plan) return;
  free(plan->product);
  free(plan->dot);
  free(plan->c);
  free(plan->alone);
  free(plan->alone_c);
  free(plan);
}
