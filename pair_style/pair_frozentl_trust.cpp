/* How far to trust the answer: extrapolation grades and deviations, for compute frozentl/trust, which asks when it is
   asked itself, and for LAMMPS' fix pair:

     fix NAME all pair N frozentl gamma 1 energy_deviation 1 force_deviation 1

   The fix takes the address of NAME_flag by extract; before a step in which it wants the output it sets the flag, so
   that values come with the forces, after the step it takes them by extract_peratom and clears the flag. */
#include "citations.h"
#include "pair_frozentl.h"

#include "atom.h"
#include "citeme.h"
#include "comm.h"
#include "fix.h"
#include "modify.h"
#include "update.h"

#include <algorithm>
#include <cstring>
#include <string>

using namespace LAMMPS_NS;

const char *const PairFrozenTL::trust_name[] = {"gamma", "energy_deviation", "force_deviation"};

/* The fix keeps the addresses when pair_style makes another style of this name: they outlive every one. */
static int flag[PairFrozenTL::N_TRUST];
static bool fix_pair_was_here = false;

/* What `name` less `ending` is among n names; -1: nothing. */
static int index_of(const char *const *names, int n, const std::string &name, const std::string &ending) {
  for (int k = 0; k < n; k++)
    if (name == names[k] + ending) return k;
  return -1;
}

bool PairFrozenTL::knows(int what) const {
  return model && (what == GAMMA ? info.extrapolation : info.n_committee > 0);
}

void PairFrozenTL::refuse_unknown_trust(int what, const std::string &asker) const {
  const std::string asks = asker + " asks for " + trust_name[what];
  if (!model) stop_all(asks + ": put it after pair_coeff, which names the potential");
  if (!knows(what))
    stop_all(asks + ", which this potential does not know" + " (it has no " +
             std::string(what == GAMMA ? "active set" : "committee") + "): " +
             (info.ace ? "only surrogates that 'frozentl distill' makes do"
                       : "'frozentl trust' teaches it, from the data it was trained on"));
  if (what == GAMMA && lmp->citeme) lmp->citeme->add(cite_extrapolation);
}

/* ---- with an energy, or after it ---- */

bool PairFrozenTL::any_trust() const {
  for (int what = 0; what < N_TRUST; what++)
    if (knows(what)) return true;
  return false;
}

/* With a new halo, before the core is asked. */
void PairFrozenTL::ask_trust(ftl_output &result, const TrustNames &asked) {
  const size_t n_local = std::max(edges.n_local(), 1);
  for (int what = 0; what < N_TRUST; what++)
    if (asked[what]) trust[what].value.assign(n_local, 0.0);
  if (asked[GAMMA]) result.extrapolation = trust[GAMMA].value.data();
  if (asked[ENERGY_DEVIATION]) result.energy_deviation = trust[ENERGY_DEVIATION].value.data();
  if (!asked[FORCE_DEVIATION]) return;
  committee_forces.assign(3 * static_cast<size_t>(info.n_committee) * std::max(halo.n_nodes(), 1), 0.0);
  result.committee_forces = committee_forces.data();
}

/* After it: forces of the committee go home, and units become LAMMPS'. */
void PairFrozenTL::tell_trust(const TrustNames &asked) {
  if (asked[FORCE_DEVIATION]) {
    ftl_error failure{};
    halo.start_reverse(committee_forces.data(), 3 * info.n_committee * sizeof(double));
    halo.finish_reverse(sizeof(double));
    check(ftl_force_deviation(model.get(), edges.n_local(), committee_forces.data(),
                              trust[FORCE_DEVIATION].value.data(), &failure),
          failure);
  }
  know_trust(asked);
}

/* Values are there: of eV, what LAMMPS gets. */
void PairFrozenTL::know_trust(const TrustNames &asked) {
  for (int what = 0; what < N_TRUST; what++) {
    if (!asked[what]) continue;
    trust[what].known = true;
    if (what != GAMMA) /* an error of a scaled energy is scaled */
      for (double &v : trust[what].value) v *= std::abs(factor());
  }
}

/* Who asks later may find the atoms elsewhere (fix deform moves them at the end of a step) or in another order. */
void PairFrozenTL::remember_atoms() {
  last.there = any_trust();
  if (!last.there) return;
  const size_t n_all = static_cast<size_t>(atom->nlocal) + atom->nghost;
  last_x.clear();
  if (n_all) last_x.assign(atom->x[0], atom->x[0] + 3 * n_all);
  remember_order();
}

void PairFrozenTL::remember_order() {
  last.n_local = atom->nlocal;
  last.tag.clear();
  if (atom->tag_enable) last.tag.assign(atom->tag, atom->tag + atom->nlocal);
}

void PairFrozenTL::compute_trust(const TrustNames &asked) {
  ftl_output result{};
  ask_trust(result, asked);
  run_layers(result, reinterpret_cast<const double(*)[3]>(last_x.data()), static_cast<int>(last_x.size() / 3));
  tell_trust(asked);
}

const std::vector<double> &PairFrozenTL::trust_values(int what, const TrustNames &asked, const std::string &asker) {
  refuse_unknown_trust(what, asker);
  int usable = last.there;
  if (usable) usable = last.n_local == atom->nlocal;
  if (usable && atom->tag_enable) usable = std::equal(last.tag.begin(), last.tag.end(), atom->tag);
  if (comm->nprocs > 1) MPI_Allreduce(MPI_IN_PLACE, &usable, 1, MPI_INT, MPI_MIN, world);
  if (!usable)
    stop_all(asker + " asks for " + trust_name[what] +
             " of atoms whose energy has not been computed: atoms came or went since the last run; 'run 0' first");
  if (!trust[what].known) {
    TrustNames now = asked;
    for (int k = 0; k < N_TRUST; k++) now[k] = (asked[k] || k == what) && knows(k) && !trust[k].known;
    compute_trust(now);
  }
  return trust[what].value;
}

