#include "kokkos/instances.hpp"
#include "kokkos/tables.hpp"

#include "kokkos/simd.hpp"

namespace frozentl {

template <class Space>
ftl_status make_evaluator(const ftl_model *model, std::unique_ptr<Evaluator<Space>> &evaluator, ftl_error *error) {
  const bool mixed = model->precision == FTL_MIXED;
  const int width = mixed ? Lane<Space, float>::width : Lane<Space, double>::width;
  if (model->lanes % width != 0)
    return fail(
        error, FTL_ERR_UNSUPPORTED, "FROZENTL_ISA",
        "the Kokkos stages were compiled for wider vectors than the tables of this model are laid out for; unset "
        "FROZENTL_ISA");
  switch (model->engine->number) {
  case FTL_ENGINE_ace:
    evaluator = mixed ? make_ace<Space, float>(model) : make_ace<Space, double>(model);
    break;
  case FTL_ENGINE_mace:
    switch (model->arch.family) { /* no default: a new family does not compile before its stages are here */
    case FTL_FAMILY_MACE:
    case FTL_FAMILY_NEQUIP:
      break;
    }
    evaluator = mixed ? make_mace<Space, float>(model) : make_mace<Space, double>(model);
    break;
  default:
    return fail(error, FTL_ERR_UNSUPPORTED, "", "models of this kind have no stages for Kokkos");
  }
  return FTL_OK;
}

#define FTL_INSTANCE(Space)                                                                                            \
  template ftl_status make_evaluator<Space>(const ftl_model *, std::unique_ptr<Evaluator<Space>> &, ftl_error *);
FTL_FOR_EACH_SPACE(FTL_INSTANCE)

} // namespace frozentl
