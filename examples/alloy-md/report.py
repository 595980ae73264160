"""What loop.sh has found: report.py FOLDER [--check]. Table, picture, and with --check the claims of ctest. Standard library only.

Of the run that reached the last temperature also the thermal expansion: the slope of volume per atom against temperature between
300 and 900 K, divided by three times the volume at 300 K; its error is that of the scatter of six parts.
"""

import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "surrogate"))

from contours import text  # noqa: E402
from panels import Axis, Panel, save  # noqa: E402

COLOURS = ("#1f5fa8", "#c0501a", "#2f7d3b", "#7a3f9d", "#b8860b", "#444444", "#008b8b", "#a52a5a")
BOUND = 10.0
HIGHEST = 1e4  # of the picture: gamma of a pair closer than any in the data is 1e6
RATIO = {"hcp": 3**0.5, "bcc": 2**0.5}  # of the two edges of the basal rectangle


class Cycle:
    def __init__(self, folder):
        with open(os.path.join(folder, "heat.txt")) as f:
            self.names = f.readline().split()
            self.rows = [[float(x) for x in line.split()] for line in f]
        self.whole = os.path.exists(os.path.join(folder, "whole"))
        self.before = self.after = None
        summary = os.path.join(folder, "summary.txt")
        if os.path.exists(summary):
            with open(summary) as f:
                self.before, self.after = ([float(x) for x in line.split()[1:]] for line in f)

    def columns(self, *names):
        places = [self.names.index(name) for name in names]
        return [tuple(row[k] for k in places) for row in self.rows]

    def smooth(self, over=10):
        """Means of so many rows: temperature of the bath is what the atoms' is on average."""
        over = min(over, len(self.rows))
        rows = self.rows[len(self.rows) % over :]
        return [[sum(row[k] for row in rows[j : j + over]) / over for k in range(len(self.names))] for j in range(0, len(rows), over)]


def cycles_of(folder):
    found = []
    while os.path.exists(os.path.join(folder, str(len(found) + 1), "heat.txt")):
        found.append(Cycle(os.path.join(folder, str(len(found) + 1))))
    return found


def slope(points):
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points), my


def expansion(cycle, low=300, high=900, parts=6):
    """1e-6/K, linear, and its error; without the run that settles at 300 K."""
    points = [(k, v) for k, v in cycle.columns("K", "A3/atom") if low <= k <= high]
    if len(points) < 10 * parts:
        return None
    rise, mean = slope(points)
    at_300 = mean - rise * (sum(k for k, _ in points) / len(points) - 300)
    each = [slope(points[k::parts])[0] for k in range(parts)]
    error = math.sqrt(sum((x - rise) ** 2 for x in each) / (parts * (parts - 1)))
    return 1e6 * rise / (3 * at_300), 1e6 * error / (3 * at_300), at_300


