/* Smaller models with the same energies: fewer elements, one head. Only rows and columns are taken out; the numbers
   that normalised the weights when they were trained stay (norm_elements, norm_heads). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/error.h"
#include "model/provenance.h"
#include "model/tensors.h"

/* One tensor seen as [outer][extent][inner], of which some indices of the middle axis are kept. */
typedef struct {
  int64_t outer, extent, inner;
} axes;

static ftl_tensor *find(ftl_source *source, const char *name) {
  return (ftl_tensor *)ftl_tensors_find(&source->tensors, name);
}

/* Writes the kept indices of a tensor, seen through `from`, to *to, which moves on. */
static void copy_kept(const ftl_tensor *t, int64_t offset, axes from, const int *keep, int n, char **to) {
  const size_t width = ftl_dtype_bytes(t->dtype), row = (size_t)from.inner * width;
  const char *base = (const char *)t->data + (size_t)offset * width;
  for (int64_t o = 0; o < from.outer; o++)
    for (int k = 0; k < n; k++) {
      memcpy(*to, base + (size_t)(o * from.extent + keep[k]) * row, row);
      *to += row;
    }
}

static ftl_status allocate(ftl_source *source, const ftl_tensor *t, int64_t count, char **data, ftl_error *error) {
  *data = ftl_tensors_allocate(&source->tensors, (size_t)count * ftl_dtype_bytes(t->dtype));
  return *data ? FTL_OK : ftl_fail(error, FTL_ERR_MEMORY, source->path, "no memory to cut tensor %s", t->name);
}

/* Replaces a tensor by its part: [outer][n][inner]. Axis `dim` of its shape is the one that shrinks (to n times what is
   left beside `extent`); a scalar becomes a vector. */
static ftl_status keep_indices(ftl_source *source, const char *name, axes from, int dim, const int *keep, int n,
                               ftl_error *error) {
  ftl_tensor *t = find(source, name);
  char *data, *to;
  int64_t count = from.outer * n * from.inner;
  ftl_status status;
  if (!t || t->count != from.outer * from.extent * from.inner)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s does not have the shape that its cut needs", name);
  if ((status = allocate(source, t, count, &data, error))) return status;
  to = data;
  copy_kept(t, 0, from, keep, n, &to);
  if (t->ndim == 0) t->shape[t->ndim++] = 1;
  t->shape[dim] = t->shape[dim] / from.extent * n;
  t->data = data;
  t->count = count;
  return FTL_OK;
}

/* ---- elements ---- */

typedef struct {
  ftl_source *source;
  const int *keep; /* indices of the elements that stay */
  int n;
  ftl_error *error;
} cutter;

static ftl_status cut_flat(const cutter *c, const char *name, int64_t outer, int64_t inner) {
  const int extent = c->source->arch.n_elements;
  return keep_indices(c->source, name, (axes){outer, extent, inner}, 0, c->keep, c->n, c->error);
}

/* e3nn's FullyConnectedTensorProduct with the element's one-hot vector: for each pair of blocks with the same irrep, in
   that order, a matrix [mul in][elements][mul out]. */
static ftl_status cut_skip(const cutter *c, const char *name, const ftl_irreps *in, const ftl_irreps *out) {
  const int n_elements = c->source->arch.n_elements;
  ftl_tensor *t = find(c->source, name);
  int64_t at = 0, count;
  char *data, *to;
  ftl_status status;
  if (!t) return ftl_fail(c->error, FTL_ERR_FORMAT, c->source->path, "tensor %s is missing", name);
  count = t->count / n_elements * c->n;
  if ((status = allocate(c->source, t, count, &data, c->error))) return status;
  to = data;
  for (int i = 0; i < in->n; i++)
    for (int o = 0; o < out->n; o++) {
      const ftl_irrep *a = &in->block[i], *b = &out->block[o];
      if (a->l != b->l || a->p != b->p) continue;
      copy_kept(t, at, (axes){a->mul, n_elements, b->mul}, c->keep, c->n, &to);
      at += (int64_t)a->mul * n_elements * b->mul;
    }
  t->shape[0] = t->count = count;
  t->data = data;
  return FTL_OK;
}

