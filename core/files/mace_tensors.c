/* Walks the modules of a model and collects their tensors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/mace_reader.h"
#include "base/error.h"

#define MAX_DEPTH   16
#define MAX_MODULES 20000 /* a three-layer MACE has about 300 */

/* Every class that may occur. Whatever else a model contains is refused by name: a class that is not known here
   (attention, field or embedding blocks, LoRA and cuequivariance wrappers, ...) would change the answers. */
static const struct {
  const char *package, *name;
} covered[] = {
    {"mace", "MACE"},
    {"mace", "ScaleShiftMACE"},
    {"mace", "LinearNodeEmbeddingBlock"},
    {"mace", "RadialEmbeddingBlock"},
    {"mace", "BesselBasis"},
    {"mace", "GaussianBasis"},
    {"mace", "ChebychevBasis"},
    {"mace", "PolynomialCutoff"},
    {"mace", "AgnesiTransform"},
    {"mace", "SoftTransform"},
    {"mace", "ZBLBasis"},
    {"mace", "AtomicEnergiesBlock"},
    {"mace", "RealAgnosticInteractionBlock"},
    {"mace", "RealAgnosticResidualInteractionBlock"},
    {"mace", "RealAgnosticDensityInteractionBlock"},
    {"mace", "RealAgnosticDensityResidualInteractionBlock"},
    {"mace", "RealAgnosticResidualNonLinearInteractionBlock"},
    {"mace", "RadialMLP"},
    {"mace", "GatedEquivariantBlock"},
    {"mace", "reshape_irreps"},
    {"mace", "EquivariantProductBasisBlock"},
    {"mace", "SymmetricContraction"},
    {"mace", "Contraction"},
    {"mace", "LinearReadoutBlock"},
    {"mace", "NonLinearReadoutBlock"},
    {"mace", "NonLinearBiasReadoutBlock"},
    {"mace", "ScaleShiftBlock"},
    {"e3nn", "Linear"},
    {"e3nn", "TensorProduct"},
    {"e3nn", "FullyConnectedTensorProduct"},
    {"e3nn", "ElementwiseTensorProduct"},
    {"e3nn", "SphericalHarmonics"},
    {"e3nn", "FullyConnectedNet"},
    {"e3nn", "_Layer"},
    {"e3nn", "normalize2mom"},
    {"e3nn", "Activation"},
    {"e3nn", "Gate"},
    {"e3nn", "_Sortcut"},
    {"e3nn", "Extract"},
    {"torch", "ModuleList"},
    {"torch", "ParameterList"},
    {"torch", "Sequential"},
    {"torch", "Linear"},
    {"torch", "LayerNorm"},
    {"torch", "SiLU"},
    {"torch", "Tanh"},
    {"torch", "Sigmoid"},
    {"torch", "reduce_graph_module"},
};

static ftl_status check_class(ftl_mace_reader *r, const ftl_py *module, const char *path) {
  char text[256];
  for (size_t k = 0; k < sizeof covered / sizeof *covered; k++)
    if (ftl_module_is(module, covered[k].package, covered[k].name)) return FTL_OK;
  return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "module %s is a %s, which is not covered", path,
                  ftl_py_describe(module, text, sizeof text));
}

/* Buffers that hold no information: masks of e3nn's outputs, mace's notes about zero weights, and a cutoff that
   ZBLBasis had until mace-torch 0.3.8 without using it (its range is the sum of the covalent radii). */
static bool is_noise(const char *path, const char *name) {
  size_t n = strlen(name);
  if (!strcmp(path, "pair_repulsion_fn.cutoff") || (!strcmp(path, "pair_repulsion_fn") && !strcmp(name, "r_max")))
    return true;
  return !strcmp(name, "output_mask") || (n > 15 && !strncmp(name, "weights_", 8) && !strcmp(name + n - 7, "_zeroed"));
}

static bool in_set(const ftl_py *set, const ftl_py *name) {
  for (size_t k = 0; k < ftl_py_length(set); k++) {
    const ftl_py *item = ftl_py_item(set, k);
    if (item->kind == FTL_PY_STRING && item->u.text.size == name->u.text.size &&
        !memcmp(item->u.text.data, name->u.text.data, name->u.text.size))
      return true;
  }
  return false;
}

/* path + "." + name, or just name at the top. False if it does not fit or the name is odd. */
static bool join(char *full, size_t size, const char *path, const ftl_py *name) {
  int n;
  if (name->kind != FTL_PY_STRING || !name->u.text.size || name->u.text.size > 100) return false;
  for (size_t k = 0; k < name->u.text.size; k++) {
    unsigned char c = (unsigned char)name->u.text.data[k];
    if (c <= 0x20 || c > 0x7e || c == '.') return false;
  }
  n = snprintf(full, size, "%s%s%.*s", path, *path ? "." : "", (int)name->u.text.size, name->u.text.data);
  return n > 0 && (size_t)n < size;
}

