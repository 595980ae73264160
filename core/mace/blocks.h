/* A block of receivers of one element through one layer, down and back: the body reads as the architecture
   (arXiv 2206.07697; docs/theory.md). Buffers are in block order unless said otherwise.

   The reverse needs the product's input, with a gate the gate's input, and the message factors. mace_last reverses the
   last layer at once, while they are in the thread's scratch; mace_reverse computes them again: keeping them would take
   many times the memory of everything else (docs/performance.md has the cost in time). */

static size_t offset_of(const ftl_block *block, const ftl_layout *layout) {
  return (size_t)block->first * (size_t)layout->dim;
}

static bool is_last(const ftl_workspace *ws, int t) { return t == ws->model->arch.n_layers - 1; }

static void interaction_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, real *A) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  int n = block->n;
  real *message = layer->gated ? scratch_of(thread)->gate_input : A;
  if (layer->first) {
    first_message_forward(ws, thread, block, message);
    STAGE_DONE(thread, SUMS_LINEAR);
  } else {
    conv_forward(ws, thread, t, block, scratch_of(thread)->mid);
    STAGE_DONE(thread, CONV);
    linear_forward(&layer->conv.linear, block->species, n, scratch_of(thread)->mid, message, false);
    STAGE_DONE(thread, CONV_LINEAR);
  }
  if (layer->norm != FTL_NORM_AVERAGE) {
    double *factor = scratch_of(thread)->factor;
    message_factors(layer, thread, n, factor);
    scale_atoms(&layer->message, n, factor, message);
  }
  if (!layer->gated) return;
  if (layer->first) {
    add_constant_row(&layer->message, n, layer->res_first + (size_t)block->species * (size_t)layer->message.dim,
                     message);
  } else {
    gather_rows(ws, block, &layer->conv.edge, ws->features[t - 1], scratch_of(thread)->own);
    linear_forward(&layer->linear_res, 0, n, scratch_of(thread)->own, message, true);
  }
  gate_forward(layer, n, message, scratch_of(thread)->gated);
  linear_forward(&layer->linear_2, 0, n, scratch_of(thread)->gated, A, false);
}

static void product_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, const real *A,
                            real *h) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  contraction_forward(&layer->contraction, block->species, block->n, A, scratch_of(thread)->product);
  STAGE_DONE(thread, CONTRACTION);
  linear_forward(&layer->product_linear, 0, block->n, scratch_of(thread)->product, h, false);
  if (!layer->has_sc) return;
  if (layer->first) {
    add_constant_row(&layer->out, block->n, layer->sc_first + (size_t)block->species * (size_t)layer->out.dim, h);
  } else {
    const real *sc = (const real *)ws->sc[0][t] + offset_of(block, &layer->out);
    for (size_t k = 0; k < (size_t)block->n * (size_t)layer->out.dim; k += (size_t)LANES)
      store(h + k, load(h + k) + load(sc + k));
  }
}

/* Node energies, unless they are there already; the last layer's gradient goes to dh. */
static void readouts(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, const real *h, real *dh,
                     bool energies) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[t];
  memset(dh, 0, (size_t)block->n * (size_t)layer->out.dim * sizeof(real));
  for (int r = 0; r < layer->n_readouts; r++) {
    const ftl_layout_block *in = &layer->out.b[layer->readout[r].block];
    for (int a = 0; a < block->n; a++) {
      size_t at = (size_t)block->n * (size_t)in->offset + (size_t)(a * in->pad);
      double energy = model->scale * readout(&layer->readout[r], thread, h + at, dh + at, model->scale);
      if (energies) ws->node_energy[ws->order[block->first + a]] += energy;
    }
  }
}

/* What the next layer needs: its senders' features, and its skip connection. */
static void next_features(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, const real *h) {
  const ftl_prepared_layer *next = &ws->model->layer[t + 1];
  linear_forward(&next->linear_up, 0, block->n, h, scratch_of(thread)->own, false);
  scatter_rows(ws, block, &next->conv.edge, scratch_of(thread)->own, ws->features[t]);
  if (next->has_sc)
    linear_forward(&next->skip, block->species, block->n, h, (real *)ws->sc[0][t + 1] + offset_of(block, &next->out),
                   false);
}

