/* The trie of products as the kernels go through it: a list of nodes, depth first, with signs in the coefficients. */
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "model/error.h"

typedef enum { REAL, PLAIN, CONJUGATE } kind;

static kind kind_of(const ftl_ace_factor *f) { return f->im < 0 ? REAL : f->sign_re == f->sign_im ? PLAIN : CONJUGATE; }

/* Leaves in the program so far. */
typedef struct {
  ftl_ace_program *program;
  int n_leaves, n_density;
} writer;

static void add_leaf(writer *w, int entry, double sign, const double *c) {
  w->program->leaf[w->n_leaves] = entry;
  for (int p = 0; p < w->n_density; p++) w->program->leaf_c[w->n_leaves * w->n_density + p] = sign * c[p];
  w->n_leaves++;
}

/* Leaves of node k of one kind; how many. */
static int add_leaves(writer *w, const ftl_ace_products *products, int k, kind wanted, double sign) {
  int before = w->n_leaves;
  for (int q = products->first_leaf[k]; q < products->first_leaf[k + 1]; q++) {
    const ftl_ace_factor *f = &products->factor[products->leaf_factor[q]];
    if (kind_of(f) == wanted)
      add_leaf(w, f->re, sign * f->sign_re, products->leaf_c + (size_t)q * (size_t)w->n_density);
  }
  return w->n_leaves - before;
}

/* `sign` is that of a node's product. */
static void add_nodes(writer *w, const ftl_ace_products *products, double *sign) {
  for (int k = 0; k < products->n_nodes; k++) {
    const ftl_ace_factor *f = &products->factor[products->node_factor[k]];
    int parent = products->parent[k];
    ftl_ace_node *node = &w->program->node[k];
    sign[k] = f->sign_re * (parent < 0 ? 1 : sign[parent]);
    node->entry = f->re;
    node->depth = parent < 0 ? 0 : w->program->node[parent].depth + 1;
    node->sign = kind_of(f) == REAL ? 0 : kind_of(f) == PLAIN ? 1 : -1;
    node->n_real = add_leaves(w, products, k, REAL, sign[k]);
    node->n_plain = add_leaves(w, products, k, PLAIN, sign[k]);
    node->n_conjugate = add_leaves(w, products, k, CONJUGATE, sign[k]);
  }
}

/* Rank 1 functions, whose g_k are the radial functions of l = 0. */
static void add_alone(writer *w, const ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of) {
  for (int k = 0; k < file->n_functions[mu]; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    int z = species_of[f->mu[0]];
    if (f->rank > 1 || f->n_m == 0 || z < 0) continue;
    add_leaf(w, z * ace->n_lm * 8 * ace->n_chunks + f->n[0], 1, f->c);
  }
  w->program->n_alone = w->n_leaves;
}

ftl_status ftl_ace_program_make(const ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of,
                                ftl_ace_element *element, ftl_error *error) {
  const ftl_ace_products *products = &element->products;
  ftl_ace_program *program = &element->program;
  int n_density = element->embedding.n_density;
  size_t n_leaves = (size_t)(products->n_leaves + file->n_functions[mu]), n_nodes = (size_t)products->n_nodes;
  writer w = {program, 0, n_density};
  double *sign = malloc((n_nodes + 1) * sizeof *sign);
  program->n_nodes = products->n_nodes;
  program->node = calloc(n_nodes + 1, sizeof *program->node);
  program->leaf = malloc((n_leaves + 1) * sizeof *program->leaf);
  program->leaf_c = malloc((n_leaves + 1) * (size_t)n_density * sizeof *program->leaf_c);
  bool ok = sign && program->node && program->leaf && program->leaf_c;
  if (ok && ace->n_linear == 0) add_alone(&w, ace, file, mu, species_of);
  if (ok) add_nodes(&w, products, sign);
  free(sign);
  return ok ? FTL_OK : ftl_fail(error, FTL_ERR_MEMORY, "", "no memory for the potential's products");
}

void ftl_ace_program_free(ftl_ace_program *program) {
  free(program->node);
  free(program->leaf);
  free(program->leaf_c);
}
