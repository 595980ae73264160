"""From the folders of finished runs to results/*.csv, the pictures, and the tables in README.md."""

import csv
import json
import os
import subprocess

from forgetting import errors_of
from plan import FINE_TUNED, FRACTIONS, HERE, MODES, SLOW_RATE, STEPS
from runner import sha256

RESULTS = os.path.join(HERE, "results")
NAMES = {"h2cu": "H2 on Cu", "ti64": "Ti-Al-V"}
WEIGHT_DECAY = 5e-7  # the trainer's default
CURVE = ["data", "mode", "fraction", "structures", "seed", "steps", "batch_size", "replay", "weight_decay", "lr",
         "trained_parameters", "energy_rmse_meV_atom", "force_rmse_meV_A", "stress_rmse_meV_A3", "cpu_seconds"]  # fmt: skip
BY_TYPE = ["data", "mode", "fraction", "seed", "steps", "replay", "weight_decay", "config_type", "frames",
           "energy_rmse_meV_atom", "force_rmse_meV_A"]  # fmt: skip
FORGETTING = ["data", "mode", "replay", "weight_decay", "lr", "energy_rmse_meV_atom", "force_rmse_meV_A",
              "target_energy_rmse_meV_atom", "target_force_rmse_meV_A"]  # fmt: skip


def milli(text):
    return f"{1e3 * float(text):.3f}" if text else ""


def read_csv(name):
    try:
        with open(os.path.join(RESULTS, name), newline="") as f:
            return list(csv.DictReader(f))
    except OSError:
        return []


