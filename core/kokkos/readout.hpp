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
  const double *linear, *linear_1, *offset_1, *linear_mid, *bias_mid, *linear_2;
  int n_layers, width[FTL_MAX_READOUT_LAYERS + 1]; /* of a net */
  const double *net[FTL_MAX_READOUT_LAYERS];
  /* of the last map */
  int n_last, first_last, member_stride;
  double last_factor;
  const double *member;

  /* With the weights of a member of the committee, less the model's. */
  ReadoutTables of_member(int m) const {
    ReadoutTables tables = *this;
    const double *const weights = member + static_cast<std::size_t>(m) * static_cast<std::size_t>(member_stride);
    if (kind == FTL_READOUT_NET) tables.net[n_layers - 1] = weights;
    else (linear ? tables.linear : tables.linear_2) = weights;
    return tables;
  }

  /* Of one atom, in scratch. */
  std::size_t bytes() const {
    std::size_t numbers = 4 * static_cast<std::size_t>(n_hidden);
    for (int k = 1; k <= n_layers; k++) numbers += 2 * static_cast<std::size_t>(width[k]);
    return numbers * sizeof(double);
  }
};

/* What interaction energies are multiplied with. */
struct EnergyScale {
  const double *of_species;
  const int *species, *order;
  KOKKOS_INLINE_FUNCTION double at(int position) const { return of_species[species[order[position]]]; }
};

KOKKOS_INLINE_FUNCTION double activate(ftl_activation gate, double x, double *slope) {
  double d2;
  return ftl_activate(gate, x, slope, &d2);
}

/* What an atom's energy is linear in: the inputs of the readouts' last maps, in the units of these maps' weights as the
   file has them. By position; not asked for when `data` is null. */
struct LastInputs {
  double *data;
  int n;
};

/* Adds to the node's energy unless `node_energy` is null, and to dE/dh unless `adjoint.data` is; both times the scale.
 */
template <class Space, class Real> struct Readout {
  ReadoutTables tables;
  EnergyScale scale;
  Rows<Real> h, adjoint;
  int first;
  double *node_energy;
  LastInputs inputs;

  KOKKOS_INLINE_FUNCTION void add_energy(const Member<Space> &team, int position, double energy) const {
    if (!node_energy) return;
    Kokkos::single(Kokkos::PerThread(team),
                   [&]() { node_energy[scale.order[position]] += scale.at(position) * energy; });
  }

  /* input(k), k < n_last, of the last map. */
  template <class Input>
  KOKKOS_INLINE_FUNCTION void keep_inputs(const Member<Space> &team, int position, const Input &input) const {
    if (!inputs.data) return;
    double *const to = inputs.data + static_cast<std::size_t>(position) * inputs.n + tables.first_last;
    const double factor = scale.at(position) * tables.last_factor;
    on_lanes(team, tables.n_last, [&](int k) { to[k] = factor * input(k); });
  }

  /* What the first of two linear maps makes. */
  KOKKOS_INLINE_FUNCTION double first_of_two(const Real *x, int k) const {
    double sum = tables.offset_1[k];
    for (int c = 0; c < tables.n_in; c++) sum += static_cast<double>(x[c]) * tables.linear_1[c * tables.n_hidden + k];
    return sum;
  }

  KOKKOS_INLINE_FUNCTION void linear(const Member<Space> &team, int position) const {
    const Real *const x = h.row(position) + tables.offset;
    double energy = 0;
    sum_lanes(team, tables.n_in, energy,
              [&](int c, double &add) { add += tables.linear[c] * static_cast<double>(x[c]); });
    add_energy(team, position, energy + tables.bias_2);
    if (tables.kind == FTL_READOUT_TWO_LINEAR) keep_inputs(team, position, [&](int k) { return first_of_two(x, k); });
    else keep_inputs(team, position, [&](int k) { return static_cast<double>(x[k]); });
    if (!adjoint.data) return;
    const double factor = scale.at(position);
    Real *const dx = adjoint.row(position) + tables.offset;
    on_lanes(team, tables.n_in, [&](int c) { dx[c] += static_cast<Real>(factor * tables.linear[c]); });
  }

  /* Units and slopes of each layer; on the way back, adjoints take the place of units. */
  KOKKOS_INLINE_FUNCTION void net(const Member<Space> &team, int position, double *work) const {
    const int last = tables.n_layers - 1;
    const Real *const x = h.row(position) + tables.offset;
    double *unit = nullptr, *next = work;
    for (int k = 0; k <= last; k++) {
      const int m = tables.width[k], n = tables.width[k + 1];
      const double *const w = tables.net[k];
      if (k == last) keep_inputs(team, position, [&](int c) { return unit ? unit[c] : static_cast<double>(x[c]); });
      on_lanes(team, n, [&](int o) {
        double sum = 0;
        for (int c = 0; c < m; c++) sum += (unit ? unit[c] : static_cast<double>(x[c])) * w[c * n + o];
        next[o] = k < last ? tables.gate_cst * activate(tables.gate, sum, &next[n + o]) : sum;
      });
      unit = next;
      next += 2 * n;
    }
    add_energy(team, position, unit[0]);
    if (!adjoint.data) return;
    const double factor = scale.at(position);
    Real *const dx = adjoint.row(position) + tables.offset;
    for (int k = last; k >= 0; k--) {
      const int m = tables.width[k], n = tables.width[k + 1];
      const double *const w = tables.net[k], *const d = unit;
      if (k > 0) unit -= 2 * m;
      on_lanes(team, m, [&](int c) {
        double sum = 0;
        for (int o = 0; o < n; o++) sum += w[c * n + o] * (k < last ? d[o] : 1);
        if (k > 0) unit[c] = sum * tables.gate_cst * unit[m + c];
        else dx[c] += static_cast<Real>(factor * sum);
      });
    }
  }

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    const int position = first + item;
    double *const work = reinterpret_cast<double *>(scratch);
    switch (tables.kind) {
    case FTL_READOUT_LINEAR:
    case FTL_READOUT_TWO_LINEAR:
      linear(team, position);
      break;
    case FTL_READOUT_NONLINEAR:
    case FTL_READOUT_NONLINEAR_BIAS:
    case FTL_READOUT_RANDOM: /* prepared as the first of them */
      nonlinear(team, position, work);
      break;
    case FTL_READOUT_NET:
      net(team, position, work);
      break;
    }
  }

