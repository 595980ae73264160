/* A receiver's edges, one element of senders after another: their functions of r and harmonics, staged in scratch
   memory a few edges at a time, and the sums A over them. */
#ifndef FROZENTL_KOKKOS_ACE_EDGES_HPP
#define FROZENTL_KOKKOS_ACE_EDGES_HPP

#include "kokkos/ace_harmonics.hpp"
#include "kokkos/edges.hpp"

namespace frozentl {

/* Slots of receivers' edges within the cutoffs of their pairs, by element of the sender: those of i to z are
   slot[first[i] + start[z]] up to start[z + 1]. */
struct AceNeighbours {
  int n_species;
  int *start; /* [n_local][n_species + 1] */
  int *slot;  /* as the edges of Edges */
  KOKKOS_INLINE_FUNCTION int *starts(int i) const { return start + static_cast<std::size_t>(i) * (n_species + 1); }
  KOKKOS_INLINE_FUNCTION int count(int i, int z) const { return starts(i)[z + 1] - starts(i)[z]; }
  KOKKOS_INLINE_FUNCTION const int *slots(const EdgeList &edges, int i, int z) const {
    return slot + edges.first[i] + starts(i)[z];
  }
};

/* What an atom's forces need besides dE/dA and dE/drho. */
struct AceAtom {
  double core; /* dE/d(core sum) */
  int nearest; /* slot of an edge whose length enters by itself (ZBL) */
  double nearest_slope;
};

namespace ace_stages {

struct SortEdges {
  const ftl_ace *ace;
  EdgeList edges;
  AceNeighbours to;
  KOKKOS_INLINE_FUNCTION int element(std::int64_t slot, const ftl_ace_pair *pairs) const {
    const int z = edges.species[edges.node[slot]];
    return edges.vector[slot].r < pairs[z].bond.cutoff ? z : -1;
  }
  KOKKOS_INLINE_FUNCTION void operator()(int i) const {
    const int n = ace->n_species, species = edges.species[i];
    int *const start = to.starts(i);
    for (int z = 0; z <= n; z++) start[z] = 0;
    if (species < 0) return;
    const ftl_ace_pair *const pairs = ace->pair + species * n;
    const std::int64_t first = edges.first[i], end = first + edges.count[i];
    for (std::int64_t s = first; s < end; s++) {
      const int z = element(s, pairs);
      if (z >= 0) start[z + 1]++;
    }
    for (int z = 0; z < n; z++) start[z + 1] += start[z];
    for (std::int64_t s = first; s < end; s++) { /* start[z] moves on to where z ends */
      const int z = element(s, pairs);
      if (z >= 0) to.slot[first + start[z]++] = static_cast<int>(s);
    }
    for (int z = n; z > 0; z--) start[z] = start[z - 1];
    start[0] = 0;
  }
};

} // namespace ace_stages

/* Scratch of a receiver: rows of numbers, a column for each edge staged. */
struct AceLayout {
  int chunk, stride;                 /* edges at a time, numbers in a row */
  int value, slope, y, part, n_rows; /* rows at which functions, their slopes, harmonics and partial sums begin */
  int mixed;                         /* from the functions of the table to sums of them */
  int n_adjoint;                     /* numbers of dE/dA of one element */
  std::size_t bytes(std::size_t real) const {
    return (static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(stride) + static_cast<std::size_t>(n_adjoint)) *
               real +
           static_cast<std::size_t>(chunk) * sizeof(int) + 64;
  }
};

enum { ACE_TILE = 4, ACE_ROW_INVERSE = 3, ACE_ROW_W = 4, ACE_ROW_FORCE = 5, ACE_ROWS = 8 };

/* The scratch memory as the stages use it. */
template <class Space, class Real> struct AceStaged {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  const ftl_ace *ace;
  AceLayout layout;
  Real *data, *adjoint;
  int *bin;

  KOKKOS_INLINE_FUNCTION AceStaged(const ftl_ace *ace_, const AceLayout &layout_, char *scratch)
      : ace(ace_), layout(layout_), data(reinterpret_cast<Real *>(scratch)),
        adjoint(data + layout_.n_rows * layout_.stride), bin(reinterpret_cast<int *>(adjoint + layout_.n_adjoint)) {}
  KOKKOS_INLINE_FUNCTION Real *row(int k) const { return data + k * layout.stride; }
  /* R of the segments; functions of rank 1. `from` is layout.value or .slope. Each is the table's or mixed. */
  KOKKOS_INLINE_FUNCTION Real *radial(int from, int k) const {
    return row(from + (ace->n_direct > 0 ? 0 : layout.mixed) + k);
  }
  KOKKOS_INLINE_FUNCTION Real *linear(int from, int p) const {
    const int k = ace->n_out - ace->n_linear + p;
    return row(from + (ace->n_direct == ace->n_out ? k : layout.mixed + k - ace->n_direct));
  }
  KOKKOS_INLINE_FUNCTION static int packs(int n) { return (n + lane::width - 1) / lane::width; }

  /* n edges to one element; the columns up to a full pack get functions that are 0. */
  template <class Team>
  KOKKOS_INLINE_FUNCTION void stage(const Team &team, const ftl_ace_pair &pair, const EdgeVector *vector,
                                    const int *slot, int n, bool slopes) const {
    const ftl_ace_table &table = *pair.table;
    const int n_packs = packs(n);
    on_lanes(team, n_packs * lane::width, [&](int e) {
      const EdgeVector v = e < n ? vector[slot[e]] : EdgeVector{{0, 0, -1}, 1};
      double w;
      bin[e] = ftl_ace_bin(v.r, table.inverse, table.n_bins, &w);
      for (int x = 0; x < 3; x++) row(x)[e] = static_cast<Real>(-v.n[x]);
      row(ACE_ROW_INVERSE)[e] = static_cast<Real>(1 / v.r);
      row(ACE_ROW_W)[e] = static_cast<Real>(w);
    });
    on_lanes(team, n_packs, [&](int k) {
      const Pack v[3] = {load_at(0, k), load_at(1, k), load_at(2, k)};
      ace_harmonics(ace, pair.lmax, v, row(layout.y) + k * lane::width, layout.stride);
    });
    on_lanes<Space>(team, n_packs * lane::width, packs(table.n_functions),
                    [&](int e, int k) { spline(table, e, k * lane::width, e < n, slopes); });
    if (ace->n_direct == ace->n_out) return;
    on_lanes<Space>(team, ace->n_out - ace->n_direct, n_packs, [&](int j, int k) { mix(pair, j, k, slopes); });
  }

  KOKKOS_INLINE_FUNCTION Pack load_at(int r, int pack) const { return load<Pack>(row(r) + pack * lane::width); }

  /* A pack of an edge's functions from their table, and per Angstrom their slopes. */
  KOKKOS_INLINE_FUNCTION void spline(const ftl_ace_table &table, int e, int f, bool there, bool slopes) const {
    const std::size_t pad = static_cast<std::size_t>(table.pad);
    const Real w = row(ACE_ROW_W)[e], scale = static_cast<Real>(table.inverse);
    Real v[lane::width], s[lane::width];
    if (!there) {
      for (int k = 0; k < lane::width; k++) v[k] = s[k] = 0;
    } else {
      const Real *const from =
          static_cast<const Real *>(table.row) + static_cast<std::size_t>(bin[e]) * (16 / sizeof(Real)) * pad + f;
      const Pack f0 = load<Pack>(from), d0 = load<Pack>(from + pad), f1 = load<Pack>(from + 2 * pad),
                 d1 = load<Pack>(from + 3 * pad);
      if (sizeof(Real) == 4) { /* coefficients of a bin; else values and slopes at its ends */
        unpack(f0 + w * (d0 + w * (f1 + w * d1)), v);
        unpack(scale * (d0 + w * (2 * f1 + 3 * w * d1)), s);
      } else {
        const Pack step = f1 - f0;
        unpack(f0 + w * w * (3 - 2 * w) * step + w * (1 - w) * (1 - w) * d0 + w * w * (w - 1) * d1, v);
        unpack(scale * (6 * w * (1 - w) * step + (1 - w) * (1 - 3 * w) * d0 + w * (3 * w - 2) * d1), s);
      }
    }
    for (int k = 0; k < lane::width; k++) {
      row(layout.value + f + k)[e] = v[k];
      if (slopes) row(layout.slope + f + k)[e] = s[k];
    }
  }
  KOKKOS_INLINE_FUNCTION static void unpack(const Pack &from, Real *to) {
    for (int k = 0; k < lane::width; k++) to[k] = reinterpret_cast<const Real *>(&from)[k];
  }

  KOKKOS_INLINE_FUNCTION void mix(const ftl_ace_pair &pair, int j, int pack, bool slopes) const {
    const int n = pair.table->n_functions;
    const Real *const c = static_cast<const Real *>(pair.mix) + static_cast<std::size_t>(j) * n;
    Pack v = Pack{}, s = Pack{};
    for (int k = 0; k < n; k++) {
      v += c[k] * load_at(layout.value + k, pack);
      if (slopes) s += c[k] * load_at(layout.slope + k, pack);
    }
    store(row(layout.value + layout.mixed + j) + pack * lane::width, v);
    if (slopes) store(row(layout.slope + layout.mixed + j) + pack * lane::width, s);
  }
};

/* Tiles of a segment: some components of Y with ACE_TILE radial functions. On a device one component, so that there is
   a tile for each lane; on a host parts of nearly the same size. */
KOKKOS_INLINE_FUNCTION int ace_tiles(const ftl_ace_segment &s) { return s.n_lm * ((s.n + ACE_TILE - 1) / ACE_TILE); }

/* The next part of what is left, of at most ACE_TILE. */
KOKKOS_INLINE_FUNCTION int ace_part(int left) {
  const int parts = (left + ACE_TILE - 1) / ACE_TILE;
  return (left + parts - 1) / parts;
}

/* A of a receiver, and sums of rank 1; what they are added to begins as zero. */
template <class Space, class Real> struct AceGather {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  static constexpr int block_atoms = AceAtoms<Space>::block;
  const ftl_ace *ace;
  AceBatch batch;
  AceNeighbours neighbours;
  EdgeList edges;
  AceLayout layout;
  AceSums a;
  AceNumbers linear;

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    const AceStaged<Space, Real> staged(ace, layout, scratch);
    int species;
    const int i = batch.receiver(item, block_atoms, &species);
    if (i < 0) return;
    for (int z = 0; z < ace->n_species; z++) {
      const ftl_ace_pair &pair = ace->pair[species * ace->n_species + z];
      const int n = neighbours.count(i, z);
      const int *const slot = neighbours.slots(edges, i, z);
      double *const to = a.of_item(item) + static_cast<std::size_t>(z * ace->n_lm * 8 * ace->n_chunks) * block_atoms;
      for (int done = 0; done < n; done += layout.chunk) {
        const int now = n - done < layout.chunk ? n - done : layout.chunk, packs = staged.packs(now);
        staged.stage(team, pair, edges.vector, slot + done, now, false);
        sum_tiles(team, staged, pair, packs, to);
        on_lanes(team, ace->n_linear, [&](int p) {
          Pack total = Pack{};
          for (int k = 0; k < packs; k++) total += load<Pack>(staged.linear(layout.value, p) + k * lane::width);
          linear.at(item, p) += quick_lane_sum(total);
        });
      }
    }
  }

