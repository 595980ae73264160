/* What a lane of a Kokkos vector loop holds: one number on a device, where lanes are threads; a vector of numbers on a
   host, where a vector loop is a plain loop. Stages are written once, for either. */
#ifndef FROZENTL_KOKKOS_SIMD_HPP
#define FROZENTL_KOKKOS_SIMD_HPP

#include <Kokkos_Core.hpp>
#include <type_traits>

namespace frozentl {

template <class Space>
inline constexpr bool on_host = std::is_same<typename Space::memory_space, Kokkos::HostSpace>::value;

/* Bytes of a register of the host this is compiled for; wider vectors would be kept in memory. */
#if defined(__AVX512F__)
inline constexpr int host_vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int host_vector_bytes = 32;
#else
inline constexpr int host_vector_bytes = 16;
#endif

template <class Space, class Real, bool Host = on_host<Space>> struct Lane {
  using Pack = Real;
  static constexpr int width = 1;
  static constexpr int threads = 4; /* warps of a team, each with an item of its own */
  static constexpr int lanes = 32;  /* of a Kokkos vector */
  static constexpr int columns = 4; /* packs of a row that a lane of a matrix product holds */
  static constexpr int atoms = 2;   /* that a lane of the contraction holds */
};

/* Compilers for devices refuse vectors even where only a host would run them: there, a host's lane is a number. */
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
template <class Real> struct HostVector { using type = Real; };
#else
template <class Real> struct HostVector { typedef Real type __attribute__((vector_size(host_vector_bytes))); };
#endif

template <class Space, class Real> struct Lane<Space, Real, true> {
  using Pack = typename HostVector<Real>::type;
  static constexpr int width = static_cast<int>(sizeof(Pack) / sizeof(Real));
  static constexpr int threads = 1;
  static constexpr int lanes = 1;
  static constexpr int columns = 2;
  static constexpr int atoms = 4;
};

template <class Pack, class Real> KOKKOS_FORCEINLINE_FUNCTION Pack load(const Real *p) {
  return *reinterpret_cast<const Pack *>(p);
}
template <class Pack, class Real> KOKKOS_FORCEINLINE_FUNCTION void store(Real *p, Pack v) {
  *reinterpret_cast<Pack *>(p) = v;
}

KOKKOS_FORCEINLINE_FUNCTION double lane_sum(double v) { return v; }
KOKKOS_FORCEINLINE_FUNCTION double lane_sum(float v) { return v; }
template <class Pack> KOKKOS_FORCEINLINE_FUNCTION double lane_sum(const Pack &v) {
  double sum = 0;
  for (unsigned k = 0; k < sizeof v / sizeof v[0]; k++) sum += static_cast<double>(v[k]);
  return sum;
}

/* The same in the precision of the lanes, halving through registers: a few additions instead of one for each. */
KOKKOS_FORCEINLINE_FUNCTION double quick_lane_sum(double v) { return v; }
KOKKOS_FORCEINLINE_FUNCTION double quick_lane_sum(float v) { return v; }
template <class Pack> KOKKOS_FORCEINLINE_FUNCTION double quick_lane_sum(const Pack &v) {
  using Real = typename std::remove_cv<typename std::remove_reference<decltype(v[0])>::type>::type;
  constexpr int n = static_cast<int>(sizeof v / sizeof(Real));
  Real part[n];
  for (int k = 0; k < n; k++) part[k] = v[k];
  for (int half = n / 2; half > 0; half /= 2)
    for (int k = 0; k < half; k++) part[k] += part[k + half];
  return static_cast<double>(part[0]);
}

/* Several sums of one vector loop. */
template <class T, int N> struct Sums {
  T v[N];
  KOKKOS_INLINE_FUNCTION Sums() {
    for (int k = 0; k < N; k++) v[k] = T{};
  }
  KOKKOS_INLINE_FUNCTION Sums &operator+=(const Sums &other) {
    for (int k = 0; k < N; k++) v[k] += other.v[k];
    return *this;
  }
};

/* N sums for an edge and one more, its dE/dr, in double: there, what channels add cancels most. */
template <class T, int N> struct EdgeSums {
  T v[N];
  double slope;
  KOKKOS_INLINE_FUNCTION EdgeSums() : slope(0) {
    for (int k = 0; k < N; k++) v[k] = T{};
  }
  KOKKOS_INLINE_FUNCTION EdgeSums &operator+=(const EdgeSums &other) {
    for (int k = 0; k < N; k++) v[k] += other.v[k];
    slope += other.slope;
    return *this;
  }
};

} // namespace frozentl

namespace Kokkos {
template <class T, int N> struct reduction_identity<frozentl::EdgeSums<T, N>> {
  KOKKOS_FORCEINLINE_FUNCTION static frozentl::EdgeSums<T, N> sum() { return {}; }
};
template <class T, int N> struct reduction_identity<frozentl::Sums<T, N>> {
  KOKKOS_FORCEINLINE_FUNCTION static frozentl::Sums<T, N> sum() { return {}; }
};
} // namespace Kokkos

#endif