private:
  KOKKOS_INLINE_FUNCTION void nonlinear(const Member<Space> &team, int position, double *y) const {
    const int n = tables.n_hidden;
    const Real *const x = h.row(position) + tables.offset;
    double *const slope = y + n, *const z = slope + n, *const slope_mid = z + n;
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
      keep_inputs(team, position, [&](int k) { return y[k]; });
    } else {
      sum_lanes(team, n, energy, [&](int k, double &add) {
        double v = tables.bias_mid[k];
        for (int m = 0; m < n; m++) v += y[m] * tables.linear_mid[m * n + k];
        z[k] = tables.gate_cst * activate(tables.gate, v, &slope_mid[k]);
        add += tables.linear_2[k] * z[k];
        slope_mid[k] *= tables.gate_cst * tables.linear_2[k];
      });
      energy += tables.bias_2;
      keep_inputs(team, position, [&](int k) { return z[k]; });
      on_lanes(team, n, [&](int m) {
        z[m] = 0;
        for (int k = 0; k < n; k++) z[m] += tables.linear_mid[m * n + k] * slope_mid[k];
      });
    }
    add_energy(team, position, energy);
    if (!adjoint.data) return;
    const double factor = scale.at(position);
    Real *const dx = adjoint.row(position) + tables.offset;
    on_lanes(team, tables.n_in, [&](int c) {
      double sum = 0;
      for (int k = 0; k < n; k++) sum += tables.linear_1[c * n + k] * slope[k] * z[k];
      dx[c] += static_cast<Real>(factor * sum);
    });
  }
};

/* dE/dh through a linear readout, channel by channel. */
template <class Real> struct LinearReadoutReverse {
  const double *linear;
  EnergyScale scale;
  Rows<Real> adjoint;
  int first, n_in, offset;
  KOKKOS_INLINE_FUNCTION void operator()(int k) const {
    adjoint.row(first + k / n_in)[offset + k % n_in] +=
        static_cast<Real>(scale.at(first + k / n_in) * linear[k % n_in]);
  }
};

} // namespace frozentl

#endif
