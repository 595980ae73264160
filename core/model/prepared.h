/* The model as the stages use it: everything that depends on weights only, computed once at opening.

   Arrays of "numbers" are float64 or float32 after ftl_model.precision; they are void pointers here because preparation
   is one body for both (it works in double and packs at the end), and the kernels, compiled once per type, read them as
   their own type. Species indices run over the elements the model was opened for. Everything is immutable after
   ftl_model_open. */
#ifndef FTL_PREPARED_H
#define FTL_PREPARED_H

#include "model/surrogate.h"
#include "model/trust.h"
#include "model/layout.h"
#include "math/piecewise.h"
#include "model/architecture.h"
#include "model/traits.h"

/* Receivers of one species that a thread takes through a layer together (ftl_model.block_atoms), at most; and how many
   of them stages take at a time whose numbers would not stay in cache otherwise. */
#define FTL_MAX_BLOCK_ATOMS 32
#define FTL_BLOCK_ATOMS     8
#define FTL_MAX_SH          16 /* (max_ell + 1)^2 for max_ell = 3 */
/* of the polynomials of radial tables, by the bytes of a number: degrees 8 and 6 */
#define FTL_RADIAL_COEFFICIENTS(bytes) ((bytes) == 8 ? 9 : 7)
#define FTL_MAX_CELLS                  2049 /* of a pair class's radial tables */
#define FTL_MAX_READOUT_LAYERS         8
#define FTL_MAX_BODY                   4 /* correlation */
#define FTL_PANEL_VECTORS              4 /* width of a packed weight panel, in vectors */

/* ---- linear maps ---- */

/* One irrep block to another: out[row][:] += in[row][:] * weight. Weights are packed for gemm() as panels of
   FTL_PANEL_VECTORS vectors of output channels: [panel][input channel][channels of the panel]. */
typedef struct {
  int in, out;             /* block indices in the layouts */
  size_t offset;           /* of the packed weight [mul in][pad out] in ftl_linear.weight, numbers */
  size_t offset_transpose; /* of the packed transpose [mul out][pad in] in ftl_linear.transpose */
} ftl_linear_path;

typedef struct {
  ftl_layout in, out;
  int n;
  ftl_linear_path path[FTL_MAX_BLOCKS];
  void *weight, *transpose;        /* numbers; [species] blocks of `stride`, or one for all when stride is 0 */
  size_t stride, stride_transpose; /* per species, numbers */
} ftl_linear;

/* ---- first layer: the sender's features depend on its element only, so the message is
   A_i[lm, c] = sum_zj sum_k B_i[zj, lm, k] V[zi, zj][k, l, c],  B_i[zj, lm, k] = sum_{j of zj} Y_lm(r_ij) phi_k(r_ij)
   with K radial functions phi (a column subset of the radial MLP's last hidden layer that spans it) and the embedding,
   linear_up, the MLP's last layer, the message's linear and a non-residual block's skip_tp folded into V.
   docs/theory.md, eq. 12. ---- */

typedef struct {
  int n_radial, pad; /* K, padded */
  size_t phi_offset; /* in ftl_first_layer.phi: [cell][coefficient][pad] */
  /* per element pair and l-path: packed V [K][pad of target] and its transpose [mul target][pad of K] */
} ftl_first_class;

typedef struct {
  int n_paths;
  int path_l[4];                /* l of path p, which is also the component block of Y */
  int path_out[4];              /* block of the message layout */
  ftl_first_class *class_;      /* [n_classes] */
  void *phi;                    /* numbers */
  void *v, *v_transpose;        /* numbers */
  size_t *v_offset, *vt_offset; /* [n_species * n_species * n_paths], receiver-major */
  int max_pad;
  /* For few channels a function of each path and channel, sum_k phi_k V[k, l, c], costs less than phi and V, which stay
     for Kokkos: [cell of the pair's class][path][coefficient][pad of target]. NULL where it does not. */
  void *by_channel;          /* numbers */
  size_t *by_channel_offset; /* [n_species * n_species], receiver-major */
  int by_channel_width;      /* of a coefficient of all paths */
} ftl_first_layer;

