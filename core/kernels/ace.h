/* PACE potentials (docs/ace.md): the energies and edge forces of a block of atoms of one element.

   Each atom's A is a sum over its edges, vectors running over the radial functions. Products run over the atoms of the
   block: a vector holds the same number of eight atoms. */
#ifndef FTL_KERNEL_ACE_H
#define FTL_KERNEL_ACE_H

#include "ace/ace.h"

/* An edge's numbers in the thread's scratch (ftl_ace_edge_numbers). */
typedef struct {
  double *y;              /* [n_lm] */
  double *p, *dp;         /* [l (l + 1) / 2 + m]: Y_lm without its phase, and the slope by z */
  double *radial, *slope; /* [l][8 * n_chunks]: R_nl and dR_nl/dr */
  double *g, *dg;         /* [base_pad] */
  double *core;           /* energy and slope */
} ace_edge;

FTL_INLINE ace_edge ace_edge_at(const ftl_ace *ace, const ftl_ace_scratch *scratch, int e) {
  size_t n_l = (size_t)ace->lmax + 1, n_lm = ((size_t)ace->n_lm + 7) / 8 * 8, n_p = (n_l * (n_l + 1) / 2 + 7) / 8 * 8;
  size_t n_r = n_l * 8 * (size_t)ace->n_chunks, base = (size_t)ace->base_pad;
  ace_edge edge;
  edge.radial = scratch->edge + (size_t)e * (n_lm + 2 * n_p + 2 * n_r + 2 * base + 8);
  edge.slope = edge.radial + n_r;
  edge.y = edge.slope + n_r;
  edge.p = edge.y + n_lm;
  edge.dp = edge.p + n_p;
  edge.g = edge.dp + n_p;
  edge.dg = edge.g + base;
  edge.core = edge.dg + base;
  return edge;
}

static void ace_harmonics(const ftl_ace *ace, const double n[3], const ace_edge *edge) {
  double z = n[2], *p = edge->p, *dp = edge->dp, re = 1, im = 0;
  p[0] = 1;
  dp[0] = 0;
  for (int l = 1; l <= ace->lmax; l++) {
    double *pl = p + l * (l + 1) / 2, *dpl = dp + l * (l + 1) / 2;
    const double *p1 = p + (l - 1) * l / 2, *dp1 = dp + (l - 1) * l / 2;
    for (int m = 0; m + 1 < l; m++) {
      const double *p2 = p + (l - 2) * (l - 1) / 2, *dp2 = dp + (l - 2) * (l - 1) / 2;
      pl[m] = ace->y_a[l][m] * (z * p1[m] + ace->y_b[l][m] * p2[m]);
      dpl[m] = ace->y_a[l][m] * (p1[m] + z * dp1[m] + ace->y_b[l][m] * dp2[m]);
    }
    dpl[l - 1] = ace->y_d[l] * p1[l - 1];
    pl[l - 1] = dpl[l - 1] * z;
    pl[l] = ace->y_c[l] * p1[l - 1];
    dpl[l] = 0;
  }
  for (int l = 0; l <= ace->lmax; l++) edge->y[l * l] = p[l * (l + 1) / 2];
  for (int m = 1; m <= ace->lmax; m++) {
    double next = re * n[0] - im * n[1];
    im = re * n[1] + im * n[0];
    re = next;
    for (int l = m; l <= ace->lmax; l++) {
      edge->y[l * l + 2 * m - 1] = re * p[l * (l + 1) / 2 + m];
      edge->y[l * l + 2 * m] = im * p[l * (l + 1) / 2 + m];
    }
  }
}

