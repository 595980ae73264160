/* The layer-wise interface as a host with ghosts uses it: atoms dealt out to pretended ranks, every atom beyond a rank
   and every periodic image a ghost, features copied forward and adjoints added back between the layers. The sums must
   be those of ftl_compute, which has no ghosts. */
#include "twins.h"

#include "close.h"
#include "heat.h"

#define MAX_RANKS 3

/* What one rank sees. Ghost g (0 ..) is row n_local + g and a copy of atom owner[n_local + g] of the structure. */
typedef struct {
  int n_local, n_total;
  int *owner;   /* [n_total] atom of the structure */
  int *species; /* [n_total] */
  int64_t *first_edge;
  int *sender;
  double (*vector)[3];
  ftl_workspace *workspace;
  char *sent[4];  /* ghosts' adjoint rows as they leave for their owners, and their moments' */
  double *forces; /* [n_total][3] */
  double *node_energy;
  double (*atom_virial)[9], (*centroid_virial)[9];
  ftl_output output;
} rank;

/* Rank r of n_ranks owns the atoms i with i % n_ranks == r. Each sender that is not local, and each sender in an image,
   becomes a ghost of its own: more ghosts than a real host has, which is allowed. */
static void deal(rank *r, int index, int n_ranks, const structure *s, const structure_graph *g) {
  const int64_t room = g->neighbours.n_edges + s->n;
  *r = (rank){.owner = calloc((size_t)room, sizeof(int)),
              .species = calloc((size_t)room, sizeof(int)),
              .first_edge = calloc((size_t)s->n + 1, sizeof(int64_t)),
              .sender = calloc((size_t)room, sizeof(int)),
              .vector = calloc((size_t)room, sizeof(double[3])),
              .forces = calloc((size_t)room * 3, sizeof(double)),
              .node_energy = calloc((size_t)room, sizeof(double)),
              .atom_virial = calloc((size_t)room, sizeof(double[9])),
              .centroid_virial = calloc((size_t)room, sizeof(double[9]))};
  for (int i = index; i < s->n; i += n_ranks) r->owner[r->n_local++] = i;
  r->n_total = r->n_local;
  int64_t n_edges = 0;
  for (int local = 0; local < r->n_local; local++) {
    const int i = r->owner[local];
    for (int64_t e = g->graph.first_edge[i]; e < g->graph.first_edge[i + 1]; e++, n_edges++) {
      const int j = g->graph.sender[e];
      const double *v = g->graph.vector[e];
      double direct = 0; /* distance between the sender and the unshifted atom j */
      for (int c = 0; c < 3; c++) direct = fmax(direct, fabs(s->position[j][c] - s->position[i][c] - v[c]));
      const bool is_local = j % n_ranks == index && direct < 1e-6;
      r->sender[n_edges] = is_local ? j / n_ranks : r->n_total;
      if (!is_local) r->owner[r->n_total++] = j;
      memcpy(r->vector[n_edges], v, sizeof(double[3]));
    }
    r->first_edge[local + 1] = n_edges;
  }
  for (int k = 0; k < r->n_total; k++) r->species[k] = g->species[r->owner[k]];
}

static void free_rank(rank *r) {
  free(r->owner), free(r->species), free(r->first_edge), free(r->sender), free(r->vector);
  for (int k = 0; k < 4; k++) free(r->sent[k]);
  free(r->forces), free(r->node_energy), free(r->atom_virial), free(r->centroid_virial);
  ftl_workspace_free(r->workspace);
}

/* Rows of owners to the rows of their ghosts. */
static void copy_to_ghosts(rank *ranks, int n_ranks, int layer) {
  for (int r = 0; r < n_ranks; r++) {
    size_t bytes, owner_bytes;
    char *rows = ftl_features(ranks[r].workspace, layer, &bytes);
    for (int k = ranks[r].n_local; k < ranks[r].n_total; k++) {
      const int atom = ranks[r].owner[k];
      const char *owner_rows = ftl_features(ranks[atom % n_ranks].workspace, layer, &owner_bytes);
      assert_int_equal(bytes, owner_bytes);
      memcpy(rows + (size_t)k * bytes, owner_rows + (size_t)(atom / n_ranks) * bytes, bytes);
    }
  }
}

/* k = 0: the adjoints, 1 .. 3: their moments. */
static void *adjoint_rows(rank *r, int layer, int k, size_t *bytes) {
  return k == 0 ? ftl_feature_adjoints(r->workspace, layer, bytes)
                : ftl_feature_moments(r->workspace, layer, k - 1, bytes);
}

