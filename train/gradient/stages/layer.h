/* One layer in the four sweeps: its operations one after another (core/model/operations.h; docs/theory.md, eqs. 8 to
   16). */

/* An array of n zeros in *p; false when out of memory. */
static bool take_zeros(ftl_sweep *sweep, real **p, size_t n) {
  if (!(*p = take(sweep, n))) return false;
  zero_shared(sweep, *p, n);
  return true;
}
/* The same, unless it is there. */
static bool need_zeros(ftl_sweep *sweep, real **p, size_t n) { return *p || take_zeros(sweep, p, n); }

static size_t numbers(const ftl_sweep *sweep, const ftl_network_layer *layer, ftl_features_of f) {
  return features(sweep, &layer->operations.irreps[f]);
}

/* ---- forward ---- */

/* With everything up to the product's input kept, the neighbours' sum itself is not needed again. */
static bool is_kept(const ftl_network_layer *layer, const ftl_operation *op) {
  if (op->to == FTL_FEATURES_SUM) return layer->kept_to == FTL_KEPT_MID;
  return layer->kept_to >= (int)ftl_kept_level_of(op);
}

/* Maps add to what is there. */
static bool is_map(const ftl_operation *op) {
  return op->kind == FTL_OP_LINEAR || op->kind == FTL_OP_LINEAR_BY_ELEMENT;
}

static bool operation_forward(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state, int k) {
  const ftl_operation *op = &layer->operations.op[k];
  variable *from = &state->f[op->from], *to = &state->f[op->to];
  const size_t n = numbers(sweep, layer, op->to);
  if (!op->adds) {
    if (!take_value(sweep, to, n)) return false;
    if (is_map(op)) zero_shared(sweep, to->x, n);
  }
  switch (op->kind) {
  case FTL_OP_LINEAR:
  case FTL_OP_LINEAR_BY_ELEMENT:
    map_forward(sweep, &layer->map[k], from->x, to->x);
    map_offsets(sweep, &layer->map[k], to->x);
    break;
  case FTL_OP_CONVOLUTION:
    conv_forward(sweep, &layer->conv, state);
    break;
  case FTL_OP_NORM:
    if (!take_value(sweep, &state->norm, (size_t)sweep->n)) return false;
    norm_forward(sweep, layer, state, from, to);
    break;
  case FTL_OP_GATE:
    gate(sweep, layer, from, to, GATE_FORWARD);
    break;
  case FTL_OP_CONTRACTION:
    product_forward(sweep, &layer->product, from, to, false);
    break;
  }
  return true;
}

/* What was kept is in `state` already. */
static bool layer_forward(ftl_sweep *sweep, int t) {
  const ftl_network_layer *layer = &sweep->network->layer[t];
  layer_state *state = &sweep->layer[t];
  const int level = sweep->restored ? layer->kept_to : FTL_KEPT_NONE;
  if (!sweep->restored) {
    keep_if(sweep, true);
    bool made = conv_matrices(sweep, &layer->conv, state);
    keep_if(sweep, false);
    if (!made) return false;
  }
  if (!radial_forward(sweep, layer, state)) return false;
  for (int k = 0; k < layer->operations.n; k++) {
    const ftl_operation *op = &layer->operations.op[k];
    if (level >= (int)ftl_kept_level_of(op)) continue;
    keep_if(sweep, is_kept(layer, op));
    bool made = operation_forward(sweep, layer, state, k);
    keep_if(sweep, false);
    if (!made) return false;
  }
  return true;
}

/* ---- tangent ---- */

/* Features without a tangent, as the first layer's input, do not change along the direction. */
static bool operation_tangent(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state, int k) {
  const ftl_operation *op = &layer->operations.op[k];
  variable *from = &state->f[op->from], *to = &state->f[op->to];
  if (op->kind == FTL_OP_CONVOLUTION && !radial_tangent(sweep, layer, state)) return false;
  if (op->kind != FTL_OP_CONVOLUTION && !from->dot) return true;
  const size_t n = numbers(sweep, layer, op->to);
  if (!op->adds && !(to->dot = take(sweep, n))) return false;
  if (!op->adds && is_map(op)) zero_shared(sweep, to->dot, n);
  switch (op->kind) {
  case FTL_OP_LINEAR:
  case FTL_OP_LINEAR_BY_ELEMENT:
    map_forward(sweep, &layer->map[k], from->dot, to->dot);
    break;
  case FTL_OP_CONVOLUTION:
    return conv_tangent(sweep, &layer->conv, state);
  case FTL_OP_NORM:
    if (!(state->norm.dot = take(sweep, (size_t)sweep->n))) return false;
    norm_tangent(sweep, layer, state, from, to);
    break;
  case FTL_OP_GATE:
    gate(sweep, layer, from, to, GATE_TANGENT);
    break;
  case FTL_OP_CONTRACTION:
    product_forward(sweep, &layer->product, from, to, true);
    break;
  }
  return true;
}

