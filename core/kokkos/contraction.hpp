/* The symmetric contraction as polynomials in Horner form over their tries (ftl_contraction;
   core/mace/contraction.h), channels on the lanes, a few atoms of one element to a lane. */
#ifndef FROZENTL_KOKKOS_CONTRACTION_HPP
#define FROZENTL_KOKKOS_CONTRACTION_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/loops.hpp"

namespace frozentl {

/* ftl_polynomial; index and first are places in the pool of numbers. */
struct Polynomial {
  int depth, n;
  int index[FTL_MAX_BODY], first[FTL_MAX_BODY];
  std::size_t weight[FTL_MAX_BODY];
  std::size_t output; /* of the output's weights within a chunk */
  int row;            /* of the output in an atom's product row */
};

template <class Real> struct Polynomials {
  const Polynomial *polynomial; /* [n_outputs] */
  int n_outputs, n_components, n_chunks, lanes;
  const int *pool;
  const int *component; /* [n_components] where a component of A is in an atom's row */
  const Real *weight;
  std::size_t chunk_stride, species_stride;
};

template <class Space, class Real> struct ContractionForward {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  static constexpr int atoms = lane::atoms;
  Polynomials<Real> product;
  Rows<Real> A, out;
  const Block *block;
  int begin;

  template <int Depth>
  KOKKOS_INLINE_FUNCTION void walk(const Polynomial &poly, const Real *weight, const Real *const *a, int d, int node,
                                   int end, Pack *t) const {
    const Real *c = weight + poly.weight[d] + static_cast<std::size_t>(node) * product.lanes;
    for (; node < end; node++, c += product.lanes) {
      const int at = product.component[product.pool[poly.index[d] + node]];
      Pack s[atoms];
      for (int v = 0; v < atoms; v++) s[v] = load<Pack>(c);
      if constexpr (Depth > 1)
        walk<Depth - 1>(poly, weight, a, d + 1, product.pool[poly.first[d] + node],
                        product.pool[poly.first[d] + node + 1], s);
      for (int v = 0; v < atoms; v++) t[v] += s[v] * load<Pack>(a[v] + at);
    }
  }

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *) const {
    constexpr int groups = FTL_BLOCK_ATOMS / atoms;
    const Block b = block[begin + item / groups];
    const int first = item % groups * atoms;
    if (first >= b.n) return;
    const Real *const weight = product.weight + b.species * product.species_stride;
    on_lanes(team, product.n_chunks * product.lanes / lane::width, [&](int pack) {
      const int channel = pack * lane::width;
      const Real *a[atoms];
      for (int v = 0; v < atoms; v++) a[v] = A.row(b.first + (first + v < b.n ? first + v : 0)) + channel;
      for (int o = 0; o < product.n_outputs; o++) {
        const Polynomial &poly = product.polynomial[o];
        const Real *w = weight + channel / product.lanes * product.chunk_stride + poly.output + channel % product.lanes;
        Pack t[atoms];
        for (int v = 0; v < atoms; v++) t[v] = Pack{};
        if (poly.depth == 1) walk<1>(poly, w, a, 0, 0, poly.n, t);
        else if (poly.depth == 2) walk<2>(poly, w, a, 0, 0, poly.n, t);
        else if (poly.depth == 3) walk<3>(poly, w, a, 0, 0, poly.n, t);
        else if (poly.depth == 4) walk<4>(poly, w, a, 0, 0, poly.n, t);
        for (int v = 0; v < atoms && first + v < b.n; v++)
          store(out.row(b.first + first + v) + poly.row + channel, t[v]);
      }
    });
  }
};

