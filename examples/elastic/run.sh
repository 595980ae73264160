#!/usr/bin/env bash
# Elastic constants, all of README.md or some: run.sh [--quick] [--cold] [--record] [Cu] [Mo] [Ti] [Ti64]
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$here/../.."
export LAMMPS_PLUGIN_PATH="${LAMMPS_PLUGIN_PATH:-$root/build/release/pair_style}" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export LD_LIBRARY_PATH="$root/build/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" # libmpi of the package mpich
export PYTHONPATH="$root/python${PYTHONPATH:+:$PYTHONPATH}"                        # frozentl, with build/release/lib
"$root/build/venv/bin/python" -c 'import ase, spglib' 2>/dev/null || { echo "elastic: skipped: build/venv has no ase: run scripts/setup.sh"; exit 77; }
exec "$root/build/venv/bin/python" "$here/elastic.py" "$@"