static ftl_status cut_interaction(const cutter *c, int t) {
  const ftl_layer *layer = &c->source->arch.layer[t];
  const int64_t channels = ftl_irreps_count(&layer->node_feats, 0, 1);
  char name[200];
  ftl_status status;
  if (layer->kind == FTL_INTERACTION_NONLINEAR) {
    snprintf(name, sizeof name, "interactions.%d.source_embedding.weight", t);
    if ((status = cut_flat(c, name, 1, channels))) return status;
    snprintf(name, sizeof name, "interactions.%d.target_embedding.weight", t);
    return cut_flat(c, name, 1, channels);
  }
  snprintf(name, sizeof name, "interactions.%d.skip_tp.weight", t);
  if (layer->kind == FTL_INTERACTION || layer->kind == FTL_INTERACTION_DENSITY)
    return cut_skip(c, name, &layer->target, &layer->target);
  return cut_skip(c, name, &layer->node_feats, &layer->hidden);
}

static ftl_status cut_product(const cutter *c, int t) {
  const ftl_layer *layer = &c->source->arch.layer[t];
  char name[200];
  if (layer->agnostic_product) return FTL_OK;
  for (int block = 0; block < layer->product.n; block++)
    for (int nu = 1; nu <= layer->correlation; nu++) {
      char part[32] = "weights_max";
      const ftl_tensor *w;
      ftl_status status;
      if (nu < layer->correlation) snprintf(part, sizeof part, "weights.%d", layer->correlation - 1 - nu);
      snprintf(name, sizeof name, "products.%d.symmetric_contractions.contractions.%d.%s", t, block, part);
      w = find(c->source, name);
      status = cut_flat(c, name, 1, w ? w->count / c->source->arch.n_elements : 0);
      if (status) return status;
    }
  return FTL_OK;
}

static ftl_status cut_all(const cutter *c) {
  static const char energies[] = "atomic_energies_fn.atomic_energies";
  const ftl_architecture *arch = &c->source->arch;
  const ftl_tensor *e0 = find(c->source, energies);
  ftl_status status;
  status = keep_indices(c->source, energies, (axes){arch->n_heads, arch->n_elements, 1}, e0 && e0->ndim == 2 ? 1 : 0,
                        c->keep, c->n, c->error);
  if (status) return status;
  if ((status = cut_flat(c, "atomic_numbers", 1, 1))) return status;
  if ((status = cut_flat(c, "node_embedding.linear.weight", 1, ftl_irreps_count(&arch->layer[0].node_feats, 0, 1))))
    return status;
  for (int t = 0; t < arch->n_layers; t++)
    if ((status = cut_interaction(c, t)) || (status = cut_product(c, t))) return status;
  return FTL_OK;
}

ftl_status ftl_source_cut_elements(ftl_source *source, const int *elements, int n, ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  int keep[FTL_MAX_ELEMENTS], n_keep = 0;
  cutter c = {source, keep, 0, error};
  char note[FTL_MAX_ELEMENTS * 4 + 32] = "cut to elements";
  ftl_status status;
  if (n < 1) return ftl_fail(error, FTL_ERR_INPUT, source->path, "no element is given to keep");
  for (int k = 0; k < n; k++) {
    int found = 0;
    for (int j = 0; j < arch->n_elements; j++) found |= arch->atomic_numbers[j] == elements[k];
    if (!found)
      return ftl_fail(error, FTL_ERR_INPUT, source->path, "the model has no element %s (atomic number %d)",
                      ftl_element_symbol(elements[k]) ? ftl_element_symbol(elements[k]) : "of this kind", elements[k]);
  }
  for (int j = 0; j < arch->n_elements; j++) { /* in the file's order */
    bool wanted = false;
    for (int k = 0; k < n; k++) wanted |= arch->atomic_numbers[j] == elements[k];
    if (!wanted) continue;
    keep[n_keep++] = j;
    snprintf(note + strlen(note), sizeof note - strlen(note), " %s", ftl_element_symbol(arch->atomic_numbers[j]));
  }
  if (n_keep == arch->n_elements) return FTL_OK;
  c.n = n_keep;
  if ((status = cut_all(&c))) return status;
  for (int k = 0; k < n_keep; k++) arch->atomic_numbers[k] = arch->atomic_numbers[keep[k]];
  arch->n_elements = n_keep;
  if ((status = ftl_provenance_note(source, note, error))) return status;
  return ftl_source_check(source, error);
}

/* ---- heads ---- */

/* A matrix [rows][columns], flat: keeps `n_rows` rows from `row` and `n_columns` columns from `column`. */
static ftl_status keep_part(ftl_source *source, const char *name, int64_t rows, int64_t columns, int64_t row,
                            int64_t n_rows, int64_t column, int64_t n_columns, ftl_error *error) {
  ftl_tensor *t = find(source, name);
  char *data;
  size_t width;
  ftl_status status;
  if (!t || t->count != rows * columns || t->ndim != 1)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s does not have the shape that its cut needs", name);
  if ((status = allocate(source, t, n_rows * n_columns, &data, error))) return status;
  width = ftl_dtype_bytes(t->dtype);
  for (int64_t k = 0; k < n_rows; k++)
    memcpy(data + (size_t)(k * n_columns) * width,
           (const char *)t->data + (size_t)((row + k) * columns + column) * width, (size_t)n_columns * width);
  t->data = data;
  t->shape[0] = t->count = n_rows * n_columns;
  return FTL_OK;
}

