#include "new_model/constants.h"

/* e3nn (math/_normalize_activation.py) does not integrate but takes the mean over a million numbers of torch's
   generator, seeded with 0. Models carry these values, which differ from the integrals by about 0.1 %: a model that is
   to be like those of mace-torch needs the same. For abs the integral is 1. */
double ftl_gate_cst(ftl_gate_kind gate) {
  switch (gate) {
  case FTL_GATE_SILU:
    return FTL_SILU_CST;
  case FTL_GATE_TANH:
    return 1.5937334472592695;
  case FTL_GATE_ABS:
    return 1.001110600838467;
  case FTL_GATE_NONE:
    break;
  }
  return 1;
}
