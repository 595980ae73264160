/* PACE: dE/dr_ij of a receiver's edges from dE/dA (core/ace/ace_blocks.h, ace_group_force). */
#ifndef FROZENTL_KOKKOS_ACE_FORCES_HPP
#define FROZENTL_KOKKOS_ACE_FORCES_HPP

#include "kokkos/ace_edges.hpp"

namespace frozentl {

/* Tiles of a segment: up to ACE_TILE components of Y with all its radial functions. */
KOKKOS_INLINE_FUNCTION int ace_force_tiles(const ftl_ace_segment &s) { return (s.n_lm + ACE_TILE - 1) / ACE_TILE; }

template <class Space, class Real> struct AceForces {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  static constexpr int block_atoms = AceAtoms<Space>::block;
  const ftl_ace *ace;
  AceBatch batch;
  AceNeighbours neighbours;
  EdgeList edges;
  AceLayout layout;
  AceSums adjoint;
  AceNumbers seed;
  const AceAtom *atom;

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    const AceStaged<Space, Real> staged(ace, layout, scratch);
    int species;
    const int i = batch.receiver(item, block_atoms, &species);
    if (i < 0) return;
    for (int z = 0; z < ace->n_species; z++) {
      const ftl_ace_pair &pair = ace->pair[species * ace->n_species + z];
      const int n = neighbours.count(i, z);
      if (n == 0) continue;
      const int *const slot = neighbours.slots(edges, i, z);
      const double *const from =
          adjoint.of_item(item) + static_cast<std::size_t>(z * ace->n_lm * 8 * ace->n_chunks) * block_atoms;
      int n_tiles = 0;
      Real *to = staged.adjoint; /* numbers in a row, in the order of the pair's segments */
      for (int k = 0; k < pair.n_segments; k++) {
        const ftl_ace_segment &segment = pair.segment[k];
        on_lanes<Space>(team, segment.n_lm, segment.n, [&](int lm, int radial) {
          const int entry = (segment.lm + lm) * 8 * ace->n_chunks + radial;
          to[lm * segment.n + radial] = static_cast<Real>(from[static_cast<std::size_t>(entry) * block_atoms]);
        });
        n_tiles += ace_force_tiles(segment);
        to += segment.n_lm * segment.n;
      }
      for (int done = 0; done < n; done += layout.chunk) {
        const int now = n - done < layout.chunk ? n - done : layout.chunk, packs = staged.packs(now);
        staged.stage(team, pair, edges.vector, slot + done, now, true);
        contract_tiles(team, staged, pair, n_tiles, packs);
        on_lanes(team, packs, [&](int k) { force(staged, pair, species, item, n_tiles, k); });
        on_lanes(team, now, [&](int e) { add(staged, pair, atom[item], slot[done + e], e); });
      }
    }
  }

  KOKKOS_INLINE_FUNCTION void contract_tiles(const Member<Space> &team, const AceStaged<Space, Real> &staged,
                                             const ftl_ace_pair &pair, int n_tiles, int packs) const {
    if constexpr (on_host<Space>) {
      const Real *b = staged.adjoint;
      for (int s = 0, tile = 0; s < pair.n_segments; b += pair.segment[s].n_lm * pair.segment[s].n, s++) {
        const ftl_ace_segment &segment = pair.segment[s];
        for (int c = 0, n_y; c < segment.n_lm; c += n_y, tile++) {
          n_y = ace_part(segment.n_lm - c);
          for (int k = 0; k < packs; k++) {
            if (n_y == 1) contract<1>(staged, segment, b, c, n_y, tile, k);
            else if (n_y == 2) contract<2>(staged, segment, b, c, n_y, tile, k);
            else if (n_y == 3) contract<3>(staged, segment, b, c, n_y, tile, k);
            else contract<4>(staged, segment, b, c, n_y, tile, k);
          }
        }
      }
    } else {
      on_lanes(team, n_tiles * packs, [&](int k) {
        const ftl_ace_segment *segment = pair.segment;
        const Real *b = staged.adjoint;
        int part = k / packs;
        while (part >= ace_force_tiles(*segment)) {
          part -= ace_force_tiles(*segment);
          b += segment->n_lm * segment->n;
          segment++;
        }
        part *= ACE_TILE;
        contract<ACE_TILE>(staged, *segment, b, part, segment->n_lm - part, k / packs, k % packs);
      });
    }
  }

