/* The heat flux of a model:

     compute ID group heat/flux/frozentl

   The six numbers of LAMMPS' compute heat/flux, in its units (energy times velocity): the flux of the group's atoms j,

     sum_j e_j v_j + sum_ij (x_i - x_j) (dU_i/dx_j . v_j)          docs/theory.md, eq. 31

   and then its first, convective sum alone. e_j is kinetic and potential energy, U_i the potential energy of one atom.
   Exact for any number of layers. */
#ifndef FROZENTL_COMPUTE_HEAT_FLUX_H
#define FROZENTL_COMPUTE_HEAT_FLUX_H

#include "compute.h"

#include <array>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class ComputeHeatFluxFrozenTL : public Compute {
public:
  ComputeHeatFluxFrozenTL(class LAMMPS *lammps, int narg, char **arg);
  ~ComputeHeatFluxFrozenTL() override;
  void init() override;
  void compute_vector() override;
  int pack_reverse_comm(int n, int first, double *buf) override;
  void unpack_reverse_comm(int n, int *list, double *buf) override;
  double memory_usage() override;

private:
  std::array<double, 6> answer{};
  std::vector<std::array<double, 9>> virial; /* of local and ghost atoms, of a step */

  void collect_virials();
  [[noreturn]] void stop_all(const std::string &what) const;
};

} // namespace LAMMPS_NS

#endif
