/* Settings, coefficients and set-up of pair_style frozentl; the steps are in pair_frozentl_compute.cpp. */
#include "pair_frozentl.h"
#include "citations.h"
#include "shared_model.h"

#include "atom.h"
#include "citeme.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neighbor.h"
#include "update.h"
#include "lammps_versions.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

using namespace LAMMPS_NS;

PairFrozenTL::PairFrozenTL(LAMMPS *lammps) : Pair(lammps) {
  /* A last guard against another LAMMPS: defaults that Pair's constructor gives, from all over the class. */
  if (single_enable != 1 || reinitflag != 1 || ncoultablebits != 12 || ndisptablebits != 12 ||
      tabinner != std::sqrt(2.0) || tabinner_disp != std::sqrt(2.0))
    stop_all(
        "this plugin was built for another LAMMPS: class Pair differs; build it for this one, see docs/user-guide.md");

  single_enable = 0;
  restartinfo = 0; /* like other file-based many-body styles: pair_style and pair_coeff are given again */
  one_coeff = 1;
  comm_forward = 2; /* of LAMMPS' own exchange, for the owners of ghosts; reverse: none */
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_AVAIL;
  unit_convert_flag = utils::get_supported_conversions(utils::ENERGY);
}

PairFrozenTL::~PairFrozenTL() {
  if (!allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
  memory->destroy(scale);
}

static std::string number_text(double value) {
  char text[32];
  snprintf(text, sizeof text, "%g", value);
  return text;
}

/* ---- errors ---- */

/* On all ranks alike. */
void PairFrozenTL::stop_all(const std::string &what) const {
  lammps_stop_all(error, FLERR, "pair_style frozentl: " + what);
}

/* On this rank alone; ends all. */
void PairFrozenTL::stop_one(const std::string &what) const {
  lammps_stop_one(error, FLERR, "pair_style frozentl: " + what);
}

/* Called on all ranks, each with what is wrong with it, or nothing. Where several ranks find something at once, as with
   two atoms in one place on the border between them, each would end the others before their message is out. */
void PairFrozenTL::stop_together(const std::string &what) const {
  int first = what.empty() ? comm->nprocs : comm->me;
  if (comm->nprocs > 1) MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, world);
  if (first == comm->nprocs) return;
  int n = static_cast<int>(what.size());
  if (comm->nprocs > 1) MPI_Bcast(&n, 1, MPI_INT, first, world);
  std::string text(what);
  text.resize(n);
  if (comm->nprocs > 1) MPI_Bcast(&text[0], n, MPI_CHAR, first, world);
  stop_all(text);
}

void PairFrozenTL::check(ftl_status status, const ftl_error &failure) const {
  if (status == FTL_OK) return;
  stop_one(frozentl::sentence(failure));
}

/* How an input script knows an atom. */
std::string PairFrozenTL::atom_name(int i) const {
  return atom->tag_enable ? "atom " + std::to_string(atom->tag[i]) : "an atom of type " + std::to_string(atom->type[i]);
}

std::string PairFrozenTL::bad_pair(int i, int j) const {
  return atom_name(i) + " and " + atom_name(j) +
         " are in one place: look at the starting structure, also across periodic boundaries";
}

std::string PairFrozenTL::bad_position(int i) const {
  return atom_name(i) +
         " has a position that is not a number: the run has become unstable; look at the starting structure and the "
         "time step";
}

/* ---- pair_style ---- */

void PairFrozenTL::forget_model() {
  workspace.reset();
  last.there = false;
  for (auto &t : trust) t.known = false;
}

/* LAMMPS keeps a style that is named again, and a program may go on after an error that it caught: what there was
   is gone, and a run says why. */
void PairFrozenTL::lose_model(const std::string &why) {
  forget_model();
  model.reset();
  why_no_model = why;
  warned_of_others = false;
}

