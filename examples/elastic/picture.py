"""The table and the picture of elastic constants: rows of elastic.csv in, Markdown and SVG out. Standard library only."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "surrogate"))

from contours import text  # noqa: E402
from panels import COLOURS, Axis, save  # noqa: E402
from tensors import CONSTANTS  # noqa: E402

LABELS = ("foundation", "fine-tuned", "surrogate")
SHADES = {(label, kelvin): shade for label, colour in zip(LABELS, COLOURS) for kelvin, shade in ((0, colour), (300, colour + "88"))}
MODULI = ("bulk, Hill", "shear, Hill", "Young, Hill")
BAR, APART, HEIGHT = 13, 16, 190


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
    pieces = []
    for k, (label, kelvin) in enumerate(SHADES):
        x, y = 56 + 150 * (k // 2), 14 + 16 * (k % 2)
        pieces += [f'<rect x="{x}" y="{y}" width="12" height="12" fill="{SHADES[label, kelvin]}"/>',
                   text(x + 17, y + 10, f"{label}, {kelvin} K", 11, "start")]  # fmt: skip
    right = 56 + max(len(names(case)) * group(columns) for case, columns in shown) + 70
    for k, (case, columns) in enumerate(shown):
        pieces += panel(case, columns, right * (k % 2) + 56, 88 + (HEIGHT + 84) * (k // 2))
    save(path, 2 * right, 88 + (HEIGHT + 84) * ((len(shown) + 1) // 2) - 40, pieces)


def names(case):
    return [*CONSTANTS[case.shape], *MODULI]


def group(columns):
    """Width of the bars of one quantity and of what is between them and the next."""
    return max(48, APART + BAR * len(columns))


def panel(case, columns, left, top):
    values = [value + (error or 0) for column in columns.values() for q, (value, error) in column.items() if q in names(case)]
    values += [value for known in case.known.values() for value in known.values()]
    axis, wide = Axis(0, 1.06 * max(values)), BAR * len(columns)
    right = left + len(names(case)) * group(columns)

    def y(value):
        return top + HEIGHT * (1 - axis.part(value))

    yield text(left, top - 24, f"{case.title}, GPa", 12, "start", "bold")
    yield text(left, top - 8, "".join(f"lines: {known}" for known in case.known), 11, "start")
    for value in axis.ticks():
        yield f'<path d="M{left},{y(value):.1f} H{right}" stroke="#e2e2e2"/>'
        yield text(left - 6, y(value) + 4, f"{value:g}", 11, "end")
    for k, quantity in enumerate(names(case)):
        middle = left + (k + 0.5) * group(columns)
        x = middle - wide / 2
        yield text(middle, top + HEIGHT + 15, quantity.replace(", Hill", ""), 11)
        for j, (key, column) in enumerate(columns.items()):
            if quantity in column:
                yield from bar(x + BAR * j, y, *column[quantity], SHADES[key])
        for known in case.known.values():
            if quantity in known:
                yield f'<path d="M{x - 3:.1f},{y(known[quantity]):.1f} h{wide + 4}" stroke="#222222" stroke-width="1.6"/>'
    yield f'<path d="M{left},{top} V{top + HEIGHT} H{right}" stroke="#767676" fill="none"/>'


def bar(x, y, value, error, shade):
    low, high = sorted((y(value), y(0)))
    yield f'<rect x="{x:.1f}" y="{low:.1f}" width="{BAR - 2}" height="{high - low:.1f}" fill="{shade}"/>'
    if error:
        at, above, below = x + BAR / 2 - 1, y(value + error), y(value - error)
        yield f'<path d="M{at:.1f},{below:.1f} V{above:.1f} M{at - 3:.1f},{above:.1f} h6 M{at - 3:.1f},{below:.1f} h6" stroke="#222222" fill="none"/>'
