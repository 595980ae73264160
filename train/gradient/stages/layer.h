/* One layer in the four sweeps: interaction, product, skip connection (docs/theory.md, eqs. 8 to 16). */

/* An array of n zeros in *p; false when out of memory. */
static bool take_zeros(ftl_sweep *sweep, real **p, size_t n) {
  if (!(*p = take(sweep, n))) return false;
  zero(*p, n);
  return true;
}

/* ---- forward ---- */

static bool message_forward(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n_message = features(sweep, &layer->linear.out), n_target = features(sweep, &layer->spec->target);
  if (!take_zeros(sweep, &state->sum.x, n_message) || !take_value(sweep, &state->norm, (size_t)sweep->n) ||
      !take_value(sweep, &state->message, n_message))
    return false;
  map_forward(sweep, &layer->linear, state->mid.x, state->sum.x);
  norm_forward(sweep, layer, state);
  if (layer->nonlinear) {
    if (!take_value(sweep, &state->gated, n_target) || !take_zeros(sweep, &state->a.x, n_target)) return false;
    map_forward(sweep, &layer->linear_res, state->up.x, state->message.x);
    gate(sweep, layer, state, GATE_FORWARD);
    map_forward(sweep, &layer->linear_2, state->gated.x, state->a.x);
  } else if (layer->skip_on_message) {
    if (!take_zeros(sweep, &state->a.x, n_target)) return false;
    map_forward(sweep, &layer->skip, state->message.x, state->a.x);
  } else {
    state->a.x = state->message.x;
  }
  return true;
}

static bool mid_forward(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  keep_if(sweep, layer->kept_to >= FTL_KEPT_MID);
  bool taken = take_zeros(sweep, &state->up.x, features(sweep, &layer->spec->edge));
  keep_if(sweep, layer->kept_to == FTL_KEPT_MID); /* above, the sum itself is not needed again */
  taken = taken && take_value(sweep, &state->mid, features(sweep, &layer->conv.mid));
  keep_if(sweep, false);
  if (!taken) return false;
  map_forward(sweep, &layer->linear_up, state->input.x, state->up.x);
  conv_forward(sweep, &layer->conv, state);
  return true;
}

static bool output_forward(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n_product = features(sweep, &layer->spec->product);
  keep_if(sweep, layer->kept_to >= FTL_KEPT_OUTPUT);
  bool taken = take_value(sweep, &state->b, n_product) && take_zeros(sweep, &state->output.x, n_product);
  keep_if(sweep, false);
  if (!taken) return false;
  product_forward(sweep, &layer->product, &state->a, &state->b, false);
  map_forward(sweep, &layer->product_linear, state->b.x, state->output.x);
  if (layer->has_sc) map_forward(sweep, &layer->skip, state->input.x, state->output.x);
  return true;
}

/* What was kept is in `state` already. */
static bool layer_forward(ftl_sweep *sweep, int t) {
  const ftl_network_layer *layer = &sweep->network->layer[t];
  layer_state *state = &sweep->layer[t];
  ftl_kept_level level = sweep->restored ? (ftl_kept_level)layer->kept_to : FTL_KEPT_NONE;
  if (!sweep->restored) {
    keep_if(sweep, true);
    bool made = conv_matrices(sweep, &layer->conv, state);
    keep_if(sweep, false);
    if (!made) return false;
  }
  if (!radial_forward(sweep, layer, state)) return false;
  if (level < FTL_KEPT_MID && !mid_forward(sweep, layer, state)) return false;
  keep_if(sweep, layer->kept_to >= FTL_KEPT_MESSAGE);
  bool made = level >= FTL_KEPT_MESSAGE || message_forward(sweep, layer, state);
  keep_if(sweep, false);
  return made && (level >= FTL_KEPT_OUTPUT || output_forward(sweep, layer, state));
}

/* ---- tangent ---- */

