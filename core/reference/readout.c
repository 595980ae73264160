/* Readouts: the energy of an atom from its features, MACE (12) and (13), with heads. */
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "reference/reference_stages.h"

/* Of the NequIP family: one output, whatever the number of heads; the first map may see the head. */
static ftl_status prepare_two_linear(ftl_ref_readout *readout, const ftl_source *source, int index, ftl_arena *memory,
                                     ftl_error *error) {
  const ftl_nequip *nequip = &source->arch.nequip;
  const ftl_readout *spec = &source->arch.readout[index];
  const ftl_irreps energy = {1, {{1, 0, 1}}};
  char name[64];
  readout->n_hidden = ftl_irreps_dim(&spec->mlp);
  snprintf(name, sizeof name, "readouts.%d.linear_1", index);
  FTL_TRY(
      ftl_ref_linear_prepare(&readout->linear_1, source, name, &spec->in, &spec->mlp, nequip->biased, memory, error));
  if (nequip->head_readout)
    FTL_TRY(ftl_ref_linear_add_head(&readout->linear_1, source, name, readout->head, memory, error));
  snprintf(name, sizeof name, "readouts.%d.linear_2", index);
  FTL_TRY(ftl_ref_linear_prepare(&readout->linear_2, source, name, &spec->mlp, &energy, nequip->biased, memory, error));
  FTL_TRY(ftl_ref_doubles(memory, readout->n_hidden, &readout->h1, error));
  return ftl_ref_doubles(memory, readout->n_hidden, &readout->d_h, error);
}

ftl_status ftl_ref_readout_prepare(ftl_ref_readout *readout, const ftl_source *source, int index, int head,
                                   ftl_arena *memory, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  const ftl_readout *spec = &arch->readout[index];
  *readout = (ftl_ref_readout){.kind = spec->kind,
                               .gate = spec->gate,
                               .gate_cst = spec->gate_cst,
                               .layer = spec->layer,
                               .head = head,
                               .n_heads = arch->n_heads,
                               .masks_heads = spec->masks_heads};
  if (spec->kind == FTL_READOUT_RANDOM) { /* one for all heads */
    readout->head = 0;
    readout->n_heads = 1;
  }
  const ftl_irreps energies = {1, {{readout->n_heads, 0, 1}}};
  char name[64];
  FTL_TRY(ftl_ref_doubles(memory, arch->n_heads, &readout->energies, error));
  FTL_TRY(ftl_ref_doubles(memory, arch->n_heads, &readout->one_hot, error));
  if (spec->kind == FTL_READOUT_LINEAR) {
    snprintf(name, sizeof name, "readouts.%d.linear", index);
    return ftl_ref_linear_prepare(&readout->linear, source, name, &spec->in, &energies, false, memory, error);
  }
  if (spec->kind == FTL_READOUT_NET) {
    snprintf(name, sizeof name, "readouts.%d", index);
    return ftl_ref_mlp_prepare(&readout->net, source, name, false, spec->gate, spec->gate_cst,
                               ftl_irreps_dim(&spec->in), 1, memory, error);
  }
  if (spec->kind == FTL_READOUT_TWO_LINEAR) return prepare_two_linear(readout, source, index, memory, error);
  const bool biased = spec->kind == FTL_READOUT_NONLINEAR_BIAS;
  readout->n_hidden = ftl_irreps_dim(&spec->mlp);
  snprintf(name, sizeof name, "readouts.%d.linear_1", index);
  FTL_TRY(ftl_ref_linear_prepare(&readout->linear_1, source, name, &spec->in, &spec->mlp, false, memory, error));
  /* the hidden units of all heads are the fan-in of what follows, also when the file was cut to one head */
  const double extra_fan_in = spec->kind == FTL_READOUT_RANDOM ? 1 : (double)arch->norm_heads / arch->n_heads;
  if (biased) {
    snprintf(name, sizeof name, "readouts.%d.linear_mid", index);
    FTL_TRY(ftl_ref_linear_prepare(&readout->linear_mid, source, name, &spec->mlp, &spec->mlp, true, memory, error));
    readout->linear_mid.extra_fan_in = extra_fan_in;
  }
  snprintf(name, sizeof name, "readouts.%d.linear_2", index);
  FTL_TRY(ftl_ref_linear_prepare(&readout->linear_2, source, name, &spec->mlp, &energies, biased, memory, error));
  readout->linear_2.extra_fan_in = extra_fan_in;
  double **scratch[] = {&readout->h1, &readout->a1, &readout->h2, &readout->a2, &readout->d_h, &readout->d_a};
  for (size_t k = 0; k < sizeof scratch / sizeof scratch[0]; k++)
    FTL_TRY(ftl_ref_doubles(memory, readout->n_hidden, scratch[k], error));
  return FTL_OK;
}

