/* Evaluators that are compiled one by one (instances.cpp). */
#ifndef FROZENTL_KOKKOS_INSTANCES_HPP
#define FROZENTL_KOKKOS_INSTANCES_HPP

#include "kokkos/evaluator.hpp"

namespace frozentl {

template <class Space, class Real> std::unique_ptr<Evaluator<Space>> make_mace(const ftl_model *model);
template <class Space, class Real> std::unique_ptr<Evaluator<Space>> make_ace(const ftl_model *model);

/* Calls f(Space) for the execution spaces that this Kokkos has; with FTL_DEVICE_ONLY, which halves the time of nvcc, not for
   the host's Serial. */
#if defined KOKKOS_ENABLE_SERIAL && !defined FTL_DEVICE_ONLY
#define FTL_IF_SERIAL(f) f(Kokkos::Serial)
#else
#define FTL_IF_SERIAL(f)
#endif
#ifdef KOKKOS_ENABLE_OPENMP
#define FTL_IF_OPENMP(f) f(Kokkos::OpenMP)
#else
#define FTL_IF_OPENMP(f)
#endif
#ifdef KOKKOS_ENABLE_THREADS
#define FTL_IF_THREADS(f) f(Kokkos::Threads)
#else
#define FTL_IF_THREADS(f)
#endif
#ifdef KOKKOS_ENABLE_CUDA
#define FTL_IF_CUDA(f) f(Kokkos::Cuda)
#else
#define FTL_IF_CUDA(f)
#endif
#ifdef KOKKOS_ENABLE_HIP
#define FTL_IF_HIP(f) f(Kokkos::HIP)
#else
#define FTL_IF_HIP(f)
#endif
#define FTL_FOR_EACH_SPACE(f) FTL_IF_SERIAL(f) FTL_IF_OPENMP(f) FTL_IF_THREADS(f) FTL_IF_CUDA(f) FTL_IF_HIP(f)

} // namespace frozentl

#endif
