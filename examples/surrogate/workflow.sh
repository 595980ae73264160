#!/usr/bin/env bash
# From a foundation to molecular dynamics with a surrogate, for H2 on copper, in one command (README.md, "The whole path"):
#
#   examples/surrogate/workflow.sh [--out FOLDER] [--quick] [--frozentl PROGRAM]
#
# 1. frozentl train    the foundation is fine-tuned with 200 structures, most weights frozen      FOLDER/tuned
# 2. frozentl distill  the fine-tuned model labels what it samples; a linear ACE is fitted        FOLDER/surrogate
# 3. frozentl eval     errors of both on 60 structures of other trajectories, and a picture       FOLDER/results
# 4. LAMMPS            H2 meets Cu(111) with either; time per step, gamma of the surrogate          FOLDER/md-*
#
# What is finished is not repeated, and what was interrupted goes on. --quick: few steps, checked, for ctest.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
out=$root/build/surrogate-workflow
frozentl=$root/build/release/train/frozentl
quick=
while [ $# -gt 0 ]; do
  case $1 in
  --out | --frozentl)
    [ $# -ge 2 ] || { echo "workflow.sh: $1 needs a value" >&2; exit 2; }
    [ "$1" = --out ] && out=$2 || frozentl=$2
    shift 2 ;;
  --quick) quick=1; shift ;;
  *) echo "usage: workflow.sh [--out FOLDER] [--quick] [--frozentl PROGRAM]" >&2; exit 2 ;;
  esac
done
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} # threads that wait let others have the core

train_flags=() distill_flags=() md_flags=()
if [ -n "$quick" ]; then
  out=$(mktemp -d) # of its own: a test never takes what an earlier one has made
  trap 'rm -rf "$out"' EXIT
  train_flags=(--steps 60 --frames 40)
  distill_flags=(--frames 40 --n-starts 6 --steps 20 --sampled-frames 20 --set sample.every=10)
  distill_flags+=(--block Cu@Cu=8/3:3,H@H=8,H@H-Cu=8/3:2,Cu@H-Cu=8/2:2)
  md_flags=(-var warming 20 -var steps 40)
fi
mkdir -p "$out/results"
out=$(cd "$out" && pwd)
started=$SECONDS
say() { printf '\n== %s (%d s)\n' "$1" $((SECONDS - started)); }
finished() { [ -e "$out/$1/done" ]; }

say "1. Fine-tuning: 200 structures, 30720 of 84724 parameters"
if ! finished tuned; then
  if [ -e "$out/tuned/state.ftl" ]; then
    "$frozentl" train --resume "$out/tuned"
  else
    rm -rf "$out/tuned"
    "$frozentl" train "$here/finetune.yaml" -o "$out/tuned" --data "$here/data/h2cu-train.xyz" \
      --test "$here/data/h2cu-test.xyz" ${train_flags[@]+"${train_flags[@]}"}
  fi
  touch "$out/tuned/done"
fi
"$frozentl" plot "$out/tuned"

say "2. Distilling: the fine-tuned model samples and labels, a linear ACE is fitted"
if ! finished surrogate; then
  if [ -e "$out/surrogate/recipe.yaml" ]; then
    "$frozentl" distill --resume "$out/surrogate"
  else
    "$frozentl" distill "$here/distill.yaml" -o "$out/surrogate" --model "$out/tuned/model.ftl" \
      --data "$here/data/h2cu-train.xyz" ${distill_flags[@]+"${distill_flags[@]}"}
  fi
  touch "$out/surrogate/done"
fi

say "3. Errors on 60 structures of other trajectories"
models=("tuned=$out/tuned/model.ftl" "surrogate=$out/surrogate/model.ftl")
python3 "$here/errors.py" --frozentl "$frozentl" --name workflow --out "$out/results" \
  --data "$here/data/h2cu-test.xyz" "${models[@]}"
python3 "$here/parity.py" --frozentl "$frozentl" --name workflow --out "$out/results" \
  --data "$here/data/h2cu-test.xyz" "${models[@]}"

say "4. Molecular dynamics: H2 on its way to Cu(111) at 300 K"
plugin=${LAMMPS_PLUGIN_PATH:-$root/build/release/pair_style}
if [ ! -e "$plugin/frozentlplugin.so" ] || [ ! -e "$root/build/venv/bin/lmp" ]; then
  echo "Without LAMMPS and the plugin: 'make build' makes both."
  exit 1
fi
export LAMMPS_PLUGIN_PATH=$plugin OMP_NUM_THREADS=1
export LD_LIBRARY_PATH="$root/build/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" # libmpi of the package mpich
for label in tuned surrogate gamma; do # the surrogate without and with its extrapolation grade, which costs time
  watch=()
  model=$out/$label/model.ftl
  [ $label = gamma ] && { model=$out/surrogate/model.ftl; watch=(-var watch "include ../surrogate/watch.lmp"); }
  mkdir -p "$out/md-$label"
  [ -e "$out/md-$label/done" ] && continue
  (cd "$here/../h2-cu" && "$root/build/venv/bin/lmp" -in in.h2-cu -screen none \
    -log "$out/md-$label/log.lammps" -var out "$out/md-$label" -var potential "$model" ${watch[@]+"${watch[@]}"} ${md_flags[@]+"${md_flags[@]}"} </dev/null) ||
    { grep ERROR "$out/md-$label/log.lammps" >&2; exit 1; }
  touch "$out/md-$label/done"
done
python3 "$here/encounter.py" "$out" ${quick:+--quick}
say "Finished; everything is in $out"
