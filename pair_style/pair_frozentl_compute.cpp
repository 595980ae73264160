/* One evaluation: edges in, layers with one exchange between ranks at each boundary, results into LAMMPS' arrays. */
#include "pair_frozentl.h"

#include "atom.h"
#include "comm.h"
#include "neighbor.h"
#include "lammps_versions.h"

using namespace LAMMPS_NS;

void PairFrozenTL::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  last.there = false;
  if (!workspace) stop_all("the potential is new and the run was not set up for it: 'pre no' can't follow pair_coeff");
  read_scale();
  const bool renewed = renew_halo();
  std::string problem;
  if (renewed) {
    problem = hidden_pairs();
    warn_of_pairs_of_others();
  }
  if (problem.empty()) {
    const auto bad = edges.build(*atom, *list, halo, present, info.cutoff, workspace_threads);
    if (bad.i >= 0) problem = bad.i == bad.j ? bad_position(bad.i) : bad_pair(bad.i, bad.j);
  }
  if (renewed) stop_together(problem);
  else if (!problem.empty()) stop_one(problem);

  const size_t n_nodes = halo.n_nodes();
  ftl_output result{};
  forces.assign(3 * n_nodes, 0.0);
  result.forces = forces.data();
  if (eflag_atom) {
    node_energy.resize(atom->nlocal);
    result.node_energy = node_energy.data();
  }
  if (vflag_atom) {
    atom_virial.assign(n_nodes, {});
    result.atom_virial = reinterpret_cast<double(*)[9]>(atom_virial.data());
  }
  if (cvflag_atom) {
    centroid_virial.assign(n_nodes, {});
    result.centroid_virial = reinterpret_cast<double(*)[9]>(centroid_virial.data());
  }
  const TrustNames asked = asked_by_fix_pair();
  ask_trust(result, asked);
  run_layers(result, atom->x ? reinterpret_cast<const double(*)[3]>(atom->x[0]) : nullptr, atom->nlocal + atom->nghost);
  tally(result);
  tell_trust(asked);
  remember_atoms();
  refresh_fix_pair(renewed, asked);
}

/* Atoms move from rank to rank, and local indices change, only when LAMMPS makes new neighbour lists. True in such a
   step. */
bool PairFrozenTL::renew_halo() {
  if (neighbor->ago != 0 && halo.built()) return false;
  halo.find_owners(world, comm->me, comm->nprocs, atom->nlocal, atom->nghost);
  lammps_forward_comm(comm, this, comm_forward);
  halo.build(*list, workspace_threads);
  return true;
}

int PairFrozenTL::pack_forward_comm(int n, int *atoms, double *buf, int /*pbc_flag*/, int * /*pbc*/) {
  return halo.pack_owners(n, atoms, buf);
}

void PairFrozenTL::unpack_forward_comm(int n, int first, double *buf) { halo.unpack_owners(n, first, buf); }

/* In each layer the outer receivers come first: with them done, what other ranks wait for is final and sets out, and
   the inner ones are computed while it is under way. */
void PairFrozenTL::run_layers(ftl_output &result, const double (*x)[3], int n_atoms) {
  ftl_workspace *ws = workspace.get();
  ftl_error failure{};
  size_t row_bytes, real_bytes;

  const ftl_graph graph = edges.graph(x, n_atoms, halo);
  check(ftl_begin(ws, &graph, &result, &failure), failure);
  for (int layer = 0; layer + 1 < info.n_layers; layer++) {
    check(ftl_layer_forward(ws, layer, FTL_OUTER, &failure), failure);
    void *rows = ftl_features(ws, layer, &row_bytes);
    halo.start_forward(rows, row_bytes);
    check(ftl_layer_forward(ws, layer, FTL_INNER, &failure), failure);
    halo.finish_forward();
  }
  for (int layer = info.n_layers - 1; layer >= 0; layer--) {
    const auto compute_part = [&](ftl_part part) {
      if (layer == info.n_layers - 1) check(ftl_last_layer(ws, part, &failure), failure);
      else check(ftl_layer_reverse(ws, layer, part, &failure), failure);
    };
    if (layer == 0) { /* its features depend on no other atom: nothing goes back */
      compute_part(FTL_ALL);
      break;
    }
    compute_part(FTL_OUTER);
    void *rows = ftl_feature_adjoints(ws, layer - 1, &row_bytes);
    ftl_feature_row_bytes(model.get(), layer - 1, &real_bytes);
    halo.start_reverse(rows, row_bytes);
    compute_part(FTL_INNER);
    halo.finish_reverse(real_bytes);
    return_more(layer - 1);
  }
  check(ftl_end(ws, &failure), failure);
}

/* What centroid virials need besides, and deviations of forces, in the few steps that ask for them. */
void PairFrozenTL::return_more(int layer) {
  size_t row_bytes, real_bytes;
  ftl_feature_row_bytes(model.get(), layer, &real_bytes);
  const auto send_home = [&](void *rows) {
    if (!rows) return false;
    halo.start_reverse(rows, row_bytes);
    halo.finish_reverse(real_bytes);
    return true;
  };
  for (int component = 0; component < 3; component++)
    if (!send_home(ftl_feature_moments(workspace.get(), layer, component, &row_bytes))) break;
  for (int member = 0; member < info.n_committee; member++)
    if (!send_home(ftl_feature_members(workspace.get(), layer, member, &row_bytes))) break;
}

/* eV to LAMMPS' unit of energy, and scaled, here and nowhere else. */
void PairFrozenTL::tally(const ftl_output &result) {
  const int n_local = atom->nlocal, n_nodes = halo.n_nodes();
  for (int n = 0; n < n_nodes; n++) {
    double *f = atom->f[halo.atom_of_node(n)]; /* a ghost's goes to its owner with LAMMPS' reverse exchange */
    for (int k = 0; k < 3; k++) f[k] += factor() * forces[3 * n + k];
  }
  tally_totals(result.energy, result.virial);
  if (eflag_atom)
    for (int i = 0; i < n_local; i++) eatom[i] += factor() * node_energy[i];
  if (vflag_atom)
    for (int n = 0; n < n_nodes; n++) tally_atom_virial(halo.atom_of_node(n), atom_virial[n].data());
  if (cvflag_atom)
    for (int n = 0; n < n_nodes; n++) tally_centroid_virial(halo.atom_of_node(n), centroid_virial[n].data());
}

/* Virials w are xx yy zz xy xz yz yx zx zy, as LAMMPS' centroid virial is. Where LAMMPS keeps six numbers, they are the
   symmetric part: an edge's r (x) dE/dr alone need not be symmetric. */
void PairFrozenTL::tally_totals(double energy, const double *w) {
  if (eflag_global) eng_vdwl += factor() * energy;
  if (!vflag_global) return;
  for (int k = 0; k < 3; k++) virial[k] += factor() * w[k];
  for (int k = 3; k < 6; k++) virial[k] += 0.5 * factor() * (w[k] + w[k + 3]);
}

void PairFrozenTL::tally_atom_virial(int i, const double *w) {
  for (int k = 0; k < 3; k++) vatom[i][k] += factor() * w[k];
  for (int k = 3; k < 6; k++) vatom[i][k] += 0.5 * factor() * (w[k] + w[k + 3]);
}

void PairFrozenTL::tally_centroid_virial(int i, const double *w) {
  for (int k = 0; k < 9; k++) cvatom[i][k] += factor() * w[k];
}