static void mace_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  STAGE_START(thread, t);
  block_edges(ws, thread, block, &ws->model->layer[t].grid);
  STAGE_DONE(thread, EDGES);
  real *A = scratch_of(thread)->product_input;
  interaction_forward(ws, thread, t, block, A);
  STAGE_DONE(thread, NORM);
  product_forward(ws, thread, t, block, A, scratch_of(thread)->h);
  STAGE_DONE(thread, PRODUCT_LINEAR);
  readouts(ws, thread, t, block, scratch_of(thread)->h, scratch_of(thread)->h_adjoint, true);
  STAGE_DONE(thread, READOUT);
  if (!is_last(ws, t)) {
    next_features(ws, thread, t, block, scratch_of(thread)->h);
    STAGE_DONE(thread, UP);
  }
}

/* dE/dh of a layer before the last: through the next layer's features and skip connection, and its own linear readouts,
   which add to an atom's own energy and so to no moment. */
static void output_adjoint(ftl_workspace *ws, ftl_thread *thread, int sweep, int t, const ftl_block *block, real *dh) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[t], *next = &model->layer[t + 1];
  gather_rows(ws, block, &next->conv.edge, ws->adjoints[sweep][t], scratch_of(thread)->own);
  linear_reverse(&next->linear_up, 0, block->n, scratch_of(thread)->own, dh, false);
  if (next->has_sc)
    linear_reverse(&next->skip, block->species, block->n,
                   (const real *)ws->sc[sweep][t + 1] + offset_of(block, &next->out), dh, true);
  for (int r = 0; r < layer->n_readouts && sweep == 0; r++) {
    const ftl_layout_block *in = &layer->out.b[layer->readout[r].block];
    for (int a = 0; a < block->n; a++)
      for (int c = 0; c < layer->readout[r].n_in; c++)
        dh[(size_t)block->n * (size_t)in->offset + (size_t)(a * in->pad + c)] +=
            (real)(model->scale * layer->readout[r].linear[c]);
  }
}

/* One sweep's way back, with the product's input and what else the forward left in the scratch: everything is linear in
   the adjoint of the layer's output, which is in scratch_of(thread)->h_adjoint. */
