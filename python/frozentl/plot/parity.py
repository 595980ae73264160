"""Predicted against reference energies, forces and stresses, coloured by config_type."""

import math

import numpy as np

from . import style
from .table import Table

QUANTITIES = {
    "energy": ("Energy", "eV/atom", "meV/atom"),
    "force": ("Force components", "eV/\u00c5", "meV/\u00c5"),
    "stress": ("Stress components", "eV/\u00c5\u00b3", "meV/\u00c5\u00b3"),
}
CELLS = 220  # of a frame, across and up: points that fall into one are drawn as one dot
SHADES = ((1, 0.45), (2, 0.6), (5, 0.75), (20, 0.9), (100, 1.0))  # points in a cell, from how many on; opacity
MOST_VECTOR = 600  # dots; more are one image in the picture, which stays small
OTHER = "other types"


class Pairs:
    """Reference and predicted numbers of one quantity with the config_type of each."""

    def __init__(self):
        self.reference, self.predicted, self.kinds = [], [], []

    def add(self, reference, predicted, kind):
        self.reference.append(reference)
        self.predicted.append(predicted)
        self.kinds.append(kind)

    def __len__(self):
        return len(self.reference)


def read(path):
    """quantity -> Pairs, of predictions-SET.csv."""
    pairs = {name: Pairs() for name in QUANTITIES}
    table = Table(path, ("quantity", "reference", "prediction"))
    typed = table.has("config_type")
    for row in table:
        name = row.text("quantity")
        if name not in pairs:
            raise row.refuse(f"the quantity is '{name[:60]}' in place of energy, force or stress")
        pairs[name].add(row.value("reference"), row.value("prediction"), row.text("config_type") if typed else "")
    return pairs


def kinds_of(pairs):
    """config_type -> (label, colour); the types with the most numbers have their own, all others share one."""
    count = {}
    for of in pairs.values():
        for kind in of.kinds:
            count[kind] = count.get(kind, 0) + 1
    order = sorted(count, key=lambda kind: -count[kind])
    room = len(style.COLOURS)
    own = order if len(order) <= room else order[: room - 1]
    shown = {kind: (style.clean(kind, 28) or "(none)", style.COLOURS[k]) for k, kind in enumerate(own)}
    return {kind: shown.get(kind, (f"{len(order) - len(own)} {OTHER}", style.GREY)) for kind in order}


def merged(x, y, low, high):
    """Points that fall on one another: where one of them is, and how many they are."""
    if low == high:
        return x[:1], y[:1], np.array([len(x)])
    i = np.clip(((x - low) / (high - low) * CELLS).astype(int), 0, CELLS - 1)
    j = np.clip(((y - low) / (high - low) * CELLS).astype(int), 0, CELLS - 1)
    _, first, count = np.unique(i * CELLS + j, return_index=True, return_counts=True)
    return x[first], y[first], count


def _dots(frame, of, kinds, low, high):
    x, y = np.array(of.reference), np.array(of.predicted)
    groups = {}
    for k, kind in enumerate(of.kinds):
        groups.setdefault(kinds[kind], []).append(k)
    parts = [(look, *merged(x[at], y[at], low, high)) for look, at in groups.items()]
    parts.sort(key=lambda part: -part[3].sum())  # the rare ones on top
    n = sum(len(part[1]) for part in parts)
    for (label, colour), px, py, count in parts:
        opacity = np.array([SHADES[0][1]] * len(px)) if len(px) else np.array([])
        for least, shade in SHADES:
            opacity[count >= least] = shade
        order = np.argsort(opacity, kind="stable")
        colours = np.array([(*style.matplotlib.colors.to_rgb(colour), a) for a in opacity]).reshape(-1, 4)
        dots = frame.scatter(px[order], py[order], s=9 if n < 500 else 3, c=colours[order], linewidths=0, rasterized=n > MOST_VECTOR)
        dots.set_gid(f"type {label}")


