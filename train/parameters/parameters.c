#include "parameters/parameters.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/schema.h"
#include "model/tensors.h"

ftl_status ftl_parameters_list(const ftl_source *source, ftl_parameters *parameters, ftl_error *error) {
  ftl_schema schema;
  *parameters = (ftl_parameters){.family = source->arch.family};
  FTL_TRY(ftl_schema_of(source, &schema, error));
  parameters->parameter = calloc((size_t)source->tensors.n + 1, sizeof *parameters->parameter);
  if (!parameters->parameter) {
    ftl_schema_free(&schema);
    return ftl_no_memory(error, source->path, "the list of parameters");
  }
  for (int k = 0; k < source->tensors.n; k++) {
    const ftl_tensor *tensor = &source->tensors.tensor[k];
    int layer;
    ftl_group group = ftl_schema_group(&schema, tensor, &layer);
    if (group == FTL_GROUP_NONE) continue;
    parameters->parameter[parameters->n++] = (ftl_parameter){.name = tensor->name,
                                                             .group = group,
                                                             .layer = layer,
                                                             .offset = parameters->count,
                                                             .count = tensor->count,
                                                             .decays = ftl_schema_find(&schema, tensor->name)->decays,
                                                             .trained = tensor->is_parameter,
                                                             .rate = 1};
    parameters->count += tensor->count;
  }
  ftl_schema_free(&schema);
  return FTL_OK;
}

void ftl_parameters_free(ftl_parameters *parameters) {
  if (!parameters) return;
  free(parameters->parameter);
  *parameters = (ftl_parameters){0};
}

ftl_parameter *ftl_parameters_find(const ftl_parameters *parameters, const char *name) {
  for (int k = 0; k < parameters->n; k++)
    if (strcmp(parameters->parameter[k].name, name) == 0) return &parameters->parameter[k];
  return NULL;
}

void ftl_parameters_get(const ftl_parameters *parameters, const ftl_source *source, double *values) {
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *parameter = &parameters->parameter[k];
    const ftl_tensor *tensor = ftl_tensors_find(&source->tensors, parameter->name);
    for (int64_t i = 0; i < parameter->count; i++) values[parameter->offset + i] = ftl_tensor_at(tensor, i);
  }
}

ftl_status ftl_parameters_put(const ftl_parameters *parameters, const double *values, ftl_source *source,
                              ftl_error *error) {
  ftl_source_forget(source);
  for (int k = 0; k < parameters->n; k++) {
    ftl_parameter *parameter = &parameters->parameter[k];
    if (!parameter->trained) continue;
    /* the table is const for readers; this is the one place that gives a tensor new data */
    ftl_tensor *tensor = (ftl_tensor *)ftl_tensors_find(&source->tensors, parameter->name);
    void *data = parameter->put;
    if (!data || data != tensor->data)
      data = ftl_tensors_allocate(&source->tensors, (size_t)tensor->count * ftl_dtype_bytes(tensor->dtype));
    if (!data) return ftl_no_memory(error, source->path, "tensor %s", tensor->name);
    for (int64_t i = 0; i < parameter->count; i++) {
      double value = values[parameter->offset + i];
      if (tensor->dtype == FTL_F32) ((float *)data)[i] = (float)value;
      else ((double *)data)[i] = value;
    }
    tensor->data = parameter->put = data;
  }
  return FTL_OK;
}
