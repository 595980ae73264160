"""Tables of results/. runs.csv has a line for each finished run, read from the run's folder, which may then go."""

import csv
import json
import os

RUNS = ("run", "purpose", "target", "mode", "structures", "seed", "lr", "batch_size", "trained_parameters", "steps", "epochs",
           "best_epoch", "stopped", "cpu_seconds", "valid_loss", "valid_energy_rmse_meV_atom", "valid_force_rmse_meV_A",
           "valid_stress_rmse_meV_A3", "energy_rmse_meV_atom", "force_rmse_meV_A", "stress_rmse_meV_A3", "recipe")  # fmt: skip


def read(path):
    try:
        with open(path, newline="") as f:
            return list(csv.DictReader(f))
    except OSError:
        return []


def add(path, columns, *rows):
    """The table with these lines, which take the place of older ones of the same runs; all lines."""
    new = {row["run"] for row in rows}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "w", newline="") as f:
        lines = csv.DictWriter(f, columns, lineterminator="\n")
        lines.writeheader()
        lines.writerows([other for other in read(path) if other["run"] not in new] + list(rows))
    os.replace(path + ".part", path)
    return read(path)


def milli(text):
    return f"{1e3 * float(text):.3f}" if text else ""


def totals(folder):
    """set -> its last line of errors.csv, that of all structures."""
    with open(os.path.join(folder, "errors.csv"), newline="") as f:
        return {row["set"]: row for row in csv.DictReader(f)}


def row_of(run, cpu):
    with open(os.path.join(run.folder, "log.jsonl")) as f:
        events = [json.loads(line) for line in f]
    start = next(event for event in events if event["event"] == "start")
    end = [event for event in events if event["event"] == "end"][-1]
    last = [event for event in events if event["event"] == "epoch"][-1]
    sets = totals(run.folder)
    row = {"run": run.name, "purpose": run.purpose, "target": run.target, "mode": run.mode, "structures": start["train_frames"],
           "seed": run.seed, "lr": run.options.get("optimiser.lr", ""), "batch_size": run.options.get("batch_size", ""),
           "trained_parameters": start["trained"], "steps": last["step"], "epochs": last["epoch"],
           "best_epoch": end["best_epoch"], "stopped": end["reason"], "cpu_seconds": f"{cpu:.0f}",
           "valid_loss": f"{end['best_valid_loss']:.6g}", "recipe": run.digest()}  # fmt: skip
    for prefix, name in (("valid_", "valid"), ("", "test")):
        for key, column in (("energy_rmse_meV_atom", "energy_rmse"), ("force_rmse_meV_A", "forces_rmse"),
                            ("stress_rmse_meV_A3", "stress_rmse")):  # fmt: skip
            row[prefix + key] = milli(sets[name][column])
    return row
