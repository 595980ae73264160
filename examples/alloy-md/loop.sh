#!/usr/bin/env bash
# Active learning of Ti-6Al-4V: heat it with a surrogate, stop where the surrogate is on its own, ask the model, learn, heat again.
#
#   examples/alloy-md/loop.sh [--out FOLDER] [--cycles N] [--quick] [--frozentl PROGRAM]
#
# 0. frozentl distill   ti64.ftl samples hcp Ti-6Al-4V at 300 K; a small linear ACE is fitted      FOLDER/start
# then, for each cycle k:
# 1. LAMMPS             in.heat: NPT, 300 K upwards; ends where gamma is over the bound          FOLDER/k/heat.txt, last.dump
# 2. frozentl eval      ti64.ftl labels the last frame and up to five before it                  FOLDER/k/new.xyz
# 3. frozentl distill   ti64.ftl goes on from these frames for 0.1 ps at the temperature of the end;
#                       a new surrogate is fitted to all data so far, these frames and that      FOLDER/k/fit
# 4. both potentials on the new frames: errors and gamma, before and after                       FOLDER/k/summary.txt
# until a run reaches the last temperature. Then report.py makes tables and a picture.
#
# What is finished is not repeated: give the same command again after an interruption. --quick: small, checked, for ctest.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
out=$root/build/alloy-md
frozentl=$root/build/release/train/frozentl
cycles=6
from=300
quick=
while [ $# -gt 0 ]; do
  case $1 in
  --out | --frozentl | --cycles)
    [ $# -ge 2 ] || { echo "loop.sh: $1 needs a value" >&2; exit 2; }
    case $1 in --out) out=$2 ;; --frozentl) frozentl=$2 ;; --cycles) cycles=$2 ;; esac
    shift 2 ;;
  --quick) quick=1; shift ;;
  *) echo "usage: loop.sh [--out FOLDER] [--cycles N] [--quick] [--frozentl PROGRAM]" >&2; exit 2 ;;
  esac
done
export LAMMPS_PLUGIN_PATH=${LAMMPS_PLUGIN_PATH:-$root/build/release/pair_style}
export LD_LIBRARY_PATH=$root/build/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} # libmpi of the package mpich
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
lmp=$root/build/venv/bin/lmp
model=$root/potentials/ti64.ftl

# Beside the alloy also crystals in which every pair of elements is common: in the alloy two vanadium atoms seldom meet, and what a
# surrogate makes of them when they do is then chance.
crystals=hcp:2.91:4.67:Ti=0.5+Al=0.25+V=0.25:3x3x2,bcc:3.07:Al=0.5+V=0.5:3x3x3,hcp:2.86:4.67:Al:3x3x2,bcc:3.0:V:3x3x3
seed=1 atoms=(4 3 4) to=1200 settle=1000 steps=8000
basis=(--cutoff 5 --n 8/2 --l 2 --block "Ti=8/4/2:4/2,Ti-Al=8/3:2,Ti-V=8/3:2")
more=(--n-starts 3 --steps 50 --sampled-frames 15)
sampling=(--steps 200 --sampled-frames 200 --set sample.repeats=2 --crystal "$crystals")
if [ -n "$quick" ]; then
  out=$(mktemp -d) # of its own: a test never takes what an earlier one has made
  trap 'rm -rf "$out"' EXIT
  cycles=2 atoms=(4 3 2) to=1500 settle=300 steps=1500
  basis=(--cutoff 5 --n 6/1 --l 1 --block "Ti=8/3:3")
  more=(--n-starts 1 --steps 40 --sampled-frames 5)
  sampling=(--steps 150 --sampled-frames 60 --set sample.every=5)
fi
sampling+=(--jobs bulk,strain,rattle,dimer --temperatures 300 --set sample.rattle=0.15)
sampling+=(--set sample.lammps=start.data --set sample.lammps_elements=Al,Ti,V)
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$out"
say() { echo "alloy-md: $*"; }

