#!/usr/bin/env bash
# Active learning of Ti-6Al-4V: heat it, stop where the potential is not to be trusted, ask, learn, heat again.
#
#   examples/alloy-md/loop.sh [--potential surrogate|model] [--halt gamma|force_deviation] [--bound X] [--label COMMAND]
#                             [--out FOLDER] [--cycles N] [--quick] [--frozentl PROGRAM]
#
# 0. start: tialv.ftl samples hcp Ti-6Al-4V at 300 K (frozentl distill); FOLDER/start
#      surrogate   a small linear ACE is fitted to it
#      model       frozentl select chooses 40 of the structures, and ftl-metals-0.ftl is fine-tuned on them (frozentl train, with trust)
# then, for each cycle k:
# 1. LAMMPS             in.heat: NPT, 300 K upwards; ends where --halt is over the bound         FOLDER/k/heat.txt, last.dump
# 2. frozentl select    of the frames before the last one, five that differ most from all that is labelled; the command --label, or
#                       tialv.ftl if there is none, labels them and the last one                  FOLDER/k/new.xyz
# 3. learning           surrogate: tialv.ftl goes on from these frames for 0.1 ps at the temperature of the end, and all is fitted anew (with
#                       --label: fitted without that); model: fine-tuned further on all data     FOLDER/k/fit
# 4. before and after   errors on the new frames, and --halt of the last one                     FOLDER/k/summary.txt
# until a run reaches the last temperature. Then report.py makes tables and a picture.
#
# COMMAND is run in FOLDER as `COMMAND IN.xyz OUT.xyz` (name its files by absolute paths), and writes REF_energy, REF_forces, REF_stress; status 75: labels are still to come, and the same
# command will go on from there. `python -m frozentl.label` is one: any calculator of ASE, or VASP (docs/python.md).
#
# What is finished is not repeated: give the same command again after an interruption. --quick: small, checked, for ctest, with tialv.ftl's surrogate for it.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
out=
frozentl=$root/build/release/train/frozentl
potential_kind=surrogate what= bound= label= cycles=6 from=300 quick=
usage() { echo "usage: loop.sh [--potential surrogate|model] [--halt gamma|force_deviation] [--bound X] [--label COMMAND] [--out FOLDER] [--cycles N] [--quick] [--frozentl PROGRAM]" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
  --quick) quick=1; shift; continue ;;
  --potential | --halt | --bound | --label | --out | --cycles | --frozentl) [ $# -ge 2 ] || { echo "loop.sh: $1 needs a value" >&2; exit 2; } ;;
  *) usage ;;
  esac
  case $1 in
  --potential) potential_kind=$2 ;; --halt) what=$2 ;; --bound) bound=$2 ;; --label) label=$2 ;;
  --out) out=$2 ;; --cycles) cycles=$2 ;; --frozentl) frozentl=$2 ;;
  esac
  shift 2
done
case $potential_kind in surrogate) : "${what:=gamma}" ;; model) : "${what:=force_deviation}" ;; *) usage ;; esac
case $what in # a deviation costs several steps, so it is asked for less often
gamma) : "${bound:=10}"; every=5 ;;
force_deviation) : "${bound:=0.5}"; every=20 ;; # eV/A
*) usage ;;
esac
[ -n "$out" ] || { out=$root/build/alloy-md; [ $potential_kind = surrogate ] || out=$out-model; }
export LAMMPS_PLUGIN_PATH=${LAMMPS_PLUGIN_PATH:-$root/build/release/pair_style}
export LD_LIBRARY_PATH=$root/build/venv/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} # libmpi of the package mpich
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
lmp=$root/build/venv/bin/lmp
teacher=$root/potentials/tialv.ftl
foundation=$root/potentials/ftl-metals-0.ftl

