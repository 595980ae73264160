/* Evaluators of one precision: compiled with FTL_REAL=double and FTL_REAL=float. */
#include "kokkos/instances.hpp"

#include "kokkos/ace.hpp"
#include "kokkos/mace.hpp"

namespace frozentl {

template <class Space, class Real> std::unique_ptr<Evaluator<Space>> make_mace(const ftl_model *model) {
  return std::make_unique<MaceEvaluator<Space, Real>>(model);
}
template <class Space, class Real> std::unique_ptr<Evaluator<Space>> make_ace(const ftl_model *model) {
  return std::make_unique<AceEvaluator<Space, Real>>(model);
}

#define FTL_INSTANCE(Space)                                                                                            \
  template std::unique_ptr<Evaluator<Space>> make_mace<Space, FTL_REAL>(const ftl_model *model);                       \
  template std::unique_ptr<Evaluator<Space>> make_ace<Space, FTL_REAL>(const ftl_model *model);
FTL_FOR_EACH_SPACE(FTL_INSTANCE)

} // namespace frozentl
