/* What the files that list the tensors of a family share (schema_mace.c, schema_nequip.c): marks on a spec, and the
   blocks that both have, which are e3nn's. */
#ifndef FTL_SCHEMA_LIST_H
#define FTL_SCHEMA_LIST_H

#include "model/schema.h"
#include "model/traits.h"

#define SCALAR 0, NULL
#define VECTOR(n)                                                                                                      \
  1, (const int64_t[]) { n }
#define MATRIX(n, m)                                                                                                   \
  2, (const int64_t[]) { n, m }

typedef struct {
  const ftl_architecture *arch;
  const ftl_open_extents *extents;
  ftl_schema *schema;
  int layer; /* that is being listed */
} ftl_list;

/* ---- marks on a spec ---- */

ftl_tensor_spec *ftl_spec_weight(ftl_tensor_spec *spec, ftl_group group, int layer, ftl_initial initial, double width);
void ftl_spec_elements(ftl_tensor_spec *spec, int axis, int64_t outer, int64_t inner);
void ftl_spec_heads(ftl_tensor_spec *spec, int64_t rows, bool in_rows, int64_t columns, bool in_columns);

/* ---- blocks ---- */

/* e3nn's FullyConnectedNet without biases: NET.layer0.weight .. layerN, [in][out]; normalised by the fan-in when it is
   evaluated. Of this layer, or the readout of this number. */
void ftl_list_net(ftl_list *l, const char *net, int layer, const ftl_net_size *size, ftl_group group, int64_t in,
                  int64_t out);
/* The 3j symbols of a layer's convolution. */
void ftl_list_3j(ftl_list *l, const ftl_conv_paths *paths);
/* An ordinary linear map of the interaction. */
ftl_tensor_spec *ftl_list_linear(ftl_list *l, const char *name, ftl_group group, const ftl_irreps *in,
                                 const ftl_irreps *out);
/* A readout of random features. */
void ftl_list_random_readout(ftl_list *l, int readout);
/* The skip connection: ordinary, or with weights for each element. */
void ftl_list_skip(ftl_list *l, const ftl_layer_traits *traits);
ftl_tensor_spec *ftl_list_number(ftl_list *l, ftl_holding holds, ftl_group group, const char *name);
void ftl_list_table(ftl_list *l, int64_t n, ftl_holding holds, ftl_group group, const char *name);

/* ---- extents of a source ---- */

int64_t ftl_extent(const ftl_tensor *tensor, int ndim,
                   int d); /* FTL_ANY_EXTENT if it has another shape or is missing */
/* The layers of a net in a source, at least one: MODULE.PART0.weight, MODULE.PART(step).weight, ..., each [in][out], or
   [out][in] (`transposed`). A longer network than is covered leaves tensors that no block asks for. */
void ftl_net_of(const ftl_source *source, const char *module, const char *part, int step, bool transposed,
                ftl_net_size *size);

#endif
