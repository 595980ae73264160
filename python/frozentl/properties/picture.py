"""Pictures of what was measured: elastic constants, energies against volume, phonons, paths."""

from __future__ import annotations

import re

from ..plot import style
from .measure import Measured
from .report import by_structure

MODULI = ("bulk, Hill", "shear, Hill", "Young, Hill")


def shown(found: list[Measured], what: str) -> dict[str, list[Measured]]:
    return by_structure([one for one in found if what in one.data])


def colours(found: list[Measured]) -> dict[str, str]:
    return {name: style.colour(k) for k, name in enumerate(dict.fromkeys(one.potential for one in found))}


def legend(made, names: dict[str, str]) -> None:
    lines = [style.lines.Line2D([], [], color=colour, lw=2) for colour in names.values()]
    made.legend(lines, [style.clean(name, 30) for name in names], loc="outside upper center", ncols=min(4, len(names)))


def elastic(found, references):
    """Bars of C_ij and moduli side by side; lines across them are the references'."""
    groups, names = shown(found, "elastic"), colours(found)
    made, axes = style.figure(len(groups), 1, width=style.DOUBLE, height=4.2 * len(groups) + 0.8)
    for frame, (structure, group) in zip(axes[:, 0], groups.items()):
        there = {name for one in group for name in one.values()}
        quantities = sorted(name for name in there if re.fullmatch(r"C\d\d", name)) + [name for name in MODULI if name in there]
        width = 0.82 / len(group)
        for j, one in enumerate(group):
            values = one.values()
            at = [k for k, q in enumerate(quantities) if q in values]
            frame.bar([k + (j - (len(group) - 1) / 2) * width for k in at], [values[quantities[k]] for k in at], 0.94 * width,
                      color=names[one.potential], edgecolor=style.INK, linewidth=0.4)  # fmt: skip
        for k, (name, content) in enumerate((n, c[structure]["values"]) for n, c in references.items() if structure in c):
            at = [i for i, q in enumerate(quantities) if q in content]
            if at:
                frame.hlines([content[quantities[i]] for i in at], [i - 0.45 for i in at], [i + 0.45 for i in at], colors="black", lw=1.4,
                             ls=("-", "--", ":")[k % 3], label=style.clean(name, 30))  # fmt: skip
                frame.legend(loc="upper right")
        frame.set_title(structure, loc="left")
        frame.set_xticks(range(len(quantities)), [q.replace(", Hill", "") for q in quantities])
        frame.grid(axis="x", visible=False)
        frame.set_ylabel("elastic constant (GPa)")
        frame.axhline(0, color=style.INK, lw=0.6)
    legend(made, names)
    style.letters(axes[:, 0])
    return made


def curves(found, what, x, y, labels):
    """A panel for each structure, a line for each potential."""
    groups, names = shown(found, what), colours(found)
    columns = min(3, len(groups))
    made, axes = style.figure(-(-len(groups) // columns), columns, width=style.DOUBLE, height=6 * -(-len(groups) // columns) + 0.8)
    for frame, (structure, group) in zip(axes.flat, groups.items()):
        for one in group:
            data = one.data[what]
            low = min(data[y]) if what == "eos" else 0
            scale = 1000 if what == "eos" else 1
            frame.plot(data[x], [scale * (value - low) for value in data[y]], marker="o", color=names[one.potential])
        frame.set_title(structure, loc="left")
        frame.set_xlabel(labels[0])
        frame.set_ylabel(labels[1])
    for frame in list(axes.flat)[len(groups) :]:
        frame.set_visible(False)
    legend(made, names)
    style.letters(list(axes.flat)[: len(groups)])
    return made


def phonons(found, references):
    """Bands and density of states, a row for each structure."""
    groups, names = shown(found, "phonons"), colours(found)
    made, axes = style.figure(len(groups), 2, width=style.DOUBLE, height=5.5 * len(groups) + 0.8, width_ratios=(3, 1), sharey="row")
    for frames, (structure, group) in zip(axes, groups.items()):
        for one in group:
            data, colour = one.data["phonons"], names[one.potential]
            # the path's length follows the lattice constant: each potential's is drawn over the first one's
            scale = group[0].data["phonons"]["x"][-1] / data["x"][-1]
            frames[0].plot([scale * x for x in data["x"]], data["bands_THz"], color=colour, lw=0.9)
            frames[1].plot(data["dos"], data["dos_THz"], color=colour, lw=0.9)
        first = group[0].data["phonons"]
        frames[0].set_xticks(first["places"], [name.replace("G", "\u0393") for name in first["names"]])
        frames[0].set_xlim(first["x"][0], first["x"][-1])
        frames[0].axhline(0, color=style.INK, lw=0.6)
        frames[0].set_title(structure, loc="left")
        frames[0].set_ylabel("frequency (THz)")
        frames[1].set_xlabel("density of states")
    legend(made, names)
    style.letters(axes[:, 0])
    return made


KINDS = {
    "elastic": elastic,
    "eos": lambda found, _: curves(found, "eos", "volume_A3_atom", "energy_eV_atom",
                                   ("volume (\u00c5\u00b3/atom)", "energy over the lowest (meV/atom)")),
    "phonons": phonons,
    "bain": lambda found, _: curves(found, "bain", "c/a", "meV_atom", ("c/a (1: bcc, 1.414: fcc)", "energy over bcc (meV/atom)")),
    "burgers": lambda found, _: curves(found, "burgers", "part", "meV_atom", ("from bcc (0) to hcp (1)", "energy over bcc (meV/atom)")),
}  # fmt: skip


def draw(found: list[Measured], references: dict, folder: str, form: str) -> list[str]:
    """The files drawn."""
    made = []
    for kind, function in KINDS.items():
        if any(kind in one.data for one in found):
            style.save(function(found, references), f"{folder}/{kind}.{form}")
            made.append(f"{kind}.{form}")
    return made
