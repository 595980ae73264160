/* The rival of programs/surrogate: ML-PACE's evaluator as a pair style of the same LAMMPS that runs FrozenTL, in a
   plugin.

     pair_style mlpace recursive|product
     pair_coeff * * FILE.yace ELEMENT...
     pair_style mlpace convert FILE.ace FILE.yace     writes LAMMPS' older files as .yace

   LAMMPS of the package index comes without ML-PACE. What it would do per step is a loop over atoms that hands LAMMPS'
   full neighbour list to the library and adds up the forces it gives; that is done here. The library is used as it is
   (bench/setup_rivals.sh pace builds it). A part of the benchmark only. */
#include "lammps_plugin.h"

#include "atom.h"
#include "error.h"
#include "force.h"
#include "lammps.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "pair.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "ace-evaluator/ace_c_basis.h"
#include "ace-evaluator/ace_evaluator.h"
#include "ace-evaluator/ace_recursive.h"

using namespace LAMMPS_NS;

namespace {

class PairMLPace : public Pair {
public:
  explicit PairMLPace(LAMMPS *lmp) : Pair(lmp) {
    single_enable = restartinfo = 0;
    one_coeff = manybody_flag = 1;
  }
  ~PairMLPace() override {
    if (!allocated) return;
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }

  void settings(int narg, char **arg) override {
    if (narg == 3 && strcmp(arg[0], "convert") == 0) {
      ACECTildeBasisSet(std::string(arg[1])).save_yaml(arg[2]);
      return;
    }
    if (narg != 1) error->all(FLERR, "pair_style mlpace recursive|product");
    evaluator.set_recursive(strcmp(arg[0], "recursive") == 0);
  }

  void coeff(int narg, char **arg) override {
    const int n = atom->ntypes;
    memory->create(setflag, n + 1, n + 1, "pair:setflag");
    memory->create(cutsq, n + 1, n + 1, "pair:cutsq");
    map = new int[n + 1];
    allocated = 1;
    map_element2type(narg - 3, arg + 3);
    basis = std::make_unique<ACECTildeBasisSet>(std::string(arg[2]));
    evaluator.element_type_mapping.init(n + 1);
    for (int i = 1; i <= n; i++) {
      map[i] = basis->get_species_index_by_name(arg[2 + i]);
      if (map[i] < 0) error->all(FLERR, "the potential does not have an element of pair_coeff");
      evaluator.element_type_mapping(i) = map[i];
    }
    evaluator.set_basis(*basis, 1);
  }

  void init_style() override { neighbor->add_request(this, NeighConst::REQ_FULL); }
  double init_one(int i, int j) override { return basis->radial_functions->cut(map[i], map[j]); }

  void compute(int eflag, int vflag) override {
    ev_init(eflag, vflag);
    double **f = atom->f;
    int most = 0;
    for (int ii = 0; ii < list->inum; ii++) most = std::max(most, list->numneigh[list->ilist[ii]]);
    evaluator.resize_neighbours_cache(most);
    for (int ii = 0; ii < list->inum; ii++) {
      const int i = list->ilist[ii], *neighbours = list->firstneigh[i], n = list->numneigh[i];
      evaluator.compute_atom(i, atom->x, atom->type, n, neighbours);
      for (int k = 0; k < n; k++)
        for (int c = 0; c < 3; c++) {
          const double g = evaluator.neighbours_forces(k, c);
          f[i][c] += g;
          f[neighbours[k] & NEIGHMASK][c] -= g;
        }
      if (eflag) ev_tally_full(i, 2 * evaluator.e_atom, 0, 0, 0, 0, 0);
    }
    if (vflag_fdotr) virial_fdotr_compute();
  }

private:
  std::unique_ptr<ACECTildeBasisSet> basis;
  ACERecursiveEvaluator evaluator;
};

void *create(void *lammps) { return static_cast<Pair *>(new PairMLPace(static_cast<LAMMPS *>(lammps))); }

} // namespace

extern "C" void lammpsplugin_init(void *lammps, void *handle, void *register_function) {
  lammpsplugin_t plugin;
  plugin.version = "for the LAMMPS that it was compiled with";
  plugin.style = "pair";
  plugin.name = "mlpace";
  plugin.info = "ML-PACE's evaluator, a rival of FrozenTL's benchmark";
  plugin.author = "the FrozenTL developers";
  plugin.creator.v1 = create;
  plugin.handle = handle;
  reinterpret_cast<lammpsplugin_regfunc>(register_function)(&plugin, lammps);
}
