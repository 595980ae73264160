/* Rows on their way between ranks, and the energies at the end. */
#ifndef FROZENTL_KOKKOS_EXCHANGE_HPP
#define FROZENTL_KOKKOS_EXCHANGE_HPP

#include "kokkos/edges.hpp"
#include "kokkos/loops.hpp"

namespace frozentl {

/* Rows are moved as doubles, bit by bit: two float32 numbers each in mixed precision. */
struct MoveRows {
  int width, first_from, first_to;
  const int *from_list, *to_list; /* null: consecutive */
  const double *from;
  double *to;
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t k) const {
    const int row = static_cast<int>(k / width), c = static_cast<int>(k % width);
    const std::size_t source = static_cast<std::size_t>(from_list ? from_list[row] : first_from + row);
    const std::size_t target = static_cast<std::size_t>(to_list ? to_list[row] : first_to + row);
    to[target * width + c] = from[source * width + c];
  }
};

template <class Real> struct AddRowsOf {
  int dim;
  const int *nodes;
  const Real *from;
  Real *to;
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t k) const {
    to[static_cast<std::size_t>(nodes[k / dim]) * dim + k % dim] += from[k];
  }
};

template <class Space, class Stage> void for_each_number(const char *name, int n_rows, int width, const Stage &stage) {
  if (n_rows > 0 && width > 0)
    Kokkos::parallel_for(
        name, Kokkos::RangePolicy<Space, Kokkos::IndexType<std::int64_t>>(0, static_cast<std::int64_t>(n_rows) * width),
        stage);
}

/* buffer[k] = rows[nodes[k]], or with `nodes` null rows[first + k]. */
template <class Space, class Real>
void pack_rows(int width, int n, const int *nodes, int first, const Real *rows, double *buffer) {
  for_each_number<Space>("pack", n, width,
                         MoveRows{width, first, 0, nodes, nullptr, reinterpret_cast<const double *>(rows), buffer});
}
template <class Space, class Real> void unpack_rows(int width, int n, int first, const double *buffer, Real *rows) {
  for_each_number<Space>("unpack", n, width,
                         MoveRows{width, 0, first, nullptr, nullptr, buffer, reinterpret_cast<double *>(rows)});
}
template <class Space, class Real> void add_rows(int dim, int n, const int *nodes, const double *buffer, Real *rows) {
  for_each_number<Space>("add", n, dim, AddRowsOf<Real>{dim, nodes, reinterpret_cast<const Real *>(buffer), rows});
}

struct FinishEnergies {
  const int *species;
  const double *e0, *interaction;
  double shift;
  double *node_energy; /* null: not wanted */
  KOKKOS_INLINE_FUNCTION void operator()(int i, double &sum) const {
    const int z = species[i];
    const double energy = z < 0 ? 0 : e0[z] + shift + interaction[i];
    if (node_energy) node_energy[i] = energy;
    sum += energy;
  }
};

/* Writes the nodes' energies where they are wanted; returns their sum. */
template <class Space>
double sum_energies(const Edges<Space> &edges, const double *e0, double shift, const double *interaction,
                    const Output<Space> &output) {
  double sum = 0;
  Kokkos::parallel_reduce("energies", Kokkos::RangePolicy<Space>(0, edges.n_local()),
                          FinishEnergies{edges.list().species, e0, interaction, shift, output.node_energy.data()}, sum);
  return sum;
}

} // namespace frozentl

#endif
