/* How far to trust the answer: extrapolation grades and deviations, for LAMMPS' fix pair:

     fix NAME all pair N frozentl gamma 1 energy_deviation 1 force_deviation 1

   The fix takes the number of an output by extract_peratom, and the address of NAME_flag by extract; before a step in
   which it wants the output it sets the flag, after the step it copies the values and clears the flag. */
#include "citations.h"
#include "pair_frozentl.h"

#include "atom.h"
#include "citeme.h"

#include <algorithm>
#include <string>

using namespace LAMMPS_NS;

const char *const PairFrozenTL::trust_name[] = {"gamma", "energy_deviation", "force_deviation"};

/* What `name` less `ending` is among n names; -1: nothing. */
static int index_of(const char *const *names, int n, const std::string &name, const std::string &ending) {
  for (int k = 0; k < n; k++)
    if (name == names[k] + ending) return k;
  return -1;
}

void PairFrozenTL::refuse_unknown_trust(int what) const {
  if (!model)
    stop_all(std::string("fix pair asks for ") + trust_name[what] +
             ": put it after pair_coeff, which names the potential");
  if (what == GAMMA ? !info.extrapolation : info.n_committee < 1)
    stop_all(std::string("fix pair asks for ") + trust_name[what] + ", which this potential does not know" +
             (info.ace ? " (it has no " + std::string(what == GAMMA ? "active set" : "committee") + ")" : "") +
             ": only surrogates that 'frozentl distill' makes do");
}

void *PairFrozenTL::extract(const char *name, int &dim) {
  const int what = index_of(trust_name, N_TRUST, name, "_flag");
  if (what < 0) return Pair::extract(name, dim);
  refuse_unknown_trust(what);
  if (what == GAMMA && lmp->citeme) lmp->citeme->add(cite_extrapolation);
  dim = 0;
  return &trust[what].asked;
}

/* Without a flag that was set, zeros: never null, never shorter than the atoms there are now. */
void *PairFrozenTL::extract_peratom(const char *name, int &ncol) {
  const int what = index_of(trust_name, N_TRUST, name, "");
  if (what < 0) return Pair::extract_peratom(name, ncol);
  refuse_unknown_trust(what);
  ncol = 0;
  trust[what].value.resize(std::max<size_t>(trust[what].value.size(), std::max(atom->nlocal, 1)), 0.0);
  return trust[what].value.data();
}

/* With a new halo, before the core is asked. */
void PairFrozenTL::ask_trust(ftl_output &result) {
  for (auto &t : trust) {
    t.value.clear();
    if (t.asked) t.value.resize(std::max(atom->nlocal, 1), 0.0);
  }
  if (trust[GAMMA].asked) result.extrapolation = trust[GAMMA].value.data();
  if (trust[ENERGY_DEVIATION].asked) result.energy_deviation = trust[ENERGY_DEVIATION].value.data();
  if (!trust[FORCE_DEVIATION].asked) return;
  committee_forces.assign(3 * static_cast<size_t>(info.n_committee) * std::max(halo.n_nodes(), 1), 0.0);
  result.committee_forces = committee_forces.data();
}

/* After it: forces of the committee go home, and units become LAMMPS'. */
void PairFrozenTL::tell_trust() {
  if (trust[FORCE_DEVIATION].asked) {
    ftl_error failure{};
    halo.start_reverse(committee_forces.data(), 3 * info.n_committee * sizeof(double));
    halo.finish_reverse(sizeof(double));
    check(ftl_force_deviation(model.get(), atom->nlocal, committee_forces.data(), trust[FORCE_DEVIATION].value.data(),
                              &failure),
          failure);
  }
  for (int what : {ENERGY_DEVIATION, FORCE_DEVIATION})
    for (double &v : trust[what].value) v *= ev;
}
