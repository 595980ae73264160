/* A gate part by part (model/traits.h, ftl_gate): scalars through their activation, each other channel times that of
   its gate (core/mace/node.h). */
#ifndef FROZENTL_KOKKOS_GATE_HPP
#define FROZENTL_KOKKOS_GATE_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/loops.hpp"

namespace frozentl {

/* Where an ftl_gate_part is in rows: `in` is its first channel, `gates` that of the scalars that gate it (of scalars:
   their own). */
struct GatePart {
  int mul, d, in, in_pad, gates, out, out_pad;
  bool scalar;
  ftl_activation act;
  double cst;
};

struct GateTables {
  const GatePart *part;
  int n;
};

template <class Space>
GateTables make_gate(const ftl_gate &gate, const ftl_layout &in, const ftl_layout &out, Store<Space> &store) {
  std::vector<GatePart> parts;
  for (int k = 0; k < gate.n; k++) {
    const ftl_gate_part &p = gate.part[k];
    const ftl_layout_block &from = in.b[p.in], &to = out.b[p.out];
    const int own = from.offset + p.in_channel;
    parts.push_back({p.mul, to.d, own, from.pad, p.gates < 0 ? own : in.b[p.gates].offset + p.gates_channel, to.offset,
                     to.pad, p.gates < 0, p.act, p.cst});
  }
  return {store.upload("gate", parts), gate.n};
}

template <class Space, class Real> struct GateForward {
  GateTables tables;
  Rows<Real> message, out;
  int first;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *) const {
    const Real *const x = message.row(first + item);
    Real *const y = out.row(first + item);
    for (int k = 0; k < tables.n; k++) {
      const GatePart part = tables.part[k];
      on_lanes(team, part.out_pad, [&](int c) {
        double d1, d2;
        Real *const to = y + part.out + c;
        const bool inside = c < part.mul;
        const Real f =
            inside
                ? static_cast<Real>(part.cst * ftl_activate(part.act, static_cast<double>(x[part.gates + c]), &d1, &d2))
                : Real(0);
        for (int m = 0; m < part.d; m++)
          to[m * part.out_pad] = part.scalar || !inside ? f : f * x[part.in + m * part.in_pad + c];
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
    for (int k = 0; k < tables.n; k++) {
      const GatePart part = tables.part[k];
      on_lanes(team, part.mul, [&](int c) {
        double slope, d2, sum = 0;
        const Real *const dy = g + part.out + c;
        const Real f =
            static_cast<Real>(part.cst * ftl_activate(part.act, static_cast<double>(x[part.gates + c]), &slope, &d2));
        for (int m = 0; m < part.d && !part.scalar; m++) {
          const int at = part.in + m * part.in_pad + c;
          sum += static_cast<double>(dy[m * part.out_pad] * x[at]);
          dx[at] = f * dy[m * part.out_pad];
        }
        dx[part.gates + c] = static_cast<Real>(part.cst * slope * (part.scalar ? static_cast<double>(dy[0]) : sum));
      });
    }
  }
};

} // namespace frozentl

#endif
