/* MACE and the NequIP family in a Kokkos execution space: layers down and back over batches of receivers; the body
   reads as core/mace/blocks.h. Rows of a batch are by position; features and adjoints of layers by node; a layer's
   message adjoint and skip connection by position, of all receivers. */
#ifndef FROZENTL_KOKKOS_MACE_HPP
#define FROZENTL_KOKKOS_MACE_HPP

#include "kokkos/exchange.hpp"
#include "kokkos/mace_layer.hpp"
#include "kokkos/uncertainty.hpp"

#include <algorithm>

namespace frozentl {

template <class Space, class Real> class MaceEvaluator final : public Evaluator<Space> {
public:
  explicit MaceEvaluator(const ftl_model *opened) : model(opened), committee(opened) {
    const std::size_t n = static_cast<std::size_t>(model->n_species);
    for (int t = 0; t < model->arch.n_layers; t++) layers.emplace_back(model, t, store);
    pair_class = store.upload("pair classes", model->pair_class, n * n);
    e0 = store.upload("e0", model->e0, n);
    scale = store.upload("scale", model->scale, n);
    if (model->zbl) zbl = store.upload("zbl", model->zbl, 4 * n * n);
  }

  ftl_status set_graph(const Graph<Space> &graph, ftl_error *error) override {
    const ftl_status status = edges.set_graph(graph, model->n_species, error);
    if (status) return status;
    if (!blocks.make(graph.n_local, graph.species.data(), model->n_species, order_buffer, block_buffer,
                     position_buffer))
      return fail(error, FTL_ERR_INPUT, "", "a species index is not one of those that the model is open for");
    reserve();
    return FTL_OK;
  }

  ftl_status begin(const Array<const double *[3], Space> &positions, const Output<Space> &wanted,
                   ftl_error *error) override {
    output = wanted;
    sweep = 0;
    ftl_status status = check_uncertainty(model, output, error);
    if (!status) status = edges.begin(positions, model->arch.r_max, error);
    if (status) return status;
    fill(node_energy, static_cast<std::size_t>(edges.n_local()), 0.0);
    reserve_uncertainty();
    return FTL_OK;
  }

  int n_sweeps() const override { return output.force_deviation.data() ? 1 + committee.members() : 1; }

  void layer_forward(int t) override {
    for (const Batch &batch : batches) forward(t, batch);
  }

  void last_layer(int now) override {
    const int t = model->arch.n_layers - 1;
    if (now > 0) finish_sweep();
    sweep = now;
    if (model->zbl && sweep == 0) {
      Repulsion stage{edges.list(), model->n_species, model->zbl_p, {}, zbl, scale, blocks.order, node_energy};
      std::copy(model->zbl_c, model->zbl_c + 4, stage.c);
      for_each<Space>("repulsion", blocks.n_active, stage);
    }
    clear_adjoints(t - 1);
    for (const Batch &batch : batches) {
      if (sweep == 0) forward(t, batch);
      else member_forward(t, batch);
      reverse(t, batch);
    }
    reverse_conv(t);
  }

  void layer_reverse(int t) override {
    clear_adjoints(t - 1);
    const ftl_prepared_layer &l = model->layer[t];
    for (const Batch &batch : batches) {
      if (!l.gated_output) interaction(t, batch, rows.A.in(batch));
      else if (l.first) gated_message(t, batch); /* others keep theirs */
      output_adjoint(t, batch);
      reverse(t, batch);
    }
    reverse_conv(t);
  }

  void end(Totals &totals) override {
    finish_sweep();
    totals.energy = sum_energies<Space>(edges, e0, model->shift, node_energy, output);
    std::copy(virial, virial + 9, totals.virial);
    if (output.extrapolation.data()) norms<true>("extrapolation", inverses, 1, output.extrapolation.data());
    if (output.energy_deviation.data())
      norms<false>("deviations of energies", covariance, model->energy_scale, output.energy_deviation.data());
  }
  void force_deviations() override { committee.deviations(edges.n_local(), output.force_deviation.data()); }

  int row_doubles(int t) const override {
    if (is_last(t)) return committee.row_doubles();
    return edge_dim(t + 1) * static_cast<int>(sizeof(Real)) / 8;
  }
  void pack_features(int t, int n, const int *nodes, double *buffer) override {
    pack_rows<Space>(row_doubles(t), n, nodes, 0, features[t], buffer);
  }
  void unpack_features(int t, int n, int first, const double *buffer) override {
    unpack_rows<Space>(row_doubles(t), n, first, buffer, features[t]);
  }
  void pack_adjoints(int t, int n, int first, double *buffer) override {
    if (is_last(t)) pack_rows<Space>(row_doubles(t), n, nullptr, first, committee.rows(), buffer);
    else pack_rows<Space>(row_doubles(t), n, nullptr, first, adjoints[t], buffer);
  }
  void add_adjoints(int t, int n, const int *nodes, const double *buffer) override {
    if (is_last(t)) add_rows<Space>(row_doubles(t), n, nodes, buffer, committee.rows());
    else add_rows<Space>(edge_dim(t + 1), n, nodes, buffer, adjoints[t]);
  }
  std::size_t bytes() const override {
    std::size_t sum = store.bytes() + edges.bytes() + order_buffer.bytes() + block_buffer.bytes() +
                      position_buffer.bytes() + scratch.bytes() + energy_buffer.bytes() +
                      message_adjoint_buffer.bytes() + mid_adjoint_buffer.bytes() + input_buffer.bytes() +
                      committee.bytes();
    for (int t = 0; t < FTL_MAX_LAYERS; t++)
      sum +=
          feature_buffer[t].bytes() + adjoint_buffer[t].bytes() + sc_buffer[t].bytes() + sc_adjoint_buffer[t].bytes();
    return sum;
  }

private:
  /* Rows of a batch, cut from one buffer. */
  struct BatchRows {
    Real *data = nullptr;
    std::size_t dim = 0;
    Rows<Real> in(const Batch &batch) const { return {data, dim, batch.first, nullptr}; }
  };
  struct {
    BatchRows sums, mid, gate_input, gated, A, product, h, dh, own;
  } rows;

  bool is_last(int t) const { return t + 1 == model->arch.n_layers; }
  const MaceLayer<Space, Real> &layer(int t) const { return layers[static_cast<std::size_t>(t)]; }
  int edge_dim(int t) const { return model->layer[t].conv.edge.dim; }
  Rows<Real> by_node(Real *data, int dim) const { return {data, static_cast<std::size_t>(dim), 0, blocks.order}; }
  Rows<Real> by_position(Real *data, int dim) const { return {data, static_cast<std::size_t>(dim), 0, nullptr}; }
  Rows<Real> features_of(int t) const { return by_node(features[t], edge_dim(t + 1)); }
  Rows<Real> adjoints_of(int t) const { return by_node(adjoints[t], edge_dim(t + 1)); }
  Rows<Real> sc_of(int t) const { return by_position(sc[t], model->layer[t].skip.out.dim); }
  /* Takes the place of the skip connection, unless other sweeps still need that. */
  Rows<Real> sc_adjoint_of(int t) const {
    return n_sweeps() > 1 ? by_position(sc_adjoint[t], model->layer[t].skip.out.dim) : sc_of(t);
  }
  Rows<Real> message_adjoint_of(int t) const { return by_position(message_adjoint, model->layer[t].message.dim); }

  template <class T> static void fill(T *p, std::size_t n, T value) {
    Kokkos::deep_copy(Kokkos::View<T *, typename Space::memory_space>(p, n), value);
  }
  void clear_adjoints(int t) {
    if (t >= 0)
      fill(adjoints[t], static_cast<std::size_t>(edges.n_total()) * static_cast<std::size_t>(edge_dim(t + 1)), Real(0));
  }
  template <class Stage> void on_rows(const char *name, const Batch &batch, int dim, const Stage &stage) const {
    for_each<Space>(name, batch.n * dim, stage);
  }

  /* ---- memory of a graph ---- */

  void reserve() {
    const std::size_t total = static_cast<std::size_t>(edges.n_total()),
                      local = static_cast<std::size_t>(edges.n_local());
    const std::size_t active = static_cast<std::size_t>(blocks.n_active);
    int message = 0, A = 0, product = 0, mid = 0, mid_path = 0, own = 0, out = 0, gated = 0;
    for (int t = 0; t < model->arch.n_layers; t++) {
      const ftl_prepared_layer &l = model->layer[t];
      message = std::max(message, l.message.dim);
      out = std::max(out, l.out.dim);
      if (l.gated) gated = std::max({gated, l.message.dim, l.target.dim});
      if (l.gated_output && l.first) gated = std::max(gated, l.message.dim);
      if (!l.gated_output) {
        A = std::max(A, l.target.dim);
        product = std::max(product, l.out.dim);
      }
      if (t == 0) continue;
      own = std::max(own, l.conv.edge.dim);
      for (int p = 0; p < l.conv.n_paths; p++) mid_path = std::max(mid_path, l.conv.mid.b[p].d * l.conv.mid.b[p].pad);
      const std::size_t row = static_cast<std::size_t>(l.conv.edge.dim);
      features[t - 1] = feature_buffer[t - 1].template reserve<Real>("features", total * row);
      adjoints[t - 1] = adjoint_buffer[t - 1].template reserve<Real>("adjoints", total * row);
      if (l.has_sc)
        sc[t] = sc_buffer[t].template reserve<Real>("skip", active * static_cast<std::size_t>(l.skip.out.dim));
    }
    mid = mid_path;
    node_energy = energy_buffer.template reserve<double>("node_energy", local);
    message_adjoint =
        message_adjoint_buffer.template reserve<Real>("message_adjoint", active * static_cast<std::size_t>(message));
    mid_adjoint = mid_adjoint_buffer.template reserve<Real>("mid_adjoint", active * static_cast<std::size_t>(mid_path));
    make_batches();

    struct {
      BatchRows *rows;
      std::size_t dim;
    } parts[] = {{&rows.sums, layer(0).first_layer.sums_dim()},
                 {&rows.mid, static_cast<std::size_t>(mid)},
                 {&rows.gate_input, static_cast<std::size_t>(gated)},
                 {&rows.gated, static_cast<std::size_t>(gated)},
                 {&rows.A, static_cast<std::size_t>(A)},
                 {&rows.product, static_cast<std::size_t>(product)},
                 {&rows.h, static_cast<std::size_t>(out)},
                 {&rows.dh, static_cast<std::size_t>(out)},
                 {&rows.own, static_cast<std::size_t>(own)}};
    std::size_t largest = 0, size = 0;
    for (const Batch &batch : batches) largest = std::max(largest, static_cast<std::size_t>(batch.n));
    for (const auto &part : parts) size += largest * part.dim;
    Real *at = scratch.template reserve<Real>("batch", size + 4 * largest * (sizeof(double) / sizeof(Real)));
    for (const auto &part : parts) {
      *part.rows = {at, part.dim};
      at += largest * part.dim;
    }
    factor = reinterpret_cast<double *>(at);
    dot = factor + largest;
    residual = dot + largest;
  }

  /* What only grades and deviations need, when they are asked for first. */
  void reserve_uncertainty() {
    const std::size_t active = static_cast<std::size_t>(blocks.n_active);
    inputs = {};
    if (output.extrapolation.data() || output.energy_deviation.data()) {
      const std::size_t n = static_cast<std::size_t>(model->n_last);
      inputs = {input_buffer.template reserve<double>("inputs", active * n), model->n_last};
    }
    if (output.extrapolation.data() && !inverses.made()) {
      for (int z = 0; z < model->n_species; z++)
        inverses.add(ftl_trust_active(model->trust, model->arch.atomic_numbers[z]), model->n_last, model->n_last,
                     store);
      inverses.done(model->n_species, store);
    }
    if (output.energy_deviation.data() && !covariance.made()) {
      covariance.add(model->trust->factor, model->n_last, model->n_last, store);
      covariance.done(model->n_species, store);
    }
    if (n_sweeps() == 1) return;
    committee.begin(edges.n_total());
    for (int t = 1; t < model->arch.n_layers; t++)
      if (model->layer[t].has_sc)
        sc_adjoint[t] = sc_adjoint_buffer[t].template reserve<Real>(
            "skip adjoint", active * static_cast<std::size_t>(model->layer[t].skip.out.dim));
  }

  /* As many receivers together as keep a device busy; on a host, few enough for the cache. */
  void make_batches() {
    const int most = (on_host<Space> ? 256 : 32768) / FTL_BLOCK_ATOMS, n = static_cast<int>(blocks.host.size());
    batches.clear();
    for (int b = 0; b < n; b += most) {
      const int end = std::min(n, b + most);
      const Block &first = blocks.host[static_cast<std::size_t>(b)],
                  &last = blocks.host[static_cast<std::size_t>(end - 1)];
      batches.push_back({b, end, first.first, last.first + last.n - first.first});
    }
    all = {0, n, 0, blocks.n_active};
  }

  /* ---- stages ---- */

  ConvGeometry conv_geometry(int t) const {
    return {edges.list(), layer(t).grid, model->lmax, model->arch.nequip.raw_harmonics, model->n_species, pair_class};
  }
  EnergyScale energy_scale() const { return {scale, edges.list().species, blocks.order}; }
  DensityTable density_of(int t) const {
    return {edges.list(), layer(t).grid, model->n_species, pair_class, layer(t).density};
  }

  /* Adds a row for each element to rows of a batch; `same`: the one row for all. */
  void add_constant(const char *name, const double *table, const Rows<Real> &to, int dim, const Batch &batch,
                    bool same = false) {
    on_rows(name, batch, dim,
            AddElementRows<Real>{table, edges.list().species, blocks.order, to, batch.first, dim, same});
  }

  /* Sums over neighbours and their linear. */
  void message(int t, const Batch &batch, const Rows<Real> &to) {
    const ftl_prepared_layer &l = model->layer[t];
    if (l.first) {
      layer(t).first_layer.forward(edges.list(), edges.most_edges(), blocks.order, blocks.block, batch, rows.sums.data,
                                   to, l.message.dim);
      return;
    }
    zero<Space>(to, batch, 0, l.message.dim);
    add_convolution(t, batch, to);
  }

  void add_convolution(int t, const Batch &batch, const Rows<Real> &to) {
    const ftl_prepared_layer &l = model->layer[t];
    for (int p = 0; p < l.conv.n_paths; p++) {
      const ConvPath<Real> &path = layer(t).conv.paths[static_cast<std::size_t>(p)];
      const Rows<Real> mid{rows.mid.data, static_cast<std::size_t>(path.d3 * path.out_pad), batch.first, nullptr};
      by_shape(path.d1, path.d3, [&](auto d1, auto d3) {
        constexpr int D1 = decltype(d1)::value, D3 = decltype(d3)::value;
        for_items<Space>("convolution", batch.n, staged_bytes<Real>(edges.most_edges(), D1 * D3),
                         ConvForward<Space, Real, D1, D3>{conv_geometry(t), path, blocks.order, batch.first,
                                                          features[t - 1], static_cast<std::size_t>(edge_dim(t)), mid});
      });
      for (int k = 0; k < l.conv.linear.n; k++) {
        if (l.conv.linear.path[k].in != p) continue;
        Map<Real> map = layer(t).conv_linear.down()[static_cast<std::size_t>(k)];
        map.in_offset = 0;
        multiply<Space>("message", map, map.out_pad, mid, to, blocks.block, batch, true);
      }
    }
  }

  void interaction(int t, const Batch &batch, const Rows<Real> &A) {
    const ftl_prepared_layer &l = model->layer[t];
    const Rows<Real> to = l.gated ? rows.gate_input.in(batch) : A;
    message(t, batch, to);
    if (layer(t).normalised()) {
      for_each<Space>(
          "message factors", batch.n,
          MessageFactors{density_of(t), layer(t).alpha(), layer(t).beta(), blocks.order, batch.first, factor});
      on_rows("normalise", batch, l.message.dim, ScaleRows<Real>{to, batch.first, l.message.dim, factor});
    }
    if (!l.gated) return;
    if (l.first) add_constant("residual", layer(t).res_first, to, l.message.dim, batch);
    else layer(t).linear_res.forward("residual", features_of(t - 1), to, blocks.block, batch, true);
    for_items<Space>("gate", batch.n, 0,
                     GateForward<Space, Real>{layer(t).gate, to, rows.gated.in(batch), batch.first});
    layer(t).linear_2.forward("linear_2", rows.gated.in(batch), A, blocks.block, batch, false);
  }

  /* Of a layer of the NequIP family: the message with its self-connection. After the first layer it is added to where
     that is, and stays there until the reverse puts its adjoint in its place. */
  Rows<Real> gated_message_of(int t, const Batch &batch) const {
    return model->layer[t].first ? rows.gate_input.in(batch) : sc_of(t);
  }
  void gated_message(int t, const Batch &batch) {
    const ftl_prepared_layer &l = model->layer[t];
    const Rows<Real> to = gated_message_of(t, batch);
    if (l.first) message(t, batch, to);
    else add_convolution(t, batch, to);
    add_constant("constant", layer(t).constant, to, l.message.dim, batch);
  }

  void gated_reverse(int t, const Batch &batch) {
    const ftl_prepared_layer &l = model->layer[t];
    const Rows<Real> dA = message_adjoint_of(t);
    zero<Space>(dA, batch, 0, l.message.dim);
    for_items<Space>(
        "gate, reverse", batch.n, 0,
        GateReverse<Space, Real>{layer(t).gate, gated_message_of(t, batch), rows.dh.in(batch), dA, batch.first});
    if (l.first)
      layer(t).first_layer.reverse(edges.list(), edges.most_edges(), blocks.order, blocks.block, batch, rows.sums.data,
                                   dA);
    else
      on_rows("skip, reverse", batch, l.message.dim, CopyRows<Real>{dA, sc_adjoint_of(t), batch.first, l.message.dim});
  }

  void product(int t, const Batch &batch, const Rows<Real> &A, const Rows<Real> &h) {
    const ftl_prepared_layer &l = model->layer[t];
    layer(t).contraction.forward(A, rows.product.in(batch), blocks.block, batch);
    layer(t).product_linear.forward("product", rows.product.in(batch), h, blocks.block, batch, false);
    if (l.has_sc && l.first) add_constant("skip", layer(t).sc_first, h, l.out.dim, batch);
    else if (l.has_sc) on_rows("skip", batch, l.out.dim, AddRows<Real>{sc_of(t), h, batch.first, l.out.dim});
  }

  /* Of a layer, whose message of the NequIP family may still be there. */
  void layer_output(int t, const Batch &batch, const Rows<Real> &h, bool has_message) {
    if (!model->layer[t].gated_output) {
      interaction(t, batch, rows.A.in(batch));
      product(t, batch, rows.A.in(batch), h);
      return;
    }
    if (!has_message) gated_message(t, batch);
    for_items<Space>("gate", batch.n, 0,
                     GateForward<Space, Real>{layer(t).gate, gated_message_of(t, batch), h, batch.first});
  }

  void forward(int t, const Batch &batch) {
    const Rows<Real> h = rows.h.in(batch), dh = rows.dh.in(batch);
    layer_output(t, batch, h, false);
    if (is_last(t)) zero<Space>(dh, batch, 0, model->layer[t].out.dim);
    readouts(t, batch, h, is_last(t) ? dh : Rows<Real>{});
    if (is_last(t)) return;
    layer(t + 1).linear_up.forward("up", h, features_of(t), blocks.block, batch, false);
    if (layer(t + 1).up_constant)
      add_constant("constant", layer(t + 1).up_constant, features_of(t), edge_dim(t + 1), batch, true);
    if (model->layer[t + 1].has_sc) layer(t + 1).skip.forward("skip", h, sc_of(t + 1), blocks.block, batch, false);
  }

  /* The last layer once more, for the adjoints of a member of the committee. */
  void member_forward(int t, const Batch &batch) {
    const Rows<Real> h = rows.h.in(batch), dh = rows.dh.in(batch);
    layer_output(t, batch, h, !model->layer[t].first);
    zero<Space>(dh, batch, 0, model->layer[t].out.dim);
    readouts(t, batch, h, dh);
  }

  /* Those of the energy, or in later sweeps of a member. */
  ReadoutTables of_sweep(const ReadoutTables &tables) const { return sweep > 0 ? tables.of_member(sweep - 1) : tables; }

  void readouts(int t, const Batch &batch, const Rows<Real> &h, const Rows<Real> &dh) {
    double *const energy = sweep == 0 ? node_energy : nullptr;
    for (const ReadoutTables &tables : layer(t).readouts)
      for_items<Space>("readout", batch.n, tables.bytes(),
                       Readout<Space, Real>{of_sweep(tables), energy_scale(), h, dh, batch.first, energy,
                                            sweep == 0 ? inputs : LastInputs{}});
  }

  /* dE/dh of a layer before the last: through the next layer, and its own linear readouts. */
  void output_adjoint(int t, const Batch &batch) {
    const ftl_prepared_layer &l = model->layer[t];
    const Rows<Real> dh = rows.dh.in(batch);
    layer(t + 1).linear_up.reverse("up, reverse", adjoints_of(t), dh, blocks.block, batch, false);
    if (model->layer[t + 1].has_sc)
      layer(t + 1).skip.reverse("skip, reverse", sc_adjoint_of(t + 1), dh, blocks.block, batch, true);
    for (int r = 0; r < l.n_readouts; r++) {
      const ReadoutTables tables = of_sweep(layer(t).readouts[static_cast<std::size_t>(r)]);
      on_rows("readout, reverse", batch, tables.n_in,
              LinearReadoutReverse<Real>{tables.linear, energy_scale(), dh, batch.first, tables.n_in, tables.offset});
    }
  }

  /* From dE/dh of a batch to the adjoint of its messages; the first layer's edges are done here, the others' follow
     when all messages are there. A, gate_input and factor are as interaction() left them. */
  void reverse(int t, const Batch &batch) {
    const ftl_prepared_layer &l = model->layer[t];
    if (l.gated_output) {
      gated_reverse(t, batch);
      return;
    }
    const Rows<Real> A = rows.A.in(batch), dh = rows.dh.in(batch), product = rows.product.in(batch),
                     gated = rows.gated.in(batch), dA = message_adjoint_of(t);
    if (l.has_sc && !l.first)
      on_rows("skip, reverse", batch, l.out.dim, CopyRows<Real>{dh, sc_adjoint_of(t), batch.first, l.out.dim});
    layer(t).product_linear.reverse("product, reverse", dh, product, blocks.block, batch, false);
    const Rows<Real> product_input_adjoint = l.gated ? rows.A.in(batch) : dA;
    layer(t).contraction.reverse(A, product, product_input_adjoint, blocks.block, batch);
    Rows<Real> message_rows = A;
    if (l.gated) {
      message_rows = rows.gate_input.in(batch);
      layer(t).linear_2.reverse("linear_2, reverse", product_input_adjoint, gated, blocks.block, batch, false);
      zero<Space>(dA, batch, 0, l.message.dim);
      for_items<Space>("gate, reverse", batch.n, 0,
                       GateReverse<Space, Real>{layer(t).gate, message_rows, gated, dA, batch.first});
      reverse_residual(t, batch, dA);
    }
    if (layer(t).normalised()) {
      dots(batch, dA, message_rows, nullptr, l.message.dim, dot);
      for_each<Space>("density, reverse", batch.n,
                      DensityReverse{density_of(t), layer(t).beta(), blocks.order, batch.first, factor, dot,
                                     l.gated ? residual : nullptr});
      on_rows("normalise, reverse", batch, l.message.dim, ScaleRows<Real>{dA, batch.first, l.message.dim, factor});
    }
    if (l.first)
      layer(t).first_layer.reverse(edges.list(), edges.most_edges(), blocks.order, blocks.block, batch, rows.sums.data,
                                   dA);
  }

  /* residual[position] = <dE/d(gate's input), residual>, to be taken out of its product with the message; and through
     the residual to the receiver's own features. */
  void reverse_residual(int t, const Batch &batch, const Rows<Real> &dA) {
    const ftl_prepared_layer &l = model->layer[t];
    if (l.first) {
      dots(batch, dA, dA, layer(t).res_first, l.message.dim, residual);
      return;
    }
    const Rows<Real> own = rows.own.in(batch);
    layer(t).linear_res.reverse("residual, reverse", dA, own, blocks.block, batch, false);
    dots(batch, own, features_of(t - 1), nullptr, edge_dim(t), residual);
    on_rows("residual, reverse", batch, edge_dim(t), AddRows<Real>{own, adjoints_of(t - 1), batch.first, edge_dim(t)});
  }

  void dots(const Batch &batch, const Rows<Real> &x, const Rows<Real> &y, const double *table, int dim, double *to) {
    for_items<Space>("dot", batch.n, 0,
                     DotRows<Space, Real>{x, y, table, edges.list().species, blocks.order, batch.first, dim, to});
  }

  /* Edges and senders of a layer after the first, path by path, from the adjoint of all messages. */
  void reverse_conv(int t) {
    const ftl_prepared_layer &l = model->layer[t];
    if (l.first) return;
    const Rows<Real> dA = message_adjoint_of(t);
    const std::size_t row = static_cast<std::size_t>(edge_dim(t));
    for (int p = 0; p < l.conv.n_paths; p++) {
      const ConvPath<Real> &path = layer(t).conv.paths[static_cast<std::size_t>(p)];
      const Rows<Real> mid = by_position(mid_adjoint, path.d3 * path.out_pad);
      bool reached = false;
      for (int k = 0; k < l.conv.linear.n; k++) {
        if (l.conv.linear.path[k].in != p) continue;
        Map<Real> map = layer(t).conv_linear.up()[static_cast<std::size_t>(k)];
        map.out_offset = 0;
        multiply<Space>("message, reverse", map, map.out_pad, dA, mid, blocks.block, all, reached);
        reached = true;
      }
      if (!reached) continue;
      by_shape(path.d1, path.d3, [&](auto d1, auto d3) {
        constexpr int D1 = decltype(d1)::value, D3 = decltype(d3)::value;
        for_items<Space>(
            "convolution, edges", all.n, staged_bytes<Real>(edges.most_edges(), D1 * D3 + 1),
            ConvReverseEdges<Space, Real, D1, D3>{conv_geometry(t), path, blocks.order, 0, features[t - 1], row, mid});
        for_items<Space>("convolution, senders", edges.n_total(), staged_bytes<Real>(edges.most_sent_edges(), D1 * D3),
                         ConvReverseSenders<Space, Real, D1, D3>{conv_geometry(t), path, blocks.position_of, mid,
                                                                 adjoints[t - 1], row});
      });
    }
  }

  /* ---- how far to trust it ---- */

  /* What the edges' gradients say, before the next sweep. */
  void finish_sweep() {
    if (sweep == 0) edges.collect(output, virial);
    else committee.add(edges, edges.gradient_numbers(), 3, sweep - 1);
    if (sweep + 1 < n_sweeps()) edges.clear_gradient();
  }

  template <bool Largest>
  void norms(const char *name, const FeatureMatrices<Space> &matrices, double unit, double *to) {
    using Stage = FeatureNorms<Space, Largest>;
    fill(to, static_cast<std::size_t>(edges.n_local()), 0.0); /* atoms of no element */
    for_items<Space>(name, static_cast<int>(blocks.host.size()), Stage::scratch_bytes(),
                     Stage{matrices.of_species(),
                           {inputs.data, static_cast<std::size_t>(inputs.n), 0},
                           blocks.block,
                           blocks.order,
                           0,
                           unit,
                           to});
  }

  const ftl_model *model;
  Store<Space> store;
  std::vector<MaceLayer<Space, Real>> layers;
  const int *pair_class = nullptr;
  const double *e0 = nullptr, *scale = nullptr, *zbl = nullptr;

  Edges<Space> edges;
  Blocks<Space> blocks;
  std::vector<Batch> batches;
  Batch all{};
  Output<Space> output;
  Buffer<Space> order_buffer, block_buffer, position_buffer, scratch, energy_buffer, message_adjoint_buffer,
      mid_adjoint_buffer;
  Buffer<Space> feature_buffer[FTL_MAX_LAYERS], adjoint_buffer[FTL_MAX_LAYERS], sc_buffer[FTL_MAX_LAYERS];
  Real *features[FTL_MAX_LAYERS] = {}, *adjoints[FTL_MAX_LAYERS] = {}, *sc[FTL_MAX_LAYERS] = {};
  Real *message_adjoint = nullptr, *mid_adjoint = nullptr;
  double *node_energy = nullptr, *factor = nullptr, *dot = nullptr, *residual = nullptr;

  int sweep = 0;
  double virial[9] = {};
  Committee<Space> committee;
  FeatureMatrices<Space> inverses, covariance; /* of the active sets; the root of that of the weights */
  LastInputs inputs{};
  Buffer<Space> input_buffer, sc_adjoint_buffer[FTL_MAX_LAYERS];
  Real *sc_adjoint[FTL_MAX_LAYERS] = {};
};

} // namespace frozentl

#endif
