/* The whole model in plain C: energy, forces and virial of one structure, and every intermediate result.

   Made to be compared with: the fast stages, the trainer and other programs' answers. It stores everything, uses one
   thread and takes seconds for a few dozen atoms. */
#ifndef FTL_REFERENCE_H
#define FTL_REFERENCE_H

#include "model/operations.h"
#include "reference/reference_stages.h"

/* What an operation needs, by its kind. */
typedef union {
  ftl_ref_linear linear;
  ftl_ref_skip skip;
  ftl_gate gate;
  ftl_ref_contraction contraction;
} ftl_ref_operation;

/* One layer: its operations and what they computed. Rows of species < 0 are zero. */
typedef struct {
  const ftl_layer *spec;
  ftl_layer_traits traits;
  ftl_operations operations;
  ftl_ref_operation op[FTL_MAX_OPERATIONS];

  /* the convolution */
  ftl_ref_conv conv;
  ftl_ref_mlp weights, density_net;                  /* conv_tp_weights, density_fn */
  const double *source_embedding, *target_embedding; /* [n_elements][n_embedding], not normalised; nonlinear block */
  int n_embedding;
  double alpha, beta; /* norm = alpha + beta density, where there is a density */
  double denominator; /* of FTL_NORM_DENOMINATOR */

  double *x[FTL_N_FEATURES], *d[FTL_N_FEATURES]; /* [n][dim of operations.irreps]: features, and dE/d(features) */
  double *density, *d_density;                   /* [n] */
} ftl_ref_layer;

typedef struct {
  const ftl_source *source;
  const ftl_graph *graph;
  int head;
  ftl_arena memory;
  int n;           /* atoms */
  int64_t n_edges; /* of the graph; those with r >= r_max are skipped everywhere */
  int l_max;

  ftl_ref_radial radial;
  ftl_ref_zbl zbl;
  ftl_ref_layer layer[FTL_MAX_LAYERS];
  ftl_ref_readout readout[FTL_MAX_LAYERS];
  const double *embedding, *e0, *scale; /* [n_elements][channels]; [n_elements] of the head, both */
  double shift;

  /* per edge */
  double *length;  /* [n_edges] Angstrom */
  double *y, *d_y; /* [n_edges][(l_max+1)^2], of minus the graph's vector: mace's goes from sender to receiver */
  double *basis, *d_basis; /* [n_edges][num_bessel]: basis, times the cutoff if arch.apply_cutoff; dE/d(basis) */
  double *basis_by_r;      /* [n_edges][num_bessel]: d(basis)/dr */
  double *cutoff, *d_cutoff, *cutoff_by_r; /* [n_edges]; 1, and not differentiated, if arch.apply_cutoff */
  double *zbl_by_r;                        /* [n_edges]: d(pair energy of the edge)/dr, not scaled */

  /* results */
  double *zbl_energy;                     /* [n] */
  double *readout_energy[FTL_MAX_LAYERS]; /* per readout [n] */
  double *node_energy;                    /* [n] E0 included; 0 for species < 0 */
  double energy;
  double (*d_vector)[3]; /* [n_edges] dE/dr_ij of the graph's vectors */

  double *row_a;                                   /* scratch: a row of features of any kind */
  double *edge_in, *d_edge_in, *edge_w, *d_edge_w; /* scratch: inputs and outputs of the networks for one edge */
} ftl_ref_run;

/* Prepares all stages of a model and the arrays for one graph. `head` indexes arch.heads. The graph must have
   n_total == n_local; it and the source are kept by reference. FTL_ERR_ARGUMENT, FTL_ERR_INPUT, FTL_ERR_FORMAT,
   FTL_ERR_UNSUPPORTED, FTL_ERR_MEMORY. */
ftl_status ftl_ref_run_new(const ftl_source *source, int head, const ftl_graph *graph, ftl_ref_run **run,
                           ftl_error *error);
void ftl_ref_run_free(ftl_ref_run *run);
/* Fills everything but the derivatives; then, from that, the derivatives. */
void ftl_ref_run_forward(ftl_ref_run *run);
void ftl_ref_run_reverse(ftl_ref_run *run);

/* Both, and what follows from them. node_energy[n], forces[n][3] and virial[9] (order of ftl_output: xx yy zz xy xz yz
   yx zx zy) are overwritten; each may be NULL. */
void ftl_ref_run_results(ftl_ref_run *run, double *energy, double *node_energy, double (*forces)[3], double virial[9]);
/* All at once. */
ftl_status ftl_reference_compute(const ftl_source *source, int head, const ftl_graph *graph, double *energy,
                                 double *node_energy, double (*forces)[3], double virial[9], ftl_error *error);

/* ---- inside: one layer of a run (layer.c, convolution.c) ---- */

/* Reads the weights of layer t and allocates its arrays. */
ftl_status ftl_ref_layer_prepare(ftl_ref_run *run, int t, ftl_error *error);
/* From x[FTL_FEATURES_INPUT] to x[FTL_FEATURES_OUTPUT]. */
void ftl_ref_layer_forward(ftl_ref_run *run, int t);
/* From d[FTL_FEATURES_OUTPUT] to d[FTL_FEATURES_INPUT]; adds to the run's d_y, d_basis and d_cutoff. */
void ftl_ref_layer_reverse(ftl_ref_run *run, int t);

ftl_status ftl_ref_convolution_prepare(ftl_ref_run *run, int t, ftl_error *error);
/* From what neighbours send to the sum and the density. */
void ftl_ref_convolution_forward(ftl_ref_run *run, ftl_ref_layer *layer);
void ftl_ref_convolution_reverse(ftl_ref_run *run, ftl_ref_layer *layer);

#endif
