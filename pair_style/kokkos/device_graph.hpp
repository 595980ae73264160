/* From a full neighbour list of the KOKKOS package to the edges that an evaluator takes, in the list's memory.

   Atoms of LAMMPS, local ones and ghosts, are nodes of the same number. Kept are pairs within the model's cutoff and
   LAMMPS' skin, of which both atoms have an element of the model; those that are too long for the moment the evaluator
   leaves out in each step. */
#ifndef FROZENTL_DEVICE_GRAPH_HPP
#define FROZENTL_DEVICE_GRAPH_HPP

#include "kokkos/evaluator.hpp"
#include "kokkos/sorted.hpp"

#include "neigh_list_kokkos.h"

#include <limits>
#include <vector>

namespace frozentl {

/* How the kernels see a list. */
template <class Device> struct ListView {
  using Types = ArrayTypes<Device>;
  typename Types::t_neighbors_2d neighbors;
  typename Types::t_int_1d rows, n_neighbors;
  int n_rows;
};

namespace graph_stages {

template <class Types> struct SetSpecies {
  Types type;
  const int *species_of_type;
  int *species;
  KOKKOS_INLINE_FUNCTION void operator()(int i) const { species[i] = species_of_type[type(i)]; }
};

/* Twice: how many edges a receiver has, and then which, by rising number of the sender: LAMMPS sorts atoms into bins by
   atomic operations, so that the order of its list, and with it the last bits of sums, differs from run to run. */
template <class Device> struct ListEdges {
  ListView<Device> list;
  const double *x; /* [atom][3] */
  const int *species;
  double reach2;
  std::int64_t *first; /* counts, and then sums of them */
  int *sender;         /* null: count */
  KOKKOS_INLINE_FUNCTION void operator()(int row) const {
    const int i = list.rows(row), n = list.n_neighbors(i);
    std::int64_t e = sender ? first[i] : 0;
    for (int k = 0; species[i] >= 0 && k < n; k++) {
      const int j = list.neighbors(i, k) & NEIGHMASK;
      if (species[j] < 0) continue;
      double r2 = 0;
      for (int d = 0; d < 3; d++) {
        const double v = x[3 * static_cast<std::size_t>(j) + d] - x[3 * static_cast<std::size_t>(i) + d];
        r2 += v * v;
      }
      if (!(r2 < reach2)) continue;
      if (sender) insert_sorted(sender, first[i], e, j);
      e++;
    }
    if (!sender) first[i] = e;
  }
};

struct StartEdges { /* counts to where each receiver's begin; the last entry is the sum */
  std::int64_t *first;
  int n;
  KOKKOS_INLINE_FUNCTION void operator()(int i, std::int64_t &sum, bool last) const {
    const std::int64_t count = i < n ? first[i] : 0;
    if (last) first[i] = sum;
    sum += count;
  }
};

/* The first edge whose ends are in one place. */
struct FindSamePlace {
  const std::int64_t *first;
  const int *sender;
  const double *x;
  KOKKOS_INLINE_FUNCTION void operator()(int i, std::int64_t &found) const {
    for (std::int64_t e = first[i]; e < first[i + 1]; e++) {
      double r2 = 0;
      for (int d = 0; d < 3; d++) {
        const double v = x[3 * static_cast<std::size_t>(sender[e]) + d] - x[3 * static_cast<std::size_t>(i) + d];
        r2 += v * v;
      }
      if (r2 <= 1e-12 && e < found) found = e;
    }
  }
};

struct FindNotFinite {
  const double *x;
  KOKKOS_INLINE_FUNCTION void operator()(int i, int &found) const {
    bool finite = true;
    for (int d = 0; d < 3; d++) finite = finite && Kokkos::isfinite(x[3 * static_cast<std::size_t>(i) + d]);
    if (!finite && i < found) found = i;
  }
};

} // namespace graph_stages

template <class Device> class DeviceGraph {
public:
  using Space = typename Device::execution_space;

  void set_species_of_type(const std::vector<int> &of_type) {
    species_of_type = Array<int *, Space>("frozentl: species of types", of_type.size());
    Kokkos::deep_copy(species_of_type, Kokkos::View<const int *, Kokkos::LayoutRight, Kokkos::HostSpace>(
                                           of_type.data(), of_type.size()));
  }

  template <class Types>
  Graph<Space> build(const ListView<Device> &list, const Types &type, const Array<const double *[3], Space> &x,
                     int n_local, int n_all, double reach) {
    using namespace graph_stages;
    using Policy = Kokkos::RangePolicy<Space>;
    grow(species, "frozentl: species", n_all);
    grow(first_edge, "frozentl: first edges", n_local + 1);
    Kokkos::deep_copy(first_edge, 0);
    Kokkos::parallel_for("frozentl: species", Policy(0, n_all),
                         SetSpecies<Types>{type, species_of_type.data(), species.data()});
    ListEdges<Device> edges{list, x.data(), species.data(), reach * reach, first_edge.data(), nullptr};
    Kokkos::parallel_for("frozentl: count edges", Policy(0, list.n_rows), edges);
    Kokkos::parallel_scan("frozentl: start edges", Policy(0, n_local + 1), StartEdges{first_edge.data(), n_local});
    std::int64_t n_edges = 0;
    Kokkos::deep_copy(n_edges, Kokkos::subview(first_edge, n_local));
    grow(sender, "frozentl: senders", static_cast<std::size_t>(n_edges));
    edges.sender = sender.data();
    Kokkos::parallel_for("frozentl: list edges", Policy(0, list.n_rows), edges);
    graph.n_local = n_local;
    graph.n_total = graph.n_atoms = n_all;
    graph.species = species;
    graph.first_edge = first_edge;
    graph.sender = sender;
    return graph;
  }

  /* An atom whose position is not finite, also a ghost, or -1. */
  int not_finite(const Array<const double *[3], Space> &x, int n_all) const {
    int found = std::numeric_limits<int>::max();
    Kokkos::parallel_reduce("frozentl: positions", Kokkos::RangePolicy<Space>(0, n_all),
                            graph_stages::FindNotFinite{x.data()}, Kokkos::Min<int>(found));
    return found < n_all ? found : -1;
  }

  /* Two atoms of the last graph in one place; false: there are none. */
  bool same_place(const Array<const double *[3], Space> &x, int &i, int &j) const {
    std::int64_t e = std::numeric_limits<std::int64_t>::max();
    Kokkos::parallel_reduce("frozentl: same place", Kokkos::RangePolicy<Space>(0, graph.n_local),
                            graph_stages::FindSamePlace{first_edge.data(), sender.data(), x.data()},
                            Kokkos::Min<std::int64_t>(e));
    if (e == std::numeric_limits<std::int64_t>::max()) return false;
    Kokkos::deep_copy(j, Kokkos::subview(sender, e));
    const auto first = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), first_edge);
    for (i = 0; first(i + 1) <= e;) i++;
    return true;
  }

  std::size_t bytes() const {
    return species.span() * sizeof(int) + first_edge.span() * sizeof(std::int64_t) + sender.span() * sizeof(int);
  }

private:
  /* Allocates only when there are more atoms or edges than ever before; what was in it is lost. */
  template <class View> static void grow(View &view, const char *name, std::size_t n) {
    if (view.extent(0) >= n && view.data()) return;
    view = View(); /* before the new one: both need not fit */
    view = View(Kokkos::view_alloc(std::string(name), Kokkos::WithoutInitializing), n + n / 8 + 1);
  }

  Graph<Space> graph;
  Array<int *, Space> species_of_type, species, sender;
  Array<std::int64_t *, Space> first_edge;
};

} // namespace frozentl

#endif
