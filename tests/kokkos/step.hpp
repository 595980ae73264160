/* A graph of the host in a space, and the calls of a step in the order of core/kokkos/evaluator.hpp. */
#ifndef FTL_TESTS_KOKKOS_STEP_HPP
#define FTL_TESTS_KOKKOS_STEP_HPP

#include "kokkos/evaluator.hpp"

namespace frozentl {

/* n numbers, and room for one more, so that there always is an array. */
template <class Space, class T> Array<T *, Space> to_device(const T *from, std::size_t n) {
  Array<T *, Space> to("test", n + 1);
  if (n > 0)
    Kokkos::deep_copy(Kokkos::subview(to, std::make_pair(std::size_t(0), n)),
                      Kokkos::View<const T *, Kokkos::LayoutRight, Kokkos::HostSpace>(from, n));
  return to;
}
/* v[n][3], likewise. */
template <class Space> Array<double *[3], Space> vectors_in(const double (*v)[3], std::size_t n) {
  Array<double *[3], Space> to("vectors", n + 1);
  if (n > 0)
    Kokkos::deep_copy(Array<double *, Space>(to.data(), 3 * n),
                      Kokkos::View<const double *, Kokkos::LayoutRight, Kokkos::HostSpace>(&v[0][0], 3 * n));
  return to;
}

template <class Space> Graph<Space> graph_in(const ftl_graph *g) {
  const std::int64_t none = 0;
  const std::size_t local = static_cast<std::size_t>(g->n_local);
  Graph<Space> graph;
  graph.n_local = g->n_local;
  graph.n_total = g->n_total;
  graph.n_atoms = g->node ? g->n_atoms : g->n_total;
  graph.species = to_device<Space>(g->species, static_cast<std::size_t>(g->n_total));
  graph.first_edge = to_device<Space>(local > 0 ? g->first_edge : &none, local + 1);
  graph.sender = to_device<Space>(g->sender, static_cast<std::size_t>(local > 0 ? g->first_edge[local] : 0));
  if (g->node) graph.node = to_device<Space>(g->node, static_cast<std::size_t>(g->n_atoms));
  return graph;
}

/* fill_ghosts(t): rows of layer t's features; send_home(t): ghosts' rows of its adjoints to their owners. */
template <class Space, class Fill, class Home>
ftl_status step(Evaluator<Space> &evaluator, int n_layers, const Array<const double *[3], Space> &positions,
                const Output<Space> &output, const Fill &fill_ghosts, const Home &send_home, Totals &totals,
                ftl_error *error) {
  const ftl_status status = evaluator.begin(positions, output, error);
  if (status) return status;
  for (int t = 0; t + 1 < n_layers; t++) {
    evaluator.layer_forward(t);
    fill_ghosts(t);
  }
  for (int sweep = 0; sweep < evaluator.n_sweeps(); sweep++) {
    evaluator.last_layer(sweep);
    for (int t = n_layers - 2; t >= 0; t--) {
      send_home(t);
      evaluator.layer_reverse(t);
    }
  }
  evaluator.end(totals);
  return FTL_OK;
}

} // namespace frozentl

#endif