/* ---- later layers: the edge tensor product (e3nn "uvu") ---- */

typedef struct {
  int in, out;  /* blocks of the edge layout and of the mid layout */
  int d1, d3;   /* components of each */
  int m_offset; /* its matrix M[d3][d1] in the edge's list of coupling coefficients */
  int n_chunks; /* channel chunks of this path */
} ftl_conv_path;

/* M[q] = sum_s coefficient[s] * Y[component[s]], s in start[q] .. start[q+1]-1 */
typedef struct {
  int n_paths;
  ftl_conv_path path[FTL_MAX_BLOCKS];
  int n_m;
  int *m_start;     /* [n_m + 1] */
  int *m_component; /* Y component */
  double *m_coefficient;
  ftl_layout edge, mid;
  /* radial weights: [chunk][cell, of all classes][path with that chunk][coefficient][chunk width] */
  int chunk_vectors;    /* 1, 2 or 4 vectors: divides every path's channel count */
  int n_chunks;         /* of the widest path */
  size_t *chunk_offset; /* [n_chunks + 1]: start of a chunk's table */
  int *chunk_paths;     /* [n_chunks]: paths that have this chunk */
  void *radial;         /* numbers, chunk_offset[n_chunks] */
  ftl_linear linear;    /* mid -> message, per species when the block is not residual */
} ftl_conv;

/* ---- symmetric contraction as a polynomial in Horner form over a trie of sorted multi-indices ---- */

typedef struct {
  int n[FTL_MAX_BODY];      /* nodes per depth */
  int *index[FTL_MAX_BODY]; /* component of A at each node */
  int *first[FTL_MAX_BODY]; /* [n + 1]: children of a node in the next depth (not for the last) */
  int depth;
  size_t weight[FTL_MAX_BODY]; /* offset of the depth's weights [node][vector] within a chunk */
  size_t numbers;              /* per chunk */
} ftl_polynomial;

typedef struct {
  ftl_layout in, out;
  int n_outputs;                       /* sum of (2L+1) over output blocks */
  ftl_polynomial *polynomial;          /* [n_outputs], out component order */
  int n_chunks;                        /* vectors of channels */
  size_t chunk_stride, species_stride; /* numbers; species_stride 0 for an agnostic product */
  size_t *output_offset;               /* [n_outputs] within a chunk */
  void *weight;                        /* numbers: [species][chunk][output][depth][node][channel] */
} ftl_contraction;

/* ---- readouts, in double, for the chosen head ---- */

typedef struct {
  ftl_readout_kind kind;
  ftl_activation gate;
  double gate_cst;
  int n_in, n_hidden;
  int block;          /* scalar block of the product's layout it reads; -1: none */
  double *linear;     /* [n_in] (linear kind, and two linear maps in one) */
  double *linear_1;   /* [n_in][n_hidden]; of two linear maps, the first */
  double *offset_1;   /* [n_hidden] of two linear maps: what the first adds to it */
  double *linear_mid; /* [n_hidden][n_hidden], bias kind */
  double *bias_mid;   /* [n_hidden] */
  double *linear_2;   /* [n_hidden] */
  double bias_2;      /* also of two linear maps */
  /* a net: layers, their widths [n_layers + 1] and weights [width k][width k + 1], normalised */
  int n_layers, width[FTL_MAX_READOUT_LAYERS + 1];
  double *net[FTL_MAX_READOUT_LAYERS];
  /* its last linear map, for model/trust.h */
  int n_last, first_last; /* inputs, and where they begin among those of all readouts */
  double last_factor;     /* what normalises its weights */
  int member_stride;
  double *member; /* [n_committee][member_stride] its weights of a member less the model's, normalised: [n_last], or
                     through both of two linear maps: [n_in] */
} ftl_prepared_readout;

/* ---- one layer ---- */

