#include "pair_frozentl_kokkos.h"
#include "kokkos_create.h"

#include "atom_kokkos.h"
#include "atom_masks.h"
#include "comm.h"
#include "compute.h"
#include "fix.h"
#include "force.h"
#include "kokkos.h"
#include "modify.h"
#include "neigh_request.h"
#include "neighbor.h"

#include <algorithm>
#include <type_traits>

using namespace LAMMPS_NS;

template <class Device> PairFrozenTLKokkos<Device>::PairFrozenTLKokkos(LAMMPS *lammps) : PairFrozenTL(lammps) {
  respa_enable = 0;
  kokkosable = 1;
  reverse_comm_device = 1;
  atomKK = static_cast<AtomKokkos *>(atom);
  execution_space = ExecutionSpaceFromDevice<Device>::space;
  datamask_read = X_MASK | F_MASK | TYPE_MASK;
  datamask_modify = F_MASK;
}

/* ---- before a run ---- */

template <class Device> void PairFrozenTLKokkos<Device>::init_style() {
  if (!force->newton_pair)
    stop_all("frozentl/kk needs 'newton on', since forces on ghost atoms go back to their owners: run with "
             "'-pk kokkos newton on neigh half' (the style itself takes a full neighbour list all the same)");
  if (threads)
    stop_all("frozentl/kk has no keyword threads: Kokkos has its own, '-k on t " + std::to_string(threads) + "'");
  refuse_trials();
  refuse_centroid_virials();
  PairFrozenTL::init_style();
  auto request = neighbor->find_request(this);
  request->set_kokkos_host(std::is_same_v<Device, LMPHostType> && !std::is_same_v<Device, LMPDeviceType>);
  request->set_kokkos_device(std::is_same_v<Device, LMPDeviceType>);
}

/* They change atoms on the host, and ask for the energy before LAMMPS has told the device. */
template <class Device> void PairFrozenTLKokkos<Device>::refuse_trials() const {
  for (const char *style : {"gcmc", "widom", "atom/swap", "mol/swap", "neighbor/swap", "sgcmc", "charge/regulation",
                            "numdiff", "numdiff/virial"})
    for (int k = 0; k < modify->nfix; k++)
      if (std::string(style) == modify->fix[k]->style)
        stop_all(std::string("frozentl/kk can't give the trial energies that fix ") + style +
                 " asks for; pair_style frozentl does (leave '-sf kk' out)");
}

/* The evaluators have no moments of adjoints (docs/theory.md, eq. 33), which more than one layer needs. */
template <class Device> void PairFrozenTLKokkos<Device>::refuse_centroid_virials() const {
  for (const Compute *c : modify->get_compute_list())
    if ((c->pressatomflag & 2) && info.n_layers > 1)
      stop_all(std::string("compute ") + c->id + " " + c->style +
               " needs centroid virials, which frozentl/kk does not compute for a model of several layers; pair_style "
               "frozentl does (without -sf kk, or with 'suffix off' before pair_style)");
}

template <class Device> void PairFrozenTLKokkos<Device>::prepare() {
  if (!evaluator) {
    ftl_error failure{};
    check(frozentl::make_evaluator<Space>(model.get(), evaluator, &failure), failure);
  }
  device_graph.set_species_of_type(present.species_of_type);
  graph = {};
  comm_forward = 0; /* LAMMPS makes buffers for the longest row */
  for (int t = 0; t + 1 < info.n_layers; t++) comm_forward = std::max(comm_forward, evaluator->row_doubles(t));
  comm_reverse = std::max(comm_forward, evaluator->row_doubles(info.n_layers - 1));
  /* pair_style hybrid asked its styles before this one's model was there */
  force->pair->comm_forward = std::max(force->pair->comm_forward, comm_forward);
  force->pair->comm_reverse = std::max(force->pair->comm_reverse, comm_reverse);
}

template <class Device> void PairFrozenTLKokkos<Device>::forget_model() {
  evaluator.reset();
  PairFrozenTL::forget_model();
}

template <class Device> std::string PairFrozenTLKokkos<Device>::kernels() const {
  return std::string("Kokkos ") + Space::name();
}

/* ---- a step ---- */

