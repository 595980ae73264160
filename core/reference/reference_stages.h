/* The stages of MACE in plain C: one atom or one edge at a time, in double, straight from the equations.

   They are the yardstick of the fast stages and of the trainer's gradients, not a way to run MD. Equations are those of
   Batatia et al., MACE, arXiv 2206.07697 (numbered "MACE (n)"); factors are those of e3nn 0.4.4 and mace-torch 0.3.16.

   Conventions:
     - features are in e3nn's mul_ir layout: for each block of the irreps, channel u, then m: offset + u (2l+1) + m;
     - forward functions overwrite their output unless they say "adds";
     - reverse functions take the adjoint dE/d(output), called d_output, and ADD dE/d(input) to d_input;
     - every array belongs to the caller. Stages that need scratch have it in their struct: one caller at a time. */
#ifndef FTL_REFERENCE_STAGES_H
#define FTL_REFERENCE_STAGES_H

#include "model/architecture.h"
#include "model/traits.h"
#include "reference/memory.h"

/* ---- spherical harmonics ---- */

#define FTL_REF_L_MAX 3
#define FTL_REF_N_SH  16 /* (FTL_REF_L_MAX + 1)^2 */

/* y[(l_max+1)^2] of the direction of v; e3nn's order and "component" normalisation (sum_m y_lm^2 = 2l+1). v may have
   any length but zero. */
void ftl_ref_harmonics(const double v[3], int l_max, double *y);
void ftl_ref_harmonics_reverse(const double v[3], int l_max, const double *d_y, double d_v[3]);
/* The same polynomials of v itself, growing as |v|^l (sevenn without _normalize_sph). */
void ftl_ref_raw_harmonics(const double v[3], int l_max, double *y);
void ftl_ref_raw_harmonics_reverse(const double v[3], int l_max, const double *d_y, double d_v[3]);

/* ---- radial functions ---- */

typedef struct {
  ftl_radial_kind kind;
  ftl_transform_kind transform;
  int n;        /* basis functions */
  double r_max; /* Angstrom */
  ftl_cutoff_kind cutoff;
  double p;             /* exponent of the polynomial cutoff */
  double r_on;          /* where XPLOR's begins */
  double prefactor;     /* Bessel: sqrt(2 / r_max); 2 / r_max in the NequIP family */
  const double *weight; /* [n] Bessel: n pi / r_max; Gaussian: centres; Chebyshev: not used */
  double gaussian_coeff;
  double q_agnesi, p_agnesi, a_agnesi, alpha_soft;
  const double *covalent_radius; /* [atomic number], Angstrom; for a transform */
} ftl_ref_radial;

ftl_status ftl_ref_radial_prepare(ftl_ref_radial *radial, const ftl_source *source, ftl_arena *memory,
                                  ftl_error *error);

/* 1 - (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) - p(p+1)/2 x^(p+2) with x = r / r_max below r_max, 0 beyond; and d/dr. */
double ftl_ref_cutoff(double r, double r_max, double p, double *d_r);
/* 1 below r_on, then (r_max^2 - r^2)^2 (r_max^2 + 2 r^2 - 3 r_on^2) / (r_max^2 - r_on^2)^3 up to r_max; and d/dr. */
double ftl_ref_xplor(double r, double r_max, double r_on, double *d_r);
/* The model's one of the two. */
double ftl_ref_envelope(const ftl_ref_radial *radial, double r, double *d_r);

/* What the network sees of the distance: x(r) for two atomic numbers, and dx/dr. */
double ftl_ref_transform(const ftl_ref_radial *radial, double r, int z_i, int z_j, double *d_r);

/* b[n], the basis functions of the transformed distance, WITHOUT the cutoff, and d_r[n] = db/dr. */
void ftl_ref_basis(const ftl_ref_radial *radial, double r, int z_i, int z_j, double *b, double *d_r);

/* ---- multilayer perceptrons of the radial functions ---- */

#define FTL_REF_MAX_MLP 16

typedef struct {
  int n_layers;                  /* linear maps */
  int size[FTL_REF_MAX_MLP + 1]; /* size[0] inputs ... size[n_layers] outputs */
  bool torch_style;              /* false: e3nn FullyConnectedNet (weight [in][out] / sqrt(in), cst * act)
                                    true: mace RadialMLP (weight [out][in], bias, LayerNorm, silu) */
  ftl_activation act;            /* silu for MACE */
  double act_cst;
  double factor[FTL_REF_MAX_MLP]; /* of the weights: 1 / sqrt(in), or 1 for torch_style */
  const double *weight[FTL_REF_MAX_MLP];
  const double *bias[FTL_REF_MAX_MLP];                                     /* [out], torch_style */
  const double *norm_weight[FTL_REF_MAX_MLP], *norm_bias[FTL_REF_MAX_MLP]; /* [out], torch_style, hidden layers */
  double *linear[FTL_REF_MAX_MLP], *normed[FTL_REF_MAX_MLP], *activated[FTL_REF_MAX_MLP]; /* scratch [out] */
  double *d_a, *d_b;                                                                      /* scratch [widest] */
} ftl_ref_mlp;

