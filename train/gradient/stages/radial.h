/* The radial weights and the density of a layer: networks on pairs, times the cutoff where it is not in the basis
   (docs/theory.md, eqs. 6 and 10). */

/* The networks' input: the basis, and for the nonlinear block embeddings of sender and receiver. */
static bool radial_input(ftl_sweep *sweep, const ftl_network_layer *layer, variable *input) {
  const ftl_network *network = sweep->network;
  if (!layer->n_embedding) {
    *input = sweep->geometry.basis;
    return true;
  }
  int n_basis = network->n_basis, n = layer->n_embedding, width = n_basis + 2 * n;
  if (!take_value(sweep, input, (size_t)sweep->geometry.n_pairs * (size_t)width)) return false;
  real factor = (real)(1 / sqrt(network->arch->norm_elements));
  for (int p = 0; p < sweep->geometry.n_pairs; p++) {
    real *x = input->x + (size_t)p * (size_t)width;
    const real *source = theta(sweep, layer->source_embedding + (int64_t)sweep->geometry.pair[p].j * n);
    const real *target = theta(sweep, layer->target_embedding + (int64_t)sweep->geometry.pair[p].i * n);
    for (int k = 0; k < n_basis; k++) x[k] = sweep->geometry.basis.x[(size_t)p * (size_t)n_basis + (size_t)k];
    for (int c = 0; c < n; c++) x[n_basis + c] = factor * source[c], x[n_basis + n + c] = factor * target[c];
  }
  return true;
}

static bool radial_input_tangent(ftl_sweep *sweep, const ftl_network_layer *layer, variable *input) {
  if (!layer->n_embedding) {
    input->dot = sweep->geometry.basis.dot;
    return true;
  }
  size_t n_basis = (size_t)sweep->network->n_basis, width = n_basis + 2 * (size_t)layer->n_embedding;
  input->dot = take(sweep, (size_t)sweep->geometry.n_pairs * width);
  if (!input->dot) return false;
  zero(input->dot, (size_t)sweep->geometry.n_pairs * width);
  for (size_t p = 0; p < (size_t)sweep->geometry.n_pairs; p++)
    memcpy(input->dot + p * width, sweep->geometry.basis.dot + p * n_basis, n_basis * sizeof(real));
  return true;
}

/* Adds the adjoint of a network's input to that of the basis. */
static void radial_input_reverse(ftl_sweep *sweep, const ftl_network_layer *layer, const real *bar) {
  size_t n_basis = (size_t)sweep->network->n_basis, width = n_basis + 2 * (size_t)layer->n_embedding;
  for (size_t p = 0; p < (size_t)sweep->geometry.n_pairs; p++)
    for (size_t k = 0; k < n_basis; k++) sweep->geometry.basis.bar[p * n_basis + k] += bar[p * width + k];
}

/* Does anything that is trained make the input of the networks? */
static bool input_trained(const ftl_sweep *sweep, const ftl_network_layer *layer) {
  return layer->embedding_trained || sweep->network->basis_trained;
}

/* From the second adjoint of a network's input to that of the basis, and to the gradients of the embeddings. */
static void radial_input_second(ftl_sweep *sweep, const ftl_network_layer *layer, const real *til) {
  int n_basis = sweep->network->n_basis, n = layer->n_embedding;
  for (int p = 0; sweep->network->basis_trained && p < sweep->geometry.n_pairs; p++)
    for (int k = 0; k < n_basis; k++)
      sweep->geometry.basis.til[(size_t)p * (size_t)n_basis + (size_t)k] +=
          til[(size_t)p * (size_t)(n_basis + 2 * n) + (size_t)k];
  if (!layer->embedding_trained) return;
  real factor = (real)(1 / sqrt(sweep->network->arch->norm_elements));
  for (int p = 0; p < sweep->geometry.n_pairs; p++, til += n_basis + 2 * n) {
    real *source = sweep->parameter_gradient + layer->source_embedding + (int64_t)sweep->geometry.pair[p].j * n;
    real *target = sweep->parameter_gradient + layer->target_embedding + (int64_t)sweep->geometry.pair[p].i * n;
    for (int c = 0; c < n; c++) source[c] += factor * til[n_basis + c];
    for (int c = 0; c < n; c++) target[c] += factor * til[n_basis + n + c];
  }
}

