/* What a model file says, before anything is prepared for speed: an architecture and named tensors.

   Both readers (`.model`, `.ftl`) produce an ftl_source; `ftl_source_check` is the one place that decides whether it is
   complete, consistent and covered. Tensor names are those of mace-torch's state_dict
   ("interactions.0.linear_up.weight"), so that a freeze pattern, a gradient file and a model file speak of the same
   things.

   Internal header of core; train/ uses it too. */
#ifndef FTL_ARCHITECTURE_H
#define FTL_ARCHITECTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frozentl.h"
#include "math/activations.h"

/* ---- irreps ---- */

#define FTL_MAX_BLOCKS 64 /* irreps blocks in one list; MACE needs about 10, a conv_tp with L=2 about 30 */

typedef struct {
  int mul; /* multiplicity */
  int l;
  int p; /* parity: +1 (e) or -1 (o) */
} ftl_irrep;

typedef struct {
  int n;
  ftl_irrep block[FTL_MAX_BLOCKS];
} ftl_irreps;

/* "128x0e+128x1o". Whitespace is allowed; "0e" means 1x0e. FTL_ERR_FORMAT on anything else. */
ftl_status ftl_irreps_parse(const char *text, ftl_irreps *irreps, ftl_error *error);
/* Writes as e3nn prints it; returns false if it does not fit. */
bool ftl_irreps_format(const ftl_irreps *irreps, char *text, size_t size);
int ftl_irreps_dim(const ftl_irreps *irreps);                 /* sum of mul * (2l+1) */
int ftl_irreps_count(const ftl_irreps *irreps, int l, int p); /* multiplicity of one irrep */
bool ftl_irreps_equal(const ftl_irreps *a, const ftl_irreps *b);
/* The order of e3nn's Irreps.sort(): by l, odd before even. */
bool ftl_irrep_before(const ftl_irrep *a, const ftl_irrep *b);
/* Adds channels of an irrep to a sorted list in which each irrep is one block. False if there is no room. */
bool ftl_irreps_merge(ftl_irreps *irreps, ftl_irrep add);

/* ---- tensors ---- */

typedef enum { FTL_F32, FTL_F64, FTL_I32, FTL_I64, FTL_BOOL, FTL_U8 } ftl_dtype;
size_t ftl_dtype_bytes(ftl_dtype dtype);
const char *ftl_dtype_name(ftl_dtype dtype); /* as safetensors spells it: "F32" "F64" "I32" "I64" "BOOL" "U8" */

#define FTL_MAX_NDIM 8

typedef struct {
  char *name; /* owned */
  ftl_dtype dtype;
  int ndim;
  int64_t shape[FTL_MAX_NDIM];
  int64_t count;     /* product of shape; 1 for a scalar */
  const void *data;  /* contiguous, little-endian, aligned to 8 bytes; owned by the table or by its mapping */
  bool is_parameter; /* a weight (torch Parameter), not a buffer */
} ftl_tensor;

typedef struct {
  int n;
  size_t room;
  ftl_tensor *tensor; /* sorted by name once the reader is done */
  void *storage;      /* whatever keeps `data` alive; released by ftl_tensors_free through release() */
  void (*release)(void *storage);
} ftl_tensors;

/* Adds a tensor; `data` (count elements) is copied. Fails on a duplicate name, ndim > FTL_MAX_NDIM, or no memory. */
ftl_status ftl_tensors_add(ftl_tensors *tensors, const char *name, ftl_dtype dtype, int ndim, const int64_t *shape,
                           const void *data, bool is_parameter, ftl_error *error);
void ftl_tensors_sort(ftl_tensors *tensors);
const ftl_tensor *ftl_tensors_find(const ftl_tensors *tensors,
                                   const char *name); /* NULL if absent; needs sorting first */
void ftl_tensors_free(ftl_tensors *tensors);
/* Element k as double, whatever the dtype. */
double ftl_tensor_at(const ftl_tensor *tensor, int64_t k);

/* ---- architecture ---- */

typedef enum {
  FTL_INTERACTION,                  /* RealAgnosticInteractionBlock */
  FTL_INTERACTION_RESIDUAL,         /* RealAgnosticResidualInteractionBlock */
  FTL_INTERACTION_DENSITY,          /* RealAgnosticDensityInteractionBlock */
  FTL_INTERACTION_DENSITY_RESIDUAL, /* RealAgnosticDensityResidualInteractionBlock */
  FTL_INTERACTION_NONLINEAR,        /* RealAgnosticResidualNonLinearInteractionBlock */
  FTL_INTERACTION_GATED             /* NequIP's: a gate makes the output, there is no product */
} ftl_interaction_kind;

