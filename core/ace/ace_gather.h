/* PACE potentials: a block's edges sorted into groups, and the sums A over them. */
#ifndef FTL_KERNEL_ACE_GATHER_H
#define FTL_KERNEL_ACE_GATHER_H

#include "ace/functions.h"
#include "ace/ace_edges.h"

/* ---- sums over groups: tiles of components of Y times radial functions, held in registers ---- */

/* Numbers that a tile takes in a row of sums. */
FTL_INLINE int ace_tile_room(int n) { return (n + LANES - 1) / LANES * LANES; }

FTL_INLINE void ace_sum_tile(const vec *y, int n_lm, const vec *radial, size_t record, int n_groups, double *to,
                             bool add, const int n_y, const int n_r) {
  vec sum[(FTL_ACE_TILE_Y * FTL_ACE_TILE_R / LANES + 1) * LANES];
  for (int k = 0; k < ace_tile_room(n_y * n_r); k++) sum[k] = splat(0);
  for (int g = 0; g < n_groups; g++, y += n_lm, radial += record)
    for (int c = 0; c < n_y; c++)
      for (int k = 0; k < n_r; k++) sum[c * n_r + k] += y[c] * radial[k];
  for (int first = 0; first < n_y * n_r; first += LANES) {
    real sums[LANES] __attribute__((aligned(FTL_VECTOR_BYTES)));
    lane_sums(LANES, sum + first, sums);
    for (int k = 0; k < LANES; k += DOUBLE_LANES) {
      vec_double wide = widen(sums + k);
      if (add) wide += load_double(to + first + k);
      store_double(to + first + k, wide);
    }
  }
}

#define ACE_TILE(n_y, n_r)                                                                                             \
  case (n_y)*8 + (n_r):                                                                                                \
    ace_sum_tile(y, n_lm, radial, record, n_groups, to, add, n_y, n_r);                                                \
    break;
#define ACE_TILES(n_y) ACE_TILE(n_y, 1) ACE_TILE(n_y, 2) ACE_TILE(n_y, 3) ACE_TILE(n_y, 4) ACE_TILE(n_y, 5)