/* dE/d(unit vector), taken as that of three independent numbers, from dE/dY. */
static void ace_harmonics_reverse(const ftl_ace *ace, const double n[3], const ace_edge *edge, const double *y_adjoint,
                                  double d[3]) {
  double re = 0, im = 0, next_re = 1, next_im = 0; /* (x + iy)^(m - 1) and ^m */
  d[0] = d[1] = d[2] = 0;
  for (int l = 1; l <= ace->lmax; l++) d[2] += edge->dp[l * (l + 1) / 2] * y_adjoint[l * l];
  for (int m = 1; m <= ace->lmax; m++) {
    double sum_re = 0, sum_im = 0, slope_re = 0, slope_im = 0;
    re = next_re;
    im = next_im;
    next_re = re * n[0] - im * n[1];
    next_im = re * n[1] + im * n[0];
    for (int l = m; l <= ace->lmax; l++) {
      int at = l * (l + 1) / 2 + m;
      const double *g = y_adjoint + l * l + 2 * m - 1;
      sum_re += edge->p[at] * g[0];
      sum_im += edge->p[at] * g[1];
      slope_re += edge->dp[at] * g[0];
      slope_im += edge->dp[at] * g[1];
    }
    d[0] += m * (sum_re * re + sum_im * im);
    d[1] += m * (sum_im * re - sum_re * im);
    d[2] += slope_re * next_re + slope_im * next_im;
  }
}

static void ace_radial(const ftl_ace *ace, const ftl_ace_pair *pair, double r, const ace_edge *edge) {
  ftl_ace_base(&pair->bond, ace->n_base, r, edge->g, edge->dg);
  const real *c = pair->radial;
  for (int k = 0; k < (ace->lmax + 1) * ace->n_chunks; k++) {
    vec value = splat(0), slope = splat(0);
    for (int b = 0; b < ace->n_base; b++, c += LANES) {
      value += edge->g[b] * load(c);
      slope += edge->dg[b] * load(c);
    }
    store(edge->radial + k * LANES, value);
    store(edge->slope + k * LANES, slope);
  }
  edge->core[0] = ftl_ace_core(pair, r, &edge->core[1]);
}

/* The atoms' edges within the cutoffs of their pairs, and sums of A over them. */
static void ace_gather(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block) {
  const ftl_ace *ace = ws->model->ace;
  ftl_ace_scratch *scratch = thread->ace;
  const ftl_graph *graph = &ws->graph;
  int n = 0, pad = LANES * ace->n_chunks, n_linear = ace->n_species * ace->base_pad;
  memset(scratch->a, 0, (size_t)FTL_BLOCK_ATOMS * (size_t)ace->n_a * sizeof(double));
  memset(scratch->linear, 0, (size_t)FTL_BLOCK_ATOMS * (size_t)n_linear * sizeof(double));
  for (int a = 0; a < block->n; a++) {
    int i = ws->order[block->first + a];
    thread->edge_start[a] = n;
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      const double *v = graph->vector[e];
      int sender = graph->sender[e], z = graph->species[sender];
      const ftl_ace_pair *pair = &ace->pair[block->species * ace->n_species + z];
      double r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
      if (r2 >= pair->bond.cutoff * pair->bond.cutoff) continue;
      double r = sqrt(r2);
      ftl_edge *kept = &thread->edge[n];
      *kept = (ftl_edge){.index = e, .sender = sender, .class_ = z, .r = r, .n = {v[0] / r, v[1] / r, v[2] / r}};
      ace_edge edge = ace_edge_at(ace, scratch, n++);
      ace_radial(ace, pair, r, &edge);
      ace_harmonics(ace, kept->n, &edge);
      double *to = scratch->a + (size_t)a * (size_t)ace->n_a + (size_t)(z * ace->n_lm * pad);
      for (int l = 0; l <= ace->lmax; l++)
        for (int c = 0; c < ace->n_chunks; c++) {
          vec radial = load(edge.radial + l * pad + c * LANES);
          for (int lm = l * l; lm < (l + 1) * (l + 1); lm++) {
            double *at = to + lm * pad + c * LANES;
            store(at, load(at) + edge.y[lm] * radial);
          }
        }
      double *linear = scratch->linear + (size_t)a * (size_t)n_linear + (size_t)(z * ace->base_pad);
      for (int k = 0; k < ace->n_base; k++) linear[k] += edge.g[k];
    }
  }
  thread->edge_start[block->n] = n;
}

/* ---- products: vectors over the atoms of the block ---- */

