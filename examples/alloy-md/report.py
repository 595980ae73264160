"""What loop.sh has found: report.py FOLDER [--check]. Table, picture, and with --check the claims of ctest.

Of the run that reached the last temperature also the thermal expansion: the slope of volume per atom against temperature between
300 and 900 K, divided by three times the volume at 300 K; its error is a jackknife's over ten parts of the run, one after the other.
"""

import itertools
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "surrogate"))

from panels import style  # noqa: E402

import phases

HIGHEST = 1e3  # of the picture, in bounds: gamma of a pair closer than any in the data is 1e6
WORDS = {"gamma": ("gamma", "largest extrapolation grade \u03b3", "{:.3g}"),
         "force_deviation": ("deviation of forces (eV/\u00c5)", "largest deviation of a force (eV/\u00c5)", "{:.2f}")}  # fmt: skip
RATIO = {"hcp": 3**0.5, "bcc": 2**0.5}  # of the two edges of the basal rectangle


PERFECT = (("hcp", (2.9, 2.9 * 3**0.5, 4.7), ((0, 0, 0), (0.5, 0.5, 0), (0.5, 1 / 6, 0.5), (0, 2 / 3, 0.5))),
           ("bcc", (3.2, 3.2, 3.2), ((0, 0, 0), (0.5, 0.5, 0.5))),
           ("fcc", (4.0, 4.0, 4.0), ((0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5))))  # fmt: skip


class Cycle:
    def __init__(self, folder, what):
        with open(os.path.join(folder, "heat.txt")) as f:
            self.names = f.readline().split()
            self.rows = [[float(x) for x in line.split()] for line in f]
        self.what = self.names[-1] = what  # gamma or force_deviation, the largest of all atoms
        self.folder, self.whole = folder, os.path.exists(os.path.join(folder, "whole"))
        self._phases = None
        self.before = self.after = None
        self.proof = None
        proof = os.path.join(folder, "proof.txt")
        if os.path.exists(proof):
            with open(proof) as f:
                self.proof = [[float(x) for x in line.split()[1:]] for line in f]
        summary = os.path.join(folder, "summary.txt")
        if os.path.exists(summary):
            with open(summary) as f:
                self.before, self.after = ([float(x) for x in line.split()[1:]] for line in f)

    def columns(self, *names):
        places = [self.names.index(name) for name in names]
        return [tuple(row[k] for k in places) for row in self.rows]

    def phases(self):
        """Of the averaged frames: mean temperature, step, and what part of the atoms is hcp, bcc, fcc, other."""
        path = os.path.join(self.folder, "path.dump")
        if self._phases is None:
            self._phases, before = [], 0
            kelvin = self.columns("step", "K")
            for step, edges, positions in phases.frames(path) if os.path.exists(path) else ():
                over = [k for at, k in kelvin if before < at <= step]
                self._phases.append((sum(over) / len(over), step, phases.parts(edges, positions)))
                before = step
        return self._phases

    def smooth(self, over=10):
        """Means of so many rows, of what halts the run the largest: temperature of the bath is what the atoms' is on average. Without the first 0.5 ps, in which half of the
        heat of the start goes into the atoms' places."""
        rows = self.rows[50:] if len(self.rows) > 100 else self.rows
        over = min(over, len(rows))
        rows = rows[len(rows) % over :]
        most = self.names.index(self.what)
        parts = [rows[j : j + over] for j in range(0, len(rows), over)]
        return [[max(row[k] for row in part) if k == most else sum(row[k] for row in part) / over for k in range(len(self.names))] for part in parts]


def cycles_of(folder, what):
    found = []
    while os.path.exists(os.path.join(folder, str(len(found) + 1), "heat.txt")):
        found.append(Cycle(os.path.join(folder, str(len(found) + 1)), what))
    return found


def slope(points):
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points), my