typedef enum { FTL_FAMILY_MACE, FTL_FAMILY_NEQUIP } ftl_family;

typedef enum { FTL_RADIAL_BESSEL, FTL_RADIAL_GAUSSIAN, FTL_RADIAL_CHEBYSHEV } ftl_radial_kind;
typedef enum { FTL_TRANSFORM_NONE, FTL_TRANSFORM_AGNESI, FTL_TRANSFORM_SOFT } ftl_transform_kind;
typedef enum { FTL_CUTOFF_POLYNOMIAL, FTL_CUTOFF_XPLOR } ftl_cutoff_kind;
typedef enum {
  FTL_READOUT_LINEAR,
  FTL_READOUT_NONLINEAR,
  FTL_READOUT_NONLINEAR_BIAS,
  FTL_READOUT_TWO_LINEAR, /* two linear maps, nothing between them; of the NequIP family, like the next */
  FTL_READOUT_NET,        /* e3nn's FullyConnectedNet */
  FTL_READOUT_RANDOM      /* beside the others, the last one, of the last layer: an activation of random sums of its
                             scalars, and a linear map of these (docs/uncertainty.md, eq. L3). One for all heads */
} ftl_readout_kind;

typedef struct {
  ftl_interaction_kind kind;
  ftl_irreps node_feats;    /* what comes in */
  ftl_irreps edge;          /* after linear_up: what neighbours send */
  ftl_irreps target;        /* after the message's linear: what the product takes. Of a gated block: the irreps that the
                               sum over neighbours keeps */
  ftl_irreps hidden;        /* what the skip connection makes. Of a gated block: its output */
  double avg_num_neighbors; /* 1 for a gated block, which has the tensor `denominator` */
  double radial_act_cst;    /* normalize2mom constant of the silu in conv_tp_weights (not used by
                               FTL_INTERACTION_NONLINEAR) */
  double gate_scalar_cst, gate_cst; /* GatedEquivariantBlock's constants (only FTL_INTERACTION_NONLINEAR) */
  /* the product after it */
  ftl_irreps product; /* output of the symmetric contraction and its linear */
  int correlation;
  bool use_sc;
  bool agnostic_product;
  bool skip_by_element; /* a gated block's self-connection has weights for each element; MACE's kinds say it */
} ftl_layer;

/* What a model of the NequIP family (sevenn) says beyond MACE's. Its layers are all gated, and product equals hidden.
 */
typedef struct {
  ftl_activation radial_act;                 /* of the radial networks */
  ftl_activation act_scalar[2], act_gate[2]; /* [0] of even scalars, [1] of odd ones */
  bool biased;                               /* linear maps but the self-connections have a bias on 0e */
  bool raw_harmonics;                        /* of the edge's vector, not of its direction: they grow as r^l */
  /* Linear maps that see the head (sevenn: modality) as one more scalar for each: NAME.heads [heads][0e channels]. */
  bool head_embedding, head_up, head_linear, head_readout;
} ftl_nequip;

typedef struct {
  ftl_readout_kind kind;
  int layer;      /* whose output it reads */
  ftl_irreps in;  /* irreps of that output as this readout sees them */
  ftl_irreps mlp; /* hidden irreps of a nonlinear readout, all heads together */
  ftl_activation gate;
  double gate_cst;  /* normalize2mom constant of the gate */
  bool masks_heads; /* mask_head applies: the model has, or had when its weights were made, more than one head */
} ftl_readout;

#define FTL_MAX_LAYERS   8
#define FTL_MAX_HEADS    64
#define FTL_MAX_ELEMENTS 120

typedef struct {
  ftl_family family;
  ftl_nequip nequip; /* of that family */
  bool scale_shift; /* ScaleShiftMACE, else plain MACE. NequIP: a scale for each head and element, no shift beside E0 */
  int n_elements;
  int atomic_numbers[FTL_MAX_ELEMENTS];
  int norm_elements; /* number of elements the weights were made with: the 1/sqrt(n) normalisations of the node
                        embedding and the skip connections keep it when a file is cut to fewer elements, or gets more
                        (train/scratch) */
  int n_heads;
  char *heads[FTL_MAX_HEADS]; /* owned */
  /* Likewise for heads. The hidden channels of a nonlinear readout that masks heads are n_heads equal blocks, of
     norm_heads equal blocks when its weights were made: the fan-in that normalises linear_mid and linear_2 is
     mlp * norm_heads / n_heads. masks_heads stays true when a file is cut to one head (the mask then keeps all that is
     left). Linear readouts do not depend on it. NequIP: the inputs for heads of maps that see them; 0 where the rows of
     heads came later than the weights. */
  int norm_heads;
  double r_max;
  ftl_radial_kind radial;
  int num_bessel;        /* number of radial basis functions */
  double gaussian_coeff; /* only FTL_RADIAL_GAUSSIAN: the factor in exp(coeff (x - weight)^2) */
  ftl_transform_kind transform;
  ftl_cutoff_kind cutoff;
  bool apply_cutoff; /* true: basis * cutoff goes into the MLP; false: cutoff multiplies the MLP's output */
  bool pair_repulsion;
  ftl_irreps sh; /* spherical harmonics of an edge */
  int n_layers;
  ftl_layer layer[FTL_MAX_LAYERS];
  int n_readouts;
  ftl_readout readout[FTL_MAX_LAYERS];
} ftl_architecture;

