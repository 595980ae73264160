#include "ace/descriptors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "ace/descriptors_plan.h"
#include "model/prepared.h"
#include "model/kernels.h"
#include "base/error.h"

#define DECLARE(isa) extern const ftl_descriptor_build ftl_descriptor_build_##isa;
#define BUILD(isa)   {#isa, &ftl_descriptor_build_##isa},
FTL_FOR_EACH_ISA(DECLARE)

static ftl_status choose_build(const ftl_descriptor_build **chosen, ftl_error *error) {
  static const struct {
    const char *isa;
    const ftl_descriptor_build *build;
  } builds[] = {FTL_FOR_EACH_ISA(BUILD)};
  const ftl_kernels *kernels;
  ftl_status status = ftl_kernels_choose(FTL_DOUBLE, &kernels, error);
  for (size_t k = 0; !status && k < sizeof builds / sizeof *builds; k++)
    if (strcmp(builds[k].isa, kernels->isa) == 0) *chosen = builds[k].build;
  return status;
}

/* ---- plan ---- */

static bool trivial_radial(const ftl_ace_bond *b) {
  for (int n = 0; n < b->n_radial; n++)
    for (int l = 0; l <= b->lmax; l++)
      for (int k = 0; k < b->n_base; k++)
        if (b->coefficient[(n * (b->lmax + 1) + l) * b->n_base + k] != (n == k)) return false;
  return true;
}

static int label_of(const ftl_descriptors *plan, int n, int l, int m) {
  if (l == 0) return n;
  return plan->n_base + plan->n_radial * (l * (l + 1) / 2 - 1) + n * (l + 1) + m;
}

static bool make_labels(ftl_descriptors *plan) {
  plan->n_labels = label_of(plan, 0, plan->lmax + 1, 0);
  plan->label_n = calloc((size_t)plan->n_labels, sizeof(int));
  plan->label_lm = calloc((size_t)plan->n_labels, sizeof(int));
  if (!plan->label_n || !plan->label_lm) return false;
  for (int l = 0; l <= plan->lmax; l++)
    for (int n = 0; n < (l == 0 ? plan->n_base : plan->n_radial); n++)
      for (int m = 0; m <= l; m++) {
        plan->label_n[label_of(plan, n, l, m)] = n;
        plan->label_lm[label_of(plan, n, l, m)] = l * (l + 1) / 2 + m;
      }
  return true;
}

/* Slots of f in order of mu, so that the lanes of an element are gone through once. Returns how many. */
static int list_slots(const ftl_descriptors *plan, const ftl_ace_function *f, ftl_descriptor_slot *slot) {
  int n = 0;
  for (int mu = 0; mu < plan->n_species; mu++)
    for (int t = 0; t < f->rank; t++)
      for (int k = 0; k < f->n_m && f->mu[t] == mu; k++) {
        int label = label_of(plan, f->n[t], f->l[t], abs(f->m[k * f->rank + t])), at = 0;
        while (at < n && (slot[at].mu != mu || slot[at].label != label)) at++;
        if (at == n) slot[n++] = (ftl_descriptor_slot){label, mu};
      }
  return n;
}

static void make_factors(const ftl_descriptors *plan, const ftl_ace_function *f, const ftl_descriptor_function *g,
                         ftl_descriptor_factor *factor) {
  for (int k = 0; k < f->n_m; k++)
    for (int t = 0; t < f->rank; t++) {
      int m = f->m[k * f->rank + t], label = label_of(plan, f->n[t], f->l[t], abs(m)), at = 0;
      while (g->slot[at].mu != f->mu[t] || g->slot[at].label != label) at++;
      double sign = m < 0 && m % 2 ? -1 : 1;
      factor[k * f->rank + t] = (ftl_descriptor_factor){at, sign, m < 0 ? -sign : m == 0 ? 0 : 1};
    }
}

