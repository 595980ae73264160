/* A block of receivers of one element through one layer, down and back: the body reads as the architecture
   (arXiv 2206.07697; docs/theory.md). Buffers are in block order unless said otherwise.

   The reverse needs the product's input, with a gate the gate's input, and the message factors. mace_last reverses the
   last layer at once, while they are in the thread's scratch; mace_reverse computes them again, but for the first layer
   of as many atoms as there is memory for: keeping all would take many times the memory of everything else
   (docs/performance.md has the cost in time). */

static size_t offset_of(const ftl_block *block, const ftl_layout *layout) {
  return (size_t)block->first * (size_t)layout->dim;
}

static bool is_last(const ftl_workspace *ws, int t) { return t == ws->model->arch.n_layers - 1; }

/* Sum over neighbours and its linear. */
static void message_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, real *message) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  if (layer->first) {
    first_message_forward(ws, thread, block, message);
    STAGE_DONE(thread, SUMS_LINEAR);
  } else {
    conv_forward(ws, thread, t, block, scratch_of(thread)->mid);
    STAGE_DONE(thread, CONV);
    linear_forward(&layer->conv.linear, block->species, block->n, scratch_of(thread)->mid, message, false);
    STAGE_DONE(thread, CONV_LINEAR);
  }
}

/* From the adjoint of the message (and of the density, per atom). */
static void message_reverse(ftl_workspace *ws, ftl_thread *thread, int sweep, int t, const ftl_block *block,
                            const real *adjoint, const double *density_adjoint) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  if (layer->first) {
    first_message_reverse(ws, thread, sweep, block, adjoint, density_adjoint);
    STAGE_DONE(thread, SUMS_REVERSE);
  } else {
    linear_reverse(&layer->conv.linear, block->species, block->n, adjoint, scratch_of(thread)->mid, false);
    STAGE_DONE(thread, CONV_LINEAR_REVERSE);
    conv_reverse(ws, thread, sweep, t, block, scratch_of(thread)->mid, density_adjoint);
    STAGE_DONE(thread, EDGES_REVERSE);
  }
}

static void interaction_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, real *A) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  int n = block->n;
  real *message = layer->gated ? scratch_of(thread)->gate_input : A;
  message_forward(ws, thread, t, block, message);
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
  gate_forward(&layer->gate, &layer->message, &layer->target, n, message, scratch_of(thread)->gated);
  linear_forward(&layer->linear_2, 0, n, scratch_of(thread)->gated, A, false);
}

/* Whether the first layer's product input is kept for the block. */
static bool is_kept(const ftl_workspace *ws, int t, const ftl_block *block) {
  return t == 0 && block->first + block->n <= ws->n_kept;
}

static void keep_input(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block) {
  const ftl_layout *target = &ws->model->layer[0].target;
  memcpy((real *)ws->kept + offset_of(block, target), scratch_of(thread)->product_input,
         (size_t)block->n * (size_t)target->dim * sizeof(real));
  memcpy(ws->kept_factor + block->first, scratch_of(thread)->factor, (size_t)block->n * sizeof *ws->kept_factor);
}

static void kept_input(const ftl_workspace *ws, ftl_thread *thread, const ftl_block *block) {
  const ftl_layout *target = &ws->model->layer[0].target;
  memcpy(scratch_of(thread)->product_input, (const real *)ws->kept + offset_of(block, target),
         (size_t)block->n * (size_t)target->dim * sizeof(real));
  memcpy(scratch_of(thread)->factor, ws->kept_factor + block->first, (size_t)block->n * sizeof *ws->kept_factor);
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
    const real *sc = (const real *)ws->sc[0][t] + offset_of(block, &layer->skip.out);
    for (size_t k = 0; k < (size_t)block->n * (size_t)layer->out.dim; k += (size_t)LANES)
      store(h + k, load(h + k) + load(sc + k));
  }
}

/* What an atom's energy is linear in, where it is asked for: the inputs of the readout's last map, in the units of that
   map's weights as the file has them. */
static double *last_inputs(const ftl_workspace *ws, const ftl_prepared_readout *readout, int atom) {
  return ws->inputs ? ws->inputs + (size_t)atom * (size_t)ws->model->n_last + readout->first_last : NULL;
}

/* Node energies with `energies`; the gradient goes to dh, of the energy (member -1) or of a member's, less the energy.
 */