/* ---- a model file's content ---- */

typedef struct {
  ftl_architecture arch;
  ftl_tensors tensors;
  char *metadata; /* JSON object: provenance and training summary (the `.ftl` metadata without architecture); may be
                     NULL */
  char *path;     /* for messages */
  bool delta;     /* it was read from a delta file, and has the tensors of its foundation and its own */
  int products;   /* of a delta: tensors that changed by a product of two factors */
  struct ftl_trust *trust; /* what is known of its errors (model/trust.h), owned; NULL: nothing. Of these very weights:
                              who changes them calls ftl_source_forget */
} ftl_source;

/* Reads a file of either kind; nothing is executed. The caller frees it. */
ftl_status ftl_source_read(const char *path, ftl_source **source, ftl_error *error);
/* The same; `foundation` is the file of the foundation if PATH is a delta (else it is not looked at). NULL: as
   ftl_open_options.foundation in frozentl.h. */
ftl_status ftl_source_read_with(const char *path, const char *foundation, ftl_source **source, ftl_error *error);
/* A foundation that is given for a model that is no delta (ftl_source.delta) has no effect: FTL_ERR_INPUT says so. */
ftl_status ftl_source_no_delta(const char *path, ftl_error *error);
void ftl_source_free(ftl_source *source);
/* The weights are others now, and nothing is known of the errors. */
void ftl_source_forget(ftl_source *source);

/* Every tensor that the architecture needs is there with the right shape, is finite, and nothing uncovered is asked
   for. Both readers call it last. */
ftl_status ftl_source_check(const ftl_source *source, ftl_error *error);

/* Keeps only these elements (atomic numbers, in the file's order) and one head (NULL: all): smaller tensors, same
   energies. In place; after a failure the source is good for ftl_source_free only. FTL_ERR_INPUT for an element or head
   that the model does not have. The metadata's provenance says what was done. */
ftl_status ftl_source_cut_elements(ftl_source *source, const int *elements, int n, ftl_error *error);
ftl_status ftl_source_cut_head(ftl_source *source, const char *head, ftl_error *error);
/* Both, to the elements and the one head of another architecture. FTL_ERR_INPUT when that has elements or a head that
   this source does not have, or them in another order. */
ftl_status ftl_source_cut_to(ftl_source *source, const ftl_architecture *arch, ftl_error *error);
/* Weights and floating-point buffers to another dtype (FTL_F32 or FTL_F64). In place. */
ftl_status ftl_source_cast(ftl_source *source, ftl_dtype dtype, ftl_error *error);

/* Writes a full `.ftl` atomically (temporary file, fsync, rename). */
ftl_status ftl_source_write(const ftl_source *source, const char *path, ftl_error *error);

/* Writes a delta `.ftl` likewise: the named tensors, and which foundation has the others. The caller vouches for the
   other tensors being those of the foundation, cut to the elements and the head of this source. */
typedef struct {
  const char *foundation; /* name of its file, without folder */
  const char *sha256;     /* of that file */
  int n;
  const char *const *name; /* [n] tensors that the delta holds */
  int n_factors;
  const ftl_tensor *factor; /* [n_factors] NAME.lora_A and NAME.lora_B, in place of NAME */
} ftl_source_delta;
ftl_status ftl_source_write_delta(const ftl_source *source, const ftl_source_delta *delta, const char *path,
                                  ftl_error *error);

/* Hidden scalar and tensor-product bookkeeping shared by the checker and the stages: MACE's
   tp_out_irreps_with_instructions(edge, sh, target). Path k takes block in1 of edge and block in2 of sh to block out of
   mid (mid is sorted, one block per path, and path k writes block k). */
typedef struct {
  int in1, in2;
} ftl_path;
typedef struct {
  int n;
  ftl_path path[FTL_MAX_BLOCKS];
  ftl_irreps mid;
} ftl_conv_paths;
ftl_status ftl_conv_paths_make(const ftl_irreps *edge, const ftl_irreps *sh, const ftl_irreps *target,
                               ftl_conv_paths *paths, ftl_error *error);

#endif
