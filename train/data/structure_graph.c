/* Neighbour lists of the structures of a data set. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "base/error.h"
#include "support/work_memory.h"

int ftl_element_index(const int *elements, int n_elements, int atomic_number) {
  for (int k = 0; k < n_elements; k++)
    if (elements[k] == atomic_number) return k;
  return -1;
}

int ftl_dataset_elements(const ftl_dataset *dataset, int elements[118]) {
  bool there[119] = {false};
  int n = 0;
  for (int64_t s = 0; s < dataset->n; s++)
    for (int i = 0; i < dataset->structure[s].n; i++) there[dataset->structure[s].atomic_number[i]] = true;
  for (int z = 1; z <= 118; z++)
    if (there[z]) elements[n++] = z;
  return n;
}

ftl_status ftl_structure_neighbours(const ftl_structure *structure, double cutoff, ftl_neighbours *list,
                                    ftl_error *error) {
  ftl_error inner = {0};
  ftl_status status =
      ftl_neighbours_build(list, structure->n, (const double(*)[3])structure->position,
                           structure->has_cell ? structure->cell : NULL, structure->pbc, cutoff, &inner);
  if (!status) return FTL_OK;
  char where[sizeof inner.where];
  ftl_structure_where(structure, -1, where);
  if (!*inner.where) return ftl_fail(error, status, where, "%s", inner.message);
  return ftl_fail(error, status, where, "%s: %.350s", inner.where, inner.message);
}

ftl_status ftl_structure_graph_build(const ftl_structure *structure, const int *elements, int n_elements, double cutoff,
                                     ftl_neighbours *scratch, ftl_structure_graph *graph, ftl_error *error) {
  *graph = (ftl_structure_graph){0};
  char where[sizeof error->where];
  for (int i = 0; i < structure->n; i++) {
    if (ftl_element_index(elements, n_elements, structure->atomic_number[i]) >= 0) continue;
    ftl_structure_where(structure, i, where);
    return ftl_fail(error, FTL_ERR_INPUT, where, "atom %d is %s, an element that the model does not have", i,
                    ftl_element_symbol(structure->atomic_number[i]));
  }
  FTL_TRY(ftl_structure_neighbours(structure, cutoff, scratch, error));

  /* one block, the widest type first: vectors, first edges, senders, species */
  const size_t n = (size_t)structure->n, n_edges = (size_t)scratch->n_edges;
  const size_t vectors = n_edges * sizeof(double[3]), firsts = (n + 1) * sizeof(int64_t);
  graph->bytes = vectors + firsts + (n_edges + n) * sizeof(int);
  char *memory = graph->memory = malloc(graph->bytes);
  if (!memory || !ftl_memory_is_left()) {
    free(memory);
    *graph = (ftl_structure_graph){0};
    ftl_structure_where(structure, -1, where);
    return ftl_no_memory(error, where, "%zu neighbours", n_edges);
  }
  double(*vector)[3] = (double(*)[3])memory;
  int64_t *first_edge = (int64_t *)(memory + vectors);
  int *sender = (int *)(memory + vectors + firsts), *species = sender + n_edges;
  if (n_edges) {
    memcpy(vector, scratch->vector, vectors);
    memcpy(sender, scratch->sender, n_edges * sizeof *sender);
  }
  memcpy(first_edge, scratch->first_edge, firsts);
  for (size_t i = 0; i < n; i++) species[i] = ftl_element_index(elements, n_elements, structure->atomic_number[i]);
  graph->graph = (ftl_graph){.n_local = structure->n,
                             .n_total = structure->n,
                             .species = species,
                             .first_edge = first_edge,
                             .sender = sender,
                             .vector = (const double(*)[3])vector};
  return FTL_OK;
}

void ftl_structure_graph_free(ftl_structure_graph *graph) {
  if (!graph) return;
  free(graph->memory);
  *graph = (ftl_structure_graph){0};
}

ftl_status ftl_dataset_average_neighbours(const ftl_dataset *dataset, double cutoff, double *average,
                                          ftl_error *error) {
  ftl_neighbours list = {0};
  ftl_status status = FTL_OK;
  int64_t edges = 0, atoms = 0;
  for (int64_t s = 0; !status && s < dataset->n; s++) {
    status = ftl_structure_neighbours(&dataset->structure[s], cutoff, &list, error);
    if (status) break;
    edges += list.n_edges;
    for (int i = 0; i < dataset->structure[s].n; i++) atoms += list.first_edge[i + 1] > list.first_edge[i];
  }
  ftl_neighbours_free(&list);
  *average = atoms > 0 ? (double)edges / (double)atoms : 1;
  return status;
}
