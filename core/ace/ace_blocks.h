/* PACE potentials (docs/ace.md): the energies and edge forces of a block of atoms of one element. */
#ifndef FTL_KERNEL_ACE_H
#define FTL_KERNEL_ACE_H

#include "ace/ace_coupled.h"
#include "ace/ace_gather.h"

/* ---- energies ---- */

/* What an atom's forces need besides dE/dA: dE/d(core sum), an edge whose length enters by itself (ZBL), what dE/dA and
   dE/d(rank 1 sums) are still to be multiplied with. */
typedef struct {
  double core;
  int nearest;
  double nearest_slope, scale;
  double linear[FTL_ACE_MAX_DENSITY];
} ace_atom;

/* ZBL takes over as the nearest neighbour comes closer: the one that is deepest in its pair's inner cutoff, if it is in
   it at all. */
static void ace_nearest(const ftl_ace_pair *pairs, int n_species, const ftl_ace_scratch *scratch, int a,
                        ftl_ace_core_sums *sums, int *nearest) {
  sums->depth = 0;
  for (int z = 0; z < n_species; z++) sums->depth = fmax(sums->depth, pairs[z].bond.d_inner);
  for (int g = scratch->first_group[a]; g < scratch->first_group[a + 1]; g++) {
    const ftl_ace_bond *bond = &pairs[scratch->group[g].species].bond;
    const double *r = scratch->r + g * LANES, begin = bond->inner - bond->d_inner;
    int deeper = 0;
    for (int k = 0; k < LANES; k++) deeper |= r[k] - begin < sums->depth;
    for (int k = 0; k < scratch->group[g].n && deeper; k++) {
      if (r[k] - begin >= sums->depth) continue;
      sums->depth = r[k] - begin;
      sums->width = bond->d_inner;
      sums->any = sums->depth < sums->width;
      *nearest = sums->any ? g * LANES + k : -1;
    }
  }
}

/* Sum of core repulsions, with their slopes. */
static double ace_core(const ftl_ace_pair *pairs, const ftl_ace_scratch *scratch, int a) {
  double sum = 0;
  for (int g = scratch->first_group[a]; g < scratch->first_group[a + 1]; g++) {
    const ftl_ace_pair *pair = &pairs[scratch->group[g].species];
    for (int k = g * LANES; k < g * LANES + scratch->group[g].n && pair->n_core > 0; k++) {
      double w;
      const int bin = ftl_ace_bin(scratch->r[k], pair->table->inverse, pair->table->n_bins, &w);
      sum += ftl_ace_core_spline((const double *)pair->core, pair->n_core, pair->table->inverse, bin, w,
                                 &scratch->core_slope[k]);
    }
  }
  return sum;
}

/* The energy of atom a from its densities; rho_adjoint becomes dE/drho. */
static double ace_energy(const ftl_workspace *ws, const ftl_ace_scratch *scratch, const ftl_block *block, int a,
                         const double *rho, double *rho_adjoint, ace_atom *atom) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_ace_embedding *embedding = &ace->element[block->species].embedding;
  ftl_ace_core_sums sums = {.zbl = ace->inner == FTL_ACE_INNER_ZBL};
  double fraction;
  const ftl_ace_pair *pairs = &ace->pair[block->species * ace->n_species];
  atom->nearest = -1;
  if (sums.zbl) ace_nearest(pairs, ace->n_species, scratch, a, &sums, &atom->nearest);
  if (!sums.zbl || sums.any) sums.core = ace_core(pairs, scratch, a);
  double energy = ftl_ace_site(embedding, &sums, ftl_ace_embed(embedding, rho, rho_adjoint), &fraction, &atom->core,
                               &atom->nearest_slope);
  for (int p = 0; p < embedding->n_density; p++) rho_adjoint[p] *= fraction;
  return energy;
}

/* ---- forces ---- */

