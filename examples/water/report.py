#!/usr/bin/env python3
"""Before and after the runs of run.sh, in its FOLDER:

    report.py prepare FOLDER              water-valid.xyz and water-test.xyz, as the study divides them, and what runs start from
    report.py best FOLDER                 the tune-MODE that is best on valid
    report.py restart FOLDER              teacher.data, from the last frame of the surrogate
    report.py check FOLDER                what --quick asserts
    report.py report FOLDER [--record]    tables and picture
"""

import csv
import json
import pathlib
import sys

import frames
import liquid
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "data-efficiency"), str(HERE.parents[1] / "python")]
import plan  # noqa: E402

LENGTH = (64 * 18.0153 / (0.60221408 * 0.9848)) ** (1 / 3)  # Angstrom: 64 molecules at 0.9848 g/cm3, water at 330 K and 0.1 MPa (Patek et al.)
CALM = 1.0  # eV/Angstrom: structures whose forces have a smaller RMS are near a minimum


def prepare(folder):
    plan.prepare(str(folder), "water")
    structures = frames.read_xyz(pathlib.Path(plan.DATA) / plan.TARGETS["water"].train)
    calm = sorted((frame for frame in structures if frames.whole(frame)), key=lambda frame: frames.molecules(frame)[1].max())[:2]  # most are far hotter than 330 K
    frames.write_data(folder / "start.data", frames.moved(calm[0], LENGTH))
    frames.write_xyz(folder / "starts.xyz", [frames.moved(frame, LENGTH) for frame in calm])
    for name, count in (("valid", 2), ("test", 6)):
        texts = plan.frames_of(str(folder / f"water-{name}.xyz"))
        (folder / f"few-{name}.xyz").write_text("".join(texts[:: len(texts) // count][:count]))


def restart(folder):
    length, species, positions = frames.read_dump(folder / "md-surrogate.dump")
    frames.write_data(folder / "teacher.data", frames.Frame(length, species, positions[-1]))


def summary(run):
    """Of a run of training: its start, and its best epoch or solution."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return lines[0], [line for line in lines if line.get("best")][-1]


def best(folder):
    return min(folder.glob("tune-*/"), key=lambda run: summary(run)[1]["forces_rmse"])  # losses of other kinds do not compare


def seconds(folder, name):
    """Processor seconds of a step of run.sh."""
    path = folder / f"{name}.seconds"
    return sum(map(float, path.read_text().split())) if path.exists() else float("nan")


def errors(folder, name):
    """RMSE of `frozentl eval`: energies without their mean difference (meV/atom), forces of all structures, calm ones, others (meV/Angstrom)."""
    answers = json.loads((folder / f"errors-{name}.json").read_text())
    forces = [np.subtract(a["forces"], a["reference"]["forces"]).ravel() for a in answers]
    calm = np.array([np.sqrt(np.mean(np.square(a["reference"]["forces"]))) < CALM for a in answers])
    energy = [(a["energy"] - a["reference"]["energy"]) / len(a["forces"]) for a in answers]

    def rmse(chosen):
        return 1e3 * np.sqrt(np.mean(np.square([f for f, c in zip(forces, chosen) if c])))

    return 1e3 * np.std(energy), rmse(calm | ~calm), rmse(calm), rmse(~calm)


def check(folder):
    before, after = errors(folder, "foundation")[1], errors(folder, "f5")[1]
    found = liquid.of(folder / "md-teacher.dump")
    print(f"water: forces {before:.0f} meV/A before, {after:.0f} after; O-O peak at {found['peak'][0][0]:.2f} A, longest O-H {found['longest']:.2f} A, {found['T'][0]:.0f} K")
    wrong = []
    if not after < before / 2:
        wrong.append("forces on test are not below half of the foundation's")
    if not found["whole"]:
        wrong.append("a molecule came apart")
    if not 2.6 < found["peak"][0][0] < 3.0:
        wrong.append("the first peak of g_OO is not between 2.6 and 3.0 A")
    for words in wrong:
        print(f"water: {words}")
    return bool(wrong)


def table(path, head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    path.write_text("\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n")
    print(path.read_text())


def error_table(folder, into):
    rows = []
    for path in sorted(folder.glob("errors-*.json")):
        name = path.stem.removeprefix("errors-")
        run = folder / f"tune-{name}"
        trained = f"{summary(run)[0]['trained']:,}" if run.exists() else ""
        spent = seconds(folder, run.name if run.exists() else name)
        rows.append([name, trained, "" if np.isnan(spent) else f"{spent:.0f}", *(f"{e:.1f}" if k == 0 else f"{e:.0f}" for k, e in enumerate(errors(folder, name)))])
    order = ["foundation", "f5", "f0", "surrogate"]
    rows.sort(key=lambda row: order.index(row[0]))
    with open(into / "errors.csv", "w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows([["model", "trained", "cpu_seconds", "energy_meV_atom", "forces_meV_A", "forces_calm", "forces_hot"], *rows])
    table(into / "errors.md", ["model", "trained", "CPU s", "energy, meV/atom", "forces, meV/Å", "calm structures", "hot ones"], rows)


def told(value, n):
    return f"{value[0]:.{n}f}" + ("" if np.isnan(value[1]) else f" ± {value[1]:.{n}f}")


def liquid_table(found, into):
    rows = []
    for name, of in found.items():
        rows.append([name, f"{of['ps']:.1f}", f"{of['T'][0]:.0f}", told(of["peak"][0], 2), told(of["peak"][1], 2), told(of["valley"][0], 2), told(of["valley"][1], 2),
                     told(of["D"], 2) if "D" in of else "", told(of["D0"], 2) if "D" in of else "", f"{of['gamma']:.1f}" if of["gamma"] else ""])  # fmt: skip
    rows.append(["experiment", "", "295; D: 330", "2.80 ± 0.01", "2.57 ± 0.05", "", "", "", f"{1.635 * (330 / 215.05 - 1) ** 2.063:.2f}", ""])
    table(into / "liquid.md", ["", "ps", "T, K", "peak of g_OO, Å", "its height", "minimum, Å", "its height", "D, Å²/ps", "D, infinite cell", "largest γ"], rows)


def picture(found, path):
    from frozentl.plot import style

    made, (axes,) = style.figure(1, 3, height=5.6)
    for k, (name, of) in enumerate(found.items()):
        for frame, pair in zip(axes, ("oo", "oh")):
            frame.plot(*of[pair], color=style.colour(k), label=name)
        if "msd" in of:
            axes[2].plot(*of["msd"], color=style.colour(k))
    axes[0].errorbar([2.80], [2.57], xerr=0.01, yerr=0.05, fmt="o", color=style.INK, ms=2.5, label="X-ray, 295 K")
    axes[0].set(xlabel="r (Å)", ylabel="g of O\u2013O", xlim=(2, None), ylim=(0, None))
    axes[1].set(xlabel="r (Å)", ylabel="g of O\u2013H", xlim=(0.7, None), ylim=(0, 3))
    axes[2].set(xlabel="time (ps)", ylabel="mean square displacement of O (Å²)", xlim=(0, None), ylim=(0, None))
    for frame, title in zip(axes, ("Oxygen about oxygen", "Hydrogen about oxygen", "Diffusion")):
        frame.set_title(title, loc="left")
    axes[0].legend()
    style.letters(axes)
    style.save(made, str(path))


def report(folder, into):
    into.mkdir(exist_ok=True)
    error_table(folder, into)
    found = {name: liquid.of(folder / f"md-{name}.dump") for name in ("teacher", "surrogate")}
    liquid_table(found, into)
    picture(found, into / "water.svg")


def main():
    what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if what == "report":
        return report(folder, HERE / "results" if "--record" in sys.argv else folder / "results")
    if what == "best":
        return print(best(folder))
    return {"prepare": prepare, "restart": restart, "check": check}[what](folder)


if __name__ == "__main__":
    sys.exit(main())
