/* From a full neighbour list of LAMMPS to the edges that core takes.

   Receivers are the local atoms in LAMMPS' order; senders are local atoms and ghosts, whose nodes are the halo's. Only
   pairs within the model's cutoff are kept (the list has LAMMPS' skin around it), and only atoms that are there for the
   model (presence.h) have any. An edge is its sender, four bytes: core makes the vectors of LAMMPS' positions. */
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
struct Presence;

class Edges {
public:
  /* Two atoms in one place, or with i == j one whose position is not finite; local indices, -1: none. */
  struct BadPair {
    int i = -1, j = -1;
  };

  /* Returns what no model can answer for, if there is such a thing; the graph is then not usable. Memory is kept
     between calls. */
  BadPair build(const LAMMPS_NS::Atom &atom, const LAMMPS_NS::NeighList &list, const Halo &halo,
                const Presence &present, double cutoff, int n_threads);

  /* The graph of the last build with the atoms at x[n_atoms], those of LAMMPS or a copy; it points into this object and
     the halo. */
  ftl_graph graph(const double (*x)[3], int n_atoms, const Halo &halo) const;
  int n_local() const { return static_cast<int>(first_edge.size()) - 1; }
  size_t bytes() const;

private:
  std::vector<int> species;           /* [n_nodes] */
  std::vector<int64_t> first_edge{0}; /* [n_local + 1] */
  std::vector<int> sender;            /* [n_edges], an atom of LAMMPS */
};

} // namespace frozentl

#endif
