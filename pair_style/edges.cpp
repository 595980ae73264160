#include "edges.h"

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

Edges::BadPair Edges::build(const Atom &atom, const NeighList &list, const std::vector<int> &species_of_type,
                            double cutoff, int n_threads) {
  const double(*x)[3] = atom.x ? reinterpret_cast<const double(*)[3]>(atom.x[0]) : nullptr;
  const int *type = atom.type;
  const double cutoff_squared = cutoff * cutoff;
  n_local = atom.nlocal;
  n_total = atom.nlocal + atom.nghost;

  grow(species, n_total);
  for (int i = 0; i < n_total; i++) {
    species[i] = species_of_type[type[i]];
    /* One that flew off to infinity would only be missed by its neighbours. */
    if (species[i] >= 0 && !std::isfinite(x[i][0] + x[i][1] + x[i][2])) return {i, i};
  }

  /* First how many, then which: the edges of a receiver must lie together and receivers must come in order, while the
     list may come in another order and, in pair_style hybrid, without some atoms. */
  first_edge.assign(static_cast<size_t>(n_local) + 1, 0);
  BadPair bad;
  auto within = [&](int i, int j, double d[3]) {
    for (int k = 0; k < 3; k++) d[k] = x[j][k] - x[i][k];
    const double r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    if (r2 >= cutoff_squared) return false;
    if (r2 <= same_place) {
#pragma omp critical(frozentl_bad_pair)
      bad = {i, j};
      return false;
    }
    return true;
  };

#pragma omp parallel for schedule(static) num_threads(n_threads)
  for (int k = 0; k < list.inum; k++) {
    const int i = list.ilist[k];
    if (species[i] < 0) continue;
    int64_t count = 0;
    double d[3];
    for (int m = 0; m < list.numneigh[i]; m++) {
      const int j = list.firstneigh[i][m] & NEIGHMASK;
      if (species[j] >= 0 && within(i, j, d)) count++;
    }
    first_edge[i + 1] = count;
  }
  if (bad.i >= 0) return bad;
  for (int i = 0; i < n_local; i++) first_edge[i + 1] += first_edge[i];

  grow(sender, first_edge[n_local]);
  grow(rij, first_edge[n_local]);
#pragma omp parallel for schedule(static) num_threads(n_threads)
  for (int k = 0; k < list.inum; k++) {
    const int i = list.ilist[k];
    if (species[i] < 0) continue;
    int64_t e = first_edge[i];
    double d[3];
    for (int m = 0; m < list.numneigh[i]; m++) {
      const int j = list.firstneigh[i][m] & NEIGHMASK;
      if (species[j] < 0 || !within(i, j, d)) continue;
      sender[e] = j;
      rij[e++] = {d[0], d[1], d[2]};
    }
  }
  return bad;
}

ftl_graph Edges::graph() const {
  ftl_graph g{};
  g.n_local = n_local;
  g.n_total = n_total;
  g.species = species.data();
  g.first_edge = first_edge.data();
  g.sender = sender.data();
  g.vector = reinterpret_cast<const double(*)[3]>(rij.data());
  return g;
}

size_t Edges::bytes() const {
  return species.capacity() * sizeof(int) + first_edge.capacity() * sizeof(int64_t) + sender.capacity() * sizeof(int) +
         rij.capacity() * sizeof(rij[0]);
}

} // namespace frozentl
