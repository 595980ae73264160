/* One evaluation: edges in, layers with one exchange between ranks at each boundary, results into LAMMPS' arrays. */
#include "pair_frozentl.h"

#include "atom.h"
#include "comm.h"
#include "error.h"

#include <algorithm>
#include <cstring>

using namespace LAMMPS_NS;

void PairFrozenTL::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);

  const auto bad = edges.build(*atom, *list, species_of_type, info.cutoff, workspace_threads);
  if (bad.i >= 0 && bad.i == bad.j)
    stop_one(atom_name(bad.i) +
             " has a position that is not a number: the run has become unstable; look at the starting "
             "structure and the time step");
  if (bad.i >= 0)
    stop_one(atom_name(bad.i) + " and " + atom_name(bad.j) +
             " are in one place: look at the starting structure, also across periodic boundaries");

  const size_t n_local = atom->nlocal, n_total = n_local + atom->nghost;
  ftl_workspace *ws = workspace.get();
  ftl_error failure{};
  size_t row_bytes;

  ftl_output result{};
  if (ev == 1.0) {
    result.forces = n_total ? atom->f[0] : nullptr;
  } else {
    forces.assign(3 * n_total, 0.0);
    result.forces = forces.data();
  }
  if (eflag_atom) {
    node_energy.resize(n_local);
    result.node_energy = node_energy.data();
  }
  if (vflag_atom || cvflag_atom) {
    atom_virial.assign(n_total, {});
    result.atom_virial = reinterpret_cast<double(*)[9]>(atom_virial.data());
  }
  ask_trust(result);

  const ftl_graph graph = edges.graph();
  check(ftl_begin(ws, &graph, &result, &failure), failure);
  for (int layer = 0; layer + 1 < info.n_layers; layer++) {
    check(ftl_layer_forward(ws, layer, FTL_ALL, &failure), failure);
    begin_exchange(ftl_features(ws, layer, &row_bytes), layer);
    comm->forward_comm(this, exchange.slots);
  }
  check(ftl_last_layer(ws, FTL_ALL, &failure), failure);
  for (int layer = info.n_layers - 2; layer >= 0; layer--) {
    begin_exchange(ftl_feature_adjoints(ws, layer, &row_bytes), layer);
    comm->reverse_comm(this, exchange.slots);
    check(ftl_layer_reverse(ws, layer, FTL_ALL, &failure), failure);
  }
  check(ftl_end(ws, &failure), failure);
  tally(result);
  tell_trust();
}

/* eV to LAMMPS' unit of energy, here and nowhere else. */
void PairFrozenTL::tally(const ftl_output &result) {
  const size_t n_local = atom->nlocal, n_total = n_local + atom->nghost;
  if (ev != 1.0)
    for (size_t i = 0; i < n_total; i++)
      for (int k = 0; k < 3; k++) atom->f[i][k] += ev * forces[3 * i + k];
  if (eflag_global) eng_vdwl += ev * result.energy;
  if (vflag_global) {
    for (int k = 0; k < 3; k++) virial[k] += ev * result.virial[k];
    for (int k = 3; k < 6; k++) virial[k] += 0.5 * ev * (result.virial[k] + result.virial[k + 3]);
  }
  if (eflag_atom)
    for (size_t i = 0; i < n_local; i++) eatom[i] += ev * node_energy[i];
  if (vflag_atom) /* symmetric: LAMMPS keeps six numbers; an edge's r (x) dE/dr alone need not be symmetric */
    for (size_t i = 0; i < n_total; i++) {
      const auto &w = atom_virial[i];
      for (int k = 0; k < 3; k++) vatom[i][k] += ev * w[k];
      for (int k = 3; k < 6; k++) vatom[i][k] += 0.5 * ev * (w[k] + w[k + 3]);
    }
  if (cvflag_atom) /* xx yy zz xy xz yz yx zx zy in both */
    for (size_t i = 0; i < n_total; i++)
      for (int k = 0; k < 9; k++) cvatom[i][k] += ev * atom_virial[i][k];
}

/* ---- exchange: rows travel as they are in memory, padded to whole doubles ---- */

void PairFrozenTL::begin_exchange(void *rows, int layer) {
  exchange.rows = static_cast<char *>(rows);
  exchange.row_bytes = ftl_feature_row_bytes(model.get(), layer, &exchange.real_bytes);
  exchange.slots = static_cast<int>((exchange.row_bytes + sizeof(double) - 1) / sizeof(double));
}

int PairFrozenTL::pack_forward_comm(int n, int *atoms, double *buf, int /*pbc_flag*/, int * /*pbc*/) {
  for (int k = 0; k < n; k++, buf += exchange.slots) {
    buf[exchange.slots - 1] = 0.0; /* padding, if any */
    memcpy(buf, exchange.rows + atoms[k] * exchange.row_bytes, exchange.row_bytes);
  }
  return n * exchange.slots;
}

void PairFrozenTL::unpack_forward_comm(int n, int first, double *buf) {
  for (int k = 0; k < n; k++, buf += exchange.slots)
    memcpy(exchange.rows + (first + k) * exchange.row_bytes, buf, exchange.row_bytes);
}

int PairFrozenTL::pack_reverse_comm(int n, int first, double *buf) {
  for (int k = 0; k < n; k++, buf += exchange.slots) {
    buf[exchange.slots - 1] = 0.0;
    memcpy(buf, exchange.rows + (first + k) * exchange.row_bytes, exchange.row_bytes);
  }
  return n * exchange.slots;
}

template <typename T> static void add_row(void *row, const void *more, size_t row_bytes) {
  T *to = static_cast<T *>(row);
  const T *from = static_cast<const T *>(more);
  for (size_t k = 0; k < row_bytes / sizeof(T); k++) to[k] += from[k];
}

void PairFrozenTL::unpack_reverse_comm(int n, int *atoms, double *buf) {
  const auto add = exchange.real_bytes == sizeof(double) ? add_row<double> : add_row<float>;
  for (int k = 0; k < n; k++, buf += exchange.slots)
    add(exchange.rows + atoms[k] * exchange.row_bytes, buf, exchange.row_bytes);
}
