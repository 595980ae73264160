/* GatedEquivariantBlock: scalars through silu, each gated channel times the sigmoid of its gate (core/mace/node.h).
 */
#ifndef FROZENTL_KOKKOS_GATE_HPP
#define FROZENTL_KOKKOS_GATE_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/loops.hpp"

namespace frozentl {

/* A gated irrep: `gate` is the channel of the message's scalars that is the gate of its first channel. */
struct GatedBlock {
  int mul, pad, d, in_offset, out_offset, gate;
};

struct GateTables {
  const GatedBlock *block;
  int n_blocks, n_scalars, scalars_pad, message_dim;
  double scalar_cst, cst;
};

template <class Space, class Real> struct GateForward {
  GateTables tables;
  Rows<Real> message, out;
  int first;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *) const {
    const Real *const x = message.row(first + item);
    Real *const y = out.row(first + item);
    on_lanes(team, tables.scalars_pad, [&](int c) {
      double d1, d2;
      y[c] = c < tables.n_scalars ? static_cast<Real>(tables.scalar_cst * ftl_silu(static_cast<double>(x[c]), &d1, &d2))
                                  : Real(0);
    });
    for (int b = 0; b < tables.n_blocks; b++) {
      const GatedBlock block = tables.block[b];
      on_lanes(team, block.pad, [&](int c) {
        double d1, d2;
        const Real g =
            c < block.mul
                ? static_cast<Real>(tables.cst * ftl_sigmoid(static_cast<double>(x[block.gate + c]), &d1, &d2))
                : Real(0);
        for (int m = 0; m < block.d; m++)
          y[block.out_offset + m * block.pad + c] = g * x[block.in_offset + m * block.pad + c];
      });
    }
  }
};

/* `adjoint`'s rows are zero. */
template <class Space, class Real> struct GateReverse {
  GateTables tables;
  Rows<Real> message, out_adjoint, adjoint;
  int first;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *) const {
    const Real *const x = message.row(first + item), *const g = out_adjoint.row(first + item);
    Real *const dx = adjoint.row(first + item);
    on_lanes(team, tables.n_scalars, [&](int c) {
      double slope, d2;
      ftl_silu(static_cast<double>(x[c]), &slope, &d2);
      dx[c] = static_cast<Real>(tables.scalar_cst * slope) * g[c];
    });
    for (int b = 0; b < tables.n_blocks; b++) {
      const GatedBlock block = tables.block[b];
      on_lanes(team, block.mul, [&](int c) {
        double slope, d2, sum = 0;
        const double s = ftl_sigmoid(static_cast<double>(x[block.gate + c]), &slope, &d2);
        for (int m = 0; m < block.d; m++) {
          const Real h = g[block.out_offset + m * block.pad + c];
          sum += static_cast<double>(h * x[block.in_offset + m * block.pad + c]);
          dx[block.in_offset + m * block.pad + c] = static_cast<Real>(tables.cst * s) * h;
        }
        dx[block.gate + c] = static_cast<Real>(tables.cst * slope * sum);
      });
    }
  }
};

} // namespace frozentl

#endif
