# Compiles pair_style frozentl/kk, with -DFTL_KOKKOS=ON and -DLAMMPS_SOURCE_DIR (installed LAMMPS packages do not have the
# headers of its KOKKOS package). Sets FTL_KOKKOS_OBJECTS and FTL_KOKKOS_DEFINITIONS (of plugin.cpp), and uses
#   Kokkos_DIR                    the Kokkos that LAMMPS was built with (for one inside LAMMPS' own build, its install)
#   LAMMPS_SOURCE_DIR             and how its KOKKOS package was configured, in the two FTL_LAMMPS_KOKKOS_* above
if(FTL_LAMMPS_VERSION LESS 20260704)
  message(FATAL_ERROR "${LAMMPS_SOURCE_DIR}: FTL_KOKKOS needs LAMMPS 4 Jul 2026 or later, this is ${FTL_LAMMPS_VERSION}")
endif()
include(${PROJECT_SOURCE_DIR}/cmake/FrozentlKokkos.cmake)
if(NOT FTL_KOKKOS_FOUND OR Kokkos_VERSION VERSION_LESS 5.1)
  message(FATAL_ERROR "FTL_KOKKOS needs Kokkos 5.1 or later, as LAMMPS' KOKKOS package does: say where its "
    "KokkosConfig.cmake is with -DKokkos_DIR=...; 'scripts/kokkos.sh host' gets one")
endif()

set(precision_double DOUBLE_DOUBLE)
set(precision_mixed SINGLE_DOUBLE)
set(precision_single SINGLE_SINGLE)
string(TOUPPER ${FTL_LAMMPS_KOKKOS_LAYOUT} layout)
if(NOT precision_${FTL_LAMMPS_KOKKOS_PRECISION} OR NOT layout MATCHES "^(LEGACY|DEFAULT)$")
  message(FATAL_ERROR "FTL_LAMMPS_KOKKOS_PRECISION is double, mixed or single, FTL_LAMMPS_KOKKOS_LAYOUT legacy or default")
endif()

add_library(frozentl_pair_kokkos OBJECT kokkos/pair_frozentl_kokkos.cpp)
target_link_libraries(frozentl_pair_kokkos PRIVATE frozentl_pair frozentl_kokkos_library)
target_include_directories(frozentl_pair_kokkos SYSTEM PRIVATE ${LAMMPS_SOURCE_DIR}/src/KOKKOS)
target_compile_definitions(frozentl_pair_kokkos PRIVATE LMP_KOKKOS LMP_KOKKOS_LAYOUT_${layout}
  LMP_KOKKOS_${precision_${FTL_LAMMPS_KOKKOS_PRECISION}})
set_target_properties(frozentl_pair_kokkos PROPERTIES CXX_STANDARD ${FTL_KOKKOS_CXX_STANDARD})

set(FTL_KOKKOS_OBJECTS $<TARGET_OBJECTS:frozentl_pair_kokkos> $<TARGET_OBJECTS:frozentl_kokkos>
  $<TARGET_OBJECTS:ftl_kokkos_float> $<TARGET_OBJECTS:ftl_kokkos_double>)
set(FTL_KOKKOS_DEFINITIONS FTL_KOKKOS "FTL_KOKKOS_PRECISION=\"${FTL_LAMMPS_KOKKOS_PRECISION}\""
  "FTL_KOKKOS_LAYOUT=\"${FTL_LAMMPS_KOKKOS_LAYOUT}\"")