static void ace_load_factors(const ftl_ace *ace, const ftl_ace_products *products, ftl_ace_scratch *scratch) {
  for (int f = 0; f < products->n_factors; f++) {
    const ftl_ace_factor *factor = &products->factor[f];
    double *re = scratch->factor + 2 * LANES * (size_t)f, *im = re + LANES;
    for (int a = 0; a < LANES; a++) {
      const double *row = scratch->a + (size_t)a * (size_t)ace->n_a;
      re[a] = factor->sign_re * row[factor->re];
      im[a] = factor->im < 0 ? 0 : factor->sign_im * row[factor->im];
    }
  }
}

static void ace_store_factor_adjoints(const ftl_ace *ace, const ftl_ace_products *products, ftl_ace_scratch *scratch) {
  memset(scratch->a_adjoint, 0, (size_t)FTL_BLOCK_ATOMS * (size_t)ace->n_a * sizeof(double));
  for (int f = 0; f < products->n_factors; f++) {
    const ftl_ace_factor *factor = &products->factor[f];
    const double *re = scratch->factor_adjoint + 2 * LANES * (size_t)f, *im = re + LANES;
    for (int a = 0; a < LANES; a++) {
      double *row = scratch->a_adjoint + (size_t)a * (size_t)ace->n_a;
      row[factor->re] += factor->sign_re * re[a];
      if (factor->im >= 0) row[factor->im] += factor->sign_im * im[a];
    }
  }
}

/* Adds the products to the densities. */
static void ace_products_forward(const ftl_ace_products *products, int n_density, ftl_ace_scratch *scratch, vec *rho) {
  for (int k = 0; k < products->n_nodes; k++) {
    const double *f = scratch->factor + 2 * LANES * (size_t)products->node_factor[k];
    double *node = scratch->node + 2 * LANES * (size_t)k;
    vec re = load(f), im = load(f + LANES);
    if (products->parent[k] >= 0) {
      const double *parent = scratch->node + 2 * LANES * (size_t)products->parent[k];
      vec p_re = load(parent), p_im = load(parent + LANES), product = p_re * re - p_im * im;
      im = p_re * im + p_im * re;
      re = product;
    }
    store(node, re);
    store(node + LANES, im);
    for (int q = products->first_leaf[k]; q < products->first_leaf[k + 1]; q++) {
      const double *leaf = scratch->factor + 2 * LANES * (size_t)products->leaf_factor[q];
      const double *c = products->leaf_c + (size_t)(q * n_density);
      vec term = re * load(leaf) - im * load(leaf + LANES);
      for (int p = 0; p < n_density; p++) rho[p] += c[p] * term;
    }
  }
}

/* An adjoint of a complex number is dE/dRe + i dE/dIm: that of a in p a is the product's times conj(p). */
static void ace_products_reverse(const ftl_ace_products *products, int n_density, ftl_ace_scratch *scratch,
                                 const vec *rho_adjoint) {
  memset(scratch->factor_adjoint, 0, 2 * LANES * (size_t)products->n_factors * sizeof(double));
  memset(scratch->node_adjoint, 0, 2 * LANES * (size_t)products->n_nodes * sizeof(double));
  for (int k = products->n_nodes - 1; k >= 0; k--) {
    const double *node = scratch->node + 2 * LANES * (size_t)k;
    const double *adjoint = scratch->node_adjoint + 2 * LANES * (size_t)k;
    vec re = load(node), im = load(node + LANES), g_re = load(adjoint), g_im = load(adjoint + LANES);
    for (int q = products->first_leaf[k]; q < products->first_leaf[k + 1]; q++) {
      size_t at = 2 * LANES * (size_t)products->leaf_factor[q];
      const double *leaf = scratch->factor + at, *c = products->leaf_c + (size_t)(q * n_density);
      double *leaf_adjoint = scratch->factor_adjoint + at;
      vec theta = c[0] * rho_adjoint[0];
      for (int p = 1; p < n_density; p++) theta += c[p] * rho_adjoint[p];
      g_re += theta * load(leaf);
      g_im -= theta * load(leaf + LANES);
      store(leaf_adjoint, load(leaf_adjoint) + theta * re);
      store(leaf_adjoint + LANES, load(leaf_adjoint + LANES) - theta * im);
    }
    size_t at = 2 * LANES * (size_t)products->node_factor[k];
    double *f_adjoint = scratch->factor_adjoint + at;
    vec p_re = splat(1), p_im = splat(0);
    if (products->parent[k] >= 0) {
      const double *f = scratch->factor + at, *parent = scratch->node + 2 * LANES * (size_t)products->parent[k];
      double *parent_adjoint = scratch->node_adjoint + 2 * LANES * (size_t)products->parent[k];
      vec f_re = load(f), f_im = load(f + LANES);
      p_re = load(parent);
      p_im = load(parent + LANES);
      store(parent_adjoint, load(parent_adjoint) + g_re * f_re + g_im * f_im);
      store(parent_adjoint + LANES, load(parent_adjoint + LANES) + g_im * f_re - g_re * f_im);
    }
    store(f_adjoint, load(f_adjoint) + g_re * p_re + g_im * p_im);
    store(f_adjoint + LANES, load(f_adjoint + LANES) + g_im * p_re - g_re * p_im);
  }
}

