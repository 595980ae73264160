"""The picture of docs/which-freezing.md, errors and elastic constants of titanium against the number of structures; and H2 on copper along the paths
of the labels' potential."""

import os
import sys

import barriers
import report
import table
from plan import MODES, ROOT

sys.path.insert(0, os.path.join(ROOT, "python"))
from frozentl.plot import style  # noqa: E402

FRAMES = (("Forces", "RMSE on test (meV/\u00c5)"), ("Elastic constants", "farthest of six (10 % or 5 GPa = 1)"))


def value(what, run, measured, reference):
    if what == "Forces":
        return float(run["force_rmse_meV_A"])
    off = report.worst(measured.get(run["run"], {}).get("hcp Ti", {}), reference)
    return off[2] if off else None


def draw(results, path):
    rows = table.read(os.path.join(results, "runs.csv"))
    found, measured = report.points(rows, "ti"), report.crystals_of(results)
    reference = report.reference_crystals("ti")["hcp Ti"]
    before = report.worst(measured["ti-sevennet-l3i5"]["hcp Ti"], reference)[2]
    modes = [mode for mode in MODES if any(of == mode for of, _ in found)]
    made, axes = style.figure(1, 2, width=style.DOUBLE, height=7)
    for frame, (what, label) in zip(axes[0], FRAMES):
        every = []
        for k, mode in enumerate(modes):
            line = []
            for size in sorted(size for of, size in found if of == mode):
                values = [v for v in (value(what, run, measured, reference) for run in found[mode, size]) if v]
                if values:
                    line.append((size, sum(values) / len(values), min(values), max(values)))
            if line:
                x, y, low, high = zip(*line)
                bars = ([a - b for a, b in zip(y, low)], [b - a for a, b in zip(y, high)])
                frame.errorbar(x, y, bars, color=style.colour(k), marker=style.marker(k), label=mode, elinewidth=0.8,
                               ls=("-", "--")[k // len(style.COLOURS)])  # fmt: skip
                every += y
        if what != "Forces":
            frame.axhline(before, color=style.GREY, ls=":", lw=1)
            frame.axhline(1, color=style.INK, lw=0.6)
            frame.annotate("SevenNet-l3i5 as it is", (0.98, before), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                           fontsize=style.SMALL, color=style.GREY)  # fmt: skip
            every += [before, 1]
        style.logarithmic(frame.xaxis, [size for _, size in found])
        style.logarithmic(frame.yaxis, every)
        sizes = sorted({size for _, size in found})
        frame.xaxis.set_major_locator(style.ticker.FixedLocator(sizes))
        frame.xaxis.set_minor_locator(style.ticker.NullLocator())
        frame.set_xlabel("training structures")
        frame.set_ylabel(label)
        frame.set_title(what, loc="left")
    handles, labels = axes[0][0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=min(9, len(labels)))
    style.letters(axes[0])
    style.save(made, path)


def draw_barriers(results, path):
    along = barriers.paths()
    profiles = barriers.profiles(table.read(os.path.join(results, "barriers.csv")))
    found = report.points(table.read(os.path.join(results, "runs.csv")), "h2cu")
    shown = {"SevenNet-l3i5": "h2cu-sevennet-l3i5"}
    shown.update({f"{mode}, {size}": row["run"] for mode, size in report.in_order(found) for row in found[mode, size] if row["seed"] == "1"})
    made, axes = style.figure(1, len(along), width=style.DOUBLE, height=6.4, sharey=True)
    for frame, (surface, (_, parts, labels)) in zip(axes[0], along.items()):
        x = [float(part) for part in parts[1:]]
        frame.plot(x, labels[1:], color=style.INK, lw=1.6, label="labels")
        for k, (name, run) in enumerate((name, run) for name, run in shown.items() if run in profiles):
            frame.plot(x, profiles[run][surface][1:], color=style.colour(k), marker=style.marker(k), label=name)
        frame.set_title(surface, loc="left")
        frame.set_xlabel("part of the path's length")
    axes[0][0].set_ylabel("energy over H2 far away (eV)")
    handles, names = axes[0][0].get_legend_handles_labels()
    made.legend(handles, names, loc="outside lower center", ncols=min(7, len(names)))
    style.letters(axes[0])
    style.save(made, path)


if __name__ == "__main__":
    draw(sys.argv[1], sys.argv[2])
    draw_barriers(sys.argv[1], sys.argv[3])