static bool make_functions(ftl_descriptors *plan) {
  const ftl_ace_file *file = plan->file;
  size_t n_terms = 0, n_factors = 0;
  for (int mu = 0; mu < plan->n_species; mu++)
    for (int k = 0; k < file->n_functions[mu]; k++) {
      n_terms += (size_t)file->function[mu][k].n_m;
      n_factors += (size_t)file->function[mu][k].n_m * (size_t)file->function[mu][k].rank;
    }
  plan->slot = malloc((n_factors + 1) * sizeof *plan->slot); /* a slot has a factor at least */
  plan->c = malloc((n_terms + 1) * sizeof *plan->c);
  plan->factor = malloc((n_factors + 1) * sizeof *plan->factor);
  if (!plan->slot || !plan->c || !plan->factor) return false;
  ftl_descriptor_slot *slot = plan->slot;
  ftl_descriptor_factor *factor = plan->factor;
  double *c = plan->c;
  for (int mu = 0; mu < plan->n_species; mu++) {
    int n = file->n_functions[mu];
    plan->function[mu] = calloc((size_t)n + 1, sizeof **plan->function);
    if (!plan->function[mu]) return false;
    if (n > plan->max_functions) plan->max_functions = n;
    for (int k = 0; k < n; k++) {
      const ftl_ace_function *f = &file->function[mu][k];
      ftl_descriptor_function *g = &plan->function[mu][k];
      *g = (ftl_descriptor_function){f->rank, list_slots(plan, f, slot), f->n_m, slot, c, factor};
      make_factors(plan, f, g, factor);
      memcpy(c, f->c, (size_t)f->n_m * sizeof *c);
      slot += g->n_slots;
      factor += f->n_m * f->rank;
      c += f->n_m;
      if (g->n_slots > plan->max_slots) plan->max_slots = g->n_slots;
    }
  }
  return true;
}

ftl_status ftl_descriptors_new(const ftl_surrogate *surrogate, ftl_descriptors **out, ftl_error *error) {
  const ftl_ace_file *file = &surrogate->file;
  ftl_descriptors *plan = *out = calloc(1, sizeof *plan);
  if (!plan) return ftl_no_memory(error, NULL, "the functions of a basis");
  *plan = (ftl_descriptors){.file = file,
                            .n_species = file->n_elements,
                            .lmax = file->bond[0].lmax,
                            .n_base = file->bond[0].n_base,
                            .n_radial = file->bond[0].n_radial};
  plan->n_lm = (plan->lmax + 1) * (plan->lmax + 2) / 2;
  ftl_status status = choose_build(&plan->build, error);
  for (int k = 0; k < file->n_elements * file->n_elements && !status; k++) {
    const ftl_ace_bond *b = &file->bond[k];
    if (b->n_base != plan->n_base || b->n_radial != plan->n_radial || b->lmax != plan->lmax || !trivial_radial(b))
      status = ftl_fail(error, FTL_ERR_UNSUPPORTED, NULL,
                        "only a basis whose R_nl are the g_n, alike for all pairs, can be fitted");
  }
  if (!status && (!make_labels(plan) || !make_functions(plan)))
    status = ftl_no_memory(error, NULL, "the functions of a basis");
  if (!status) return FTL_OK;
  ftl_descriptors_free(plan);
  *out = NULL;
  return status;
}

void ftl_descriptors_free(ftl_descriptors *plan) {
  if (!plan) return;
  for (int mu = 0; mu < plan->n_species; mu++) free(plan->function[mu]);
  free(plan->slot);
  free(plan->c);
  free(plan->factor);
  free(plan->label_n);
  free(plan->label_lm);
  free(plan);
}

/* ---- scratch ---- */

ftl_status ftl_descriptor_scratch_new(const ftl_descriptors *plan, ftl_descriptor_scratch **out, ftl_error *error) {
  ftl_descriptor_scratch *s = *out = calloc(1, sizeof *s);
  if (!s) return ftl_no_memory(error, NULL, "the functions of an atom");
  s->a = ftl_arena_take(&s->atom, 2 * (size_t)plan->n_species * (size_t)plan->n_labels, sizeof *s->a);
  s->adjoint = ftl_arena_take(&s->atom, 2 * (size_t)plan->max_slots, sizeof *s->adjoint);
  s->value = ftl_arena_take(&s->atom, (size_t)plan->max_functions, sizeof *s->value);
  s->total = ftl_arena_take(&s->atom, 9 * (size_t)plan->max_functions, sizeof *s->total);
  const ftl_status status = ftl_arena_check(&s->atom, error, "the functions of an atom");
  if (!status) return FTL_OK;
  ftl_descriptor_scratch_free(s);
  *out = NULL;
  return status;
}