/* ---- energies ---- */

/* What an atom's forces need besides dE/dA: dE/d(core sum), and an edge whose length enters by itself (ZBL). */
typedef struct {
  double core;
  int nearest;
  double nearest_slope;
} ace_atom;

/* ZBL takes over as the nearest neighbour comes closer: `fraction` is the part of PACE. */
static double ace_zbl_fraction(const ftl_ace *ace, const ftl_thread *thread, const ftl_block *block, int a, double cut,
                               ace_atom *atom, double *slope) {
  double least = cut;
  atom->nearest = -1;
  *slope = 0;
  for (int e = thread->edge_start[a]; e < thread->edge_start[a + 1]; e++) {
    const ftl_ace_bond *bond = &ace->pair[block->species * ace->n_species + thread->edge[e].class_].bond;
    double d = thread->edge[e].r - (bond->inner - bond->d_inner);
    if (d < least) {
      least = d;
      atom->nearest = e;
    }
  }
  if (atom->nearest < 0) return 1;
  double width = ace->pair[block->species * ace->n_species + thread->edge[atom->nearest].class_].bond.d_inner;
  double fraction = ftl_ace_switch(width - least, width, width, slope);
  *slope = -*slope;
  return fraction;
}

/* The energy of atom a from its densities; rho_adjoint becomes dE/drho. */
static double ace_energy(const ftl_workspace *ws, const ftl_thread *thread, const ftl_block *block, int a,
                         const double *rho, double *rho_adjoint, ace_atom *atom) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_ace_embedding *embedding = &ace->element[block->species].embedding;
  double core = 0, slope, fraction, energy = ftl_ace_embed(embedding, rho, rho_adjoint);
  for (int e = thread->edge_start[a]; e < thread->edge_start[a + 1]; e++)
    core += ace_edge_at(ace, thread->ace, e).core[0];
  atom->nearest = -1;
  if (ace->inner == FTL_ACE_INNER_ZBL) {
    fraction = ace_zbl_fraction(ace, thread, block, a, ws->model->arch.r_max, atom, &slope);
    atom->core = 1 - fraction;
    atom->nearest_slope = (energy - core) * slope;
    energy = energy * fraction + core * (1 - fraction);
  } else {
    fraction = ftl_ace_switch(core, embedding->core_cutoff, embedding->d_core_cutoff, &slope);
    atom->core = 1 + energy * slope;
    energy = energy * fraction + core;
  }
  for (int p = 0; p < embedding->n_density; p++) rho_adjoint[p] *= fraction;
  return energy;
}

/* ---- forces ---- */

