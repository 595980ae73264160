#include "files/mace_object.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

const ftl_py *ftl_module_state(const ftl_py *module) {
  const ftl_py *state;
  if (!module) return NULL;
  if (module->kind == FTL_PY_OBJECT) state = module->u.call.state;
  else if (module->kind == FTL_PY_CALL && ftl_py_global_is(module->u.call.callable, "torch.fx", "reduce_graph_module"))
    state = ftl_py_item(module->u.call.args, 0);
  else return NULL;
  return state && state->kind == FTL_PY_DICT ? state : NULL;
}

const ftl_py *ftl_module_attribute(const ftl_py *module, const char *name) {
  return ftl_py_get(ftl_module_state(module), name);
}

const ftl_py *ftl_module_child(const ftl_py *module, const char *name) {
  const ftl_py *child = ftl_py_get(ftl_module_attribute(module, "_modules"), name);
  return child && child->kind != FTL_PY_NONE ? child : NULL;
}

const ftl_py *ftl_module_item(const ftl_py *list, int k) {
  char name[16];
  snprintf(name, sizeof name, "%d", k);
  return ftl_module_child(list, name);
}

int ftl_module_count(const ftl_py *list) {
  int n = 0;
  while (n < 1000 && ftl_module_item(list, n)) n++;
  return n;
}

bool ftl_module_is(const ftl_py *module, const char *package, const char *name) {
  return ftl_py_global_is(ftl_py_class(module), package, name);
}

bool ftl_value_truth(const ftl_py *value) {
  if (!value || value->kind == FTL_PY_NONE) return false;
  if (value->kind == FTL_PY_BOOL) return value->u.boolean;
  if (value->kind == FTL_PY_INT) return value->u.integer != 0;
  return true;
}

/* numpy.core.multiarray.scalar(dtype("f8"), bytes). */
static bool numpy_scalar(const ftl_py *value, const char *where, double *number) {
  const ftl_py *args, *code;
  void *bytes;
  size_t size;
  bool good = true;
  if (!value || value->kind != FTL_PY_CALL || !ftl_py_global_is(value->u.call.callable, "numpy", "scalar"))
    return false;
  args = value->u.call.args;
  if (!ftl_py_global_is(ftl_py_class(ftl_py_item(args, 0)), "numpy", "dtype")) return false;
  code = ftl_py_item(ftl_py_item(args, 0)->u.call.args, 0);
  if (ftl_py_to_bytes(ftl_py_item(args, 1), where, "a numpy number", &bytes, &size, NULL)) return false;
  if (ftl_py_string_is(code, "f8") && size == 8) memcpy(number, bytes, 8);
  else if (ftl_py_string_is(code, "f4") && size == 4) {
    float f;
    memcpy(&f, bytes, 4);
    *number = f;
  } else if (ftl_py_string_is(code, "i8") && size == 8) {
    int64_t i;
    memcpy(&i, bytes, 8);
    *number = (double)i;
  } else good = false;
  free(bytes);
  return good;
}

ftl_status ftl_value_number(ftl_mace_reader *reader, const ftl_py *value, const char *path, double *number) {
  const ftl_py *tensor;
  char text[256];
  bool is_parameter;
  if (value && value->kind == FTL_PY_FLOAT) *number = value->u.real;
  else if (value && value->kind == FTL_PY_INT) *number = (double)value->u.integer;
  else if (numpy_scalar(value, reader->where, number)) {
  } else if ((tensor = ftl_torch_find_tensor(value, &is_parameter))) {
    ftl_tensors one = {0};
    ftl_status status = ftl_torch_add_tensor(reader->archive, tensor, path, false, &one, reader->error);
    if (!status && (one.n != 1 || one.tensor[0].count != 1))
      status = ftl_fail(reader->error, FTL_ERR_FORMAT, reader->where, "%s is not one number", path);
    if (!status) *number = ftl_tensor_at(&one.tensor[0], 0);
    ftl_tensors_free(&one);
    FTL_TRY(status);
  } else {
    return ftl_fail(reader->error, FTL_ERR_FORMAT, reader->where, "%s is %s where a number is needed", path,
                    ftl_py_describe(value, text, sizeof text));
  }
  if (!isfinite(*number))
    return ftl_fail(reader->error, FTL_ERR_FORMAT, reader->where, "%s is not a finite number", path);
  return FTL_OK;
}

ftl_status ftl_module_number(ftl_mace_reader *reader, const ftl_py *module, const char *path, const char *name,
                             double *number) {
  char full[256];
  snprintf(full, sizeof full, "%s.%s", path, name);
  return ftl_value_number(reader, ftl_module_attribute(module, name), full, number);
}

/* Irreps((mul, Irrep((l, p))), ...): a tuple of tuples, each level wrapped as an instance. */
static const ftl_py *unwrap(const ftl_py *value, const char *name) {
  if (value && value->kind == FTL_PY_OBJECT && ftl_module_is(value, "e3nn", name))
    return ftl_py_item(value->u.call.args, 0);
  return NULL;
}

static bool read_irreps(const ftl_py *value, ftl_irreps *irreps) {
  const ftl_py *blocks = unwrap(value, "Irreps");
  size_t n = ftl_py_length(blocks);
  if (!blocks || blocks->kind != FTL_PY_TUPLE || n > FTL_MAX_BLOCKS) return false;
  irreps->n = (int)n;
  for (size_t k = 0; k < n; k++) {
    const ftl_py *block = unwrap(ftl_py_item(blocks, k), "_MulIr"), *irrep = unwrap(ftl_py_item(block, 1), "Irrep");
    int64_t mul, l, p;
    if (!ftl_py_to_int(ftl_py_item(block, 0), &mul) || !ftl_py_to_int(ftl_py_item(irrep, 0), &l) ||
        !ftl_py_to_int(ftl_py_item(irrep, 1), &p))
      return false;
    if (mul < 0 || mul > 1000000 || l < 0 || l > 11 || (p != 1 && p != -1)) return false;
    irreps->block[k] = (ftl_irrep){(int)mul, (int)l, (int)p};
  }
  return true;
}

ftl_status ftl_module_irreps(ftl_mace_reader *reader, const ftl_py *module, const char *path, const char *name,
                             ftl_irreps *irreps) {
  const ftl_py *value = ftl_module_attribute(module, name);
  char text[256];
  if (value && value->kind == FTL_PY_STRING && value->u.text.size < sizeof text) {
    memcpy(text, value->u.text.data, value->u.text.size);
    text[value->u.text.size] = 0;
    if (ftl_irreps_parse(text, irreps, NULL) == FTL_OK) return FTL_OK;
  } else if (read_irreps(value, irreps)) {
    return FTL_OK;
  }
  return ftl_fail(reader->error, FTL_ERR_FORMAT, reader->where, "%s.%s is %s where irreps are needed", path, name,
                  ftl_py_describe(value, text, sizeof text));
}
