/* pair_style frozentl/kk: pair_style frozentl with LAMMPS' KOKKOS package. Settings, pair_coeff and messages are those
   of the plain style; neighbour list, positions, forces and rows of features stay in the memory of the device, where an
   evaluator of core/kokkos works on them. Rows travel between ranks in LAMMPS' own exchange: each ghost has a row.

     frozentl/kk/device   on the device (frozentl/kk is the same)
     frozentl/kk/host     on the host of a LAMMPS built for GPUs */
#ifndef FROZENTL_PAIR_FROZENTL_KOKKOS_H
#define FROZENTL_PAIR_FROZENTL_KOKKOS_H

#include "device_graph.hpp"
#include "pair_frozentl.h"

#include "kokkos_base.h"
#include "kokkos_type.h"

namespace LAMMPS_NS {

template <class Device> class PairFrozenTLKokkos : public PairFrozenTL, public KokkosBase {
public:
  PairFrozenTLKokkos(class LAMMPS *lammps);

  void init_style() override;
  void compute(int eflag, int vflag) override;
  double memory_usage() override;

  /* LAMMPS calls these four on a device ... */
  int pack_forward_comm_kokkos(int n, DAT::tdual_int_1d nodes, DAT::tdual_double_1d &buffer, int, int *) override;
  void unpack_forward_comm_kokkos(int n, int first, DAT::tdual_double_1d &buffer) override;
  int pack_reverse_comm_kokkos(int n, int first, DAT::tdual_double_1d &buffer) override;
  void unpack_reverse_comm_kokkos(int n, DAT::tdual_int_1d nodes, DAT::tdual_double_1d &buffer) override;
  /* ... and these on the host, and with comm_style tiled everywhere */
  int pack_forward_comm(int n, int *list, double *buffer, int, int *) override;
  void unpack_forward_comm(int n, int first, double *buffer) override;
  int pack_reverse_comm(int n, int first, double *buffer) override;
  void unpack_reverse_comm(int n, int *list, double *buffer) override;

protected:
  void prepare() override;
  void forget_model() override;
  std::string kernels() const override;
  void compute_trust(const TrustNames &asked) override;

private:
  using Space = typename Device::execution_space;
  template <class T> using Array = frozentl::Array<T, Space>;

  std::unique_ptr<frozentl::Evaluator<Space>> evaluator; /* uses the model */
  frozentl::DeviceGraph<Device> device_graph;
  frozentl::Graph<Space> graph;
  frozentl::Output<Space> output;
  Array<double *[3]> positions; /* of a LAMMPS that keeps them in another type than double */
  Array<double *[3]> last_x;    /* of atoms and ghosts of the last energy, for who asks how far to trust it */
  int layer = 0;                /* whose rows travel */

  bool renew_graph(const Array<const double *[3]> &x);
  Array<const double *[3]> double_positions();
  std::string problem(const Array<const double *[3]> &x, const ftl_error &failure) const;
  void refuse_trials() const;
  void copy_positions(Array<double *[3]> &to, const char *name);
  void run_layers(frozentl::Totals &totals);
  void ask_trust(frozentl::Output<Space> &asked_of, const TrustNames &asked) const;
  void tell_trust(const frozentl::Output<Space> &answer, const TrustNames &asked);
  void remember_atoms(bool renewed);
  void add_forces();
  void tally_atoms();
  void refuse_centroid_virials() const;
};

} // namespace LAMMPS_NS

#endif