namespace {

/* Kernels are functions of views alone: a lambda in a member function would take the whole style to the device. */
template <class From> struct CopyPositions {
  From from;
  double *to;
  KOKKOS_INLINE_FUNCTION void operator()(int i) const {
    for (int d = 0; d < 3; d++) to[3 * static_cast<std::size_t>(i) + d] = from(i, d);
  }
};

template <class To> struct AddForces {
  const double *from; /* eV/Angstrom */
  double unit;
  To to;
  KOKKOS_INLINE_FUNCTION void operator()(int i) const {
    for (int d = 0; d < 3; d++) to(i, d) += unit * from[3 * static_cast<std::size_t>(i) + d];
  }
};

/* `view` with room for n, and zeros. Allocates when there are more than ever before. */
template <class View> void clear(View &view, const char *name, std::size_t n) {
  if (!view.data() || view.extent(0) < n) {
    view = View();
    view = View(name, n + n / 8 + 1);
  } else {
    Kokkos::deep_copy(view, 0);
  }
}

} // namespace

template <class Device> void PairFrozenTLKokkos<Device>::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  last.there = false;
  read_scale();
  atomKK->sync(execution_space, datamask_read);
  const Array<const double *[3]> x = double_positions();
  const int n_all = atom->nlocal + atom->nghost;

  ftl_error failure{};
  const bool renewed = renew_graph(x);
  clear(output.forces, "frozentl: forces", n_all);
  output.node_energy = {};
  output.atom_virial = {};
  output.centroid_virial = {};
  if (eflag_atom) clear(output.node_energy, "frozentl: energies", atom->nlocal);
  if (vflag_atom) clear(output.atom_virial, "frozentl: virials", n_all);
  if (cvflag_atom) clear(output.centroid_virial, "frozentl: centroid virials", n_all);
  const TrustNames asked = asked_by_fix_pair();
  ask_trust(output, asked);
  const int lost = device_graph.not_finite(x, n_all);
  ftl_status status = lost < 0 ? evaluator->begin(x, output, &failure) : FTL_ERR_INPUT;
  std::string what;
  if (lost >= 0) what = bad_position(lost);
  else if (status) what = problem(x, failure);
  if (renewed) stop_together(what);
  else if (!what.empty()) stop_one(what);

  frozentl::Totals totals;
  run_layers(totals);
  tally_totals(totals.energy, totals.virial);
  add_forces();
  tally_atoms();
  tell_trust(output, asked);
  remember_atoms(renewed);
  refresh_fix_pair(renewed, asked);
}

/* Local indices change only when LAMMPS makes new neighbour lists. True in such a step. */
template <class Device> bool PairFrozenTLKokkos<Device>::renew_graph(const Array<const double *[3]> &x) {
  const int n_local = atom->nlocal, n_all = n_local + atom->nghost;
  if (neighbor->ago != 0 && graph.first_edge.data()) return false;
  atomKK->sync(Host, TYPE_MASK | MASK_MASK | SPECIAL_MASK | TAG_MASK);
  stop_together(hidden_pairs());
  if (present.absent_groups)
    stop_all("frozentl/kk has no absent atoms: 'neigh_modify exclude group ... all' is for pair_style frozentl");
  const auto *made = static_cast<NeighListKokkos<Device> *>(list);
  graph = device_graph.build({made->d_neighbors, made->d_ilist, made->d_numneigh, made->inum},
                             atomKK->k_type.template view<Device>(), x, n_local, n_all, info.cutoff + neighbor->skin);
  ftl_error failure{};
  check(evaluator->set_graph(graph, &failure), failure);
  return true;
}

template <class Device>
typename PairFrozenTLKokkos<Device>::template Array<const double *[3]> PairFrozenTLKokkos<Device>::double_positions() {
  const auto x = atomKK->k_x.template view<Device>();
  using X = std::decay_t<decltype(x)>;
  if constexpr (std::is_same_v<typename X::non_const_value_type, double> &&
                std::is_same_v<typename X::array_layout, Kokkos::LayoutRight>) {
    return x;
  } else {
    copy_positions(positions, "frozentl: positions");
    return positions;
  }
}

template <class Device>
void PairFrozenTLKokkos<Device>::copy_positions(Array<double *[3]> &to, const char *name) {
  const auto x = atomKK->k_x.template view<Device>();
  const int n_all = atom->nlocal + atom->nghost;
  clear(to, name, n_all);
  Kokkos::parallel_for(name, Kokkos::RangePolicy<Space>(0, n_all),
                       CopyPositions<std::decay_t<decltype(x)>>{x, to.data()});
}

/* Why an evaluator would not begin. */
template <class Device>
std::string PairFrozenTLKokkos<Device>::problem(const Array<const double *[3]> &x, const ftl_error &failure) const {
  int i = 0, j = 0;
  if (!device_graph.same_place(x, i, j)) return failure.message;
  atomKK->sync(Host, TAG_MASK | TYPE_MASK);
  return bad_pair(i, j);
}