distill() { # FOLDER FLAGS...; goes on where it was
  local how=(--model "$model" --threads 1 --set sample.every=10 "${basis[@]}" "${@:2}" -o "$1")
  [ ! -e "$1/recipe.yaml" ] || how=(--resume "$1")
  "$frozentl" distill -q "${how[@]}" 2>distill.log || { cat distill.log >&2; exit 1; }
}
learn() { # FOLDER NEW.xyz KELVIN DATA.xyz...; all is fitted, nothing held back: the frames that stopped a run are too few
  local file data=(--data "$2")
  for file in "${@:4}"; do data+=(--data "$file"); done
  distill "$1" --starts "$2" --jobs bulk --temperatures "$3" --set sample.equilibration=0 --set holdout=0 "${more[@]}" "${data[@]}"
}
errors() { # POTENTIAL FRAMES.xyz -> RMSE of all frames, and of the last one
  "$frozentl" eval -q -t 1 "$1" "$2" -j answers.json
  python3 "$here/frames.py" error "$2" answers.json
}
gamma() { # POTENTIAL FRAME.data
  "$lmp" -in "$here/in.gamma" -log none -var potential "$1" -var data "$2" </dev/null | sed -n 's/^gamma //p'
}

prove() { # CYCLE; the last frame of a whole run, which no surrogate has learned from: what the first one and the last one make of it
  [ ! -e $1/proof.txt ] || return 0
  ask $1 0
  {
    echo "first $(errors start/model.ftl $1/new.xyz | tail -1)"
    echo "last $(errors $potential $1/new.xyz | tail -1)"
  } >$1/proof.part
  mv $1/proof.part $1/proof.txt
}
ask() { # CYCLE N; the model's labels of the last frame and of N before it: CYCLE/new.xyz
  python3 "$here/frames.py" pick $1 $1/picked.xyz $2
  "$frozentl" eval -q -t 1 "$model" $1/picked.xyz -o $1/answered.xyz
  python3 "$here/frames.py" label $1/answered.xyz $1/new.xyz heated
}

# ---- 0: what the surrogate knows at first

[ -e start.data ] || python3 "$here/frames.py" alloy start.data $seed "${atoms[@]}"
if [ ! -e start/model.ftl ]; then
  say "ti64.ftl samples the alloy at 300 K, and a surrogate is fitted"
  distill start "${sampling[@]}"
fi
potential=start/model.ftl
learned=(start/sampled.xyz)

for ((k = 1; k <= cycles; k++)); do
  mkdir -p $k

  # ---- 1: heat

  if [ ! -e $k/last.dump ]; then
    rm -rf $k/heating
    mkdir $k/heating
    (cd $k/heating && "$lmp" -in "$here/in.heat" -log heat.log -screen none -var potential "../../$potential" -var data ../../start.data \
      -var from $from -var to $to -var settle $settle -var steps $steps </dev/null)
    mv $k/heating/* $k/ # last.dump is the last one by name, and says that all are there
    rmdir $k/heating
  fi
  say "cycle $k: $(sed -n 's/^alloy-md: ended/ended/p' $k/heat.log)"
  if ! grep -q "^Fix halt condition" $k/heat.log; then
    prove $k
    touch $k/whole
    break
  fi

  # ---- 2: ask the model

  [ -e $k/new.xyz ] || ask $k 5

  # ---- 3: learn

  if [ ! -e $k/fit/model.ftl ]; then
    reached=$(tail -1 $k/heat.txt | cut -d' ' -f1)
    kelvin=$((from + (to - from) * (reached > settle ? reached - settle : 0) / steps)) # of the bath
    learn $k/fit $k/new.xyz $kelvin "${learned[@]}"
  fi
  learned+=($k/new.xyz $k/fit/sampled.xyz)

  # ---- 4: before and after

  if [ ! -e $k/summary.txt ]; then
    python3 "$here/frames.py" data $k/picked.xyz -1 $k/last.data
    {
      echo "before $(gamma $potential $k/last.data) $(errors $potential $k/new.xyz | tr '\n' ' ')"
      echo "after $(gamma $k/fit/model.ftl $k/last.data) $(errors $k/fit/model.ftl $k/new.xyz | tr '\n' ' ')"
    } >$k/summary.part
    mv $k/summary.part $k/summary.txt
  fi
  sed "s|^|alloy-md: cycle $k, |" $k/summary.txt
  potential=$k/fit/model.ftl
done

python3 "$here/report.py" . ${quick:+--check}
