/* The parameters of a model as one vector: what the gradient is taken of, and what an optimiser moves.

   Every tensor that has a group (core/model/groups.h) is there, frozen or not, in the order of its names; parameter k
   holds the numbers offset .. offset + count - 1 of a vector of `count` doubles, in the order of the tensor in the
   file. Values, gradients and moments are such vectors. */
#ifndef FTL_PARAMETERS_H
#define FTL_PARAMETERS_H

#include "model/architecture.h"
#include "model/groups.h"

typedef struct {
  const char *name; /* of the tensor; belongs to the source */
  ftl_group group;
  int layer; /* -1: of no layer */
  int64_t offset, count;
  bool decays;  /* with the optimiser's weight decay, as the schema says */
  bool trained; /* false: its gradient is not computed and its values never change */
  double rate;  /* factor of the learning rate; 1 */
  void *put;    /* private: memory of the source that ftl_parameters_put filled, and fills again */
} ftl_parameter;

typedef struct {
  ftl_family family;
  int n;
  ftl_parameter *parameter; /* [n] */
  int64_t count;            /* numbers in all */
} ftl_parameters;

/* Lists the parameters of a source, which must outlive the list; all but E0, scale and shift (buffers in MACE) are
   marked as trained. FTL_ERR_MEMORY. */
ftl_status ftl_parameters_list(const ftl_source *source, ftl_parameters *parameters, ftl_error *error);
void ftl_parameters_free(ftl_parameters *parameters);

/* NULL if there is none of this name. */
ftl_parameter *ftl_parameters_find(const ftl_parameters *parameters, const char *name);

/* values[count] from the tensors of the source. */
void ftl_parameters_get(const ftl_parameters *parameters, const ftl_source *source, double *values);
/* Trained tensors of the source become these values, rounded to the tensor's type; frozen ones keep their bytes.
   FTL_ERR_MEMORY. */
ftl_status ftl_parameters_put(const ftl_parameters *parameters, const double *values, ftl_source *source,
                              ftl_error *error);

#endif