static ftl_status bad_name(ftl_mace_reader *r, const char *path) {
  return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "%s has a member whose name is not credible",
                  *path ? path : "the model");
}

static ftl_status collect_dict(ftl_mace_reader *r, ftl_torch_archive *archive, const ftl_py *state, const char *member,
                               const char *path) {
  const ftl_py *dict = ftl_py_get(state, member), *transient = ftl_py_get(state, "_non_persistent_buffers_set");
  char full[200];
  if (!dict || dict->kind != FTL_PY_DICT) return FTL_OK;
  for (size_t k = 0; k + 1 < dict->u.items.n; k += 2) {
    const ftl_py *name = dict->u.items.item[k], *value = dict->u.items.item[k + 1], *tensor;
    bool is_parameter;
    char text[256];
    if (value->kind == FTL_PY_NONE) continue;
    if (!join(full, sizeof full, path, name)) return bad_name(r, path);
    if (is_noise(path, full + (*path ? strlen(path) + 1 : 0)) || in_set(transient, name)) continue;
    tensor = ftl_torch_find_tensor(value, &is_parameter);
    if (!tensor)
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "%s is %s where a tensor is needed", full,
                      ftl_py_describe(value, text, sizeof text));
    FTL_TRY(ftl_torch_add_tensor(archive, tensor, full, is_parameter, &r->source->tensors, r->error));
  }
  return FTL_OK;
}

/* Tensors of a TorchScript object: plain members of its state. */
static ftl_status collect_script(ftl_mace_reader *r, ftl_torch_archive *archive, const char *path) {
  const ftl_py *state = ftl_module_state(ftl_torch_root(archive));
  for (size_t k = 0; state && k + 1 < state->u.items.n; k += 2) {
    bool is_parameter;
    const ftl_py *tensor = ftl_torch_find_tensor(state->u.items.item[k + 1], &is_parameter);
    char name[200];
    if (!tensor) continue;
    if (!join(name, sizeof name, path, state->u.items.item[k])) return bad_name(r, path);
    FTL_TRY(ftl_torch_add_tensor(archive, tensor, name, false, &r->source->tensors, r->error));
  }
  return FTL_OK;
}

/* The Wigner 3j tensors of a convolution. e3nn keeps them as buffers of its generated code, which it pickles as a whole
   TorchScript archive inside a string. Only the tensors of that archive are read. */
static ftl_status collect_generated(ftl_mace_reader *r, const ftl_py *state, const char *path) {
  static const char part[] = "_compiled_main_left_right";
  const ftl_py *bytes = ftl_py_get(ftl_py_get(state, "__codegen__"), part);
  ftl_torch_archive *archive;
  char full[200], where[256];
  void *data;
  size_t size;
  if (!bytes) return FTL_OK; /* then the graph module is an ordinary submodule */
  if ((size_t)snprintf(full, sizeof full, "%s.%s", path, part) >= sizeof full) return bad_name(r, path);
  FTL_TRY(ftl_py_to_bytes(bytes, r->where, full, &data, &size, r->error));
  snprintf(where, sizeof where, "%.100s, %.150s", r->where, full);
  ftl_status status = ftl_torch_open(data, size, where, true, &archive, r->error);
  if (!status) status = collect_script(r, archive, full);
  ftl_torch_free(archive);
  free(data);
  return status;
}

static ftl_status collect(ftl_mace_reader *r, const ftl_py *module, const char *path, int depth) {
  const ftl_py *state = ftl_module_state(module), *children = ftl_py_get(state, "_modules");
  const char *dot = strrchr(path, '.');
  char full[200];
  if (depth > MAX_DEPTH || ++r->n_modules > MAX_MODULES)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "modules nest too deeply or are too many, at %s", path);
  FTL_TRY(check_class(r, module, *path ? path : "the model"));
  if (!state) return FTL_OK; /* a graph module without a state, an activation */
  FTL_TRY(collect_dict(r, r->archive, state, "_parameters", path));
  FTL_TRY(collect_dict(r, r->archive, state, "_buffers", path));
  if (!strcmp(dot ? dot + 1 : path, "conv_tp")) FTL_TRY(collect_generated(r, state, path));
  if (!children || children->kind != FTL_PY_DICT) return FTL_OK;
  for (size_t k = 0; k + 1 < children->u.items.n; k += 2) {
    const ftl_py *child = children->u.items.item[k + 1];
    if (child->kind == FTL_PY_NONE) continue;
    if (!join(full, sizeof full, path, children->u.items.item[k])) return bad_name(r, path);
    FTL_TRY(collect(r, child, full, depth + 1));
  }
  return FTL_OK;
}

ftl_status ftl_mace_read_tensors(ftl_mace_reader *reader, const ftl_py *model) {
  ftl_status status = collect(reader, model, "", 0);
  ftl_tensors_sort(&reader->source->tensors);
  return status;
}
