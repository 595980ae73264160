#!/usr/bin/env bash
# Path-integral dynamics of H on Cu(111) with i-PI: run.sh [STEPS [BEADS [CLIENTS]]]; 2000 steps of 8 beads take about a minute on two
# cores. PYTHON (default: build/venv's) has ASE, frozentl and i-PI ("pip install ipi").
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$here/../.."
steps=${1:-2000} beads=${2:-8} clients=${3:-2}
python=${PYTHON:-$root/build/venv/bin/python}
ipi=$(dirname "$python")/i-pi
[ -x "$ipi" ] || { echo "i-pi: there is no $ipi: pip install ipi, or name a Python that has it in PYTHON" >&2; exit 77; }
export PYTHONPATH="$root/python${PYTHONPATH:+:$PYTHONPATH}" OMP_NUM_THREADS=1
into=${OUT:-$root/build/i-pi}
mkdir -p "$into"
cd "$into"
address=frozentl-$$ # i-PI's socket is /tmp/ipi_ADDRESS
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "/tmp/ipi_$address"' EXIT
rm -f h-cu.out RESTART EXIT
"$python" "$here/start.py"
sed -e "s/ADDRESS<\/address/$address<\/address/" -e "s/nbeads='BEADS'/nbeads='$beads'/" -e "s/>STEPS</>$steps</" "$here/input.xml" >input.xml
"$ipi" input.xml >i-pi.log 2>&1 &
server=$!
for ((k = 0; k < 600; k++)); do
  [ ! -S "/tmp/ipi_$address" ] || break
  kill -0 $server 2>/dev/null || { tail -n 5 i-pi.log >&2; exit 1; }
  sleep 0.1
done
for ((k = 0; k < clients; k++)); do
  "$python" "$here/driver.py" "$root/potentials/h2cu.ftl" start.xyz "$address" >driver-$k.log 2>&1 &
done
wait $server || { tail -n 5 i-pi.log >&2; exit 1; }
"$python" "$here/result.py" h-cu.out
