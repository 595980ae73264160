#!/usr/bin/env bash
# How well models tell their errors, all of README.md or some of it: run.sh [--quick] [--record] [CASE ...]
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$here/../.."
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export PYTHONPATH="$root/python${PYTHONPATH:+:$PYTHONPATH}"
"$root/build/venv/bin/python" -c 'import ase, matplotlib, numpy' 2>/dev/null || { echo "trust: skipped: build/venv lacks ase or matplotlib: run scripts/setup.sh"; exit 77; }
exec "$root/build/venv/bin/python" "$here/study.py" "$@"
