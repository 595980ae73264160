/* Rows of per-atom data travel straight between the ranks that have and need them.

   LAMMPS gives a rank one ghost per image of an atom near its box, and its own exchange hands data on in six steps, of
   which each waits for the one before. Rows of features are long (kilobytes an atom), so here

     - only ghosts that the neighbour list reaches count, and all images of one atom share one row. What has a row is a
       node: nodes 0 .. n_local-1 are the local atoms, and ghosts that are images of local atoms are their nodes; then
       come the atoms of other ranks, in order of rank;
     - each pair of ranks has one message per exchange and direction, which goes straight into the rows where it is
       needed, and neither start_forward nor start_reverse waits: interior atoms are worked on meanwhile;
     - what comes back is added in order of ranks, so that a run gives the same bits every time.

   Who needs what is found anew with every neighbour list: LAMMPS tells each ghost's owner once, and each rank then asks
   the owners. Nothing in it takes more time or memory on more ranks than the neighbours a rank has and the logarithm of
   a barrier. On one rank nothing of MPI is called. */
#ifndef FROZENTL_HALO_H
#define FROZENTL_HALO_H

#include <mpi.h>

#include <cstddef>
#include <vector>

namespace LAMMPS_NS {
class NeighList;
}

namespace frozentl {

class Halo {
public:
  Halo() = default;
  ~Halo();
  Halo(const Halo &) = delete;
  Halo &operator=(const Halo &) = delete;

  /* With a new neighbour list, on all ranks: find_owners, LAMMPS' forward exchange through pack_owners and
     unpack_owners (two doubles an atom), build. */
  void find_owners(MPI_Comm world, int rank, int n_ranks, int n_local, int n_ghost);
  int pack_owners(int n, const int *atoms, double *buf) const;
  void unpack_owners(int n, int first, const double *buf);
  void build(const LAMMPS_NS::NeighList &list, int n_threads);

  bool built() const { return is_built; }
  int n_nodes() const { return n_local + static_cast<int>(image.size()); }
  /* [local atoms + ghosts]. For ghosts that the neighbour list does not reach some number of a node. */
  const std::vector<int> &node_of_atom() const { return node_of; }
  /* One of the LAMMPS atoms that are this node: itself, or the first ghost that is its image. */
  int atom_of_node(int node) const { return node < n_local ? node : image[node - n_local]; }

  /* rows[n_nodes][row_bytes]: the owners' values go to the rows of nodes n_local .. n_nodes-1. In between, the rows
     that other ranks asked for may not change and those of nodes from n_local on may not be used. */
  void start_forward(void *rows, size_t row_bytes);
  void finish_forward();
  /* The way back: rows of nodes from n_local on are added to their owners' rows. In between, the former may not change;
     the latter may. Rows are numbers of real_bytes bytes: 4 or 8. */
  void start_reverse(void *rows, size_t row_bytes);
  void finish_reverse(size_t real_bytes);

  /* Between pieces of work: most MPIs move a long message on only when they are called, the first of its packets and
     the last. */
  void poll();

  size_t bytes() const;

private:
  /* Another rank, and which entries of image (of asked) are its. */
  struct Peer {
    int rank, first, n;
  };
  struct Owner {
    int rank, index;
  };

  void number_nodes(const std::vector<char> &reached);
  void ask_owners();
  void send(const char *rows, size_t n, int peer, int tag);
  void receive(char *rows, size_t n, int peer, int tag);
  void wait();

  MPI_Comm world = MPI_COMM_NULL; /* a duplicate: no message of others is taken for ours */
  int me = 0, n_ranks = 1;
  bool is_built = false;
  unsigned n_builds = 0;

  int n_local = 0;
  std::vector<Owner> owner; /* [n_ghost]; empty but during a build */
  std::vector<int> node_of; /* [n_local + n_ghost] */
  std::vector<int> image;   /* [n_nodes - n_local] */
  std::vector<int> wanted;  /* [n_nodes - n_local] their owners' indices, while these are asked */
  std::vector<Peer> owners; /* ranks that own nodes of this one, ascending; entries of image */
  std::vector<Peer> askers; /* ranks that need local atoms, ascending; entries of asked */
  std::vector<int> asked;   /* local atoms */

  /* an exchange under way */
  char *rows_now = nullptr;
  size_t row_bytes_now = 0;
  std::vector<char> packed; /* [asked][row_bytes], on the way out or back in */
  std::vector<MPI_Request> requests;
};

} // namespace frozentl

#endif