static bool layer_tangent(ftl_sweep *sweep, int t) {
  const ftl_network_layer *layer = &sweep->network->layer[t];
  layer_state *state = &sweep->layer[t];
  state->f[FTL_FEATURES_INPUT].dot = t > 0 ? sweep->layer[t - 1].f[FTL_FEATURES_OUTPUT].dot : NULL;
  for (int k = 0; k < layer->operations.n; k++)
    if (!operation_tangent(sweep, layer, state, k)) return false;
  return true;
}

/* ---- reverse ---- */

/* The first layer's input depends on nothing that moves, nor does what neighbours send there. */
static bool moves(const layer_state *state, ftl_features_of f) {
  return state->f[FTL_FEATURES_INPUT].bar || (f != FTL_FEATURES_INPUT && f != FTL_FEATURES_UP);
}

static bool operation_reverse(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state, int k) {
  const ftl_operation *op = &layer->operations.op[k];
  variable *from = &state->f[op->from], *to = &state->f[op->to];
  if (moves(state, op->from) && !need_zeros(sweep, &from->bar, numbers(sweep, layer, op->from))) return false;
  switch (op->kind) {
  case FTL_OP_LINEAR:
  case FTL_OP_LINEAR_BY_ELEMENT:
    if (from->bar) map_reverse(sweep, &layer->map[k], to->bar, from->bar);
    break;
  case FTL_OP_CONVOLUTION:
    if (!(state->w.bar = take(sweep, (size_t)sweep->geometry.n_pairs * (size_t)layer->conv.n_weights))) return false;
    return conv_reverse(sweep, &layer->conv, state) && radial_reverse(sweep, layer, state);
  case FTL_OP_NORM:
    if (!(state->norm.bar = take(sweep, (size_t)sweep->n)) || !(state->density.bar = take(sweep, (size_t)sweep->n)))
      return false;
    norm_reverse(sweep, layer, state, from, to);
    break;
  case FTL_OP_GATE:
    gate(sweep, layer, from, to, GATE_REVERSE);
    break;
  case FTL_OP_CONTRACTION:
    product_reverse(sweep, &layer->product, from, to);
    break;
  }
  return true;
}

/* From the output's bar; adds to the output's of the layer before. */
static bool layer_reverse(ftl_sweep *sweep, int t) {
  const ftl_network_layer *layer = &sweep->network->layer[t];
  layer_state *state = &sweep->layer[t];
  state->f[FTL_FEATURES_INPUT].bar = t > 0 ? sweep->layer[t - 1].f[FTL_FEATURES_OUTPUT].bar : NULL;
  for (int k = layer->operations.n - 1; k >= 0; k--)
    if (!operation_reverse(sweep, layer, state, k)) return false;
  return true;
}

/* ---- second: gradients of the parameters, and the second adjoint as far down as something is trained ---- */

static bool convolution_second(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  state->w.til = NULL;
  if (layer->trained_in_radial &&
      !(state->w.til = take(sweep, (size_t)sweep->geometry.n_pairs * (size_t)layer->conv.n_weights)))
    return false;
  if (!conv_second(sweep, &layer->conv, state)) return false;
  return !layer->trained_in_radial || radial_second(sweep, layer, state);
}

static bool operation_second(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state, int k) {
  const ftl_operation *op = &layer->operations.op[k];
  variable *from = &state->f[op->from], *to = &state->f[op->to];
  const bool writes = op->kind == FTL_OP_NORM || op->kind == FTL_OP_GATE, below = layer->below[op->from];
  if ((below || writes) && !need_zeros(sweep, &from->til, numbers(sweep, layer, op->from))) return false;
  switch (op->kind) {
  case FTL_OP_LINEAR:
  case FTL_OP_LINEAR_BY_ELEMENT:
    map_gradient(sweep, &layer->map[k], from, to);
    if (below) map_reverse(sweep, &layer->map[k], to->til, from->til);
    break;
  case FTL_OP_CONVOLUTION:
    return convolution_second(sweep, layer, state);
  case FTL_OP_NORM:
    if (!(state->norm.til = take(sweep, (size_t)sweep->n)) || !(state->density.til = take(sweep, (size_t)sweep->n)))
      return false;
    norm_second(sweep, layer, state, from, to);
    break;
  case FTL_OP_GATE:
    gate(sweep, layer, from, to, GATE_SECOND);
    break;
  case FTL_OP_CONTRACTION:
    return product_second(sweep, &layer->product, from, to);
  }
  return true;
}

/* From the output's til; adds to the output's of the layer before where something is trained there. */
static bool layer_second(ftl_sweep *sweep, int t) {
  const ftl_network_layer *layer = &sweep->network->layer[t];
  layer_state *state = &sweep->layer[t];
  if (t > 0) state->f[FTL_FEATURES_INPUT].til = sweep->layer[t - 1].f[FTL_FEATURES_OUTPUT].til;
  for (int f = FTL_FEATURES_UP; f < FTL_FEATURES_OUTPUT; f++) state->f[f].til = NULL;
  for (int k = layer->operations.n - 1; k >= 0; k--)
    if ((layer->trained[k] || layer->below[layer->operations.op[k].from]) && !operation_second(sweep, layer, state, k))
      return false;
  return true;
}
