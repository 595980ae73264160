/* Readouts, MACE (12) and (13), in the four sweeps. Energies of all heads are made, and only the chosen head's matter;
   or there is one for whatever head (NequIP's). */

/* Hidden units are grouped by head; those of other heads are masked. */
static bool is_masked(const ftl_sweep *sweep, const ftl_readout *spec, int unit) {
  int n_hidden = ftl_irreps_dim(&spec->mlp);
  return spec->masks_heads && unit / (n_hidden / sweep->network->arch->n_heads) != sweep->head;
}

static void hidden_sweep(const ftl_sweep *sweep, const ftl_readout *spec, const variable *h, const variable *a,
                         gate_sweep which) {
  int n = ftl_irreps_dim(&spec->mlp);
  for (int k = 0; k < sweep->n * n; k++) {
    real d1, d2, value = scaled((ftl_activation)spec->gate, spec->gate_cst, h->x[k], &d1, &d2);
    if (is_masked(sweep, spec, k % n)) value = d1 = d2 = 0;
    switch (which) {
    case GATE_FORWARD:
      a->x[k] = value;
      break;
    case GATE_TANGENT:
      a->dot[k] = d1 * h->dot[k];
      break;
    case GATE_REVERSE:
      h->bar[k] = d1 * a->bar[k];
      break;
    case GATE_SECOND:
      h->til[k] = d1 * a->til[k] + d2 * h->dot[k] * a->bar[k];
      break;
    }
  }
}

static bool readout_forward(ftl_sweep *sweep, int k) {
  const ftl_network_readout *readout = &sweep->network->readout[k];
  readout_state *state = &sweep->readout[k];
  const variable *x = &sweep->layer[readout->spec->layer].f[FTL_FEATURES_OUTPUT];
  size_t n = (size_t)sweep->n, hidden = n * (size_t)ftl_irreps_dim(&readout->spec->mlp);
  *state = (readout_state){0};
  if (readout->spec->kind == FTL_READOUT_NET) {
    if (!net_begin(sweep, &readout->net, &state->net, x, sweep->n)) return false;
    net_forward(sweep, &readout->net, &state->net);
    state->energies = state->net.h[readout->net.n_layers - 1];
    return true;
  }
  if (!take_zeros(sweep, &state->energies.x, n * (size_t)readout->n_out)) return false;
  if (readout->spec->kind == FTL_READOUT_LINEAR) {
    map_forward(sweep, &readout->linear, x->x, state->energies.x);
    return true;
  }
  if (!take_zeros(sweep, &state->h1.x, hidden) || !take_value(sweep, &state->a1, hidden)) return false;
  map_forward(sweep, &readout->linear_1, x->x, state->h1.x);
  map_offsets(sweep, &readout->linear_1, state->h1.x);
  hidden_sweep(sweep, readout->spec, &state->h1, &state->a1, GATE_FORWARD);
  const variable *last = &state->a1;
  if (readout->spec->kind == FTL_READOUT_NONLINEAR_BIAS) {
    if (!take_zeros(sweep, &state->h2.x, hidden) || !take_value(sweep, &state->a2, hidden)) return false;
    map_forward(sweep, &readout->linear_mid, state->a1.x, state->h2.x);
    map_offsets(sweep, &readout->linear_mid, state->h2.x);
    hidden_sweep(sweep, readout->spec, &state->h2, &state->a2, GATE_FORWARD);
    last = &state->a2;
  }
  map_forward(sweep, &readout->linear_2, last->x, state->energies.x);
  map_offsets(sweep, &readout->linear_2, state->energies.x);
  return true;
}

static bool readout_tangent(ftl_sweep *sweep, int k) {
  const ftl_network_readout *readout = &sweep->network->readout[k];
  readout_state *state = &sweep->readout[k];
  const variable *x = &sweep->layer[readout->spec->layer].f[FTL_FEATURES_OUTPUT];
  size_t n = (size_t)sweep->n, hidden = n * (size_t)ftl_irreps_dim(&readout->spec->mlp);
  if (readout->spec->kind == FTL_READOUT_NET) {
    if (!net_tangent(sweep, &readout->net, &state->net, x->dot)) return false;
    state->energies.dot = state->net.h[readout->net.n_layers - 1].dot;
    return true;
  }
  if (!take_zeros(sweep, &state->energies.dot, n * (size_t)readout->n_out)) return false;
  if (readout->spec->kind == FTL_READOUT_LINEAR) {
    map_forward(sweep, &readout->linear, x->dot, state->energies.dot);
    return true;
  }
  if (!take_zeros(sweep, &state->h1.dot, hidden) || !(state->a1.dot = take(sweep, hidden))) return false;
  map_forward(sweep, &readout->linear_1, x->dot, state->h1.dot);
  hidden_sweep(sweep, readout->spec, &state->h1, &state->a1, GATE_TANGENT);
  const variable *last = &state->a1;
  if (readout->spec->kind == FTL_READOUT_NONLINEAR_BIAS) {
    if (!take_zeros(sweep, &state->h2.dot, hidden) || !(state->a2.dot = take(sweep, hidden))) return false;
    map_forward(sweep, &readout->linear_mid, state->a1.dot, state->h2.dot);
    hidden_sweep(sweep, readout->spec, &state->h2, &state->a2, GATE_TANGENT);
    last = &state->a2;
  }
  map_forward(sweep, &readout->linear_2, last->dot, state->energies.dot);
  return true;
}