void PairFrozenTL::settings(int narg, char **arg) {
  lose_model("pair_style was given again");
  precision = FTL_DOUBLE;
  head.clear();
  threads = 0;
  for (int k = 0; k < narg; k += 2) {
    const std::string keyword = arg[k];
    if (keyword != "precision" && keyword != "head" && keyword != "threads")
      stop_all("unknown keyword '" + keyword + "'; known are precision, head and threads");
    if (k + 1 == narg) stop_all("keyword '" + keyword + "' needs a value");
    const std::string value = arg[k + 1];
    if (keyword == "head") {
      head = value;
    } else if (keyword == "precision") {
      if (value != "double" && value != "mixed") stop_all("precision is 'double' or 'mixed', not '" + value + "'");
      precision = value == "double" ? FTL_DOUBLE : FTL_MIXED;
    } else {
      char *end;
      const long n = strtol(arg[k + 1], &end, 10);
      if (*end || end == arg[k + 1] || n < 1 || n > 1024)
        stop_all("threads is a number from 1 to 1024, not '" + value + "'");
      threads = static_cast<int>(n);
    }
  }
}

/* ---- pair_coeff ---- */

/* Atomic number of each type, [ntypes + 1]; 0 for NULL. */
std::vector<int> PairFrozenTL::read_elements(int n, char **names) const {
  const int ntypes = atom->ntypes;
  if (n != ntypes)
    stop_all("pair_coeff names " + std::to_string(n) + (n == 1 ? " element" : " elements") + ", but there are " +
             std::to_string(ntypes) + " atom types: give each type an element, or NULL if another style handles it");
  std::vector<int> atomic_number(ntypes + 1, 0);
  for (int t = 1; t <= ntypes; t++) {
    const char *name = names[t - 1];
    if (strcmp(name, "NULL") == 0) continue;
    atomic_number[t] = ftl_atomic_number(name);
    if (atomic_number[t] <= 0)
      stop_all("'" + std::string(name) + "', given for atom type " + std::to_string(t) +
               ", is not the symbol of an element");
  }
  return atomic_number;
}

/* A rank of each node reads the file; one that cannot stops all, in one message. */
void PairFrozenTL::open_model(const std::string &path, const std::vector<int> &atomic_number) {
  std::vector<int> needed;
  for (int z : atomic_number)
    if (z && std::find(needed.begin(), needed.end(), z) == needed.end()) needed.push_back(z);
  if (needed.empty()) stop_all("pair_coeff gives NULL to every atom type");

  ftl_open_options options{};
  options.precision = precision;
  options.head = head.empty() ? nullptr : head.c_str();
  options.elements = needed.data();
  options.n_elements = static_cast<int>(needed.size());

  const frozentl::Opened opened = frozentl::open_on_all(world, path.c_str(), options);
  if (!opened.model) stop_all(frozentl::sentence(opened.failure));
  model.reset(opened.model); /* on all ranks, or on none */
  if (comm->me == 0 && !opened.warning.empty()) error->warning(FLERR, "pair_style frozentl: " + opened.warning);
  ftl_model_get_info(model.get(), &info);
}

/* A surrogate with error estimates is distilled from a fine-tuned model; a PACE potential may come from anywhere. */
void PairFrozenTL::cite() const {
  if (!lmp->citeme) return;
  lmp->citeme->add(info.ace ? cite_pace : cite_mace);
  if (!info.ace || info.extrapolation || info.n_committee > 0) lmp->citeme->add(cite_frozen_transfer);
}

void PairFrozenTL::report(const std::string &path, const std::vector<int> &atomic_number) const {
  if (comm->me != 0) return;
  std::string text = "pair_style frozentl: " + path + ", " + std::to_string(info.n_layers) +
                     (info.n_layers == 1 ? " layer" : " layers") + ", cutoff " + number_text(info.cutoff) +
                     " Angstrom, head " + info.heads[info.head] + ", " +
                     (precision == FTL_DOUBLE ? "double" : "mixed") + " precision, " + kernels() + "\n";
  for (size_t t = 1; t < atomic_number.size(); t++)
    if (atomic_number[t] == 0) text += "  atom type " + std::to_string(t) + " is left to other styles\n";
  utils::logmesg(lmp, text);
}

