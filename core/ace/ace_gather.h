/* PACE potentials: a block's edges sorted into groups, and the sums A over them. */
#ifndef FTL_KERNEL_ACE_GATHER_H
#define FTL_KERNEL_ACE_GATHER_H

#include "ace/functions.h"
#include "ace/ace_edges.h"

/* ---- sums over groups: tiles of components of Y times radial functions, held in registers ---- */

enum { ACE_TILE_Y = 4, ACE_TILE_R = 5 };

FTL_INLINE void ace_sum_tile(const vec *y, int n_lm, const vec *radial, size_t record, int n_groups, double *to,
                             int pad, const int n_y, const int n_r) {
  vec sum[ACE_TILE_Y][ACE_TILE_R];
  for (int c = 0; c < n_y; c++)
    for (int k = 0; k < n_r; k++) sum[c][k] = splat(0);
  for (int g = 0; g < n_groups; g++, y += n_lm, radial += record)
    for (int c = 0; c < n_y; c++)
      for (int k = 0; k < n_r; k++) sum[c][k] += y[c] * radial[k];
  for (int c = 0; c < n_y; c++)
    for (int k = 0; k < n_r; k++) to[(c * pad + k) * FTL_BLOCK_ATOMS] += (double)lane_sum(sum[c][k]);
}

#define ACE_TILE(n_y, n_r)                                                                                             \
  case (n_y)*8 + (n_r):                                                                                                \
    ace_sum_tile(y, n_lm, radial, record, n_groups, to, pad, n_y, n_r);                                                \
    break;
#define ACE_TILES(n_y) ACE_TILE(n_y, 1) ACE_TILE(n_y, 2) ACE_TILE(n_y, 3) ACE_TILE(n_y, 4) ACE_TILE(n_y, 5)

static void ace_sum_any(const vec *y, int n_lm, const vec *radial, size_t record, int n_groups, double *to, int pad,
                        int n_y, int n_r) {
  switch (n_y * 8 + n_r) {
    ACE_TILES(1)
    ACE_TILES(2)
    ACE_TILES(3)
    ACE_TILES(4)
  }
}

/* Parts of nearly the same size: the next of what is left, of at most `most`. */
FTL_INLINE int ace_part(int left, int most) {
  int parts = (left + most - 1) / most;
  return (left + parts - 1) / parts;
}

/* Adds groups first .. first + n - 1, which are of one atom and element and whose harmonics are in scratch->y. */
static void ace_sum(const ftl_ace *ace, const ftl_ace_pair *pair, const ftl_ace_scratch *scratch, int first, int n,
                    int a, int species) {
  int pad = 8 * ace->n_chunks;
  size_t record = ace->record_vectors;
  const vec *radial = ace_record_of(ace, scratch, first).radial, *y = scratch->y;
  double *to = scratch->a + (size_t)(species * ace->n_lm * pad) * FTL_BLOCK_ATOMS + a;
  for (int s = 0; s < pair->n_segments; s++) {
    const ftl_ace_segment *seg = &pair->segment[s];
    for (int c = 0, n_y; c < seg->n_lm; c += n_y) {
      n_y = ace_part(seg->n_lm - c, ACE_TILE_Y);
      for (int k = 0, n_r; k < seg->n; k += n_r) {
        n_r = ace_part(seg->n - k, ACE_TILE_R);
        ace_sum_any(y + seg->lm + c, ace->n_lm, radial + seg->radial + k, record, n,
                    to + (size_t)((seg->lm + c) * pad + k) * FTL_BLOCK_ATOMS, pad, n_y, n_r);
      }
    }
  }
}

/* ---- edges ---- */

