#!/usr/bin/env bash
# A labeller of loop.sh, `label.sh IN.xyz OUT.xyz`, to copy: python -m frozentl.label with tialv.ftl as a calculator of ASE. In its place your own,
# or VASP: --vasp FOLDER --incar INCAR --potcar POTENTIALS.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
export PYTHONPATH="$root/python${PYTHONPATH:+:$PYTHONPATH}"
exec "$root/build/venv/bin/python" -m frozentl.label --calculator frozentl.calculator:FrozenTL --set potential="$root/potentials/tialv.ftl" --set threads=1 "$@"