/* ---- density: sum over neighbours of tanh(q^2) times the cutoff ---- */

static void density_function(real q, real *value, real *d1, real *d2) {
  real t = (real)tanh((double)q * (double)q), dt = 1 - t * t;
  *value = t;
  *d1 = 2 * q * dt;
  *d2 = dt * (2 - 8 * q * q * t);
}

static bool density_forward(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state,
                            const variable *input) {
  if (!net_begin(sweep, &layer->density, &state->density_net, input, sweep->geometry.n_pairs) ||
      !take_value(sweep, &state->density, (size_t)sweep->n))
    return false;
  net_forward(sweep, &layer->density, &state->density_net);
  const real *q = state->density_net.h[layer->density.n_layers - 1].x;
  zero(state->density.x, (size_t)sweep->n);
  for (int e = 0; e < sweep->geometry.n_edges; e++) {
    const int a = sweep->geometry.edge[e].receiver;
    real value, d1, d2;
    int p = sweep->geometry.edge[e].pair;
    density_function(q[p], &value, &d1, &d2);
    state->density.x[a] += value * (real)sweep->geometry.pair[p].cutoff;
  }
  return true;
}

static bool density_tangent(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  if (!net_tangent(sweep, &layer->density, &state->density_net, state->input_net.dot)) return false;
  const variable *q = &state->density_net.h[layer->density.n_layers - 1];
  if (!(state->density.dot = take(sweep, (size_t)sweep->n))) return false;
  zero(state->density.dot, (size_t)sweep->n);
  for (int e = 0; e < sweep->geometry.n_edges; e++) {
    const int a = sweep->geometry.edge[e].receiver;
    real value, d1, d2;
    const pair *p = &sweep->geometry.pair[sweep->geometry.edge[e].pair];
    int k = sweep->geometry.edge[e].pair;
    density_function(q->x[k], &value, &d1, &d2);
    state->density.dot[a] += d1 * q->dot[k] * (real)p->cutoff + value * (real)(p->cutoff_by_r * p->r_dot);
  }
  return true;
}

static bool density_reverse(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  variable *q = &state->density_net.h[layer->density.n_layers - 1];
  if (!(q->bar = take(sweep, (size_t)sweep->geometry.n_pairs))) return false;
  zero(q->bar, (size_t)sweep->geometry.n_pairs);
  for (int e = 0; e < sweep->geometry.n_edges; e++) {
    const int a = sweep->geometry.edge[e].receiver;
    real value, d1, d2;
    int k = sweep->geometry.edge[e].pair;
    pair *p = &sweep->geometry.pair[k];
    density_function(q->x[k], &value, &d1, &d2);
    q->bar[k] += state->density.bar[a] * d1 * (real)p->cutoff;
    p->r_bar += (double)(state->density.bar[a] * value) * p->cutoff_by_r;
  }
  if (!net_reverse(sweep, &layer->density, &state->density_net)) return false;
  radial_input_reverse(sweep, layer, state->density_net.input.bar);
  return true;
}

