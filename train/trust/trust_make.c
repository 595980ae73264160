#include "trust/trust_make.h"

#include <math.h>

#include "base/error.h"
#include "trust/posterior.h"

static ftl_status learn(ftl_source *source, const ftl_dataset *data, const ftl_trust_options *o,
                        ftl_trust_report *report, ftl_error *error) {
  ftl_equations equations;
  int element[118];
  const int n_elements = ftl_dataset_elements(data, element);
  ftl_status status = ftl_equations_make(source, data, &o->equations, &equations, error);
  if (!status) {
    source->trust = ftl_trust_new(equations.triangle.n, o->members, n_elements, element);
    status = source->trust ? ftl_posterior_set(&equations.triangle, 1 / fmax(equations.weight_square, 1e-12),
                                               o->equations.seed, source->trust, &report->effective, error)
                           : ftl_no_memory(error, source->path, "the uncertainty of a model");
  }
  report->energies = equations.energies;
  report->forces = equations.forces;
  report->energy_noise = equations.energy_noise;
  report->force_noise = equations.force_noise;
  ftl_equations_free(&equations);
  return status;
}

/* Deviations become the errors that were found. */
static ftl_status calibrate(ftl_calibration *c, double *scale, ftl_calibration_result *result, ftl_error *error) {
  *scale = ftl_calibration_scale(c);
  for (size_t k = 0; k < c->n; k++) c->pair[k][1] *= *scale;
  return ftl_calibration_measure(c, result, error);
}

static ftl_status measure(ftl_trusted *trusted, const ftl_dataset *held, ftl_trust *trust, ftl_trust_report *report,
                          ftl_error *error) {
  ftl_calibration energy = {.dimensions = 1}, forces = {.dimensions = 3};
  ftl_status status = FTL_OK;
  for (int64_t k = 0; k < held->n && !status; k++)
    status = ftl_trusted_errors(trusted, &held->structure[k], &energy, &forces, error);
  if (!status) status = calibrate(&energy, &trust->energy_scale, &report->energy, error);
  if (!status) status = calibrate(&forces, &trust->force_scale, &report->force, error);
  ftl_calibration_free(&energy);
  ftl_calibration_free(&forces);
  return status;
}

ftl_status ftl_trust_work(const ftl_source *source, const ftl_dataset *data, const ftl_dataset *held,
                          const ftl_trust_options *o, double *work, ftl_error *error) {
  ftl_parameters parameters = {0};
  ftl_last_weights layer = {0};
  int rows;
  int64_t every;
  ftl_status status = ftl_parameters_list(source, &parameters, error);
  if (!status) status = ftl_last_weights_mark(source, &parameters, &layer, error);
  ftl_equations_plan(&o->equations, data, layer.n, &rows, &every);
  const double used = (double)(data->n / every);
  *work = used * (0.65 + 0.3 * rows) + 0.45 * (double)data->n + (0.6 + 0.3 * o->members) * (double)held->n;
  ftl_parameters_free(&parameters);
  return status;
}

ftl_status ftl_trust_make(ftl_source *source, const ftl_dataset *data, const ftl_dataset *held,
                          const ftl_trust_options *o, ftl_trust_report *report, ftl_error *error) {
  ftl_trusted trusted = {0};
  *report = (ftl_trust_report){.structures = data->n, .held = held->n};
  ftl_source_forget(source);
  ftl_status status = learn(source, data, o, report, error);
  if (!status) status = ftl_trusted_open(source, o->equations.threads, &trusted, error);
  if (!status) status = ftl_last_active_set(&trusted, data, source->trust, &report->active, error);
  if (!status) status = measure(&trusted, held, source->trust, report, error);
  ftl_trusted_close(source, &trusted);
  if (status) ftl_source_forget(source);
  return status;
}
