/* Edges of a graph, as the stages of every model read them, and what they collect for each: dE/dr_ij.

   The edges of a receiver that are within the cutoff are packed at the beginning of its part of the edge arrays (a slot
   is an index into these). A second list has, for each node, the slots in which it is the sender: sums over a node's
   roles as sender are gathered through it, so that no two threads ever add to the same number. */
#ifndef FROZENTL_KOKKOS_EDGES_HPP
#define FROZENTL_KOKKOS_EDGES_HPP

#include "kokkos/loops.hpp"
#include "kokkos/sorted.hpp"
#include "kokkos/tables.hpp"

#include <limits>

namespace frozentl {

struct EdgeVector {
  double n[3]; /* unit vector from sender to receiver, -r_ij / r */
  double r;
};

/* What kernels see. */
struct EdgeList {
  const int *species;             /* [n_total] */
  const std::int64_t *first;      /* [n_local + 1] slots */
  const int *count;               /* [n_local] edges within the cutoff */
  const int *node;                /* [slot] sender */
  const int *receiver;            /* [slot] */
  const EdgeVector *vector;       /* [slot] */
  double (*gradient)[3];          /* [slot] dE/dr_ij, added to */
  const std::int64_t *first_sent; /* [n_total + 1] */
  const int *count_sent;          /* [n_total] */
  const int *sent;                /* slots in which a node is the sender */
};

namespace edge_stages {

struct CountSent { /* twice: how many, and then who */
  const std::int64_t *first;
  const int *sender, *node;
  int *sender_node, *receiver;
  unsigned *n_sent;
  const std::int64_t *first_sent;
  int *edge_sent;
  KOKKOS_INLINE_FUNCTION void operator()(int i) const {
    for (std::int64_t e = first[i]; e < first[i + 1]; e++) {
      const int j = node ? node[sender[e]] : sender[e];
      const unsigned k = Kokkos::atomic_fetch_add(&n_sent[j], 1u);
      if (edge_sent) edge_sent[first_sent[j] + k] = static_cast<int>(e);
      sender_node[e] = j;
      receiver[e] = i;
    }
  }
};

/* The order in which atomic operations came must not show in sums. */
struct SortSent {
  const std::int64_t *first_sent;
  int *edge_sent;
  KOKKOS_INLINE_FUNCTION void operator()(int j) const {
    for (std::int64_t k = first_sent[j] + 1; k < first_sent[j + 1]; k++)
      insert_sorted(edge_sent, first_sent[j], k, edge_sent[k]);
  }
};

struct StartSent {
  const unsigned *n_sent;
  std::int64_t *first_sent;
  int n_total;
  KOKKOS_INLINE_FUNCTION void operator()(int j, std::int64_t &sum, bool last) const {
    if (last) first_sent[j] = sum;
    if (j < n_total) sum += n_sent[j];
  }
};

/* Packs a receiver's edges that are within the cutoff; the first bad edge of all is the answer. */
struct Pack {
  const std::int64_t *first;
  const int *sender, *sender_node;
  const double *position; /* [atom][3] */
  double cutoff2;
  int *count, *node, *slot_of, *slot_receiver;
  EdgeVector *vector;
  double (*gradient)[3];
  KOKKOS_INLINE_FUNCTION void operator()(int i, int &bad) const {
    const double *x = position + 3 * static_cast<std::size_t>(i);
    std::int64_t slot = first[i];
    for (std::int64_t e = first[i]; e < first[i + 1]; e++) {
      const double *y = position + 3 * static_cast<std::size_t>(sender[e]);
      const double v[3] = {y[0] - x[0], y[1] - x[1], y[2] - x[2]}, r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
      slot_of[e] = -1;
      if (!(r2 > 1e-12) && e < bad) bad = static_cast<int>(e);
      if (!(r2 < cutoff2)) continue;
      const double r = sqrt(r2);
      for (int k = 0; k < 3; k++) {
        vector[slot].n[k] = -v[k] / r;
        gradient[slot][k] = 0;
      }
      vector[slot].r = r;
      node[slot] = sender_node[e];
      slot_receiver[slot] = i;
      slot_of[e] = static_cast<int>(slot++);
    }
    count[i] = static_cast<int>(slot - first[i]);
  }
};

struct PackSent {
  const std::int64_t *first_sent;
  const int *edge_sent, *slot_of;
  int *count_sent, *sent;
  KOKKOS_INLINE_FUNCTION void operator()(int j) const {
    std::int64_t at = first_sent[j];
    for (std::int64_t k = first_sent[j]; k < first_sent[j + 1]; k++) {
      const int slot = slot_of[edge_sent[k]];
      if (slot >= 0) sent[at++] = slot;
    }
    count_sent[j] = static_cast<int>(at - first_sent[j]);
  }
};

struct Largest {
  const int *n;
  KOKKOS_INLINE_FUNCTION void operator()(int i, int &most) const {
    if (n[i] > most) most = n[i];
  }
};

/* An edge between atoms of which one does not exist for the model. */
struct FindStranger {
  const std::int64_t *first;
  const int *sender_node, *species;
  int n_species;
  KOKKOS_INLINE_FUNCTION void operator()(int i, int &bad) const {
    for (std::int64_t e = first[i]; e < first[i + 1]; e++)
      if ((species[i] < 0 || species[i] >= n_species || species[sender_node[e]] < 0 ||
           species[sender_node[e]] >= n_species) &&
          e < bad)
        bad = static_cast<int>(e);
  }
};

/* W -= r_ij (x) g, times a factor; r_ij = -r n. */
KOKKOS_INLINE_FUNCTION void add_virial(double *w, double factor, const EdgeVector &v, const double *g) {
  const double x = factor * v.r * v.n[0], y = factor * v.r * v.n[1], z = factor * v.r * v.n[2];
  w[0] += x * g[0];
  w[1] += y * g[1];
  w[2] += z * g[2];
  w[3] += x * g[1];
  w[4] += x * g[2];
  w[5] += y * g[2];
  w[6] += y * g[0];
  w[7] += z * g[0];
  w[8] += z * g[1];
}

} // namespace edge_stages

/* Spherical harmonics of an edge: of its direction, or `raw` of the vector r n. */
KOKKOS_INLINE_FUNCTION void edge_harmonics(int lmax, bool raw, const EdgeVector &v, double *y) {
  const double length = raw ? v.r : 1;
  spherical_harmonics(lmax, length * v.n[0], length * v.n[1], length * v.n[2], y);
}

/* Adds dE/dr_ij from dE/dr and dE/dY: r_ij = -r n, dn/dr_ij = -(1 - n n^T) / r. */
KOKKOS_INLINE_FUNCTION void add_edge_gradient(int lmax, bool raw, const EdgeVector &v, double dr, const double *dy,
                                              double *gradient) {
  const double length = raw ? v.r : 1, divisor = raw ? 1 : v.r;
  double g[3];
  spherical_harmonics_reverse(lmax, length * v.n[0], length * v.n[1], length * v.n[2], dy, g);
  const double along = raw ? 0 : g[0] * v.n[0] + g[1] * v.n[1] + g[2] * v.n[2];
  for (int x = 0; x < 3; x++) gradient[x] += -dr * v.n[x] - (g[x] - along * v.n[x]) / divisor;
}

namespace edge_stages {

/* F_i += g, F_j -= g; half of an edge's virial to either end, and to the sender's centroid virial the whole. */
struct CollectNode {
  EdgeList edges;
  int n_local;
  double *forces, *atom_virial, *centroid_virial;
  KOKKOS_INLINE_FUNCTION void operator()(int j) const {
    double f[3] = {0, 0, 0}, w[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0}, moved[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
    if (j < n_local)
      for (std::int64_t s = edges.first[j]; s < edges.first[j] + edges.count[j]; s++) {
        for (int x = 0; x < 3; x++) f[x] += edges.gradient[s][x];
        if (atom_virial) add_virial(w, 0.5, edges.vector[s], edges.gradient[s]);
      }
    for (std::int64_t k = edges.first_sent[j]; k < edges.first_sent[j] + edges.count_sent[j]; k++) {
      const int s = edges.sent[k];
      for (int x = 0; x < 3; x++) f[x] -= edges.gradient[s][x];
      if (atom_virial) add_virial(w, 0.5, edges.vector[s], edges.gradient[s]);
      if (centroid_virial) add_virial(moved, 1, edges.vector[s], edges.gradient[s]);
    }
    if (forces)
      for (int x = 0; x < 3; x++) forces[3 * static_cast<std::size_t>(j) + x] += f[x];
    if (atom_virial)
      for (int c = 0; c < 9; c++) atom_virial[9 * static_cast<std::size_t>(j) + c] += w[c];
    if (centroid_virial)
      for (int c = 0; c < 9; c++) centroid_virial[9 * static_cast<std::size_t>(j) + c] += moved[c];
  }
};

struct TotalVirial {
  EdgeList edges;
  KOKKOS_INLINE_FUNCTION void operator()(int i, Sums<double, 9> &sum) const {
    for (std::int64_t s = edges.first[i]; s < edges.first[i] + edges.count[i]; s++)
      add_virial(sum.v, 1, edges.vector[s], edges.gradient[s]);
  }
};

} // namespace edge_stages

template <class Space> class Edges {
public:
  /* As Evaluator::set_graph. */
  ftl_status set_graph(const Graph<Space> &g, int n_species, ftl_error *error) {
    using Range = Kokkos::RangePolicy<Space>;
    graph = g;
    n_edges = 0;
    if (graph.n_local > 0)
      Kokkos::deep_copy(Kokkos::View<std::int64_t, Kokkos::HostSpace>(&n_edges),
                        Kokkos::subview(graph.first_edge, graph.n_local));
    if (n_edges >= std::numeric_limits<int>::max())
      return fail(error, FTL_ERR_MEMORY, "", "more than 2147483646 neighbours on one rank; use more ranks");
    const std::size_t n = static_cast<std::size_t>(n_edges), total = static_cast<std::size_t>(graph.n_total);
    int *const sender_node_ = sender_node.template reserve<int>("sender_node", n);
    int *const receiver_ = receiver.template reserve<int>("receiver", n);
    unsigned *const n_sent = scratch.template reserve<unsigned>("n_sent", total + 1);
    std::int64_t *const first_sent_ = first_sent.template reserve<std::int64_t>("first_sent", total + 1);
    int *const edge_sent_ = edge_sent.template reserve<int>("edge_sent", n);
    edge_stages::CountSent count_them{
        first(), graph.sender.data(), graph.node.data(), sender_node_, receiver_, n_sent, first_sent_, nullptr};
    clear(n_sent, total);
    for_each<Space>("count edges", graph.n_local, count_them);
    Kokkos::parallel_scan("start edges", Range(0, graph.n_total + 1),
                          edge_stages::StartSent{n_sent, first_sent_, graph.n_total});
    clear(n_sent, total);
    count_them.edge_sent = edge_sent_;
    for_each<Space>("list edges", graph.n_local, count_them);
    for_each<Space>("sort edges", graph.n_total, edge_stages::SortSent{first_sent_, edge_sent_});

    int bad = std::numeric_limits<int>::max();
    Kokkos::parallel_reduce("check elements", Range(0, graph.n_local),
                            edge_stages::FindStranger{first(), sender_node_, graph.species.data(), n_species},
                            Kokkos::Min<int>(bad));
    if (bad < std::numeric_limits<int>::max())
      return fail(error, FTL_ERR_INPUT, ends(bad),
                  "an edge joins two atoms, one of which has no element of this model");
    return FTL_OK;
  }

  /* As Evaluator::begin. */
  ftl_status begin(const Array<const double *[3], Space> &positions, double cutoff, ftl_error *error) {
    using Range = Kokkos::RangePolicy<Space>;
    const std::size_t local = static_cast<std::size_t>(graph.n_local), total = static_cast<std::size_t>(graph.n_total);
    const std::size_t n = static_cast<std::size_t>(n_edges);
    edge_stages::Pack pack{first(),
                           graph.sender.data(),
                           as<const int>(sender_node),
                           positions.data(),
                           cutoff * cutoff,
                           count.template reserve<int>("count", local),
                           node.template reserve<int>("node", n),
                           slot_of.template reserve<int>("slot_of", n),
                           slot_receiver.template reserve<int>("slot_receiver", n),
                           vector.template reserve<EdgeVector>("vector", n),
                           gradient.template reserve<double[3]>("gradient", n)};
    int bad = std::numeric_limits<int>::max();
    most = most_sent = 0;
    Kokkos::parallel_reduce("pack edges", Range(0, graph.n_local), pack, Kokkos::Min<int>(bad));
    if (bad < std::numeric_limits<int>::max())
      return fail(error, FTL_ERR_INPUT, ends(bad),
                  "two atoms are in the same place, or their distance is not a number; check the starting positions or "
                  "the time step");
    edge_stages::PackSent pack_sent{as<const std::int64_t>(first_sent), as<const int>(edge_sent), pack.slot_of,
                                    count_sent.template reserve<int>("count_sent", total),
                                    sent.template reserve<int>("sent", n)};
    for_each<Space>("pack senders", graph.n_total, pack_sent);
    Kokkos::parallel_reduce("most edges", Range(0, graph.n_local), edge_stages::Largest{pack.count},
                            Kokkos::Max<int>(most));
    Kokkos::parallel_reduce("most senders", Range(0, graph.n_total), edge_stages::Largest{pack_sent.count_sent},
                            Kokkos::Max<int>(most_sent));
    if (most < 0) most = 0; /* of no atoms */
    if (most_sent < 0) most_sent = 0;
    edge_list = {graph.species.data(), first(),       pack.count,    pack.node,
                 pack.slot_receiver,   pack.vector,   pack.gradient, pack_sent.first_sent,
                 pack_sent.count_sent, pack_sent.sent};
    return FTL_OK;
  }

  /* Forces and virials from the gradients. */
  void collect(const Output<Space> &output, double virial[9]) const {
    for_each<Space>("collect forces", graph.n_total,
                    edge_stages::CollectNode{edge_list, graph.n_local, output.forces.data(), output.atom_virial.data(),
                                             output.centroid_virial.data()});
    Sums<double, 9> sum;
    Kokkos::parallel_reduce("virial", Kokkos::RangePolicy<Space>(0, graph.n_local), edge_stages::TotalVirial{edge_list},
                            Kokkos::Sum<Sums<double, 9>>(sum));
    for (int c = 0; c < 9; c++) virial[c] = sum.v[c];
  }

  /* For another sweep. */
  void clear_gradient() const {
    Kokkos::deep_copy(Kokkos::View<double *, typename Space::memory_space>(gradient_numbers(), 3 * n_slots()), 0.0);
  }
  double *gradient_numbers() const { return reinterpret_cast<double *>(edge_list.gradient); } /* [slot][3] */

  const EdgeList &list() const { return edge_list; }
  std::size_t n_slots() const { return static_cast<std::size_t>(n_edges); }
  int n_local() const { return graph.n_local; }
  int n_total() const { return graph.n_total; }
  int most_edges() const { return most; }           /* of a receiver */
  int most_sent_edges() const { return most_sent; } /* of a sender */
  std::size_t bytes() const {
    return sender_node.bytes() + receiver.bytes() + scratch.bytes() + first_sent.bytes() + edge_sent.bytes() +
           count.bytes() + node.bytes() + slot_of.bytes() + slot_receiver.bytes() + vector.bytes() + gradient.bytes() +
           count_sent.bytes() + sent.bytes();
  }

private:
  template <class T> static T *as(const Buffer<Space> &buffer) { return buffer.template data<T>(); }
  const std::int64_t *first() const { return graph.first_edge.data(); }
  static void clear(unsigned *p, std::size_t n) {
    Kokkos::deep_copy(Kokkos::View<unsigned *, typename Space::memory_space>(p, n), 0u);
  }
  /* "atoms 3 and 7", from an edge */
  std::string ends(int e) {
    int i = 0, j = 0;
    Kokkos::deep_copy(Kokkos::View<int, Kokkos::HostSpace>(&i),
                      Kokkos::View<const int, typename Space::memory_space>(as<const int>(receiver) + e));
    Kokkos::deep_copy(Kokkos::View<int, Kokkos::HostSpace>(&j),
                      Kokkos::View<const int, typename Space::memory_space>(as<const int>(sender_node) + e));
    return "atoms " + std::to_string(i + 1) + " and " + std::to_string(j + 1);
  }

  Graph<Space> graph;
  std::int64_t n_edges = 0;
  int most = 0, most_sent = 0;
  EdgeList edge_list{};
  Buffer<Space> sender_node, receiver, scratch, first_sent, edge_sent;                   /* of a graph */
  Buffer<Space> count, node, slot_of, slot_receiver, vector, gradient, count_sent, sent; /* of a step */
};

} // namespace frozentl

#endif
