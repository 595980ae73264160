/* Gate of the non-linear interaction: scalars through silu, other blocks times the sigmoid of a scalar each. */
#include "base/error.h"
#include "reference/reference_stages.h"

ftl_status ftl_ref_gate_prepare(ftl_ref_gate *gate, const ftl_irreps *out, double scalar_cst, double gate_cst,
                                ftl_error *error) {
  *gate = (ftl_ref_gate){.out = *out, .in = *out, .scalar_cst = scalar_cst, .gate_cst = gate_cst};
  for (int b = 0; b < out->n; b++) {
    const ftl_irrep *block = &out->block[b];
    if (b == 0 ? block->l != 0 || block->p != 1 : block->l == 0)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, NULL, "the gate's irreps are not one 0e block and others with l > 0");
    if (b == 0) gate->n_scalars = block->mul;
    else gate->n_gates += block->mul;
  }
  gate->in.block[0].mul = gate->n_scalars + gate->n_gates;
  return FTL_OK;
}

void ftl_ref_gate_forward(const ftl_ref_gate *gate, const double *x, double *y) {
  for (int k = 0; k < gate->n_scalars; k++) y[k] = gate->scalar_cst * ftl_ref_silu(x[k]);
  const double *gates = x + gate->n_scalars, *in = gates + gate->n_gates;
  double *out = y + gate->n_scalars;
  for (int b = 1; b < gate->out.n; b++) {
    const int dim = 2 * gate->out.block[b].l + 1;
    for (int u = 0; u < gate->out.block[b].mul; u++) {
      const double g = gate->gate_cst * ftl_ref_sigmoid(*gates++);
      for (int m = 0; m < dim; m++) *out++ = g * *in++;
    }
  }
}

void ftl_ref_gate_reverse(const ftl_ref_gate *gate, const double *x, const double *d_y, double *d_x) {
  for (int k = 0; k < gate->n_scalars; k++) d_x[k] += d_y[k] * gate->scalar_cst * ftl_ref_silu_derivative(x[k]);
  int g = gate->n_scalars, in = gate->n_scalars + gate->n_gates, out = gate->n_scalars;
  for (int b = 1; b < gate->out.n; b++) {
    const int dim = 2 * gate->out.block[b].l + 1;
    for (int u = 0; u < gate->out.block[b].mul; u++, g++) {
      const double s = ftl_ref_sigmoid(x[g]);
      for (int m = 0; m < dim; m++, in++, out++) {
        d_x[in] += d_y[out] * gate->gate_cst * s;
        d_x[g] += d_y[out] * gate->gate_cst * s * (1 - s) * x[in];
      }
    }
  }
}
