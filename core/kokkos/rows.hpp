/* Small stages on rows of receivers: what divides the message, scaling, adding, products. */
#ifndef FROZENTL_KOKKOS_ROWS_HPP
#define FROZENTL_KOKKOS_ROWS_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/edges.hpp"
#include "kokkos/loops.hpp"

namespace frozentl {

/* ftl_prepared_layer.density */
struct DensityTable {
  EdgeList edges;
  ftl_grid grid;
  int n_species;
  const int *pair_class;
  const double *table;

  /* What an edge adds to its receiver's density, and its derivative by r. */
  KOKKOS_INLINE_FUNCTION double at(int i, std::int64_t slot, double *derivative) const {
    const int n = grid.n_coefficients, zi = edges.species[i], zj = edges.species[edges.node[slot]];
    int cell;
    double t, slope, v = 0, d = 0;
    const int class_ = pair_class[zi * n_species + zj];
    ftl_grid_locate(&grid, class_, edges.vector[slot].r, &cell, &t, &slope);
    const double *c = table + static_cast<std::size_t>(grid.first[class_] + cell) * static_cast<std::size_t>(n);
    for (int k = n - 1; k >= 0; k--) {
      d = d * t + v;
      v = v * t + c[k];
    }
    *derivative = d * slope;
    return v;
  }
};

/* factor[position] = 1 / (density + 1), or 1 / (beta density + alpha) */
struct MessageFactors {
  DensityTable density;
  double alpha, beta;
  const int *order;
  int first;
  double *factor;
  KOKKOS_INLINE_FUNCTION void operator()(int item) const {
    const int i = order[first + item];
    double sum = 0, slope;
    for (std::int64_t s = density.edges.first[i]; s < density.edges.first[i] + density.edges.count[i]; s++)
      sum += density.at(i, s, &slope);
    factor[item] = 1 / (beta * sum + alpha);
  }
};

/* message = linear(sum) f, f = 1 / (beta density + alpha): dE/d density = -<dE/dmessage, linear(sum) f> f beta. */
struct DensityReverse {
  DensityTable density;
  double beta;
  const int *order;
  int first;
  const double *factor, *dot, *residual; /* residual: the part of `dot` that is not the message's; may be null */
  KOKKOS_INLINE_FUNCTION void operator()(int item) const {
    const int i = order[first + item];
    const double adjoint = -(dot[item] - (residual ? residual[item] : 0)) * factor[item] * beta;
    for (std::int64_t s = density.edges.first[i]; s < density.edges.first[i] + density.edges.count[i]; s++) {
      double slope;
      density.at(i, s, &slope);
      for (int x = 0; x < 3; x++) density.edges.gradient[s][x] -= adjoint * slope * density.edges.vector[s].n[x];
    }
  }
};

/* ZBL energies and gradients of a receiver's edges. */
struct Repulsion {
  EdgeList edges;
  int n_species, p;
  double c[4];
  const double *zbl, *scale; /* scale: of each element */
  const int *order;
  double *node_energy;
  KOKKOS_INLINE_FUNCTION void operator()(int position) const {
    const int i = order[position];
    const double factor = scale[edges.species[i]];
    double sum = 0;
    for (std::int64_t s = edges.first[i]; s < edges.first[i] + edges.count[i]; s++) {
      const double *z = zbl + 4 * (edges.species[i] * n_species + edges.species[edges.node[s]]);
      double dr;
      if (edges.vector[s].r >= z[2]) continue;
      sum += factor * ftl_zbl(z, c, p, edges.vector[s].r, &dr);
      for (int x = 0; x < 3; x++) edges.gradient[s][x] -= factor * dr * edges.vector[s].n[x];
    }
    node_energy[i] += sum;
  }
};

/* Number k of the rows of a batch, `dim` to a row. */
template <class Real> struct ScaleRows {
  Rows<Real> rows;
  int first, dim;
  const double *factor;
  KOKKOS_INLINE_FUNCTION void operator()(int k) const {
    rows.row(first + k / dim)[k % dim] *= static_cast<Real>(factor[k / dim]);
  }
};

template <class Real> struct AddRows {
  Rows<Real> from, to;
  int first, dim;
  KOKKOS_INLINE_FUNCTION void operator()(int k) const {
    to.row(first + k / dim)[k % dim] += from.row(first + k / dim)[k % dim];
  }
};

template <class Real> struct CopyRows {
  Rows<Real> from, to;
  int first, dim;
  KOKKOS_INLINE_FUNCTION void operator()(int k) const {
    to.row(first + k / dim)[k % dim] = from.row(first + k / dim)[k % dim];
  }
};

/* Adds a row that depends on the element only; with `same`, one row for all. */
template <class Real> struct AddElementRows {
  const double *table;
  const int *species, *order;
  Rows<Real> to;
  int first, dim;
  bool same;
  KOKKOS_INLINE_FUNCTION void operator()(int k) const {
    const int position = first + k / dim;
    const int element = same ? 0 : species[order[position]];
    to.row(position)[k % dim] += static_cast<Real>(table[static_cast<std::size_t>(element) * dim + k % dim]);
  }
};

/* dot[position] = <x, y>; with `table` instead of y, with the element's row. */
template <class Space, class Real> struct DotRows {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  Rows<Real> x, y;
  const double *table;
  const int *species, *order;
  int first, dim;
  double *dot;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *) const {
    const int position = first + item;
    const Real *const a = x.row(position);
    double sum = 0;
    if (table) {
      const double *const b = table + static_cast<std::size_t>(species[order[position]]) * dim;
      sum_lanes(team, dim, sum, [&](int k, double &add) { add += static_cast<double>(a[k]) * b[k]; });
    } else {
      const Real *const b = y.row(position);
      sum_lanes(team, dim, sum,
                [&](int k, double &add) { add += static_cast<double>(a[k]) * static_cast<double>(b[k]); });
    }
    Kokkos::single(Kokkos::PerThread(team), [&]() { dot[item] = sum; });
  }
};

} // namespace frozentl

#endif
