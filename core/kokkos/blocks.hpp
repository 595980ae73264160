/* Receivers in the order in which stages take them: by element, so that a few of them share an element's weights. */
#ifndef FROZENTL_KOKKOS_BLOCKS_HPP
#define FROZENTL_KOKKOS_BLOCKS_HPP

#include "kokkos/tables.hpp"

namespace frozentl {

/* Receivers order[first .. first + n - 1], of one element. A position is an index into `order`. */
struct Block {
  int species, first, n;
};

template <class Space> struct Blocks {
  int n_active = 0;                 /* receivers with an element */
  const int *order = nullptr;       /* [n_active] nodes */
  const int *position_of = nullptr; /* [n_local]; -1: no element */
  const Block *block = nullptr;
  std::vector<Block> host;

  /* Of up to `atoms` each. false: a species index is out of range. */
  bool make(int n_local, const int *species_on_device, int n_species, Buffer<Space> &order_buffer,
            Buffer<Space> &block_buffer, Buffer<Space> &position_buffer, int atoms = FTL_BLOCK_ATOMS) {
    std::vector<int> species(static_cast<std::size_t>(n_local)), start(static_cast<std::size_t>(n_species) + 1), at;
    copy_back(species_on_device, species);
    for (int z : species) {
      if (z >= n_species) return false;
      if (z >= 0) start[static_cast<std::size_t>(z) + 1]++;
    }
    for (std::size_t z = 0; z + 1 < start.size(); z++) start[z + 1] += start[z];
    n_active = start.back();
    std::vector<int> nodes(static_cast<std::size_t>(n_active)), position(species.size(), -1);
    at = start;
    for (std::size_t i = 0; i < species.size(); i++) {
      if (species[i] < 0) continue;
      position[i] = at[static_cast<std::size_t>(species[i])]++;
      nodes[static_cast<std::size_t>(position[i])] = static_cast<int>(i);
    }
    host.clear();
    for (int z = 0; z < n_species; z++)
      for (int first = start[static_cast<std::size_t>(z)], end = start[static_cast<std::size_t>(z) + 1]; first < end;
           first += atoms)
        host.push_back({z, first, end - first < atoms ? end - first : atoms});
    order = copy_out(nodes, order_buffer, "order");
    block = copy_out(host, block_buffer, "blocks");
    position_of = copy_out(position, position_buffer, "positions");
    return true;
  }

private:
  template <class T> static void copy_back(const T *from, std::vector<T> &to) {
    if (to.empty()) return;
    Kokkos::deep_copy(Kokkos::View<T *, Kokkos::HostSpace>(to.data(), to.size()),
                      Kokkos::View<const T *, typename Space::memory_space>(from, to.size()));
  }
  template <class T> static const T *copy_out(const std::vector<T> &from, Buffer<Space> &buffer, const char *name) {
    T *to = buffer.template reserve<T>(name, from.size());
    if (!from.empty())
      Kokkos::deep_copy(Kokkos::View<T *, typename Space::memory_space>(to, from.size()),
                        Kokkos::View<const T *, Kokkos::HostSpace>(from.data(), from.size()));
    return to;
  }
};

/* Blocks that are computed together, begin .. end - 1: the batch. */
struct Batch {
  int begin, end; /* blocks */
  int first, n;   /* positions */
};

/* Rows of numbers of receivers: by position from `first` on, or by node. */
template <class Real> struct Rows {
  Real *data;
  std::size_t stride;
  int first;
  const int *order; /* null: by position */
  KOKKOS_INLINE_FUNCTION Real *row(int position) const {
    return data + static_cast<std::size_t>(order ? order[position] : position - first) * stride;
  }
};

} // namespace frozentl

#endif
