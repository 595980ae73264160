#include "compute_frozentl_trust.h"

#include "atom.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "update.h"
#include "utils.h"
#include "lammps_versions.h"

#include <algorithm>
#include <cstdlib>

using namespace LAMMPS_NS;

ComputeFrozenTLTrust::ComputeFrozenTLTrust(LAMMPS *lammps, int narg, char **arg) : Compute(lammps, narg, arg) {
  for (int k = 3; k < narg; k++) {
    const std::string word = arg[k];
    if (word == "style" && k + 1 < narg) {
      char *end;
      const long n = strtol(arg[++k], &end, 10);
      if (*end || end == arg[k] || n < 1 || n > 1000)
        stop_all("'style' is followed by the number of a frozentl in pair_style hybrid, from 1, not '" +
                 std::string(arg[k]) + "'");
      nth = static_cast<int>(n);
      continue;
    }
    const auto *names = PairFrozenTL::trust_name;
    const auto *found = std::find(names, names + PairFrozenTL::N_TRUST, word);
    if (found == names + PairFrozenTL::N_TRUST)
      stop_all("unknown word '" + word + "'; known are gamma, energy_deviation, force_deviation and style N");
    const int what = static_cast<int>(found - names);
    if (asked[what]) stop_all("'" + word + "' is there twice");
    asked[what] = true;
    fields.push_back(what);
  }

  const bool unnamed = fields.empty();
  pair = find_pair();
  for (int what = 0; unnamed && what < PairFrozenTL::N_TRUST; what++)
    if (pair->knows(what)) {
      asked[what] = true;
      fields.push_back(what);
    }
  if (fields.empty()) fields = {PairFrozenTL::GAMMA}; /* which it refuses */
  for (int what : fields) pair->refuse_unknown_trust(what, asker());
  peratom_flag = 1;
  size_peratom_cols = fields.size() == 1 ? 0 : static_cast<int>(fields.size());
}

ComputeFrozenTLTrust::~ComputeFrozenTLTrust() {
  memory->destroy(vector_atom);
  memory->destroy(array_atom);
}

void ComputeFrozenTLTrust::stop_all(const std::string &what) const {
  lammps_stop_all(error, FLERR, "compute " + std::string(id) + " frozentl/trust: " + what);
}

std::string ComputeFrozenTLTrust::asker() const { return "compute " + std::string(id); }

/* All of this style, in the order of pair_style hybrid. */
std::vector<PairFrozenTL *> ComputeFrozenTLTrust::candidates() const {
  std::vector<PairFrozenTL *> found;
  const auto add = [&](const char *name, int n) {
    auto *p = dynamic_cast<PairFrozenTL *>(force->pair_match(name, 1, n));
    if (p && std::find(found.begin(), found.end(), p) == found.end()) found.push_back(p);
    return p != nullptr;
  };
  for (const char *name : {"frozentl", "frozentl/kk", "frozentl/kk/device", "frozentl/kk/host"}) {
    add(name, 0);
    for (int n = 1; add(name, n) && n < 1000;) n++;
  }
  return found;
}

PairFrozenTL *ComputeFrozenTLTrust::find_pair() const {
  const std::vector<PairFrozenTL *> all = candidates();
  if (all.empty()) stop_all("there is no pair_style frozentl: put it after pair_style and pair_coeff");
  if (nth > static_cast<int>(all.size()))
    stop_all("'style " + std::to_string(nth) + "', but pair_style has only " + std::to_string(all.size()) +
             " frozentl");
  if (nth) return all[nth - 1];
  std::vector<PairFrozenTL *> able;
  for (PairFrozenTL *p : all) {
    bool knows = false;
    for (int what = 0; what < PairFrozenTL::N_TRUST; what++) knows |= p->knows(what) && (fields.empty() || asked[what]);
    if (knows) able.push_back(p);
  }
  if (able.size() > 1)
    stop_all(std::to_string(able.size()) +
             " frozentl of pair_style hybrid know it: say which by 'style N', N from 1 to " +
             std::to_string(all.size()));
  return able.empty() ? all[0] : able[0];
}

/* pair_style and pair_coeff may have been given again. */
void ComputeFrozenTLTrust::init() {
  pair = find_pair();
  for (int what : fields) pair->refuse_unknown_trust(what, asker());
}

void ComputeFrozenTLTrust::compute_peratom() {
  invoked_peratom = update->ntimestep;
  const int n_fields = static_cast<int>(fields.size());
  if (!nmax || nmax < atom->nmax) {
    nmax = std::max(atom->nmax, 1);
    memory->destroy(vector_atom);
    memory->destroy(array_atom);
    if (n_fields == 1) memory->create(vector_atom, nmax, "frozentl/trust:vector");
    else memory->create(array_atom, nmax, n_fields, "frozentl/trust:array");
  }
  for (int c = 0; c < n_fields; c++) {
    const std::vector<double> &value = pair->trust_values(fields[c], asked, asker());
    for (int i = 0; i < atom->nlocal; i++)
      (n_fields == 1 ? vector_atom[i] : array_atom[i][c]) = atom->mask[i] & groupbit ? value[i] : 0.0;
  }
}

double ComputeFrozenTLTrust::memory_usage() { return static_cast<double>(nmax) * fields.size() * sizeof(double); }
