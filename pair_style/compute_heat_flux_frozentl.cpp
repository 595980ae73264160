#include "compute_heat_flux_frozentl.h"
#include "pair_frozentl.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "update.h"
#include "lammps_versions.h"

#include <cstring>

using namespace LAMMPS_NS;

ComputeHeatFluxFrozenTL::ComputeHeatFluxFrozenTL(LAMMPS *lammps, int narg, char **arg) : Compute(lammps, narg, arg) {
  if (narg != 3) stop_all("it takes no arguments: compute ID group heat/flux/frozentl");
  vector_flag = 1;
  size_vector = static_cast<int>(answer.size());
  extvector = 1;
  vector = answer.data();
  /* the steps in which it is asked are those in which the pair style is to know of single atoms */
  timeflag = 1;
  peatomflag = 1;
  pressatomflag = 2;
  comm_reverse = 9;
}

ComputeHeatFluxFrozenTL::~ComputeHeatFluxFrozenTL() { vector = nullptr; }

void ComputeHeatFluxFrozenTL::stop_all(const std::string &what) const {
  lammps_stop_all(error, FLERR, std::string("compute ") + id + " " + style + ": " + what);
}

/* Heat goes through all interactions. LAMMPS' own compute adds those of other styles, and with ours it is as exact. */
void ComputeHeatFluxFrozenTL::init() {
  const std::string instead =
      "; compute heat/flux with pe/atom and centroid/stress/atom adds them all, and is exact for pair_style frozentl";
  auto *pair = dynamic_cast<PairFrozenTL *>(force->pair);
  if (!pair && force->pair && force->pair_match("frozentl", 0))
    stop_all("pair_style hybrid has other parts that carry heat" + instead);
  if (!pair) stop_all("it needs pair_style frozentl");
  if (force->bond || force->angle || force->dihedral || force->improper || force->kspace)
    stop_all("bonds, angles, dihedrals, impropers or kspace carry heat too" + instead);
}

void ComputeHeatFluxFrozenTL::compute_vector() {
  invoked_vector = update->ntimestep;
  if (update->eflag_atom != invoked_vector || update->vflag_atom != invoked_vector)
    stop_all(
        "energies and virials of atoms were not asked for in this step; print it with thermo or average it with a fix");
  collect_virials();
  const double *eatom = force->pair->eatom;
  double convective[3] = {0, 0, 0}, total[3];
  double potential[3] = {0, 0, 0};
  for (int j = 0; j < atom->nlocal; j++) {
    if (!(atom->mask[j] & groupbit)) continue;
    const double *v = atom->v[j], *w = virial[j].data();
    const double mass = atom->rmass ? atom->rmass[j] : atom->mass[atom->type[j]];
    const double energy = eatom[j] + 0.5 * force->mvv2e * mass * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    for (int d = 0; d < 3; d++) convective[d] += energy * v[d];
    potential[0] += w[0] * v[0] + w[3] * v[1] + w[4] * v[2];
    potential[1] += w[6] * v[0] + w[1] * v[1] + w[5] * v[2];
    potential[2] += w[7] * v[0] + w[8] * v[1] + w[2] * v[2];
  }
  for (int d = 0; d < 3; d++) total[d] = convective[d] + potential[d];
  const double mine[6] = {total[0], total[1], total[2], convective[0], convective[1], convective[2]};
  MPI_Allreduce(mine, answer.data(), size_vector, MPI_DOUBLE, MPI_SUM, world);
}

/* Ghosts' parts go to their owners. */
void ComputeHeatFluxFrozenTL::collect_virials() {
  const int n = atom->nlocal + atom->nghost;
  double *const *cvatom = force->pair->cvatom;
  virial.resize(n);
  for (int j = 0; j < n; j++) memcpy(virial[j].data(), cvatom[j], sizeof virial[j]);
  comm->reverse_comm(this);
}

int ComputeHeatFluxFrozenTL::pack_reverse_comm(int n, int first, double *buf) {
  for (int k = 0; k < n; k++) memcpy(buf + 9 * k, virial[first + k].data(), sizeof virial[0]);
  return 9 * n;
}

void ComputeHeatFluxFrozenTL::unpack_reverse_comm(int n, int *list, double *buf) {
  for (int k = 0; k < n; k++)
    for (int c = 0; c < 9; c++) virial[list[k]][c] += buf[9 * k + c];
}

double ComputeHeatFluxFrozenTL::memory_usage() { return static_cast<double>(virial.capacity() * sizeof virial[0]); }
