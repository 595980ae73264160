"""RMSE by config_type with a bar per set, from errors.csv of `frozentl train`, and by set from report.json of a fit."""

import json
import math
import os

import numpy as np

from . import style
from .table import Refused, Table

COLUMNS = {
    "energy_rmse": ("Energy", "meV/atom"),
    "forces_rmse": ("Forces", "meV/\u00c5"),
    "stress_rmse": ("Stress", "meV/\u00c5\u00b3"),
}
MAX_ROWS = 40
BAR = 0.32  # cm


def draw_bars(title, sets, rows, quantities, labels):
    """rows: label -> {set: {quantity: RMSE}}; quantities: name -> (title, unit)."""
    shown = [q for q in quantities if any(row.get(s, {}).get(q, math.nan) == row.get(s, {}).get(q, math.nan)
                                          and q in row.get(s, {}) for row in rows.values() for s in sets)]  # fmt: skip
    shown = shown or list(quantities)[:2]
    height = max(4.6, 2.9 + BAR * (len(sets) + 1) * len(rows))
    made, axes = style.figure(1, len(shown), width=style.DOUBLE if len(shown) > 1 else style.SINGLE, height=height, sharey=True)
    middle = np.arange(len(rows)) * (len(sets) + 1) * 1.0
    for frame, quantity in zip(axes[0], shown):
        what, unit = quantities[quantity]
        frame.set_gid(what)
        frame.set_title(what, loc="left")
        frame.set_xlabel(f"RMSE ({unit})")
        frame.grid(axis="y", visible=False)
        most = 0.0
        for s, name in enumerate(sets):
            at = middle + s - (len(sets) - 1) / 2
            values = np.array([row.get(name, {}).get(quantity, math.nan) for row in rows.values()], dtype=float)
            there = np.isfinite(values)
            bars = frame.barh(at[there], values[there], height=0.9, color=style.colour(s), label=style.clean(name))
            for bar, value in zip(bars, values[there]):
                frame.annotate(style.digits(value), (value, bar.get_y() + 0.45), (2, 0), textcoords="offset points", va="center", fontsize=style.SMALL)
            most = max([most, *values[there]])
        frame.set_xlim(0, 1.28 * most or 1)
        if not most:
            style.note(frame, "no labels")
    axes[0][0].set_yticks(middle, labels)
    axes[0][0].tick_params(axis="y", length=0)
    if len(rows):
        axes[0][0].set_ylim(middle[-1] + (len(sets) + 1) / 2, -(len(sets) + 1) / 2)
    if len(sets) > 1:
        handles = [style.matplotlib.patches.Patch(color=style.colour(s)) for s in range(len(sets))]
        made.legend(handles, [style.clean(s) for s in sets], loc="outside lower center", ncols=len(sets))
    made.suptitle(title, fontsize=7.5)
    style.letters(axes[0])
    return made


def read(path):
    """sets in order, config_type -> {set: {quantity: meV}}, config_type -> frames."""
    sets, rows, frames = [], {}, {}
    for row in Table(path, ("set", "config_type", "frames", *COLUMNS)):
        name, kind = row.text("set"), row.text("config_type")
        of = rows.setdefault(kind, {})
        if name not in sets:
            sets.append(name)
        if name in of and kind != "total":  # the last total of a set is the set's, whatever its types are called
            raise row.refuse(f"config_type '{kind[:60]}' of set '{name[:60]}' is there twice")
        n = row.value("frames")
        frames[kind] = n if name in of else frames.get(kind, 0) + n
        of[name] = {quantity: 1000 * row.number(quantity) for quantity in COLUMNS}
        if any(value < 0 for value in of[name].values()):
            raise row.refuse("an RMSE is negative")
    return sets, rows, frames


def draw(path, title):
    sets, rows, frames = read(path)

    def worst(kind, quantity):
        return max((of[quantity] for of in rows[kind].values() if of[quantity] == of[quantity]), default=-1.0)

    order = sorted(rows, key=lambda kind: (kind != "total", -worst(kind, "forces_rmse"), -worst(kind, "energy_rmse"), kind))
    words = f"{style.clean(title)}: RMSE by config_type (frames of all sets)"
    if len(order) > MAX_ROWS:
        words += f", the {MAX_ROWS - 1} worst of {len(order) - 1}"
    order = order[:MAX_ROWS]
    labels = [f"{style.clean(kind, 30)} ({frames[kind]:.0f})" for kind in order]
    return draw_bars(words, sets, {kind: rows[kind] for kind in order}, COLUMNS, labels)


FIT = {
    "energy_per_atom": ("Energy", "meV/atom"),
    "forces": ("Forces", "meV/\u00c5"),
    "virial_per_atom": ("Virial", "meV/atom"),
}
SETS = {"fitted": "fitted", "held_back": "held back", "valid": "valid"}


def read_report(path):
    """set -> (structures, {quantity: meV}), and functions, kept; of report.json of `frozentl fit` or `distill`."""
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        found = {}
        for key, of in report["errors_eV_Angstrom"].items():
            values = {q: math.nan if of[q] is None else 1000 * float(of[q]) for q in FIT}
            found[SETS.get(key, key)] = int(of["structures"]), values
        return found, (int(report["fit"]["functions"]), int(report["fit"]["kept"]))
    except OSError as error:
        raise Refused(path, os.strerror(error.errno)) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused(path, "it is no report of frozentl fit or distill") from None


def draw_report(path, title):
    found, (functions, kept) = read_report(path)
    rows = {name: {"": values} for name, (_, values) in found.items()}
    labels = [f"{name} ({n})" for name, (n, _) in found.items()]
    return draw_bars(f"{style.clean(title)}: RMSE by set (structures), {kept} of {functions} functions", [""], rows, FIT, labels)
