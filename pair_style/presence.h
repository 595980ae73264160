/* Which atoms are there for the model: those whose type has an element, less those that LAMMPS has taken out.

   Monte Carlo fixes try a deletion by taking atoms out of all groups, `all` included, and excluding what is left of
   them
   (`neigh_modify exclude group ... all`) from every neighbour list. For pairs that is enough. A model of atoms has
   energies of single ones too, and the lists still have the pairs between two that were taken out, of one molecule say.
 */
#ifndef FROZENTL_PRESENCE_H
#define FROZENTL_PRESENCE_H

#include <vector>

namespace frozentl {

struct Presence {
  std::vector<int> species_of_type; /* [ntypes + 1]; -1: NULL */
  int absent_groups = 0;            /* bits of the groups that are excluded from group all */

  /* Species index, or -1: the atom does not exist for the model. */
  int species(int type, int mask) const {
    const int in_all = 1;
    return (mask & in_all) && !(mask & absent_groups) ? species_of_type[type] : -1;
  }
};

} // namespace frozentl

#endif