static bool message_tangent(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n_message = features(sweep, &layer->linear.out), n_target = features(sweep, &layer->spec->target);
  if (!take_zeros(sweep, &state->sum.dot, n_message) || !(state->norm.dot = take(sweep, (size_t)sweep->n)) ||
      !(state->message.dot = take(sweep, n_message)))
    return false;
  map_forward(sweep, &layer->linear, state->mid.dot, state->sum.dot);
  norm_tangent(sweep, layer, state);
  if (layer->nonlinear) {
    if (!(state->gated.dot = take(sweep, n_target)) || !take_zeros(sweep, &state->a.dot, n_target)) return false;
    if (state->up.dot) map_forward(sweep, &layer->linear_res, state->up.dot, state->message.dot);
    gate(sweep, layer, state, GATE_TANGENT);
    map_forward(sweep, &layer->linear_2, state->gated.dot, state->a.dot);
  } else if (layer->skip_on_message) {
    if (!take_zeros(sweep, &state->a.dot, n_target)) return false;
    map_forward(sweep, &layer->skip, state->message.dot, state->a.dot);
  } else {
    state->a.dot = state->message.dot;
  }
  return true;
}

static bool layer_tangent(ftl_sweep *sweep, int t) {
  const ftl_network_layer *layer = &sweep->network->layer[t];
  layer_state *state = &sweep->layer[t];
  size_t n_product = features(sweep, &layer->spec->product);
  state->input.dot = t > 0 ? sweep->layer[t - 1].output.dot : NULL;
  if (state->input.dot) {
    if (!take_zeros(sweep, &state->up.dot, features(sweep, &layer->spec->edge))) return false;
    map_forward(sweep, &layer->linear_up, state->input.dot, state->up.dot);
  }
  if (!radial_tangent(sweep, layer, state) || !(state->mid.dot = take(sweep, features(sweep, &layer->conv.mid))))
    return false;
  if (!conv_tangent(sweep, &layer->conv, state) || !message_tangent(sweep, layer, state) ||
      !(state->b.dot = take(sweep, n_product)) || !take_zeros(sweep, &state->output.dot, n_product))
    return false;
  product_forward(sweep, &layer->product, &state->a, &state->b, true);
  map_forward(sweep, &layer->product_linear, state->b.dot, state->output.dot);
  if (layer->has_sc && state->input.dot) map_forward(sweep, &layer->skip, state->input.dot, state->output.dot);
  return true;
}

/* ---- reverse ---- */

static bool message_reverse(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n_message = features(sweep, &layer->linear.out), n_target = features(sweep, &layer->spec->target);
  if (layer->nonlinear) {
    if (!take_zeros(sweep, &state->gated.bar, n_target) || !(state->message.bar = take(sweep, n_message))) return false;
    map_reverse(sweep, &layer->linear_2, state->a.bar, state->gated.bar);
    gate(sweep, layer, state, GATE_REVERSE);
    if (state->up.bar) map_reverse(sweep, &layer->linear_res, state->message.bar, state->up.bar);
  } else if (layer->skip_on_message) {
    if (!take_zeros(sweep, &state->message.bar, n_message)) return false;
    map_reverse(sweep, &layer->skip, state->a.bar, state->message.bar);
  } else {
    state->message.bar = state->a.bar;
  }
  if (!(state->sum.bar = take(sweep, n_message)) || !(state->norm.bar = take(sweep, (size_t)sweep->n)) ||
      !(state->density.bar = take(sweep, (size_t)sweep->n)) ||
      !take_zeros(sweep, &state->mid.bar, features(sweep, &layer->conv.mid)))
    return false;
  norm_reverse(sweep, layer, state);
  map_reverse(sweep, &layer->linear, state->sum.bar, state->mid.bar);
  return true;
}

/* From output.bar; adds to the output.bar of the layer before. */
static bool layer_reverse(ftl_sweep *sweep, int t) {
  const ftl_network_layer *layer = &sweep->network->layer[t];
  layer_state *state = &sweep->layer[t];
  state->input.bar = t > 0 ? sweep->layer[t - 1].output.bar : NULL;
  if (!take_zeros(sweep, &state->b.bar, features(sweep, &layer->spec->product)) ||
      !take_zeros(sweep, &state->a.bar, features(sweep, &layer->spec->target)))
    return false;
  map_reverse(sweep, &layer->product_linear, state->output.bar, state->b.bar);
  if (layer->has_sc && state->input.bar) map_reverse(sweep, &layer->skip, state->output.bar, state->input.bar);
  product_reverse(sweep, &layer->product, &state->a, &state->b);
  if (state->input.bar && !take_zeros(sweep, &state->up.bar, features(sweep, &layer->spec->edge))) return false;
  if (!message_reverse(sweep, layer, state)) return false;
  if (!take_zeros(sweep, &state->w.bar, (size_t)sweep->geometry.n_pairs * (size_t)layer->conv.n_weights)) return false;
  conv_reverse(sweep, &layer->conv, state);
  if (!radial_reverse(sweep, layer, state)) return false;
  if (state->input.bar) map_reverse(sweep, &layer->linear_up, state->up.bar, state->input.bar);
  return true;
}

