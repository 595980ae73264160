#!/usr/bin/env bash
# Fuzzes the readers of models with libFuzzer under ASan and UBSan: SECONDS each (default 600), one after the other.
#
#   scripts/fuzz.sh [SECONDS [model|ftl|yace|surrogate]]
#
# Starts from the seeds in tests/fuzz/corpus; what it finds grows in build/fuzz/corpus-*. A crash ends it with an error
# and leaves the input in build/fuzz; `build/fuzz/fuzz_model FILE` repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
targets=${2:-model ftl yace surrogate}
out=build/fuzz
mkdir -p "$out"

cflags=(-std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Icore
  $(pkg-config --cflags libzip jansson libmd zlib yaml-0.1))
libraries=($(pkg-config --libs libzip jansson libmd zlib yaml-0.1) -lm)

sources=(core/model/*.c core/io/*.c core/ace/{ace_check,surrogate,yace_reader,yace_writer,yaml}.c)

for target in $targets; do
  echo "fuzz: $target for $seconds s"
  clang "${cflags[@]}" "${sources[@]}" "tests/fuzz/fuzz_$target.c" -o "$out/fuzz_$target" "${libraries[@]}"
  mkdir -p "$out/corpus-$target"
  # rss and malloc limits: an input of 100 kB that makes a reader take 256 MB at once is a finding
  "$out/fuzz_$target" -max_total_time="$seconds" -max_len=100000 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 \
    -dict="tests/fuzz/$target.dict" -artifact_prefix="$out/" -print_final_stats=1 \
    "$out/corpus-$target" "tests/fuzz/corpus/$target" 2>"$out/fuzz_$target.log" ||
    { tail -40 "$out/fuzz_$target.log" >&2; echo "fuzz: $target failed, see $out/fuzz_$target.log" >&2; exit 1; }
  grep -aE '^Done|number_of_executed_units|peak_rss' "$out/fuzz_$target.log"
done
