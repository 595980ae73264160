/* Readouts: mace.modules.blocks. */
#include <stdio.h>
#include <string.h>

#include "files/mace_reader.h"
#include "base/error.h"

/* nn.Activation(acts=[gate]) of a nonlinear readout. */
static ftl_status read_gate(ftl_mace_reader *r, const ftl_py *readout, const char *path, ftl_readout *out) {
  static const struct {
    const char *name;
    ftl_activation kind;
  } gates[] = {{"silu", FTL_ACTIVATION_SILU}, {"tanh", FTL_ACTIVATION_TANH}, {"abs", FTL_ACTIVATION_ABS}};
  const ftl_py *activation = ftl_module_child(readout, "non_linearity"), *acts, *act;
  char full[200], function[256];
  snprintf(full, sizeof full, "%s.non_linearity", path);
  if (!ftl_module_is(activation, "e3nn", "Activation"))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s, not an e3nn Activation", full,
                    ftl_py_describe(activation, function, sizeof function));
  acts = ftl_module_child(activation, "acts");
  act = ftl_module_item(acts, 0);
  if (ftl_module_item(acts, 1))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s has more than one activation", full);
  out->gate = FTL_ACTIVATION_NONE;
  out->gate_cst = 1;
  if (!act) return FTL_OK; /* gate None */
  FTL_TRY(ftl_mace_read_activation(r, act, full, function, sizeof function, &out->gate_cst));
  for (size_t k = 0; k < sizeof gates / sizeof *gates; k++)
    if (!strcmp(function, gates[k].name)) {
      out->gate = gates[k].kind;
      return FTL_OK;
    }
  return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "the gate of %s is %s; silu, tanh, abs and None are covered",
                  path, function);
}

static ftl_status read_readout(ftl_mace_reader *r, const ftl_py *readout, const char *path, ftl_readout *out) {
  ftl_irreps energies;
  char text[256];
  if (ftl_module_is(readout, "mace", "LinearReadoutBlock")) {
    out->kind = FTL_READOUT_LINEAR;
    FTL_TRY(ftl_mace_read_linear(r, readout, path, "linear", &out->in, &energies));
  } else if (ftl_module_is(readout, "mace", "NonLinearReadoutBlock") ||
             ftl_module_is(readout, "mace", "NonLinearBiasReadoutBlock")) {
    const ftl_py *num_heads = ftl_module_attribute(readout, "num_heads");
    int64_t n = 1;
    out->kind =
        ftl_module_is(readout, "mace", "NonLinearReadoutBlock") ? FTL_READOUT_NONLINEAR : FTL_READOUT_NONLINEAR_BIAS;
    FTL_TRY(ftl_mace_read_linear(r, readout, path, "linear_1", &out->in, &out->mlp));
    FTL_TRY(ftl_mace_read_linear(r, readout, path, "linear_2", NULL, &energies));
    FTL_TRY(read_gate(r, readout, path, out));
    if (num_heads && !ftl_py_to_int(num_heads, &n))
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "%s.num_heads is not an integer", path);
    out->masks_heads = n > 1;
    if (out->masks_heads && n != r->source->arch.n_heads)
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "%s.num_heads is %lld, but the model has %d heads", path,
                      (long long)n, r->source->arch.n_heads);
  } else {
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s, which is not a covered readout block", path,
                    ftl_py_describe(readout, text, sizeof text));
  }
  if (energies.n != 1 || energies.block[0].l != 0 || energies.block[0].p != 1 ||
      energies.block[0].mul != r->source->arch.n_heads) {
    if (!ftl_irreps_format(&energies, text, sizeof text)) text[0] = 0;
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s makes %s, not one energy for each of %d heads", path,
                    text, r->source->arch.n_heads);
  }
  return FTL_OK;
}

ftl_status ftl_mace_read_readouts(ftl_mace_reader *reader, const ftl_py *model) {
  const ftl_py *list = ftl_module_child(model, "readouts");
  ftl_architecture *arch = &reader->source->arch;
  int n = ftl_module_count(list);
  if (n != 1 && n != arch->n_layers)
    return ftl_fail(reader->error, FTL_ERR_UNSUPPORTED, reader->where, "the model has %d readouts for %d layers", n,
                    arch->n_layers);
  arch->n_readouts = n;
  for (int k = 0; k < n; k++) {
    char path[64];
    snprintf(path, sizeof path, "readouts.%d", k);
    /* mace.modules.models: a single readout reads the last layer. */
    arch->readout[k].layer = n == 1 ? arch->n_layers - 1 : k;
    FTL_TRY(read_readout(reader, ftl_module_item(list, k), path, &arch->readout[k]));
  }
  return FTL_OK;
}
