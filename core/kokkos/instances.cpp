/* Evaluators for the execution spaces that this Kokkos has. */
#include "kokkos/mace.hpp"

namespace frozentl {

template <class Space>
ftl_status make_evaluator(const ftl_model *model, std::unique_ptr<Evaluator<Space>> &evaluator, ftl_error *error) {
  const bool mixed = model->precision == FTL_MIXED;
  const int width = mixed ? Lane<Space, float>::width : Lane<Space, double>::width;
  if (model->ace) return fail(error, FTL_ERR_UNSUPPORTED, "", "PACE potentials are not there yet");
  if (model->lanes % width != 0)
    return fail(
        error, FTL_ERR_UNSUPPORTED, "FROZENTL_ISA",
        "the Kokkos stages were compiled for wider vectors than the tables of this model are laid out for; unset "
        "FROZENTL_ISA");
  if (mixed) evaluator = std::make_unique<MaceEvaluator<Space, float>>(model);
  else evaluator = std::make_unique<MaceEvaluator<Space, double>>(model);
  return FTL_OK;
}

#define FTL_INSTANCE(Space)                                                                                            \
  template ftl_status make_evaluator<Space>(const ftl_model *, std::unique_ptr<Evaluator<Space>> &, ftl_error *);
#ifdef KOKKOS_ENABLE_SERIAL
FTL_INSTANCE(Kokkos::Serial)
#endif
#ifdef KOKKOS_ENABLE_OPENMP
FTL_INSTANCE(Kokkos::OpenMP)
#endif
#ifdef KOKKOS_ENABLE_THREADS
FTL_INSTANCE(Kokkos::Threads)
#endif
#ifdef KOKKOS_ENABLE_CUDA
FTL_INSTANCE(Kokkos::Cuda)
#endif
#ifdef KOKKOS_ENABLE_HIP
FTL_INSTANCE(Kokkos::HIP)
#endif

} // namespace frozentl
