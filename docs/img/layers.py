#!/usr/bin/env python3
"""Draws a layer of a MACE and of a SevenNet, with the names that `--freeze` and `--train` know: layers.py, in build/venv/bin/python.

Writes layers-mace.svg and layers-sevennet.svg beside itself."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "python"))
from frozentl.plot import style  # noqa: E402

OPERATION, TRAINED, DATA = "#FFFFFF", style.lighter(style.BLUE, 0.75), style.lighter(style.ORANGE, 0.75)

# (name, words, column, row, kind); arrows from name to name. Columns are 0 to 3, rows count downwards.
MACE = (
    "a MACE layer",
    [
        ("h", "features of the layer before\nh (layer 0: embedding)", 1, 0, "data"),
        ("edges", "edges: distance, direction", 3, 0, "data"),
        ("up", "linear_up", 1, 1, "trained"),
        ("radial", "radial\nnetwork of the distance", 3, 1, "trained"),
        ("sum", "sum over neighbours\nA = \u03a3 R(r) Y(r\u0302) \u2297 h", 2, 2, "operation"),
        ("density", "density\nnetwork, in some blocks", 3, 2, "trained"),
        ("linear", "linear\n/ neighbours, or / (1 + density)", 2, 3, "trained"),
        ("skip", "skip\nby element", 0, 3, "trained"),
        ("product", "product.weights\nB = products of A, by element", 2, 4, "trained"),
        ("plin", "product.linear", 2, 5, "trained"),
        ("plus", "+", 1, 5, "operation"),
        ("out", "features of the layer\n(model.descriptors)", 1, 6, "data"),
        ("readout", "readout", 2, 6, "trained"),
        ("energy", "\u00d7 scale_shift + E0\n(+ zbl): energy of the atom", 3, 6, "trained"),
    ],
    [("h", "up"), ("up", "sum"), ("edges", "radial"), ("radial", "sum"), ("sum", "linear"), ("density", "linear"),
     ("linear", "product"), ("product", "plin"), ("plin", "plus"), ("h", "skip"), ("skip", "plus"), ("plus", "out"), ("out", "readout"), ("readout", "energy")],
)  # fmt: skip
SEVENNET = (
    "a SevenNet (NequIP) layer",
    [
        ("h", "features of the layer before\nh (layer 0: embedding)", 1, 0, "data"),
        ("edges", "edges: distance, direction", 3, 0, "data"),
        ("up", "linear_up", 1, 1, "trained"),
        ("radial", "radial\nnetwork of the distance", 3, 1, "trained"),
        ("sum", "sum over neighbours\n\u03a3 R(r) Y(r\u0302) \u2297 h / denominator", 2, 2, "operation"),
        ("skip", "skip\n(self-connection)", 0, 3, "trained"),
        ("linear", "linear", 2, 3, "trained"),
        ("plus", "+", 1, 4, "operation"),
        ("gate", "gate\nof scalars, times the rest", 1, 5, "operation"),
        ("out", "features of the layer\n(model.descriptors)", 1, 6, "data"),
        ("readout", "readout\n(last layer only)", 2, 6, "trained"),
        ("energy", "\u00d7 scale_shift + E0:\nenergy of the atom", 3, 6, "trained"),
    ],
    [("h", "up"), ("up", "sum"), ("edges", "radial"), ("radial", "sum"), ("sum", "linear"), ("linear", "plus"), ("h", "skip"), ("skip", "plus"),
     ("plus", "gate"), ("gate", "out"), ("out", "readout"), ("readout", "energy")],
)  # fmt: skip
WIDTH, HEIGHT, STEP_X, STEP_Y = 3.9, 0.95, 4.5, 1.5


def draw(title, boxes, arrows, path):
    made = style.Figure(figsize=(style.DOUBLE / 2.54, 11 / 2.54), layout="constrained")
    axes = made.add_subplot()
    place = {}
    for name, words, column, row, kind in boxes:
        x, y = column * STEP_X, -row * STEP_Y
        width = 0.9 if words == "+" else WIDTH
        place[name] = (x, y, width)
        colour = {"data": DATA, "trained": TRAINED, "operation": OPERATION}[kind]
        axes.add_patch(style.patches.FancyBboxPatch((x - width / 2, y - HEIGHT / 2), width, HEIGHT, boxstyle="round,pad=0,rounding_size=0.15", fc=colour,
                                                    ec=style.INK, lw=0.7, zorder=2))  # fmt: skip
        first, _, rest = words.partition("\n")
        axes.text(x, y + (0.17 if rest else 0), first, ha="center", va="center", fontweight="bold" if kind == "trained" else "normal", zorder=3)
        axes.text(x, y - 0.22, rest, ha="center", va="center", fontsize=style.SMALL, zorder=3)
    for a, b in arrows:
        (x1, y1, w1), (x2, y2, w2) = place[a], place[b]
        if y1 == y2:
            side = 1 if x2 > x1 else -1
            start, end = (x1 + side * w1 / 2, y1), (x2 - side * w2 / 2, y2)
        elif a == "h" and b == "skip":  # around linear_up
            axes.plot((x1 - w1 / 2, x2), (y1, y1), color=style.INK, lw=0.8, zorder=1)
            start, end = (x2, y1), (x2, y2 + HEIGHT / 2)
        else:
            start, end = (x1, y1 - HEIGHT / 2), (x2, y2 + HEIGHT / 2)
        axes.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", lw=0.8, color=style.INK, shrinkA=0, shrinkB=0, zorder=1))
    axes.set_xlim(-WIDTH / 2 - 0.2, 3 * STEP_X + WIDTH / 2 + 0.2)
    axes.set_ylim(-6 * STEP_Y - 0.7, 0.7)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(f"{title}: groups of parameters are blue", loc="left")
    style.save(made, path)


def main():
    for name, (title, boxes, arrows) in (("mace", MACE), ("sevennet", SEVENNET)):
        draw(title, boxes, arrows, os.path.join(HERE, f"layers-{name}.svg"))


if __name__ == "__main__":
    main()