/* A part of a segment: adds to dE/dY, and to dE/dr; `b` is dE/dA of this atom. */
FTL_INLINE void ace_force_tile(const real *b, int b_row, const vec *radial, const vec *radial_slope, const vec *y,
                               int n_y, vec *y_adjoint, vec *slope, const int n_r) {
  vec r[8], u[8];
  for (int k = 0; k < n_r; k++) {
    r[k] = radial[k];
    u[k] = splat(0);
  }
  for (int c = 0; c < n_y; c++, b += b_row) {
    vec sum = y_adjoint[c];
    for (int k = 0; k < n_r; k++) {
      sum += b[k] * r[k];
      u[k] += b[k] * y[c];
    }
    y_adjoint[c] = sum;
  }
  for (int k = 0; k < n_r; k++) *slope += u[k] * radial_slope[k];
}

#define ACE_FORCE_TILE(n_r)                                                                                            \
  case n_r:                                                                                                            \
    ace_force_tile(b, b_row, radial, radial_slope, y, n_y, y_adjoint, slope, n_r);                                     \
    break;

static void ace_force_any(const real *b, int b_row, const vec *radial, const vec *radial_slope, const vec *y, int n_y,
                          vec *y_adjoint, vec *slope, int n_r) {
  switch (n_r) {
    ACE_FORCE_TILE(1)
    ACE_FORCE_TILE(2)
    ACE_FORCE_TILE(3)
    ACE_FORCE_TILE(4)
    ACE_FORCE_TILE(5)
    ACE_FORCE_TILE(6)
    ACE_FORCE_TILE(7)
    ACE_FORCE_TILE(8)
  }
}

/* dE/dA of an atom and element as numbers in a row. */
FTL_INLINE real *ace_adjoint_row(const ftl_ace *ace, const ftl_ace_scratch *scratch, int species, int a) {
  return (real *)scratch->adjoint_rows + (size_t)((species * FTL_BLOCK_ATOMS + a) * ace->n_lm * 8 * ace->n_chunks);
}

/* The rows of a block's atoms. */
static void ace_adjoint_rows(const ftl_ace *ace, const ftl_ace_pair *pairs, const ftl_ace_scratch *scratch) {
  const int pad = 8 * ace->n_chunks;
  for (int z = 0; z < ace->n_species; z++)
    for (int s = 0; s < pairs[z].n_segments && scratch->near[z]; s++) {
      const ftl_ace_segment *seg = &pairs[z].segment[s];
      for (int lm = seg->lm; lm < seg->lm + seg->n_lm; lm++)
        for (int k = lm * pad; k < lm * pad + seg->n; k += 8)
          ace_rows_of(scratch->a_adjoint + (size_t)(z * ace->n_lm * pad + k) * FTL_BLOCK_ATOMS,
                      ace_adjoint_row(ace, scratch, z, 0) + k, (size_t)(ace->n_lm * pad));
    }
}

/* Forces of a group's edges but for the core: force[x] over the edges. */
static void ace_group_force(const ftl_ace *ace, const ftl_ace_pair *pair, const ftl_ace_scratch *scratch, int g,
                            const ace_atom *atom, const real *b, vec force[3]) {
  int first_linear = ace->n_out - ace->n_linear;
  ace_record record = ace_record_of(ace, scratch, g);
  ace_legendre legendre;
  vec y[(FTL_ACE_MAX_L + 1) * (FTL_ACE_MAX_L + 1)], y_adjoint[(FTL_ACE_MAX_L + 1) * (FTL_ACE_MAX_L + 1)], d[3];
  vec slope = splat(0), linear = splat(0);
  const int pad = 8 * ace->n_chunks;
  ace_legendre_at(ace, pair->lmax, record.n[2], true, &legendre);
  ace_harmonics(pair->lmax, record.n, &legendre, y);
  for (int lm = 0; lm < (pair->lmax + 1) * (pair->lmax + 1); lm++) y_adjoint[lm] = splat(0);
  for (int s = 0; s < pair->n_segments; s++) {
    const ftl_ace_segment *seg = &pair->segment[s];
    for (int k = 0, n_r; k < seg->n; k += n_r) {
      n_r = ace_part(seg->n - k, 8);
      ace_force_any(b + seg->lm * pad + k, pad, record.radial + seg->radial + k, record.slope + seg->radial + k,
                    y + seg->lm, seg->n_lm, y_adjoint + seg->lm, &slope, n_r);
    }
  }
  for (int p = 0; p < ace->n_linear; p++) linear += (real)atom->linear[p] * record.slope[first_linear + p];
  ace_harmonics_reverse(pair->lmax, record.n, &legendre, y_adjoint, d);
  vec scale = splat((real)atom->scale), radial = d[0] * record.n[0] + d[1] * record.n[1] + d[2] * record.n[2];
  slope = scale * slope + linear;
  for (int x = 0; x < 3; x++)
    force[x] = slope * record.n[x] + scale * (d[x] - radial * record.n[x]) * record.inverse_r[0];
}

