"""How well a model tells its errors, of answers of `frozentl eval --trust`: errors against deviations, and how many lie inside of intervals."""

import numpy as np

from .._calibration import calibration, probability
from . import style

MOST_BINS = 10
MOST_DOTS = 2000


class Told:
    """Errors (meV/Angstrom: lengths of forces' errors; meV/atom) beside the deviations told."""

    def __init__(self):
        self.numbers = {"force": [], "energy": []}

    def add(self, answer, reference):
        n = len(answer["forces"])
        if answer.get("force_deviation") and reference.get("forces"):
            error = np.linalg.norm(np.array(answer["forces"], float) - np.array(reference["forces"], float), axis=1)
            self.numbers["force"] += zip(1000 * error, 1000 * np.array(answer["force_deviation"], float), strict=True)
        if answer.get("total_deviation") and "energy" in reference:
            self.numbers["energy"].append((1000 * abs(answer["energy"] - reference["energy"]) / n, 1000 * answer["total_deviation"] / n))

    def of(self, name):
        """errors[n], deviations[n]"""
        numbers = np.array([pair for pair in self.numbers[name] if pair[1] > 0], float).reshape(-1, 2)
        return numbers[:, 0], numbers[:, 1]

    def __len__(self):
        return sum(map(len, self.numbers.values()))


def _ranking(frame, errors, told):
    """Dots, and root mean squares of as many errors each."""
    frame.set_title("Errors as told, forces", loc="left")
    frame.set(xlabel="deviation told (meV/\u00c5)", ylabel="error (meV/\u00c5)")
    if not len(errors):
        return style.note(frame, "no deviations of forces\nwith a reference")
    order = np.argsort(told, kind="stable")
    dots = order[:: -(-len(order) // MOST_DOTS)]
    dots = dots[errors[dots] > 0]
    frame.plot(told[dots], errors[dots], ".", ms=2, mew=0, color=style.SKY, rasterized=len(dots) > 600).pop().set_gid("errors")
    parts = np.array_split(order, min(MOST_BINS, -(-len(order) // 5)))
    means = [(np.sqrt(np.mean(told[p] ** 2)), np.sqrt(np.mean(errors[p] ** 2))) for p in parts]
    frame.plot(*zip(*means), marker="o", color=style.BLUE, label="root mean squares").pop().set_gid("root mean squares")
    every = [*told, *(x for pair in means for x in pair)]
    frame.plot([min(every), max(every)], [min(every), max(every)], ":", color=style.INK, lw=0.8, label="as large as told")
    style.logarithmic(frame.xaxis, told)
    style.logarithmic(frame.yaxis, [*errors[dots], *(pair[1] for pair in means)])
    words = f"Spearman {calibration(errors, told, 3).spearman:.2f}"
    frame.text(0.03, 0.97, words, transform=frame.transAxes, va="top", fontsize=style.SMALL)
    frame.legend(loc="lower right", fontsize=style.SMALL, handlelength=1.2)


def _intervals(frame, told):
    frame.set_title("Inside of intervals", loc="left")
    frame.set(xlabel="expected (%)", ylabel="found (%)", xlim=(0, 100), ylim=(0, 100))
    frame.plot([0, 100], [0, 100], ":", color=style.INK, lw=0.8)
    for name, label, dimensions, colour in (("force", "forces", 3, style.BLUE), ("energy", "energies", 1, style.ORANGE)):
        errors, deviations = told.of(name)
        if not len(errors):
            continue
        expected = np.sort(probability(errors, deviations, dimensions))
        found = (np.arange(len(expected)) + 1) / len(expected)
        some = np.unique(np.linspace(0, len(expected) - 1, min(len(expected), 200)).astype(int))
        how = calibration(errors, deviations, dimensions)
        label = f"{label}, miscalib. {how.miscalibration:.3f}"
        frame.plot(100 * expected[some], 100 * found[some], color=colour, label=label)
    frame.legend(loc="lower right", fontsize=style.SMALL, handlelength=1.2)


def draw_row(frames, told):
    """Into a row of at least two frames."""
    _ranking(frames[0], *told.of("force"))
    _intervals(frames[1], told)
    for frame in frames[:2]:
        frame.set_box_aspect(1)
    for frame in frames[2:]:
        frame.set_visible(False)
