/* What LAMMPS can be told to leave out of neighbour lists. For a model of all atoms a pair that is left out is another
   energy, also of the pair's neighbours, so it is an error; looked at whenever there are new lists, since bonds and
   groups change during a run. Atoms that are left out of all pairs are simply not there (presence.h). */
#include "pair_frozentl.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "group.h"
#include "neigh_list.h"
#include "neighbor.h"

using namespace LAMMPS_NS;

/* The group of comm_modify, which LAMMPS keeps to itself. */
struct BorderGroup : Comm {
  static int of(const Comm &comm) { return comm.*(&BorderGroup::bordergroup); }
};

/* Whether lists are without some bonded neighbour of local atom i: 1-2, 1-3 or 1-4 with both special_bonds factors 0.
 */
static bool bonds_hide(const Force &force, const Atom &atom, int i) {
  if (atom.molecular == Atom::ATOMIC) return false;
  for (int k = 1; k <= 3; k++) {
    if (force.special_lj[k] != 0.0 || force.special_coul[k] != 0.0) continue;
    if (atom.molecular == Atom::TEMPLATE) return true; /* the molecules' own lists are not looked at */
    if (atom.nspecial[i][k - 1] > (k > 1 ? atom.nspecial[i][k - 2] : 0)) return true;
  }
  return false;
}

/* On all ranks. What is missing in the new lists, as a sentence, or nothing. Sets which atoms are absent. */
std::string PairFrozenTL::hidden_pairs() {
  const int all = 1;
  present.absent_groups = 0;
  bool some_groups = false;
  for (int m = 0; m < neighbor->nex_group; m++) {
    if (neighbor->ex1_bit[m] == all) present.absent_groups |= neighbor->ex2_bit[m];
    else if (neighbor->ex2_bit[m] == all) present.absent_groups |= neighbor->ex1_bit[m];
    else some_groups = true;
  }

  const auto group_name = [&](int igroup) { return "'" + std::string(group->names[igroup]) + "'"; };
  std::string hidden;
  int groups = 0; /* of any atom of the model */
  for (int i = 0; i < atom->nlocal; i++) {
    const int mask = atom->mask[i];
    if (present.species(atom->type[i], mask) < 0) continue;
    groups |= mask;
    if (!hidden.empty()) continue;
    if (bonds_hide(*force, *atom, i))
      hidden = "atoms of the model have bonds, and special_bonds hides bonded neighbours from it: use 'special_bonds "
               "lj/coul 1 1 1' (in pair_style hybrid, 'special_bonds lj/coul 1e-50 1e-50 1e-50' keeps the other styles "
               "as they were)";
    for (int m = 0; m < neighbor->nex_mol; m++)
      if (mask & neighbor->ex_mol_bit[m])
        hidden = "'neigh_modify exclude molecule' of group " + group_name(neighbor->ex_mol_group[m]) +
                 " hides pairs of atoms from the model, so that the energies of their neighbours change too: leave the "
                 "group out, or give NULL to its types";
    for (int only : {neighbor->includegroup, BorderGroup::of(*comm)})
      if (only && !(mask & group->bitmask[only]))
        hidden = std::string(only == neighbor->includegroup ? "'neigh_modify include'" : "'comm_modify group'") +
                 " takes group " + group_name(only) + " alone, and there are atoms of the model outside of it";
  }

  if (some_groups && comm->nprocs > 1) MPI_Allreduce(MPI_IN_PLACE, &groups, 1, MPI_INT, MPI_BOR, world);
  for (int m = 0; m < neighbor->nex_group && some_groups && hidden.empty(); m++)
    if (neighbor->ex1_bit[m] != all && neighbor->ex2_bit[m] != all && (groups & neighbor->ex1_bit[m]) &&
        (groups & neighbor->ex2_bit[m]))
      hidden = "'neigh_modify exclude group " + std::string(group->names[neighbor->ex1_group[m]]) + " " +
               group->names[neighbor->ex2_group[m]] +
               "' hides pairs of atoms from the model, so that the energies of their neighbours change too; only "
               "'exclude group NAME all' means something: that the atoms are not there";

  for (int m = 0; m < neighbor->nex_type && hidden.empty(); m++) {
    const int i = neighbor->ex1_type[m], j = neighbor->ex2_type[m];
    if (present.species_of_type[i] >= 0 && present.species_of_type[j] >= 0)
      hidden =
          "'neigh_modify exclude type " + std::to_string(i) + " " + std::to_string(j) +
          "' hides pairs of atoms from the model, so that the energies of their neighbours change too: give NULL to "
          "a type that is not the model's";
  }
  return hidden;
}

/* In pair_style hybrid a later pair_coeff may give a pair of the model's types to another style. That is asked for, and
   of use between two layers, say, but the model then sees the atoms as if they were apart. */
void PairFrozenTL::warn_of_pairs_of_others() {
  if (warned_of_others || !list->ijskip) return;
  warned_of_others = true;
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = i; j <= atom->ntypes; j++)
      if (present.species_of_type[i] >= 0 && present.species_of_type[j] >= 0 && list->ijskip[i][j] && comm->me == 0)
        error->warning(
            FLERR,
            "pair_style frozentl: pairs of types {} and {} are left to another style of pair_style hybrid, and "
            "the model does not see them",
            i, j);
}
