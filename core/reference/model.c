/* The model: embedding, layers, readouts, energies; then the reverse down to forces and virial. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "reference/reference.h"

static ftl_status check_graph(const ftl_ref_run *run, ftl_error *error) {
  const ftl_graph *graph = run->graph;
  if (graph->n_total != graph->n_local)
    return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "the reference takes no ghost atoms: n_total must be n_local");
  for (int i = 0; i < run->n; i++) {
    if (graph->species[i] >= run->source->arch.n_elements)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "atom %d has species %d, and the model has %d elements", i,
                      graph->species[i], run->source->arch.n_elements);
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      const int j = graph->sender[e];
      if (j < 0 || j >= run->n || graph->species[i] < 0 || graph->species[j] < 0)
        return ftl_fail(error, FTL_ERR_INPUT, NULL, "atom %d has an edge to atom %d, which the model does not see", i,
                        j);
      if (!(run->length[e] > 0) || !isfinite(run->length[e]))
        return ftl_fail(error, FTL_ERR_INPUT, NULL, "atoms %d and %d are in one place or have no finite distance", i,
                        j);
    }
  }
  return FTL_OK;
}

/* Scale, shift, E0 of the head. MACE has one scale and shift for all elements, NequIP a scale for each. */
static ftl_status prepare_energies(ftl_ref_run *run, ftl_error *error) {
  const ftl_source *source = run->source;
  const ftl_architecture *arch = &source->arch;
  ftl_arena *memory = &run->memory;
  const double *values;
  double *scale;
  FTL_TRY(ftl_ref_weights(memory, source, (int64_t)arch->n_heads * arch->n_elements, &values, error,
                          "atomic_energies_fn.atomic_energies"));
  run->e0 = values + (int64_t)run->head * arch->n_elements;
  FTL_TRY(ftl_ref_doubles(memory, arch->n_elements, &scale, error));
  run->scale = scale;
  run->shift = 0;
  if (arch->family == FTL_FAMILY_NEQUIP) {
    FTL_TRY(ftl_ref_weights(memory, source, (int64_t)arch->n_heads * arch->n_elements, &values, error,
                            "scale_shift.scale"));
    run->scale = values + (int64_t)run->head * arch->n_elements;
    return FTL_OK;
  }
  for (int k = 0; k < arch->n_elements; k++) scale[k] = 1;
  if (!arch->scale_shift) return FTL_OK;
  FTL_TRY(ftl_ref_weights(memory, source, arch->n_heads, &values, error, "scale_shift.scale"));
  for (int k = 0; k < arch->n_elements; k++) scale[k] = values[run->head];
  FTL_TRY(ftl_ref_weights(memory, source, arch->n_heads, &values, error, "scale_shift.shift"));
  run->shift = values[run->head];
  return FTL_OK;
}

/* Rows of the embedding by element, with what the head and the bias add. */
static ftl_status prepare_embedding(ftl_ref_run *run, ftl_error *error) {
  const ftl_source *source = run->source;
  const ftl_architecture *arch = &source->arch;
  const int n_elements = arch->n_elements, channels = ftl_irreps_dim(&arch->layer[0].node_feats);
  const bool by_head = arch->nequip.head_embedding;
  const double factor = 1 / sqrt(arch->norm_elements + (by_head ? arch->norm_heads : 0));
  const double *weight, *heads = NULL, *bias = NULL;
  double *embedding;
  FTL_TRY(ftl_ref_doubles(&run->memory, (int64_t)n_elements * channels, &embedding, error));
  FTL_TRY(ftl_ref_weights(&run->memory, source, (int64_t)n_elements * channels, &weight, error,
                          "node_embedding.linear.weight"));
  if (by_head)
    FTL_TRY(ftl_ref_weights(&run->memory, source, (int64_t)arch->n_heads * channels, &heads, error,
                            "node_embedding.linear.heads"));
  if (arch->nequip.biased)
    FTL_TRY(ftl_ref_weights(&run->memory, source, channels, &bias, error, "node_embedding.linear.bias"));
  for (int k = 0; k < n_elements; k++)
    for (int c = 0; c < channels; c++)
      embedding[k * channels + c] = factor * weight[k * channels + c] +
                                    (heads ? factor * heads[run->head * channels + c] : 0) + (bias ? bias[c] : 0);
  run->embedding = embedding;
  return FTL_OK;
}