static void ace_edge_force(const ftl_ace *ace, const ftl_edge *kept, const ace_edge *edge, const double *a_adjoint,
                           const double *linear_adjoint, double slope, double force[3]) {
  int pad = LANES * ace->n_chunks;
  double y_adjoint[(FTL_ACE_MAX_L + 1) * (FTL_ACE_MAX_L + 1)], d[3];
  const double *n = kept->n, *from = a_adjoint + kept->class_ * ace->n_lm * pad;
  vec along = splat(0);
  for (int l = 0; l <= ace->lmax; l++)
    for (int lm = l * l; lm < (l + 1) * (l + 1); lm++) {
      vec across = splat(0);
      for (int c = 0; c < ace->n_chunks; c++) {
        vec g = load(from + lm * pad + c * LANES);
        across += g * load(edge->radial + l * pad + c * LANES);
        along += edge->y[lm] * g * load(edge->slope + l * pad + c * LANES);
      }
      y_adjoint[lm] = lane_sum(across);
    }
  slope += lane_sum(along);
  for (int k = 0; k < ace->n_base; k++) slope += linear_adjoint[kept->class_ * ace->base_pad + k] * edge->dg[k];
  ace_harmonics_reverse(ace, n, edge, y_adjoint, d);
  double radial = d[0] * n[0] + d[1] * n[1] + d[2] * n[2];
  for (int x = 0; x < 3; x++) force[x] += slope * n[x] + (d[x] - radial * n[x]) / kept->r;
}

static void ace_forces(ftl_workspace *ws, const ftl_thread *thread, const ftl_block *block, const ace_atom *atom) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_ace_scratch *scratch = thread->ace;
  size_t n_linear = (size_t)(ace->n_species * ace->base_pad);
  for (int a = 0; a < block->n; a++)
    for (int e = thread->edge_start[a]; e < thread->edge_start[a + 1]; e++) {
      const ftl_edge *kept = &thread->edge[e];
      ace_edge edge = ace_edge_at(ace, scratch, e);
      double slope = atom[a].core * edge.core[1] + (e == atom[a].nearest ? atom[a].nearest_slope : 0);
      ace_edge_force(ace, kept, &edge, scratch->a_adjoint + (size_t)a * (size_t)ace->n_a,
                     scratch->linear_adjoint + (size_t)a * n_linear, slope, ws->edge_force[kept->index]);
    }
}

static void ace_block(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_ace_element *element = &ace->element[block->species];
  ftl_ace_scratch *scratch = thread->ace;
  int n_density = element->embedding.n_density, n_linear = ace->n_species * ace->base_pad;
  vec rho[FTL_ACE_MAX_DENSITY], rho_adjoint[FTL_ACE_MAX_DENSITY];
  ace_atom atom[FTL_BLOCK_ATOMS];
  ace_gather(ws, thread, block);
  ace_load_factors(ace, &element->products, scratch);
  for (int p = 0; p < n_density; p++) rho[p] = rho_adjoint[p] = splat(0);
  ace_products_forward(&element->products, n_density, scratch, rho);
  for (int a = 0; a < block->n; a++) {
    const double *linear = scratch->linear + a * n_linear;
    double *linear_adjoint = scratch->linear_adjoint + a * n_linear;
    double density[FTL_ACE_MAX_DENSITY], adjoint[FTL_ACE_MAX_DENSITY];
    for (int p = 0; p < n_density; p++) {
      density[p] = rho[p][a];
      for (int k = 0; k < n_linear; k++) density[p] += element->linear[k * n_density + p] * linear[k];
    }
    ws->node_energy[ws->order[block->first + a]] += ace_energy(ws, thread, block, a, density, adjoint, &atom[a]);
    for (int k = 0; k < n_linear; k++) {
      linear_adjoint[k] = 0;
      for (int p = 0; p < n_density; p++) linear_adjoint[k] += element->linear[k * n_density + p] * adjoint[p];
    }
    for (int p = 0; p < n_density; p++) rho_adjoint[p][a] = adjoint[p];
  }
  ace_products_reverse(&element->products, n_density, scratch, rho_adjoint);
  ace_store_factor_adjoints(ace, &element->products, scratch);
  ace_forces(ws, thread, block, atom);
}

#endif