/* `name` is the module's, e.g. "interactions.0.conv_tp_weights"; layers are counted from the tensors that are there. */
ftl_status ftl_ref_mlp_prepare(ftl_ref_mlp *mlp, const ftl_source *source, const char *name, bool torch_style,
                               ftl_activation act, double act_cst, int n_in, int n_out, ftl_arena *memory,
                               ftl_error *error);
void ftl_ref_mlp_forward(ftl_ref_mlp *mlp, const double *x, double *y);
void ftl_ref_mlp_reverse(ftl_ref_mlp *mlp, const double *x, const double *d_y, double *d_x);

/* ---- equivariant linear maps ---- */

typedef struct {
  ftl_irreps in, out;
  double extra_fan_in;  /* fan-in is this times the multiplicities summed (1, unless the model was cut) */
  const double *weight; /* blocks [mul_in][mul_out], for each block of `in`, for each block of `out` of that irrep */
  const double *bias;   /* for each scalar block of `out`: [mul]; NULL for none */
  const double *head;   /* likewise, the head's row of NAME.heads; NULL for none */
  int norm_heads; /* more inputs of the 0e outputs, one for each head that the weights were made with; 0 without */
} ftl_ref_linear;

/* Reads NAME.weight and, if biased, NAME.bias. */
ftl_status ftl_ref_linear_prepare(ftl_ref_linear *linear, const ftl_source *source, const char *name,
                                  const ftl_irreps *in, const ftl_irreps *out, bool biased, ftl_arena *memory,
                                  ftl_error *error);
/* Takes the row of a head from NAME.heads: the input has a one-hot vector of heads more, after all others. */
ftl_status ftl_ref_linear_add_head(ftl_ref_linear *linear, const ftl_source *source, const char *name, int head,
                                   ftl_arena *memory, ftl_error *error);
/* y[dim out] = e3nn Linear of x[dim in]. */
void ftl_ref_linear_forward(const ftl_ref_linear *linear, const double *x, double *y);
void ftl_ref_linear_reverse(const ftl_ref_linear *linear, const double *d_y, double *d_x);

/* ---- tensor product of sender features with the edge's harmonics: MACE (8), inside the sum ---- */

typedef struct {
  ftl_irreps in, sh;
  ftl_conv_paths paths;
  int n_weights;                     /* sum over paths of the channels of in1 */
  const double *w3j[FTL_MAX_BLOCKS]; /* per path [2 l1+1][2 l2+1][2 l3+1]; NULL where a closed form holds */
} ftl_ref_conv;

/* Takes the Wigner 3j tensors that the file holds under `name`, e.g. "interactions.0.conv_tp". */
ftl_status ftl_ref_conv_prepare(ftl_ref_conv *conv, const ftl_source *source, const char *name, const ftl_irreps *in,
                                const ftl_irreps *sh, const ftl_irreps *target, ftl_arena *memory, ftl_error *error);
/* Coupling coefficient of (m1, m2, m3) on a path: sqrt(2 l3 + 1) times the Wigner 3j symbol, which is e3nn's
   "component" normalisation with one term for each output block. */
double ftl_ref_coupling(const ftl_ref_conv *conv, int path, int m1, int m2, int m3);
/* Adds to message[dim paths.mid]; x[dim in], y[dim sh], w[n_weights] ([path][channel]). */
void ftl_ref_conv_forward(const ftl_ref_conv *conv, const double *x, const double *y, const double *w, double *message);
void ftl_ref_conv_reverse(const ftl_ref_conv *conv, const double *x, const double *y, const double *w,
                          const double *d_message, double *d_x, double *d_y, double *d_w);

/* ---- linear map with weights of its own for every element (FullyConnectedTensorProduct with the one-hot) ---- */

typedef struct {
  ftl_irreps in, out;
  int n_elements;       /* in the tensor */
  int norm_elements;    /* in the normalisation */
  const double *weight; /* blocks [mul_in][n_elements][mul_out], ordered as in ftl_ref_linear */
} ftl_ref_skip;

