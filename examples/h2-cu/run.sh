#!/usr/bin/env bash
# make demo: runs in.h2-cu in LAMMPS with what `make build` made, then draws the picture. Arguments go to LAMMPS:
#   examples/h2-cu/run.sh -var incidence 0.9
set -euo pipefail
here=$PWD
cd "$(dirname "$0")"
root=../..
out=$root/build/demo
mkdir -p "$out"

[ -e "$root/build/release/pair_style/frozentlplugin.so" ] || { echo "The plugin is not built: run 'make build' first." >&2; exit 1; }
export LAMMPS_PLUGIN_PATH=$root/build/release/pair_style
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc 2>/dev/null || echo 1)}
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} # threads that wait let others have the core

# LAMMPS writes everything to the log; the screen gets the story: the model, the energies, and every error.
show='/^(ERROR|Last command|pair_style frozentl:)/ { print; fflush(); next }
      /^(Warming|H2 on its way)/ { print "\n" $0; fflush(); next }
      /^ *(Step|time_fs) / { table = 1 }
      /^Loop time/ { table = 0 }
      table { print; fflush() }'
"$root/build/venv/bin/lmp" -in in.h2-cu -log "$out/log.lammps" -var out "$out" "$@" </dev/null 2>&1 | awk "$show"

"$root/build/venv/bin/python" plot.py "$out/trajectory.csv" "$out/trajectory.xyz" "$out/h2-cu.png"
echo "Picture: $(realpath --relative-to="$here" "$out/h2-cu.png")"
