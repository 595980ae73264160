"""Parity on structures with labels: answers against labels, one row of plots per potential, as SVG.

    examples/surrogate/run.sh parity.py --data examples/surrogate/data/h2cu-test.xyz tuned=FILE.ftl surrogate=FILE.yace

Left the energy per atom, right every so many force components. Standard library only.
"""

import os
import sys

import errors
from panels import COLOURS, Axis, Panel, around, save
from report import ROOT, arguments, shipped

SIZE, LEFT, ROW, COLUMN = 260, 80, 360, 380  # pixels
MOST = 1500  # dots per plot


def rmse(pairs):
    return 1000 * (sum((x - y) ** 2 for x, y in pairs) / len(pairs)) ** 0.5


def plot(row, column, title, unit, pairs, colour):
    """x: label, y: answer; both axes have the same range."""
    values = [x for pair in pairs for x in pair]
    axis = around(values, margin=0.04)
    panel = Panel(LEFT + column * COLUMN, 64 + row * ROW, SIZE, SIZE, axis, Axis(axis.lowest, axis.highest))
    milli = f"m{unit}"
    yield from panel.frame(f"{title}, RMSE {rmse(pairs):.3g} {milli}", f"label, {unit}", f"answer, {unit}")
    yield from panel.line([(axis.lowest, axis.lowest), (axis.highest, axis.highest)], "#767676", 1)
    yield from panel.dots(pairs[:: -(-len(pairs) // MOST)], colour, 1.5)


def pairs_of(have, want, quantity):
    return [(y, x) for a, b in zip(have, want) for x, y in zip(a.values[quantity], b.values[quantity])]


def main():
    options = arguments(__doc__, [f"mace={shipped('h2cu.ftl')}"],
                        data=("extended XYZ with labels", os.path.join(ROOT, "examples", "surrogate", "data", "h2cu-test.xyz")),
                        name=("name of the file", "parity"),
                        frozentl=("the program", os.path.join(ROOT, "build", "release", "train", "frozentl")))  # fmt: skip
    want = list(errors.labels(options.data))
    kinds = [frame.kind for frame in want]
    pieces = []
    for row, (label, potential) in enumerate(options.potentials.items()):
        have = errors.answers(options.frozentl, potential, options.data, kinds)
        colour = COLOURS[row % len(COLOURS)]
        pieces += plot(row, 0, f"{label}: energy", "eV/atom", pairs_of(have, want, "energy"), colour)
        pieces += plot(row, 1, f"{label}: forces", "eV/Å", pairs_of(have, want, "forces"), colour)
    path = os.path.join(options.out, f"{options.name}.svg")
    save(path, LEFT + 2 * COLUMN, 64 + len(options.potentials) * ROW, pieces)
    print(f"Picture: {os.path.relpath(path)}")


if __name__ == "__main__":
    sys.exit(main())
