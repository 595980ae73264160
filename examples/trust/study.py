"""Calibration and ranking of `frozentl trust`, in distribution and out of it, beside an ensemble: see README.md."""

import argparse
import csv
import dataclasses
import json
import os
import resource
import sys
import tempfile

import cases
import frozentl
import numpy as np
import report
import table
from cases import CASES, ROOT, TEACHER, write_if_other
from frozentl import Evaluation
from frozentl._calibration import calibration, correlation, scale
from frozentl.label import main as label

FOUNDATION = os.path.join(ROOT, "potentials", "ftl-metals-0.ftl")
LABELLER = ("--calculator", "frozentl.calculator:FrozenTL", "--set", f"potential={TEACHER}", "--set", "threads=1")
COLUMNS = ("case", "test", "outside", "method", "quantity", "errors", "error", "told", "in_68", "in_95", "miscalibration", "spearman",
           "beyond_3", "gamma_median", "gamma_above_2")  # fmt: skip
BINS, DOTS = 10, 120


def seconds():
    """Of the processor, of all commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# ---- runs: what is there is not repeated


def texts(case, folder):
    """Files of train, valid and tests."""
    train, valid, tests = cases.sets_of(case)
    paths = {}
    for name, text in (("train", train), ("valid", valid)):
        paths[name] = os.path.join(folder, name + ".xyz")
        write_if_other(paths[name], "".join(text))
    for name, (made, text) in tests.items():
        paths[name] = os.path.join(folder, f"test-{name}.xyz")
        if made:
            bare = os.path.join(folder, f"bare-{name}.xyz")
            write_if_other(bare, "".join(text))
            if not os.path.exists(paths[name]) and label([*LABELLER, bare, paths[name]]):
                sys.exit(1)  # it has said why
        else:
            write_if_other(paths[name], "".join(text))
    return paths


def models(case, paths, folder, costs):
    """One taught model, and all members of the ensemble, of which it is the first."""
    members = []
    for k in range(1, case.members + 1):
        run = os.path.join(folder, f"member-{k}")
        members.append(os.path.join(run, "model.ftl"))
        done = os.path.join(run, "errors.csv")
        if not os.path.exists(done):
            before = seconds()
            if os.path.exists(os.path.join(run, "state.ftl")):
                frozentl.train(resume=run)
            else:
                frozentl.train(paths["train"], foundation=FOUNDATION, output=run, epochs=case.epochs, seed=k, valid_fraction=0.15,
                               threads=1, precision="mixed", trust=False)  # fmt: skip
            costs[f"member-{k}"] = seconds() - before
    taught = os.path.join(folder, "taught.ftl")
    if not os.path.exists(taught):
        before = seconds()
        frozentl.trust(members[0], paths["train"], valid=paths["valid"], output=taught)
        costs["trust"] = seconds() - before
    return taught, members


def answers(name, model, data, folder, **how):
    """frames of `frozentl eval --json`."""
    path = os.path.join(folder, f"{name}.json")
    if not os.path.exists(path):
        frames = frozentl.evaluate(model, data, **how).frames
        with open(path + ".part", "w") as f:
            json.dump(frames, f)
        os.replace(path + ".part", path)
    with open(path) as f:
        return Evaluation(json.load(f))


def ensemble(members):
    """The mean of the members' answers, with their standard deviations where the posterior has its own."""
    frames = []
    for group in zip(*(member.frames for member in members)):
        energy, forces = (np.array([f[key] for f in group]) for key in ("energy", "forces"))
        spread = forces.std(axis=0, ddof=1)
        frames.append({"energy": energy.mean(), "forces": forces.mean(axis=0), "reference": group[0]["reference"],
                       "total_deviation": energy.std(ddof=1), "force_deviation": np.sqrt((spread**2).sum(axis=1))})  # fmt: skip
    return Evaluation(frames)


# ---- figures