def write_csv(path, columns, rows):
    with open(path + ".part", "w", newline="") as f:
        table = csv.DictWriter(f, columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    os.replace(path + ".part", path)


def rows_of(run, cpu):
    """The line of results.csv of a finished run, and those by config_type."""
    with open(os.path.join(run.folder, "log.jsonl")) as f:
        start = json.loads(f.readline())
    with open(os.path.join(run.folder, "errors.csv"), newline="") as f:
        test = [row for row in csv.DictReader(f) if row["set"] == "test"]
    common = {"data": run.data, "mode": run.mode, "fraction": run.fraction, "seed": run.seed, "steps": run.steps,
              "replay": run.options.get("replay.frames", 0),
              "weight_decay": run.options.get("optimiser.weight_decay", WEIGHT_DECAY),
              "batch_size": run.options["batch_size"],
              "structures": start["train_frames"], "trained_parameters": start["trained"],
              "lr": run.options["optimiser.lr"], "cpu_seconds": f"{cpu:.0f}"}  # fmt: skip
    rows = [{**common, "config_type": row["config_type"], "frames": row["frames"],
             "energy_rmse_meV_atom": milli(row["energy_rmse"]), "force_rmse_meV_A": milli(row["forces_rmse"]),
             "stress_rmse_meV_A3": milli(row["stress_rmse"])} for row in test]  # fmt: skip
    return rows[-1], rows


def collect(pool, runs, foundation):
    """results.csv, mlearn.csv, by-type.csv and forgetting.csv from what is finished. Errors on the foundation's set are
    kept beside each run: they take a while."""
    lines, by_type, forgotten = [], [], []
    for run in runs:
        if not pool.finished(run):
            continue
        line, rows = rows_of(run, pool.read(run)["cpu_seconds"])
        lines.append(line)
        by_type += rows
        if run.shows_forgetting():
            energy, force = kept_errors(pool, os.path.join(run.folder, "model.ftl"), run.folder + ".forgetting")
            forgotten.append({**line, "energy_rmse_meV_atom": energy, "force_rmse_meV_A": force,
                              "target_energy_rmse_meV_atom": line["energy_rmse_meV_atom"],
                              "target_force_rmse_meV_A": line["force_rmse_meV_A"]})  # fmt: skip
    if forgotten:
        kept = os.path.join(os.path.dirname(runs[0].folder), "foundation.forgetting")
        energy, force = kept_errors(pool, foundation, kept)
        forgotten.insert(0, {"mode": "foundation", "energy_rmse_meV_atom": energy, "force_rmse_meV_A": force})
    os.makedirs(RESULTS, exist_ok=True)
    write_csv(os.path.join(RESULTS, "results.csv"), CURVE, [line for line in lines if line["data"] != "mo"])
    write_csv(os.path.join(RESULTS, "mlearn.csv"), CURVE, [line for line in lines if line["data"] == "mo"])
    write_csv(os.path.join(RESULTS, "by-type.csv"), BY_TYPE, by_type)
    write_csv(os.path.join(RESULTS, "forgetting.csv"), FORGETTING, forgotten)


def kept_errors(pool, model, path):
    digest = sha256(model)
    if os.path.exists(path):
        with open(path) as f:
            kept = json.load(f)
        if kept["model"] == digest:
            return kept["energy"], kept["force"]
    energy, force = (f"{value:.2f}" for value in errors_of(pool.frozentl, model))
    with open(path, "w") as f:
        json.dump({"model": digest, "energy": energy, "force": force}, f)
    return energy, force


# What the tables and pictures are made of: the csv files only.


def plain(row):
    """A point of the curves: no replay, the usual decay, not a long run."""
    return usual(row) and row["steps"] == str(STEPS)


def usual(row):
    return row["replay"] == "0" and float(row["weight_decay"]) == WEIGHT_DECAY


def point(rows, **where):
    """Mean (energy, force, number) over the seeds of the rows that fit, or None."""
    fit = [row for row in rows if all(row[key] == str(value) for key, value in where.items())]
    if not fit:
        return None
    mean = [sum(float(row[key]) for row in fit) / len(fit) for key in ("energy_rmse_meV_atom", "force_rmse_meV_A")]
    return (*mean, len(fit))


def draw(frozentl, work):
    rows = [row for row in read_csv("results.csv") if plain(row)]
    for data in ("h2cu", "ti64"):
        table = os.path.join(work, f"{NAMES[data]}, {STEPS} steps for every point.csv")  # the picture's title
        write_csv(table, [name for name in CURVE if name != "fraction"], [row for row in rows if row["data"] == data])
        picture = os.path.join(RESULTS, f"{data}.svg")
        subprocess.run([frozentl, "plot", "--curve", table, "--output", picture], check=True, stdout=subprocess.DEVNULL)


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def curve_table(data):
    rows = [row for row in read_csv("results.csv") if plain(row) and row["data"] == data]
    sizes = {row["fraction"]: row["structures"] for row in rows}
    fractions = [str(f) for f in FRACTIONS if str(f) in sizes]
    best = {}
    for f in fractions:
        points = [p for p in (point(rows, mode=mode, fraction=f) for mode in MODES) if p]
        best[f] = [min(p[k] for p in points) for k in (0, 1)]

    def cell(mode, f):
        p = point(rows, mode=mode, fraction=f)
        if not p:
            return "-"
        words = [f"{p[0]:.2f}", f"{p[1]:.1f}"]
        return " / ".join(f"**{word}**" if p[k] == best[f][k] else word for k, word in enumerate(words))

    head = ["mode", "trained"] + [f"{100 * float(f):g} % ({sizes[f]})" for f in fractions]
    trained = {row["mode"]: row["trained_parameters"] for row in rows}
    modes = [mode for mode in MODES if mode in trained]
    return markdown(head, [[mode, trained[mode]] + [cell(mode, f) for f in fractions] for mode in modes])


def headline_table():
    """The best frozen mode against scratch on everything, each with as many steps."""
    rows = [row for row in read_csv("results.csv") if usual(row)]
    table = []
    for data in ("h2cu", "ti64"):
        for steps in sorted({row["steps"] for row in rows if row["data"] == data}, key=int):
            here = [row for row in rows if row["data"] == data and row["steps"] == steps]
            scratch = point(here, mode="scratch", fraction="1.0")
            for fraction in ("0.2", "0.1"):
                points = [(mode, point(here, mode=mode, fraction=fraction)) for mode in FINE_TUNED if mode != "f0"]
                points = [(mode, p) for mode, p in points if p]
                if not points or not scratch:
                    continue
                mode, p = min(points, key=lambda entry: entry[1][0] / scratch[0] + entry[1][1] / scratch[1])
                table.append([data, steps, f"{100 * float(fraction):g} %", mode, f"{p[0]:.2f} / {p[1]:.1f}",
                              f"{scratch[0]:.2f} / {scratch[1]:.1f}",
                              f"{p[0] / scratch[0]:.2f} / {p[1] / scratch[1]:.2f}"])  # fmt: skip
    return markdown(["data", "steps", "part", "best frozen mode", "its errors", "scratch on 100 %", "ratios"], table)


def pair(row, prefix, energy_digits, force_digits):
    energy, force = (float(row[prefix + name]) for name in ("energy_rmse_meV_atom", "force_rmse_meV_A"))
    return f"{energy:.{energy_digits}f} / {force:.{force_digits}f}"


def forgetting_table():
    rows = read_csv("forgetting.csv")
    base = next((row for row in rows if row["mode"] == "foundation"), None)
    if not base:
        return ""

    def cells(data, mode, replay, decay, rate=None):
        wanted = (data, mode, replay, decay, float(rate or MODES[mode]["optimiser.lr"]))
        for row in rows[1:]:
            this = (row["data"], row["mode"], row["replay"] != "0", row["weight_decay"] != "0", float(row["lr"]))
            if this == wanted:
                return [pair(row, "", 1, 0), pair(row, "target_", 2, 1)]
        return ["", ""]

    table = [["", "foundation", pair(base, "", 1, 0), *[""] * 5]]
    for data in ("h2cu", "ti64"):
        for mode in FINE_TUNED:
            table.append([data, mode, *cells(data, mode, False, True), *cells(data, mode, False, False),
                          *cells(data, mode, True, False)])  # fmt: skip
        table.append([data, f"linears, lr {SLOW_RATE}", *[""] * 4, *cells(data, "linears", True, False, SLOW_RATE)])
    head = ["data", "mode"]
    for what in ("as in the curves", "no weight decay", "no weight decay, replay"):
        head += [f"foundation/valid, {what}", "own test"]
    return markdown(head, table)


def mlearn_table():
    rows = read_csv("mlearn.csv")
    fractions = sorted({row["fraction"] for row in rows}, key=float)
    sizes = {row["fraction"]: row["structures"] for row in rows}

    def cell(mode, f):
        p = point(rows, mode=mode, fraction=f)
        return f"{p[0]:.2f} / {p[1]:.1f}" if p else "-"

    modes = [mode for mode in MODES if any(row["mode"] == mode for row in rows)]
    return markdown(["mode"] + [f"{100 * float(f):g} % ({sizes[f]})" for f in fractions],
                    [[mode] + [cell(mode, f) for f in fractions] for mode in modes])  # fmt: skip


def long_table():
    rows = [row for row in read_csv("results.csv") if usual(row) and not plain(row)]
    return markdown(["data", "mode", "part", "structures", "steps", "batch", "energy / forces", "CPU s"],
                    [[row["data"], row["mode"], f"{100 * float(row['fraction']):g} %", row["structures"], row["steps"],
                      row["batch_size"],
                      pair(row, "", 2, 1), row["cpu_seconds"]] for row in rows])  # fmt: skip


def fill_readme():
    """Replaces what is between '<!-- NAME -->' and '<!-- end -->' in README.md."""
    path = os.path.join(HERE, "README.md")
    with open(path) as f:
        text = f.read()
    tables = {"h2cu": curve_table("h2cu"), "ti64": curve_table("ti64"), "headline": headline_table(),
              "long": long_table(), "forgetting": forgetting_table(), "mlearn": mlearn_table()}  # fmt: skip
    for name, table in tables.items():
        before, found, rest = text.partition(f"<!-- {name} -->\n")
        if found:
            _, _, after = rest.partition("<!-- end -->")
            text = before + found + table + "\n<!-- end -->" + after
    with open(path + ".part", "w") as f:
        f.write(text)
    os.replace(path + ".part", path)
