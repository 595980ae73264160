/* Constants that mace-torch writes into its model files. */
#ifndef FTL_CONSTANTS_H
#define FTL_CONSTANTS_H

#include "model/architecture.h"

/* e3nn's normalize2mom: what makes the mean square of f(z), z normal, 1. */
#define FTL_SILU_CST    1.6791767923989418
#define FTL_SIGMOID_CST 1.8467055342154763
double ftl_gate_cst(ftl_gate_kind gate); /* 1 for none */

/* Covalent radii in Angstrom by atomic number, from 0 for no element (Cordero et al., Dalton Trans. 2008, 2832, as ASE
   has them; 2.0 stands for elements that have none). */
#define FTL_N_RADII 119
extern const double ftl_covalent_radii[FTL_N_RADII];

#endif
