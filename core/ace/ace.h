/* A PACE potential as the kernels use it (docs/ace.md has the equations). Everything is immutable after opening. */
#ifndef FTL_ACE_H
#define FTL_ACE_H

#include "ace/coupled.h"
#include "base/arena.h"
#include "model/ace_potential.h"
#include "model/arrays.h"
#include "model/prepared.h"

/* A basis entry A[mu][l, m][n] as a factor of products; m < 0 is (-1)^m times the conjugate of -m. */
typedef struct {
  int re, im; /* in an atom's row of A; im < 0 for m = 0 */
  double sign_re, sign_im;
} ftl_ace_factor;

/* Products of factors as a trie: a node is the product along its path, a leaf one more factor with the coefficients of
   the term. Nodes come after their parents; a node's leaves are consecutive. */
typedef struct {
  int n_factors, n_nodes, n_leaves;
  ftl_ace_factor *factor;
  int *parent, *node_factor, *first_leaf; /* [n_nodes], [n_nodes], [n_nodes + 1]; parent < 0: the factor alone */
  int *leaf_factor;                       /* [n_leaves] */
  double *leaf_c;                         /* [n_leaves][n_density] */
  ftl_arena memory;
} ftl_ace_products;

/* The same products as the kernels go through them: nodes depth first, each with its leaves, so that only the products
   along one path are held. Factors are entries of A (real part; the imaginary part is 8 * n_chunks further); signs of
   negative m are in the coefficients. An imaginary part counts 1, -1 for a conjugate, or 0 for m = 0. */
typedef struct {
  int entry, depth, n_leaves;
  double sign; /* of the factor's imaginary part */
} ftl_ace_node;

typedef struct {
  int n_nodes, n_alone; /* leaves without a node come first: rank 1 */
  ftl_ace_node *node;
  int *leaf;      /* entries */
  double *leaf_c; /* [leaf][n_density + 1]: coefficients; then the imaginary part's sign, with one density times c */
} ftl_ace_program;

typedef struct {
  ftl_ace_embedding embedding;
  /* [n_programs] by the set of neighbours' elements in a block, bit z for element z: a product with an element that no
     atom of the block has near is zero. With one program it holds all products. */
  int n_programs;
  ftl_ace_program *program;
  ftl_ace_coupled *coupled; /* [n_programs]: the same products, which the kernels take where it is not NULL */
} ftl_ace_element;

/* Cubic splines of some functions of r on an even grid, the bins of ML-PACE (docs/ace.md). In float64 a row is values
   and slopes (per bin) at a node; in float32, where differences of values are too coarse, the four coefficients of a
   bin. Row 0 continues bin 1 downwards. */
typedef struct {
  int n_functions, pad, n_bins;
  double inverse;  /* bins per Angstrom */
  void *row;       /* numbers [n_bins + 1][2 or 4][pad], then zeros */
  size_t zero_row; /* where a row of zeros begins */
} ftl_ace_table;

/* Components of A with the same radial functions: lm .. lm + n_lm - 1 times R[radial .. radial + n - 1] of an edge. */
typedef struct {
  int lm, n_lm, radial, n;
} ftl_ace_segment;

typedef struct {
  ftl_ace_bond bond;          /* coefficient is NULL here */
  int z[2];                   /* for ZBL */
  const ftl_ace_table *table; /* equal pairs share one */
  void *mix;                  /* numbers [n_out - n_direct][table functions]; NULL: nothing to mix */
  int n_core;                 /* bins with a core repulsion */
  double (*core)[2];          /* [n_core + 1]: value and slope at the nodes of the table */
  int lmax, n_segments;       /* what products around the first element use of A of the second */
  ftl_ace_segment segment[FTL_ACE_MAX_L + 1];
} ftl_ace_pair;

typedef struct ftl_ace {
  int n_species, lmax, n_lm; /* n_lm = (lmax + 1)^2: m = 0, then real and imaginary part of each m > 0, for each l */
  int n_base;                /* g_k */
  int n_chunks;              /* of 8 radial functions R_nl per l */
  int n_a;                   /* numbers in an atom's row of A: [species][n_lm][8 * n_chunks] */
  ftl_ace_inner_kind inner;
  /* Numbers of an edge that are functions of r: R_nl of the segments, then one per density for rank 1. The first
     n_direct are the table's, the others sums of the table's. */
  int n_out, n_direct, n_linear;
  size_t record_vectors; /* of ftl_ace_scratch.record */
  size_t sum_row;        /* of ftl_ace_scratch.sums */
  int n_segments;
  ftl_ace_segment segment[FTL_ACE_MAX_L + 1];
  int n_tables;
  ftl_ace_table *table;
  ftl_ace_element *element; /* [n_species] */
  ftl_ace_couplings couplings;
  size_t coupled_numbers; /* of ftl_ace_scratch.coupled */
  ftl_ace_pair *pair;     /* [n_species][n_species], central atom first */
  double y_a[FTL_ACE_MAX_L + 1][FTL_ACE_MAX_L + 1], y_b[FTL_ACE_MAX_L + 1][FTL_ACE_MAX_L + 1]; /* recursion of Y */
  double y_c[FTL_ACE_MAX_L + 1], y_d[FTL_ACE_MAX_L + 1];
} ftl_ace;