void ftl_descriptor_scratch_free(ftl_descriptor_scratch *s) {
  if (!s) return;
  ftl_arena_free(&s->atom);
  ftl_arena_free(&s->lanes);
  ftl_arena_free(&s->sums);
  free(s);
}

static bool make_room(const ftl_descriptors *plan, ftl_descriptor_scratch *s, int n_lanes) {
  if (n_lanes <= s->room) return true;
  size_t room = ((size_t)n_lanes + 23) / 8 * 8, lane = room * sizeof(double);
  ftl_arena *memory = &s->lanes;
  ftl_arena_free(memory);
  s->edge = ftl_arena_take(memory, room, sizeof *s->edge);
  s->direction = ftl_arena_take(memory, 3, lane);
  s->vector = ftl_arena_take(memory, 3, lane);
  s->inverse = ftl_arena_take(memory, 1, lane);
  s->g = ftl_arena_take(memory, (size_t)plan->n_base, lane);
  s->dg = ftl_arena_take(memory, (size_t)plan->n_base, lane);
  s->y = ftl_arena_take(memory, 2 * (size_t)plan->n_lm, lane);
  s->dy = ftl_arena_take(memory, 6 * (size_t)plan->n_lm, lane);
  s->da = ftl_arena_take(memory, 6 * (size_t)plan->n_labels, lane);
  s->slope = ftl_arena_take(memory, 3 * (size_t)plan->max_functions, lane);
  s->room = memory->failed ? 0 : (int)room;
  return !memory->failed;
}

/* ---- an atom ---- */

static double length(const double v[3]) { return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

/* Geometry and radial functions of the edge in a lane. */
static void fill_lane(const ftl_descriptors *plan, ftl_descriptor_scratch *s, const ftl_ace_bond *bond, int lane, int e,
                      const double v[3]) {
  double g[FTL_ACE_MAX_RADIAL] = {0}, dg[FTL_ACE_MAX_RADIAL] = {0}, r = e < 0 ? 0 : length(v);
  if (e >= 0) ftl_ace_base(bond, plan->n_base, r, g, dg);
  s->edge[lane] = e;
  s->inverse[lane] = e < 0 ? 0 : 1 / r;
  for (int x = 0; x < 3; x++) {
    s->direction[x * s->room + lane] = e < 0 ? 0 : v[x] / r;
    s->vector[x * s->room + lane] = e < 0 ? 0 : v[x];
  }
  for (int k = 0; k < plan->n_base; k++) {
    s->g[k * s->room + lane] = g[k];
    s->dg[k * s->room + lane] = dg[k];
  }
}

/* Lanes of all edges within the cutoff; *bad: one within its pair's inner cutoff, or -1. */
static ftl_status fill_lanes(const ftl_descriptors *plan, ftl_descriptor_scratch *s, int mu, int n_edges,
                             const int *sender_mu, const double (*vector)[3], int *bad, ftl_error *error) {
  const ftl_ace_bond *bonds = plan->file->bond + mu * plan->n_species;
  int lane = 0;
  *bad = -1;
  if (!make_room(plan, s, n_edges + 8 * plan->n_species)) return ftl_no_memory(error, NULL, "the functions of an atom");
  for (int z = 0; z < plan->n_species; z++) {
    s->first_lane[z] = lane;
    for (int e = 0; e < n_edges; e++) {
      if (sender_mu[e] != z) continue;
      double r = length(vector[e]);
      if (r >= bonds[z].cutoff) continue;
      if (*bad < 0 && bonds[z].inner_kind == FTL_ACE_INNER_ZBL && r < bonds[z].inner) *bad = e;
      fill_lane(plan, s, &bonds[z], lane++, e, vector[e]);
    }
    while (lane % 8) fill_lane(plan, s, &bonds[z], lane++, -1, NULL);
  }
  s->first_lane[plan->n_species] = s->n_lanes = lane;
  return FTL_OK;
}

ftl_status ftl_descriptors_atom(const ftl_descriptors *plan, ftl_descriptor_scratch *s, int mu, int n_edges,
                                const int *sender_mu, const double (*vector)[3], bool derivatives,
                                ftl_descriptor_values *values, int *bad, ftl_error *error) {
  FTL_TRY(fill_lanes(plan, s, mu, n_edges, sender_mu, vector, bad, error));
  if (*bad >= 0) {
    const ftl_ace_bond *bond = &plan->file->bond[mu * plan->n_species + sender_mu[*bad]];
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "%s and %s are %.3f Angstrom apart, within the inner cutoff of %.3f",
                    ftl_element_symbol(plan->file->atomic_number[mu]),
                    ftl_element_symbol(plan->file->atomic_number[sender_mu[*bad]]), length(vector[*bad]), bond->inner);
  }
  plan->build->sums(plan, s, mu, derivatives);
  *values = (ftl_descriptor_values){
      plan->file->n_functions[mu], s->value, derivatives ? s->n_lanes : 0, s->edge, s->slope, s->total};
  return FTL_OK;
}