/* Sums over an atom's edges, in lanes: its force, and its part of the virial in the order of ftl_add_virial. */
typedef struct {
  double force[3][LANES], virial[9][LANES];
} ace_edge_sums;

/* Adds a group's dE/dr_ij to the forces on its senders; to `sums` what is one number for all of them. */
static void ace_add_forces(ftl_workspace *ws, ftl_thread *thread, const ftl_ace_edges *edge, int first, int n,
                           double (*g)[LANES], ace_edge_sums *sums) {
  static const int v_of[9] = {0, 1, 2, 0, 0, 1, 1, 2, 2}, g_of[9] = {0, 1, 2, 1, 2, 2, 0, 0, 1};
  for (int x = 0; x < 3; x++)
    for (int k = 0; k < LANES; k++) sums->force[x][k] += g[x][k];
  for (int q = 0; q < 9; q++)
    for (int k = 0; k < LANES; k++) sums->virial[q][k] -= edge->v[v_of[q]][first + k] * g[g_of[q]][k];
  for (int k = 0; k < n && ws->output->forces; k++) {
    double *to = ftl_force_row(ws, thread, edge->sender[first + k]);
    for (int x = 0; x < 3; x++) to[x] -= g[x][k];
  }
}

static void ace_atom_forces(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, int a,
                            const ace_atom *atom) {
  const ftl_ace_scratch *scratch = thread->scratch;
  const ftl_ace *ace = ws->model->ace;
  const ftl_output *output = ws->output;
  const int i = ws->order[block->first + a];
  ace_edge_sums sums = {0};
  for (int g = scratch->first_group[a]; g < scratch->first_group[a + 1]; g++) {
    const ftl_ace_group *group = &scratch->group[g];
    const ftl_ace_pair *pair = &ace->pair[block->species * ace->n_species + group->species];
    const ace_record record = ace_record_of(ace, scratch, g);
    const int first = g * LANES;
    double gradient[3][LANES];
    vec force[3];
    ace_group_force(ace, pair, scratch, g, atom, ace_adjoint_row(ace, scratch, group->species, a), force);
    for (int x = 0; x < 3; x++)
      for (int k = 0; k < LANES; k++) gradient[x][k] = (double)force[x][k];
    const bool has_core = pair->n_core > 0 && atom->core != 0;
    for (int k = 0; k < group->n && (has_core || atom->nearest >= 0); k++) {
      double core = has_core ? atom->core * scratch->core_slope[first + k] : 0;
      if (first + k == atom->nearest) core += atom->nearest_slope;
      for (int x = 0; x < 3; x++) gradient[x][k] += core * (double)record.n[x][k];
    }
    if (!output->atom_virial && !output->centroid_virial) {
      ace_add_forces(ws, thread, &scratch->edge, first, group->n, gradient, &sums);
      continue;
    }
    for (int k = 0; k < group->n; k++) {
      const double one[3] = {gradient[0][k], gradient[1][k], gradient[2][k]};
      const double v[3] = {scratch->edge.v[0][first + k], scratch->edge.v[1][first + k], scratch->edge.v[2][first + k]};
      ftl_add_edge_force(ws, thread, i, scratch->edge.sender[first + k], v, one);
    }
  }
  for (int k = 0; k < LANES; k++) {
    for (int x = 0; x < 3 && output->forces; x++) output->forces[3 * (size_t)i + (size_t)x] += sums.force[x][k];
    for (int q = 0; q < 9; q++) thread->virial[q] += sums.virial[q][k];
  }
}