template <class Space, class Real> struct ContractionReverse {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  static constexpr int atoms = lane::atoms;
  Polynomials<Real> product;
  Rows<Real> A, out_adjoint, A_adjoint;
  const Block *block;
  int begin;

  /* g: the adjoint of t; gradients go to `sum`, [component][atom][lane]. */
  template <int Depth>
  KOKKOS_INLINE_FUNCTION void walk(const Polynomial &poly, const Real *weight, const Real *const *a, int d, int node,
                                   int end, const Pack *g, Pack *t, Pack *sum) const {
    const Real *c = weight + poly.weight[d] + static_cast<std::size_t>(node) * product.lanes;
    for (; node < end; node++, c += product.lanes) {
      const int i = product.pool[poly.index[d] + node], at = product.component[i];
      Pack s[atoms], h[atoms], x[atoms];
      for (int v = 0; v < atoms; v++) {
        s[v] = load<Pack>(c);
        x[v] = load<Pack>(a[v] + at);
        h[v] = g[v] * x[v];
      }
      if constexpr (Depth > 1)
        walk<Depth - 1>(poly, weight, a, d + 1, product.pool[poly.first[d] + node],
                        product.pool[poly.first[d] + node + 1], h, s, sum);
      for (int v = 0; v < atoms; v++) {
        t[v] += s[v] * x[v];
        sum[(i * atoms + v) * lane::lanes] += g[v] * s[v];
      }
    }
  }

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    constexpr int groups = FTL_BLOCK_ATOMS / atoms;
    const Block b = block[begin + item / groups];
    const int first = item % groups * atoms, n_packs = product.n_chunks * product.lanes / lane::width;
    if (first >= b.n) return;
    const Real *const weight = product.weight + b.species * product.species_stride;
    for (int start = 0; start < n_packs; start += lane::lanes)
      on_lanes(team, lane::lanes, [&](int l) {
        const int channel = (start + l) * lane::width;
        if (start + l >= n_packs) return;
        Pack *const sum = reinterpret_cast<Pack *>(scratch) + l;
        const Real *a[atoms];
        for (int v = 0; v < atoms; v++) a[v] = A.row(b.first + (first + v < b.n ? first + v : 0)) + channel;
        for (int k = 0; k < product.n_components * atoms; k++) sum[k * lane::lanes] = Pack{};
        for (int o = 0; o < product.n_outputs; o++) {
          const Polynomial &poly = product.polynomial[o];
          const Real *w =
              weight + channel / product.lanes * product.chunk_stride + poly.output + channel % product.lanes;
          Pack t[atoms], g[atoms];
          for (int v = 0; v < atoms; v++) {
            t[v] = g[v] = Pack{};
            if (first + v < b.n) g[v] = load<Pack>(out_adjoint.row(b.first + first + v) + poly.row + channel);
          }
          if (poly.depth == 1) walk<1>(poly, w, a, 0, 0, poly.n, g, t, sum);
          else if (poly.depth == 2) walk<2>(poly, w, a, 0, 0, poly.n, g, t, sum);
          else if (poly.depth == 3) walk<3>(poly, w, a, 0, 0, poly.n, g, t, sum);
          else if (poly.depth == 4) walk<4>(poly, w, a, 0, 0, poly.n, g, t, sum);
        }
        for (int v = 0; v < atoms && first + v < b.n; v++) {
          Real *to = A_adjoint.row(b.first + first + v) + channel;
          for (int i = 0; i < product.n_components; i++)
            store(to + product.component[i], sum[(i * atoms + v) * lane::lanes]);
        }
      });
  }
};

template <class Space, class Real> class Contraction {
public:
  Contraction() = default;
  Contraction(const ftl_model *model, const ftl_contraction &contraction, Store<Space> &store) {
    const ftl_contraction &c = contraction;
    std::vector<int> pool, component;
    std::vector<Polynomial> polynomials;
    for (int b = 0; b < c.in.n; b++)
      for (int m = 0; m < c.in.b[b].d; m++) component.push_back(c.in.b[b].offset + m * c.in.b[b].pad);
    for (int b = 0, o = 0; b < c.out.n; b++)
      for (int m = 0; m < c.out.b[b].d; m++, o++) {
        const ftl_polynomial &from = c.polynomial[o];
        Polynomial poly{};
        poly.depth = from.depth;
        poly.n = from.depth > 0 ? from.n[0] : 0;
        poly.output = c.output_offset[o];
        poly.row = c.out.b[b].offset + m * c.out.b[b].pad;
        for (int d = 0; d < from.depth; d++) {
          poly.index[d] = static_cast<int>(pool.size());
          pool.insert(pool.end(), from.index[d], from.index[d] + from.n[d]);
          poly.first[d] = static_cast<int>(pool.size());
          pool.insert(pool.end(), from.first[d], from.first[d] + from.n[d] + 1);
          poly.weight[d] = from.weight[d];
        }
        polynomials.push_back(poly);
      }
    const std::size_t n = c.species_stride > 0 ? static_cast<std::size_t>(model->n_species) : 1;
    product.polynomial = store.upload("polynomials", polynomials);
    product.n_outputs = c.n_outputs;
    product.n_components = static_cast<int>(component.size());
    product.n_chunks = c.n_chunks;
    product.lanes = model->lanes;
    product.pool = store.upload("tries", pool);
    product.component = store.upload("components", component);
    product.weight = store.upload("product", static_cast<const Real *>(c.weight),
                                  n * c.chunk_stride * static_cast<std::size_t>(c.n_chunks));
    product.chunk_stride = c.chunk_stride;
    product.species_stride = c.species_stride;
  }

  void forward(const Rows<Real> &A, const Rows<Real> &out, const Block *block, const Batch &batch) const {
    for_items<Space>("contraction", items(batch), 0,
                     ContractionForward<Space, Real>{product, A, out, block, batch.begin});
  }
  void reverse(const Rows<Real> &A, const Rows<Real> &out_adjoint, const Rows<Real> &A_adjoint, const Block *block,
               const Batch &batch) const {
    using lane = Lane<Space, Real>;
    const std::size_t scratch =
        static_cast<std::size_t>(product.n_components * lane::atoms * lane::lanes) * sizeof(typename lane::Pack);
    for_items<Space>("contraction, reverse", items(batch), scratch,
                     ContractionReverse<Space, Real>{product, A, out_adjoint, A_adjoint, block, batch.begin});
  }

private:
  static int items(const Batch &batch) {
    return (batch.end - batch.begin) * (FTL_BLOCK_ATOMS / Lane<Space, Real>::atoms);
  }
  Polynomials<Real> product{};
};

} // namespace frozentl

#endif