ftl_status ftl_ref_skip_prepare(ftl_ref_skip *skip, const ftl_source *source, const char *name, const ftl_irreps *in,
                                const ftl_irreps *out, ftl_arena *memory, ftl_error *error);
void ftl_ref_skip_forward(const ftl_ref_skip *skip, int element, const double *x, double *y);
void ftl_ref_skip_reverse(const ftl_ref_skip *skip, int element, const double *d_y, double *d_x);

/* ---- symmetric contraction: MACE (10), (11) ---- */

#define FTL_REF_MAX_CORRELATION 4
#define FTL_REF_MAX_LM          (2 * FTL_REF_N_SH) /* every l with both parities */

typedef struct {
  int l;
  int n_paths[FTL_REF_MAX_CORRELATION];          /* k = 0 .. n_paths-1, per order nu = index + 1 */
  const double *u[FTL_REF_MAX_CORRELATION];      /* [2l+1][n_lm]^nu[n_paths] */
  const double *weight[FTL_REF_MAX_CORRELATION]; /* [n_sets][n_paths][n_channels] */
} ftl_ref_contraction_block;

typedef struct {
  int correlation;
  int n_channels, n_lm;                              /* channels and components (all l) of A */
  ftl_irreps in, out;                                /* out: one block per contraction, of n_channels */
  int start[FTL_REF_MAX_LM], stride[FTL_REF_MAX_LM]; /* component i of channel c: a[start[i] + c stride[i]] */
  double *coefficient;                               /* scratch [n_channels] */
  ftl_ref_contraction_block block[FTL_MAX_BLOCKS];
} ftl_ref_contraction;

/* n_sets: elements, or 1 for an agnostic product. */
ftl_status ftl_ref_contraction_prepare(ftl_ref_contraction *contraction, const ftl_source *source, int layer,
                                       int n_sets, ftl_arena *memory, ftl_error *error);
/* b[dim out] from a[dim in]; `set` chooses the weights. */
void ftl_ref_contraction_forward(const ftl_ref_contraction *contraction, int set, const double *a, double *b);
void ftl_ref_contraction_reverse(const ftl_ref_contraction *contraction, int set, const double *a, const double *d_b,
                                 double *d_a);

/* ---- gates ---- */

/* An activation without its constant, and its derivative. */
double ftl_ref_activation(ftl_activation kind, double x, double *derivative);
/* y[dim out] from x[dim in]. */
void ftl_ref_gate_forward(const ftl_gate *gate, const double *x, double *y);
void ftl_ref_gate_reverse(const ftl_gate *gate, const double *x, const double *d_y, double *d_x);

/* ---- readouts: MACE (12), (13) ---- */

typedef struct {
  ftl_readout_kind kind;
  ftl_activation gate;
  double gate_cst;
  int layer;   /* whose output it reads */
  int head;    /* that answers */
  int n_heads; /* in the tensors */
  bool masks_heads;
  int n_hidden;
  ftl_ref_linear linear, linear_1, linear_mid, linear_2;
  ftl_ref_mlp net;                                  /* of FTL_READOUT_NET */
  double *one_hot;                                  /* scratch [n_heads] */
  double *h1, *a1, *h2, *a2, *d_h, *d_a, *energies; /* scratch [n_hidden]; energies [n_heads] */
} ftl_ref_readout;

ftl_status ftl_ref_readout_prepare(ftl_ref_readout *readout, const ftl_source *source, int index, int head,
                                   ftl_arena *memory, ftl_error *error);
/* Energy of one atom (before scale and shift) from its features x[dim in]. */
double ftl_ref_readout_forward(ftl_ref_readout *readout, const double *x);
void ftl_ref_readout_reverse(ftl_ref_readout *readout, const double *x, double d_energy, double *d_x);

/* ---- pair repulsion (Ziegler-Biersack-Littmark) ---- */

typedef struct {
  double a_exp, a_prefactor, p;
  const double *c;               /* [4] */
  const double *covalent_radius; /* [atomic number] */
} ftl_ref_zbl;

ftl_status ftl_ref_zbl_prepare(ftl_ref_zbl *zbl, const ftl_source *source, ftl_arena *memory, ftl_error *error);
/* eV that one edge (i <- j) gives to atom i, and d/dr. */
double ftl_ref_zbl_energy(const ftl_ref_zbl *zbl, double r, int z_i, int z_j, double *d_r);

/* ---- small functions ---- */

double ftl_ref_silu(double x);
double ftl_ref_silu_derivative(double x);
double ftl_ref_sigmoid(double x);

#endif
