"""The study in a minute: few structures and steps, once fine-tuned and once from scratch. A test runs this."""

import csv
import os
import tempfile

import plan

STEPS = 40
FRACTION = 0.025
MODES = ("scratch", "f5", "linears")


def test_errors(run):
    with open(os.path.join(run.folder, "errors.csv"), newline="") as f:
        total = [row for row in csv.DictReader(f) if row["set"] == "test"][-1]
    return 1e3 * float(total["energy_rmse"]), 1e3 * float(total["forces_rmse"])


def compare(pool, foundation):
    """0 if each fine-tuning is better on test than as many steps from scratch, 77 without a foundation. In a folder of
    its own, so that a test never takes what an earlier one has trained."""
    if not os.path.exists(foundation):
        print(f"there is no foundation: {foundation}")
        return 77
    with tempfile.TemporaryDirectory() as work:
        plan.prepare(work)
        return train_and_compare(pool, work, foundation)


def train_and_compare(pool, work, foundation):
    test = os.path.join(work, "quick-test.xyz")
    plan.write_if_other(test, "".join(plan.frames_of(os.path.join(plan.DATA, plan.SETS["h2cu"]["test"]))[::16]))
    runs = [plan.Run(work, foundation, "h2cu", mode, FRACTION, steps=STEPS) for mode in MODES]
    for run in runs:
        run.options["test"] = test
    failed = pool.train(runs)
    if failed:
        return min(failed, 130)
    errors = {run.mode: test_errors(run) for run in runs}
    print(f"h2cu, {100 * FRACTION:g} %, {STEPS} steps; RMSE of energy, meV/atom, and forces, meV/A, on test:")
    for mode, (energy, force) in errors.items():
        print(f"  {mode:10} {energy:8.2f} {force:8.1f}")
    scratch = errors["scratch"]
    worse = [mode for mode, e in errors.items() if mode != "scratch" and not (e[0] < scratch[0] and e[1] < scratch[1])]
    if worse:
        print("not better than from scratch: " + ", ".join(worse))
        return 1
    print("fine-tuning is better than from scratch")
    return 0