template <class Device> void PairFrozenTLKokkos<Device>::run_layers(frozentl::Totals &totals) {
  for (layer = 0; layer + 1 < info.n_layers; layer++) {
    evaluator->layer_forward(layer);
    comm->forward_comm(this, evaluator->row_doubles(layer));
  }
  for (int sweep = 0; sweep < evaluator->n_sweeps(); sweep++) {
    evaluator->last_layer(sweep);
    for (layer = info.n_layers - 2; layer >= 0; layer--) {
      comm->reverse_comm(this, evaluator->row_doubles(layer));
      evaluator->layer_reverse(layer);
    }
  }
  evaluator->end(totals);
}

/* ---- how far to trust it ---- */

template <class Device>
void PairFrozenTLKokkos<Device>::ask_trust(frozentl::Output<Space> &asked_of, const TrustNames &asked) const {
  Array<double *> *const of[N_TRUST] = {&asked_of.extrapolation, &asked_of.energy_deviation, &asked_of.force_deviation};
  for (int what = 0; what < N_TRUST; what++)
    *of[what] = asked[what] ? Array<double *>(std::string("frozentl: ") + trust_name[what], std::max(graph.n_local, 1))
                            : Array<double *>();
}

/* Forces of the committee go home; fixes and computes read on the host. */
template <class Device>
void PairFrozenTLKokkos<Device>::tell_trust(const frozentl::Output<Space> &answer, const TrustNames &asked) {
  if (asked[FORCE_DEVIATION]) {
    layer = info.n_layers - 1;
    comm->reverse_comm(this, evaluator->row_doubles(layer));
    evaluator->force_deviations();
  }
  const Array<double *> of[N_TRUST] = {answer.extrapolation, answer.energy_deviation, answer.force_deviation};
  for (int what = 0; what < N_TRUST; what++) {
    if (!asked[what]) continue;
    const auto value = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), of[what]);
    trust[what].value.assign(value.data(), value.data() + value.size());
  }
  know_trust(asked);
}

/* Their order changes with the neighbour lists only, and is on the host then. */
template <class Device> void PairFrozenTLKokkos<Device>::remember_atoms(bool renewed) {
  if (!any_trust()) return;
  last.there = true;
  copy_positions(last_x, "frozentl: last positions");
  if (renewed) remember_order();
}

template <class Device> void PairFrozenTLKokkos<Device>::compute_trust(const TrustNames &asked) {
  frozentl::Output<Space> again;
  frozentl::Totals totals;
  ftl_error failure{};
  ask_trust(again, asked);
  check(evaluator->begin(last_x, again, &failure), failure);
  run_layers(totals);
  tell_trust(again, asked);
}

template <class Device> void PairFrozenTLKokkos<Device>::add_forces() {
  const auto f = atomKK->k_f.template view<Device>();
  Kokkos::parallel_for("frozentl: add forces", Kokkos::RangePolicy<Space>(0, graph.n_total),
                       AddForces<std::decay_t<decltype(f)>>{output.forces.data(), factor(), f});
  atomKK->modified(execution_space, F_MASK);
}

/* LAMMPS reads energies and virials of atoms on the host. */
template <class Device> void PairFrozenTLKokkos<Device>::tally_atoms() {
  if (eflag_atom) {
    const auto energy = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), output.node_energy);
    for (int i = 0; i < atom->nlocal; i++) eatom[i] += factor() * energy(i);
  }
  if (vflag_atom) {
    const auto w = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), output.atom_virial);
    for (int i = 0; i < graph.n_total; i++) tally_atom_virial(i, &w(i, 0));
  }
  if (cvflag_atom) {
    const auto w = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), output.centroid_virial);
    for (int i = 0; i < graph.n_total; i++) tally_centroid_virial(i, &w(i, 0));
  }
}

template <class Device> double PairFrozenTLKokkos<Device>::memory_usage() {
  return Pair::memory_usage() +
         static_cast<double>(
             device_graph.bytes() + output.forces.span() * sizeof(double) + output.node_energy.span() * sizeof(double) +
             output.atom_virial.span() * sizeof(double) + output.centroid_virial.span() * sizeof(double) +
             (positions.span() + last_x.span()) * sizeof(double) + (evaluator ? evaluator->bytes() : 0));
}

/* ---- rows of features, of the energy's derivative by them, and of the committee's forces, between ranks ---- */