def ratio(cycle, atoms=(4, 3)):
    """Of the box's first two edges, each divided by its number of cells, in the last tenth of the run."""
    rows = cycle.columns("lx", "ly")[-max(1, len(cycle.rows) // 10) :]
    return sum((y / atoms[1]) / (x / atoms[0]) for x, y in rows) / len(rows)


def table(cycles):
    yield "| cycle | ended at, K | steps | gamma there: before | after learning | RMSE of forces there, meV/Å: before | after | energies there, meV/atom: before | after |"
    yield "| ---: |" + " ---: |" * 8
    for k, cycle in enumerate(cycles, 1):
        row = [f"{k}", f"{cycle.smooth(3)[-1][cycle.names.index('K')]:.0f}" + (" (the end)" if cycle.whole else ""), f"{cycle.rows[-1][0]:.0f}"]
        if cycle.before:
            b, a = cycle.before, cycle.after
            row += [f"{b[0]:.3g}", f"{a[0]:.2f}", f"{b[4]:.1f}", f"{a[4]:.1f}", f"{b[3]:.1f}", f"{a[3]:.1f}"]
        else:
            row += [f"{max(g for (g,) in cycle.columns('gamma')):.1f} at most"] + ["-"] * 5
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
    at_end = ratio(last)
    words.append(f"The basal rectangle's edges at the end are as 1 to {at_end:.3f} (hcp {RATIO['hcp']:.3f}, bcc {RATIO['bcc']:.3f}).")
    return "\n".join(words)


def draw(cycles, path):
    every = [point for cycle in cycles for point in cycle.smooth(5)]
    names = cycles[0].names
    t, v, g = names.index("K"), names.index("A3/atom"), names.index("gamma")
    hottest = max(row[t] for row in every)
    across = Axis(250, hottest + 50)
    gamma = Panel(60, 60, 400, 260, across, Axis(0.5, HIGHEST, True))
    volume = Panel(540, 60, 400, 260, across, Axis(min(r[v] for r in every) - 0.1, max(r[v] for r in every) + 0.1))
    pieces = list(gamma.frame("How far the surrogate is on its own", "temperature, K", "largest extrapolation grade gamma"))
    pieces += gamma.line([(250, BOUND), (hottest + 50, BOUND)], "#222222", 1, "5 4")
    pieces += volume.frame("Ti-6Al-4V, heated at zero pressure", "temperature, K", "volume, Å³ per atom")
    for k, cycle in enumerate(cycles):
        colour, rows = COLOURS[k % len(COLOURS)], cycle.smooth(5)
        end = (rows[-1][t], min(HIGHEST, cycle.rows[-1][g]))
        pieces += gamma.line([*((row[t], min(HIGHEST, row[g])) for row in rows), *([] if cycle.whole else [end])], colour, 1.1)
        pieces += volume.line([(row[t], row[v]) for row in rows], colour, 1.1)
        if not cycle.whole:
            pieces += gamma.dots([end], colour, 4)
        pieces += volume.dots([(rows[-1][t], rows[-1][v])], colour, 3)
        pieces += [text(980, 90 + 20 * k, f"cycle {k + 1}" + (": to the end" if cycle.whole else ""), 12, "start").replace("#222222", colour)]
    learned = [(k, cycle) for k, cycle in enumerate(cycles, 1) if cycle.before]
    if learned:
        errors = Panel(60, 420, 400, 170, Axis(0.5, len(cycles) + 0.5), Axis(0, 1.1 * max(cycle.before[4] for _, cycle in learned)))
        pieces += errors.frame("The frames that ended the runs: open before, full after learning", "cycle", "RMSE of forces, meV/Å")
        for k, cycle in learned:
            colour = COLOURS[(k - 1) % len(COLOURS)]
            pieces += errors.line([(k, cycle.before[4]), (k, cycle.after[4])], colour)
            pieces += errors.dots([(k, cycle.before[4]), (k, cycle.after[4])], colour, 5)
            pieces += errors.dots([(k, cycle.before[4])], "#ffffff", 3)
    save(path, 1090, 650 if learned else 380, pieces)


def check(cycles):
    """The loop halts, labels, learns: gamma of the frame that ended a run falls below the bound, and its forces get better."""
    wrong = []
    learned = [cycle for cycle in cycles if cycle.before]
    if not learned:
        wrong.append("no run was halted")
    for k, cycle in enumerate(learned, 1):
        if not cycle.before[0] > BOUND:
            wrong.append(f"cycle {k}: the run was halted at a gamma of {cycle.before[0]}")
        if not cycle.after[0] < BOUND:
            wrong.append(f"cycle {k}: gamma is {cycle.after[0]} after learning")
        if not cycle.after[4] < cycle.before[4]:
            wrong.append(f"cycle {k}: forces are off by {cycle.before[4]} before and {cycle.after[4]} meV/A after learning")
        if not 16.5 < cycle.columns("A3/atom")[-1][0] < 19.5:
            wrong.append(f"cycle {k}: {cycle.columns('A3/atom')[-1][0]} A3 per atom")
    for line in wrong:
        print(f"alloy-md: WRONG: {line}")
    print(f"alloy-md: {len(learned)} halts, {len(wrong)} claims that do not hold")
    return 1 if wrong else 0


def main():
    folder = sys.argv[1]
    cycles = cycles_of(folder)
    words = "\n".join([*table(cycles), "", closing(cycles)])
    print(words)
    with open(os.path.join(folder, "loop.md"), "w") as f:
        f.write(words + "\n")
    draw(cycles, os.path.join(folder, "loop.svg"))
    return check(cycles) if "--check" in sys.argv[2:] else 0


if __name__ == "__main__":
    sys.exit(main())