# Beside the alloy also crystals in which every pair of elements is common: in the alloy two vanadium atoms seldom meet, and what a
# surrogate makes of them when they do is then chance.
crystals=hcp:2.91:4.67:Ti=0.5+Al=0.25+V=0.25:3x3x2,bcc:3.07:Al=0.5+V=0.5:3x3x3,hcp:2.86:4.67:Al:3x3x2,bcc:3.0:V:3x3x3
seed=1 atoms=(4 3 4) to=1800 settle=1000 steps=13000 chosen=40 first_epochs=60 more_epochs=20
basis=(--cutoff 5 --n 8/2 --l 2 --block "Ti=8/4/2:4/2,Ti-Al=8/3:2,Ti-V=8/3:2")
more=(--n-starts 3 --steps 50 --sampled-frames 15)
sampling=(--steps 200 --sampled-frames 200 --set sample.repeats=2 --crystal "$crystals")
if [ -n "$quick" ]; then
  teacher=$root/potentials/tialv-ace.ftl # its surrogate, fifty times as fast
  out=$(mktemp -d) # of its own: a test never takes what an earlier one has made
  trap 'rm -rf "$out"' EXIT
  cycles=2 atoms=(4 3 2) to=1500 settle=300 steps=1500
  basis=(--cutoff 5 --n 6/1 --l 1 --block "Ti=8/3:3")
  more=(--n-starts 1 --steps 40 --sampled-frames 5)
  sampling=(--steps 150 --sampled-frames 60 --set sample.every=5)
  if [ $potential_kind = model ]; then
    cycles=1 atoms=(2 2 2) chosen=10 first_epochs=10 more_epochs=8 settle=100 steps=200 bound=0.45
    sampling=(--steps 40 --sampled-frames 16 --set sample.every=5)
  fi
fi
sampling+=(--jobs bulk,strain,rattle,dimer --temperatures 300 --set sample.rattle=0.15)
sampling+=(--set sample.lammps=start.data --set sample.lammps_elements=Al,Ti,V)
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$out"
settings="$potential_kind $what $bound"
[ -e settings.txt ] || echo "$settings" >settings.txt
[ "$(cat settings.txt)" = "$settings" ] ||
  { echo "loop.sh: $out holds a loop of other settings ($(cat settings.txt)): give those, or another --out" >&2; exit 2; }
say() { echo "alloy-md: $*"; }

# ---- learning

finished() { # RUN
  [ -e "$1/model.ftl" ] && [ -e "$1/errors.csv" ]
}
run() { # COMMAND FOLDER FLAGS...; goes on where it was
  local how=("${@:3}" -o "$2")
  [ ! -e "$2/recipe.yaml" ] || how=(--resume "$2")
  "$frozentl" "$1" -q "${how[@]}" >"$1.log" 2>&1 || { cat "$1.log" >&2; exit 1; }
}
distill() { # FOLDER FLAGS...
  run distill "$1" --model "$teacher" --threads 1 --set sample.every=10 "${basis[@]}" "${@:2}"
}
files() { # DATA.xyz... -> flags
  data=()
  local file
  for file; do data+=(--data "$file"); done
}
tune() { # FOLDER MODEL EPOCHS DATA.xyz...; it learns to tell its errors at the end, scaled to the tenth that is validated on
  files "${@:4}"
  run train "$1" --foundation "$2" --epochs "$3" --threads 1 --precision mixed --set trust=true --set valid_fraction=0.15 "${data[@]}"
}
learn() { # FOLDER NEW.xyz KELVIN DATA.xyz...
  if [ $potential_kind = model ]; then
    tune "$1" "$potential" $more_epochs "${@:4}" "$2"
    return
  fi
  files "$2" "${@:4}" # all is fitted, nothing held back: the frames that stopped a run are too few
  if [ -n "$label" ]; then
    run fit "$1" --threads 1 "${basis[@]}" --set holdout=0 "${data[@]}"
  else
    distill "$1" --starts "$2" --jobs bulk --temperatures "$3" --set sample.equilibration=0 --set holdout=0 "${more[@]}" "${data[@]}"
  fi
}

# ---- asking

