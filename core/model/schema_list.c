#include "model/schema_list.h"

#include <stdio.h>

/* ---- marks on a spec ---- */

ftl_tensor_spec *ftl_spec_weight(ftl_tensor_spec *spec, ftl_group group, int layer, ftl_initial initial, double width) {
  spec->group = group;
  spec->layer = layer;
  spec->initial = initial;
  spec->width = width;
  return spec;
}

void ftl_spec_elements(ftl_tensor_spec *spec, int axis, int64_t outer, int64_t inner) {
  spec->element_axis = axis;
  spec->n_parts = 1;
  spec->part[0] = (ftl_element_part){outer, inner};
}

void ftl_spec_heads(ftl_tensor_spec *spec, int64_t rows, bool in_rows, int64_t columns, bool in_columns) {
  spec->rows = rows;
  spec->columns = columns;
  spec->heads_in_rows = in_rows;
  spec->heads_in_columns = in_columns;
}

/* ---- blocks ---- */

void ftl_list_net(ftl_list *l, const char *net, int layer, const ftl_net_size *size, ftl_group group, int64_t in,
                  int64_t out) {
  for (int k = 0; k < size->n; k++) {
    const int64_t next = k < size->n - 1 ? size->width[k] : out;
    ftl_spec_weight(ftl_schema_add(l->schema, MATRIX(in, next), "%s.layer%d.weight", net, k), group, layer,
                    FTL_INITIAL_NORMAL, 1);
    in = next;
  }
}

/* e3nn's generated code carries the 3j symbols of those paths that it does not write out: no scalar among the three,
   unless its optimisation is switched off. Each once. */
void ftl_list_3j(ftl_list *l, const ftl_conv_paths *paths) {
  const ftl_layer *layer = &l->arch->layer[l->layer];
  bool done[8][8][8] = {0};
  for (int k = 0; k < paths->n; k++) {
    const int l1 = layer->edge.block[paths->path[k].in1].l, l2 = l->arch->sh.block[paths->path[k].in2].l;
    const int l3 = paths->mid.block[k].l;
    if (done[l1][l2][l3]) continue;
    done[l1][l2][l3] = true;
    ftl_tensor_spec *spec =
        ftl_schema_add(l->schema, 3, (const int64_t[]){2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1},
                       "interactions.%d.conv_tp._compiled_main_left_right._w3j_%d_%d_%d", l->layer, l1, l2, l3);
    spec->optional = !l1 || !l2 || !l3;
    spec->coupling = true;
    spec->l[0] = l1, spec->l[1] = l2, spec->l[2] = l3;
  }
}

ftl_tensor_spec *ftl_list_linear(ftl_list *l, const char *name, ftl_group group, const ftl_irreps *in,
                                 const ftl_irreps *out) {
  return ftl_spec_weight(
      ftl_schema_add(l->schema, VECTOR(ftl_linear_count(in, out)), "interactions.%d.%s.weight", l->layer, name), group,
      l->layer, FTL_INITIAL_NORMAL, 1);
}

/* By element: e3nn's FullyConnectedTensorProduct with the element's one-hot vector, a matrix [mul in][elements][mul
   out] for each pair of blocks with the same irrep. */
void ftl_list_skip(ftl_list *l, const ftl_layer_traits *traits) {
  const ftl_irreps *in = &traits->skip_in, *out = &traits->skip_out;
  ftl_tensor_spec *spec = ftl_list_linear(l, "skip_tp", FTL_GROUP_SKIP, in, out);
  if (!traits->skip_by_element) return;
  spec->shape[0] *= l->arch->n_elements;
  for (int i = 0; i < in->n; i++)
    for (int o = 0; o < out->n; o++)
      if (in->block[i].l == out->block[o].l && in->block[i].p == out->block[o].p && spec->n_parts < FTL_MAX_BLOCKS)
        spec->part[spec->n_parts++] = (ftl_element_part){in->block[i].mul, out->block[o].mul};
}

void ftl_list_random_readout(ftl_list *l, int readout) {
  const ftl_readout *spec = &l->arch->readout[readout];
  const int64_t in = ftl_irreps_count(&spec->in, 0, 1), n = ftl_irreps_count(&spec->mlp, 0, 1);
  ftl_spec_weight(ftl_schema_add(l->schema, VECTOR(in * n), "readouts.%d.linear_1.weight", readout), FTL_GROUP_READOUT,
                  readout, FTL_INITIAL_NORMAL, 1);
  ftl_spec_weight(ftl_schema_add(l->schema, VECTOR(n), "readouts.%d.linear_2.weight", readout), FTL_GROUP_READOUT,
                  readout, FTL_INITIAL_NORMAL, 1);
}

ftl_tensor_spec *ftl_list_number(ftl_list *l, ftl_holding holds, ftl_group group, const char *name) {
  ftl_tensor_spec *spec = ftl_schema_add(l->schema, SCALAR, "%s", name);
  spec->holds = holds;
  spec->group = group;
  return spec;
}

void ftl_list_table(ftl_list *l, int64_t n, ftl_holding holds, ftl_group group, const char *name) {
  ftl_tensor_spec *spec = ftl_schema_add(l->schema, VECTOR(n), "%s", name);
  spec->holds = holds;
  spec->group = group;
}

/* ---- extents of a source ---- */

int64_t ftl_extent(const ftl_tensor *tensor, int ndim, int d) {
  return tensor && tensor->ndim == ndim && tensor->shape[d] > 0 ? tensor->shape[d] : FTL_ANY_EXTENT;
}

void ftl_net_of(const ftl_source *source, const char *module, const char *part, int step, bool transposed,
                ftl_net_size *size) {
  char name[200];
  const ftl_tensor *tensor;
  size->n = 0;
  do {
    snprintf(name, sizeof name, "%s.%s%d.weight", module, part, step * size->n);
    tensor = ftl_tensors_find(&source->tensors, name);
    if (size->n > 0 && !tensor) break;
    size->width[size->n++] = ftl_extent(tensor, 2, transposed ? 0 : 1);
  } while (tensor && size->n < FTL_MAX_NET);
}
