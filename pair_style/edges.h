/* From a full neighbour list of LAMMPS to the edges that core takes.

   Receivers are the local atoms in LAMMPS' order; senders are local atoms and ghosts, whose nodes are the halo's. Only
   pairs within the model's cutoff are kept (the list has LAMMPS' skin around it), and only atoms whose type has an
   element exist. An edge is its sender, four bytes: core makes the vectors of LAMMPS' positions. */
#ifndef FROZENTL_EDGES_H
#define FROZENTL_EDGES_H

#include "frozentl.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace LAMMPS_NS {
class Atom;
class NeighList;
} // namespace LAMMPS_NS

namespace frozentl {

class Halo;

class Edges {
public:
  /* Two atoms in one place, or with i == j one whose position is not finite; local indices, -1: none. */
  struct BadPair {
    int i = -1, j = -1;
  };

  /* species_of_type[1..ntypes]: species index, or -1 for types that another style handles. Returns what no
     model can answer for, if there is such a thing; the graph is then not usable. Memory is kept between calls. */
  BadPair build(const LAMMPS_NS::Atom &atom, const LAMMPS_NS::NeighList &list, const Halo &halo,
                const std::vector<int> &species_of_type, double cutoff, int n_threads);

  /* The graph of the last build; it points into this object and the two others. */
  ftl_graph graph(const LAMMPS_NS::Atom &atom, const Halo &halo) const;
  size_t bytes() const;

private:
  std::vector<int> species;        /* [n_nodes] */
  std::vector<int64_t> first_edge; /* [n_local + 1] */
  std::vector<int> sender;         /* [n_edges], an atom of LAMMPS */
};

} // namespace frozentl

#endif
