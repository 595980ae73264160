/* The shape of every stage: one item (an atom, or a few of one element) to a thread of a team, which is a warp on a
   GPU, channels or edges on its lanes, and scratch memory of its own. Threads of a team do not wait for each other. */
#ifndef FROZENTL_KOKKOS_LOOPS_HPP
#define FROZENTL_KOKKOS_LOOPS_HPP

#include "kokkos/simd.hpp"

#include <cstddef>

namespace frozentl {

template <class Space> using Member = typename Kokkos::TeamPolicy<Space>::member_type;

/* Calls body(k) for k < n on the lanes of this thread; what they wrote to scratch is there for all afterwards. */
template <class Team, class Body> KOKKOS_FORCEINLINE_FUNCTION void on_lanes(const Team &team, int n, const Body &body) {
  Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, n), body);
}

/* Calls body(j, k) for j < m and k < n, k running faster. */
template <class Space, class Team, class Body>
KOKKOS_FORCEINLINE_FUNCTION void on_lanes(const Team &team, int m, int n, const Body &body) {
  if constexpr (on_host<Space>) {
    for (int j = 0; j < m; j++)
      for (int k = 0; k < n; k++) body(j, k);
  } else {
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, m * n), [&](int jk) { body(jk / n, jk % n); });
  }
}

/* Adds up body(k, sums) over the lanes; all lanes get the sums. */
template <class Team, class Value, class Body>
KOKKOS_FORCEINLINE_FUNCTION void sum_lanes(const Team &team, int n, Value &sums, const Body &body) {
  Kokkos::parallel_reduce(Kokkos::ThreadVectorRange(team, n), body, sums);
}

template <class Space, class Stage> struct ItemLoop {
  Stage stage;
  int n_items, scratch_level;
  std::size_t scratch_bytes;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team) const {
    const int item = team.league_rank() * team.team_size() + team.team_rank();
    char *scratch = nullptr;
    if (scratch_bytes > 0)
      scratch = static_cast<char *>(team.thread_scratch(scratch_level).get_shmem_aligned(scratch_bytes, 64));
    if (item < n_items) stage(team, item, scratch);
  }
};

/* stage(team, item, scratch) for item < n_items. Stage is copied to the device: plain pointers and numbers. */
template <class Space, class Stage>
void for_items(const char *name, int n_items, std::size_t scratch_bytes, const Stage &stage) {
  using lane = Lane<Space, double>;
  if (n_items <= 0) return;
  const std::size_t most = (on_host<Space> ? 24 : 40) * 1024; /* of the fast scratch memory, for a team */
  const std::size_t bytes = scratch_bytes > 0 ? (scratch_bytes + 127) / 64 * 64 : 0;
  const int level = bytes * lane::threads > most ? 1 : 0;
  ItemLoop<Space, Stage> loop{stage, n_items, level, bytes > 0 ? bytes - 64 : 0};
  Kokkos::TeamPolicy<Space> policy((n_items + lane::threads - 1) / lane::threads, lane::threads, lane::lanes);
  policy.set_scratch_size(level, Kokkos::PerThread(bytes));
  Kokkos::parallel_for(name, policy, loop);
}

template <class Stage> struct IndexLoop {
  Stage stage;
  KOKKOS_INLINE_FUNCTION void operator()(int k) const { stage(k); }
};

/* stage(k) for k < n, each on a lane of its own. */
template <class Space, class Stage> void for_each(const char *name, int n, const Stage &stage) {
  if (n > 0) Kokkos::parallel_for(name, Kokkos::RangePolicy<Space>(0, n), IndexLoop<Stage>{stage});
}

} // namespace frozentl

#endif
