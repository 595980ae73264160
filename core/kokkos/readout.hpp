/* Readouts, in double (ftl_prepared_readout; core/mace/node.h). */
#ifndef FROZENTL_KOKKOS_READOUT_HPP
#define FROZENTL_KOKKOS_READOUT_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/loops.hpp"

namespace frozentl {

struct ReadoutTables {
  ftl_readout_kind kind;
  ftl_activation gate;
  double gate_cst, bias_2;
  int n_in, n_hidden, offset; /* offset: of the scalars in an atom's row */
  const double *linear, *linear_1, *linear_mid, *bias_mid, *linear_2;
};

KOKKOS_INLINE_FUNCTION double activate(ftl_activation gate, double x, double *slope) {
  double d2;
  return ftl_activate(gate, x, slope, &d2);
}

/* Adds to the node's energy, and to dE/dh unless `adjoint.data` is null; both times `scale`. */
template <class Space, class Real> struct Readout {
  ReadoutTables tables;
  double scale;
  Rows<Real> h, adjoint;
  const int *order;
  int first;
  double *node_energy;

  KOKKOS_INLINE_FUNCTION void linear(const Member<Space> &team, int position) const {
    const Real *const x = h.row(position) + tables.offset;
    double energy = 0;
    sum_lanes(team, tables.n_in, energy,
              [&](int c, double &add) { add += tables.linear[c] * static_cast<double>(x[c]); });
    Kokkos::single(Kokkos::PerThread(team), [&]() { node_energy[order[position]] += scale * energy; });
    if (!adjoint.data) return;
    Real *const dx = adjoint.row(position) + tables.offset;
    on_lanes(team, tables.n_in, [&](int c) { dx[c] += static_cast<Real>(scale * tables.linear[c]); });
  }

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    const int position = first + item, n = tables.n_hidden;
    if (tables.kind == FTL_READOUT_LINEAR) {
      linear(team, position);
      return;
    }
    const Real *const x = h.row(position) + tables.offset;
    double *const y = reinterpret_cast<double *>(scratch), *const slope = y + n, *const z = slope + n,
                  *const slope_mid = z + n;
    on_lanes(team, n, [&](int k) {
      double sum = 0;
      for (int c = 0; c < tables.n_in; c++) sum += static_cast<double>(x[c]) * tables.linear_1[c * n + k];
      y[k] = tables.gate_cst * activate(tables.gate, sum, &slope[k]);
      slope[k] *= tables.gate_cst;
      z[k] = tables.linear_2[k];
    });
    double energy = 0;
    if (tables.kind == FTL_READOUT_NONLINEAR) {
      sum_lanes(team, n, energy, [&](int k, double &add) { add += y[k] * tables.linear_2[k]; });
    } else {
      sum_lanes(team, n, energy, [&](int k, double &add) {
        double v = tables.bias_mid[k];
        for (int m = 0; m < n; m++) v += y[m] * tables.linear_mid[m * n + k];
        add += tables.linear_2[k] * tables.gate_cst * activate(tables.gate, v, &slope_mid[k]);
        slope_mid[k] *= tables.gate_cst * tables.linear_2[k];
      });
      energy += tables.bias_2;
      on_lanes(team, n, [&](int m) {
        z[m] = 0;
        for (int k = 0; k < n; k++) z[m] += tables.linear_mid[m * n + k] * slope_mid[k];
      });
    }
    Kokkos::single(Kokkos::PerThread(team), [&]() { node_energy[order[position]] += scale * energy; });
    if (!adjoint.data) return;
    Real *const dx = adjoint.row(position) + tables.offset;
    on_lanes(team, tables.n_in, [&](int c) {
      double sum = 0;
      for (int k = 0; k < n; k++) sum += tables.linear_1[c * n + k] * slope[k] * z[k];
      dx[c] += static_cast<Real>(scale * sum);
    });
  }
};

/* dE/dh through a linear readout, channel by channel. */
template <class Real> struct LinearReadoutReverse {
  const double *linear;
  double scale;
  Rows<Real> adjoint;
  int first, n_in, offset;
  KOKKOS_INLINE_FUNCTION void operator()(int k) const {
    adjoint.row(first + k / n_in)[offset + k % n_in] += static_cast<Real>(scale * linear[k % n_in]);
  }
};

} // namespace frozentl

#endif
