#!/usr/bin/env bash
# Gets Kokkos, and a LAMMPS with its KOKKOS package, for pair_style frozentl/kk, and says what it does. Everything goes
# into build/kokkos; nothing is installed and root is not needed. A second run finds everything in place; one that was
# interrupted goes on.
#
#   scripts/kokkos.sh host        Kokkos 5 with OpenMP for this machine (6 MB)
#   scripts/kokkos.sh lammps      and LAMMPS with KOKKOS, PLUGIN and REPLICA on top of it (214 MB; see docs/kokkos.md for how long)
#   scripts/kokkos.sh test        and FrozenTL with frozentl/kk, in build/kokkos/frozentl, and its tests (`make test-kokkos`)
#   scripts/kokkos.sh cuda        Kokkos 5's headers set up for CUDA, to compile kernels with nvcc (no GPU needed)
#   scripts/kokkos.sh gpu         Kokkos for CUDA and Serial as static libraries, from its source (1.8 MB), for `make gpu-kit`
#   scripts/kokkos.sh lammps-source  LAMMPS' source alone, for the kit
#   scripts/kokkos.sh headers-4   headers of Kokkos 4, to see that the code compiles with them
#
#   FTL_KOKKOS_DIR=DIR      use the Kokkos whose KokkosConfig.cmake is in DIR (5.1 or later) instead of Debian's
#   FTL_KOKKOS_SOURCE=DIR   use the source tree of Kokkos in DIR (with CUDA 13: 4.7 or later) instead of Debian's, for 'gpu'
#   FTL_LAMMPS_SOURCE=DIR   use the LAMMPS source tree DIR (4 Jul 2026 or later) instead of Debian's
#   JOBS=2                  compilers at a time
#
# Packages come from the unstable suite of this machine's Debian mirror, through apt with package lists of its own, which
# checks their signatures; they are unpacked, not installed. Unstable's libraries want a newer C library than a stable
# Debian has, so its C library comes along, and programs linked with that Kokkos are told to start with it.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD/build/kokkos
sid=$root/sid         # Debian's Kokkos 5
runtime=$root/runtime # the C and C++ libraries that it needs
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
multiarch=$(cc -print-multiarch 2>/dev/null || true)
libraries=usr/lib/$multiarch

say() { printf 'kokkos: %s\n' "$*"; }
fail() { printf 'kokkos: %s\n' "$*" >&2; exit 1; }
# run LOG COMMAND...: its output goes to the log, whose end is shown if it fails
run() {
  local log=$1
  shift
  "$@" </dev/null >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "failed: $* (all of its output: ${log#"$PWD"/})"; }
}

# ---- packages of Debian unstable

with_apt() { APT_CONFIG=$root/apt/apt.conf "$@"; }
prepare_apt() {
  [ ! -e "$root/apt/.ready" ] || return 0
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    fail "there is no apt here: give a Kokkos with FTL_KOKKOS_DIR and a LAMMPS with FTL_LAMMPS_SOURCE (see the top of $0)."
  local mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | sort -u | head -n 1 || true)
  [ -n "$mirror" ] || fail "apt has no mirror of Debian here: give FTL_KOKKOS_DIR and FTL_LAMMPS_SOURCE (see the top of $0)."
  [ -e $keys ] || fail "$keys is missing: install debian-archive-keyring."
  say "reading the package lists of Debian unstable (23 MB)"
  mkdir -p "$root"/apt/lists/partial "$root"/packages/partial
  : >"$root/apt/status" # as if nothing were installed: apt then names everything that is needed
  printf 'deb [signed-by=%s] %s sid main\ndeb-src [signed-by=%s] %s sid main\n' $keys "$mirror" $keys "$mirror" >"$root/apt/sources.list"
  cat >"$root/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$root/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$root/apt";
Dir::State::status "$root/apt/status";
Dir::Cache "$root/apt";
Dir::Cache::archives "$root/packages";
APT::Sandbox::User "";
Acquire::Languages "none";
Debug::NoLocking "true";
CONF
  run "$root/apt.log" with_apt apt-get update
  touch "$root/apt/.ready"
}

# unpack DIR PATTERN: the fetched packages whose names match
unpack() {
  local package
  mkdir -p "$1"
  for package in "$root"/packages/$2; do dpkg-deb -x "$package" "$1"; done
}

# ---- Kokkos 5 for the host