  KOKKOS_INLINE_FUNCTION void sum_tiles(const Member<Space> &team, const AceStaged<Space, Real> &staged,
                                        const ftl_ace_pair &pair, int packs, double *to) const {
    if constexpr (on_host<Space>) {
      for (int s = 0; s < pair.n_segments; s++) {
        const ftl_ace_segment &segment = pair.segment[s];
        for (int c = 0, n_y; c < segment.n_lm; c += n_y) {
          n_y = ace_part(segment.n_lm - c);
          for (int first = 0; first < segment.n; first += ACE_TILE) {
            if (n_y == 1) sum<1>(staged, segment, segment.lm + c, first, packs, to);
            else if (n_y == 2) sum<2>(staged, segment, segment.lm + c, first, packs, to);
            else if (n_y == 3) sum<3>(staged, segment, segment.lm + c, first, packs, to);
            else sum<4>(staged, segment, segment.lm + c, first, packs, to);
          }
        }
      }
    } else {
      int n_tiles = 0;
      for (int s = 0; s < pair.n_segments; s++) n_tiles += ace_tiles(pair.segment[s]);
      on_lanes(team, n_tiles, [&](int tile) {
        const ftl_ace_segment *segment = pair.segment;
        while (tile >= ace_tiles(*segment)) tile -= ace_tiles(*segment++);
        const int parts = (segment->n + ACE_TILE - 1) / ACE_TILE;
        sum<1>(staged, *segment, segment->lm + tile / parts, tile % parts * ACE_TILE, packs, to);
      });
    }
  }

