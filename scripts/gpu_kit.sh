#!/usr/bin/env bash
# Builds build/gpu-kit, a folder that tests and measures core/kokkos on a machine with a GPU and nothing but its driver
# (docs/kokkos.md), and says what it does. No GPU is needed here.
#
#   scripts/gpu_kit.sh        for NVIDIA GPUs: A100 (sm_80), H100 (sm_90), later ones by its PTX; needs nvcc (see scripts/kokkos.sh gpu)
#   scripts/gpu_kit.sh host   with the programs of build/release instead, into build/gpu-kit-host: FTL_SPACE=Serial ./run.sh there
#
#   JOBS=1    compilers at a time, at nice 10
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'gpu-kit: %s\n' "$*"; }
fail() { printf 'gpu-kit: %s\n' "$*" >&2; exit 1; }
most=50 # MB
targets=(gpu_kit make_scratch frozentl_cli)

case ${1:-} in
  '')
    kit=build/gpu-kit build=build/gpu-kit-build
    scripts/kokkos.sh gpu
    log=$PWD/build/gpu-kit-build.log
    say "building the programs in $build (log: ${log#"$PWD"/})"
    {
      cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DFTL_KOKKOS=ON -DKokkos_DIR="$PWD/build/kokkos/gpu" -DFTL_PLUGIN=OFF \
        -DFTL_GPU_KIT=ON -DCMAKE_CXX_COMPILER="$PWD/build/kokkos/nvcc" -DCMAKE_CXX_COMPILER_LAUNCHER= -DCMAKE_CXX_FLAGS=--expt-relaxed-constexpr
      NVCC_APPEND_FLAGS='-gencode arch=compute_90,code=[sm_90,compute_90] -compress-mode=size' \
        nice -n 10 cmake --build $build -j "${JOBS:-1}" --target "${targets[@]}"
    } </dev/null >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "failed: all of its output is in ${log#"$PWD"/}"; }
    ;;
  host)
    kit=build/gpu-kit-host build=build/release
    cmake --build $build --target "${targets[@]}" >/dev/null
    ;;
  *) fail "unknown argument '$1': use 'host' or none" ;;
esac

rm -rf $kit
mkdir -p $kit/lib $kit/models $kit/cases
cp $build/bench/gpu_kit $kit/
strip $kit/gpu_kit
cp bench/gpu-kit/run.sh bench/gpu-kit/lammps.sh bench/gpu-kit/in.lammps LICENSE $kit/

# Libraries that a bare Debian or Ubuntu may lack go along; the C library is the machine's. A copy is found before the system's,
# as DT_RPATH (bench/CMakeLists.txt) says.
say "libraries"
ldd $kit/gpu_kit | awk '$3 ~ "^/" { print $3 }' | sort -u |
  grep -vE '/(libc|libm|libdl|libpthread|librt|libcuda)\.so' | xargs -r cp -Lt $kit/lib

say "models, and the C core's numbers for them"
while read -r pattern; do
  case $pattern in '' | '#'*) continue ;; esac
  for model in $pattern; do
    [ -e "$model" ] || fail "bench/gpu-kit/models.txt: there is no $model"
    name=${model##*/}
    structures=${model%.*}.xyz
    [ -e "$structures" ] || structures=
    cp "$model" $kit/cases/
    $build/bench/gpu_kit check record "$kit/cases/$name.numbers" "$model" ${structures:+"$structures"}
    echo "$name.numbers" >>$kit/cases/order
  done
done <bench/gpu-kit/models.txt
$build/tests/parity/make_scratch $kit/models published
for model in h2cu h2cu-ace; do ln $kit/cases/$model.ftl $kit/models/; done
$build/train/frozentl convert sevennet-0 $kit/models/sevennet-0.ftl --elements H,Cu >/dev/null 2>&1 ||
  say "without SevenNet-0, which is not on this machine: '$build/train/frozentl foundation sevennet-0' gets it"
bounds=(h2cu mp0a-small mp0b3-medium sevennet-0)
bench/programs/gpu_estimate --csv --models "${bounds[@]}" >$kit/bounds.csv

# ---- sources for lammps.sh

if [ $kit = build/gpu-kit ]; then
  say "sources"
  mkdir $kit/src
  kokkos=$(cat build/kokkos/gpu/.source)
  tar cJf $kit/src/kokkos.tar.xz -C "$kokkos" --exclude=unit_test --exclude=unit_tests --exclude=benchmarks --exclude=.git .
  git ls-files -z ':!potentials' ':!docs/img' ':!bench/results' ':!examples' | tar cJf $kit/src/frozentl.tar.xz --null -T -
  # Of LAMMPS what its build reads with the packages KOKKOS and PLUGIN: 4 MB of 214.
  if scripts/kokkos.sh lammps-source; then
    lammps=${FTL_LAMMPS_SOURCE:-build/kokkos/lammps-source}
    (cd "$lammps" && find LICENSE cmake src/KOKKOS src/PLUGIN src/*.cpp src/*.h -type f -print0) |
      tar cJf $kit/src/lammps.tar.xz -C "$lammps" --null -T -
  else
    say "without the source of LAMMPS: ./run.sh lammps wants it in LAMMPS_SOURCE"
  fi
fi

# ---- what it promises

missing=$(ldd $kit/gpu_kit | grep -E 'not found|=> /' |
  grep -vE "=> $PWD/$kit/lib/|/(libc|libm|libdl|libpthread|librt)\.so" || true)
[ -z "$missing" ] || fail "a program uses libraries that are not in the kit: $missing"
if ldd $kit/gpu_kit | grep -qE 'libcuda|libcudart'; then fail "a program is linked with a library of CUDA"; fi
size=$(du -sm $kit | cut -f1)
[ "$size" -le $most ] || fail "$kit has $size MB, more than $most"
say "$kit has $size MB; on the other machine: ./run.sh (8 minutes), results in results/"