static void ace_forces(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, const ace_atom *atoms) {
  const ftl_ace *ace = ws->model->ace;
  ace_adjoint_rows(ace, &ace->pair[block->species * ace->n_species], thread->scratch);
  for (int a = 0; a < block->n; a++) ace_atom_forces(ws, thread, block, a, &atoms[a]);
}

/* The program of the products that can differ from zero in a block. */
static unsigned ace_program_of(const ftl_ace_element *element, const ftl_ace_scratch *scratch, int n_species) {
  unsigned set = 0;
  for (int z = 0; z < n_species && element->n_programs > 1; z++) set |= scratch->near[z] ? 1u << z : 0;
  return set;
}

/* Node energies, forces, or both. */
FTL_INLINE void ace_block(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, const bool energies,
                          const bool forces) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_ace_element *element = &ace->element[block->species];
  ftl_ace_scratch *scratch = thread->scratch;
  int n_density = element->embedding.n_density;
  size_t to_im = 8 * (size_t)ace->n_chunks * FTL_BLOCK_ATOMS;
  double *a_adjoint = scratch->a_adjoint;
  ace_atoms rho[FTL_ACE_MAX_DENSITY] = {{0}}, seed[FTL_ACE_MAX_DENSITY] = {{0}};
  ace_atom atom[FTL_BLOCK_ATOMS];
  ace_gather(ws, thread, block);
  const unsigned set = ace_program_of(element, scratch, ace->n_species);
  const ftl_ace_program *program = &element->program[set];
  const ftl_ace_coupled *coupled = element->coupled ? &element->coupled[set] : NULL;
  const size_t a_row = (size_t)(ace->n_lm * FTL_BLOCK_ATOMS) * 8 * (size_t)ace->n_chunks;
  for (int z = 0; z < ace->n_species && forces; z++)
    if (scratch->near[z]) memset(a_adjoint + (size_t)z * a_row, 0, a_row * sizeof(double));
  if (coupled) ace_coupled_forward(ace, coupled, scratch->a, scratch->coupled, n_density, rho);
  else if (n_density == 1 && forces) ace_both(program, scratch->a, a_adjoint, to_im, rho);
  else ace_forward(program, scratch->a, to_im, n_density, rho);
  for (int a = 0; a < block->n; a++) {
    double density[FTL_ACE_MAX_DENSITY], adjoint[FTL_ACE_MAX_DENSITY];
    for (int p = 0; p < n_density; p++) density[p] = rho[p][a] + scratch->linear[a][p];
    double energy = ace_energy(ws, scratch, block, a, density, adjoint, &atom[a]);
    if (energies) ws->node_energy[ws->order[block->first + a]] += energy;
    for (int p = 0; p < FTL_ACE_MAX_DENSITY; p++) {
      atom[a].linear[p] = p < n_density ? adjoint[p] : 0;
      if (p < n_density) seed[p][a] = adjoint[p];
    }
    atom[a].scale = n_density == 1 ? adjoint[0] : 1;
  }
  if (!forces) return;
  if (coupled) ace_coupled_reverse(ace, coupled, scratch->coupled, n_density, seed, a_adjoint);
  else if (n_density > 1) ace_reverse(program, scratch->a, a_adjoint, to_im, seed, n_density);
  ace_forces(ws, thread, block, atom);
}

/* The engine's stages: there is one layer, t = 0. */
static void ace_forward_block(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  (void)t;
  ace_block(ws, thread, block, true, false);
}
static void ace_reverse_block(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  (void)t;
  ace_block(ws, thread, block, false, true);
}
static void ace_last_block(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  (void)t;
  ace_block(ws, thread, block, true, true);
}

#endif