static int larger(int a, int b) { return a > b ? a : b; }

/* Scratch rows that hold whatever one atom or one edge of any layer has. */
static ftl_status prepare_scratch(ftl_ref_run *run, ftl_error *error) {
  int features = 1, inputs = 1, weights = 1;
  for (int t = 0; t < run->source->arch.n_layers; t++) {
    const ftl_ref_layer *layer = &run->layer[t];
    for (int f = 0; f < FTL_N_FEATURES; f++) features = larger(features, ftl_irreps_dim(&layer->operations.irreps[f]));
    inputs = larger(inputs, layer->weights.size[0]);
    weights = larger(weights, layer->conv.n_weights);
  }
  ftl_arena *memory = &run->memory;
  FTL_TRY(ftl_ref_doubles(memory, features, &run->row_a, error));
  FTL_TRY(ftl_ref_doubles(memory, inputs, &run->edge_in, error));
  FTL_TRY(ftl_ref_doubles(memory, inputs, &run->d_edge_in, error));
  FTL_TRY(ftl_ref_doubles(memory, weights, &run->edge_w, error));
  return ftl_ref_doubles(memory, weights, &run->d_edge_w, error);
}

static ftl_status prepare(ftl_ref_run *run, ftl_error *error) {
  const ftl_source *source = run->source;
  const ftl_architecture *arch = &source->arch;
  ftl_arena *memory = &run->memory;
  if (run->head < 0 || run->head >= arch->n_heads)
    return ftl_fail(error, FTL_ERR_ARGUMENT, source->path, "there is no head %d", run->head);
  run->l_max = arch->sh.n - 1;
  for (int l = 0; l < arch->sh.n; l++)
    if (arch->sh.block[l].l != l || arch->sh.block[l].mul != 1 || l > FTL_REF_L_MAX)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "the harmonics are not one each of l = 0 .. at most %d",
                      FTL_REF_L_MAX);
  const int n_sh = (run->l_max + 1) * (run->l_max + 1);
  const struct {
    double **array;
    int64_t count;
  } arrays[] = {
      {&run->length, run->n_edges},
      {&run->y, run->n_edges * n_sh},
      {&run->d_y, run->n_edges * n_sh},
      {&run->basis, run->n_edges * arch->num_bessel},
      {&run->d_basis, run->n_edges * arch->num_bessel},
      {&run->basis_by_r, run->n_edges * arch->num_bessel},
      {&run->cutoff, run->n_edges},
      {&run->d_cutoff, run->n_edges},
      {&run->cutoff_by_r, run->n_edges},
      {&run->zbl_by_r, run->n_edges},
      {&run->zbl_energy, run->n},
      {&run->node_energy, run->n},
  };
  for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
    FTL_TRY(ftl_ref_doubles(memory, arrays[k].count, arrays[k].array, error));
  run->d_vector = ftl_arena_take(memory, (size_t)run->n_edges, sizeof *run->d_vector);
  FTL_TRY(ftl_arena_check(memory, error, "the reference"));
  for (int64_t e = 0; e < run->n_edges; e++) {
    const double *v = run->graph->vector[e];
    run->length[e] = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  }
  FTL_TRY(check_graph(run, error));

  FTL_TRY(ftl_ref_radial_prepare(&run->radial, source, memory, error));
  if (arch->pair_repulsion) FTL_TRY(ftl_ref_zbl_prepare(&run->zbl, source, memory, error));
  FTL_TRY(prepare_energies(run, error));
  for (int t = 0; t < arch->n_layers; t++) FTL_TRY(ftl_ref_layer_prepare(run, t, error));
  FTL_TRY(prepare_embedding(run, error));
  for (int k = 0; k < arch->n_readouts; k++) {
    FTL_TRY(ftl_ref_readout_prepare(&run->readout[k], source, k, run->head, memory, error));
    FTL_TRY(ftl_ref_doubles(memory, run->n, &run->readout_energy[k], error));
  }
  return prepare_scratch(run, error);
}

ftl_status ftl_ref_run_new(const ftl_source *source, int head, const ftl_graph *graph, ftl_ref_run **run,
                           ftl_error *error) {
  *run = calloc(1, sizeof **run);
  if (!*run) return ftl_no_memory(error, NULL, "the reference");
  (*run)->source = source;
  (*run)->graph = graph;
  (*run)->head = head;
  (*run)->n = graph->n_local;
  (*run)->n_edges = graph->first_edge[graph->n_local];
  const ftl_status status = prepare(*run, error);
  if (status != FTL_OK) {
    ftl_ref_run_free(*run);
    *run = NULL;
  }
  return status;
}