  template <int NY>
  KOKKOS_INLINE_FUNCTION void sum(const AceStaged<Space, Real> &staged, const ftl_ace_segment &segment, int lm,
                                  int first, int packs, double *to) const {
    const int pad = 8 * ace->n_chunks, stride = layout.stride;
    const Real *y = staged.row(layout.y + lm), *radial = staged.radial(layout.value, segment.radial + first);
    Pack total[NY][ACE_TILE];
    for (int c = 0; c < NY; c++)
      for (int q = 0; q < ACE_TILE; q++) total[c][q] = Pack{};
    for (int k = 0; k < packs; k++, y += lane::width, radial += lane::width) {
      Pack r[ACE_TILE];
      for (int q = 0; q < ACE_TILE; q++) r[q] = load<Pack>(radial + q * stride);
      for (int c = 0; c < NY; c++)
        for (int q = 0; q < ACE_TILE; q++) total[c][q] += load<Pack>(y + c * stride) * r[q];
    }
    for (int c = 0; c < NY; c++)
      for (int q = 0; q < ACE_TILE && first + q < segment.n; q++)
        to[static_cast<std::size_t>((lm + c) * pad + first + q) * block_atoms] += quick_lane_sum(total[c][q]);
  }
};

} // namespace frozentl

#endif