typedef struct {
  bool first;
  ftl_first_layer first_layer;
  ftl_conv conv; /* not for the first */
  ftl_grid grid; /* its arrays owned */

  ftl_norm_kind norm; /* FTL_NORM_AVERAGE is folded into the weights */
  double alpha, beta;
  double *density; /* [cell, of all classes][coefficient], double; NULL without */

  ftl_layout message; /* after the message's linear */
  bool gated;         /* of a nonlinear block */
  bool gated_output;  /* of a gated block: the gate makes the output, and there is no product */
  ftl_gate gate;      /* of either: from the message to the target, or to the output */
  double *constant;   /* [species][message.dim]: what a gated block adds to every message of an element; NULL without */
  double *up_constant;   /* [edge.dim]: what linear_up adds whatever its input is; NULL without */
  ftl_linear linear_res; /* edge -> message (later layers) */
  double *res_first;     /* [species][message.dim] in one-atom row order (first layer) */
  ftl_linear linear_2;   /* target -> target */
  ftl_layout target;     /* what the product takes */

  ftl_contraction contraction;
  ftl_linear product_linear;
  bool has_sc;
  double *sc_first; /* [species][out.dim] (first layer) */
  ftl_linear skip;  /* previous layer's output -> this one's, per species unless gated */
  ftl_layout out;   /* of the product */

  const ftl_descriptor_block *descriptor; /* [out.n] where each block of `out` goes in a row of descriptors */

  ftl_linear linear_up; /* of this layer, applied to the previous one's output (not for the first) */
  int n_readouts;
  ftl_prepared_readout readout[2];
} ftl_prepared_layer;

struct ftl_kernels;

/* Of a model that processes share (engine/share.c), itself included: where its arrays are mapped. All 0 for others. */
typedef struct {
  void *numbers, *structure;
  size_t numbers_bytes, structure_bytes;
  int descriptor; /* of the shared object, in the process that made it; -1 in others */
} ftl_mapping;

struct ftl_model {
  ftl_architecture arch; /* heads owned */
  ftl_precision precision;
  int real_bytes;
  int lanes; /* numbers in a vector of the kernels */
  int pad;   /* channels are padded to this many numbers, 64 bytes: rows that ranks exchange do not depend on the CPU */
  int block_atoms;
  int head;
  int64_t n_parameters;
  const char *heads[FTL_MAX_HEADS];
  int n_species;
  int n_classes;
  int *pair_class; /* [n_species * n_species], receiver-major */
  double *e0;      /* [n_species] */
  double *scale;   /* [n_species]; 1 for a plain MACE, one number for all elements of another */
  double shift;    /* 0 for a plain MACE */
  int n_sh, lmax;
  double *zbl; /* [n_species * n_species][4]: prefactor, 1/a, r_max, unused; NULL without */
  double zbl_c[4];
  int zbl_p;
  ftl_prepared_layer layer[FTL_MAX_LAYERS];
  ftl_descriptor_block *descriptor; /* [n_descriptors] of all layers; NULL: there are none */
  int n_descriptors, descriptor_width;
  const struct ftl_kernels *kernels;
  const struct ftl_engine *engine;
  struct ftl_ace *ace; /* the tables of the ACE engine: arch and layer say no more than "one layer" then */
  int n_last;          /* inputs of all readouts' last maps */
  /* what is known of errors, owned; NULL: nothing. Of a MACE or NequIP the one, of `ace` the other. */
  ftl_trust *trust;
  ftl_surrogate *surrogate;
  int n_committee;                  /* of either */
  double energy_scale, force_scale; /* likewise */
  ftl_mapping mapping;
};

/* Builds the tables; `source` may be freed afterwards. */
ftl_status ftl_prepare(const ftl_source *source, const ftl_open_options *options, ftl_model **model, ftl_error *error);

/* ---- shared by the prepare_*.c files ---- */

