/* compute frozentl/trust: how far to trust the energies and forces of pair_style frozentl.

     compute ID group frozentl/trust [style N] [gamma] [energy_deviation] [force_deviation]

   Of each atom the outputs that are named, in that order, or without a name all that the potential knows: a vector for
   one, an array for several. They belong to the energy that was computed last, whenever and however often they are
   asked for. `style N` takes the N-th frozentl of pair_style hybrid, where several know what is asked. */
#ifndef FROZENTL_COMPUTE_FROZENTL_TRUST_H
#define FROZENTL_COMPUTE_FROZENTL_TRUST_H

#include "compute.h"
#include "pair_frozentl.h"

#include <vector>

namespace LAMMPS_NS {

class ComputeFrozenTLTrust : public Compute {
public:
  ComputeFrozenTLTrust(class LAMMPS *lammps, int narg, char **arg);
  ~ComputeFrozenTLTrust() override;

  void init() override;
  void compute_peratom() override;
  double memory_usage() override;

private:
  PairFrozenTL *pair = nullptr;
  int nth = 0;             /* which of several; 0: the only one */
  std::vector<int> fields; /* PairFrozenTL::GAMMA, ... */
  PairFrozenTL::TrustNames asked{};
  int nmax = 0;

  [[noreturn]] void stop_all(const std::string &what) const;
  std::string asker() const;
  std::vector<PairFrozenTL *> candidates() const;
  PairFrozenTL *find_pair() const;
};

} // namespace LAMMPS_NS

#endif