def measure(case, paths, folder, costs):
    """For each test and method: its errors and what was told of them, scaled on valid."""
    taught, members = models(case, paths, folder, costs)
    found = {}

    def all_of(name):
        before, now = len(os.listdir(folder)), seconds()
        one = answers(f"{name}-taught", taught, paths[name], folder, trust=True)
        rest = [answers(f"{name}-{k}", member, paths[name], folder) for k, member in enumerate(members[1:], 2)]
        if len(os.listdir(folder)) > before:
            costs[f"eval-{name}"] = seconds() - now
        return one, ensemble([one, *rest])

    valid = all_of("valid")[1]
    scales = {quantity: scale(*valid.told(quantity)) for quantity in ("energy", "forces")}
    for name in case.tests:
        one, all_members = all_of(name)
        gamma = np.concatenate(one.values("extrapolation"))
        for quantity in ("forces", "energy"):
            found[name, "posterior", quantity] = (*one.told(quantity), gamma)
            error, told = all_members.told(quantity)
            found[name, "ensemble", quantity] = error, told * scales[quantity], None
    return found


def row_of(name, case, key, error, told, gamma):
    test, method, quantity = key
    c = calibration(error, told, 3 if quantity == "forces" else 1)
    grades = (f"{np.median(gamma):.2f}", f"{np.mean(gamma > 2):.3f}") if gamma is not None and quantity == "forces" else ("", "")
    numbers = [f"{1e3 * c.error:.3g}", f"{1e3 * c.deviation:.3g}", f"{c.within_68:.3f}", f"{c.within_95:.3f}", f"{c.miscalibration:.3f}",
               f"{c.spearman:.2f}", f"{np.mean(error > 3 * told):.4f}"]  # fmt: skip
    return dict(zip(COLUMNS, (name, test, int(case.tests[test].outside), method, quantity, c.n, *numbers, *grades)))


def bins_of(name, case, key, error, told):
    """By deviation, each with as many forces: root mean squares."""
    order = np.argsort(told, kind="stable")
    for k, part in enumerate(np.array_split(order, BINS)):
        yield {"case": name, "test": key[0], "outside": int(case.tests[key[0]].outside), "method": key[1], "bin": k + 1, "forces": len(part),
               "told": f"{1e3 * np.sqrt(np.mean(told[part] ** 2)):.4g}", "error": f"{1e3 * np.sqrt(np.mean(error[part] ** 2)):.4g}"}  # fmt: skip


def dots_of(name, key, error, told):
    chosen = np.random.default_rng(1).permutation(len(error))[:DOTS]
    for k in sorted(chosen):
        yield {"case": name, "test": key[0], "told": f"{1e3 * told[k]:.3g}", "error": f"{1e3 * error[k]:.3g}"}


def energies_of(name, folder, case):
    """Spearman's correlation of the error of the energy per atom with other sizes that the same answers have."""
    for test in case.tests:
        with open(os.path.join(folder, f"{test}-taught.json")) as f:
            one = Evaluation(json.load(f))
        error, told = one.told("energy")
        atoms, forces, gamma = one.values("energy_deviation"), one.values("force_deviation"), one.values("extrapolation")
        n = np.array([len(a) for a in atoms])
        sizes = {"total deviation": told, "root of atoms' variances": [np.sqrt(np.sum(a**2)) / len(a) for a in atoms],
                 "mean of atoms": [a.mean() for a in atoms], "largest atom": [a.max() for a in atoms],
                 "1 / root of atoms": 1 / np.sqrt(n), "RMS of forces'": [np.sqrt(np.mean(f**2)) for f in forces],
                 "mean gamma": [g.mean() for g in gamma], "largest gamma": [g.max() for g in gamma]}  # fmt: skip
        yield {"case": name, "test": test, "structures": len(n), **{what: f"{correlation(error, np.array(v)):.2f}" for what, v in sizes.items()}}


# ---- tables


def write(path, rows, done):
    """The table with these rows of the cases `done`; others stay. Cases in their order."""
    rows = [row for row in table.read(path) if row["case"] not in done and row["case"] in CASES] + rows
    rows.sort(key=lambda row: list(CASES).index(row["case"]))
    if not rows:
        return
    with open(path + ".part", "w", newline="") as f:
        lines = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)
    os.replace(path + ".part", path)