/* ---- sums ---- */

static bool make_room_for_sums(const ftl_descriptors *plan, ftl_descriptor_scratch *s, int n) {
  if (n == 0 || (n <= s->n_sums && s->room <= s->sum_room)) return true;
  ftl_arena_free(&s->sums);
  s->n_sums = (n + 7) / 8 * 8;
  size_t row = (size_t)s->n_sums * sizeof(double);
  s->sum = ftl_arena_take(&s->sums, 1, row);
  s->sum_adjoint = ftl_arena_take(&s->sums, 2 * (size_t)plan->n_species * (size_t)plan->n_labels, row);
  s->sum_slope = ftl_arena_take(&s->sums, 3 * (size_t)s->room, row);
  s->sum_room = s->sums.failed ? 0 : s->room;
  return !s->sums.failed;
}

ftl_status ftl_descriptors_combine(const ftl_descriptors *plan, ftl_descriptor_scratch *s, int mu, int n_edges,
                                   const int *sender_mu, const double (*vector)[3], int n, const double *weight,
                                   bool derivatives, ftl_descriptor_combined *combined, ftl_error *error) {
  int bad;
  FTL_TRY(fill_lanes(plan, s, mu, n_edges, sender_mu, vector, &bad, error));
  if (!make_room_for_sums(plan, s, n)) return ftl_no_memory(error, NULL, "a committee");
  plan->build->combine(plan, s, mu, n, weight, derivatives);
  *combined = (ftl_descriptor_combined){.n_functions = plan->file->n_functions[mu],
                                        .n = n,
                                        .n_lanes = derivatives ? s->n_lanes : 0,
                                        .inside = bad >= 0,
                                        .value = s->value,
                                        .sum = s->sum,
                                        .edge = s->edge,
                                        .slope = s->sum_slope};
  return FTL_OK;
}

/* ---- extrapolation ---- */

double *ftl_grade_panels(int n, const double *inverse) {
  size_t n_panels = ((size_t)n + FTL_PANEL - 1) / FTL_PANEL;
  double *panel = ftl_calloc64((n_panels * FTL_PANEL * (size_t)n + 8) * sizeof *panel);
  for (int column = 0; panel && column < n; column++)
    for (int f = 0; f < n; f++)
      panel[((size_t)(column / FTL_PANEL) * (size_t)n + (size_t)f) * FTL_PANEL + (size_t)(column % FTL_PANEL)] =
          inverse[(size_t)f * (size_t)n + (size_t)column];
  return panel;
}

ftl_status ftl_grade_choose(ftl_grade **grade, ftl_error *error) {
  const ftl_descriptor_build *build = NULL;
  FTL_TRY(choose_build(&build, error));
  *grade = build->grade;
  return FTL_OK;
}