/* ---- fix pair ---- */

void *PairFrozenTL::extract(const char *name, int &dim) {
  if (allocated && strcmp(name, "scale") == 0) {
    dim = 2;
    return scale;
  }
  const int what = index_of(trust_name, N_TRUST, name, "_flag");
  if (what < 0) return Pair::extract(name, dim);
  refuse_unknown_trust(what, "fix pair");
  fix_pair_was_here = true;
  dim = 0;
  return &flag[what];
}

/* The fix asks once when it is made, to see whether there is such a thing, and then after each step that it wants. */
void *PairFrozenTL::extract_peratom(const char *name, int &ncol) {
  const int what = index_of(trust_name, N_TRUST, name, "");
  if (what < 0) return Pair::extract_peratom(name, ncol);
  refuse_unknown_trust(what, "fix pair");
  ncol = 0;
  if (update->whichflag == 0) {
    trust[what].known = false;
    trust[what].value.assign(std::max(atom->nlocal, 1), 0.0);
    return trust[what].value.data();
  }
  if (!flag[what])
    stop_all(std::string("write 'fix ... pair N frozentl ") + trust_name[what] +
             " 1', not 0: it is not computed unasked");
  TrustNames asked;
  for (int k = 0; k < N_TRUST; k++) asked[k] = flag[k];
  return const_cast<double *>(trust_values(what, asked, "fix pair").data());
}

/* Before a run: of a run that ended in an error, or of a fix that is gone. */
void PairFrozenTL::clear_flags() {
  std::fill(flag, flag + N_TRUST, 0);
  period.clear();
}

PairFrozenTL::TrustNames PairFrozenTL::asked_by_fix_pair() {
  TrustNames asked;
  for (int what = 0; what < N_TRUST; what++) {
    trust[what].known = false;
    asked[what] = flag[what] && knows(what);
  }
  return asked;
}

/* A number that depends on which atoms there are, in all, not on their order. */
static unsigned long long which_atoms(const Atom &atom, MPI_Comm world) {
  unsigned long long sum = 0;
  for (int i = 0; i < atom.nlocal; i++) {
    unsigned long long x = atom.tag_enable ? static_cast<unsigned long long>(atom.tag[i]) : 1;
    x *= 0x9e3779b97f4a7c15ULL; /* of splitmix64 */
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    sum += x ^ (x >> 27);
  }
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UNSIGNED_LONG_LONG, MPI_SUM, world);
  return sum;
}

/* Shows the fix a step that never was; true: it sets this style's flags there. */
bool PairFrozenTL::fix_asks_at(Fix *fix, bigint step) const {
  const bigint now = update->ntimestep;
  int before[N_TRUST], set = 0;
  std::copy(flag, flag + N_TRUST, before);
  std::fill(flag, flag + N_TRUST, 0);
  update->ntimestep = step;
  fix->pre_force(0);
  update->ntimestep = now;
  for (int what = 0; what < N_TRUST; what++) {
    set |= flag[what];
    flag[what] |= before[what];
  }
  return set;
}

/* The N of a fix pair, which it keeps to itself; 0: of another style, or N is beyond all use. It never looks twice at
   one step, hence two that it has not seen. */
int PairFrozenTL::period_of(Fix *fix) {
  const auto known = period.find(fix);
  if (known != period.end()) return known->second;
  int before[N_TRUST], n = 1;
  std::copy(flag, flag + N_TRUST, before);
  while (n <= 100000 &&
         !(fix_asks_at(fix, -5 * static_cast<bigint>(n)) && fix_asks_at(fix, -7 * static_cast<bigint>(n))))
    n++;
  std::copy(before, before + N_TRUST, flag);
  return period[fix] = n <= 100000 ? n : 0;
}

/* fix pair looks once at a time step, and every N. Energies are computed more often: in a second `run 0` of a step, by
   fix gcmc for trials before the step's own; and between two looks fix deposit adds atoms, for which the fix has
   nothing. Where it has not asked for this energy but would show other values beside it, it is made to look again. It
   goes by update->ntimestep alone, and does nothing at a step that it has seen: so it is shown steps that never were.
 */
void PairFrozenTL::refresh_fix_pair(bool renewed, const TrustNames &asked) {
  if (!fix_pair_was_here || !any_trust()) return;
  bool others = false;
  if (renewed) {
    const unsigned long long now = which_atoms(*atom, world);
    others = now != atoms_of_fix_pair;
    atoms_of_fix_pair = now;
  }
  const bool seen = std::count(asked.begin(), asked.end(), true) > 0;
  const bigint step = update->ntimestep;
  for (int k = 0; k < modify->nfix; k++) {
    Fix *fix = modify->fix[k];
    const int n = strcmp(fix->style, "pair") == 0 ? period_of(fix) : 0;
    if (!n) continue;
    const bool looks_now = step % n == 0;
    if (looks_now ? seen : !others) continue;
    int before[N_TRUST];
    std::copy(flag, flag + N_TRUST, before);
    fix_asks_at(fix, -5 * static_cast<bigint>(n));
    int set[N_TRUST];
    std::copy(flag, flag + N_TRUST, set);
    update->ntimestep = (odd_look ? -2 : -4) * static_cast<bigint>(n);
    odd_look = !odd_look;
    fix->post_force(0);
    update->ntimestep = step;
    std::copy(looks_now ? set : before, (looks_now ? set : before) + N_TRUST, flag); /* it comes again, or not */
  }
}
