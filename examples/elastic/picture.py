"""The table and the picture of elastic constants: rows of elastic.csv in, Markdown and SVG out."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "surrogate"))

from panels import style  # noqa: E402

LABELS = ("foundation", "fine-tuned", "surrogate")  # in this order everywhere
# 300 K in a lighter tone of the same colour, which is a colour and not an opacity: not every program knows those.
LOOKS = {(label, kelvin): style.lighter(colour, 0.55 * bool(kelvin)) for label, colour in zip(LABELS, style.COLOURS) for kelvin in (0, 300)}
CONSTANTS = {"cubic": ("C11", "C12", "C44"), "hexagonal": ("C11", "C12", "C13", "C33", "C44", "C66")}
MODULI = ("bulk, Hill", "shear, Hill", "Young, Hill")


def table(rows):
    """(potential, K) -> quantity -> (value, error or None), in the order of the rows."""
    columns = {}
    for _, label, kelvin, quantity, value, error, _ in rows:
        columns.setdefault((label, int(kelvin)), {})[quantity] = float(value), float(error) if error else None
    return columns


def tables(rows, every):
    for name, case in every.items():
        columns = table([row for row in rows if row[0] == name])
        if not columns:
            continue
        quantities = list(max(columns.values(), key=len))
        yield f"\n**{case.title}**, GPa; in brackets the standard error\n"
        yield "| | " + " | ".join([*(f"{label}, {kelvin} K" for label, kelvin in columns), *case.known]) + " |"
        yield "| --- |" + " ---: |" * (len(columns) + len(case.known))
        for quantity in quantities:
            cells = [number(quantity, *column.get(quantity, (None, None))) for column in columns.values()]
            cells += [f"{known[quantity]:.1f}" if quantity in known else "" for known in case.known.values()]
            yield f"| {quantity} | " + " | ".join(cells) + " |"


def number(quantity, value, error):
    digits = 3 if quantity.startswith("Poisson") else 1
    if value is None:
        return "-"
    return f"{value:.{digits}f}" + ("" if error is None else f" ({error:.{digits}f})")


def draw(rows, every, path):
    shown = [(case, table([row for row in rows if row[0] == name])) for name, case in every.items() if any(row[0] == name for row in rows)]
    made, axes = style.figure(len(shown), 1, width=style.DOUBLE, height=4.2 * len(shown) + 0.8)
    for frame, (case, columns) in zip(axes[:, 0], shown):
        panel(frame, case, columns)
    used = [key for key in LOOKS if any(key in columns for _, columns in shown)]
    handles = [style.matplotlib.patches.Patch(facecolor=LOOKS[key], edgecolor=style.INK, lw=0.4) for key in used]
    made.legend(handles, [f"{label}, {kelvin} K" for label, kelvin in used], loc="outside upper center", ncols=len(used))
    style.letters(axes[:, 0])
    style.save(made, path)


def names(case, columns):
    """What the columns have all; a table of earlier runs may lack a constant."""
    return [name for name in (*CONSTANTS[case.shape], *MODULI) if all(name in column for column in columns.values())]


def panel(frame, case, columns):
    """Bars of each quantity side by side, with standard errors; lines across them are what is known."""
    quantities, width = names(case, columns), 0.82 / len(columns)
    for j, (key, column) in enumerate(columns.items()):
        there = [(k + (j - (len(columns) - 1) / 2) * width, *column[q]) for k, q in enumerate(quantities) if q in column]
        at, value, error = zip(*there)
        frame.bar(at, value, 0.94 * width, color=LOOKS[key], edgecolor=style.INK, linewidth=0.4)
        bars = [(x, v, e) for x, v, e in zip(at, value, error) if e]
        if bars:
            x, v, e = zip(*bars)
            frame.errorbar(x, v, e, fmt="none", ecolor=style.INK, elinewidth=0.8)
    for k, (name, known) in enumerate(case.known.items()):
        at = [i for i, q in enumerate(quantities) if q in known]
        frame.hlines([known[quantities[i]] for i in at], [i - 0.45 for i in at], [i + 0.45 for i in at], colors="black", lw=1.4,
                     ls=("-", "--")[k % 2], label=name)  # fmt: skip
    frame.set_title(case.title, loc="left")
    frame.set_xticks(range(len(quantities)), [q.replace(", Hill", "") for q in quantities])
    frame.grid(axis="x", visible=False)
    frame.set_ylabel("elastic constant (GPa)")
    frame.axhline(0, color=style.INK, lw=0.6)
    if case.known:
        frame.legend(loc="upper right")