/* Writes double values as numbers of the model's precision from number `at` on. */
void ftl_store(const ftl_model *model, const double *values, size_t n, void *numbers, size_t at);
/* Packs double values likewise, 64-byte aligned; NULL when out of memory. */
void *ftl_pack(const ftl_model *model, const double *values, size_t n);
/* An allocation aligned to 64 bytes, zeroed. */
void *ftl_calloc64(size_t bytes);
/* One in place of the old one; `pointer` is the pointer's address. */
bool ftl_renew(void *pointer, size_t bytes);

/* The first layer's input for an element: its row of the node embedding, [0e channels], with what the head and the bias
   add. FTL_ERR_FORMAT names a tensor that is absent. */
ftl_status ftl_embedding_row(const ftl_model *model, const ftl_source *source, int species, double *row,
                             ftl_error *error);
/* Adds what a linear map NAME adds to its 0e outputs whatever its input is: its bias, and by_head the row of the chosen
   head. `row` is one atom's, in the order of linear->out. */
ftl_status ftl_linear_offset(const ftl_model *model, const ftl_source *source, const char *name, bool by_head,
                             const ftl_linear *linear, double *row, ftl_error *error);

/* e3nn Linear `weight` [sum of mul_in * mul_out over (i_in, i_out) with equal irreps] as dense matrices; with its
 * 1/sqrt(fan_in). `heads` as above. */
ftl_status ftl_prepare_linear(const ftl_model *model, const ftl_irreps *in, const ftl_irreps *out,
                              const ftl_tensor *weight, int heads, ftl_linear *linear, ftl_error *error);
/* e3nn FullyConnectedTensorProduct with the one-hot element: a linear map per species. */
ftl_status ftl_prepare_skip(const ftl_model *model, const ftl_irreps *in, const ftl_irreps *out,
                            const ftl_tensor *weight, ftl_linear *linear, ftl_error *error);
/* Adds the paths in -> out for every pair of blocks of one irrep, in e3nn's order (i_in outer), to a linear whose
   layouts are set here too. */
void ftl_linear_paths(const ftl_model *model, const ftl_irreps *in, const ftl_irreps *out, ftl_linear *linear);
/* Numbers in one species' dense weights: sum over paths of mul_in * mul_out. */
size_t ftl_linear_dense_size(const ftl_linear *linear);
/* Packs dense weights [species][path][mul_in][mul_out]; n_species 0: one set for all. */
ftl_status ftl_linear_pack(const ftl_model *model, int n_species, const double *dense, ftl_linear *linear,
                           ftl_error *error);
/* e3nn Linear's weights as dense[path][mul_in][mul_out], 1/sqrt(fan_in) included; heads: inputs more that the 0e
   outputs have, one for each head. */
void ftl_linear_dense(const ftl_linear *linear, const ftl_tensor *weight, int heads, double *dense);
/* A skip_tp's weights for one species, likewise. */
void ftl_skip_dense(const ftl_model *model, const ftl_linear *linear, const ftl_tensor *weight, int species,
                    double *dense);
void ftl_linear_free(ftl_linear *linear);
/* Packs [rows][columns] (row-major, columns padded with zeros to `pad`) as gemm panels. */
void ftl_pack_panels(const double *matrix, int rows, int columns, int pad, int lanes, double *packed);

ftl_status ftl_prepare_contraction(const ftl_model *model, const ftl_source *source, int t,
                                   ftl_contraction *contraction, ftl_error *error);
void ftl_contraction_free(ftl_contraction *contraction);

ftl_status ftl_prepare_readouts(ftl_model *model, const ftl_source *source, ftl_error *error);
void ftl_readout_free(ftl_prepared_readout *readout);
/* The model takes what is known of its errors, after its readouts. FTL_ERR_FORMAT: it is of another last layer;
   FTL_ERR_MEMORY: it is the caller's still. */
ftl_status ftl_prepare_trust(ftl_model *model, ftl_trust *trust, const char *path, ftl_error *error);

/* Radial parts of one layer: grid, density, and first_layer or conv with its linear. */
ftl_status ftl_prepare_radial(ftl_model *model, const ftl_source *source, int t, ftl_error *error);

const ftl_tensor *ftl_require(const ftl_source *source, ftl_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
