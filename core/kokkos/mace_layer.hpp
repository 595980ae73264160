/* One layer's tables in the space's memory (ftl_prepared_layer). */
#ifndef FROZENTL_KOKKOS_MACE_LAYER_HPP
#define FROZENTL_KOKKOS_MACE_LAYER_HPP

#include "kokkos/contraction.hpp"
#include "kokkos/conv.hpp"
#include "kokkos/first_layer.hpp"
#include "kokkos/gate.hpp"
#include "kokkos/readout.hpp"
#include "kokkos/rows.hpp"

namespace frozentl {

template <class Space, class Real> struct MaceLayer {
  const ftl_prepared_layer *prepared = nullptr;
  ftl_grid grid{};
  FirstLayer<Space, Real> first_layer; /* of the first */
  Conv<Space, Real> conv;              /* of the others */
  Linear<Space, Real> conv_linear, linear_res, skip, linear_up;
  Linear<Space, Real> linear_2, product_linear;
  Contraction<Space, Real> contraction;
  GateTables gate{};
  const double *density = nullptr, *res_first = nullptr, *sc_first = nullptr, *constant = nullptr,
               *up_constant = nullptr;
  std::vector<ReadoutTables> readouts;

  MaceLayer(const ftl_model *model, int t, Store<Space> &store) : prepared(&model->layer[t]) {
    const ftl_prepared_layer &layer = *prepared;
    const std::size_t n_species = static_cast<std::size_t>(model->n_species);
    grid = upload_grid(layer.grid, model->n_classes, store);
    if (layer.first) {
      first_layer = FirstLayer<Space, Real>(model, grid, store);
    } else {
      conv = Conv<Space, Real>(model, layer, store);
      conv_linear = Linear<Space, Real>(model, layer.conv.linear, store);
      linear_up = Linear<Space, Real>(model, layer.linear_up, store);
      if (layer.gated) linear_res = Linear<Space, Real>(model, layer.linear_res, store);
      if (layer.has_sc) skip = Linear<Space, Real>(model, layer.skip, store);
    }
    if (layer.gated) linear_2 = Linear<Space, Real>(model, layer.linear_2, store);
    if (layer.gated_output) {
      gate = make_gate(layer.gate, layer.message, layer.out, store);
    } else {
      if (layer.gated) gate = make_gate(layer.gate, layer.message, layer.target, store);
      product_linear = Linear<Space, Real>(model, layer.product_linear, store);
      contraction = Contraction<Space, Real>(model, layer.contraction, store);
    }
    if (layer.density)
      density = store.upload("density", layer.density,
                             static_cast<std::size_t>(layer.grid.first[model->n_classes]) *
                                 static_cast<std::size_t>(layer.grid.n_coefficients));
    const std::size_t message_rows = n_species * static_cast<std::size_t>(layer.message.dim);
    if (layer.res_first) res_first = store.upload("residual", layer.res_first, message_rows);
    if (layer.sc_first && layer.has_sc)
      sc_first = store.upload("skip", layer.sc_first, n_species * static_cast<std::size_t>(layer.out.dim));
    if (layer.constant) constant = store.upload("constant", layer.constant, message_rows);
    if (layer.up_constant)
      up_constant = store.upload("constant", layer.up_constant, static_cast<std::size_t>(layer.conv.edge.dim));
    for (int r = 0; r < layer.n_readouts; r++)
      readouts.push_back(make_readout(layer.readout[r], model->n_committee, store));
  }

  /* Unless the message is only divided by a constant, which is folded into the weights. */
  bool normalised() const { return prepared->norm != FTL_NORM_AVERAGE; }
  double alpha() const { return prepared->norm == FTL_NORM_DENSITY ? 1 : prepared->alpha; }
  double beta() const { return prepared->norm == FTL_NORM_DENSITY ? 1 : prepared->beta; }

private:
  /* With arrays in the space's memory, which nobody writes to. */
  static ftl_grid upload_grid(const ftl_grid &from, int n_classes, Store<Space> &store) {
    const std::size_t n = static_cast<std::size_t>(n_classes),
                      n_cells = static_cast<std::size_t>(from.first[n_classes]);
    ftl_grid to = from;
    to.cell_of = const_cast<uint16_t *>(store.upload("grid", from.cell_of, n * static_cast<std::size_t>(from.n_units)));
    to.first = const_cast<int *>(store.upload("grid", from.first, n + 1));
    to.cell = const_cast<ftl_cell *>(store.upload("grid", from.cell, n_cells));
    return to;
  }
  ReadoutTables make_readout(const ftl_prepared_readout &from, int n_committee, Store<Space> &store) {
    const std::size_t n_in = static_cast<std::size_t>(from.n_in), n = static_cast<std::size_t>(from.n_hidden);
    const auto copy = [&](const double *p, std::size_t size) { return p ? store.upload("readout", p, size) : nullptr; };
    ReadoutTables tables{};
    tables.kind = from.kind;
    tables.gate = from.gate;
    tables.gate_cst = from.gate_cst;
    tables.bias_2 = from.bias_2;
    tables.n_in = from.n_in;
    tables.n_hidden = from.n_hidden;
    tables.offset = prepared->out.b[from.block].offset;
    tables.linear = copy(from.linear, n_in);
    tables.linear_1 = copy(from.linear_1, n_in * n);
    tables.offset_1 = copy(from.offset_1, n);
    tables.linear_mid = copy(from.linear_mid, n * n);
    tables.bias_mid = copy(from.bias_mid, n);
    tables.linear_2 = copy(from.linear_2, n);
    tables.n_layers = from.n_layers;
    tables.n_last = from.n_last;
    tables.first_last = from.first_last;
    tables.last_factor = from.last_factor;
    tables.member_stride = from.member_stride;
    tables.member = copy(from.member, static_cast<std::size_t>(n_committee * from.member_stride));
    for (int k = 0; k <= from.n_layers; k++) tables.width[k] = from.width[k];
    for (int k = 0; k < from.n_layers; k++)
      tables.net[k] =
          copy(from.net[k], static_cast<std::size_t>(from.width[k]) * static_cast<std::size_t>(from.width[k + 1]));
    return tables;
  }
};

} // namespace frozentl

#endif
