/* Lists whose order must not depend on that of atomic operations, ours or LAMMPS': sums along them have the same bits
   in every run. */
#ifndef FROZENTL_KOKKOS_SORTED_HPP
#define FROZENTL_KOKKOS_SORTED_HPP

#include <Kokkos_Core.hpp>
#include <cstdint>

namespace frozentl {

/* Puts value where it belongs among list[first .. end-1], which rise; list[end] is used up. */
KOKKOS_INLINE_FUNCTION void insert_sorted(int *list, std::int64_t first, std::int64_t end, int value) {
  for (; end > first && list[end - 1] > value; end--) list[end] = list[end - 1];
  list[end] = value;
}

} // namespace frozentl

#endif