host() {
  if [ -n "${FTL_KOKKOS_DIR:-}" ]; then
    [ -e "$FTL_KOKKOS_DIR/KokkosConfig.cmake" ] || fail "FTL_KOKKOS_DIR: no KokkosConfig.cmake in '$FTL_KOKKOS_DIR'"
    kokkos_dir=$(cd "$FTL_KOKKOS_DIR" && pwd)
    return
  fi
  kokkos_dir=$sid/$libraries/cmake/Kokkos
  [ "$(cat "$sid/.ready" 2>/dev/null)" != "$root" ] || return 0 # paths are written into it: made anew when moved
  prepare_apt
  say "getting Kokkos 5 and the C library it needs (6 MB)"
  run "$root/apt.log" with_apt apt-get install -y --no-install-recommends --download-only libkokkos-dev
  rm -rf "$sid" "$runtime"
  unpack "$sid" 'libkokkos[-0-9]*.deb'
  local package
  for package in "$root"/packages/*.deb; do
    case ${package##*/} in libkokkos* | libtrilinos* | trilinos*) ;; *) dpkg-deb -x "$package" "$runtime" ;; esac
  done
  [ -e "$kokkos_dir/KokkosTargets.cmake" ] || fail "Debian's libkokkos-dev has changed: no ${kokkos_dir#"$root"/}/KokkosTargets.cmake"
  # Its CMake files name /usr/include, and two libraries of headers only that the package leaves out.
  sed -i "s,\"/usr/include,\"$sid/usr/include,g" "$kokkos_dir"/*.cmake
  local name
  for name in algorithms simd; do
    [ -e "$sid/$libraries/libkokkos$name.a" ] || ar cr "$sid/$libraries/libkokkos$name.a"
  done
  sed -i "s|INTERFACE_LINK_OPTIONS \"|&$(link_options LINKER: ,);|" "$kokkos_dir/KokkosTargets.cmake"
  printf '%s' "$root" >"$sid/.ready"
}

# What a program needs that uses Debian's Kokkos: to start with unstable's C library, and to find the others by it.
# Symbols that only those have are not looked for when linking.
link_options() { # link_options PREFIX SEPARATOR
  local r=$runtime/$libraries
  printf '%s--allow-shlib-undefined,--disable-new-dtags,-rpath,%s,--dynamic-linker=%s' "$1" "$r" "$r/$(loader)"
}
loader() { (cd "$runtime/$libraries" && ls ld-linux*.so.* | head -n 1); }

# ---- LAMMPS

# Styles that no test uses, left out of the tree that is compiled: a quarter of the time.
unused='{pair_{born,buck,buck_coul_cut,coul_cut,coul_debye,coul_dsf,coul_wolf,lj_cut_coul_cut,lj_expand,morse,soft,table,yukawa},fix_{wall_{harmonic,lj1043,lj126,lj93,morse,reflect,region},nph,nph_sphere,npt,npt_sphere,nve_limit,nve_noforce,nve_sphere,nvt,nvt_sllod,nvt_sphere,planeforce,recenter,spring,spring_self,temp_berendsen,temp_rescale,viscous},region_sphere}_kokkos.{cpp,h}'

# debian_source PACKAGE WHAT OWN VARIABLE FILE: sets `source` to the folder OWN, the user's, which must have FILE, or else
# gets Debian's archive of it: sets `tar`, and leaves an empty folder for it. False: nothing is left to do.
debian_source() {
  if [ -n "$3" ]; then
    [ -e "$3/$5" ] || fail "$4: no $5 in '$3'"
    source=$(cd "$3" && pwd)
    return 1
  fi
  source=$root/$1-source
  [ ! -e "$source/.ready" ] || return 1
  prepare_apt
  say "getting the source of $2"
  # apt looks at what is there already, goes on with a part and checks the whole
  (cd "$root/packages" && run "$root/apt.log" with_apt apt-get source --download-only --tar-only "$1") ||
    fail "the mirror does not have the source of $2: name a source tree in $4"
  local archives=("$root/packages/$1"_*.orig.tar.*)
  tar=${archives[-1]}
  say "unpacking ${tar##*/}"
  rm -rf "$source"
  mkdir -p "$source"
}