/* ---- second: gradients of the parameters, and the second adjoint as far down as something is trained ---- */

/* From a.til to sum.til and, if something is trained below mid, to mid.til and the density's. */
static bool message_second(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n_message = features(sweep, &layer->linear.out), n_target = features(sweep, &layer->spec->target);
  if (layer->nonlinear) {
    map_gradient(sweep, &layer->linear_2, &state->gated, &state->a);
    if (!take_zeros(sweep, &state->gated.til, n_target) || !(state->message.til = take(sweep, n_message))) return false;
    map_reverse(sweep, &layer->linear_2, state->a.til, state->gated.til);
    gate(sweep, layer, state, GATE_SECOND);
    map_gradient(sweep, &layer->linear_res, &state->up, &state->message);
    if (state->up.til) map_reverse(sweep, &layer->linear_res, state->message.til, state->up.til);
  } else if (layer->skip_on_message) {
    map_gradient(sweep, &layer->skip, &state->message, &state->a);
    if (!take_zeros(sweep, &state->message.til, n_message)) return false;
    map_reverse(sweep, &layer->skip, state->a.til, state->message.til);
  } else {
    state->message.til = state->a.til;
  }
  if (!(state->sum.til = take(sweep, n_message)) || !(state->norm.til = take(sweep, (size_t)sweep->n)) ||
      !(state->density.til = take(sweep, (size_t)sweep->n)))
    return false;
  norm_second(sweep, layer, state);
  map_gradient(sweep, &layer->linear, &state->mid, &state->sum);
  if (!layer->trained_to_mid) return true;
  if (!take_zeros(sweep, &state->mid.til, features(sweep, &layer->conv.mid))) return false;
  map_reverse(sweep, &layer->linear, state->sum.til, state->mid.til);
  return true;
}

static bool edges_second(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  state->w.til = NULL;
  if (layer->trained_in_radial &&
      !take_zeros(sweep, &state->w.til, (size_t)sweep->geometry.n_pairs * (size_t)layer->conv.n_weights))
    return false;
  conv_second(sweep, &layer->conv, state);
  if (layer->trained_in_radial && !radial_second(sweep, layer, state)) return false;
  map_gradient(sweep, &layer->linear_up, &state->input, &state->up);
  if (state->input.til) map_reverse(sweep, &layer->linear_up, state->up.til, state->input.til);
  return true;
}

/* From output.til; adds to the output.til of the layer before where something is trained there. */
static bool layer_second(ftl_sweep *sweep, int t) {
  const ftl_network_layer *layer = &sweep->network->layer[t];
  layer_state *state = &sweep->layer[t];
  if (t > 0) state->input.til = sweep->layer[t - 1].output.til;
  map_gradient(sweep, &layer->product_linear, &state->b, &state->output);
  if (layer->has_sc) {
    map_gradient(sweep, &layer->skip, &state->input, &state->output);
    if (state->input.til) map_reverse(sweep, &layer->skip, state->output.til, state->input.til);
  }
  if (!layer->product.trained && !layer->trained_to_message) return true;
  if (!take_zeros(sweep, &state->b.til, features(sweep, &layer->spec->product))) return false;
  map_reverse(sweep, &layer->product_linear, state->output.til, state->b.til);
  state->a.til = NULL;
  if (layer->trained_to_message && !take_zeros(sweep, &state->a.til, features(sweep, &layer->spec->target)))
    return false;
  if (!product_second(sweep, &layer->product, &state->a, &state->b)) return false;
  if (!layer->trained_to_message) return true;
  state->up.til = NULL;
  if ((layer->trained_in_input || layer->linear_up.trained) &&
      !take_zeros(sweep, &state->up.til, features(sweep, &layer->spec->edge)))
    return false;
  if (!message_second(sweep, layer, state)) return false;
  return !layer->trained_to_mid || edges_second(sweep, layer, state);
}