enum { FTL_ACE_GATHER = 12 };                    /* groups of edges that are summed at once */
enum { FTL_ACE_TILE_Y = 4, FTL_ACE_TILE_R = 5 }; /* components of Y and radial functions whose sums are in registers */
enum { FTL_ACE_MAX_LANES = 64 / (int)sizeof(float) };
#define FTL_ACE_FAR 1000.0

/* Edges of one atom to one element within the cutoff of their pair, as many as a vector has lanes. The first n lanes
   are edges, the others are nothing: FTL_ACE_FAR away, with functions of r that are zero. */
typedef struct {
  int n, species;
} ftl_ace_group;

/* Edges as they are found, and in lanes: [group][lanes]. */
typedef struct {
  double *v[3];
  int *sender; /* node */
} ftl_ace_edges;

/* One thread's scratch. */
typedef struct ftl_ace_scratch {
  double *a, *a_adjoint; /* [n_a][FTL_BLOCK_ATOMS] */
  double *coupled;       /* coupled products, then dE/d(them), or d(density)/d(them) for each density */
  double *sums;          /* [species][FTL_BLOCK_ATOMS][sum_row]: A of one atom and element, tile by tile; a row of 0 */
  void *adjoint_rows;    /* numbers [species][FTL_BLOCK_ATOMS][n_lm][8 * n_chunks]: dE/dA */
  void *y;               /* [FTL_ACE_GATHER][n_lm] vectors: lanes are edges */
  ftl_ace_edges found, edge;
  int *found_species;
  double *r, *core_slope; /* [group][lanes]; slopes of atoms whose core energy counts */
  int *bin;               /* likewise, of the pair's table */
  void *w;                /* numbers, likewise: the place in the bin */
  ftl_ace_group *group;
  void *record; /* [group][record_vectors]: unit vector, 1/r, functions of r, their slopes */
  int first_group[FTL_BLOCK_ATOMS + 1];
  unsigned near[FTL_MAX_ELEMENTS];                     /* bit a: atom a of the block has the element near */
  double linear[FTL_BLOCK_ATOMS][FTL_ACE_MAX_DENSITY]; /* rank 1 */
  size_t bytes, edge_bytes;
  ftl_arena memory, edges; /* of what stays, and of what is [group] */
} ftl_ace_scratch;

/* A potential as a model of one layer; `path` is for messages. Nothing of `file` is kept. */
ftl_status ftl_ace_make(const ftl_ace_file *file, const char *path, const ftl_open_options *options, ftl_model **model,
                        ftl_error *error);

/* ---- the engine's row (model/engine.h) ---- */

/* The model owns what is known of its errors from now on, in place of what was. */
void ftl_ace_take_surrogate(ftl_model *model, ftl_surrogate *surrogate);

ftl_status ftl_ace_open(const char *path, const ftl_open_options *options, bool *mine, ftl_model **model,
                        ftl_error *error);
void ftl_ace_free(ftl_model *model);
ftl_status ftl_ace_arrays(ftl_model *model, ftl_arrays *arrays, ftl_error *error);
ftl_status ftl_ace_scratch_new(const ftl_model *model, void **scratch, ftl_error *error);
bool ftl_ace_scratch_edges(const ftl_model *model, void *scratch, size_t n_edges);
size_t ftl_ace_scratch_bytes(const void *scratch);
void ftl_ace_scratch_free(void *scratch);

/* Tables of every pair, the segments of A and how edges get their functions: for the functions of `file` over the
   species kept, species_of[file index]. Sizes and bonds are set already. */
ftl_status ftl_ace_tables_make(ftl_model *model, const ftl_ace_file *file, const char *path, const int *species_of,
                               ftl_error *error);
/* An element's products and its rank 1 functions that need no radial functions of their own. */
ftl_status ftl_ace_program_make(const ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of,
                                const ftl_ace_products *products, ftl_ace_program *program, ftl_error *error);
void ftl_ace_program_free(ftl_ace_program *program);

/* g_k(r) and slopes, inner cutoff included; r is below the pair's cutoff. */
void ftl_ace_base(const ftl_ace_bond *bond, int n_base, double r, double *g, double *dg);
/* The core repulsion of a pair at r, and its slope. */
double ftl_ace_core(const ftl_ace_pair *pair, double r, double *slope);

/* Terms of an element's functions over the species kept: species_of[file index] is an index or -1. */
ftl_status ftl_ace_products_make(const ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of,
                                 ftl_ace_products *products, ftl_error *error);
void ftl_ace_products_free(ftl_ace_products *products);

#endif