/* Lists atom i's edges within the cutoffs of their pairs, by element, and cuts them into groups. */
static void ace_list_edges(const ftl_workspace *ws, const ftl_ace_pair *pairs, int i, ftl_ace_scratch *scratch,
                           int *n_edges, int *n_groups) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_graph *graph = &ws->graph;
  int start[FTL_MAX_ELEMENTS + 1] = {0};
  for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
    int z = graph->species[ftl_graph_node(graph, graph->sender[e])];
    double v[3], cutoff = pairs[z].bond.cutoff;
    ftl_graph_vector(graph, i, e, v);
    start[z + 1] += v[0] * v[0] + v[1] * v[1] + v[2] * v[2] < cutoff * cutoff;
  }
  start[0] = *n_edges;
  for (int z = 0; z < ace->n_species; z++) {
    int n = start[z + 1];
    for (int k = 0; k < n; k += LANES)
      scratch->group[(*n_groups)++] = (ftl_ace_group){start[z] + k, n - k < LANES ? n - k : LANES, z};
    start[z + 1] += start[z];
  }
  *n_edges = start[ace->n_species];
  for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
    int j = ftl_graph_node(graph, graph->sender[e]), z = graph->species[j];
    const ftl_ace_pair *pair = &pairs[z];
    double v[3];
    ftl_graph_vector(graph, i, e, v);
    const double r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    if (!(r2 < pair->bond.cutoff * pair->bond.cutoff)) continue;
    ftl_ace_edge *edge = &scratch->edge[start[z]++];
    edge->sender = j;
    memcpy(edge->v, v, sizeof edge->v);
    edge->r = sqrt(r2);
    const int bin = ftl_ace_bin(edge->r, pair->table->inverse, pair->table->n_bins, &edge->w);
    edge->row = (const real *)pair->table->row + (size_t)bin * (FTL_REAL_FLOAT ? 4 : 2) * (size_t)pair->table->pad;
    edge->core = ftl_ace_core_spline((const double *)pair->core, pair->n_core, pair->table->inverse, bin, edge->w,
                                     &edge->core_slope);
  }
}

static void ace_fill_record(const ftl_ace_edge *edge, int n, const ace_record *record) {
  real to[4][LANES] = {{0}};
  for (int e = 0; e < LANES; e++) to[2][e] = 1; /* of lanes without an edge: any direction */
  for (int e = 0; e < n; e++) {
    const double inverse = 1 / edge[e].r;
    for (int x = 0; x < 3; x++) to[x][e] = (real)(edge[e].v[x] * inverse);
    to[3][e] = (real)inverse;
  }
  memcpy(record->n, to, sizeof to);
}

static void ace_gather(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_ace_pair *pairs = &ace->pair[block->species * ace->n_species];
  ftl_ace_scratch *scratch = thread->scratch;
  int n_edges = 0, n_groups = 0;
  memset(scratch->a, 0, (size_t)ace->n_a * FTL_BLOCK_ATOMS * sizeof(double));
  memset(scratch->linear, 0, sizeof scratch->linear);
  for (int a = 0; a < block->n; a++) {
    scratch->first_edge[a] = n_edges;
    scratch->first_group[a] = n_groups;
    int g = n_groups;
    ace_list_edges(ws, pairs, ws->order[block->first + a], scratch, &n_edges, &n_groups);
    while (g < n_groups) {
      int first = g, z = scratch->group[g].species;
      for (; g < n_groups && g < first + FTL_ACE_GATHER && scratch->group[g].species == z; g++) {
        const ftl_ace_group *group = &scratch->group[g];
        ace_record record = ace_record_of(ace, scratch, g);
        ace_legendre legendre;
        ace_fill_record(scratch->edge + group->first, group->n, &record);
        ace_radial(ace, &pairs[z], scratch->edge + group->first, group->n, n_edges - group->first - group->n, &record);
        ace_legendre_at(ace, pairs[z].lmax, record.n[2], false, &legendre);
        ace_harmonics(pairs[z].lmax, record.n, &legendre, (vec *)scratch->y + (size_t)(g - first) * (size_t)ace->n_lm);
        for (int p = 0; p < ace->n_linear; p++)
          scratch->linear[a][p] += lane_sum(record.radial[ace->n_out - ace->n_linear + p]);
      }
      ace_sum(ace, &pairs[z], scratch, first, g - first, a, z);
    }
  }
  scratch->first_edge[block->n] = n_edges;
  scratch->first_group[block->n] = n_groups;
}

#endif
