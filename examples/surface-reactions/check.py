"""The short version, for ctest: everything here once with the surrogate, on Cu(111), and whether the physics holds.

    examples/surface-reactions/run.sh check.py

Adsorption and barrier must be what results/ has; the probability of dissociation must grow with energy and with vibration, by
more than chance can explain, and agree with results/; a batch that was cut off must go on to the same file; energy must be kept.
"""

import csv
import os
import subprocess
import sys
import tempfile

from arguments import RESULTS
from outcomes import points_of, wilson
from report import shipped

HERE = os.path.dirname(os.path.abspath(__file__))
POTENTIAL = f"ace={shipped('h2cu-ace.ftl')}"
COUNT = 14
SURE = 3.3  # standard deviations: one chance in a thousand
failures = []


def check(what, value, low, high):
    good = low <= value <= high
    print(f"{'ok    ' if good else 'FAILED'} {what}: {value:.4g}, expected {low:.4g} to {high:.4g}", flush=True)
    if not good:
        failures.append(what)


def run(script, *words):
    command = [sys.executable, os.path.join(HERE, script), *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{script} ended with {done.returncode}: {done.stdout[-1500:]}")
    return done.stdout


def values(path):
    """(first column, second column) -> value of the surrogate."""
    with open(path, newline="") as f:
        return {(line[list(line)[0]], line[list(line)[1]]): float(line["ace"]) for line in csv.DictReader(f)}


def adsorption(folder):
    run("adsorption.py", POTENTIAL, "--faces", "111", "--out", folder)
    now, kept = (values(os.path.join(where, "adsorption.csv")) for where in (folder, RESULTS))
    for site in ("fcc", "hcp", "bridge", "top"):
        check(f"H on {site}, eV", now["Cu(111)", site], kept["Cu(111)", site] - 0.003, kept["Cu(111)", site] + 0.003)
    hollow = max(now["Cu(111)", "fcc"], now["Cu(111)", "hcp"])
    check("bridge over the hollows, eV", now["Cu(111)", "bridge"] - hollow, 0.05, 0.3)
    check("top over bridge, eV", now["Cu(111)", "top"] - now["Cu(111)", "bridge"], 0.1, 0.8)


def barrier(folder):
    run("barriers.py", POTENTIAL, "--faces", "111", "--images", "5", "--force", "0.02", "--out", folder,
        "--keep", folder)  # fmt: skip
    now, kept = (values(os.path.join(where, "barriers.csv")) for where in (folder, RESULTS))
    tolerances = {"barrier": 0.005, "bond length there": 0.03, "height there": 0.03, "two H in the hollows": 0.005}
    for name, tolerance in tolerances.items():
        there = kept["Cu(111)", name]
        check(f"{name}, eV or Å", now["Cu(111)", name], there - tolerance, there + tolerance)
    check("barrier, eV, as PBE-like functionals have it", now["Cu(111)", "barrier"], 0.5, 0.75)


def batch(folder, jobs="1"):
    run("sticking.py", POTENTIAL, "--faces", "111", "--energies", "0.4", "0.6", "1.0", "--count", str(COUNT), "--jobs", jobs,
        "--out", folder)  # fmt: skip


def sticking(folder):
    batch(folder)
    path = os.path.join(folder, "trajectories-ace.csv")
    points = points_of(path)
    counts = {where[1:]: point.count() for where, point in points.items()}
    print("       dissociated:", ", ".join(f"v = {v}, {energy:g} eV: {n} of {COUNT}" for (v, energy), n in counts.items()))
    for v in (0, 1):
        surely(f"v = {v}: more at 1.0 eV than at 0.4 eV", counts[v, 1.0], counts[v, 0.4])
    surely("0.6 eV: more with v = 1 than with v = 0", counts[1, 0.6], counts[0, 0.6])
    check("undecided", sum(point.count("undecided") for point in points.values()), 0, 0)
    drifts = [float(line["drift_meV"]) for point in points.values() for line in point.lines.values()]
    check("most that an energy varied, meV", max(drifts), 0, 60)
    with open(os.path.join(RESULTS, "sticking.csv"), newline="") as f:
        kept = {(line["v"], line["energy_eV"]): float(line["probability"]) for line in csv.DictReader(f)
                if (line["potential"], line["surface"]) == ("ace", "Cu(111)")}  # fmt: skip
    for (v, energy), n in counts.items():
        low, high = wilson(n, COUNT, SURE)
        check(f"v = {v}, {energy:g} eV: the probability in results/", kept[str(v), f"{energy:g}"], low, high)


def surely(what, more, less):
    """The two intervals, each of 84 % or so, do not overlap: as sure as 95 % for the difference."""
    check(what, wilson(more, COUNT, 1.4)[0] - wilson(less, COUNT, 1.4)[1], 0, 1)


def interrupted(folder):
    """The file loses its last encounters and a half; two processes make them again."""
    path = os.path.join(folder, "trajectories-ace.csv")
    with open(path) as f:
        whole = f.read()
    with open(path, "w") as f:
        f.write(whole[: whole.rindex("\n", 0, -300) + 20])
    batch(folder, jobs="2")
    with open(path) as f:
        check("a batch that was cut off ends as the whole one (1: yes)", int(f.read() == whole), 1, 1)


def pictures(folder):
    run("summary.py", folder, "--out", folder)
    for name in ("sticking.svg", "mep.svg"):
        with open(os.path.join(folder, name)) as f:
            check(f"{name}: lines", f.read().count("<path"), 10, 1000)
    run("sticking.py", POTENTIAL, "--film", "111", "1", "1.0", "0", "--out", folder)
    films = [name for name in os.listdir(folder) if name.startswith("film-")]
    with open(os.path.join(folder, films[0])) as f:
        check("frames of the film", f.read().count("Lattice="), 30, 3000)


def main():
    with tempfile.TemporaryDirectory(prefix="frozentl-surface-") as folder:
        for part in (adsorption, barrier, sticking, interrupted, pictures):
            part(folder)
    if failures:
        sys.exit(f"{len(failures)} checks failed: {', '.join(failures)}")


if __name__ == "__main__":
    sys.exit(main())
