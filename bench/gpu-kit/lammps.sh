#!/bin/sh
# LAMMPS with KOKKOS for the GPU of this machine and pair_style frozentl/kk in it, from the sources in src/ or those named below;
# then /kk against the plain style on one structure. What it takes: nvcc (CUDA 12.2 or later), a C++17 compiler, CMake 3.22, an
# MPI with mpicxx, and the packages of libzip, jansson, libmd, libyaml, OpenBLAS, zlib and libcurl with headers; LAMMPS is 430 files,
# 64 of them of KOKKOS, all of which go through nvcc.
#
#   LAMMPS_SOURCE=DIR     the source tree of LAMMPS, 4 Jul 2026 or later; default: src/lammps.tar.xz
#   KOKKOS_SOURCE=DIR     that of Kokkos 5.1 or later, which this LAMMPS asks for; default: src/kokkos.tar.xz
#   FROZENTL_SOURCE=DIR   that of FrozenTL; default: src/frozentl.tar.xz
#   ARCH=HOPPER90         Kokkos' name of the GPU's architecture; default: asked of nvidia-smi
set -eu
cd "$(dirname "$0")"
here=$PWD
jobs=$(nproc)

fail() { echo "lammps.sh: $*" >&2; exit 2; }
for tool in nvcc cmake c++ mpicxx pkg-config nvidia-smi; do
  command -v $tool >/dev/null || missing="${missing:-}$tool "
done
[ -z "${missing:-}" ] || fail "not found: $missing(see the top of this script for what it takes)"
for library in libzip jansson libmd yaml-0.1 openblas zlib libcurl; do
  pkg-config --exists $library || missing="${missing:-}$library "
done
[ -z "${missing:-}" ] || fail "pkg-config does not find: $missing(on Debian the packages lib...-dev)"
source_of() { # source_of GIVEN NAME: a folder, unpacked if none is given
  if [ -n "$1" ]; then echo "$1"; return; fi
  [ -e "$here/src/$2.tar.xz" ] || fail "there is no src/$2.tar.xz: name the source tree"
  mkdir -p "$here/lammps/$2"
  tar xf "$here/src/$2.tar.xz" -C "$here/lammps/$2"
  echo "$here/lammps/$2"
}
lammps=$(source_of "${LAMMPS_SOURCE:-}" lammps)
[ -e "$lammps/src/version.h" ] || fail "LAMMPS_SOURCE must name a source tree of LAMMPS, which has src/version.h"
kokkos=$(source_of "${KOKKOS_SOURCE:-}" kokkos)
version=$(sed -n 's/^set(Kokkos_VERSION_M[A-Z]* *\([0-9]*\)).*/\1/p' "$kokkos/CMakeLists.txt" | head -n 2 | tr '\n' . | sed 's/\.$//')
case $version in
  [0-4].* | 5.0) fail "LAMMPS asks for Kokkos 5.1 or later, and that in $kokkos is $version: name another in KOKKOS_SOURCE" ;;
esac
frozentl=$(source_of "${FROZENTL_SOURCE:-}" frozentl)
if [ -z "${ARCH:-}" ]; then
  case $(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1) in
    8.0) ARCH=AMPERE80 ;; 8.6) ARCH=AMPERE86 ;; 8.9) ARCH=ADA89 ;; 9.0) ARCH=HOPPER90 ;; 10.0) ARCH=BLACKWELL100 ;; 12.0) ARCH=BLACKWELL120 ;;
    *) fail "say ARCH, Kokkos' name of this GPU's architecture" ;;
  esac
fi

nvcc=$kokkos/bin/nvcc_wrapper
cmake -S "$kokkos" -B lammps/kokkos-build -DBUILD_SHARED_LIBS=ON -DCMAKE_INSTALL_PREFIX="$here/lammps/installed" -DCMAKE_CXX_STANDARD=20 \
  -DKokkos_ENABLE_SERIAL=ON -DKokkos_ENABLE_CUDA=ON -DKokkos_ARCH_$ARCH=ON -DCMAKE_CXX_COMPILER="$nvcc"
cmake --build lammps/kokkos-build -j "$jobs" --target install
kokkos_dir=$(dirname "$(find lammps/installed -name KokkosConfig.cmake | head -n 1)")
cmake -S "$lammps/cmake" -B lammps/lammps-build -DBUILD_SHARED_LIBS=ON -DBUILD_MPI=ON -DPKG_KOKKOS=ON -DPKG_PLUGIN=ON -DEXTERNAL_KOKKOS=ON \
  -DKokkos_DIR="$here/$kokkos_dir" -DCMAKE_CXX_STANDARD=20 -DCMAKE_CXX_COMPILER="$nvcc"
cmake --build lammps/lammps-build -j "$jobs"
cmake -S "$frozentl" -B lammps/frozentl-build -DFTL_TESTS=OFF -DFTL_KOKKOS=ON -DKokkos_DIR="$here/$kokkos_dir" -DLAMMPS_SOURCE_DIR="$lammps" \
  -DMPI_CXX_COMPILER=mpicxx -DCMAKE_CXX_COMPILER="$nvcc"
cmake --build lammps/frozentl-build -j "$jobs" --target product

# ---- the same crystal with the plain style and with /kk: energies, pressures and a trajectory

export LAMMPS_PLUGIN_PATH="$here/lammps/frozentl-build/pair_style"
mkdir -p results
lmp="lammps/lammps-build/lmp -in in.lammps -screen none -var model models/h2cu.ftl"
$lmp -log results/lammps-plain.log
$lmp -log results/lammps-kk.log -k on g 1 -sf kk -pk kokkos newton on neigh half
for style in plain kk; do
  awk '/^ *Step/ { on = 1; next } /^Loop time/ { on = 0 } on' results/lammps-$style.log >results/lammps-$style.thermo
done
paste results/lammps-plain.thermo results/lammps-kk.thermo | awk '
  { for (k = 2; k <= NF / 2; k++) { d = ($k - $(k + NF / 2)) / ($k * $k > 1 ? $k : 1); if (d < 0) d = -d; if (d > most) most = d } }
  END { printf "lammps: frozentl/kk and frozentl differ by %.2g (limit 1e-8)\n", most; exit !(NR > 0 && most <= 1e-8) }'
