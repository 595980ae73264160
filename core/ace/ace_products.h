/* PACE potentials: products of A, atoms of the block in lanes, forward and reverse (ftl_ace_program). */
#ifndef FTL_KERNEL_ACE_PRODUCTS_H
#define FTL_KERNEL_ACE_PRODUCTS_H

#include "ace/ace.h"

/* In float64 in every build: terms cancel too far for float32, by factors of a thousand in published potentials. */
enum { ACE_ATOMS = FTL_BLOCK_ATOMS };
typedef double ace_atoms __attribute__((vector_size(ACE_ATOMS * sizeof(double)), may_alias));

FTL_INLINE ace_atoms ace_load(const double *p) { return *(const ace_atoms *)p; }
FTL_INLINE void ace_store(double *p, ace_atoms v) { *(ace_atoms *)p = v; }
FTL_INLINE ace_atoms ace_splat(double x) { return x - (ace_atoms){0}; }

/* The path from the root to the node in work: products, and in reverse their adjoints dE/dRe + i dE/dIm. */
typedef struct {
  const ftl_ace_node *node[FTL_ACE_MAX_RANK];
  ace_atoms re[FTL_ACE_MAX_RANK], im[FTL_ACE_MAX_RANK], g_re[FTL_ACE_MAX_RANK], g_im[FTL_ACE_MAX_RANK];
} ace_path;

FTL_INLINE void ace_enter(ace_path *path, const ftl_ace_node *node, const double *a, size_t to_im) {
  int d = node->depth;
  const double *f = a + (size_t)node->entry * ACE_ATOMS;
  ace_atoms re = ace_load(f), im = node->sign * ace_load(f + to_im);
  path->node[d] = node;
  if (d > 0) {
    ace_atoms p_re = path->re[d - 1], p_im = path->im[d - 1], product = p_re * re - p_im * im;
    im = p_re * im + p_im * re;
    re = product;
  }
  path->re[d] = re;
  path->im[d] = im;
}

/* All that hangs on the node at depth d is done: its adjoint goes to its factor and to its parent. The adjoint of a in
   p a is the product's times conj(p). */
FTL_INLINE void ace_leave(ace_path *path, int d, const double *a, double *adjoint, size_t to_im) {
  const ftl_ace_node *node = path->node[d];
  const double *f = a + (size_t)node->entry * ACE_ATOMS;
  double *f_adjoint = adjoint + (size_t)node->entry * ACE_ATOMS, sign = node->sign;
  ace_atoms re = path->g_re[d], im = path->g_im[d], g_re = re, g_im = im;
  if (d > 0) {
    ace_atoms f_re = ace_load(f), f_im = sign * ace_load(f + to_im), p_re = path->re[d - 1], p_im = path->im[d - 1];
    path->g_re[d - 1] += g_re * f_re + g_im * f_im;
    path->g_im[d - 1] += g_im * f_re - g_re * f_im;
    re = g_re * p_re + g_im * p_im;
    im = g_im * p_re - g_re * p_im;
  }
  ace_store(f_adjoint, ace_load(f_adjoint) + re);
  ace_store(f_adjoint + to_im, ace_load(f_adjoint + to_im) + sign * im);
}

/* dE/d(leaf's value), and the same with the sign of the imaginary part: a leaf's coefficient, or the sum over densities
   of coefficient times dE/drho. */
FTL_INLINE void ace_worth(const double *c, const ace_atoms *seed, const int n_density, ace_atoms *theta,
                          ace_atoms *theta_im) {
  if (n_density == 1) {
    *theta = ace_splat(c[0]);
    *theta_im = ace_splat(c[1]);
    return;
  }
  *theta = c[0] * seed[0];
  for (int p = 1; p < n_density; p++) *theta += c[p] * seed[p];
  *theta_im = c[n_density] * *theta;
}

/* Reverse; with one density it needs no seed, gives d rho/dA, and the density itself on the way; without `adjoints` the
   density alone, to the same bits. */