static void sweep_block(ftl_workspace *ws, ftl_thread *thread, int sweep, int t, const ftl_block *block) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  int n = block->n;
  real *A = scratch_of(thread)->product_input, *dh = scratch_of(thread)->h_adjoint,
       *dA = scratch_of(thread)->message_adjoint;
  if (layer->has_sc && !layer->first)
    memcpy((real *)ws->sc[sweep][t] + offset_of(block, &layer->out), dh,
           (size_t)n * (size_t)layer->out.dim * sizeof(real));
  linear_reverse(&layer->product_linear, 0, n, dh, scratch_of(thread)->product, false);
  STAGE_DONE(thread, PRODUCT_LINEAR_REVERSE);
  contraction_reverse(&layer->contraction, block->species, n, A, scratch_of(thread)->product, dA);
  STAGE_DONE(thread, CONTRACTION_REVERSE);

  const real *message = A; /* as it was after its factor and, with a gate, its residual */
  double density_adjoint[FTL_BLOCK_ATOMS] = {0}, residual_part[FTL_BLOCK_ATOMS] = {0};
  if (layer->gated) {
    message = scratch_of(thread)->gate_input;
    linear_reverse(&layer->linear_2, 0, n, dA, scratch_of(thread)->gated, false);
    gate_reverse(layer, n, message, scratch_of(thread)->gated, dA);
    if (layer->first) {
      /* <dA, residual>, to take the residual out of <dA, message> below */
      memset(scratch_of(thread)->residual, 0, (size_t)n * (size_t)layer->message.dim * sizeof(real));
      add_constant_row(&layer->message, n, layer->res_first + (size_t)block->species * (size_t)layer->message.dim,
                       scratch_of(thread)->residual);
      dot_atoms(&layer->message, n, dA, scratch_of(thread)->residual, residual_part);
    } else {
      const ftl_layout *edge = &layer->conv.edge;
      real *own = scratch_of(thread)->own, *own_adjoint = scratch_of(thread)->own_adjoint;
      gather_rows(ws, block, edge, ws->features[t - 1], own);
      linear_reverse(&layer->linear_res, 0, n, dA, own_adjoint, false);
      dot_atoms(edge, n, own, own_adjoint, residual_part);
      gather_rows(ws, block, edge, ws->adjoints[sweep][t - 1], own); /* this thread owns these rows */
      for (size_t k = 0; k < (size_t)n * (size_t)edge->dim; k += (size_t)LANES)
        store(own + k, load(own + k) + load(own_adjoint + k));
      scatter_rows(ws, block, edge, own, ws->adjoints[sweep][t - 1]);
    }
  }
  if (layer->norm != FTL_NORM_AVERAGE) {
    /* message = linear(sum) * f, f = 1/(density + 1) or 1/(beta density + alpha): dE/d density = -<dA, message> f
     * (beta) */
    const double *factor = scratch_of(thread)->factor;
    dot_atoms(&layer->message, n, dA, message, density_adjoint);
    for (int a = 0; a < n; a++)
      density_adjoint[a] = -(density_adjoint[a] - residual_part[a]) * factor[a] * (layer->gated ? layer->beta : 1);
    scale_atoms(&layer->message, n, factor, dA);
  }
  STAGE_DONE(thread, NORM_REVERSE);
  if (layer->first) {
    first_message_reverse(ws, thread, sweep, block, dA, density_adjoint);
    STAGE_DONE(thread, SUMS_REVERSE);
  } else {
    linear_reverse(&layer->conv.linear, block->species, n, dA, scratch_of(thread)->mid, false);
    STAGE_DONE(thread, CONV_LINEAR_REVERSE);
    conv_reverse(ws, thread, sweep, t, block, scratch_of(thread)->mid, density_adjoint);
    STAGE_DONE(thread, EDGES_REVERSE);
  }
}

/* All sweeps back, after what the layer's forward leaves in the scratch. */
static void sweeps(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  for (int sweep = 0; sweep < ws->n_sweeps; sweep++) {
    if (!is_last(ws, t)) {
      output_adjoint(ws, thread, sweep, t, block, scratch_of(thread)->h_adjoint);
      STAGE_DONE(thread, UP_REVERSE);
    } else if (sweep > 0) { /* readouts have no moments */
      if (layer->has_sc)
        memset((real *)ws->sc[sweep][t] + offset_of(block, &layer->out), 0,
               (size_t)block->n * (size_t)layer->out.dim * sizeof(real));
      continue;
    }
    sweep_block(ws, thread, sweep, t, block);
    if (sweep == 0 && ws->n_sweeps > 1 && !layer->first)
      moments_to_senders(ws, thread, t, block, scratch_of(thread)->mid);
  }
}

static void mace_reverse(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  ftl_mace_scratch *s = scratch_of(thread);
  STAGE_START(thread, t);
  block_edges(ws, thread, block, &ws->model->layer[t].grid);
  STAGE_DONE(thread, EDGES);
  interaction_forward(ws, thread, t, block, s->product_input);
  STAGE_DONE(thread, NORM);
  if (is_last(ws, t)) {
    product_forward(ws, thread, t, block, s->product_input, s->h);
    STAGE_DONE(thread, PRODUCT_LINEAR);
    readouts(ws, thread, t, block, s->h, s->h_adjoint, false);
    STAGE_DONE(thread, READOUT);
  }
  sweeps(ws, thread, t, block);
}

static void mace_last(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  mace_forward(ws, thread, t, block);
  STAGE_START(thread, t);
  sweeps(ws, thread, t, block);
}