/* Ghosts' adjoints leave; what inner receivers do to them afterwards would be lost. */
static void take_ghost_adjoints(rank *ranks, int n_ranks, int layer) {
  for (int r = 0; r < n_ranks; r++)
    for (int k = 0; k < 4; k++) {
      size_t bytes, n = (size_t)ranks[r].n_total;
      const char *rows = adjoint_rows(&ranks[r], layer, k, &bytes);
      ranks[r].sent[k] = realloc(ranks[r].sent[k], n * bytes + 1);
      if (n > 0) memcpy(ranks[r].sent[k], rows, n * bytes);
    }
}

static void add_to_owners(rank *ranks, int n_ranks, int layer) {
  for (int r = 0; r < n_ranks; r++)
    for (int k = ranks[r].n_local; k < ranks[r].n_total; k++)
      for (int m = 0; m < 4; m++) {
        size_t bytes;
        const int atom = ranks[r].owner[k];
        char *owner_rows = adjoint_rows(&ranks[atom % n_ranks], layer, m, &bytes);
        const double *ghost = (const double *)(const void *)(ranks[r].sent[m] + (size_t)k * bytes);
        double *owner = (double *)(void *)(owner_rows + (size_t)(atom / n_ranks) * bytes);
        for (size_t q = 0; q < bytes / sizeof(double); q++) owner[q] += ghost[q];
      }
}