def _histogram(frame, errors, unit):
    """Of the errors, in the lower right corner; what lies beyond its ends is in the outermost bars."""
    rmse = math.sqrt(float(np.mean(errors**2)))
    reach = min(float(np.abs(errors).max()), 4 * rmse)
    if not reach > 0 or len(errors) < 2:
        return
    inset = frame.inset_axes([0.6, 0.13, 0.36, 0.2])
    inset.hist(np.clip(errors, -reach, reach), bins=33, range=(-reach, reach), color=style.SKY)
    inset.set_gid("histogram of errors")
    inset.patch.set_alpha(0.8)
    inset.grid(False)
    inset.set_yticks([])
    inset.set_xticks([-reach, 0, reach], [f"\u2212{style.digits(reach, 2)}", "0", style.digits(reach, 2)], fontsize=5.5)
    inset.tick_params(length=1.5, pad=1)
    inset.spines[["left", "right", "top"]].set_visible(False)
    inset.set_title(f"error ({unit})", fontsize=5.5, pad=1.5)


def _panel(frame, name, of, kinds):
    title, unit, milli = QUANTITIES[name]
    frame.set_gid(name)
    frame.set_title(title, loc="left")
    frame.set_xlabel(f"reference ({unit})")
    frame.set_ylabel(f"predicted ({unit})")
    frame.set_box_aspect(1)
    for axis in (frame.xaxis, frame.yaxis):
        axis.set_major_locator(style.ticker.MaxNLocator(5))
    if not len(of):
        frame.set(xlim=(0, 1), ylim=(0, 1))
        return style.note(frame, "no predictions\nwith a reference")
    x, y = np.array(of.reference), np.array(of.predicted)
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    room = 0.04 * (high - low) or 1e-3 * max(1.0, abs(high))
    frame.set(xlim=(low - room, high + room), ylim=(low - room, high + room))
    frame.plot([0, 1], [0, 1], transform=frame.transAxes, color=style.GREY, lw=0.7, zorder=1).pop().set_gid("predicted = reference")
    _dots(frame, of, kinds, low, high)
    errors = 1000 * (y - x)
    numbers = (math.sqrt(float(np.mean(errors**2))), float(np.abs(errors).mean()), float(np.abs(errors).max()))
    words = "{} {}\nRMSE {} {u}\nMAE {} {u}\nlargest {} {u}".format(
        len(of), "point" if len(of) == 1 else "points", *map(style.digits, numbers), u=milli)  # fmt: skip
    box = {"boxstyle": "square,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.75}
    frame.text(0.03, 0.97, words, transform=frame.transAxes, va="top", fontsize=style.SMALL, bbox=box)
    _histogram(frame, errors, milli)


def draw_rows(rows, below=None):
    """rows: title -> quantity -> Pairs; one row of frames each, with the same colours. below(frames) draws one row more."""
    shown = [name for name in QUANTITIES if name != "stress" or any(len(pairs[name]) for pairs in rows.values())]
    together = {k: pairs for k, pairs in enumerate(of for pairs in rows.values() for of in pairs.values())}
    kinds = kinds_of(together)
    labels = dict(dict.fromkeys(kinds.values()))
    columns = min(len(labels), 2 * len(shown))
    legend = 0.5 * -(-len(labels) // columns) if len(labels) > 1 else 0
    n = len(rows) + (below is not None)
    made, axes = style.figure(n, len(shown), width=5.95 * len(shown), height=5.9 * n + 0.4 + legend)
    for frames, (title, pairs) in zip(axes, rows.items()):
        for frame, name in zip(frames, shown):
            _panel(frame, name, pairs[name], kinds)
            if len(rows) > 1:
                frame.set_title(f"{style.clean(title, 24)}: {'forces' if name == 'force' else name}", loc="left")
    if len(rows) == 1:
        made.suptitle(style.clean(next(iter(rows)), 80), fontsize=7.5)
    if legend:
        dots = [style.matplotlib.lines.Line2D([], [], ls="", marker="o", color=colour) for _, colour in labels]
        made.legend(dots, [label for label, _ in labels], loc="outside lower center", ncols=columns)
    if below:
        below(axes[-1])
    style.letters(frame for frame in axes.flat if frame.get_visible())
    return made


def draw(path, title):
    return draw_rows({title: read(path)})
