/* Makes pair_style frozentl/kk; without headers of Kokkos, for plugin.cpp. */
#ifndef FROZENTL_KOKKOS_CREATE_H
#define FROZENTL_KOKKOS_CREATE_H

namespace LAMMPS_NS {
class LAMMPS;
class Pair;
} // namespace LAMMPS_NS

namespace frozentl {

LAMMPS_NS::Pair *create_kokkos_pair(LAMMPS_NS::LAMMPS *lammps, bool on_host);

/* The device that the plugin was compiled for, by the name that LAMMPS' library interface has for it. */
const char *kokkos_api();

} // namespace frozentl

#endif
