#include "files/mace_reader.h"

#include "files/sevennet_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Parts of a model that this version knows; any other is refused (joint_embedding, embedding_readout, ...). */
static ftl_status check_parts(ftl_mace_reader *r, const ftl_py *model) {
  static const char *const known[] = {
      "node_embedding", "radial_embedding", "pair_repulsion_fn", "spherical_harmonics", "atomic_energies_fn",
      "interactions",   "products",         "readouts",          "scale_shift"};
  const ftl_py *parts = ftl_module_attribute(model, "_modules"), *specs;
  if (!parts || parts->kind != FTL_PY_DICT)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the model has no submodules");
  for (size_t k = 0; k + 1 < parts->u.items.n; k += 2) {
    const ftl_py *name = parts->u.items.item[k];
    char text[256];
    size_t j = 0, n = sizeof known / sizeof *known;
    while (j < n && !ftl_py_string_is(name, known[j])) j++;
    if (j == n)
      return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                      "the model has a part named %.*s (%s), which is not covered",
                      name->kind == FTL_PY_STRING && name->u.text.size < 80 ? (int)name->u.text.size : 1,
                      name->kind == FTL_PY_STRING && name->u.text.size < 80 ? name->u.text.data : "?",
                      ftl_py_describe(parts->u.items.item[k + 1], text, sizeof text));
  }
  specs = ftl_module_attribute(model, "embedding_specs");
  if (specs && specs->kind != FTL_PY_NONE)
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "the model has embedding_specs, which are not covered");
  return FTL_OK;
}

static ftl_status check_root(ftl_mace_reader *r, const ftl_py *model) {
  char text[256];
  if (ftl_module_is(model, "mace", "ScaleShiftMACE")) r->source->arch.scale_shift = true;
  else if (!ftl_module_is(model, "mace", "MACE")) {
    if (model->kind == FTL_PY_DICT)
      return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                      "the file holds a dict (a checkpoint or state_dict) of a program that is not known, not a whole "
                      "model: give a .model file of mace-torch, or a checkpoint (.pth) of sevenn");
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                    "the file holds %s; MACE and ScaleShiftMACE models and checkpoints of sevenn are covered",
                    ftl_py_describe(model, text, sizeof text));
  }
  return FTL_OK;
}

static ftl_status read_heads(ftl_mace_reader *r, const ftl_py *model) {
  const ftl_py *heads = ftl_module_attribute(model, "heads");
  ftl_architecture *arch = &r->source->arch;
  size_t n = heads && heads->kind != FTL_PY_NONE ? ftl_py_length(heads) : 1;
  if (n < 1 || n > FTL_MAX_HEADS)
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "the model has %zu heads; 1 to %d are covered", n,
                    FTL_MAX_HEADS);
  for (size_t k = 0; k < n; k++) {
    const ftl_py *name = ftl_py_item(heads, k);
    /* Models from before there were heads answer to the name that mace-torch gives them now. */
    if (!heads || heads->kind == FTL_PY_NONE) arch->heads[k] = strdup("Default");
    else if (name->kind == FTL_PY_STRING && name->u.text.size < 256 && !memchr(name->u.text.data, 0, name->u.text.size))
      arch->heads[k] = strndup(name->u.text.data, name->u.text.size);
    else return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the name of head %zu is not credible", k);
    if (!arch->heads[k]) return ftl_no_memory(r->error, r->where, "the heads");
    arch->n_heads = (int)k + 1;
  }
  arch->norm_heads = arch->n_heads;
  return FTL_OK;
}

static ftl_status read_elements(ftl_mace_reader *r) {
  const ftl_tensor *z = ftl_tensors_find(&r->source->tensors, "atomic_numbers");
  ftl_architecture *arch = &r->source->arch;
  if (!z || z->ndim != 1 || z->count > FTL_MAX_ELEMENTS)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the model has no credible atomic_numbers");
  arch->n_elements = arch->norm_elements = (int)z->count;
  for (int k = 0; k < arch->n_elements; k++) {
    double number = ftl_tensor_at(z, k);
    arch->atomic_numbers[k] = number >= 1 && number <= 118 ? (int)number : 0; /* 0: the check refuses it */
  }
  return FTL_OK;
}

static int last_extent(const ftl_tensor *t) {
  return t && t->ndim > 0 && t->shape[t->ndim - 1] < 100000 ? (int)t->shape[t->ndim - 1] : 0;
}

