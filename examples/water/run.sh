#!/usr/bin/env bash
# Liquid water from GO-MACE and 30 structures (README.md): run.sh [--quick] [--record] [FOLDER]
#
# 1. frozentl train    the foundation is fine-tuned, with two freezings                FOLDER/tune-MODE
# 2. frozentl distill  the one that is best on valid teaches a linear ACE              FOLDER/surrogate
# 3. LAMMPS            64 molecules at 330 K: the surrogate, then its teacher          FOLDER/md-surrogate.dump, md-teacher.dump
# 4. report.py         errors, radial distribution functions, diffusion                FOLDER/results, with --record results/ here
#
# What is finished is not repeated, and training goes on where it was interrupted. --quick: one freezing, few steps, checked, for ctest.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
frozentl=$root/build/release/train/frozentl
shared=$root/../shared
quick= record= out=$root/build/water
while [ $# -gt 0 ]; do
  case $1 in
  --quick) quick=yes ;;
  --record) record=yes ;;
  --frozentl) [ $# -ge 2 ] || { echo "run.sh: --frozentl needs a value" >&2; exit 2; }; frozentl=$2; shift ;;
  -*) echo "usage: run.sh [--quick] [--record] [--frozentl PROGRAM] [FOLDER]" >&2; exit 2 ;;
  *) out=$1 ;;
  esac
  shift
done
foundation=$shared/reference/real/go-mace.model
for file in "$foundation" "$shared/data/water/train.xyz" "$root/build/venv/bin/lmp"; do
  [ -e "$file" ] || { echo "water: skipped: $file is not there"; exit 77; }
done
export LAMMPS_PLUGIN_PATH="${LAMMPS_PLUGIN_PATH:-$root/build/release/pair_style}" OMP_NUM_THREADS=1
export LD_LIBRARY_PATH="$root/build/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" # libmpi of the package mpich
if [ -n "$quick" ]; then
  out=$(mktemp -d) # of its own: a test never takes what an earlier one has made
  trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out"
cd "$out"

timed() { # NAME COMMAND...; processor seconds are added to NAME.seconds, of each time that it goes on
  local name=$1 TIMEFORMAT='%U %S' status=0
  shift
  { time "$@" >>"$name.log" 2>&1 </dev/null || status=$?; } 2>>"$name.seconds"
  [ $status -eq 0 ] || { tail -5 "$name.log" >&2; exit $status; }
}
learn() { # train|distill FOLDER FLAGS...
  [ ! -e "$2/done" ] || return 0
  local how=("${@:3}" -o "$2")
  [ ! -e "$2/recipe.yaml" ] || how=(--resume "$2")
  timed "$2" "$frozentl" "$1" --threads 1 "${how[@]}"
  touch "$2/done"
}
tune() { # MODE FLAGS...
  learn train "tune-$1" -f "$foundation" -d "$shared/data/water/train.xyz" --labels '' -p mixed --set trust=false "${@:2}"
}
simulate() { # NAME MODEL START.data -var ...
  [ ! -e "$1.done" ] || return 0
  rm -f "$1.seconds"
  timed "$1" "$root/build/venv/bin/lmp" -in "$here/in.water" -log "$1.lammps" -screen none -nocite -var out "$1" -var potential "$2" -var start "$3" "${@:4}"
  touch "$1.done"
}
evaluate() { # NAME MODEL STRUCTURES.xyz
  [ -e "errors-$1.json" ] || timed "eval-$1" "$frozentl" eval -q -t 1 --labels '' -j "errors-$1.json" "$2" "$3"
}
report() { "$root/build/venv/bin/python" "$here/report.py" "$@"; }

report prepare . # water-valid.xyz, water-test.xyz, some of them in few-valid.xyz and few-test.xyz, start.data, starts.xyz
if [ -n "$quick" ]; then
  tune f5 --valid few-valid.xyz --freeze f5 --lr 0.02 --frames 8 --epochs 3 -b 1 --set ema=0
  evaluate foundation "$foundation" few-test.xyz
  evaluate f5 tune-f5/model.ftl few-test.xyz
  simulate md-teacher tune-f5/model.ftl start.data -var warm 40 -var steps 80 -var every 20
  report check .
  exit
fi

steps=(--valid water-valid.xyz --loss universal -b 2 --epochs 8)
tune f5 "${steps[@]}" --freeze f5 --lr 0.01
tune f0 "${steps[@]}" --lr 0.003
teacher=$(report best .)/model.ftl
learn distill surrogate -m "$teacher" --starts starts.xyz --jobs bulk,rattle --temperatures 330 --steps 60 --set sample.equilibration=20 \
  --set sample.every=10 --set sample.rattle=0.08 --rounds 3 --n 10/6/2 --l 4/2 --cutoff 5.5 --cutoffs H-H=4.5
simulate md-surrogate surrogate/model.ftl start.data -var warm 8000 -var steps 120000 -var gamma yes
report restart . # teacher.data: where the surrogate has come to
simulate md-teacher "$teacher" teacher.data -var warm 500 -var steps 12000
evaluate foundation "$foundation" water-test.xyz
for mode in f5 f0; do evaluate $mode tune-$mode/model.ftl water-test.xyz; done
evaluate surrogate surrogate/model.ftl water-test.xyz
report report . ${record:+--record}
