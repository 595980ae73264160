/* Products of A, forward and reverse, in double always, over a potential's programs (ftl_ace_program), and energies.
   The body reads as core/ace/ace_products.h. All atoms of a block go the same way. */
#ifndef FROZENTL_KOKKOS_ACE_PRODUCTS_HPP
#define FROZENTL_KOKKOS_ACE_PRODUCTS_HPP

#include "kokkos/ace_edges.hpp"

namespace frozentl {

/* The path from the root to the node in work: products, and in reverse their adjoints dE/dRe + i dE/dIm. A and its
   adjoint are at entry * Stride. */
template <class V, int Stride> struct AcePath {
  const double *a;
  double *adjoint;
  int to_im;
  const ftl_ace_node *node[FTL_ACE_MAX_RANK];
  V re[FTL_ACE_MAX_RANK], im[FTL_ACE_MAX_RANK], g_re[FTL_ACE_MAX_RANK], g_im[FTL_ACE_MAX_RANK];

  KOKKOS_INLINE_FUNCTION static void add(double *to, const V &v) { store(to, load<V>(to) + v); }

  KOKKOS_INLINE_FUNCTION void enter(const ftl_ace_node *next) {
    const int d = next->depth;
    const double *f = a + static_cast<std::size_t>(next->entry) * Stride;
    V f_re = load<V>(f), f_im = next->sign * load<V>(f + to_im);
    node[d] = next;
    if (d > 0) {
      const V p_re = re[d - 1], p_im = im[d - 1], product = p_re * f_re - p_im * f_im;
      f_im = p_re * f_im + p_im * f_re;
      f_re = product;
    }
    re[d] = f_re;
    im[d] = f_im;
  }

  /* All that hangs on the node at depth d is done: its adjoint goes to its factor and to its parent. The adjoint of a
     in p a is the product's times conj(p). */
  KOKKOS_INLINE_FUNCTION void leave(int d) {
    const double *f = a + static_cast<std::size_t>(node[d]->entry) * Stride;
    double *to = adjoint + static_cast<std::size_t>(node[d]->entry) * Stride;
    const double sign = node[d]->sign;
    V f_re = g_re[d], f_im = g_im[d];
    if (d > 0) {
      const V a_re = load<V>(f), a_im = sign * load<V>(f + to_im), p_re = re[d - 1], p_im = im[d - 1];
      g_re[d - 1] += f_re * a_re + f_im * a_im;
      g_im[d - 1] += f_im * a_re - f_re * a_im;
      const V product = f_re * p_re + f_im * p_im;
      f_im = f_im * p_re - f_re * p_im;
      f_re = product;
    }
    add(to, f_re);
    add(to + to_im, sign * f_im);
  }
};

/* dE/d(leaf's value), and the same with the sign of the imaginary part. */
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void ace_worth(const double *c, const V *seed, int n_density, V &theta, V &theta_im) {
  if (n_density == 1) {
    theta = V{} + c[0];
    theta_im = V{} + c[1];
    return;
  }
  theta = c[0] * seed[0];
  for (int p = 1; p < n_density; p++) theta += c[p] * seed[p];
  theta_im = c[n_density] * theta;
}

/* Reverse; with one density it needs no seed, gives d rho/dA, and the density itself on the way. */
template <class V, int Stride>
KOKKOS_INLINE_FUNCTION void ace_reverse(const ftl_ace_program &program, const double *KOKKOS_RESTRICT a,
                                        double *KOKKOS_RESTRICT adjoint, int to_im, const V *seed, int n_density,
                                        V &rho) {
  const int *leaf = program.leaf;
  const double *c = program.leaf_c;
  AcePath<V, Stride> path;
  V theta, theta_im;
  int open = 0;
  path.a = a;
  path.adjoint = adjoint;
  path.to_im = to_im;
  for (int q = 0; q < program.n_alone; q++, leaf++, c += n_density + 1) {
    const std::size_t at = static_cast<std::size_t>(*leaf) * Stride;
    ace_worth(c, seed, n_density, theta, theta_im);
    rho += theta * load<V>(a + at);
    path.add(adjoint + at, theta);
  }
  for (int k = 0; k < program.n_nodes; k++) {
    const ftl_ace_node *node = program.node + k;
    while (open > node->depth) path.leave(--open);
    path.enter(node);
    const V re = path.re[open], im = path.im[open];
    V g_re = V{}, g_im = V{};
    for (int q = 0; q < node->n_leaves; q++, leaf++, c += n_density + 1) {
      const std::size_t at = static_cast<std::size_t>(*leaf) * Stride, at_im = at + static_cast<std::size_t>(to_im);
      ace_worth(c, seed, n_density, theta, theta_im);
      g_re += theta * load<V>(a + at);
      g_im -= theta_im * load<V>(a + at_im);
      path.add(adjoint + at, theta * re);
      path.add(adjoint + at_im, -theta_im * im);
    }
    rho += re * g_re + im * g_im;
    path.g_re[open] = g_re;
    path.g_im[open++] = g_im;
  }
  while (open > 0) path.leave(--open);
}

/* Densities only. */
template <class V, int Stride>
KOKKOS_INLINE_FUNCTION void ace_forward(const ftl_ace_program &program, const double *a, int to_im, int n_density,
                                        V *rho) {
  const int *leaf = program.leaf;
  const double *c = program.leaf_c;
  AcePath<V, Stride> path;
  path.a = a;
  path.to_im = to_im;
  for (int q = 0; q < program.n_alone; q++, leaf++, c += n_density + 1)
    for (int p = 0; p < n_density; p++) rho[p] += c[p] * load<V>(a + static_cast<std::size_t>(*leaf) * Stride);
  for (int k = 0; k < program.n_nodes; k++) {
    const ftl_ace_node *node = program.node + k;
    V s_re[FTL_ACE_MAX_DENSITY], s_im[FTL_ACE_MAX_DENSITY];
    for (int p = 0; p < n_density; p++) s_re[p] = s_im[p] = V{};
    path.enter(node);
    for (int q = 0; q < node->n_leaves; q++, leaf++, c += n_density + 1) {
      const double *at = a + static_cast<std::size_t>(*leaf) * Stride;
      const V re = load<V>(at), im = c[n_density] * load<V>(at + to_im);
      for (int p = 0; p < n_density; p++) {
        s_re[p] += c[p] * re;
        s_im[p] += c[p] * im;
      }
    }
    const V re = path.re[node->depth], im = path.im[node->depth];
    for (int p = 0; p < n_density; p++) rho[p] += re * s_re[p] - im * s_im[p];
  }
}

/* Reverse = false: densities; of one density, their derivatives too. Reverse = true: derivatives of the energy by A of
   several densities, with dE/drho in `seed`. */
template <class Space, bool Reverse> struct AceProducts {
  using Pack = typename AceAtoms<Space>::Pack;
  static constexpr int block_atoms = AceAtoms<Space>::block, width = AceAtoms<Space>::width;
  const ftl_ace *ace;
  AceBatch batch;
  AceNeighbours neighbours;
  AceSums a, adjoint;
  AceNumbers rho, seed;

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *) const {
    const Block &block = batch.block[batch.begin + item];
    const ftl_ace_element &element = ace->element[block.species];
    const int n_density = element.embedding.n_density, to_im = 8 * ace->n_chunks * block_atoms;
    if (Reverse && n_density == 1) return;
    const ftl_ace_program &program = element.program[element.n_programs == 1 ? 0 : neighbours_of(block)];
    on_lanes(team, block_atoms / width, [&](int lane) {
      const double *const from = a.of_block(item) + lane * width;
      double *const to = adjoint.of_block(item) + lane * width;
      const int first = item * block_atoms + lane * width;
      Pack values[FTL_ACE_MAX_DENSITY];
      for (int p = 0; p < n_density; p++) values[p] = Reverse ? load<Pack>(&seed.at(first, p)) : Pack{};
      if (Reverse) {
        Pack unused = Pack{};
        ace_reverse<Pack, block_atoms>(program, from, to, to_im, values, n_density, unused);
        return;
      }
      if (n_density == 1) ace_reverse<Pack, block_atoms>(program, from, to, to_im, nullptr, 1, values[0]);
      else ace_forward<Pack, block_atoms>(program, from, to_im, n_density, values);
      for (int p = 0; p < n_density; p++) store(&rho.at(first, p), values[p]);
    });
  }

