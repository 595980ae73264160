/* The layer-wise interface of frozentl.h, section 4, for arrays in the memory of a Kokkos execution space.

   A host (pair_style frozentl/kk) calls

       set_graph(graph)                         when its neighbour lists are new
       begin(positions, output)                 every step
       for t = 0 .. n_layers-2:  layer_forward(t);  fill the ghost rows of layer t's features
       for s = 0 .. n_sweeps()-1:
         last_layer(s)
         for t = n_layers-2 .. 0:  add the ghost rows of layer t's adjoints to their owners' rows;  layer_reverse(t)
       end(totals)
       with deviations of forces:  add the ghost rows of layer n_layers-1 to their owners' rows;  force_deviations()

   All work is done in `Space`, on its default instance, without atomic operations, and gives the same numbers every
   time; pointers are to that space's memory. Units and conventions are those of frozentl.h. An evaluator serves one
   caller at a time. Exceptions of Kokkos (out of memory) come through as std::runtime_error. */
#ifndef FROZENTL_KOKKOS_EVALUATOR_HPP
#define FROZENTL_KOKKOS_EVALUATOR_HPP

#include "frozentl.h"

#include <Kokkos_Core.hpp>
#include <cstdint>
#include <memory>

namespace frozentl {

/* Rows are contiguous wherever they are. */
template <class T, class Space> using Array = Kokkos::View<T, Kokkos::LayoutRight, typename Space::memory_space>;

/* As ftl_graph: nodes have features, atoms have positions; the first n_local atoms are the receivers. Edges may be
   longer than the cutoff (a neighbour list's skin): they are left out in every step anew. */
template <class Space> struct Graph {
  int n_local = 0, n_total = 0, n_atoms = 0;
  Array<const int *, Space> species;             /* [n_total]; < 0: the atom does not exist for this model */
  Array<const std::int64_t *, Space> first_edge; /* [n_local + 1] */
  Array<const int *, Space> sender;              /* [n_edges] atoms */
  Array<const int *, Space> node;                /* [n_atoms]; unallocated: atom k is node k, and n_atoms is n_total */
};

/* What is wanted of a step; unallocated: not wanted. */
template <class Space> struct Output {
  Array<double *[3], Space> forces;      /* [n_total] added to; ghosts get the part that belongs to their owners */
  Array<double *, Space> node_energy;    /* [n_local] overwritten */
  Array<double *[9], Space> atom_virial; /* [n_total] added to: half of each edge to either end; order of frozentl.h */
  Array<double *[9], Space> centroid_virial; /* [n_total] added to, as in frozentl.h; of models of one layer only */
  /* how far to trust them (frozentl.h, section 5), [n_local] overwritten */
  Array<double *, Space> extrapolation, energy_deviation; /* by end() */
  Array<double *, Space> force_deviation;                 /* by force_deviations() */
};

struct Totals {
  double energy;    /* of the local atoms */
  double virial[9]; /* xx yy zz xy xz yz yx zx zy */
};

template <class Space> class Evaluator {
public:
  virtual ~Evaluator() = default;

  /* Takes a graph; its arrays must stay valid until the next. FTL_ERR_INPUT names an edge that joins atoms of which one
     has no element of the model. */
  virtual ftl_status set_graph(const Graph<Space> &graph, ftl_error *error) = 0;

  /* positions [n_atoms], valid until end(). FTL_ERR_INPUT when an edge has length zero or is not finite;
     FTL_ERR_UNSUPPORTED when the model does not know how far to trust it and the output asks. */
  virtual ftl_status begin(const Array<const double *[3], Space> &positions, const Output<Space> &output,
                           ftl_error *error) = 0;
  virtual void layer_forward(int t) = 0;
  /* How often it goes back in this step: once, and with deviations of forces once more for each member of a committee
     of last layers, whose adjoints take the place of the energy's. */
  virtual int n_sweeps() const = 0;
  virtual void last_layer(int sweep) = 0;
  virtual void layer_reverse(int t) = 0;
  virtual void end(Totals &totals) = 0;
  virtual void force_deviations() = 0;

  /* Exchange of rows of layer t's features (t < n_layers - 1) and of the energy's derivative by them; of the last layer
     those that go back are the forces of the committee. A row travels as row_doubles(t) doubles, whatever the
     precision. Buffers and lists are in the space's memory. */
  virtual int row_doubles(int t) const = 0;
  virtual void pack_features(int t, int n, const int *nodes, double *buffer) = 0;
  virtual void unpack_features(int t, int n, int first, const double *buffer) = 0;
  virtual void pack_adjoints(int t, int n, int first, double *buffer) = 0;
  virtual void add_adjoints(int t, int n, const int *nodes, const double *buffer) = 0; /* nodes are all different */

  /* Bytes of the space's memory held now, tables of the model included. */
  virtual std::size_t bytes() const = 0;
};

/* An evaluator of an opened model, which must outlive it. FTL_ERR_UNSUPPORTED when the model is of a family without
   stages here, or was opened for kernels whose vectors are narrower than those this was compiled for (FROZENTL_ISA).
   Instances are compiled for the execution spaces that Kokkos has (instances.cpp). */
template <class Space>
ftl_status make_evaluator(const ftl_model *model, std::unique_ptr<Evaluator<Space>> &evaluator, ftl_error *error);

} // namespace frozentl

#endif