void PairFrozenTL::coeff(int narg, char **arg) {
  const int ntypes = atom->ntypes;
  lose_model("the last pair_coeff failed");
  if (narg < 3 || strcmp(arg[0], "*") != 0 || strcmp(arg[1], "*") != 0)
    stop_all("write pair_coeff * * FILE and then one element, or NULL, for each of the " + std::to_string(ntypes) +
             " atom types");

  const std::string units = update->unit_style;
  if (units != "metal" && units != "real") stop_all("'units metal' or 'units real' is needed, not '" + units + "'");
  ev = units == "real" ? utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL) : 1.0;

  const std::vector<int> atomic_number = read_elements(narg - 3, arg + 3);
  /* As for LAMMPS' own potentials: here, or in a folder of LAMMPS_POTENTIALS. */
  std::string path = utils::get_potential_file_path(arg[2]);
  if (path.empty()) path = arg[2];
  open_model(path, atomic_number);

  present.species_of_type.assign(ntypes + 1, -1);
  for (int t = 1; t <= ntypes; t++)
    if (atomic_number[t]) present.species_of_type[t] = ftl_model_species(model.get(), atomic_number[t]);

  if (!allocated) {
    memory->create(setflag, ntypes + 1, ntypes + 1, "pair:setflag");
    memory->create(cutsq, ntypes + 1, ntypes + 1, "pair:cutsq");
    memory->create(scale, ntypes + 1, ntypes + 1, "pair:scale");
    allocated = 1;
  }
  for (int i = 1; i <= ntypes; i++)
    for (int j = 1; j <= ntypes; j++) {
      setflag[i][j] = i <= j && atomic_number[i] && atomic_number[j];
      scale[i][j] = 1.0;
    }

  cite();
  report(path, atomic_number);
}

/* ---- before a run ---- */

void PairFrozenTL::init_style() {
  if (!model)
    stop_all("no potential is loaded, since " + why_no_model + ": give pair_coeff (All pair coeffs are not set)");
  if (!force->newton_pair)
    stop_all("'newton on' is needed: forces on ghost atoms go back to their owners; put it before the box is made");
  if (force->pair == this && (tail_flag || offset_flag))
    stop_all(std::string("'pair_modify ") + (tail_flag ? "tail" : "shift") +
             " yes' does not apply to it: the model ends at its cutoff; leave the keyword out");
  clear_flags();
  refuse_wrong_heat_flux();
  neighbor->add_request(this, NeighConst::REQ_FULL);
  prepare();
}

void PairFrozenTL::prepare() {
  const int wanted = threads ? threads : std::max(comm->nthreads, 1);
  if (!workspace || wanted != workspace_threads) {
    workspace.reset();
    ftl_workspace *made = nullptr;
    ftl_error failure{};
    check(ftl_workspace_new(model.get(), wanted, &made, &failure), failure);
    workspace.reset(made);
    workspace_threads = wanted;
    ftl_workspace_set_poll(
        made, [](void *exchange) { static_cast<frozentl::Halo *>(exchange)->poll(); }, &halo);
  }
}

double PairFrozenTL::init_one(int i, int j) {
  scale[j][i] = scale[i][j];
  return info.cutoff;
}

/* ---- scale: thermodynamic integration ---- */

/* Before each energy: fix adapt, fix adapt/fep and compute fep set entries and call reinit, but of pair_style hybrid.
   A model of all atoms has no pairs whose energies could be scaled one by one. */
void PairFrozenTL::read_scale() {
  const int ntypes = atom->ntypes;
  int first = 0;
  for (int i = 1; i <= ntypes; i++)
    for (int j = i; j <= ntypes; j++) {
      if (!setflag[i][j]) continue;
      if (!first) first = i;
      if (scale[i][j] != scale[first][first])
        stop_all("scale is " + number_text(scale[first][first]) + " for types " + std::to_string(first) + " " +
                 std::to_string(first) + " and " + number_text(scale[i][j]) + " for types " + std::to_string(i) + " " +
                 std::to_string(j) + ": the energy is not a sum over pairs, so give one scale for all types of the " +
                 "model, as in 'fix ID all adapt N pair frozentl scale * * v_NAME'");
    }
  lambda = scale[first][first];
}

double PairFrozenTL::memory_usage() {
  return Pair::memory_usage() +
         static_cast<double>(halo.bytes() + edges.bytes() + forces.capacity() * sizeof(double) +
                             node_energy.capacity() * sizeof(double) +
                             (atom_virial.capacity() + centroid_virial.capacity()) * sizeof(atom_virial[0]) +
                             (committee_forces.capacity() + last_x.capacity()) * sizeof(double) +
                             (workspace ? ftl_workspace_bytes(workspace.get()) : 0));
}