static bool density_second(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  variable *q = &state->density_net.h[layer->density.n_layers - 1];
  if (!(q->til = take(sweep, (size_t)sweep->geometry.n_pairs))) return false;
  zero(q->til, (size_t)sweep->geometry.n_pairs);
  for (int e = 0; e < sweep->geometry.n_edges; e++) {
    const int a = sweep->geometry.edge[e].receiver;
    real value, d1, d2;
    int k = sweep->geometry.edge[e].pair;
    const pair *p = &sweep->geometry.pair[k];
    density_function(q->x[k], &value, &d1, &d2);
    q->til[k] += state->density.til[a] * d1 * (real)p->cutoff +
                 state->density.bar[a] * (d2 * q->dot[k] * (real)p->cutoff + d1 * (real)(p->cutoff_by_r * p->r_dot));
  }
  if (!net_second(sweep, &layer->density, &state->density_net, input_trained(sweep, layer))) return false;
  if (input_trained(sweep, layer)) radial_input_second(sweep, layer, state->density_net.input.til);
  return true;
}

/* ---- frozen radial functions: values and slopes along r, made once; the networks are not needed again ---- */

/* A network's output and its derivative by r on all pairs; in memory of this structure. */
static bool frozen_network(ftl_sweep *sweep, const ftl_net *net, net_state *state, const variable *input,
                           const variable **output) {
  if (!net_begin(sweep, net, state, input, sweep->geometry.n_pairs)) return false;
  net_forward(sweep, net, state);
  *output = &state->h[net->n_layers - 1];
  return net_tangent(sweep, net, state, input->dot);
}

static bool frozen_density(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state,
                           const variable *input) {
  net_state net;
  const variable *q;
  if (!frozen_network(sweep, &layer->density, &net, input, &q)) return false;
  for (int p = 0; p < sweep->geometry.n_pairs; p++) {
    real value, d1, d2;
    const pair *this = &sweep->geometry.pair[p];
    density_function(q->x[p], &value, &d1, &d2);
    state->density_of_pair[p] = value * (real)this->cutoff;
    state->density_by_r[p] = d1 * q->dot[p] * (real)this->cutoff + value * (real)this->cutoff_by_r;
  }
  return true;
}

static bool frozen_functions(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n = (size_t)layer->conv.n_weights, pairs = (size_t)sweep->geometry.n_pairs;
  net_state net;
  const variable *raw;
  variable input;
  real *along = sweep->geometry.basis.dot; /* the tangent's input is the derivative by r */
  sweep->geometry.basis.dot = sweep->geometry.basis_by_r;
  bool made = radial_input(sweep, layer, &input) && radial_input_tangent(sweep, layer, &input) &&
              frozen_network(sweep, &layer->weights, &net, &input, &raw);
  sweep->geometry.basis.dot = along;
  if (!made) return false;
  for (size_t p = 0; p < pairs; p++) {
    real cutoff = (real)sweep->geometry.pair[p].cutoff, by_r = (real)sweep->geometry.pair[p].cutoff_by_r;
    for (size_t k = p * n; k < (p + 1) * n; k++) {
      state->w.x[k] = raw->x[k] * cutoff;
      state->w_by_r[k] = raw->dot[k] * cutoff + raw->x[k] * by_r;
    }
  }
  return !layer->traits.has_density || frozen_density(sweep, layer, state, &input);
}

static bool frozen_forward(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n = (size_t)layer->conv.n_weights, pairs = (size_t)sweep->geometry.n_pairs;
  if (!sweep->restored) {
    keep_if(sweep, true);
    state->w_by_r = take(sweep, pairs * n);
    state->density_of_pair = take(sweep, pairs);
    state->density_by_r = take(sweep, pairs);
    bool taken =
        take_value(sweep, &state->w, pairs * n) && state->w_by_r && state->density_of_pair && state->density_by_r;
    keep_if(sweep, false);
    if (!taken || !frozen_functions(sweep, layer, state)) return false;
  }
  if (!layer->traits.has_density) return true;
  if (!take_value(sweep, &state->density, (size_t)sweep->n)) return false;
  zero(state->density.x, (size_t)sweep->n);
  for (int e = 0; e < sweep->geometry.n_edges; e++)
    state->density.x[sweep->geometry.edge[e].receiver] += state->density_of_pair[sweep->geometry.edge[e].pair];
  return true;
}

