/* New models: a MACE with random weights, and a foundation with more elements.

   Both give an ftl_source as the readers do: tensors under mace-torch's state_dict names, checked by ftl_source_check,
   to be written by ftl_source_write, opened and trained. */
#ifndef FTL_SCRATCH_H
#define FTL_SCRATCH_H

#include "base/random.h"
#include "model/architecture.h"

#define FTL_SCRATCH_MAX_MLP 8

/* The architecture of a new model; names of mace_run_train's options on the right. Nothing is owned. */
typedef struct {
  int n_elements;
  const int *elements;      /* [n_elements] atomic numbers, in any order; the model has them in ascending order */
  int n_heads;              /* 0: one head, "Default" */
  const char *const *heads; /* [n_heads] names */
  const double *e0;         /* [max(n_heads, 1)][n_elements] energies of single atoms, eV, columns as `elements`;
                               NULL: 0. Since they and the next two are fitted to data, they may also be set later. */
  const double *scale;      /* [max(n_heads, 1)] of the network's energies, eV; NULL: 1 */
  const double *shift;      /* [max(n_heads, 1)] eV per atom; NULL: 0 */

  double r_max;                        /* Angstrom, --r_max */
  ftl_radial_kind radial;              /* --radial_type */
  int num_bessel;                      /* --num_radial_basis */
  int cutoff_p;                        /* --num_cutoff_basis: exponent of the polynomial cutoff, and of ZBL's */
  ftl_transform_kind transform;        /* --distance_transform */
  int n_radial_mlp;                    /* hidden layers of conv_tp_weights */
  int radial_mlp[FTL_SCRATCH_MAX_MLP]; /* --radial_MLP: their widths */
  bool apply_cutoff;                   /* --apply_cutoff: false multiplies the radial MLP's output instead */
  bool pair_repulsion;                 /* --pair_repulsion: ZBL */
  const char *hidden;                  /* --hidden_irreps, "32x0e+32x1o": 0e first, one multiplicity, natural parity */
  int max_ell;                         /* --max_ell, of the spherical harmonics; at least the l of hidden */
  int n_layers;                        /* --num_interactions */
  int correlation[FTL_MAX_LAYERS];     /* --correlation, of each layer; 0: as the layer before */
  ftl_interaction_kind first, other;   /* --interaction_first, --interaction */
  const char *mlp;                     /* --MLP_irreps of one head: "16x0e" */
  ftl_activation gate;                 /* --gate of the last readout */
  double avg_num_neighbors;            /* --avg_num_neighbors; must be given: ftl_dataset_average_neighbours */
  ftl_dtype dtype;                     /* FTL_F32 or FTL_F64, of all weights and floating-point buffers */
} ftl_scratch_options;

/* mace_run_train's defaults (its --model MACE, which makes a ScaleShiftMACE with RealAgnosticInteractionBlock first):
   128x0e+128x1o, two layers, correlation 3, max_ell 3, r_max 5, 8 Bessel functions, p 5, 64-64-64, 16x0e, silu,
   float64. What has no default is 0 or NULL: elements, avg_num_neighbors. */
void ftl_scratch_defaults(ftl_scratch_options *options);

/* Makes the model: weights normal as mace-torch and e3nn draw them, constants (U matrices, Wigner 3j, ...) as they
   compute them. The same options and state of `random` give the same bits. The caller frees *source, whose path is "new
   model". FTL_ERR_INPUT names the option that is wrong; FTL_ERR_UNSUPPORTED for architectures that the core does not
   cover; FTL_ERR_MEMORY. */
ftl_status ftl_scratch_new(const ftl_scratch_options *options, ftl_random *random, ftl_source **source,
                           ftl_error *error);

#define FTL_LIKE_MEAN   0
#define FTL_LIKE_RANDOM (-1)

typedef struct {
  int atomic_number;
  int like; /* the element of the model whose weights (and E0) it starts with, by atomic number; FTL_LIKE_MEAN: the mean
               over the model's elements; FTL_LIKE_RANDOM: new random weights, E0 = 0 */
  double e0; /* eV, of all heads; NaN: as `like` says */
} ftl_new_element;

/* Adds elements to a model, in place: rows of the embedding, the skip connections, the contraction weights and E0. The
   weights of the old elements, and the numbers that normalise them (norm_elements), stay, so that structures of old
   elements keep their energies: to the bit when pairs of all elements share their radial functions, else (distance
   transforms, nonlinear blocks) to the error of the tables made of these when the model is opened, for a new element
   may make all tables finer. Elements come in ascending order where the model has them so, else at the end. The
   provenance says what was added. `random` may be NULL when no element is FTL_LIKE_RANDOM. FTL_ERR_INPUT: an element
   that is there already or is given twice, a `like` that is not there, or one that tables of the model do not reach
   (covalent radii); then nothing is changed. FTL_ERR_MEMORY: the source is good for ftl_source_free only. */
ftl_status ftl_source_add_elements(ftl_source *source, const ftl_new_element *elements, int n, ftl_random *random,
                                   ftl_error *error);

/* Adds a second head to a model with one, in place: it begins as a copy, with its own E0, scale, shift and readouts, so
   that both heads answer as the one before, to the rounding of the weights' type. The old head is renamed to `old`, the
   new one is `name`. The provenance says so. FTL_ERR_INPUT for a model with several heads; FTL_ERR_FORMAT,
   FTL_ERR_MEMORY: the source is good for ftl_source_free only. */
ftl_status ftl_source_add_head(ftl_source *source, const char *old, const char *name, ftl_error *error);

/* Adds a readout of n random features of the last layer's even scalars, in place: cas(W x) for normal W, whose
   products are a Gaussian kernel in the mean, less what it is at x = 0, of this length where each scalar x counts in
   units of its spread[scalar] (one of spread 0 is left out) and the root of their number (docs/uncertainty.md, eq. L3).
   Its weights are zero, so that answers stay. The provenance says so. FTL_ERR_INPUT: it has random features already, or
   as many readouts as a model may have; FTL_ERR_MEMORY: the source is good for ftl_source_free only. */
ftl_status ftl_source_add_random_features(ftl_source *source, int n, const double *spread, double length,
                                          ftl_random *random, ftl_error *error);

#endif
