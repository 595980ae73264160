/* Later layers' message before its linear (e3nn "uvu" tensor product; core/mace/conv.h has the formula), one path at
   a time: of `mid` only the block that a path makes is ever held.

   An item is a receiver. What the path needs of its edges (place in the radial tables, coupling coefficients M) is
   staged in scratch memory, edges on the lanes; then channels are on the lanes, and each lane goes through the edges
   with its sums in registers. The reverse towards senders goes through the edges in which a node is the sender. */
#ifndef FROZENTL_KOKKOS_CONV_HPP
#define FROZENTL_KOKKOS_CONV_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/edges.hpp"
#include "kokkos/loops.hpp"

namespace frozentl {

/* Of a chunk of a path's channels: where its tables begin, and how far apart cells are. */
struct ConvChunk {
  std::size_t offset, cell_stride;
};

/* A path as kernels see it. */
template <class Real> struct ConvPath {
  int d1, d3, in_offset, in_pad, out_pad;
  int chunk_width;
  const ConvChunk *chunk;
  const Real *radial;
  /* M[q] = sum_s coefficient[s] Y[component[s]], s = m_start[q] .. m_start[q + 1] - 1 */
  const int *m_start, *m_component;
  const double *m_coefficient;
};

/* What all paths of a layer share. */
struct ConvGeometry {
  EdgeList edges;
  ftl_grid grid;
  int lmax;
  bool raw; /* harmonics */
  int n_species;
  const int *pair_class;

  /* The pair class of the edge in `slot`. */
  KOKKOS_INLINE_FUNCTION int class_of(int slot) const {
    const int zi = edges.species[edges.receiver[slot]], zj = edges.species[edges.node[slot]];
    return pair_class[zi * n_species + zj];
  }
};

/* An edge in scratch. */
template <class Real> struct StagedEdge {
  Real t;
  int row, cell; /* row: of the other end; cell: among those of all classes */
};

template <class Real> constexpr std::size_t staged_bytes(int n_edges, int numbers) {
  return static_cast<std::size_t>(n_edges) *
             (sizeof(StagedEdge<Real>) + static_cast<std::size_t>(numbers) * sizeof(Real)) +
         64;
}

/* Stages the edge in `slot`: its place in the tables and its coupling coefficients. */
template <int N, class Real>
KOKKOS_INLINE_FUNCTION void stage_edge(const ConvGeometry &geometry, const ConvPath<Real> &path, int slot, int row,
                                       StagedEdge<Real> &edge, Real *m) {
  const EdgeVector &v = geometry.edges.vector[slot];
  const int class_ = geometry.class_of(slot);
  double y[FTL_MAX_SH], t, slope;
  ftl_grid_locate(&geometry.grid, class_, v.r, &edge.cell, &t, &slope);
  edge.cell += geometry.grid.first[class_];
  edge.t = static_cast<Real>(t);
  edge.row = row;
  edge_harmonics(geometry.lmax, geometry.raw, v, y);
  for (int q = 0; q < N; q++) {
    double sum = 0;
    for (int s = path.m_start[q]; s < path.m_start[q + 1]; s++) sum += path.m_coefficient[s] * y[path.m_component[s]];
    m[q] = static_cast<Real>(sum);
  }
}

template <class Real>
KOKKOS_FORCEINLINE_FUNCTION const Real *radial_row(const ConvPath<Real> &path, const StagedEdge<Real> &edge,
                                                   int channel) {
  const ConvChunk &chunk = path.chunk[channel / path.chunk_width];
  return path.radial + chunk.offset + static_cast<std::size_t>(edge.cell) * chunk.cell_stride +
         channel % path.chunk_width;
}

/* Radial weight of a pack of channels. */
template <class Pack, class Real> KOKKOS_FORCEINLINE_FUNCTION Pack radial_weight(const Real *c, int width, Real t) {
  constexpr int n = FTL_RADIAL_COEFFICIENTS(sizeof(Real));
  Pack r = load<Pack>(c + (n - 1) * width);
  for (int k = n - 2; k >= 0; k--) r = r * t + load<Pack>(c + k * width);
  return r;
}

/* mid block of a path, for the receivers of a batch. */
template <class Space, class Real, int D1, int D3> struct ConvForward {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  ConvGeometry geometry;
  ConvPath<Real> path;
  const int *order;
  int first;
  const Real *features;
  std::size_t row;
  Rows<Real> mid;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    constexpr int n_m = D1 * D3;
    const int position = first + item, i = order[position], n = geometry.edges.count[i];
    const int start = static_cast<int>(geometry.edges.first[i]);
    Real *const m = reinterpret_cast<Real *>(scratch);
    StagedEdge<Real> *const staged = reinterpret_cast<StagedEdge<Real> *>(m + static_cast<std::size_t>(n) * n_m);
    on_lanes(team, n, [&](int k) {
      stage_edge<n_m>(geometry, path, start + k, geometry.edges.node[start + k], staged[k], m + k * n_m);
    });
    Real *const to = mid.row(position);
    on_lanes(team, path.out_pad / lane::width, [&](int pack) {
      const int channel = pack * lane::width;
      Pack sum[D3];
      for (int m3 = 0; m3 < D3; m3++) sum[m3] = Pack{};
      for (int k = 0; k < n; k++) {
        const Real *u = features + static_cast<std::size_t>(staged[k].row) * row + path.in_offset + channel;
        const Pack weight = radial_weight<Pack>(radial_row(path, staged[k], channel), path.chunk_width, staged[k].t);
        for (int m1 = 0; m1 < D1; m1++) {
          const Pack x = weight * load<Pack>(u + m1 * path.in_pad);
          for (int m3 = 0; m3 < D3; m3++) sum[m3] += m[k * n_m + m3 * D1 + m1] * x;
        }
      }
      for (int m3 = 0; m3 < D3; m3++) store(to + m3 * path.out_pad + channel, sum[m3]);
    });
  }
};

