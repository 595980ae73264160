"""Table and pictures of results/: report.py FOLDER PICTURE.svg"""

import math
import os
import sys

from cases import CASES, ROOT  # which finds ../data-efficiency, too

import table as tables  # isort: skip

sys.path.insert(0, os.path.join(ROOT, "python"))
from frozentl.plot import style  # noqa: E402

INSIDE = ("h2cu", "tialv", "mo")  # whose lines panel (a) has
NAMES = {("h2cu", "pairs"): "H\u2082 compressed", ("h2cu", "cells"): "Cu compressed", ("h2cu-facets", "facets"): "Cu (110), (211)",
         ("tialv-solid", "liquid"): "Ti\u2013Al\u2013V liquid", ("tialv-pair", "pair"): "Al with V", ("tialv-wide", "cells"): "Ti\u2013Al\u2013V compressed",
         ("mo-crystals", "md"): "Mo MD"}  # fmt: skip


def read(folder, name):
    return tables.read(os.path.join(folder, name + ".csv"))


def table(rows):
    """Posterior / ensemble."""
    yield "| trained on | tested on | | errors | RMS error | RMS told | in 68 %, % | in 95 %, % | miscalibration | Spearman | above 3 \u03c3, % | \u03b3 median; above 2, % |"
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for row in rows:
        if row["method"] != "posterior":
            continue
        other = next(o for o in rows if o["method"] == "ensemble" and all(o[k] == row[k] for k in ("case", "test", "quantity")))
        case = CASES[row["case"]]
        test = case.tests[row["test"]]
        percent = {key: tuple(f"{100 * float(r[key]):.{1 if key == 'beyond_3' else 0}f}" for r in (row, other)) for key in ("in_68", "in_95", "beyond_3")}
        pairs = [(row["error"], other["error"]), (row["told"], other["told"]), percent["in_68"], percent["in_95"],
                 (row["miscalibration"], other["miscalibration"]), (row["spearman"], other["spearman"]), percent["beyond_3"]]  # fmt: skip
        gamma = f"{row['gamma_median']}; {100 * float(row['gamma_above_2']):.0f}" if row["gamma_median"] else ""
        unit = "forces" if row["quantity"] == "forces" else "energy"
        title = f"**{test.title}**" if test.outside else test.title
        yield f"| {case.title} | {title} | {unit} | {row['errors']} | " + " | ".join(f"{a} / {b}" for a, b in pairs) + f" | {gamma} |"


def lines(folder):
    """(case, test) -> [(told, error)] of its bins, of the posterior."""
    found = {}
    for row in read(folder, "bins"):
        if row["method"] == "posterior":
            found.setdefault((row["case"], row["test"]), []).append((float(row["told"]), float(row["error"])))
    return found


def draw(folder, path):
    bins, dots = lines(folder), read(folder, "dots")
    inside = [(key, CASES[key[0]].title) for key in bins if key[0] in INSIDE and key[1] == "same"]
    outside = [(key, NAMES[key]) for key in bins if key in NAMES]
    made, axes = style.figure(1, 2, width=style.DOUBLE, height=8.2)
    for frame, shown, title in zip(axes[0], (inside, outside), ("Structures as in training", "Structures unlike those in training")):
        every = [x for key, _ in shown for point in bins[key] for x in point]
        ends = (min(every, default=1) / 2, max(every, default=10) * 2)
        colours = (*style.COLOURS, style.INK)
        for k, (key, label) in enumerate(shown):
            cloud = [(float(d["told"]), float(d["error"])) for d in dots if (d["case"], d["test"]) == key]
            cloud = [(x, y) for x, y in cloud if ends[0] < x < ends[1] and ends[0] < y < ends[1]]
            if cloud:
                frame.plot(*zip(*cloud), ".", ms=2, mew=0, color=style.lighter(colours[k], 0.55), zorder=1)
            frame.plot(*zip(*bins[key]), marker=style.marker(k), color=colours[k], label=label, zorder=3)
        frame.plot(ends, ends, color=style.INK, lw=0.8, ls=":", zorder=2)
        for axis in (frame.xaxis, frame.yaxis):
            style.logarithmic(axis, ends)
        frame.set_title(title, loc="left")
        frame.set(xlabel="deviation told (meV/\u00c5)", ylabel="error of the force (meV/\u00c5)")
        frame.legend(loc="lower right" if shown is inside else "upper left", fontsize=style.SMALL)
    style.letters(axes[0])
    style.save(made, path)


def draw_ranking(folder, path):
    """Spearman's correlation, and by how much errors are larger than told, of both methods."""
    rows = [row for row in read(folder, "calibration") if row["quantity"] == "forces"]
    tests = [row for row in rows if row["method"] == "posterior"]
    labels = [NAMES.get((row["case"], row["test"]), f"{CASES[row['case']].title}") for row in tests]
    made, axes = style.figure(1, 2, width=style.DOUBLE, height=1.2 + 0.48 * len(tests), sharey=True)
    for k, method in enumerate(("posterior", "ensemble")):
        there = [next(r for r in rows if r["method"] == method and (r["case"], r["test"]) == (row["case"], row["test"])) for row in tests]
        at = [j + (k - 0.5) * 0.3 for j in range(len(tests))]
        axes[0][0].barh(at, [float(r["spearman"]) for r in there], 0.28, color=style.colour(k), label=method)
        axes[0][1].barh(at, [float(r["miscalibration"]) for r in there], 0.28, color=style.colour(k))
    axes[0][0].set_yticks(range(len(tests)), [("" if row["outside"] == "0" else "out: ") + label for row, label in zip(tests, labels)])
    axes[0][0].invert_yaxis()
    axes[0][0].set_title("Ranking of forces' errors", loc="left")
    axes[0][0].set_xlabel("Spearman's correlation")
    axes[0][1].set_title("Intervals", loc="left")
    axes[0][1].set_xlabel("miscalibration (0: they hold; 0.5: none does)")
    made.legend(loc="outside lower center", ncols=2)
    style.letters(axes[0])
    style.save(made, path)


def energies(rows):
    names = [name for name in rows[0] if name not in ("case", "test", "structures")]
    yield "| trained on | tested on | structures | " + " | ".join(names) + " |"
    yield "| --- | --- |" + " ---: |" * (len(names) + 1)
    for row in rows:
        yield f"| {CASES[row['case']].title} | {CASES[row['case']].tests[row['test']].title} | {row['structures']} | " + " | ".join(row[n] for n in names) + " |"
    means = [[float(row[name]) for row in rows if math.isfinite(float(row[name]))] for name in names]
    yield "| mean | | | " + " | ".join(f"{sum(m) / len(m):.2f}" if m else "-" for m in means) + " |"


def make(folder, picture):
    """`picture`: of errors against deviations."""
    rows = read(folder, "calibration")
    with open(os.path.join(folder, "trust.md"), "w") as f:
        f.write("Posterior of one model / ensemble of four; forces in meV/\u00c5, energies in meV/atom; bold: unlike training\n\n")
        f.write("\n".join(table(rows)) + "\n\nSpearman's correlation of the error of the energy per atom with:\n\n")
        f.write("\n".join(energies(read(folder, "energies"))) + "\n")
    draw(folder, picture)
    draw_ranking(folder, os.path.join(folder, "ranking.svg"))


if __name__ == "__main__":
    make(*sys.argv[1:3])