/* What the slices of pairs share. */
typedef struct {
  ftl_sweep *sweep;
  layer_state *state;
  size_t n; /* weights of a pair */
  int n_slices;
} frozen_work;

static void share_frozen(ftl_sweep *sweep, layer_state *state, size_t n, ftl_slice slice) {
  frozen_work work = {sweep, state, n, slices_of(sweep->geometry.n_pairs, 64, 16)};
  share(sweep, work.n_slices, slice, &work);
}

static void frozen_tangent_slice(void *shared, int slice) {
  const frozen_work *work = shared;
  const geometry *all = &work->sweep->geometry;
  const int end = slice_start(all->n_pairs, slice + 1, work->n_slices);
  for (int p = slice_start(all->n_pairs, slice, work->n_slices); p < end; p++) {
    const real r_dot = (real)all->pair[p].r_dot;
    for (size_t k = (size_t)p * work->n; k < ((size_t)p + 1) * work->n; k++)
      work->state->w.dot[k] = work->state->w_by_r[k] * r_dot;
  }
}

static bool frozen_tangent(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n = (size_t)layer->conv.n_weights, pairs = (size_t)sweep->geometry.n_pairs;
  if (!(state->w.dot = take(sweep, pairs * n))) return false;
  share_frozen(sweep, state, n, frozen_tangent_slice);
  if (!layer->traits.has_density) return true;
  if (!(state->density.dot = take(sweep, (size_t)sweep->n))) return false;
  zero(state->density.dot, (size_t)sweep->n);
  for (int e = 0; e < sweep->geometry.n_edges; e++) {
    const edge *this = &sweep->geometry.edge[e];
    state->density.dot[this->receiver] +=
        state->density_by_r[this->pair] * (real)sweep->geometry.pair[this->pair].r_dot;
  }
  return true;
}

static void frozen_reverse_slice(void *shared, int slice) {
  const frozen_work *work = shared;
  const geometry *all = &work->sweep->geometry;
  const int end = slice_start(all->n_pairs, slice + 1, work->n_slices);
  for (int p = slice_start(all->n_pairs, slice, work->n_slices); p < end; p++) {
    const real *bar = work->state->w.bar + (size_t)p * work->n, *by_r = work->state->w_by_r + (size_t)p * work->n;
    vec sum = {0};
    for (size_t k = 0; k < work->n; k += (size_t)LANES) {
      int width = work->n - k < (size_t)LANES ? (int)(work->n - k) : LANES;
      sum += load_part(bar + k, width) * load_part(by_r + k, width);
    }
    all->pair[p].r_bar += (double)lane_sum(sum);
  }
}

static void frozen_reverse(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  share_frozen(sweep, state, (size_t)layer->conv.n_weights, frozen_reverse_slice);
  for (int e = 0; layer->traits.has_density && e < sweep->geometry.n_edges; e++) {
    const edge *this = &sweep->geometry.edge[e];
    sweep->geometry.pair[this->pair].r_bar +=
        (double)(state->density.bar[this->receiver] * state->density_by_r[this->pair]);
  }
}

/* ---- radial weights: w = network, times the cutoff where it is not in the basis ---- */

static bool radial_forward(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n = (size_t)layer->conv.n_weights, pairs = (size_t)sweep->geometry.n_pairs;
  if (!layer->trained_in_radial) return frozen_forward(sweep, layer, state);
  if (!radial_input(sweep, layer, &state->input_net) ||
      !net_begin(sweep, &layer->weights, &state->weights, &state->input_net, sweep->geometry.n_pairs))
    return false;
  net_forward(sweep, &layer->weights, &state->weights);
  const real *raw = state->weights.h[layer->weights.n_layers - 1].x;
  state->w = (variable){.x = (real *)raw};
  if (!sweep->network->arch->apply_cutoff) {
    if (!take_value(sweep, &state->w, pairs * n)) return false;
    for (size_t p = 0; p < pairs; p++)
      for (size_t k = 0; k < n; k++) state->w.x[p * n + k] = raw[p * n + k] * (real)sweep->geometry.pair[p].cutoff;
  }
  return !layer->traits.has_density || density_forward(sweep, layer, state, &state->input_net);
}

