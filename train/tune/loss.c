#include "tune/loss.h"

#include <math.h>
#include <string.h>

/* Huber's function, and with `slope` its derivative. */
static double huber(double x, double delta, double *slope) {
  if (fabs(x) < delta) {
    *slope = x;
    return 0.5 * x * x;
  }
  *slope = copysign(delta, x);
  return delta * (fabs(x) - 0.5 * delta);
}

/* The penalty of one error under a weight, and its derivative by the error. Not a number stays not a number. */
static double penalty(const ftl_loss *loss, double weight, double delta, double error, double *slope) {
  double value;
  if (loss->kind == FTL_LOSS_WEIGHTED) {
    *slope = 2 * weight * error;
    return weight * error * error;
  }
  if (loss->kind == FTL_LOSS_HUBER) value = weight * huber(error, delta, slope);
  else value = huber(weight * error, delta, slope);
  *slope *= weight;
  return value;
}

/* UniversalLoss: delta of an atom's forces shrinks with the (weighted) length of its label. */
static double forces_delta(const ftl_loss *loss, double weight, const double label[3]) {
  if (loss->kind != FTL_LOSS_UNIVERSAL) return loss->huber_delta;
  const double length = weight * sqrt(label[0] * label[0] + label[1] * label[1] + label[2] * label[2]);
  const double factor = length < 100 ? 1 : length < 200 ? 0.7 : length < 300 ? 0.4 : 0.1;
  return factor * loss->huber_delta;
}

static bool uses_forces(const ftl_loss *loss, const ftl_structure *structure) {
  return structure->labels.has_forces && loss->forces * structure->weight * structure->forces_weight > 0;
}

static bool uses_stress(const ftl_loss *loss, const ftl_structure *structure) {
  return structure->labels.has_stress && loss->stress * structure->weight * structure->stress_weight > 0;
}

bool ftl_loss_needs_derivatives(const ftl_loss *loss, const ftl_structure *structure) {
  return uses_forces(loss, structure) || uses_stress(loss, structure);
}

/* What an error of each kind is weighed with in the loss of the batch, but for the structure's weight of the kind. */
static ftl_loss_factors factors_of(const ftl_loss *loss, const ftl_batch *batch, const ftl_structure *structure) {
  const double structures = (double)batch->structures, weight = structure->weight;
  return (ftl_loss_factors){.energy = loss->energy * weight / structures,
                            .force = loss->forces * weight / (3 * (double)batch->atoms),
                            .stress = loss->stress * weight / (9 * structures)};
}

ftl_loss_factors ftl_loss_of_squares(const ftl_loss *loss, const ftl_batch *batch, const ftl_structure *structure) {
  ftl_loss_factors factors = factors_of(loss, batch, structure);
  factors.energy *= structure->labels.has_energy ? structure->energy_weight : 0;
  factors.force *= structure->labels.has_forces ? structure->forces_weight : 0;
  factors.stress *= structure->labels.has_stress ? structure->stress_weight : 0;
  return factors;
}

double ftl_loss_structure(const ftl_loss *loss, const ftl_batch *batch, const ftl_structure *structure,
                          const ftl_prediction *prediction, ftl_loss_gradient *gradient) {
  const ftl_labels *labels = &structure->labels;
  const ftl_loss_factors factor = factors_of(loss, batch, structure);
  const double n = structure->n;
  double value = 0, slope;
  if (gradient) {
    gradient->energy = 0;
    gradient->has_forces = uses_forces(loss, structure);
    gradient->has_virial = uses_stress(loss, structure);
    memset(gradient->virial, 0, sizeof gradient->virial);
  }
  if (labels->has_energy) {
    const double error = (prediction->energy - labels->energy) / n;
    value += factor.energy * penalty(loss, structure->energy_weight, loss->huber_delta, error, &slope);
    if (gradient) gradient->energy = factor.energy * slope / n;
  }
  if (uses_forces(loss, structure)) {
    for (int i = 0; i < structure->n; i++) {
      const double delta = forces_delta(loss, structure->forces_weight, labels->forces[i]);
      for (int k = 0; k < 3; k++) {
        const double error = prediction->forces[i][k] - labels->forces[i][k];
        value += factor.force * penalty(loss, structure->forces_weight, delta, error, &slope);
        if (gradient) gradient->forces[i][k] = factor.force * slope;
      }
    }
  }
  if (uses_stress(loss, structure)) {
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++) {
        const double error = -prediction->virial[a][b] / structure->volume - labels->stress[a][b];
        value += factor.stress * penalty(loss, structure->stress_weight, loss->huber_delta, error, &slope);
        if (gradient) gradient->virial[a][b] = -factor.stress * slope / structure->volume;
      }
  }
  return value;
}
