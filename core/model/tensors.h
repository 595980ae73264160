/* The part of the tensor table that only readers and the cutter need: see architecture.h for the rest. */
#ifndef FTL_TENSORS_H
#define FTL_TENSORS_H

#include "model/architecture.h"

/* No MACE comes near; a hostile file would. */
#define FTL_MAX_TENSORS 8192

/* Adds a tensor whose data stay where they are: in a mapping given to ftl_tensors_keep_mapping, aligned to 8 bytes. */
ftl_status ftl_tensors_add_view(ftl_tensors *tensors, const char *name, ftl_dtype dtype, int ndim, const int64_t *shape,
                                const void *data, bool is_parameter, ftl_error *error);

/* Hands a mapping (mmap) to the table, which unmaps it in ftl_tensors_free. One per table. */
ftl_status ftl_tensors_keep_mapping(ftl_tensors *tensors, void *mapping, size_t size, ftl_error *error);

/* Memory that lives as long as the table, zeroed and aligned to 8 bytes; NULL if there is none. */
void *ftl_tensors_allocate(ftl_tensors *tensors, size_t size);

/* Product of a shape; false for a negative extent, ndim > FTL_MAX_NDIM, or one above 2^48 elements. */
bool ftl_shape_count(int ndim, const int64_t *shape, int64_t *count);

#endif