ftl_status ftl_mace_read_radial(ftl_mace_reader *r, const ftl_py *model) {
  static const struct {
    const char *name;
    ftl_radial_kind kind;
    const char *tensor;
  } bases[] = {{"BesselBasis", FTL_RADIAL_BESSEL, "radial_embedding.bessel_fn.bessel_weights"},
               {"GaussianBasis", FTL_RADIAL_GAUSSIAN, "radial_embedding.bessel_fn.gaussian_weights"},
               {"ChebychevBasis", FTL_RADIAL_CHEBYSHEV, "radial_embedding.bessel_fn.n"}};
  const ftl_py *radial = ftl_module_child(model, "radial_embedding");
  const ftl_py *basis = ftl_module_child(radial, "bessel_fn"),
               *transform = ftl_module_child(radial, "distance_transform");
  const ftl_py *apply = ftl_module_attribute(radial, "apply_cutoff");
  const ftl_tensor *r_max = ftl_tensors_find(&r->source->tensors, "r_max");
  ftl_architecture *arch = &r->source->arch;
  char text[256];
  size_t k = 0, n = sizeof bases / sizeof *bases;
  while (k < n && !ftl_module_is(basis, "mace", bases[k].name)) k++;
  if (k == n)
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                    "radial_embedding.bessel_fn is %s, which is not a covered radial basis",
                    ftl_py_describe(basis, text, sizeof text));
  arch->radial = bases[k].kind;
  arch->num_bessel = last_extent(ftl_tensors_find(&r->source->tensors, bases[k].tensor));
  if (!transform) arch->transform = FTL_TRANSFORM_NONE;
  else if (ftl_module_is(transform, "mace", "AgnesiTransform")) arch->transform = FTL_TRANSFORM_AGNESI;
  else if (ftl_module_is(transform, "mace", "SoftTransform")) arch->transform = FTL_TRANSFORM_SOFT;
  else
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                    "radial_embedding.distance_transform is %s, which is not "
                    "covered",
                    ftl_py_describe(transform, text, sizeof text));
  arch->apply_cutoff = !apply || ftl_value_truth(apply);
  if (!r_max || r_max->count != 1) return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the model has no r_max");
  arch->r_max = ftl_tensor_at(r_max, 0);
  if (arch->radial == FTL_RADIAL_GAUSSIAN)
    return ftl_module_number(r, basis, "radial_embedding.bessel_fn", "coeff", &arch->gaussian_coeff);
  return FTL_OK;
}

static ftl_status read_repulsion(ftl_mace_reader *r, const ftl_py *model) {
  const ftl_py *function = ftl_module_child(model, "pair_repulsion_fn");
  /* mace asks hasattr(self, "pair_repulsion"), whatever its value. */
  r->source->arch.pair_repulsion = ftl_module_attribute(model, "pair_repulsion") != NULL;
  if (r->source->arch.pair_repulsion != (function != NULL) ||
      (function && !ftl_module_is(function, "mace", "ZBLBasis")))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "pair_repulsion of the model is not a plain ZBLBasis");
  return FTL_OK;
}

static ftl_status read_spherical_harmonics(ftl_mace_reader *r, const ftl_py *model) {
  const ftl_py *sh = ftl_module_child(model, "spherical_harmonics");
  const ftl_py *normalization = ftl_module_attribute(sh, "normalization");
  if (!ftl_module_is(sh, "e3nn", "SphericalHarmonics") ||
      (normalization && !ftl_py_string_is(normalization, "component")) ||
      !ftl_value_truth(ftl_module_attribute(sh, "normalize")))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                    "spherical_harmonics of the model are not e3nn's, normalised by component");
  return FTL_OK;
}

static ftl_status read_model(ftl_mace_reader *r) {
  const ftl_py *model = ftl_torch_root(r->archive);
  FTL_TRY(check_root(r, model));
  FTL_TRY(check_parts(r, model));
  FTL_TRY(ftl_mace_read_tensors(r, model));
  FTL_TRY(read_elements(r));
  FTL_TRY(read_heads(r, model));
  FTL_TRY(read_spherical_harmonics(r, model));
  FTL_TRY(ftl_mace_read_radial(r, model));
  FTL_TRY(read_repulsion(r, model));
  FTL_TRY(ftl_mace_read_layers(r, model));
  return ftl_mace_read_readouts(r, model);
}

ftl_status ftl_torch_read(const void *data, size_t size, ftl_source *source, ftl_error *error) {
  ftl_mace_reader reader = {.where = source->path, .source = source, .error = error};
  ftl_status status = ftl_torch_open(data, size, source->path, false, &reader.archive, error);
  if (!status) {
    const ftl_py *root = ftl_torch_root(reader.archive);
    status = ftl_sevennet_is(root) ? ftl_sevennet_read(&reader, root) : read_model(&reader);
  }
  ftl_torch_free(reader.archive);
  return status;
}
