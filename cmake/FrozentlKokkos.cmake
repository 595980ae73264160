# Finds Kokkos 3.4 or later and makes the target frozentl_kokkos_library to link with. Kokkos_DIR names the folder of its
# KokkosConfig.cmake; default: where CMake looks, which finds Debian's libtrilinos-kokkos-dev (3.4, Serial only).
# `scripts/kokkos.sh host` gets 5.2 with OpenMP: -DKokkos_DIR=build/kokkos/sid/usr/lib/x86_64-linux-gnu/cmake/Kokkos.
# Sets FTL_KOKKOS_FOUND, and FTL_KOKKOS_CXX_STANDARD, which what is compiled with it needs.
set(CMAKE_CXX_EXTENSIONS OFF) # else that of Debian's 3.4 complains and sets it for every later run of CMake
find_package(Kokkos CONFIG QUIET)
set(FTL_KOKKOS_FOUND FALSE)
if(NOT Kokkos_FOUND)
  return()
endif()
set(FTL_KOKKOS_FOUND TRUE)
set(FTL_KOKKOS_CXX_STANDARD 17)
if(Kokkos_VERSION VERSION_GREATER_EQUAL 5)
  set(FTL_KOKKOS_CXX_STANDARD 20)
endif()
# Debian's 3.4 names a folder that does not exist, and its headers' own only in a variable.
if(Kokkos_VERSION VERSION_LESS 4 AND Kokkos_INCLUDE_DIRS)
  set_target_properties(Kokkos::kokkos PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${Kokkos_INCLUDE_DIRS}")
endif()
if(FTL_GPU_KIT)
  # CUDA's runtime goes into the programs (and bench/gpu-kit/driver.c stands for the driver). Imported targets are a folder's own.
  find_package(CUDAToolkit REQUIRED)
  get_target_property(cudart_static CUDA::cudart_static IMPORTED_LOCATION)
  set_target_properties(CUDA::cudart PROPERTIES IMPORTED_LOCATION ${cudart_static})
endif()
if(NOT TARGET frozentl_kokkos_library)
  add_library(frozentl_kokkos_library INTERFACE)
  if(FTL_GPU_KIT) # of its core alone, without a space of the host
    target_link_libraries(frozentl_kokkos_library INTERFACE Kokkos::kokkoscore rt ${CMAKE_DL_LIBS})
    target_compile_definitions(frozentl_kokkos_library INTERFACE FTL_DEVICE_ONLY)
  else()
    target_link_libraries(frozentl_kokkos_library INTERFACE Kokkos::kokkos)
  endif()
  message(STATUS "Kokkos: ${Kokkos_VERSION} (${Kokkos_DEVICES}) in ${Kokkos_DIR}")
endif()
