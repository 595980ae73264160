/* Computes of LAMMPS that cannot be right with a many-body potential are refused by name, before a run. */
#include "pair_frozentl.h"

#include "comm.h"
#include "compute.h"
#include "error.h"
#include "modify.h"

#include <cstring>

using namespace LAMMPS_NS;

/* compute heat/flux needs W_j = sum_i (x_i - x_j) (x) dU_i/dx_j (docs/theory.md, eq. 32): that is what
   centroid/stress/atom has. stress/atom has another virial, half of each edge to either end, and its flux is a wrong
   number. LAMMPS does not tell which of the two a compute heat/flux was given. */
void PairFrozenTL::refuse_wrong_heat_flux() const {
  std::string flux;
  const Compute *symmetric = nullptr, *centroid = nullptr;
  for (const Compute *c : modify->get_compute_list()) {
    if (strcmp(c->style, "heat/flux") == 0) flux += std::string(flux.empty() ? "" : ", ") + c->id;
    if (strcmp(c->style, "stress/atom") == 0) symmetric = c;
    if (strcmp(c->style, "centroid/stress/atom") == 0) centroid = c;
  }
  if (flux.empty() || !symmetric) return;
  const std::string wrong = "the virials of compute " + std::string(symmetric->id) +
                            " stress/atom make compute heat/flux (" + flux +
                            ") wrong: give it those of compute centroid/stress/atom, or use compute heat/flux/frozentl";
  if (!centroid) stop_all(wrong);
  if (comm->me == 0)
    error->warning(FLERR, "pair_style frozentl: {}; right are those of compute {}", wrong, centroid->id);
}

/* compute heat/flux/tally, stress/tally and their like want forces of pairs. */
void PairFrozenTL::add_tally_callback(Compute *compute) {
  stop_all(std::string("compute ") + compute->id + " " + compute->style +
           " sums over the forces of pairs, which a many-body potential does not have: for the heat flux use compute "
           "heat/flux/frozentl, for stress compute stress/atom, for energies compute pe/atom");
}