static void ace_sum_any(const vec *y, int n_lm, const vec *radial, size_t record, int n_groups, double *to, bool add,
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

/* A row of sums over groups first .. first + n - 1, which are of one atom and element and whose harmonics are in
   scratch->y; or adds to it. */
static void ace_sum(const ftl_ace *ace, const ftl_ace_pair *pair, const ftl_ace_scratch *scratch, int first, int n,
                    double *to, bool add) {
  size_t record = ace->record_vectors;
  const vec *radial = ace_record_of(ace, scratch, first).radial, *y = scratch->y;
  for (int s = 0; s < pair->n_segments; s++) {
    const ftl_ace_segment *seg = &pair->segment[s];
    for (int c = 0, n_y; c < seg->n_lm; c += n_y) {
      n_y = ace_part(seg->n_lm - c, FTL_ACE_TILE_Y);
      for (int k = 0, n_r; k < seg->n; k += n_r) {
        n_r = ace_part(seg->n - k, FTL_ACE_TILE_R);
        ace_sum_any(y + seg->lm + c, ace->n_lm, radial + seg->radial + k, record, n, to, add, n_y, n_r);
        to += ace_tile_room(n_y * n_r);
      }
    }
  }
}

/* A of one element from the rows of sums of the block's atoms. */
static void ace_place_sums(const ftl_ace *ace, const ftl_ace_pair *pair, const double *const *row, double *a) {
  const int pad = 8 * ace->n_chunks;
  size_t at = 0;
  for (int s = 0; s < pair->n_segments; s++) {
    const ftl_ace_segment *seg = &pair->segment[s];
    for (int c = 0, n_y; c < seg->n_lm; c += n_y) {
      n_y = ace_part(seg->n_lm - c, FTL_ACE_TILE_Y);
      for (int k = 0, n_r; k < seg->n; k += n_r) {
        double tile[(FTL_ACE_TILE_Y * FTL_ACE_TILE_R / ACE_ATOMS + 1) * ACE_ATOMS * ACE_ATOMS]
            __attribute__((aligned(64)));
        n_r = ace_part(seg->n - k, FTL_ACE_TILE_R);
        for (int q = 0; q < n_y * n_r; q += ACE_ATOMS) ace_atoms_of(row, at + (size_t)q, tile + q * ACE_ATOMS);
        const double *from = tile;
        for (int y = 0; y < n_y; y++)
          for (int r = 0; r < n_r; r++, from += ACE_ATOMS)
            ace_store(a + (size_t)((seg->lm + c + y) * pad + k + r) * ACE_ATOMS, ace_load(from));
        at += (size_t)ace_tile_room(n_y * n_r);
      }
    }
  }
}

/* ---- edges ---- */

/* Finds atom i's edges within the cutoffs of their pairs, in lanes by element. */
static void ace_list_edges(const ftl_workspace *ws, const ftl_ace_pair *pairs, int i, ftl_ace_scratch *scratch,
                           int *n_groups) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_graph *graph = &ws->graph;
  const ftl_ace_edges *edge = &scratch->edge;
  const bool one = ace->n_species == 1;
  const int first = *n_groups * LANES;
  double *const to[3] = {one ? edge->v[0] + first : scratch->found.v[0], one ? edge->v[1] + first : scratch->found.v[1],
                         one ? edge->v[2] + first : scratch->found.v[2]};
  int *const sender = one ? edge->sender + first : scratch->found.sender, *const species = scratch->found_species;
  int n = 0, start[FTL_MAX_ELEMENTS] = {0};
  for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
    const int j = ftl_graph_node(graph, graph->sender[e]), z = graph->species[j];
    const double cutoff = pairs[z].bond.cutoff;
    double v[3];
    ftl_graph_vector(graph, i, e, v);
    for (int x = 0; x < 3; x++) to[x][n] = v[x];
    sender[n] = j;
    species[n] = z;
    const int near = v[0] * v[0] + v[1] * v[1] + v[2] * v[2] < cutoff * cutoff; /* no branch: it is not foreseeable */
    start[z] += near;
    n += near;
  }
  for (int z = 0; z < ace->n_species; z++) {
    const int count = start[z];
    start[z] = *n_groups * LANES;
    for (int k = 0; k < count; k += LANES)
      scratch->group[(*n_groups)++] = (ftl_ace_group){count - k < LANES ? count - k : LANES, z};
    for (int k = start[z] + count; k < *n_groups * LANES; k++) {
      edge->v[0][k] = edge->v[1][k] = 0;
      edge->v[2][k] = FTL_ACE_FAR;
      edge->sender[k] = -1;
    }
  }
  for (int k = 0; k < n && !one; k++) {
    const int at = start[species[k]]++;
    for (int x = 0; x < 3; x++) edge->v[x][at] = to[x][k];
    edge->sender[at] = sender[k];
  }
}

/* Lengths, directions and places in the table of a group's edges. */
static void ace_locate(const ftl_ace_pair *pair, ftl_ace_scratch *scratch, int g, const ace_record *record) {
  const int first = g * LANES, n_bins = pair->table->n_bins;
  const double inverse = pair->table->inverse;
  const double *const v[3] = {scratch->edge.v[0] + first, scratch->edge.v[1] + first, scratch->edge.v[2] + first};
  double *r = scratch->r + first;
  real *w = (real *)scratch->w + first, *direction = (real *)record->n;
  for (int k = 0; k < LANES; k++) {
    double place;
    r[k] = sqrt(v[0][k] * v[0][k] + v[1][k] * v[1][k] + v[2][k] * v[2][k]);
    scratch->bin[first + k] = ftl_ace_bin(r[k], inverse, n_bins, &place);
    w[k] = (real)place;
  }
  for (int k = 0; k < LANES; k++) {
    const double over = 1 / r[k];
    for (int x = 0; x < 3; x++) direction[x * LANES + k] = (real)(v[x][k] * over);
    direction[3 * LANES + k] = (real)over;
  }
}