static bool radial_tangent(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n = (size_t)layer->conv.n_weights, pairs = (size_t)sweep->geometry.n_pairs;
  if (!layer->trained_in_radial) return frozen_tangent(sweep, layer, state);
  if (!radial_input_tangent(sweep, layer, &state->input_net) ||
      !net_tangent(sweep, &layer->weights, &state->weights, state->input_net.dot))
    return false;
  const variable *raw = &state->weights.h[layer->weights.n_layers - 1];
  state->w.dot = raw->dot;
  if (!sweep->network->arch->apply_cutoff) {
    if (!(state->w.dot = take(sweep, pairs * n))) return false;
    for (size_t p = 0; p < pairs; p++) {
      real cutoff = (real)sweep->geometry.pair[p].cutoff,
           dot = (real)(sweep->geometry.pair[p].cutoff_by_r * sweep->geometry.pair[p].r_dot);
      for (size_t k = 0; k < n; k++) state->w.dot[p * n + k] = raw->dot[p * n + k] * cutoff + raw->x[p * n + k] * dot;
    }
  }
  return !layer->traits.has_density || density_tangent(sweep, layer, state);
}

/* From w.bar and density.bar to basis.bar and the pairs' r_bar. */
static bool radial_reverse(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n = (size_t)layer->conv.n_weights, pairs = (size_t)sweep->geometry.n_pairs;
  if (!layer->trained_in_radial) {
    frozen_reverse(sweep, layer, state);
    return true;
  }
  variable *raw = &state->weights.h[layer->weights.n_layers - 1];
  raw->bar = state->w.bar;
  if (!sweep->network->arch->apply_cutoff) {
    if (!(raw->bar = take(sweep, pairs * n))) return false;
    for (size_t p = 0; p < pairs; p++) {
      real cutoff = (real)sweep->geometry.pair[p].cutoff, along = 0;
      for (size_t k = 0; k < n; k++) {
        raw->bar[p * n + k] = state->w.bar[p * n + k] * cutoff;
        along += state->w.bar[p * n + k] * raw->x[p * n + k];
      }
      sweep->geometry.pair[p].r_bar += (double)along * sweep->geometry.pair[p].cutoff_by_r;
    }
  }
  if (!net_reverse(sweep, &layer->weights, &state->weights)) return false;
  radial_input_reverse(sweep, layer, state->weights.input.bar);
  return !layer->traits.has_density || density_reverse(sweep, layer, state);
}

/* From w.til and density.til to the gradients of the networks and embeddings, and to basis.til. */
static bool radial_second(ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state) {
  size_t n = (size_t)layer->conv.n_weights, pairs = (size_t)sweep->geometry.n_pairs;
  variable *raw = &state->weights.h[layer->weights.n_layers - 1];
  raw->til = state->w.til;
  if (!sweep->network->arch->apply_cutoff)
    for (size_t p = 0; p < pairs; p++) { /* in place */
      real cutoff = (real)sweep->geometry.pair[p].cutoff,
           dot = (real)(sweep->geometry.pair[p].cutoff_by_r * sweep->geometry.pair[p].r_dot);
      for (size_t k = 0; k < n; k++)
        raw->til[p * n + k] = state->w.til[p * n + k] * cutoff + state->w.bar[p * n + k] * dot;
    }
  if (layer->weights.trained || input_trained(sweep, layer)) {
    if (!net_second(sweep, &layer->weights, &state->weights, input_trained(sweep, layer))) return false;
    if (input_trained(sweep, layer)) radial_input_second(sweep, layer, state->weights.input.til);
  }
  if (!layer->traits.has_density || !(layer->density.trained || input_trained(sweep, layer))) return true;
  return density_second(sweep, layer, state);
}
