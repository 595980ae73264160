/* Constants that mace-torch writes into its model files. */
#ifndef FTL_CONSTANTS_H
#define FTL_CONSTANTS_H

#include "model/architecture.h"

/* e3nn's normalize2mom: what makes the mean square of f(z), z normal, 1. */
#define FTL_SILU_CST    1.6791767923989418
#define FTL_SIGMOID_CST 1.8467055342154763
double ftl_gate_cst(ftl_gate_kind gate); /* 1 for none */

#endif
