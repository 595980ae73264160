/* What the sweeps need of a model, prepared once: where each stage's parameters lie in the parameter vector, index
   lists, normalisations. Weights themselves are in `theta`, the parameter vector in the network's number type, and in
   the contraction coefficients made from it; both change with ftl_network_set. Internal header of train/gradient. */
#ifndef FTL_NETWORK_H
#define FTL_NETWORK_H

#include "base/arena.h"
#include "mace/contraction_terms.h"
#include "mace/couplings.h"
#include "mace/edge_basis.h"
#include "gradient/gradient.h"
#include "model/operations.h"

#define FTL_NO_PARAMETER (-1)
#define FTL_MAX_NET      16 /* layers of a radial network */

/* An equivariant linear map (e3nn Linear), or one per element (FullyConnectedTensorProduct with the one-hot element).
 */
typedef struct {
  int in, out;    /* blocks */
  int64_t weight; /* [mul in][n_sets][mul out] in the parameter vector */
  double factor;  /* 1/sqrt(fan-in) */
} ftl_map_path;

typedef struct {
  ftl_irreps in, out;
  int n_sets; /* 1, or the number of elements */
  int n;
  ftl_map_path path[FTL_MAX_BLOCKS];
  int64_t bias;                       /* of the 0e blocks of `out`, or FTL_NO_PARAMETER */
  int64_t heads;                      /* likewise, a row for each head, which counts as one more input for each */
  double head_factor[FTL_MAX_BLOCKS]; /* of the row, by block of `out` */
  bool trained;                       /* weight, bias or heads */
} ftl_map;

/* e3nn FullyConnectedNet, or mace's RadialMLP when torch_style. Offsets into the parameter vector. */
typedef struct {
  int n_layers;
  int size[FTL_MAX_NET + 1];
  bool torch_style; /* weight [out][in], bias, LayerNorm before silu; else weight [in][out] / sqrt(in) */
  ftl_activation act;
  double act_cst;
  int64_t weight[FTL_MAX_NET], bias[FTL_MAX_NET], norm_weight[FTL_MAX_NET], norm_bias[FTL_MAX_NET];
  bool trained;
} ftl_net;

/* One path of the edge tensor product: M[m3][m1] = sum over entries of coefficient * Y[y]. */
typedef struct {
  int in, out; /* blocks of the edge irreps and of mid */
  int d1, d3, mul;
  int weight; /* first of its `mul` radial weights */
  int first_entry, n_entries;
  int first_m; /* its d3 x d1 matrix in an edge's row of matrices */
} ftl_edge_path;
typedef struct {
  ftl_irreps in, mid;
  int n_weights, n_paths;
  ftl_edge_path path[FTL_MAX_BLOCKS];
  ftl_edge_couplings couplings;
} ftl_edge_product;

/* The symmetric contraction as polynomials over tries; see mace/contraction_terms.h. Coefficients of the nodes are
   [set][chunk][output][node][FTL_CHUNK lanes], the nodes of an output one depth after the other. */
typedef struct {
  int block, m; /* of the output component */
  ftl_contraction_terms terms;
  int n_depth, first_node[FTL_MAX_BODY]; /* where a depth's nodes begin */
  int n_nodes;
  int64_t weight[FTL_MAX_BODY]; /* of order nu + 1: [set][n_params][channel] in the parameter vector */
  size_t offset;                /* of its coefficients within a chunk, in nodes */
} ftl_product_output;
typedef struct {
  ftl_irreps in, out;
  int n_sets, channels, n_components, n_chunks, n_outputs;
  int component_block[FTL_MAX_SH], component_m[FTL_MAX_SH];
  ftl_product_output *output;
  size_t nodes; /* of all outputs */
  void *coefficient;
  bool trained;
} ftl_product;

typedef struct {
  const ftl_layer *spec;
  ftl_layer_traits traits;
  ftl_operations operations;
  ftl_map map[FTL_MAX_OPERATIONS]; /* of the operations that are linear maps */
  ftl_edge_product conv;
  ftl_net weights, density;
  int64_t source_embedding, target_embedding; /* [element][n_embedding] */
  int n_embedding;                            /* 0: none */
  bool embedding_trained;
  int64_t alpha, beta;  /* or FTL_NO_PARAMETER: norm = density + 1, or without density: */
  double constant_norm; /* avg_num_neighbors, or the denominator where it is no parameter */
  int64_t denominator;
  bool norm_varies; /* with the density, or it is trained: the sum itself is needed in every sweep */
  ftl_gate gate;
  ftl_product product;
  int kept_to;                      /* how much of its forward sweep is below the first trained stage: ftl_kept_level */
  bool trained_in_radial;           /* in weights, density, embeddings or the basis */
  bool trained[FTL_MAX_OPERATIONS]; /* has the operation a parameter that is trained? */
  bool below[FTL_N_FEATURES]; /* is anything trained in what makes these? What lies under needs no second adjoint */
} ftl_network_layer;