FTL_INLINE void ace_reverse_body(const ftl_ace_program *program, const double *a, double *adjoint, size_t to_im,
                                 const ace_atoms *seed, const int n_density, ace_atoms *rho, const bool adjoints) {
  const int *leaf = program->leaf;
  const double *c = program->leaf_c;
  ace_path path;
  ace_atoms theta, theta_im;
  int open = 0;
  for (int q = 0; q < program->n_alone; q++, leaf++, c += n_density + 1) {
    ace_worth(c, seed, n_density, &theta, &theta_im);
    if (n_density == 1) *rho += theta * ace_load(a + (size_t)*leaf * ACE_ATOMS);
    if (!adjoints) continue;
    double *at = adjoint + (size_t)*leaf * ACE_ATOMS;
    ace_store(at, ace_load(at) + theta);
  }
  for (int k = 0; k < program->n_nodes; k++) {
    const ftl_ace_node *node = &program->node[k];
    while (adjoints && open > node->depth) ace_leave(&path, --open, a, adjoint, to_im);
    if (!adjoints) open = node->depth;
    ace_enter(&path, node, a, to_im);
    ace_atoms re = path.re[open], im = path.im[open], g_re = ace_splat(0), g_im = ace_splat(0);
    for (int q = 0; q < node->n_leaves; q++, leaf++, c += n_density + 1) {
      size_t at = (size_t)*leaf * ACE_ATOMS, at_im = at + to_im;
      ace_worth(c, seed, n_density, &theta, &theta_im);
      g_re += theta * ace_load(a + at);
      g_im -= theta_im * ace_load(a + at_im);
      if (!adjoints) continue;
      ace_store(adjoint + at, ace_load(adjoint + at) + theta * re);
      ace_store(adjoint + at_im, ace_load(adjoint + at_im) - theta_im * im);
    }
    if (n_density == 1) *rho += re * g_re + im * g_im;
    if (!adjoints) continue;
    path.g_re[open] = g_re;
    path.g_im[open++] = g_im;
  }
  while (adjoints && open > 0) ace_leave(&path, --open, a, adjoint, to_im);
}

/* Densities only, of more than one. */
FTL_INLINE void ace_forward_body(const ftl_ace_program *program, const double *a, size_t to_im, const int n_density,
                                 ace_atoms *rho) {
  const int *leaf = program->leaf;
  const double *c = program->leaf_c;
  ace_path path;
  for (int q = 0; q < program->n_alone; q++, leaf++, c += n_density + 1)
    for (int p = 0; p < n_density; p++) rho[p] += c[p] * ace_load(a + (size_t)*leaf * ACE_ATOMS);
  for (int k = 0; k < program->n_nodes; k++) {
    const ftl_ace_node *node = &program->node[k];
    ace_atoms s_re[FTL_ACE_MAX_DENSITY], s_im[FTL_ACE_MAX_DENSITY];
    for (int p = 0; p < n_density; p++) s_re[p] = s_im[p] = ace_splat(0);
    ace_enter(&path, node, a, to_im);
    for (int q = 0; q < node->n_leaves; q++, leaf++, c += n_density + 1) {
      const double *at = a + (size_t)*leaf * ACE_ATOMS;
      ace_atoms re = ace_load(at), im = c[n_density] * ace_load(at + to_im);
      for (int p = 0; p < n_density; p++) {
        s_re[p] += c[p] * re;
        s_im[p] += c[p] * im;
      }
    }
    ace_atoms re = path.re[node->depth], im = path.im[node->depth];
    for (int p = 0; p < n_density; p++) rho[p] += re * s_re[p] - im * s_im[p];
  }
}

static void ace_forward(const ftl_ace_program *program, const double *a, size_t to_im, int n_density, ace_atoms *rho) {
  if (n_density == 1) ace_reverse_body(program, a, NULL, to_im, NULL, 1, rho, false);
  else if (n_density == 2) ace_forward_body(program, a, to_im, 2, rho);
  else ace_forward_body(program, a, to_im, n_density, rho);
}

static void ace_reverse(const ftl_ace_program *program, const double *a, double *adjoint, size_t to_im,
                        const ace_atoms *seed, int n_density) {
  if (n_density == 2) ace_reverse_body(program, a, adjoint, to_im, seed, 2, NULL, true);
  else ace_reverse_body(program, a, adjoint, to_im, seed, n_density, NULL, true);
}

static void ace_both(const ftl_ace_program *program, const double *a, double *adjoint, size_t to_im, ace_atoms *rho) {
  ace_reverse_body(program, a, adjoint, to_im, NULL, 1, rho, true);
}

#endif
