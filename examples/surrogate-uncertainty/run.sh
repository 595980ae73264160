#!/usr/bin/env bash
# surrogate-uncertainty with the surrogate that is shipped, or another one of `frozentl distill`; further arguments go to LAMMPS:
#   ./run.sh [model.ftl] [-var bound 5]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
potential=$root/potentials/h2cu-ace.ftl
case "${1:-}" in
*.ftl) potential=$(realpath "$1"); shift ;;
esac
cd "$here"
export LAMMPS_PLUGIN_PATH=${LAMMPS_PLUGIN_PATH:-$root/build/release/pair_style} OMP_NUM_THREADS=1
exec "$root/build/venv/bin/mpirun" -n 2 "$root/build/venv/bin/lmp" -in in.uncertainty -log none -var potential "$potential" "$@"
