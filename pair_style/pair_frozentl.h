/* pair_style frozentl: a MACE or ACE potential in LAMMPS.

     pair_style frozentl [precision double|mixed] [head NAME] [threads N]
     pair_coeff * * FILE El1 El2 ...        one element, or NULL, for each atom type

   This shell reads settings, hands edges to the core, exchanges rows of features between ranks (halo.h) and adds what
   comes back to LAMMPS' arrays. Everything physical is in core (frozentl.h); everything about neighbour lists is in
   edges.h.

   Virial: no_virial_fdotr_compute is set, and the virial is the core's explicit sum over edges. LAMMPS' short cut, sum
   of x (x) f over local and ghost atoms, is the same number for the total but gives nothing per atom, and in hybrid
   styles would mix the forces of other styles. */
#ifndef FROZENTL_PAIR_FROZENTL_H
#define FROZENTL_PAIR_FROZENTL_H

#include "edges.h"
#include "frozentl.h"
#include "halo.h"
#include "pair.h"
#include "presence.h"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class PairFrozenTL : public Pair {
public:
  PairFrozenTL(class LAMMPS *lammps);
  ~PairFrozenTL() override;

  void settings(int narg, char **arg) override;
  void coeff(int narg, char **arg) override;
  void init_style() override;
  double init_one(int i, int j) override;

  void compute(int eflag, int vflag) override;
  void *extract(const char *name, int &dim) override;
  void *extract_peratom(const char *name, int &ncol) override;
  int pack_forward_comm(int n, int *list, double *buf, int pbc_flag, int *pbc) override;
  void unpack_forward_comm(int n, int first, double *buf) override;
  void add_tally_callback(class Compute *compute) override;

  double memory_usage() override;

  /* How far to trust it, for compute frozentl/trust and fix pair. */
  enum { GAMMA, ENERGY_DEVIATION, FORCE_DEVIATION, N_TRUST };
  static const char *const trust_name[N_TRUST];
  using TrustNames = std::array<bool, N_TRUST>;

  bool knows(int what) const;
  /* Ends LAMMPS if the potential does not know it, or is not there; `asker` begins the sentence. */
  void refuse_unknown_trust(int what, const std::string &asker) const;
  /* On all ranks: what was asked, [nlocal] each, of the atoms where they were when the energy was last computed, in
     LAMMPS' units. Computed when it has not been yet. Ends LAMMPS if other atoms are there now. */
  const std::vector<double> &trust_values(int what, const TrustNames &asked, const std::string &asker);

protected: /* what pair_style frozentl/kk shares */
  struct FreeModel {
    void operator()(ftl_model *m) const { ftl_model_free(m); }
  };
  struct FreeWorkspace {
    void operator()(ftl_workspace *w) const { ftl_workspace_free(w); }
  };

  /* settings */
  ftl_precision precision = FTL_DOUBLE;
  std::string head; /* empty: the model's own choice */
  int threads = 0;  /* 0: as many as LAMMPS was given (OMP_NUM_THREADS, package omp) */

  /* model; the workspace uses it and so must go first: declared after it */
  std::unique_ptr<ftl_model, FreeModel> model;
  ftl_model_info info{};
  std::string why_no_model; /* after it was there: the end of a sentence */
  frozentl::Presence present;
  double ev = 1.0;          /* one eV in LAMMPS' units of energy; lengths are Angstrom in both */
  double **scale = nullptr; /* [ntypes + 1][ntypes + 1], what fix adapt sets; one number for all pairs of the model */
  double factor() const { return ev * lambda; } /* from eV to what LAMMPS gets */

  virtual void prepare();      /* at the end of init_style: what evaluates the model */
  virtual void forget_model(); /* and what was made of it */
  virtual std::string kernels() const { return std::string(info.kernel_isa) + " kernels"; }
  void read_scale();
  std::string hidden_pairs();
  void warn_of_pairs_of_others();
  void tally_totals(double energy, const double *w);
  void tally_atom_virial(int i, const double *w);
  void tally_centroid_virial(int i, const double *w);
  std::string bad_pair(int i, int j) const;
  std::string bad_position(int i) const;
  [[noreturn]] void stop_all(const std::string &what) const;
  [[noreturn]] void stop_one(const std::string &what) const;
  void stop_together(const std::string &what) const;
  void check(ftl_status status, const ftl_error &failure) const;
  std::string atom_name(int i) const;

  /* how far to trust the last energy (pair_frozentl_trust.cpp) */
  struct {
    bool known = false;        /* value is of the last energy */
    std::vector<double> value; /* [n_local], LAMMPS' units */
  } trust[N_TRUST];
  struct {
    bool there = false;
    int n_local = 0;
    std::vector<tagint> tag; /* [n_local]; empty without IDs */
  } last;                    /* the atoms of the last energy */
  bool any_trust() const;
  TrustNames asked_by_fix_pair();
  virtual void compute_trust(const TrustNames &asked); /* of these atoms where they were */
  void know_trust(const TrustNames &asked);
  void remember_order();
  void refresh_fix_pair(bool renewed, const TrustNames &asked);

private:
  double lambda = 1.0; /* what scale says */
  bool warned_of_others = false;
  std::unique_ptr<ftl_workspace, FreeWorkspace> workspace;
  int workspace_threads = 0;

  /* a step */
  frozentl::Halo halo;
  frozentl::Edges edges;
  std::vector<double> forces;                         /* [n_nodes][3], eV/Angstrom */
  std::vector<double> node_energy;                    /* [n_local], eV */
  std::vector<std::array<double, 9>> atom_virial;     /* [n_nodes], eV */
  std::vector<std::array<double, 9>> centroid_virial; /* [n_nodes], eV */

  /* how far to trust it */
  std::vector<double> committee_forces;     /* [n_nodes][n_committee][3], eV/Angstrom */
  std::vector<double> last_x;               /* [atoms and ghosts][3] of the last energy */
  unsigned long long atoms_of_fix_pair = 0; /* which atoms had their values last */
  std::map<const class Fix *, int> period;  /* N of each fix pair of this run */
  bool odd_look = false;

  std::vector<int> read_elements(int n, char **names) const;
  void open_model(const std::string &path, const std::vector<int> &atomic_number);
  void cite() const;
  void report(const std::string &path, const std::vector<int> &atomic_number) const;
  void lose_model(const std::string &why);
  void refuse_wrong_heat_flux() const;
  bool renew_halo();
  void return_more(int layer);
  void run_layers(ftl_output &result, const double (*x)[3], int n_atoms);
  void tally(const ftl_output &result);
  void clear_flags();
  bool fix_asks_at(class Fix *fix, bigint step) const;
  int period_of(class Fix *fix);
  void ask_trust(ftl_output &result, const TrustNames &asked);
  void tell_trust(const TrustNames &asked);
  void remember_atoms();
};

} // namespace LAMMPS_NS

#endif
