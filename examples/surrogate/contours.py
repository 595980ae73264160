"""Contour plots side by side: energy against bond length and height of a molecule."""

import numpy as np
from panels import style

LOWEST, HIGHEST, STEP = -0.2, 1.6, 0.1  # eV: levels drawn; every fifth is thick


def panel(frame, title, lengths, heights, energies, barrier):
    levels = np.arange(round(LOWEST / STEP), round(HIGHEST / STEP) + 1) * STEP
    energies = np.array(energies).T  # up, across
    filled = frame.contourf(lengths, heights, energies, levels, cmap="cividis", extend="both")
    filled.set_rasterized(True)  # as paths, the fills of twelve panels are a megabyte
    frame.contour(lengths, heights, energies, levels, colors="white", linewidths=[0.9 if k % 5 == 2 else 0.3 for k in range(len(levels))])
    frame.set_title(title, loc="left")
    frame.set(xlabel="bond length d (\u00c5)", ylabel="height Z (\u00c5)")
    if barrier:
        frame.plot(barrier.length, barrier.height, "x", color=style.VERMILLION, ms=6, mew=1.6)
        frame.annotate(f"{barrier.energy:.2f} eV", (barrier.length, barrier.height), (4, 4), textcoords="offset points", color=style.INK,
                       bbox={"boxstyle": "square,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.85})  # fmt: skip
    return filled


def draw(plots, path):
    """plots: potential -> [(title, lengths, heights, energies, barrier or None)]; one row of panels per potential."""
    columns = max(len(row) for row in plots.values())
    made, axes = style.figure(len(plots), columns, width=max(style.SINGLE, 5.4 * columns + 1.6), height=5.2 * len(plots) + 1.2)
    filled = None
    for row, (label, panels) in zip(axes, plots.items()):
        for frame, (title, *of) in zip(row, panels):
            filled = panel(frame, f"{label}: {title}", *of)
        for frame in row[len(panels) :]:
            frame.set_visible(False)
    if filled:
        made.colorbar(filled, ax=axes, label="energy above the free molecule (eV)", shrink=0.8)
    made.suptitle("H\u2082 above a rigid copper surface; cross: saddle point", fontsize=7.5)
    style.letters(frame for row in axes for frame in row if frame.get_visible())
    style.save(made, path)