template <class Device>
int PairFrozenTLKokkos<Device>::pack_forward_comm_kokkos(int n, DAT::tdual_int_1d nodes, DAT::tdual_double_1d &buffer,
                                                         int, int *) {
  evaluator->pack_features(layer, n, nodes.template view<Device>().data(), buffer.template view<Device>().data());
  return n * evaluator->row_doubles(layer);
}

template <class Device>
void PairFrozenTLKokkos<Device>::unpack_forward_comm_kokkos(int n, int first, DAT::tdual_double_1d &buffer) {
  evaluator->unpack_features(layer, n, first, buffer.template view<Device>().data());
}

template <class Device>
int PairFrozenTLKokkos<Device>::pack_reverse_comm_kokkos(int n, int first, DAT::tdual_double_1d &buffer) {
  evaluator->pack_adjoints(layer, n, first, buffer.template view<Device>().data());
  return n * evaluator->row_doubles(layer);
}

template <class Device>
void PairFrozenTLKokkos<Device>::unpack_reverse_comm_kokkos(int n, DAT::tdual_int_1d nodes,
                                                            DAT::tdual_double_1d &buffer) {
  evaluator->add_adjoints(layer, n, nodes.template view<Device>().data(), buffer.template view<Device>().data());
}

namespace {

/* An array of the host in the space's memory: itself, or a copy. */
template <class Space, class T> frozentl::Array<T *, Space> brought(T *from, std::size_t n) {
  const Kokkos::View<T *, Kokkos::LayoutRight, Kokkos::HostSpace> host(from, n);
  return Kokkos::create_mirror_view_and_copy(typename Space::memory_space(), host);
}

/* An array in the space's memory whose numbers are to end in `to`. */
template <class Space> struct Outgoing {
  Kokkos::View<double *, Kokkos::LayoutRight, Kokkos::HostSpace> host;
  frozentl::Array<double *, Space> array;
  Outgoing(double *to, std::size_t n)
      : host(to, n), array(Kokkos::create_mirror_view(typename Space::memory_space(), host)) {}
  ~Outgoing() {
    Kokkos::fence();
    Kokkos::deep_copy(host, array); /* nothing to do where they are one */
  }
};

} // namespace

template <class Device>
int PairFrozenTLKokkos<Device>::pack_forward_comm(int n, int *nodes, double *buffer, int, int *) {
  const int n_doubles = n * evaluator->row_doubles(layer);
  Outgoing<Space> out(buffer, n_doubles);
  evaluator->pack_features(layer, n, brought<Space>(nodes, n).data(), out.array.data());
  Kokkos::fence(); /* the list may be a copy that goes away */
  return n_doubles;
}

template <class Device> void PairFrozenTLKokkos<Device>::unpack_forward_comm(int n, int first, double *buffer) {
  evaluator->unpack_features(layer, n, first, brought<Space>(buffer, n * evaluator->row_doubles(layer)).data());
  Kokkos::fence();
}

template <class Device> int PairFrozenTLKokkos<Device>::pack_reverse_comm(int n, int first, double *buffer) {
  const int n_doubles = n * evaluator->row_doubles(layer);
  Outgoing<Space> out(buffer, n_doubles);
  evaluator->pack_adjoints(layer, n, first, out.array.data());
  return n_doubles;
}

template <class Device> void PairFrozenTLKokkos<Device>::unpack_reverse_comm(int n, int *nodes, double *buffer) {
  evaluator->add_adjoints(layer, n, brought<Space>(nodes, n).data(),
                          brought<Space>(buffer, n * evaluator->row_doubles(layer)).data());
  Kokkos::fence();
}

namespace LAMMPS_NS {
template class PairFrozenTLKokkos<LMPDeviceType>;
#ifdef LMP_KOKKOS_GPU
template class PairFrozenTLKokkos<LMPHostType>;
#endif
} // namespace LAMMPS_NS

Pair *frozentl::create_kokkos_pair(LAMMPS *lammps, bool on_host) {
  if (on_host) return new PairFrozenTLKokkos<LMPHostType>(lammps);
  return new PairFrozenTLKokkos<LMPDeviceType>(lammps);
}

const char *frozentl::kokkos_api() {
#if defined(KOKKOS_ENABLE_CUDA)
  return "cuda";
#elif defined(KOKKOS_ENABLE_HIP)
  return "hip";
#elif defined(KOKKOS_ENABLE_SYCL)
  return "sycl";
#elif defined(KOKKOS_ENABLE_OPENMP)
  return "openmp";
#elif defined(KOKKOS_ENABLE_THREADS)
  return "pthreads";
#else
  return "serial";
#endif
}