static double gate(const ftl_ref_readout *readout, double x, double *derivative) {
  if (readout->gate == FTL_ACTIVATION_NONE) return *derivative = 1, x;
  const double y = ftl_ref_activation(readout->gate, x, derivative);
  *derivative *= readout->gate_cst;
  return readout->gate_cst * y;
}

/* Hidden units are grouped by head; units of other heads are masked. */
static bool is_masked(const ftl_ref_readout *readout, int k) {
  return readout->masks_heads && k / (readout->n_hidden / readout->n_heads) != readout->head;
}

static void gate_forward(const ftl_ref_readout *readout, const double *h, double *a) {
  double derivative;
  for (int k = 0; k < readout->n_hidden; k++) a[k] = is_masked(readout, k) ? 0 : gate(readout, h[k], &derivative);
}

/* d_h from d_a; overwrites. */
static void gate_reverse(const ftl_ref_readout *readout, const double *h, const double *d_a, double *d_h) {
  for (int k = 0; k < readout->n_hidden; k++) {
    double derivative;
    gate(readout, h[k], &derivative);
    d_h[k] = is_masked(readout, k) ? 0 : derivative * d_a[k];
  }
}

double ftl_ref_readout_forward(ftl_ref_readout *readout, const double *x) {
  if (readout->kind == FTL_READOUT_LINEAR) {
    ftl_ref_linear_forward(&readout->linear, x, readout->energies);
    return readout->energies[readout->head];
  }
  if (readout->kind == FTL_READOUT_NET) {
    ftl_ref_mlp_forward(&readout->net, x, readout->energies);
    return readout->energies[0];
  }
  ftl_ref_linear_forward(&readout->linear_1, x, readout->h1);
  if (readout->kind == FTL_READOUT_TWO_LINEAR) {
    ftl_ref_linear_forward(&readout->linear_2, readout->h1, readout->energies);
    return readout->energies[0];
  }
  gate_forward(readout, readout->h1, readout->a1);
  const double *last = readout->a1;
  if (readout->kind == FTL_READOUT_NONLINEAR_BIAS) {
    ftl_ref_linear_forward(&readout->linear_mid, readout->a1, readout->h2);
    gate_forward(readout, readout->h2, readout->a2);
    last = readout->a2;
  }
  ftl_ref_linear_forward(&readout->linear_2, last, readout->energies);
  return readout->energies[readout->head];
}

void ftl_ref_readout_reverse(ftl_ref_readout *readout, const double *x, double d_energy, double *d_x) {
  for (int h = 0; h < readout->n_heads; h++) readout->one_hot[h] = h == readout->head ? d_energy : 0;
  if (readout->kind == FTL_READOUT_LINEAR) {
    ftl_ref_linear_reverse(&readout->linear, readout->one_hot, d_x);
    return;
  }
  if (readout->kind == FTL_READOUT_NET) {
    ftl_ref_mlp_reverse(&readout->net, x, &d_energy, d_x);
    return;
  }
  if (readout->kind == FTL_READOUT_TWO_LINEAR) {
    for (int k = 0; k < readout->n_hidden; k++) readout->d_h[k] = 0;
    ftl_ref_linear_reverse(&readout->linear_2, &d_energy, readout->d_h);
    ftl_ref_linear_reverse(&readout->linear_1, readout->d_h, d_x);
    return;
  }
  ftl_ref_readout_forward(readout, x); /* for the hidden units */
  double *d_a = readout->d_a, *d_h = readout->d_h;
  for (int k = 0; k < readout->n_hidden; k++) d_a[k] = 0;
  ftl_ref_linear_reverse(&readout->linear_2, readout->one_hot, d_a);
  if (readout->kind == FTL_READOUT_NONLINEAR_BIAS) {
    gate_reverse(readout, readout->h2, d_a, d_h);
    for (int k = 0; k < readout->n_hidden; k++) d_a[k] = 0;
    ftl_ref_linear_reverse(&readout->linear_mid, d_h, d_a);
  }
  gate_reverse(readout, readout->h1, d_a, d_h);
  ftl_ref_linear_reverse(&readout->linear_1, d_h, d_x);
}
