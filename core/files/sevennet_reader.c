#include "files/sevennet_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define MAX_TENSORS 4000

ftl_status ftl_sevennet_bad(const ftl_sevennet *s, ftl_status status, const char *format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return ftl_fail(s->reader->error, status, s->reader->where, "SevenNet checkpoint: %s", text);
}

bool ftl_sevennet_is(const ftl_py *root) {
  const ftl_py *config = ftl_py_get(root, "config");
  return ftl_py_get(root, "model_state_dict") && config && config->kind == FTL_PY_DICT &&
         ftl_py_get(config, "_type_map");
}

/* ---- names ---- */

/* Until about April 2024 the modules had names with spaces. */
static const struct {
  const char *old, *now;
} renamed[] = {{"EdgeEmbedding.", "edge_embedding."},
               {"reducing_nn_input_to_hidden.", "reduce_input_to_hidden."},
               {"reducing_nn_hidden_to_energy.", "reduce_hidden_to_energy."}};

static bool present_name(const ftl_py *name, char *now, size_t size) {
  char text[200];
  size_t n = name->kind == FTL_PY_STRING ? name->u.text.size : 0;
  if (n == 0 || n >= sizeof text) return false;
  for (size_t k = 0; k < n; k++) {
    const char c = name->u.text.data[k];
    if (c < 0x20 || c > 0x7e) return false;
    text[k] = c == ' ' ? '_' : c;
  }
  text[n] = 0;
  if (n > 12 && !strcmp(text + n - 12, ".denumerator")) strcpy(text + n - 12, ".denominator");
  for (size_t k = 0; k < sizeof renamed / sizeof *renamed; k++) {
    const size_t m = strlen(renamed[k].old);
    if (strncmp(text, renamed[k].old, m)) continue;
    return (size_t)snprintf(now, size, "%s%s", renamed[k].now, text + m) < size;
  }
  return (size_t)snprintf(now, size, "%s", text) < size;
}

/* Constants of e3nn's modules that follow from the irreps. */
static bool is_noise(const char *name) {
  return ftl_ends_with(name, ".output_mask") || ftl_ends_with(name, "_convolution.convolution.weight") ||
         strstr(name, "_equivariant_gate.") || strstr(name, "equivariant_gate.gate.mul.");
}

static ftl_status collect(ftl_sevennet *s, const ftl_py *state) {
  char name[200], text[256];
  ftl_status status = FTL_OK;
  if (state->kind != FTL_PY_DICT || state->u.items.n / 2 > MAX_TENSORS)
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "model_state_dict is no dict of up to %d tensors", MAX_TENSORS);
  for (size_t k = 0; !status && k + 1 < state->u.items.n; k += 2) {
    bool is_parameter;
    const ftl_py *value = state->u.items.item[k + 1], *tensor = ftl_torch_find_tensor(value, &is_parameter);
    if (!present_name(state->u.items.item[k], name, sizeof name))
      return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "entry %zu of model_state_dict has a name that is not credible",
                              k / 2);
    if (is_noise(name)) continue;
    if (!tensor)
      return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "%s is %s where a tensor is needed", name,
                              ftl_py_describe(value, text, sizeof text));
    status = ftl_torch_add_tensor(s->reader->archive, tensor, name, true, &s->raw, s->reader->error);
  }
  ftl_tensors_sort(&s->raw);
  s->used = calloc((size_t)s->raw.n + 1, sizeof *s->used);
  if (!status && !s->used) status = ftl_sevennet_bad(s, FTL_ERR_MEMORY, "no memory for %d tensors", s->raw.n);
  return status;
}

static ftl_status check_used(const ftl_sevennet *s) {
  for (int k = 0; k < s->raw.n; k++)
    if (!s->used[k])
      return ftl_sevennet_bad(
          s, FTL_ERR_UNSUPPORTED,
          "tensor %s belongs to no block that is covered: the model has an option this version does "
          "not know",
          s->raw.tensor[k].name);
  return FTL_OK;
}

ftl_status ftl_sevennet_read(ftl_mace_reader *reader, const ftl_py *root) {
  ftl_sevennet s = {.reader = reader, .config = ftl_py_get(root, "config")};
  ftl_status status = collect(&s, ftl_py_get(root, "model_state_dict"));
  if (!status) status = ftl_sevennet_architecture(&s);
  if (!status) status = ftl_sevennet_tensors(&s);
  if (!status) status = check_used(&s);
  ftl_tensors_sort(&reader->source->tensors);
  ftl_tensors_free(&s.raw);
  free(s.used);
  return status;
}
