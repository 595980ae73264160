#!/usr/bin/env bash
# Elastic constants of copper; arguments go to LAMMPS: ./run.sh -var e 0.002
set -euo pipefail
cd "$(dirname "$0")"
root=../..
export LAMMPS_PLUGIN_PATH=$root/build/release/pair_style
"$root/build/venv/bin/lmp" -in in.elastic -log none "$@" </dev/null
