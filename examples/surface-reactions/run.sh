#!/usr/bin/env bash
# H2 on copper: without arguments everything that README.md shows, into build/surface-reactions; with --record its tables and pictures into results/.
# A run that was stopped goes on where it was. Or one script: run.sh sticking.py --help
#   COUNT=500 JOBS=8 examples/surface-reactions/run.sh      more trajectories, on eight cores
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
export LAMMPS_PLUGIN_PATH="${FTL_PLUGIN_DIR:-$root/build/release/pair_style}"
export LD_LIBRARY_PATH="$root/build/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" # libmpi of the package mpich
export PYTHONPATH="$root/examples/surrogate:$root/python${PYTHONPATH:+:$PYTHONPATH}" # what both folders use; the package frozentl
export OMP_NUM_THREADS=1
"$root/build/venv/bin/python" -c 'import ase, spglib' 2>/dev/null || { echo "skipped: build/venv has no ase: run scripts/setup.sh"; exit 77; }
record=("$@") # --record or nothing
if [ $# -gt 0 ] && [ "$1" != --record ]; then
  script="$1"
  shift
  exec "$root/build/venv/bin/python" "$here/$script" "$@"
fi

ace="ace=$root/potentials/h2cu-ace.ftl" mace="mace=$root/potentials/h2cu.ftl"
published="$root/../shared/reference/h2cu/h2cu-mace.model"
at_rest=("$ace" "$mace")
[ ! -e "$published" ] || at_rest+=("published=$published")

"$here/run.sh" adsorption.py "${at_rest[@]}" "${record[@]}"
"$here/run.sh" barriers.py "${at_rest[@]}" "${record[@]}"
batch=("$here/run.sh" sticking.py --jobs "${JOBS:-1}")
"${batch[@]}" "$ace" --count "${COUNT:-80}"
# A part of the same encounters, with the potentials that cost more.
"${batch[@]}" "$mace" --faces 111 --vibrations 0 --energies 0.7 0.9 --count "${FEWER:-40}"
[ ! -e "$published" ] || "${batch[@]}" "published=$published" --faces 111 --energies 0.5 0.7 0.9 --count "${FEWER:-40}"
"$here/run.sh" summary.py "${record[@]}"
"$here/run.sh" sticking.py "$ace" --film 111 0 0.9 2