#define MUST(call)                                                                                                     \
  do {                                                                                                                 \
    ftl_error must_error = {0};                                                                                        \
    ftl_error *error = &must_error;                                                                                    \
    if ((call) != FTL_OK) fail_msg("%s: %s (%s)", #call, must_error.message, must_error.where);                        \
  } while (0)

#define FOR_RANKS(call)                                                                                                \
  do {                                                                                                                 \
    for (int r = 0; r < n_ranks; r++) MUST(call);                                                                      \
  } while (0)

static void count_look(void *looks) { ++*(int *)looks; }

static void run(rank *ranks, int n_ranks, const ftl_model *model) {
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  ftl_graph graph[MAX_RANKS];
  int looks[MAX_RANKS] = {0};
  for (int r = 0; r < n_ranks; r++) {
    rank *q = &ranks[r];
    MUST(ftl_workspace_new(model, 1, &q->workspace, error));
    ftl_workspace_set_poll(q->workspace, count_look, &looks[r]);
    graph[r] = (ftl_graph){.n_local = q->n_local,
                           .n_total = q->n_total,
                           .species = q->species,
                           .first_edge = q->first_edge,
                           .sender = q->sender,
                           .vector = (const double(*)[3])q->vector};
    q->output = (ftl_output){.forces = q->forces,
                             .node_energy = q->node_energy,
                             .atom_virial = q->atom_virial,
                             .centroid_virial = q->centroid_virial};
    MUST(ftl_begin(q->workspace, &graph[r], &q->output, error));
  }
  /* As a host does: what goes to others leaves after the outer part, and arrives after the inner one. */
  for (int t = 0; t + 1 < info.n_layers; t++) {
    FOR_RANKS(ftl_layer_forward(ranks[r].workspace, t, FTL_OUTER, error));
    copy_to_ghosts(ranks, n_ranks, t);
    FOR_RANKS(ftl_layer_forward(ranks[r].workspace, t, FTL_INNER, error));
  }
  FOR_RANKS(ftl_last_layer(ranks[r].workspace, FTL_OUTER, error));
  for (int t = info.n_layers - 2; t >= 0; t--) {
    take_ghost_adjoints(ranks, n_ranks, t);
    if (t == info.n_layers - 2) FOR_RANKS(ftl_last_layer(ranks[r].workspace, FTL_INNER, error));
    else FOR_RANKS(ftl_layer_reverse(ranks[r].workspace, t + 1, FTL_INNER, error));
    add_to_owners(ranks, n_ranks, t);
    FOR_RANKS(ftl_layer_reverse(ranks[r].workspace, t, t > 0 ? FTL_OUTER : FTL_ALL, error));
  }
  if (info.n_layers == 1) FOR_RANKS(ftl_last_layer(ranks[r].workspace, FTL_INNER, error));
  for (int r = 0; r < n_ranks; r++) {
    MUST(ftl_end(ranks[r].workspace, error));
    /* in each layer's forward and reverse (the last layer's are one), if there was something to compute */
    assert_true(ranks[r].n_local == 0 || looks[r] >= 2 * info.n_layers - 1);
  }
}

static void compare(const ftl_model *model, const structure *s, const structure_graph *g, int n_ranks) {
  static double forces[MAX_ATOMS][3], node_energy[MAX_ATOMS], summed[MAX_ATOMS][3], W[MAX_ATOMS][9],
      moved[MAX_ATOMS][9];
  ftl_workspace *workspace;
  ftl_result result = {.forces = forces[0], .node_energy = node_energy};
  MUST(ftl_workspace_new(model, 1, &workspace, error));
  MUST(ftl_compute(workspace, s->n, g->species, s->position, s->cell, s->pbc, &result, error));
  ftl_workspace_free(workspace);
  double whole[9];
  centroid_virials(model, &g->graph, 1, W, whole);

  rank ranks[MAX_RANKS];
  for (int r = 0; r < n_ranks; r++) deal(&ranks[r], r, n_ranks, s, g);
  run(ranks, n_ranks, model);
  double centroid_scale = 1e-3;
  double energy = 0, virial[9] = {0}, atom_virial[9] = {0}, force_scale = 1e-3, node_scale = 1e-3, virial_scale = 1e-3;
  memset(summed, 0, sizeof summed);
  memset(moved, 0, sizeof moved);
  for (int r = 0; r < n_ranks; r++) {
    energy += ranks[r].output.energy;
    for (int k = 0; k < ranks[r].n_total; k++)
      for (int c = 0; c < 3; c++) summed[ranks[r].owner[k]][c] += ranks[r].forces[3 * k + c];
    for (int k = 0; k < ranks[r].n_total; k++)
      for (int c = 0; c < 9; c++) moved[ranks[r].owner[k]][c] += ranks[r].centroid_virial[k][c];
    for (int c = 0; c < 9; c++) {
      virial[c] += ranks[r].output.virial[c];
      for (int k = 0; k < ranks[r].n_total; k++) atom_virial[c] += ranks[r].atom_virial[k][c];
    }
  }
  for (int i = 0; i < s->n; i++) {
    node_scale = fmax(node_scale, fabs(node_energy[i]));
    for (int c = 0; c < 3; c++) force_scale = fmax(force_scale, fabs(forces[i][c]));
    for (int c = 0; c < 9; c++) centroid_scale = fmax(centroid_scale, fabs(W[i][c]));
  }
  for (int c = 0; c < 6; c++) virial_scale = fmax(virial_scale, fabs(result.virial[c]));
  assert_close(energy, result.energy, 1e-12 * s->n * node_scale);
  for (int i = 0; i < s->n; i++) {
    assert_close(ranks[i % n_ranks].node_energy[i / n_ranks], node_energy[i], 1e-12 * node_scale);
    for (int c = 0; c < 3; c++) assert_close(summed[i][c], forces[i][c], 1e-12 * force_scale);
    for (int c = 0; c < 9; c++) assert_close(moved[i][c], W[i][c], 1e-12 * centroid_scale);
  }
  for (int c = 0; c < 9; c++) assert_close(atom_virial[c], virial[c], 1e-11 * virial_scale);
  for (int c = 0; c < 6; c++) {
    const double w = c < 3 ? virial[c] : 0.5 * (virial[c] + virial[c + 3]);
    assert_close(w, result.virial[c], 1e-11 * virial_scale);
  }
  for (int r = 0; r < n_ranks; r++) free_rank(&ranks[r]);
}

static void check_twin(const char *twin) {
  if (is_published(twin)) return;
  ftl_model *model;
  ftl_model_info info;
  const ftl_open_options options = {.head = head_of_twin(twin_model(twin))};
  MUST(ftl_model_open(twin_model(twin), &options, &model, error));
  ftl_model_get_info(model, &info);
  uint64_t state = 5;
  static structure s;
  static structure_graph g;
  for (int repeat = 0; repeat < 3; repeat++) {
    /* one dense cell smaller than the cutoff, one cluster; with three ranks and two atoms one rank is empty */
    const int n[3] = {6, 2, 9};
    const double side[3] = {5, 3, 7};
    random_structure(&s, n[repeat], side[repeat], 1.3, info.atomic_numbers, info.n_elements, &state);
    for (int c = 0; c < 3; c++) s.pbc[c] = repeat < 2;
    build_graph(&g, &s, info.atomic_numbers, info.n_elements, info.cutoff);
    for (int n_ranks = 1; n_ranks <= MAX_RANKS; n_ranks++) compare(model, &s, &g, n_ranks);
    free_graph(&g);
  }
  ftl_model_free(model);
}

static void test_ghosts(void **unused) {
  (void)unused;
  for_each_twin(check_twin);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ghosts)};
  share_twins(test_ghosts);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