/* dE/dr_ij of a receiver's edges through one path, from the adjoint of its mid block. */
template <class Space, class Real, int D1, int D3> struct ConvReverseEdges {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  ConvGeometry geometry;
  ConvPath<Real> path;
  const int *order;
  int first;
  const Real *features;
  std::size_t row;
  Rows<Real> mid_adjoint;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    constexpr int n_m = D1 * D3, n_coefficients = FTL_RADIAL_COEFFICIENTS(sizeof(Real));
    const int position = first + item, i = order[position], n = geometry.edges.count[i];
    const int start = static_cast<int>(geometry.edges.first[i]);
    /* M, later dE/dM and, last, dE/dt */
    Real *const m = reinterpret_cast<Real *>(scratch);
    StagedEdge<Real> *const staged = reinterpret_cast<StagedEdge<Real> *>(m + static_cast<std::size_t>(n) * (n_m + 1));
    on_lanes(team, n, [&](int k) {
      stage_edge<n_m>(geometry, path, start + k, geometry.edges.node[start + k], staged[k], m + k * (n_m + 1));
    });
    const Real *const from = mid_adjoint.row(position);
    for (int k = 0; k < n; k++) {
      Real *const mk = m + k * (n_m + 1);
      EdgeSums<Pack, n_m> sums;
      sum_lanes(team, path.out_pad / lane::width, sums, [&](int pack, EdgeSums<Pack, n_m> &add) {
        const int channel = pack * lane::width, width = path.chunk_width;
        const Real *u = features + static_cast<std::size_t>(staged[k].row) * row + path.in_offset + channel;
        const Real *c = radial_row(path, staged[k], channel);
        const Real t = staged[k].t;
        Pack d = load<Pack>(c + (n_coefficients - 1) * width), r = d * t + load<Pack>(c + (n_coefficients - 2) * width);
        for (int q = n_coefficients - 3; q >= 0; q--) {
          d = d * t + r;
          r = r * t + load<Pack>(c + q * width);
        }
        Pack x[D1], slope = Pack{};
        for (int m1 = 0; m1 < D1; m1++) x[m1] = load<Pack>(u + m1 * path.in_pad);
        for (int m3 = 0; m3 < D3; m3++) {
          const Pack g = load<Pack>(from + m3 * path.out_pad + channel), rg = r * g;
          for (int m1 = 0; m1 < D1; m1++) {
            add.v[m3 * D1 + m1] += rg * x[m1];
            slope += mk[m3 * D1 + m1] * (g * x[m1]);
          }
        }
        add.slope += lane_sum(d * slope);
      });
      Kokkos::single(Kokkos::PerThread(team), [&]() {
        for (int q = 0; q < n_m; q++) mk[q] = static_cast<Real>(lane_sum(sums.v[q]));
        mk[n_m] = static_cast<Real>(sums.slope);
      });
    }
    on_lanes(team, n, [&](int k) {
      const EdgeVector &v = geometry.edges.vector[start + k];
      const Real *const mk = m + k * (n_m + 1);
      double dy[FTL_MAX_SH], t, slope;
      int cell;
      ftl_grid_locate(&geometry.grid, geometry.class_of(start + k), v.r, &cell, &t, &slope);
      for (int q = 0; q < FTL_MAX_SH; q++) dy[q] = 0;
      for (int q = 0; q < n_m; q++)
        for (int s = path.m_start[q]; s < path.m_start[q + 1]; s++)
          dy[path.m_component[s]] += path.m_coefficient[s] * static_cast<double>(mk[q]);
      add_edge_gradient(geometry.lmax, geometry.raw, v, static_cast<double>(mk[n_m]) * slope, dy,
                        geometry.edges.gradient[start + k]);
    });
  }
};