def cost_rows(name, folder, costs):
    """Processor seconds, also of what an earlier command did."""
    path = os.path.join(folder, "costs.json")
    if os.path.exists(path):
        with open(path) as f:
            costs = {**json.load(f), **costs}
    with open(path, "w") as f:
        json.dump(costs, f)
    return [{"case": name, "what": what, "seconds": f"{value:.1f}"} for what, value in costs.items()]


def do(name, case, work, results):
    folder, costs = os.path.join(work, name), {}
    os.makedirs(folder, exist_ok=True)
    try:
        found = measure(case, texts(case, folder), folder, costs)
    finally:
        spent = cost_rows(name, folder, costs)
    forces = {key: value for key, value in found.items() if key[2] == "forces"}
    write(os.path.join(results, "calibration.csv"), [row_of(name, case, key, *value) for key, value in found.items()], {name})
    write(os.path.join(results, "bins.csv"), [row for key, value in forces.items() for row in bins_of(name, case, key, *value[:2])], {name})
    write(os.path.join(results, "dots.csv"),
          [row for key, value in forces.items() if key[1] == "posterior" for row in dots_of(name, key, *value[:2])], {name})  # fmt: skip
    write(os.path.join(results, "energies.csv"), list(energies_of(name, folder, case)), {name})
    write(os.path.join(results, "costs.csv"), spent, {name})


def quick(folder):
    """0 if with few structures the whole path works, and what is told is of the errors' size and in their order."""
    case = CASES["h2cu"]
    tests = {name: dataclasses.replace(test, most=6) for name, test in case.tests.items()}
    do("h2cu", dataclasses.replace(case, structures=10, held=6, epochs=1, members=2, tests=tests), folder, folder)
    report.make(folder, os.path.join(folder, "trust.svg"))
    rows = {(row["test"], row["method"], row["quantity"]): row for row in table.read(os.path.join(folder, "calibration.csv"))}
    forces = rows["same", "posterior", "forces"]
    claims = {"all rows are there": len(rows) == 12, "forces are ranked": float(forces["spearman"]) > 0.3,
              "intervals of 68 % hold half to nine tenths": 0.5 < float(forces["in_68"]) < 0.9,
              "compressed cells have larger grades": float(rows["cells", "posterior", "forces"]["gamma_median"]) > 1.5 * float(forces["gamma_median"]),
              "pictures are drawn": os.path.getsize(os.path.join(folder, "trust.svg")) > 10000}  # fmt: skip
    for words, holds in claims.items():
        print(f"trust: {words}: {'yes' if holds else 'NO'}")
    return int(not all(claims.values()))


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description="What is there is not repeated; give the same command again.")
    parser.add_argument("case", nargs="*", help="of " + ", ".join(CASES) + "; all by default")
    parser.add_argument("--quick", action="store_true", help="one case with few structures, checked; nothing is kept")
    parser.add_argument("--record", action="store_true", help="tables and pictures into results/, which README.md shows")
    parser.add_argument("--work", default=os.path.join(ROOT, "build", "trust"), help="folder of the runs")
    args = parser.parse_args()
    for name in args.case:
        if name not in CASES:
            parser.error(f"no case {name}: {', '.join(CASES)}")
    if not os.path.exists(cases.DATA):
        print(f"the data are not there: {cases.DATA}", file=sys.stderr)
        return 77
    if args.quick:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            return quick(folder)
    work = os.path.abspath(args.work)
    results = os.path.join(cases.HERE, "results") if args.record else os.path.join(work, "results")
    os.makedirs(results, exist_ok=True)
    os.makedirs(work, exist_ok=True)
    os.chdir(work)  # where frozentl.train puts its recipe for a moment
    for name in args.case or CASES:
        do(name, CASES[name], work, results)
        print(f"trust: {name} done", flush=True)
    report.make(results, os.path.join(ROOT, "docs", "img", "trust.svg") if args.record else os.path.join(results, "trust.svg"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