static void readouts(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, int member, const real *h,
                     real *dh, bool energies) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[t];
  memset(dh, 0, (size_t)block->n * (size_t)layer->out.dim * sizeof(real));
  for (int r = 0; r < layer->n_readouts; r++) {
    const ftl_prepared_readout *this = &layer->readout[r];
    const ftl_layout_block *in = &layer->out.b[this->block];
    const double scale = model->scale[block->species], *weights = weights_of(this, member);
    for (int a = 0; a < block->n; a++) {
      const int i = ws->order[block->first + a];
      size_t at = (size_t)block->n * (size_t)in->offset + (size_t)(a * in->pad);
      double *inputs = energies ? last_inputs(ws, this, i) : NULL;
      double energy = scale * readout(this, thread, h + at, dh + at, scale, weights, inputs);
      if (energies) ws->node_energy[i] += energy;
      for (int k = 0; inputs && k < this->n_last; k++) inputs[k] *= scale * this->last_factor;
    }
  }
}

/* A layer's output into the rows of its atoms, [channel][component]. */
static void keep_descriptors(const ftl_workspace *ws, int t, const ftl_block *block, const real *h) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  for (int b = 0; b < layer->out.n; b++) {
    const ftl_layout_block *from = &layer->out.b[b];
    for (int a = 0; a < block->n; a++) {
      const real *x = h + block_row(from, block->n, a);
      double *row = ws->output->descriptors +
                    (size_t)ws->order[block->first + a] * (size_t)ws->model->descriptor_width +
                    layer->descriptor[b].first;
      for (int m = 0; m < from->d; m++)
        for (int c = 0; c < from->mul; c++) row[c * from->d + m] = (double)x[m * from->pad + c];
    }
  }
}

/* What the next layer needs: its senders' features, and its skip connection. */
static void next_features(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, const real *h) {
  const ftl_prepared_layer *next = &ws->model->layer[t + 1];
  linear_forward(&next->linear_up, 0, block->n, h, scratch_of(thread)->own, false);
  if (next->up_constant) add_constant_row(&next->conv.edge, block->n, next->up_constant, scratch_of(thread)->own);
  scatter_rows(ws, block, &next->conv.edge, scratch_of(thread)->own, ws->features[t]);
  if (next->has_sc)
    linear_forward(&next->skip, block->species, block->n, h,
                   (real *)ws->sc[0][t + 1] + offset_of(block, &next->skip.out), false);
}

/* ---- layers of the NequIP family ---- */

/* The self-connection is added to the message, which takes its place until the reverse: to go through the convolution a
   second time would cost a third of a step. */
static void gated_message(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  const size_t numbers = (size_t)block->n * (size_t)layer->message.dim;
  real *message = scratch_of(thread)->gate_input;
  message_forward(ws, thread, t, block, message);
  add_constant_row(&layer->message, block->n, layer->constant + (size_t)block->species * (size_t)layer->message.dim,
                   message);
  if (layer->first) return;
  real *sc = (real *)ws->sc[0][t] + offset_of(block, &layer->skip.out);
  for (size_t k = 0; k < numbers; k += (size_t)LANES) {
    const vec sum = load(message + k) + load(sc + k);
    store(message + k, sum);
    store(sc + k, sum);
  }
}

static void gated_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, real *h) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  gated_message(ws, thread, t, block);
  gate_forward(&layer->gate, &layer->message, &layer->out, block->n, scratch_of(thread)->gate_input, h);
}

/* What gated_message left, after other blocks have used the scratch. */
static void gated_again(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  if (layer->first) {
    gated_message(ws, thread, t, block);
    return;
  }
  conv_edges(ws, thread, t, block);
  memcpy(scratch_of(thread)->gate_input, (const real *)ws->sc[0][t] + offset_of(block, &layer->skip.out),
         (size_t)block->n * (size_t)layer->message.dim * sizeof(real));
}

static void gated_sweep(ftl_workspace *ws, ftl_thread *thread, int sweep, int t, const ftl_block *block) {
  static const double no_density[FTL_MAX_BLOCK_ATOMS] = {0};
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  real *adjoint = scratch_of(thread)->message_adjoint;
  gate_reverse(&layer->gate, &layer->message, &layer->out, block->n, scratch_of(thread)->gate_input,
               scratch_of(thread)->h_adjoint, adjoint);
  if (!layer->first)
    memcpy((real *)ws->sc[sweep][t] + offset_of(block, &layer->skip.out), adjoint,
           (size_t)block->n * (size_t)layer->message.dim * sizeof(real));
  STAGE_DONE(thread, NORM_REVERSE);
  message_reverse(ws, thread, sweep, t, block, adjoint, no_density);
}

/* ---- any layer ---- */