label() { # BARE.xyz OUT.xyz
  local status=0
  if [ -z "$label" ]; then
    "$frozentl" eval -q -t 1 "$teacher" "$1" -o answered.xyz
    python3 "$here/frames.py" label answered.xyz "$2"
    return
  fi
  bash -c "$label \"\$@\"" label "$(realpath "$1")" "$out/$2.part" || status=$?
  [ $status -ne 75 ] || { say "labels of $1 are still to come; give the same command again"; exit 75; }
  [ $status -eq 0 ] || { echo "loop.sh: --label failed with status $status on $1" >&2; exit 1; }
  mv "$2.part" "$2"
}
ask() { # CYCLE N; labels of the last frame and of N before it: CYCLE/new.xyz
  [ ! -e $1/new.xyz ] || return 0
  if [ ! -e $1/picked.xyz ]; then
    python3 "$here/frames.py" pick $1 $1/before.xyz $1/last.xyz
    : >$1/chosen.xyz
    if [ "$2" -gt 0 ] && [ -s $1/before.xyz ]; then
      files $1/last.xyz "${learned[@]}"
      "$frozentl" select -t 1 "$potential" $1/before.xyz -n "$2" "${data[@]}" -o $1/chosen.xyz >/dev/null
    fi
    cat $1/chosen.xyz $1/last.xyz >$1/picked.part
    mv $1/picked.part $1/picked.xyz
  fi
  label $1/picked.xyz $1/new.xyz
}
errors() { # POTENTIAL FRAMES.xyz -> RMSE of all frames, and of the last one
  "$frozentl" eval -q -t 1 "$1" "$2" -j answers.json
  python3 "$here/frames.py" error "$2" answers.json
}
told() { # POTENTIAL FRAME.data
  "$lmp" -in "$here/in.told" -log none -var potential "$1" -var data "$2" -var what $what </dev/null | sed -n 's/^told //p'
}
prove() { # CYCLE; the last frame of a whole run, which no potential has learned from: what the first one and the last one make of it
  [ ! -e $1/proof.txt ] || return 0
  ask $1 0
  {
    echo "first $(errors $first $1/new.xyz | tail -1)"
    echo "last $(errors $potential $1/new.xyz | tail -1)"
  } >$1/proof.part
  mv $1/proof.part $1/proof.txt
}

# ---- 0: what is known at first

[ -e start.data ] || python3 "$here/frames.py" alloy start.data $seed "${atoms[@]}"
if ! finished start; then
  say "$(basename "$teacher") samples the alloy at 300 K"
  distill start "${sampling[@]}"
fi
potential=start/model.ftl
learned=(start/sampled.xyz)
if [ $potential_kind = model ] || [ -n "$label" ]; then
  if [ ! -e first.xyz ]; then
    "$frozentl" select -t 1 "$teacher" start/sampled.xyz -n $chosen -o first-chosen.xyz >/dev/null
    python3 "$here/frames.py" bare first-chosen.xyz first-bare.xyz
    label first-bare.xyz first.xyz
  fi
  learned=(first.xyz)
  potential=first/model.ftl
  if ! finished first; then
    say "a $potential_kind learns the $chosen structures of first.xyz"
    if [ $potential_kind = model ]; then
      tune first "$foundation" $first_epochs first.xyz
    else
      run fit first --threads 1 "${basis[@]}" --set holdout=0 --data first.xyz
    fi
  fi
fi
first=$potential

for ((k = 1; k <= cycles; k++)); do
  mkdir -p $k

  # ---- 1: heat

  if [ ! -e $k/last.dump ]; then
    rm -rf $k/heating
    mkdir $k/heating
    (cd $k/heating && "$lmp" -in "$here/in.heat" -log heat.log -screen none -var potential "../../$potential" -var data ../../start.data \
      -var what $what -var every $every -var bound $bound -var remember "$(awk "BEGIN { print $bound / 2 }")" \
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

  # ---- 2: ask

  ask $k 5

  # ---- 3: learn

  if ! finished $k/fit; then
    reached=$(tail -1 $k/heat.txt | cut -d' ' -f1)
    kelvin=$((from + (to - from) * (reached > settle ? reached - settle : 0) / steps)) # of the bath
    learn $k/fit $k/new.xyz $kelvin "${learned[@]}"
  fi
  learned+=($k/new.xyz)
  [ ! -e $k/fit/sampled.xyz ] || learned+=($k/fit/sampled.xyz)

  # ---- 4: before and after

  if [ ! -e $k/summary.txt ]; then
    python3 "$here/frames.py" data $k/picked.xyz -1 $k/last.data
    {
      echo "before $(told $potential $k/last.data) $(errors $potential $k/new.xyz | tr '\n' ' ')"
      echo "after $(told $k/fit/model.ftl $k/last.data) $(errors $k/fit/model.ftl $k/new.xyz | tr '\n' ' ')"
    } >$k/summary.part
    mv $k/summary.part $k/summary.txt
  fi
  sed "s|^|alloy-md: cycle $k, |" $k/summary.txt
  potential=$k/fit/model.ftl
done

python3 "$here/report.py" . ${quick:+--check}