def expansion(cycle, low=300, high=900, parts=10):
    """1e-6/K, linear, and its error; without the run that settles at 300 K."""
    points = [(k, v) for k, v in cycle.columns("K", "A3/atom") if low <= k <= high]
    if len(points) < 10 * parts:
        return None
    rise, mean = slope(points)
    at_300 = mean - rise * (sum(k for k, _ in points) / len(points) - 300)
    size = len(points) / parts
    without = [slope(points[: round(k * size)] + points[round((k + 1) * size) :])[0] for k in range(parts)]
    middle = sum(without) / parts
    error = math.sqrt((parts - 1) / parts * sum((x - middle) ** 2 for x in without))
    return 1e6 * rise / (3 * at_300), 1e6 * error / (3 * at_300), at_300


def ratio(cycle, atoms=(4, 3)):
    """Of the box's first two edges, each divided by its number of cells, in the last twentieth of the run."""
    rows = cycle.columns("lx", "ly")[-max(1, len(cycle.rows) // 20) :]
    return sum((y / atoms[1]) / (x / atoms[0]) for x, y in rows) / len(rows)


def count(path):
    """Frames of an extended XYZ file."""
    if not os.path.exists(path):
        return 0
    with open(path) as f:
        return sum("Lattice=" in line for line in f)


def labelled(cycles):
    """What learning took, in frames that the model was asked for."""
    halted = [cycle.folder for cycle in cycles if cycle.before]
    base = os.path.dirname(cycles[0].folder)
    start = count(os.path.join(base, "first.xyz")) or count(os.path.join(base, "start", "sampled.xyz"))
    asked = sum(count(os.path.join(folder, "new.xyz")) for folder in halted)
    sampled = sum(count(os.path.join(folder, "fit", "sampled.xyz")) for folder in halted)
    more = f", {sampled} that it sampled from there" if sampled else ""
    return f"Frames with labels of the model: {start} at the start, {asked} of the {len(halted)} runs that were halted{more}."


def turned(cycle):
    """The crystal in words: first frame and last one, and from where on there is more bcc than hcp, if it stays so."""
    found = cycle.phases()
    if not found:
        return ""
    (cold, _, (hcp, bcc, *_)), (hot, _, (hcp_now, bcc_now, *_)) = found[0], found[-1]
    words = [f"At {cold:.0f} K {100 * hcp:.0f} % of the atoms are hcp and {100 * bcc:.0f} % bcc, at {hot:.0f} K {100 * hcp_now:.0f} and {100 * bcc_now:.0f} %."]
    more = [part[1] > part[0] for _, _, part in found]
    if more[-1]:
        first = max((k + 1 for k, is_more in enumerate(more) if not is_more), default=0)
        words.append(f"From {found[first][0]:.0f} K on there is more bcc than hcp.")
    return " ".join(words)


def table(cycles):
    name, _, form = WORDS[cycles[0].what]
    yield f"| cycle | ended at, K | steps | {name} there: before | after learning | RMSE of forces there, meV/Å: before | after | energies there, meV/atom: before | after |"
    yield "| ---: |" + " ---: |" * 8
    for k, cycle in enumerate(cycles, 1):
        row = [f"{k}", f"{cycle.smooth(3)[-1][cycle.names.index('K')]:.0f}" + (" (the end)" if cycle.whole else ""), f"{cycle.rows[-1][0]:.0f}"]
        if cycle.before:
            b, a = cycle.before, cycle.after
            row += [form.format(b[0]), f"{a[0]:.2f}", f"{b[4]:.1f}", f"{a[4]:.1f}", f"{b[3]:.1f}", f"{a[3]:.1f}"]
        else:
            row += [form.format(max(g for (g,) in cycle.columns(cycle.what))) + " at most"] + ["-"] * 5
        yield "| " + " | ".join(row) + " |"


def closing(cycles):
    """What the last run says of the alloy."""
    last = cycles[-1]
    if not last.whole:
        return f"After {len(cycles)} cycles no run has reached the last temperature: more cycles (--cycles) are needed."
    words = []
    found = expansion(last)
    if found:
        words.append(f"Thermal expansion from 300 to 900 K: {found[0]:.1f} ± {found[1]:.1f} 1e-6/K (linear); {found[2]:.3f} Å³ per atom at 300 K.")
    words.append(turned(last))
    at_end = ratio(last)
    words.append(f"The basal rectangle's edges at the end are as 1 to {at_end:.3f} (hcp {RATIO['hcp']:.3f}, bcc {RATIO['bcc']:.3f}).")
    words.append(labelled(cycles))
    if last.proof:
        (e0, f0), (e1, f1) = last.proof
        words.append(f"Errors on the last frame, which no potential has learned from: {f0:.0f} meV/Å and {e0:.1f} meV/atom with the first one, "
                     f"{f1:.0f} and {e1:.1f} with the last.")  # fmt: skip
    return "\n".join(word for word in words if word)


def averaged(cycle, name, parts=40):
    """Temperature, mean and the range of the middle two thirds of a quantity, over parts of a run, one after the other."""
    rows = sorted(cycle.columns("K", name)[50 if len(cycle.rows) > 100 else 0 :], key=lambda row: row[0])
    size = max(1, -(-len(rows) // parts))
    for part in (rows[k : k + size] for k in range(0, len(rows), size)):
        values = sorted(value for _, value in part)
        yield sum(kelvin for kelvin, _ in part) / len(part), sum(values) / len(values), values[len(values) // 6], values[-1 - len(values) // 6]


def band(frame, points, colour, **how):
    kelvin, mean, low, high = zip(*points)
    frame.fill_between(kelvin, low, high, color=style.lighter(colour, 0.7), lw=0, zorder=1)
    frame.plot(kelvin, mean, color=colour, **how)


def draw(cycles, path, kind, bound):
    what, highest = cycles[0].what, HIGHEST * bound
    learned, last = [(k, cycle) for k, cycle in enumerate(cycles, 1) if cycle.before], cycles[-1].phases()
    made, axes = style.figure(1 + bool(learned or last), 2, height=6.4 * (1 + bool(learned or last)) + 0.8)
    gamma, volume = axes[0]
    gamma.set_title(f"How far the {kind} is on its own", loc="left")
    gamma.set(xlabel="temperature (K)", ylabel=WORDS[what][1])
    volume.set_title("Ti\u20136Al\u20134V, heated at zero pressure", loc="left")
    volume.set(xlabel="temperature (K)", ylabel="volume (\u00c5\u00b3/atom)")
    for k, cycle in enumerate(cycles):
        colour, label = style.colour(k), f"cycle {k + 1}" + (": to the end" if cycle.whole else "")
        band(gamma, [(t, *(min(highest, g) for g in of)) for t, *of in averaged(cycle, what)], colour, label=label)
        band(volume, list(averaged(cycle, "A3/atom")), colour)
        if not cycle.whole:
            kelvin, grade = cycle.smooth(25)[-1][cycle.names.index("K")], min(highest, cycle.columns(what)[-1][0])
            gamma.plot(kelvin, grade, "o", color=colour)
    gamma.axhline(bound, color=style.INK, lw=0.8, ls="--")
    told = [min(highest, g) for cycle in cycles for (g,) in cycle.columns(what)]
    style.logarithmic(gamma.yaxis, (min(told), max([bound, *told])))
    made.legend(loc="outside lower center", ncols=min(5, len(cycles)))
    if learned:
        errors = axes[1][0]
        errors.set_title("Frames that ended the runs", loc="left")
        errors.set(xlabel="cycle", ylabel="RMSE of forces (meV/\u00c5)", xlim=(0.5, len(cycles) + 0.5), ylim=(0, 1.1 * max(cycle.before[4] for _, cycle in learned)))
        errors.xaxis.get_major_locator().set_params(integer=True)
        for name, fill, at in (("before learning", "white", 0), ("after", None, 1)):
            values = [(cycle.before, cycle.after)[at][4] for _, cycle in learned]
            errors.plot([k for k, _ in learned], values, "o", color=style.BLUE, mfc=fill or style.BLUE, label=name, zorder=3)
        errors.vlines([k for k, _ in learned], [c.after[4] for _, c in learned], [c.before[4] for _, c in learned], colors=style.BLUE, lw=0.8)
        errors.legend()
    if last:
        parts = axes[1][1]
        parts.set_title(f"Crystal in cycle {len(cycles)}, places averaged over 0.5 ps", loc="left")
        parts.set(xlabel="temperature (K)", ylabel="fraction of atoms", ylim=(0, 1))
        for k, (name, colour) in enumerate((("hcp", style.BLUE), ("bcc", style.VERMILLION), ("fcc", style.GREEN), ("other", style.GREY))):
            parts.plot([kelvin for kelvin, _, _ in last], [of[k] for _, _, of in last], marker=style.marker(k), ms=2.5, color=colour, label=name)
        parts.legend()
    for shown, frame in zip((True, True, bool(learned), bool(last)), axes.flat):
        frame.set_visible(shown)
    style.letters(frame for frame in axes.flat if frame.get_visible())
    style.save(made, path)


def check(cycles, bound):
    """The loop halts, labels, learns: gamma or deviation of the frame that ended a run falls below the bound, and its forces get better."""
    wrong = []
    learned = [cycle for cycle in cycles if cycle.before]
    if not learned:
        wrong.append("no run was halted")
    for k, cycle in enumerate(learned, 1):
        if not cycle.before[0] > bound:
            wrong.append(f"cycle {k}: the run was halted at a {cycle.what} of {cycle.before[0]}")
        if not cycle.after[0] < bound:
            wrong.append(f"cycle {k}: {cycle.what} is {cycle.after[0]} after learning")
        if not cycle.after[4] < cycle.before[4]:
            wrong.append(f"cycle {k}: forces are off by {cycle.before[4]} before and {cycle.after[4]} meV/A after learning")
        if not 16.5 < cycle.columns("A3/atom")[-1][0] < 19.5:
            wrong.append(f"cycle {k}: {cycle.columns('A3/atom')[-1][0]} A3 per atom")
    for name, a, basis in PERFECT:  # of phases.py
        edges = [edge * n for edge, n in zip(a, (4, 4, 4))]
        crystal = [[(c + b) * x for c, b, x in zip(cell, at, a)] for cell in itertools.product(range(4), repeat=3) for at in basis]
        if dict(zip(phases.KINDS, phases.parts(edges, crystal)))[name] != 1:
            wrong.append(f"a perfect {name} crystal is not recognised: {phases.parts(edges, crystal)}")
    for k, cycle in enumerate(cycles, 1):
        if cycle.phases() and not cycle.phases()[0][2][0] > 0.9:
            wrong.append(f"cycle {k}: only {cycle.phases()[0][2][0]:.2f} of the atoms are hcp at the start")
    for line in wrong:
        print(f"alloy-md: WRONG: {line}")
    print(f"alloy-md: {len(learned)} halts, {len(wrong)} claims that do not hold")
    return 1 if wrong else 0


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "settings.txt")) as f:
        kind, what, bound = f.read().split()
    cycles = cycles_of(folder, what)
    words = "\n".join([*table(cycles), "", closing(cycles)])
    print(words)
    with open(os.path.join(folder, "loop.md"), "w") as f:
        f.write(words + "\n")
    draw(cycles, os.path.join(folder, "loop.svg"), kind, float(bound))
    return check(cycles, float(bound)) if "--check" in sys.argv[2:] else 0


if __name__ == "__main__":
    sys.exit(main())
