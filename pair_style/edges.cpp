#include "edges.h"
#include "halo.h"
#include "presence.h"

#include "atom.h"
#include "neigh_list.h"

#include <cmath>

using namespace LAMMPS_NS;

namespace frozentl {

/* Closer than this (Angstrom^2) two atoms are in one place: the direction of their edge is rounding noise. */
static const double same_place = 1e-12;

/* A vector keeps its capacity, so that a step allocates only when there are more atoms or edges than ever before. */
template <typename T> static void grow(std::vector<T> &v, size_t n) {
  if (v.size() < n) v.resize(n + n / 8);
}

static const double (*positions(const Atom &atom))[3] {
  return atom.x ? reinterpret_cast<const double(*)[3]>(atom.x[0]) : nullptr;
}

Edges::BadPair Edges::build(const Atom &atom, const NeighList &list, const Halo &halo, const Presence &present,
                            double cutoff, int n_threads) {
  const double(*x)[3] = positions(atom);
  const int *type = atom.type, *mask = atom.mask;
  /* A hair more than the cutoff; core has the last word. Another rank sees the same pair from the other side and may
     round its distance otherwise: with an edge here if there is one there, an atom whose row the other rank uses is an
     outer receiver here, whose row is ready when it is sent. */
  const double cutoff_squared = cutoff * cutoff * (1 + 1e-9);
  const std::vector<int> &node = halo.node_of_atom();
  const int n_local = atom.nlocal, n_nodes = halo.n_nodes();

  /* One that flew off to infinity would only be missed by its neighbours. */
  for (int i = 0; i < atom.nlocal + atom.nghost; i++)
    if (present.species(type[i], mask[i]) >= 0 && !std::isfinite(x[i][0] + x[i][1] + x[i][2])) return {i, i};
  grow(species, n_nodes);
  for (int k = 0; k < n_nodes; k++) {
    const int i = halo.atom_of_node(k);
    species[k] = present.species(type[i], mask[i]);
  }

  BadPair bad;
  auto is_edge = [&](int i, int j) {
    const double d[3] = {x[j][0] - x[i][0], x[j][1] - x[i][1], x[j][2] - x[i][2]};
    const double r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    const bool edge = (species[node[j]] >= 0) & !(r2 >= cutoff_squared);
    if (r2 <= same_place && edge) {
#pragma omp critical(frozentl_bad_pair)
      bad = {i, j};
    }
    return edge;
  };

  /* First how many, then which: the edges of a receiver must lie together and receivers must come in order, while the
     list may come in another order and, in pair_style hybrid, without some atoms. Neither has a branch on what is an
     edge: the skin makes that unforeseeable. What is none is written where the next edge goes. */
  first_edge.assign(static_cast<size_t>(n_local) + 1, 0);
#pragma omp parallel for schedule(static) num_threads(n_threads)
  for (int k = 0; k < list.inum; k++) {
    const int i = list.ilist[k];
    if (species[i] < 0) continue;
    int64_t count = 0;
    for (int m = 0; m < list.numneigh[i]; m++) count += is_edge(i, list.firstneigh[i][m] & NEIGHMASK);
    first_edge[i + 1] = count;
  }
  if (bad.i >= 0) return bad;
  for (int i = 0; i < n_local; i++) first_edge[i + 1] += first_edge[i];

  grow(sender, first_edge[n_local]);
#pragma omp parallel for schedule(static) num_threads(n_threads)
  for (int k = 0; k < list.inum; k++) {
    const int i = list.ilist[k];
    if (species[i] < 0) continue;
    int64_t e = first_edge[i];
    for (int m = 0; m < list.numneigh[i] && e < first_edge[i + 1]; m++) {
      sender[e] = list.firstneigh[i][m] & NEIGHMASK;
      e += is_edge(i, sender[e]);
    }
  }
  return bad;
}

ftl_graph Edges::graph(const double (*x)[3], int n_atoms, const Halo &halo) const {
  ftl_graph g{};
  g.n_local = n_local();
  g.n_total = halo.n_nodes();
  g.species = species.data();
  g.first_edge = first_edge.data();
  g.sender = sender.data();
  g.position = x;
  g.n_atoms = n_atoms;
  g.node = halo.node_of_atom().data();
  return g;
}

size_t Edges::bytes() const {
  return species.capacity() * sizeof(int) + first_edge.capacity() * sizeof(int64_t) + sender.capacity() * sizeof(int);
}

} // namespace frozentl
