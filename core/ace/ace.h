/* A PACE potential as the kernels use it (docs/ace.md has the equations). Everything is immutable after opening. */
#ifndef FTL_ACE_H
#define FTL_ACE_H

#include "ace/ace_file.h"

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
} ftl_ace_products;

typedef struct {
  ftl_ace_embedding embedding;
  ftl_ace_products products;
  double *linear; /* rank 1: [n_species][base_pad][n_density] */
} ftl_ace_element;

typedef struct {
  ftl_ace_bond bond; /* coefficient is NULL here */
  int z[2];          /* for ZBL */
  double *radial;    /* [lmax + 1][chunk][n_base][8] */
} ftl_ace_pair;

typedef struct ftl_ace {
  int n_species, lmax, n_lm; /* n_lm = (lmax + 1)^2: m = 0, then real and imaginary part of each m > 0, for each l */
  int n_base, base_pad;      /* g_k */
  int n_chunks;              /* of 8 radial functions R_nl per l */
  int n_a;                   /* numbers in an atom's row of A: [species][n_lm][8 * n_chunks] */
  int max_factors, max_nodes;
  ftl_ace_inner_kind inner;
  ftl_ace_element *element; /* [n_species] */
  ftl_ace_pair *pair;       /* [n_species][n_species], central atom first */
  double y_a[FTL_ACE_MAX_L + 1][FTL_ACE_MAX_L + 1], y_b[FTL_ACE_MAX_L + 1][FTL_ACE_MAX_L + 1]; /* recursion of Y */
  double y_c[FTL_ACE_MAX_L + 1], y_d[FTL_ACE_MAX_L + 1];
} ftl_ace;

/* One thread's scratch; the edge arrays hold what the reverse needs again. */
typedef struct ftl_ace_scratch {
  double *a, *a_adjoint;           /* [8][n_a] */
  double *linear, *linear_adjoint; /* [8][n_species * base_pad] */
  double *factor, *factor_adjoint; /* [max_factors][2][8] */
  double *node, *node_adjoint;     /* [max_nodes][2][8] */
  double *edge;                    /* [edge_capacity][ftl_ace_edge_numbers] */
  size_t bytes;
} ftl_ace_scratch;

/* A potential as a model of one layer; `path` is for messages. Nothing of `file` is kept. */
ftl_status ftl_ace_open(const ftl_ace_file *file, const char *path, const ftl_open_options *options, ftl_model **model,
                        ftl_error *error);
void ftl_ace_free(ftl_ace *ace);

/* Numbers that an edge keeps between forward and reverse: harmonics with their recursion values, R and g with their
   slopes, the core repulsion with its slope. */
size_t ftl_ace_edge_numbers(const ftl_ace *ace);
ftl_status ftl_ace_scratch_new(const ftl_ace *ace, ftl_ace_scratch **scratch, ftl_error *error);
bool ftl_ace_scratch_edges(const ftl_ace *ace, ftl_ace_scratch *scratch, size_t n_edges);
void ftl_ace_scratch_free(ftl_ace_scratch *scratch);

/* g_k(r) and slopes, inner cutoff included; r is below the pair's cutoff. */
void ftl_ace_base(const ftl_ace_bond *bond, int n_base, double r, double *g, double *dg);
/* The core repulsion of a pair at r, and its slope. */
double ftl_ace_core(const ftl_ace_pair *pair, double r, double *slope);
/* 1 below `end - width`, 0 above `end`, a polynomial of degree 5 between. */
double ftl_ace_switch(double x, double end, double width, double *slope);
/* Embedding energy of densities, with its derivatives by them. */
double ftl_ace_embed(const ftl_ace_embedding *embedding, const double *rho, double *derivative);

/* Terms of an element's functions over the species kept: species_of[file index] is an index or -1. */
ftl_status ftl_ace_products_make(const ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of,
                                 ftl_ace_products *products, ftl_error *error);
void ftl_ace_products_free(ftl_ace_products *products);

#endif