/* Groups first .. last - 1 of one atom and element: functions of r, and the row of sums. */
static void ace_gather_groups(const ftl_ace *ace, const ftl_ace_pair *pair, ftl_ace_scratch *scratch, int first,
                              int last, double *row, double *linear) {
  const real *w = scratch->w;
  for (int g = first; g < last; g++) {
    const ace_record record = ace_record_of(ace, scratch, g);
    ace_locate(pair, scratch, g, &record);
  }
  for (int begin = first, end; begin < last; begin = end) {
    end = last - begin < FTL_ACE_GATHER ? last : begin + FTL_ACE_GATHER;
    for (int g = begin; g < end; g++) {
      ace_record record = ace_record_of(ace, scratch, g);
      ace_legendre legendre;
      ace_radial(ace, pair, scratch->bin + g * LANES, w + g * LANES, scratch->group[g].n,
                 g + 1 < last ? scratch->group[g + 1].n : 0, &record);
      ace_legendre_at(ace, pair->lmax, record.n[2], false, &legendre);
      ace_harmonics(pair->lmax, record.n, &legendre, (vec *)scratch->y + (size_t)(g - begin) * (size_t)ace->n_lm);
      for (int p = 0; p < ace->n_linear; p++) linear[p] += lane_sum(record.radial[ace->n_out - ace->n_linear + p]);
    }
    ace_sum(ace, pair, scratch, begin, end - begin, row, begin > first);
  }
}

/* The sums of atom a and element z. */
FTL_INLINE double *ace_sums_of(const ftl_ace *ace, const ftl_ace_scratch *scratch, int z, int a) {
  return scratch->sums + (size_t)(z * FTL_BLOCK_ATOMS + a) * ace->sum_row;
}

static void ace_gather(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block) {
  const ftl_ace *ace = ws->model->ace;
  const ftl_ace_pair *pairs = &ace->pair[block->species * ace->n_species];
  ftl_ace_scratch *scratch = thread->scratch;
  const int a_row = ace->n_lm * 8 * ace->n_chunks;
  int n_groups = 0;
  for (int z = 0; z < ace->n_species; z++) scratch->near[z] = 0;
  memset(scratch->linear, 0, sizeof scratch->linear);
  for (int a = 0; a < block->n; a++) {
    scratch->first_group[a] = n_groups;
    int g = n_groups;
    ace_list_edges(ws, pairs, ws->order[block->first + a], scratch, &n_groups);
    while (g < n_groups) {
      const int first = g, z = scratch->group[g].species;
      while (g < n_groups && scratch->group[g].species == z) g++;
      scratch->near[z] |= 1u << a;
      ace_gather_groups(ace, &pairs[z], scratch, first, g, ace_sums_of(ace, scratch, z, a), scratch->linear[a]);
    }
  }
  scratch->first_group[block->n] = n_groups;
  for (int z = 0; z < ace->n_species; z++) {
    const double *row[FTL_BLOCK_ATOMS];
    double *a = scratch->a + (size_t)(z * a_row) * FTL_BLOCK_ATOMS;
    for (int k = 0; k < FTL_BLOCK_ATOMS; k++)
      row[k] =
          scratch->near[z] >> k & 1 ? ace_sums_of(ace, scratch, z, k) : ace_sums_of(ace, scratch, ace->n_species, 0);
    if (scratch->near[z]) ace_place_sums(ace, &pairs[z], row, a);
    /* programs of sets of elements do not look at the others */
    else if (ace->element[block->species].n_programs == 1) memset(a, 0, (size_t)a_row * FTL_BLOCK_ATOMS * sizeof *a);
  }
}

#endif