/* An atom's energy, of the head. */
static size_t energy_at(const ftl_sweep *sweep, const ftl_network_readout *readout, int a) {
  return (size_t)(a * readout->n_out + (readout->n_out > 1 ? sweep->head : 0));
}

/* dE/d(energies) is the scale, times `factor`. */
static bool energies_adjoint(ftl_sweep *sweep, const ftl_network_readout *readout, real **adjoint, double factor) {
  if (!take_zeros(sweep, adjoint, (size_t)(sweep->n * readout->n_out))) return false;
  for (int a = 0; a < sweep->n; a++)
    (*adjoint)[energy_at(sweep, readout, a)] = (real)(factor * scale_of(sweep, sweep->geometry.species[a]));
  return true;
}

/* Adds what a network's input gets. */
static void add(real *to, const real *from, size_t n) {
  for (size_t k = 0; k < n; k++) to[k] += from[k];
}

/* Adds to the output.bar of the layer that it reads. */
static bool readout_reverse(ftl_sweep *sweep, int k) {
  const ftl_network_readout *readout = &sweep->network->readout[k];
  readout_state *state = &sweep->readout[k];
  real *x_bar = sweep->layer[readout->spec->layer].f[FTL_FEATURES_OUTPUT].bar;
  size_t hidden = (size_t)sweep->n * (size_t)ftl_irreps_dim(&readout->spec->mlp);
  if (!energies_adjoint(sweep, readout, &state->energies.bar, 1)) return false;
  if (readout->spec->kind == FTL_READOUT_NET) {
    state->net.h[readout->net.n_layers - 1].bar = state->energies.bar;
    if (!net_reverse(sweep, &readout->net, &state->net)) return false;
    add(x_bar, state->net.input.bar, features(sweep, &readout->spec->in));
    return true;
  }
  if (readout->spec->kind == FTL_READOUT_LINEAR) {
    map_reverse(sweep, &readout->linear, state->energies.bar, x_bar);
    return true;
  }
  variable *last = readout->spec->kind == FTL_READOUT_NONLINEAR_BIAS ? &state->a2 : &state->a1;
  if (!take_zeros(sweep, &last->bar, hidden)) return false;
  map_reverse(sweep, &readout->linear_2, state->energies.bar, last->bar);
  if (last == &state->a2) {
    if (!(state->h2.bar = take(sweep, hidden)) || !take_zeros(sweep, &state->a1.bar, hidden)) return false;
    hidden_sweep(sweep, readout->spec, &state->h2, &state->a2, GATE_REVERSE);
    map_reverse(sweep, &readout->linear_mid, state->h2.bar, state->a1.bar);
  }
  if (!(state->h1.bar = take(sweep, hidden))) return false;
  hidden_sweep(sweep, readout->spec, &state->h1, &state->a1, GATE_REVERSE);
  map_reverse(sweep, &readout->linear_1, state->h1.bar, x_bar);
  return true;
}

/* Gradients of the readout; adds to the output.til of the layer that it reads where that is wanted. */
static bool readout_second(ftl_sweep *sweep, int k, double d_energy) {
  const ftl_network_readout *readout = &sweep->network->readout[k];
  readout_state *state = &sweep->readout[k];
  const variable *x = &sweep->layer[readout->spec->layer].f[FTL_FEATURES_OUTPUT];
  size_t hidden = (size_t)sweep->n * (size_t)ftl_irreps_dim(&readout->spec->mlp);
  if (!energies_adjoint(sweep, readout, &state->energies.til, d_energy)) return false;
  if (readout->spec->kind == FTL_READOUT_NET) {
    state->net.h[readout->net.n_layers - 1].til = state->energies.til;
    if (!net_second(sweep, &readout->net, &state->net, x->til != NULL)) return false;
    if (x->til) add(x->til, state->net.input.til, features(sweep, &readout->spec->in));
    return true;
  }
  if (readout->spec->kind == FTL_READOUT_LINEAR) {
    map_gradient(sweep, &readout->linear, x, &state->energies);
    if (x->til) map_reverse(sweep, &readout->linear, state->energies.til, x->til);
    return true;
  }
  variable *last = readout->spec->kind == FTL_READOUT_NONLINEAR_BIAS ? &state->a2 : &state->a1;
  map_gradient(sweep, &readout->linear_2, last, &state->energies);
  if (!take_zeros(sweep, &last->til, hidden)) return false;
  map_reverse(sweep, &readout->linear_2, state->energies.til, last->til);
  if (last == &state->a2) {
    if (!(state->h2.til = take(sweep, hidden)) || !take_zeros(sweep, &state->a1.til, hidden)) return false;
    hidden_sweep(sweep, readout->spec, &state->h2, &state->a2, GATE_SECOND);
    map_gradient(sweep, &readout->linear_mid, &state->a1, &state->h2);
    map_reverse(sweep, &readout->linear_mid, state->h2.til, state->a1.til);
  }
  if (!(state->h1.til = take(sweep, hidden))) return false;
  hidden_sweep(sweep, readout->spec, &state->h1, &state->a1, GATE_SECOND);
  map_gradient(sweep, &readout->linear_1, x, &state->h1);
  if (x->til) map_reverse(sweep, &readout->linear_1, state->h1.til, x->til);
  return true;
}