typedef struct {
  const ftl_readout *spec;
  ftl_map linear, linear_1, linear_mid, linear_2;
  ftl_net net;
  int n_out; /* energies: one for each head, or one that all have */
} ftl_network_readout;

/* Kept of a layer: nothing; the neighbours' sum; the product's input; the output. */
typedef enum { FTL_KEPT_NONE, FTL_KEPT_MID, FTL_KEPT_MESSAGE, FTL_KEPT_OUTPUT } ftl_kept_level;

/* The level that an operation's result belongs to. */
static inline ftl_kept_level ftl_kept_level_of(const ftl_operation *op) {
  return op->to <= FTL_FEATURES_SUM ? FTL_KEPT_MID : op->to <= FTL_FEATURES_TARGET ? FTL_KEPT_MESSAGE : FTL_KEPT_OUTPUT;
}

/* Arrays, and in `snapshot` (one of them) where they are: stages/sweep.h. */
struct ftl_kept {
  ftl_arena memory;
  void *snapshot; /* NULL: not filled */
};

struct ftl_sweeps;

struct ftl_network {
  const ftl_source *source;
  const ftl_parameters *parameters;
  const ftl_architecture *arch;
  ftl_precision precision;
  int lanes; /* channels of a chunk of the contraction */
  const struct ftl_sweeps *engine;
  ftl_edge_basis basis;
  double *zbl, zbl_c[4]; /* of math/zbl.h */
  int zbl_p;
  int l_max, n_sh, n_basis;
  int64_t bessel; /* the weights of the radial basis, or FTL_NO_PARAMETER */
  bool basis_trained;
  ftl_map embedding;        /* by element, of a constant scalar: [element][channel] */
  int64_t e0, scale, shift; /* parameter offsets; scale and shift may be FTL_NO_PARAMETER */
  bool scale_per_head, scale_by_element, shift_per_head;
  ftl_network_layer layer[FTL_MAX_LAYERS];
  ftl_network_readout readout[FTL_MAX_LAYERS];
  double *values;                    /* [parameters->count] as they were set */
  void *theta;                       /* the same as numbers */
  const volatile sig_atomic_t *stop; /* ftl_network_watch */
};

/* Where block b of irreps begins, per atom. */
static inline int ftl_block_offset(const ftl_irreps *irreps, int b) {
  int offset = 0;
  for (int k = 0; k < b; k++) offset += irreps->block[k].mul * (2 * irreps->block[k].l + 1);
  return offset;
}
static inline bool ftl_is_even_scalar(const ftl_irrep *block) { return block->l == 0 && block->p == 1; }
static inline int ftl_block_dim(const ftl_irreps *irreps, int b) { return 2 * irreps->block[b].l + 1; }

/* Per build (number type and instruction set) of the sweeps: gradient.h's calls. */
typedef struct ftl_sweeps {
  const char *isa;
  int lanes;
  ftl_status (*set)(ftl_network *network, ftl_error *error); /* theta and coefficients from values */
  ftl_status (*sweep_new)(const ftl_network *network, ftl_sweep **sweep, ftl_error *error);
  void (*sweep_free)(ftl_sweep *sweep);
  size_t (*sweep_bytes)(const ftl_sweep *sweep);
  ftl_status (*predict)(ftl_sweep *sweep, const ftl_graph *graph, ftl_kept *kept, int head, bool derivatives,
                        ftl_prediction *prediction, ftl_error *error);
  ftl_status (*gradient)(ftl_sweep *sweep, double d_energy, const double (*d_forces)[3], const double (*d_virial)[3],
                         double *gradient, ftl_error *error);
  void (*scalars)(const ftl_sweep *sweep, double *out);
} ftl_sweeps;
/* The best build for this CPU, as the inference kernels (FROZENTL_ISA forces one). */
ftl_status ftl_sweeps_choose(ftl_precision precision, const ftl_sweeps **engine, ftl_error *error);

/* network_product.c: the tries of a layer's product, and their release. */
ftl_status ftl_product_prepare(const ftl_network *network, int t, ftl_product *product, ftl_error *error);
void ftl_product_free(ftl_product *product);

/* A parameter's offset by name (printf-style), or FTL_NO_PARAMETER; *trained (may be NULL) is or-ed with its flag. */
int64_t ftl_network_offset(const ftl_network *network, bool *trained, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