/* Adds to the adjoint of the features of each node through one path. */
template <class Space, class Real, int D1, int D3> struct ConvReverseSenders {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  ConvGeometry geometry;
  ConvPath<Real> path;
  const int *position_of; /* [n_local] */
  Rows<Real> mid_adjoint; /* by position, of all receivers */
  Real *adjoints;
  std::size_t row;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int j, char *scratch) const {
    constexpr int n_m = D1 * D3;
    const int n = geometry.edges.count_sent[j];
    const int *const sent = geometry.edges.sent + geometry.edges.first_sent[j];
    Real *const m = reinterpret_cast<Real *>(scratch);
    StagedEdge<Real> *const staged = reinterpret_cast<StagedEdge<Real> *>(m + static_cast<std::size_t>(n) * n_m);
    on_lanes(team, n, [&](int k) {
      stage_edge<n_m>(geometry, path, sent[k], position_of[geometry.edges.receiver[sent[k]]], staged[k], m + k * n_m);
    });
    Real *const to = adjoints + static_cast<std::size_t>(j) * row + path.in_offset;
    on_lanes(team, path.in_pad / lane::width, [&](int pack) {
      const int channel = pack * lane::width;
      Pack sum[D1];
      for (int m1 = 0; m1 < D1; m1++) sum[m1] = Pack{};
      for (int k = 0; k < n; k++) {
        const Real *from = mid_adjoint.row(staged[k].row) + channel;
        const Pack weight = radial_weight<Pack>(radial_row(path, staged[k], channel), path.chunk_width, staged[k].t);
        for (int m3 = 0; m3 < D3; m3++) {
          const Pack g = weight * load<Pack>(from + m3 * path.out_pad);
          for (int m1 = 0; m1 < D1; m1++) sum[m1] += m[k * n_m + m3 * D1 + m1] * g;
        }
      }
      for (int m1 = 0; m1 < D1; m1++) {
        Real *at = to + m1 * path.in_pad + channel;
        store(at, load<Pack>(at) + sum[m1]);
      }
    });
  }
};

/* Calls f(integral constants d1, d3), of 1, 3, 5 and 7. */
static_assert(FTL_MAX_SH == 16, "by_shape and by_lmax end at l = 3");
template <class F> void by_shape(int d1, int d3, const F &f) {
  using std::integral_constant;
  const auto by_d3 = [&](auto first) {
    if (d3 == 1) f(first, integral_constant<int, 1>{});
    else if (d3 == 3) f(first, integral_constant<int, 3>{});
    else if (d3 == 5) f(first, integral_constant<int, 5>{});
    else f(first, integral_constant<int, 7>{});
  };
  if (d1 == 1) by_d3(integral_constant<int, 1>{});
  else if (d1 == 3) by_d3(integral_constant<int, 3>{});
  else if (d1 == 5) by_d3(integral_constant<int, 5>{});
  else by_d3(integral_constant<int, 7>{});
}

/* The paths of a layer. */
template <class Space, class Real> class Conv {
public:
  Conv() = default;
  Conv(const ftl_model *model, const ftl_prepared_layer &layer, Store<Space> &store) {
    const ftl_conv &conv = layer.conv;
    const int width = conv.chunk_vectors * model->lanes, n_m = conv.n_m;
    const std::size_t path_size =
        static_cast<std::size_t>(FTL_RADIAL_COEFFICIENTS(sizeof(Real))) * static_cast<std::size_t>(width);
    const Real *radial =
        store.upload("radial", static_cast<const Real *>(conv.radial), conv.chunk_offset[conv.n_chunks]);
    const int *m_start = store.upload("coupling", conv.m_start, static_cast<std::size_t>(n_m) + 1);
    const int *m_component = store.upload("coupling", conv.m_component, static_cast<std::size_t>(conv.m_start[n_m]));
    const double *m_coefficient =
        store.upload("coupling", conv.m_coefficient, static_cast<std::size_t>(conv.m_start[n_m]));
    std::vector<std::size_t> rank(static_cast<std::size_t>(conv.n_chunks));
    for (int p = 0; p < conv.n_paths; p++) {
      const ftl_conv_path &path = conv.path[p];
      const ftl_layout_block &in = conv.edge.b[path.in], &out = conv.mid.b[path.out];
      std::vector<ConvChunk> chunks;
      for (int c = 0; c < path.n_chunks; c++)
        chunks.push_back({conv.chunk_offset[c] + rank[static_cast<std::size_t>(c)]++ * path_size,
                          static_cast<std::size_t>(conv.chunk_paths[c]) * path_size});
      paths.push_back({path.d1, path.d3, in.offset, in.pad, out.pad, width, store.upload("chunks", chunks), radial,
                       m_start + path.m_offset, m_component, m_coefficient});
    }
  }
  std::vector<ConvPath<Real>> paths;
};

} // namespace frozentl

#endif
