#!/usr/bin/env bash
# copper-nvt on RANKS ranks (default 2); further arguments go to LAMMPS: ./run.sh 2 -var temperature 600
set -euo pipefail
cd "$(dirname "$0")"
root=../..
export LAMMPS_PLUGIN_PATH=$root/build/release/pair_style OMP_NUM_THREADS=1
exec "$root/build/venv/bin/mpirun" -n "${1:-2}" "$root/build/venv/bin/lmp" -in in.copper-nvt -log none "${@:2}"
