#!/usr/bin/env bash
# The programs that bench/inference compares with, from PyPI, and their converted models. Prints the Python to use on
# its last line. Nothing of this is needed to build, test or use FrozenTL.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf 'bench: %s\n' "$*" >&2; }

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
for model in mp0a-small mp0b3-medium; do
  source=../shared/reference/mace/$model.model
  target=build/bench/$model-HCu.json
  [ -e "$source" ] || { say "$source is not here: it comes with the development material"; exit 77; }
  if [ ! -e "$target" ]; then
    say "extracting $model for symmetrix"
    "$python" -m symmetrix.cli.extract_mace --model "$source" --chemical-symbols H Cu --output "$target.part" \
      >build/bench/extract.log 2>&1 || { tail -n 5 build/bench/extract.log >&2; exit 1; }
    mv "$target.part" "$target"
  fi
done
echo "$python"
