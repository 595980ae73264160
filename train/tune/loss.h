/* Loss functions, structure by structure: the values of the structures of a batch add up to mace-torch's number.

   With B structures and N atoms in the batch, N_s atoms in structure s, weights w_s = weight * X_weight of structure s
   (dataset.h), and errors e_s = (E_s - label)/N_s, f (components of the forces) and t (components of the stress):

     weighted   WeightedEnergyForcesStressLoss (WeightedEnergyForcesLoss if `stress` is 0)
                energy/B sum_s w_s e_s^2 + forces/(3N) sum w_s f^2 + stress/(9B) sum w_s t^2
     huber      WeightedHuberEnergyForcesStressLoss: the same sums of h(x; delta) = x^2/2 where |x| < delta, otherwise
                delta (|x| - delta/2)
     universal  UniversalLoss: as huber, of X_weight * x instead of x; and for forces delta is multiplied by 1, 0.7,
                0.4 or 0.1, where forces_weight * |force label| of the atom is below 100, 200, 300 eV/Angstrom or above

   mace-torch ignores the weights of structures in huber, and `weight` (with it config_type weights) in universal; here
   they multiply, which is the same when they are 1. A missing label contributes nothing and the denominators stay. (In
   mace-torch's huber it would count as a label of zero.) */
#ifndef FTL_LOSS_H
#define FTL_LOSS_H

#include "data/dataset.h"
#include "tune/train_recipe.h"
#include "gradient/gradient.h"

typedef struct {
  int kind; /* FTL_LOSS_WEIGHTED, FTL_LOSS_HUBER, FTL_LOSS_UNIVERSAL */
  double energy, forces, stress, huber_delta;
} ftl_loss;

/* Totals of a batch, of all threads and ranks. */
typedef struct {
  int64_t structures, atoms;
} ftl_batch;

/* Derivatives of a structure's part, for ftl_sweep_gradient. */
typedef struct {
  double energy;               /* dL/dE */
  bool has_forces, has_virial; /* false: zero, pass NULL */
  double (*forces)[3];         /* [n] dL/dF; the caller's memory, overwritten when has_forces */
  double virial[3][3];         /* dL/dW with W = -stress * volume */
} ftl_loss_gradient;

/* Whether forces or stress of the structure matter, so that the prediction needs derivatives. */
bool ftl_loss_needs_derivatives(const ftl_loss *loss, const ftl_structure *structure);

/* The structure's part of the loss of its batch; gradient may be NULL. A prediction that is not finite gives a value
   that is not finite. */
double ftl_loss_structure(const ftl_loss *loss, const ftl_batch *batch, const ftl_structure *structure,
                          const ftl_prediction *prediction, ftl_loss_gradient *gradient);

/* What multiplies each squared error in the structure's part of FTL_LOSS_WEIGHTED: of the energy per atom, of a
   component of the forces, of one of the nine of the stress. 0 where there is no label. */
typedef struct {
  double energy, force, stress;
} ftl_loss_factors;
ftl_loss_factors ftl_loss_of_squares(const ftl_loss *loss, const ftl_batch *batch, const ftl_structure *structure);

#endif