lammps_source() {
  local tar
  debian_source lammps 'LAMMPS (214 MB)' "${FTL_LAMMPS_SOURCE:-}" FTL_LAMMPS_SOURCE src/version.h || return 0
  tar xf "$tar" -C "$source" --exclude={doc,examples,unittest,bench,tools,potentials}
  # Debian's archive has no folder of its own around the tree; others do.
  [ -e "$source/src/version.h" ] || { mv "$source"/*/* "$source"/; }
  (cd "$source/src/KOKKOS" && eval "rm -f $unused")
  touch "$source/.ready"
}

mpicxx() {
  if [ -x build/venv/bin/mpicxx ]; then printf '%s' "$PWD/build/venv/bin/mpicxx"
  else command -v mpicxx || fail "mpicxx is missing: run scripts/setup.sh"; fi
}

lammps() {
  local source kokkos_dir options=() mpi
  host
  lammps_source
  mpi=$(mpicxx)
  [ -n "${FTL_KOKKOS_DIR:-}" ] || options=("-DCMAKE_EXE_LINKER_FLAGS=$(link_options -Wl,)" "-DCMAKE_SHARED_LINKER_FLAGS=-Wl,--allow-shlib-undefined")
  # -O1: the time of a step is that of the potential, which is compiled elsewhere.
  options+=(-DCMAKE_BUILD_TYPE=Release '-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG' -DCMAKE_CXX_STANDARD=20 -DBUILD_SHARED_LIBS=ON
    -DBUILD_MPI=ON -DBUILD_OMP=ON -DPKG_KOKKOS=ON -DPKG_PLUGIN=ON -DPKG_REPLICA=ON -DEXTERNAL_KOKKOS=ON
    "-DKokkos_DIR=$kokkos_dir" -DKokkos_ENABLE_OPENMP=ON "-DMPI_CXX_COMPILER=$mpi" -DBUILD_TOOLS=OFF -DWITH_JPEG=OFF
    -DWITH_PNG=OFF -DWITH_GZIP=OFF -DWITH_FFMPEG=OFF -DWITH_CURL=OFF -DFFT=KISS)
  if [ "$(cat "$root/lammps/.options" 2>/dev/null)" != "$source ${options[*]}" ]; then
    say "configuring LAMMPS $(sed -n 's/.*LAMMPS_VERSION "\(.*\)"/\1/p' "$source/src/version.h")"
    run "$root/lammps-configure.log" cmake -S "$source/cmake" -B "$root/lammps" -G Ninja "${options[@]}"
    printf '%s' "$source ${options[*]}" >"$root/lammps/.options"
  fi
  say "building LAMMPS in build/kokkos/lammps, $jobs compilers at a time (log: build/kokkos/lammps-build.log)"
  run "$root/lammps-build.log" ninja -C "$root/lammps" -j "$jobs"
  say "LAMMPS is in build/kokkos/lammps/lmp"
}

# ---- FrozenTL against both

run_tests() {
  local source kokkos_dir build=$root/frozentl
  lammps
  host
  lammps_source
  say "configuring FrozenTL in build/kokkos/frozentl"
  run "$root/frozentl-configure.log" cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DFTL_KOKKOS=ON \
    -DKokkos_DIR="$kokkos_dir" -DLAMMPS_SOURCE_DIR="$source" -DMPI_CXX_COMPILER="$(mpicxx)" \
    -DFTL_TEST_LAMMPS="$root/lammps/lmp"
  say "building it (log: build/kokkos/frozentl-build.log)"
  run "$root/frozentl-build.log" ninja -C "$build" -j "$jobs"
  say "tests of core/kokkos, and of frozentl and frozentl/kk in that LAMMPS"
  OMP_PROC_BIND=false ctest --test-dir "$build" --output-on-failure --no-tests=error -L '^(kokkos|kk)$'
}

# ---- Kokkos 5 for GPUs

kokkos_source() {
  local tar
  debian_source kokkos 'Kokkos (1.8 MB)' "${FTL_KOKKOS_SOURCE:-}" FTL_KOKKOS_SOURCE bin/nvcc_wrapper || return 0
  tar xf "$tar" -C "$source" --strip-components=1
  touch "$source/.ready"
}

# For sm_80; what is compiled with build/kokkos/nvcc adds others by NVCC_APPEND_FLAGS. All of a library's files are one for
# the compiler: most of the time goes into Kokkos' headers, and this is half a minute instead of a quarter of an hour.
gpu() {
  local source build=$root/gpu
  [ -x "$(command -v nvcc)" ] || PATH=$PATH:/usr/local/cuda/bin
  command -v nvcc >/dev/null || fail "nvcc is missing: install NVIDIA's CUDA toolkit 12.2 or later"
  kokkos_source
  sed 's/^default_arch=.*/default_arch="sm_80"/' "$source/bin/nvcc_wrapper" >"$root/nvcc"
  chmod +x "$root/nvcc"
  if [ "$(cat "$build/.source" 2>/dev/null)" != "$source" ]; then
    say "configuring Kokkos for CUDA"
    rm -rf "$build"
    run "$root/gpu-configure.log" cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$root/nvcc" \
      -DCMAKE_CXX_COMPILER_LAUNCHER= -DKokkos_ENABLE_CUDA=ON -DKokkos_ENABLE_SERIAL=ON -DKokkos_ARCH_AMPERE80=ON \
      -DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=40
    printf '%s' "$source" >"$build/.source"
  fi
  say "building it in build/kokkos/gpu (log: build/kokkos/gpu-build.log)"
  NVCC_APPEND_FLAGS='' run "$root/gpu-build.log" nice -n 10 ninja -C "$build" -j "$jobs" kokkoscore
}

# ---- headers to compile with

# The headers of Debian's libkokkos-dev are complete; only what its configuration wrote says OpenMP. Folders cuda/sm_80
# and cuda/sm_90 hold that part for CUDA and Serial; they go in front of the others' folder.
cuda() {
  local kokkos_dir headers arch names into part
  command -v "${NVCC:-nvcc}" >/dev/null || [ -x /usr/local/cuda/bin/nvcc ] ||
    fail "nvcc is missing: install NVIDIA's CUDA toolkit 12.2 or later, or name its nvcc in NVCC"
  FTL_KOKKOS_DIR='' host
  headers=$sid/usr/include/kokkos
  for arch in sm_80:AMPERE:AMPERE80 sm_90:HOPPER:HOPPER90; do
    IFS=: read -r into names part <<<"$arch"
    into=$root/cuda/$into
    mkdir -p "$into/desul/atomics"
    sed -E -e "s,/\* #undef (KOKKOS_ENABLE_(CUDA|SERIAL)|KOKKOS_ARCH_($names|$part)) \*/,#define \1," \
      -e 's,#define KOKKOS_ENABLE_OPENMP,/* & */,' "$headers/KokkosCore_config.h" >"$into/KokkosCore_config.h"
    sed 's,/\* #undef DESUL_ATOMICS_ENABLE_CUDA \*/,#define DESUL_ATOMICS_ENABLE_CUDA,' \
      "$headers/desul/atomics/Config.hpp" >"$into/desul/atomics/Config.hpp"
    for part in Declare:decl Fwd:fwd; do
      printf '#pragma once\n#include <%s/Kokkos_%s_SERIAL.hpp>\n#include <%s/Kokkos_%s_CUDA.hpp>\n' \
        "${part#*:}" "${part%:*}" "${part#*:}" "${part%:*}" >"$into/KokkosCore_Config_${part%:*}Backend.hpp"
    done
    printf '#pragma once\n#include <setup/Kokkos_Setup_Cuda.hpp>\n' >"$into/KokkosCore_Config_SetupBackend.hpp"
  done
  say "Kokkos' headers for CUDA: -I build/kokkos/cuda/sm_80 (or sm_90) -I build/kokkos/sid/usr/include/kokkos"
}

headers_4() {
  [ ! -e "$root/headers-4/.ready" ] || { say "headers of Kokkos 4 are in build/kokkos/headers-4"; return 0; }
  prepare_apt
  say "getting the headers of Kokkos 4 (0.6 MB)"
  (cd "$root/packages" && run "$root/apt.log" with_apt apt-get download libtrilinos-kokkos-dev)
  rm -rf "$root/headers-4"
  unpack "$root/headers-4" 'libtrilinos-kokkos-dev_*.deb'
  touch "$root/headers-4/.ready"
  say "headers of Kokkos 4: -I build/kokkos/headers-4/usr/include/kokkos"
}

[ -n "$multiarch" ] || fail "the compiler cc is missing, or is not of a Debian: run scripts/setup.sh"
mkdir -p "$root"
[ $# -gt 0 ] || set -- lammps
for what in "$@"; do
  case $what in
    host) host && say "Kokkos is in ${kokkos_dir#"$PWD"/}" ;;
    lammps) lammps ;;
    test) run_tests ;;
    cuda) cuda ;;
    gpu) gpu && say "Kokkos for CUDA is in build/kokkos/gpu; its compiler is build/kokkos/nvcc" ;;
    lammps-source) lammps_source && say "the source of LAMMPS is in ${source#"$PWD"/}" ;;
    headers-4) headers_4 ;;
    *) fail "unknown argument '$what': use 'host', 'lammps', 'test', 'cuda', 'gpu', 'lammps-source' or 'headers-4'" ;;
  esac
done
