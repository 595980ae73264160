"""Learning curves: error against the size of the training set, a line per mode."""

import os

from . import style
from .table import Table

QUANTITIES = {
    "energy_rmse_meV_atom": ("Energy", "meV/atom"),
    "force_rmse_meV_A": ("Forces", "meV/\u00c5"),
}


def read(path):
    """mode -> x -> {seed: {quantity: RMSE}}, in order of appearance; whether x is a fraction (then in per cent)."""
    table, modes = Table(path, ("mode", *QUANTITIES)), {}
    fraction = table.has("fraction")
    if not fraction and not table.has("structures"):
        raise table.refuse("it names neither a column 'fraction' nor 'structures'")
    for row in table:
        mode, seed = row.text("mode"), row.text("seed") if row.has("seed") else ""
        if not mode:
            raise row.refuse("column 'mode' is empty")
        x = row.value("fraction" if fraction else "structures")
        if fraction and not 0 < x <= 1:
            raise row.refuse(f"a fraction of {x:g} is not above 0 and at most 1")
        if x <= 0:
            raise row.refuse(f"{x:g} structures cannot be shown: it must be more than 0")
        x = 100 * x if fraction else x
        values = {name: row.number(name) for name in QUANTITIES}
        for value in values.values():
            if value < 0:
                raise row.refuse(f"an error of {value:g} is negative")
        seeds = modes.setdefault(mode, {}).setdefault(x, {})
        if seed in seeds:
            raise row.refuse(f"mode '{mode[:60]}' has seed '{seed[:20]}' twice at {x:g}{' %' if fraction else ' structures'}")
        seeds[seed] = values
    return modes, fraction


def _line(frame, points, quantity, k, mode):
    """Means over the seeds; the bar goes from the lowest to the highest of them."""
    x, mean, below, above = [], [], [], []
    for at in sorted(points):
        values = [of[quantity] for of in points[at].values() if of[quantity] > 0]
        if values:
            x.append(at)
            mean.append(sum(values) / len(values))
            below.append(mean[-1] - min(values))
            above.append(max(values) - mean[-1])
    if x:
        bars = (below, above) if any(b > 0 for b in below) else None
        frame.errorbar(x, mean, bars, color=style.colour(k), marker=style.marker(k), label=style.clean(mode, 30),
                       ls=("-", "--", ":")[k // len(style.COLOURS) % 3], elinewidth=0.8).lines[0].set_gid(f"mode {mode}")  # fmt: skip
    return x


def draw(path, title):
    modes, fraction = read(path)
    rows = -(-len(modes) // 5)
    made, axes = style.figure(1, 2, width=style.DOUBLE, height=6.6 + 0.4 * rows)
    for frame, (quantity, (what, unit)) in zip(axes[0], QUANTITIES.items()):
        frame.set_gid(what)
        frame.set_title(what, loc="left")
        every = [x for k, (mode, points) in enumerate(modes.items()) for x in _line(frame, points, quantity, k, mode)]
        values = [of[quantity] for points in modes.values() for seeds in points.values() for of in seeds.values()]
        style.logarithmic(frame.xaxis, every)
        style.logarithmic(frame.yaxis, values)
        sizes = sorted(set(every))
        if 0 < len(sizes) <= 8:  # the sizes themselves, where they are few and apart
            apart = all(b / a > 1.5 for a, b in zip(sizes, sizes[1:]))
            if apart:
                frame.xaxis.set_major_locator(style.ticker.FixedLocator(sizes))
                frame.xaxis.set_minor_locator(style.ticker.NullLocator())
        frame.set_xlabel("training structures (% of all)" if fraction else "training structures")
        frame.set_ylabel(f"RMSE ({unit})")
        if not every:
            style.note(frame, "no numbers in the table")
    repeated = any(len(seeds) > 1 for points in modes.values() for seeds in points.values())
    words = style.clean(os.path.splitext(title)[0] if title.endswith(".csv") else title)
    made.suptitle(words + (": means over the seeds, bars from the lowest to the highest" if repeated else ""), fontsize=7.5)
    handles, labels = {}, []
    for frame in axes[0]:
        for handle, label in zip(*frame.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    labels = list(handles)
    if labels:
        made.legend(list(handles.values()), labels, loc="outside lower center", ncols=min(5, len(labels)))
    style.letters(axes[0])
    return made