  /* Of a tile of Y: dE/dY, which replaces Y, and what it adds to dE/dr. */
  template <int NY>
  KOKKOS_INLINE_FUNCTION void contract(const AceStaged<Space, Real> &staged, const ftl_ace_segment &segment,
                                       const Real *b, int first, int n_lm, int tile, int pack) const {
    const int n = segment.n, stride = layout.stride;
    const Real *const radial = staged.radial(layout.value, segment.radial) + pack * lane::width;
    const Real *const slope = staged.radial(layout.slope, segment.radial) + pack * lane::width;
    const Real *b_of[NY];
    Pack dy[NY], dr[NY], sum = Pack{};
    for (int q = 0; q < NY; q++) {
      b_of[q] = b + (first + (q < n_lm ? q : 0)) * n; /* beyond the segment: once more the first, for nothing */
      dy[q] = dr[q] = Pack{};
    }
    for (int k = 0; k < n; k++) {
      const Pack r = load<Pack>(radial + k * stride), s = load<Pack>(slope + k * stride);
      for (int q = 0; q < NY; q++) {
        dy[q] += b_of[q][k] * r;
        dr[q] += b_of[q][k] * s;
      }
    }
    Real *const y = staged.row(layout.y + segment.lm + first) + pack * lane::width;
    for (int q = 0; q < NY && q < n_lm; q++) {
      sum += load<Pack>(y + q * stride) * dr[q];
      store(y + q * stride, dy[q]);
    }
    store(staged.row(layout.part + tile) + pack * lane::width, sum);
  }

  /* Of a pack of edges: all but the core. */
  KOKKOS_INLINE_FUNCTION void force(const AceStaged<Space, Real> &staged, const ftl_ace_pair &pair, int species,
                                    int item, int n_tiles, int pack) const {
    unsigned which = 0; /* l that have an adjoint */
    for (int s = 0; s < pair.n_segments; s++)
      for (int l = 0; l <= pair.lmax; l++)
        if (l * l >= pair.segment[s].lm && l * l < pair.segment[s].lm + pair.segment[s].n_lm) which |= 1u << l;
    const int at = pack * lane::width;
    const Pack n[3] = {staged.load_at(0, pack), staged.load_at(1, pack), staged.load_at(2, pack)};
    Pack d[3], slope = Pack{};
    for (int k = 0; k < n_tiles; k++) slope += staged.load_at(layout.part + k, pack);
    ace_harmonics_reverse<Pack, Real>(ace, pair.lmax, which, n, staged.row(layout.y) + at, layout.stride, d);
    const int n_density = ace->element[species].embedding.n_density;
    const Real scale = n_density == 1 ? static_cast<Real>(seed.at(item, 0)) : Real(1);
    const Pack along = d[0] * n[0] + d[1] * n[1] + d[2] * n[2], inverse = staged.load_at(ACE_ROW_INVERSE, pack);
    slope = scale * slope;
    for (int p = 0; p < ace->n_linear && p < n_density; p++)
      slope += static_cast<Real>(seed.at(item, p)) * load<Pack>(staged.linear(layout.slope, p) + at);
    for (int x = 0; x < 3; x++)
      store(staged.row(ACE_ROW_FORCE + x) + at, slope * n[x] + scale * (d[x] - along * n[x]) * inverse);
  }

  /* With the core, to the edge's gradient. */
  KOKKOS_INLINE_FUNCTION void add(const AceStaged<Space, Real> &staged, const ftl_ace_pair &pair, const AceAtom &of,
                                  int slot, int e) const {
    const EdgeVector &v = edges.vector[slot];
    double w, slope;
    const int bin = ftl_ace_bin(v.r, pair.table->inverse, pair.table->n_bins, &w);
    ftl_ace_core_spline(reinterpret_cast<const double *>(pair.core), pair.n_core, pair.table->inverse, bin, w, &slope);
    const double core = of.core * slope + (slot == of.nearest ? of.nearest_slope : 0);
    for (int x = 0; x < 3; x++)
      edges.gradient[slot][x] += static_cast<double>(staged.row(ACE_ROW_FORCE + x)[e]) - core * v.n[x];
  }
};

} // namespace frozentl

#endif