  /* The elements that atoms of the block have near: products with others are zero. */
  KOKKOS_INLINE_FUNCTION unsigned neighbours_of(const Block &block) const {
    unsigned set = 0;
    for (int k = 0; k < block.n; k++)
      for (int z = 0; z < ace->n_species; z++)
        if (neighbours.count(batch.order[block.first + k], z) > 0) set |= 1u << z;
    return set;
  }
};

/* Energies from densities, core repulsion and the nearest neighbour; what forces need of them. */
template <class Space> struct AceEnergies {
  static constexpr int block_atoms = AceAtoms<Space>::block;
  const ftl_ace *ace;
  double r_max;
  AceBatch batch;
  AceNeighbours neighbours;
  EdgeList edges;
  AceNumbers rho, linear, seed;
  AceAtom *atom;
  double *node_energy;

  KOKKOS_INLINE_FUNCTION void operator()(int item) const {
    int species;
    const int i = batch.receiver(item, block_atoms, &species);
    const ftl_ace_embedding &embedding = ace->element[species].embedding;
    const int n_density = embedding.n_density;
    if (i < 0) {
      for (int p = 0; p < n_density; p++) seed.at(item, p) = 0;
      return;
    }
    double density[FTL_ACE_MAX_DENSITY], derivative[FTL_ACE_MAX_DENSITY], fraction;
    AceAtom &to = atom[item];
    ftl_ace_core_sums sums;
    sums.core = sums.width = 0;
    sums.zbl = ace->inner == FTL_ACE_INNER_ZBL;
    sums.any = false;
    sums.depth = r_max;
    to.nearest = -1;
    for (int z = 0; z < ace->n_species; z++) add_neighbours(i, species, z, sums, to.nearest);
    for (int p = 0; p < n_density; p++) density[p] = rho.at(item, p) + (ace->n_linear > 0 ? linear.at(item, p) : 0);
    const double energy = ftl_ace_embed(&embedding, density, derivative);
    node_energy[i] = ftl_ace_site(&embedding, &sums, energy, &fraction, &to.core, &to.nearest_slope);
    for (int p = 0; p < n_density; p++) seed.at(item, p) = derivative[p] * fraction;
  }

  KOKKOS_INLINE_FUNCTION void add_neighbours(int i, int species, int z, ftl_ace_core_sums &sums, int &nearest) const {
    const ftl_ace_pair &pair = ace->pair[species * ace->n_species + z];
    const int *const slot = neighbours.slots(edges, i, z);
    if (!sums.zbl && pair.n_core == 0) return;
    for (int k = 0; k < neighbours.count(i, z); k++) {
      const double r = edges.vector[slot[k]].r, depth = r - (pair.bond.inner - pair.bond.d_inner);
      double w, slope;
      const int bin = ftl_ace_bin(r, pair.table->inverse, pair.table->n_bins, &w);
      sums.core += ftl_ace_core_spline(reinterpret_cast<const double *>(pair.core), pair.n_core, pair.table->inverse,
                                       bin, w, &slope);
      if (!sums.zbl || depth >= sums.depth) continue;
      sums.depth = depth;
      sums.width = pair.bond.d_inner;
      sums.any = true;
      nearest = slot[k];
    }
  }
};

} // namespace frozentl

#endif
