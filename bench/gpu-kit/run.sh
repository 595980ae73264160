#!/bin/sh
# core/kokkos on the GPU of this machine: needs a driver for the CUDA that this was built with, and nothing else.
#
#   ./run.sh [SECONDS]    tests, dynamics, times and memory, most important first, in SECONDS (480) at most
#   ./run.sh lammps       LAMMPS with KOKKOS for this GPU and pair_style frozentl/kk in it: a second part, for a machine with nvcc
#
# Everything goes to results/ as it is known: log, check.csv (against the C core's numbers in cases/), nve.csv, step.csv (time of a
# step, memory, part of the bound of bounds.csv), stages.csv (time of each kernel). Ends with 1 if anything differs, and with 3
# where there is no GPU. FTL_SPACE names another execution space than Cuda, for programs that were compiled for it.
set -u
cd "$(dirname "$0")" || exit 2
[ "${1:-}" != lammps ] || exec ./lammps.sh
limit=${1:-480}
case $limit in *[!0-9]* | '') echo "run.sh: '$limit' is no number of seconds, nor 'lammps'" >&2; exit 2 ;; esac
space=${FTL_SPACE:-Cuda}
start=$(date +%s)
failed=0 unfinished=0
mkdir -p results
log=results/log
rm -f results/*.csv
: >"$log"

say() { printf '%s\n' "$*" | tee -a "$log"; }
left() { echo $((limit - $(date +%s) + start)); }
# piece MOST FILE COMMAND...: its output is added to FILE, unless the time is up; status 0 if it ended well
piece() {
  most=$1 file=$2
  shift 2
  [ "$(left)" -ge "$most" ] || most=$(left)
  if [ "$most" -lt 3 ]; then
    [ $unfinished -gt 0 ] || say 'the time is up: the rest is left out'
    unfinished=$((unfinished + 1))
    return 124
  fi
  timeout -k 5 "$most" "$@" >>"$file" 2>>"$log"
  end=$?
  case $end in
    0) ;;
    4) say "memory is full: $*" ;;
    124 | 137) unfinished=$((unfinished + 1)) && say "not finished within $most s: $*" ;;
    *) failed=$((failed + 1)) && say "ended with $end: $* ($(tail -n 1 "$log"))" ;;
  esac
  return $end
}

# ---- is there a device?

{ date -u; uname -srm; grep -m 1 'model name' /proc/cpuinfo; nvidia-smi; } >>"$log" 2>&1
./gpu_kit step models/h2cu-ace.ftl 2 double "$space" memory >results/device.csv 2>results/device.err || {
  end=$?
  say "$(cat results/device.err)"
  exit $end
}
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>>"$log" | head -n 1)
case $capability in 8.*) device=A100 ;; 9.*) device=H100 ;; *) device=none ;; esac # those that bounds.csv has

# ---- every stage and model against the C core

echo 'model,precision,atoms,nodes,difference,limit,verdict' >results/check.csv
for numbers in $(cat cases/order); do
  name=${numbers%.numbers}
  piece 60 results/check.csv ./gpu_kit check compare "$space" "results/launched-$name.csv" "cases/$numbers"
done
say "compared: $(grep -c ',same$' results/check.csv) the same, $(grep -c ',DIFFERS$' results/check.csv) differ"

# ---- dynamics

for precision in double mixed; do
  for model in h2cu-ace h2cu; do
    echo "model,$model,$precision" >>results/nve.csv
    piece 60 results/nve.csv ./gpu_kit nve models/$model.ftl 5 $precision "$space" 2000 &&
      say "dynamics of $model, $precision: $(tail -n 2 results/nve.csv | tr '\n' ' ')"
  done
done

# ---- time and memory

echo 'model,precision,engine,atoms,edges per atom,microseconds per atom,bytes per atom,difference,part of the bound' >results/step.csv
echo 'model,precision,stage,atoms,launches,microseconds per atom' >results/stages.csv
full=
for cells in 6 13 29 63; do # 900 to 1,020,000 atoms
  for model in mp0a-small mp0b3-medium h2cu-ace sevennet-0 h2cu; do
    [ -e models/$model.ftl ] || continue
    for precision in mixed double; do
      case $full in *" $model-$precision "*) continue ;; esac
      alone=alone
      [ $cells -gt 6 ] || alone= # beside the C core
      : >results/one
      # shellcheck disable=SC2086
      piece 100 results/one ./gpu_kit step models/$model.ftl $cells $precision "$space" $alone stages || full="$full $model-$precision "
      bound=$(awk -F, -v m=$model -v p=$precision -v d=$device '$1 == m && $2 == p && $3 == d { print $4 }' bounds.csv)
      awk -F, -v m=$model -v p=$precision -v b="${bound:-0}" -v s="$space" '
        /^"/ { print m "," p "," $0 >>"results/stages.csv"; next }
        { print m "," p "," $0 "," (b > 0 && $1 == s ? sprintf("%.2f", b / $4) : "-") }' results/one >>results/step.csv
      [ ! -s results/one ] || tail -n 1 results/step.csv
    done
  done
done
rm -f results/one
say "finished after $(($(date +%s) - start)) s: $failed pieces failed, $unfinished had no time"
[ $failed = 0 ]