/* mace's mask_head gives each head its own block of mlp / n_heads hidden channels, in the order of the heads. */
static ftl_status cut_readout(ftl_source *source, int k, int head, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  ftl_readout *readout = &source->arch.readout[k];
  const int64_t in = ftl_irreps_count(&readout->in, 0, 1), all = ftl_irreps_count(&readout->mlp, 0, 1);
  const int64_t part = all / arch->n_heads, first = part * head;
  char name[200];
  ftl_status status;
  if (readout->kind == FTL_READOUT_LINEAR) {
    snprintf(name, sizeof name, "readouts.%d.linear.weight", k);
    return keep_part(source, name, in, arch->n_heads, 0, in, head, 1, error);
  }
  snprintf(name, sizeof name, "readouts.%d.linear_1.weight", k);
  if ((status = keep_part(source, name, in, all, 0, in, first, part, error))) return status;
  snprintf(name, sizeof name, "readouts.%d.linear_2.weight", k);
  if ((status = keep_part(source, name, all, arch->n_heads, first, part, head, 1, error))) return status;
  if (readout->kind == FTL_READOUT_NONLINEAR_BIAS) {
    snprintf(name, sizeof name, "readouts.%d.linear_mid.weight", k);
    if ((status = keep_part(source, name, all, all, first, part, first, part, error))) return status;
    snprintf(name, sizeof name, "readouts.%d.linear_mid.bias", k);
    if ((status = keep_part(source, name, all, 1, first, part, 0, 1, error))) return status;
    snprintf(name, sizeof name, "readouts.%d.linear_2.bias", k);
    if ((status = keep_part(source, name, arch->n_heads, 1, head, 1, 0, 1, error))) return status;
  }
  readout->mlp.block[0].mul = (int)part;
  return FTL_OK;
}

ftl_status ftl_source_cut_head(ftl_source *source, const char *head, ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  const int n_heads = arch->n_heads;
  char note[320];
  char *name;
  int h = 0;
  ftl_status status;
  if (!head) return FTL_OK;
  while (h < n_heads && strcmp(arch->heads[h], head)) h++;
  if (h == n_heads) {
    char all[300] = "";
    for (int k = 0; k < n_heads; k++)
      snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", k ? ", " : "", arch->heads[k]);
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "the model has no head \"%.100s\"; it has %s", head, all);
  }
  if (n_heads == 1) return FTL_OK;
  status =
      keep_indices(source, "atomic_energies_fn.atomic_energies", (axes){1, n_heads, arch->n_elements}, 0, &h, 1, error);
  if (!status && arch->scale_shift)
    status = keep_indices(source, "scale_shift.scale", (axes){1, n_heads, 1}, 0, &h, 1, error);
  if (!status && arch->scale_shift)
    status = keep_indices(source, "scale_shift.shift", (axes){1, n_heads, 1}, 0, &h, 1, error);
  for (int k = 0; !status && k < arch->n_readouts; k++) status = cut_readout(source, k, h, error);
  if (status) return status;
  name = arch->heads[h];
  arch->heads[h] = arch->heads[0];
  arch->heads[0] = name;
  for (int k = 1; k < n_heads; k++) {
    free(arch->heads[k]);
    arch->heads[k] = NULL;
  }
  arch->n_heads = 1;
  snprintf(note, sizeof note, "cut to head %.255s", name);
  if ((status = ftl_provenance_note(source, note, error))) return status;
  return ftl_source_check(source, error);
}

ftl_status ftl_source_cut_to(ftl_source *source, const ftl_architecture *arch, ftl_error *error) {
  ftl_status status = ftl_source_cut_elements(source, arch->atomic_numbers, arch->n_elements, error);
  if (!status && arch->n_heads == 1 && source->arch.n_heads > 1)
    status = ftl_source_cut_head(source, arch->heads[0], error);
  if (status) return status;
  if (source->arch.n_elements != arch->n_elements || source->arch.n_heads != arch->n_heads ||
      memcmp(source->arch.atomic_numbers, arch->atomic_numbers, (size_t)arch->n_elements * sizeof(int)))
    return ftl_fail(
        error, FTL_ERR_INPUT, source->path,
        "it cannot be cut to the elements and heads that are asked for: they are not its own, in its order");
  return FTL_OK;
}
