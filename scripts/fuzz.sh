#!/usr/bin/env bash
# Fuzzes the readers of files with libFuzzer under ASan and UBSan: SECONDS each (default 600), one after the other.
#
#   scripts/fuzz.sh [SECONDS [model|ftl|yace|surrogate|xyz|recipe|lammps|state]]
#
# Starts from the seeds in tests/fuzz/corpus (and, for models, the SevenNet twins of tests/parity); what it finds grows in build/fuzz/corpus-*. A crash ends it with an error
# and leaves the input in build/fuzz; `build/fuzz/fuzz_model FILE` repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
targets=${2:-model ftl yace surrogate xyz recipe lammps state}
out=build/fuzz
mkdir -p "$out"

cflags=(-std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Icore -Itrain
  $(pkg-config --cflags libzip jansson libmd zlib yaml-0.1))
libraries=($(pkg-config --libs libzip jansson libmd zlib yaml-0.1) -lm)

sources=(core/base/*.c core/math/*.c core/model/*.c core/files/*.c)

# those of the trainer, without what computes
trainer=(core/neighbour/*.c $(ls train/data/*.c train/support/*.c | grep -vE "/(evaluator|answers|compare_answers|checks|work_memory|energies|ranks|inputs)\.c$") train/tune/{train_recipe,state}.c train/surrogate/fit_recipe.c
  train/sampling/{lammps_data,structures}.c tests/fuzz/memory.c)

# Compiled once for all targets that need it.
objects() {
  local folder=$1
  shift
  mkdir -p "$folder"
  for file in "$@"; do
    local object="$folder/${file//\//_}.o"
    clang "${cflags[@]/fuzzer,/fuzzer-no-link,}" -c "$file" -o "$object"
    printf '%s\n' "$object"
  done
}
readers=($(objects "$out/readers" "${sources[@]}"))
trained=()
[[ " $targets " =~ \ (xyz|recipe|lammps|state)\  ]] && trained=($(objects "$out/trainer" "${trainer[@]}"))

for target in $targets; do
  case $target in
  xyz | recipe | lammps | state) more=("${trained[@]}") ;;
  *) more=() ;;
  esac
  seeds=("tests/fuzz/corpus/$target")
  [[ $target == model ]] && seeds+=(tests/parity/sevennet-twins)
  echo "fuzz: $target for $seconds s"
  clang "${cflags[@]}" "tests/fuzz/fuzz_$target.c" "${readers[@]}" ${more[@]+"${more[@]}"} -o "$out/fuzz_$target" "${libraries[@]}"
  mkdir -p "$out/corpus-$target"
  # rss and malloc limits: an input of 100 kB that makes a reader take 256 MB at once is a finding
  "$out/fuzz_$target" -max_total_time="$seconds" -max_len=100000 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 \
    -dict="tests/fuzz/$target.dict" -artifact_prefix="$out/" -print_final_stats=1 \
    "$out/corpus-$target" "${seeds[@]}" 2>"$out/fuzz_$target.log" ||
    { tail -40 "$out/fuzz_$target.log" >&2; echo "fuzz: $target failed, see $out/fuzz_$target.log" >&2; exit 1; }
  grep -aE '^Done|number_of_executed_units|peak_rss' "$out/fuzz_$target.log"
done
