#!/usr/bin/env bash
# surrogate-uncertainty with a surrogate of `frozentl distill`; further arguments go to LAMMPS:
#   ./run.sh model.ftl -var bound 5
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: run.sh SURROGATE.ftl [LAMMPS arguments]"; exit 2; }
potential=$(realpath "$1")
cd "$(dirname "$0")"
root=../..
export LAMMPS_PLUGIN_PATH=${LAMMPS_PLUGIN_PATH:-$root/build/release/pair_style} OMP_NUM_THREADS=1
exec "$root/build/venv/bin/mpirun" -n 2 "$root/build/venv/bin/lmp" -in in.uncertainty -log none -var potential "$potential" "${@:2}"