static void mace_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  STAGE_START(thread, t);
  block_edges(ws, thread, block, &ws->model->layer[t].grid);
  STAGE_DONE(thread, EDGES);
  if (ws->model->layer[t].gated_output) {
    gated_forward(ws, thread, t, block, scratch_of(thread)->h);
    STAGE_DONE(thread, NORM);
  } else {
    real *A = scratch_of(thread)->product_input;
    interaction_forward(ws, thread, t, block, A);
    if (is_kept(ws, t, block)) keep_input(ws, thread, block);
    STAGE_DONE(thread, NORM);
    product_forward(ws, thread, t, block, A, scratch_of(thread)->h);
    STAGE_DONE(thread, PRODUCT_LINEAR);
  }
  readouts(ws, thread, t, block, -1, scratch_of(thread)->h, scratch_of(thread)->h_adjoint, true);
  STAGE_DONE(thread, READOUT);
  if (ws->output->descriptors) keep_descriptors(ws, t, block, scratch_of(thread)->h);
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
                   (const real *)ws->sc[sweep][t + 1] + offset_of(block, &next->skip.out), dh, true);
  const int member = ftl_member_of(ws, sweep);
  for (int r = 0; r < layer->n_readouts && (sweep == 0 || member >= 0); r++) {
    const ftl_layout_block *in = &layer->out.b[layer->readout[r].block];
    const double *linear = weights_of(&layer->readout[r], member);
    for (int a = 0; a < block->n; a++)
      for (int c = 0; c < layer->readout[r].n_in; c++)
        dh[(size_t)block->n * (size_t)in->offset + (size_t)(a * in->pad + c)] +=
            (real)(model->scale[block->species] * linear[c]);
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
    memcpy((real *)ws->sc[sweep][t] + offset_of(block, &layer->skip.out), dh,
           (size_t)n * (size_t)layer->out.dim * sizeof(real));
  linear_reverse(&layer->product_linear, 0, n, dh, scratch_of(thread)->product, false);
  STAGE_DONE(thread, PRODUCT_LINEAR_REVERSE);
  contraction_reverse(&layer->contraction, block->species, n, A, scratch_of(thread)->product, dA);
  STAGE_DONE(thread, CONTRACTION_REVERSE);

  const real *message = A; /* as it was after its factor and, with a gate, its residual */
  double density_adjoint[FTL_MAX_BLOCK_ATOMS] = {0}, residual_part[FTL_MAX_BLOCK_ATOMS] = {0};
  if (layer->gated) {
    message = scratch_of(thread)->gate_input;
    linear_reverse(&layer->linear_2, 0, n, dA, scratch_of(thread)->gated, false);
    gate_reverse(&layer->gate, &layer->message, &layer->target, n, message, scratch_of(thread)->gated, dA);
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
  message_reverse(ws, thread, sweep, t, block, dA, density_adjoint);
}

/* All sweeps back, after what the layer's forward leaves in the scratch. */
static void sweeps(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  for (int sweep = 0; sweep < ws->n_sweeps; sweep++) {
    if (!is_last(ws, t)) {
      output_adjoint(ws, thread, sweep, t, block, scratch_of(thread)->h_adjoint);
      STAGE_DONE(thread, UP_REVERSE);
    } else if (ftl_member_of(ws, sweep) >= 0) {
      readouts(ws, thread, t, block, ftl_member_of(ws, sweep), scratch_of(thread)->h, scratch_of(thread)->h_adjoint,
               false);
      STAGE_DONE(thread, READOUT);
    } else if (sweep > 0) { /* readouts have no moments */
      if (layer->has_sc)
        memset((real *)ws->sc[sweep][t] + offset_of(block, &layer->skip.out), 0,
               (size_t)block->n * (size_t)layer->skip.out.dim * sizeof(real));
      continue;
    }
    (layer->gated_output ? gated_sweep : sweep_block)(ws, thread, sweep, t, block);
    if (sweep == 0 && ftl_has_moments(ws) && !layer->first)
      moments_to_senders(ws, thread, t, block, scratch_of(thread)->mid);
  }
}

static void mace_reverse(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  ftl_mace_scratch *s = scratch_of(thread);
  STAGE_START(thread, t);
  block_edges(ws, thread, block, &ws->model->layer[t].grid);
  STAGE_DONE(thread, EDGES);
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  if (layer->gated_output) gated_again(ws, thread, t, block);
  else if (is_kept(ws, t, block)) kept_input(ws, thread, block);
  else interaction_forward(ws, thread, t, block, s->product_input);
  STAGE_DONE(thread, NORM);
  if (is_last(ws, t)) {
    if (layer->gated_output) gate_forward(&layer->gate, &layer->message, &layer->out, block->n, s->gate_input, s->h);
    else product_forward(ws, thread, t, block, s->product_input, s->h);
    STAGE_DONE(thread, PRODUCT_LINEAR);
    readouts(ws, thread, t, block, -1, s->h, s->h_adjoint, false);
    STAGE_DONE(thread, READOUT);
  }
  sweeps(ws, thread, t, block);
}

static void mace_last(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  mace_forward(ws, thread, t, block);
  STAGE_START(thread, t);
  sweeps(ws, thread, t, block);
}