void ftl_ref_run_free(ftl_ref_run *run) {
  if (!run) return;
  ftl_arena_free(&run->memory);
  free(run);
}

/* Harmonics, basis, cutoff and pair energy of every edge. */
static void geometry(ftl_ref_run *run) {
  const ftl_graph *graph = run->graph;
  const ftl_architecture *arch = &run->source->arch;
  const int n_sh = (run->l_max + 1) * (run->l_max + 1), n_basis = run->radial.n;
  for (int i = 0; i < run->n; i++) {
    run->zbl_energy[i] = 0;
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      if (run->length[e] >= arch->r_max) continue;
      const double r = run->length[e], *v = graph->vector[e];
      const double from_sender[3] = {-v[0], -v[1], -v[2]};
      const int z_i = arch->atomic_numbers[graph->species[i]];
      const int z_j = arch->atomic_numbers[graph->species[graph->sender[e]]];
      (arch->nequip.raw_harmonics ? ftl_ref_raw_harmonics : ftl_ref_harmonics)(from_sender, run->l_max,
                                                                               run->y + e * n_sh);
      double *b = run->basis + e * n_basis, *b_by_r = run->basis_by_r + e * n_basis, cutoff_by_r;
      ftl_ref_basis(&run->radial, r, z_i, z_j, b, b_by_r);
      const double cutoff = ftl_ref_envelope(&run->radial, r, &cutoff_by_r);
      if (arch->apply_cutoff) {
        for (int k = 0; k < n_basis; k++) {
          b_by_r[k] = b_by_r[k] * cutoff + b[k] * cutoff_by_r;
          b[k] *= cutoff;
        }
        run->cutoff[e] = 1, run->cutoff_by_r[e] = 0;
      } else {
        run->cutoff[e] = cutoff, run->cutoff_by_r[e] = cutoff_by_r;
      }
      if (arch->pair_repulsion) run->zbl_energy[i] += ftl_ref_zbl_energy(&run->zbl, r, z_i, z_j, &run->zbl_by_r[e]);
    }
  }
}

void ftl_ref_run_forward(ftl_ref_run *run) {
  const ftl_architecture *arch = &run->source->arch;
  const int *species = run->graph->species;
  geometry(run);
  const int channels = ftl_irreps_dim(&arch->layer[0].node_feats);
  for (int i = 0; i < run->n; i++)
    for (int c = 0; c < channels && species[i] >= 0; c++)
      run->layer[0].x[FTL_FEATURES_INPUT][i * channels + c] = run->embedding[species[i] * channels + c];
  for (int t = 0; t < arch->n_layers; t++) {
    ftl_ref_layer_forward(run, t);
    if (t + 1 < arch->n_layers)
      memcpy(run->layer[t + 1].x[FTL_FEATURES_INPUT], run->layer[t].x[FTL_FEATURES_OUTPUT],
             (size_t)run->n * (size_t)ftl_irreps_dim(&arch->layer[t].product) * sizeof(double));
  }
  run->energy = 0;
  for (int i = 0; i < run->n; i++) {
    if (species[i] < 0) continue;
    double interaction = run->zbl_energy[i];
    for (int k = 0; k < arch->n_readouts; k++) {
      const ftl_ref_layer *layer = &run->layer[run->readout[k].layer];
      const double *x = layer->x[FTL_FEATURES_OUTPUT] + (int64_t)i * ftl_irreps_dim(&layer->spec->product);
      run->readout_energy[k][i] = ftl_ref_readout_forward(&run->readout[k], x);
      interaction += run->readout_energy[k][i];
    }
    run->node_energy[i] = run->e0[species[i]] + run->scale[species[i]] * interaction + run->shift;
    run->energy += run->node_energy[i];
  }
}

