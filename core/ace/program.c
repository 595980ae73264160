/* The trie of products as the kernels go through it: a list of nodes, depth first, with signs in the coefficients. */
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "base/error.h"

/* Leaves and nodes in the program so far. */
typedef struct {
  const ftl_ace_products *products;
  ftl_ace_program *program;
  int n_leaves, n_density;
  int *first_child, *next; /* of nodes; first_child[n_nodes] begins those without a parent; -1 ends a list */
} writer;

static double sign_of(const ftl_ace_factor *f) { return f->im < 0 ? 0 : f->sign_re * f->sign_im; }

static void add_leaf(writer *w, int entry, double factor, double sign, const double *c) {
  double *to = w->program->leaf_c + (size_t)w->n_leaves * ((size_t)w->n_density + 1);
  for (int p = 0; p < w->n_density; p++) to[p] = factor * c[p];
  to[w->n_density] = w->n_density == 1 ? sign * to[0] : sign;
  w->program->leaf[w->n_leaves++] = entry;
}

static int leaves_of(const ftl_ace_products *p, int k) { return p->first_leaf[k + 1] - p->first_leaf[k]; }

/* Children of each node in the order of their number of leaves: loops of one length after another are predicted well.
 */
static void list_children(writer *w) {
  const ftl_ace_products *p = w->products;
  for (int k = 0; k <= p->n_nodes; k++) w->first_child[k] = -1;
  for (int k = 0; k < p->n_nodes; k++) {
    int *at = &w->first_child[p->parent[k] < 0 ? p->n_nodes : p->parent[k]];
    while (*at >= 0 && leaves_of(p, *at) <= leaves_of(p, k)) at = &w->next[*at];
    w->next[k] = *at;
    *at = k;
  }
}

/* The nodes below one, and theirs; `factor` is the sign of its product. */
static void add_nodes(writer *w, int below, int depth, double factor) {
  const ftl_ace_products *p = w->products;
  for (int k = w->first_child[below]; k >= 0; k = w->next[k]) {
    const ftl_ace_factor *f = &p->factor[p->node_factor[k]];
    w->program->node[w->program->n_nodes++] = (ftl_ace_node){f->re, depth, leaves_of(p, k), sign_of(f)};
    for (int q = p->first_leaf[k]; q < p->first_leaf[k + 1]; q++) {
      const ftl_ace_factor *leaf = &p->factor[p->leaf_factor[q]];
      add_leaf(w, leaf->re, factor * f->sign_re * leaf->sign_re, sign_of(leaf),
               p->leaf_c + (size_t)q * (size_t)w->n_density);
    }
    add_nodes(w, k, depth + 1, factor * f->sign_re);
  }
}

/* Rank 1 functions, whose g_k are the radial functions of l = 0. */
static void add_alone(writer *w, const ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of) {
  for (int k = 0; k < file->n_functions[mu]; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    int z = species_of[f->mu[0]];
    if (f->rank > 1 || f->n_m == 0 || z < 0) continue;
    add_leaf(w, z * ace->n_lm * 8 * ace->n_chunks + f->n[0], 1, 0, f->c);
  }
  w->program->n_alone = w->n_leaves;
}

ftl_status ftl_ace_program_make(const ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of,
                                const ftl_ace_products *products, ftl_ace_program *program, ftl_error *error) {
  int n_density = file->embedding[mu].n_density;
  size_t n_leaves = (size_t)(products->n_leaves + file->n_functions[mu]) + 1, n_nodes = (size_t)products->n_nodes + 1;
  writer w = {products, program, 0, n_density, malloc(n_nodes * sizeof(int)), malloc(n_nodes * sizeof(int))};
  program->node = malloc(n_nodes * sizeof *program->node);
  program->leaf = malloc(n_leaves * sizeof *program->leaf);
  program->leaf_c = malloc(n_leaves * ((size_t)n_density + 1) * sizeof *program->leaf_c);
  bool ok = w.first_child && w.next && program->node && program->leaf && program->leaf_c;
  if (ok) {
    if (ace->n_linear == 0) add_alone(&w, ace, file, mu, species_of);
    list_children(&w);
    add_nodes(&w, products->n_nodes, 0, 1);
  }
  free(w.first_child);
  free(w.next);
  return ok ? FTL_OK : ftl_no_memory(error, NULL, "the potential's products");
}

void ftl_ace_program_free(ftl_ace_program *program) {
  free(program->node);
  free(program->leaf);
  free(program->leaf_c);
}
