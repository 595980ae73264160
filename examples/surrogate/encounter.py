"""What workflow.sh found in LAMMPS: how the encounter went and what a step cost (results/summary.md).

    python3 examples/surrogate/encounter.py FOLDER [--quick]

With --quick (ctest) it fails unless every step left what it should and the surrogate is of use. Standard library only.
"""

import csv
import os
import re
import sys

RUNS = {"tuned": "fine-tuned", "surrogate": "surrogate", "gamma": "surrogate, with gamma every 8 steps"}
LOOSEST = 120.0  # meV/A, of the forces of both after the short run; 41 and 58 were measured
PRODUCTS = ("tuned/model.ftl", "tuned/plots/history.svg", "surrogate/model.yace", "surrogate/model.ftl", "surrogate/report.json",
            "surrogate/sampled.xyz", "results/workflow.svg")  # fmt: skip


def rows(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def step_time(log):
    """Milliseconds of processor time per step of the last run in a LAMMPS log: time on the wall times the share used."""
    with open(log) as f:
        text = f.read()
    seconds, steps = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps", text)[-1]
    share = re.findall(r"([\d.]+)% CPU use", text)[-1]
    return 1000 * float(seconds) / int(steps) * float(share) / 100, int(steps)


def encounter(folder):
    track = rows(os.path.join(folder, "trajectory.csv"))
    longest = max(float(row["hh_A"]) for row in track)
    lowest = min(track, key=lambda row: float(row["h1_A"]) + float(row["h2_A"]))
    energies = [float(row["etotal_eV"]) for row in track]
    height = (float(lowest["h1_A"]) + float(lowest["h2_A"])) / 2
    opened = next((float(row["time_fs"]) for row in track if float(row["hh_A"]) > 1.6), None)
    return {"steps": len(track), "turn, Å": f"{height:.2f}", "longest bond, Å": f"{longest:.2f}",
            "bond over 1.6 Å after, fs": "-" if opened is None else f"{opened:.0f}",
            "energy kept within, meV": f"{1000 * (max(energies) - min(energies)):.1f}"}  # fmt: skip


def force_error(out, label):
    for row in rows(os.path.join(out, "results", "workflow_labels.csv")):
        if row["config_type"] == "total" and row["RMSE of"] == "forces":
            return float(row[label])
    raise SystemExit("results/workflow_labels.csv has no total of the forces")


def summary(out):
    yield "| molecular dynamics | ms per step | turn, Å | longest bond, Å | bond over 1.6 Å after, fs | energy kept within, meV |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name, title in RUNS.items():
        folder = os.path.join(out, f"md-{name}")
        cost, _ = step_time(os.path.join(folder, "log.lammps"))
        found = encounter(folder)
        cells = [found[key] for key in found if key != "steps"]
        yield f"| {title} | {cost:.2f} | " + " | ".join(cells) + " |"
    gammas = [float(row["gamma"]) for row in rows(os.path.join(out, "md-gamma", "gamma.csv"))]
    beyond = sum(x > 2 for x in gammas)
    yield ""
    yield f"Extrapolation grade gamma of the surrogate, largest of an atom: {max(gammas):.2f}; above 2 in {beyond} of {len(gammas)} frames."


def check(out):
    """What is wrong after the short run, as sentences."""
    for name in PRODUCTS:
        path = os.path.join(out, name)
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            yield f"{name} was not made"
    for label in ("tuned", "surrogate"):
        error = force_error(out, label)
        if not 0 < error < LOOSEST:
            yield f"force error of {label} on test: {error} meV/Å, expected less than {LOOSEST:g}"


def main(out, quick):
    text = "\n".join(summary(out))
    print(text, flush=True)
    with open(os.path.join(out, "results", "summary.md"), "w") as f:
        f.write(text + "\n")
    wrong = list(check(out)) if quick else []
    for sentence in wrong:
        print(f"workflow: {sentence}")
    if quick and not wrong:
        print("workflow: every step is there")
    return bool(wrong)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1], "--quick" in sys.argv[2:]))