void ftl_ref_run_reverse(ftl_ref_run *run) {
  const ftl_architecture *arch = &run->source->arch;
  const int n_sh = (run->l_max + 1) * (run->l_max + 1), n_basis = run->radial.n;
  memset(run->d_y, 0, (size_t)run->n_edges * (size_t)n_sh * sizeof(double));
  memset(run->d_basis, 0, (size_t)run->n_edges * (size_t)n_basis * sizeof(double));
  memset(run->d_cutoff, 0, (size_t)run->n_edges * sizeof(double));
  for (int t = 0; t < arch->n_layers; t++)
    memset(run->layer[t].d[FTL_FEATURES_OUTPUT], 0,
           (size_t)run->n * (size_t)ftl_irreps_dim(&arch->layer[t].product) * sizeof(double));
  for (int k = 0; k < arch->n_readouts; k++) {
    ftl_ref_layer *layer = &run->layer[run->readout[k].layer];
    const int64_t width = ftl_irreps_dim(&layer->spec->product);
    for (int i = 0; i < run->n; i++)
      if (run->graph->species[i] >= 0)
        ftl_ref_readout_reverse(&run->readout[k], layer->x[FTL_FEATURES_OUTPUT] + i * width,
                                run->scale[run->graph->species[i]], layer->d[FTL_FEATURES_OUTPUT] + i * width);
  }
  for (int t = arch->n_layers - 1; t >= 0; t--) {
    ftl_ref_layer_reverse(run, t);
    if (t == 0) break;
    const int64_t size = (int64_t)run->n * ftl_irreps_dim(&arch->layer[t].node_feats);
    for (int64_t k = 0; k < size; k++)
      run->layer[t - 1].d[FTL_FEATURES_OUTPUT][k] += run->layer[t].d[FTL_FEATURES_INPUT][k];
  }

  for (int64_t e = 0; e < run->n_edges; e++) {
    double *d_vector = run->d_vector[e];
    d_vector[0] = d_vector[1] = d_vector[2] = 0;
    if (run->length[e] >= arch->r_max) continue;
    const double *v = run->graph->vector[e];
    const double from_sender[3] = {-v[0], -v[1], -v[2]};
    double d_from_sender[3] = {0, 0, 0};
    (arch->nequip.raw_harmonics ? ftl_ref_raw_harmonics_reverse : ftl_ref_harmonics_reverse)(
        from_sender, run->l_max, run->d_y + e * n_sh, d_from_sender);
    /* pair repulsion is MACE's, where all elements have one scale */
    double d_length = run->d_cutoff[e] * run->cutoff_by_r[e] + run->scale[0] * run->zbl_by_r[e];
    for (int k = 0; k < n_basis; k++) d_length += run->d_basis[e * n_basis + k] * run->basis_by_r[e * n_basis + k];
    for (int c = 0; c < 3; c++) d_vector[c] = d_length * v[c] / run->length[e] - d_from_sender[c];
  }
}

void ftl_ref_run_results(ftl_ref_run *run, double *energy, double *node_energy, double (*forces)[3], double virial[9]) {
  const ftl_graph *graph = run->graph;
  ftl_ref_run_forward(run);
  if (energy) *energy = run->energy;
  if (node_energy) memcpy(node_energy, run->node_energy, (size_t)run->n * sizeof *node_energy);
  if (forces || virial) ftl_ref_run_reverse(run);
  if (forces) {
    memset(forces, 0, (size_t)run->n * sizeof *forces);
    for (int i = 0; i < run->n; i++)
      for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++)
        for (int c = 0; c < 3; c++) {
          forces[graph->sender[e]][c] -= run->d_vector[e][c];
          forces[i][c] += run->d_vector[e][c];
        }
  }
  if (virial) {
    static const int row[9] = {0, 1, 2, 0, 0, 1, 1, 2, 2}, column[9] = {0, 1, 2, 1, 2, 2, 0, 0, 1};
    for (int k = 0; k < 9; k++) {
      virial[k] = 0;
      for (int64_t e = 0; e < run->n_edges; e++) virial[k] -= graph->vector[e][row[k]] * run->d_vector[e][column[k]];
    }
  }
}

ftl_status ftl_reference_compute(const ftl_source *source, int head, const ftl_graph *graph, double *energy,
                                 double *node_energy, double (*forces)[3], double virial[9], ftl_error *error) {
  ftl_ref_run *run;
  FTL_TRY(ftl_ref_run_new(source, head, graph, &run, error));
  ftl_ref_run_results(run, energy, node_energy, forces, virial);
  ftl_ref_run_free(run);
  return FTL_OK;
}
