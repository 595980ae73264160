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

#include <array>
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
  std::vector<int> species_of_type; /* [ntypes + 1]; -1: NULL */
  double ev = 1.0;                  /* one eV in LAMMPS' units of energy; lengths are Angstrom in both */

  virtual void prepare();                            /* at the end of init_style: what evaluates the model */
  virtual void forget_model() { workspace.reset(); } /* before another is opened */
  virtual std::string kernels() const { return std::string(info.kernel_isa) + " kernels"; }
  virtual void refuse_unknown_trust(int what) const;
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

  /* how far to trust it: what `fix pair` asks for, and gets */
  enum { GAMMA, ENERGY_DEVIATION, FORCE_DEVIATION, N_TRUST };
  static const char *const trust_name[N_TRUST];

private:
  std::unique_ptr<ftl_workspace, FreeWorkspace> workspace;
  int workspace_threads = 0;

  /* a step */
  frozentl::Halo halo;
  frozentl::Edges edges;
  std::vector<double> forces;                         /* [n_nodes][3], eV/Angstrom */
  std::vector<double> node_energy;                    /* [n_local], eV */
  std::vector<std::array<double, 9>> atom_virial;     /* [n_nodes], eV */
  std::vector<std::array<double, 9>> centroid_virial; /* [n_nodes], eV */

  struct {
    int asked = 0;             /* set by the fix before a step */
    std::vector<double> value; /* [n_local], LAMMPS' units; empty: not computed in this step */
  } trust[N_TRUST];
  std::vector<double> committee_forces; /* [n_nodes][n_committee][3], eV/Angstrom */

  std::vector<int> read_elements(int n, char **names) const;
  void open_model(const std::string &path, const std::vector<int> &atomic_number);
  void cite() const;
  void report(const std::string &path, const std::vector<int> &atomic_number) const;
  void refuse_dropped_pairs() const;
  void refuse_wrong_heat_flux() const;
  bool renew_halo();
  void return_moments(int layer);
  void run_layers(ftl_output &result);
  void tally(const ftl_output &result);
  void ask_trust(ftl_output &result);
  void tell_trust();
};

} // namespace LAMMPS_NS

#endif
