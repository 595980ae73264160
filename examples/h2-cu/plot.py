#!/usr/bin/env python3
"""Draws what happened to the molecule and says it in one line: plot.py trajectory.csv trajectory.xyz picture.png"""
import csv
import math
import os
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
from frozentl.plot import style

ATOMS = 218  # of in.h2-cu
BROKEN = 1.6  # Angstrom: a bond longer than this at the end is broken (equilibrium 0.75, saddle point about 1.1)
GAS = 3.5  # Angstrom: an atom higher than this, and rising, has left the surface


def read(path):
    with open(path, newline="") as lines:
        rows = list(csv.DictReader(lines))
    if len(rows) < 2:
        sys.exit(f"{path}: fewer than two rows: the run did not get going, see its log")
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def verdict(t):
    """One line: what the molecule did, and how well energy was conserved."""
    low, high = sorted((t["h1_A"][-1], t["h2_A"][-1]))
    bond, rising = t["hh_A"][-1], t["vz_A_per_ps"][-1] > 0
    heights = [(a + b) / 2 for a, b in zip(t["h1_A"], t["h2_A"])]
    closest = min(range(len(heights)), key=heights.__getitem__)
    if bond < BROKEN and low > GAS and rising:
        what = (f"H2 scattered: it turned {heights[closest]:.2f} A above the surface after {t['time_fs'][closest]:.0f} fs "
                f"and left with {t['translation_eV'][-1]:.2f} eV of translation (it came with {t['translation_eV'][0]:.2f})")
    elif bond >= BROKEN:
        broken = max(k for k, x in enumerate(t["hh_A"]) if x < BROKEN)
        where = "both atoms stay on the surface" if high < GAS else "one atom left" if low < GAS else "both atoms left"
        what = f"H2 dissociated: the bond passed {BROKEN} A after {t['time_fs'][broken]:.0f} fs and {where}"
    else:
        what = f"H2 is still at the surface, {low:.2f} A above it, after {t['time_fs'][-1]:.0f} fs"
    drift = max(abs(e - t["etotal_eV"][0]) for e in t["etotal_eV"])
    return f"{what}. Total energy kept within {1000 * drift:.2g} meV ({1e6 * drift / ATOMS:.2g} ueV per atom)."


# Drawn radius in Angstrom, and colour.
ATOM = {"Cu": (1.28, "#C88033"), "H": (0.6, "#F2F2F2")}
STEP = 2.0  # fs between frames of trajectory.xyz


def frames(path, wanted):
    """{index: [(symbol, x, y, z), ...]} of the frames of an XYZ file that are wanted."""
    found = {}
    with open(path) as lines:
        for k, count in enumerate(lines):
            next(lines)
            atoms = [next(lines).split() for _ in range(int(count))]
            if k in wanted:
                found[k] = [(s, float(x), float(y), float(z)) for s, x, y, z in atoms]
    return found


def snapshots(t):
    """Times in fs at which the picture shows the atoms: on the way, at the surface, when the bond breaks or at the closest, and after."""
    heights = [(a + b) / 2 for a, b in zip(t["h1_A"], t["h2_A"])]
    broken = [k for k, x in enumerate(t["hh_A"]) if x > BROKEN]
    event = t["time_fs"][broken[0] if broken else min(range(len(heights)), key=heights.__getitem__)]
    return [0, 0.6 * event, event, min(event + 40, t["time_fs"][-1]), t["time_fs"][-1]]


def surroundings(atoms):
    """Where the molecule, the last two atoms, is aimed at, and the atoms around it that are drawn: of the three uppermost layers."""
    middle = [(atoms[-1][k] + atoms[-2][k]) / 2 for k in (1, 2)]
    top = max(a[3] for a in atoms if a[0] == "Cu")
    shown = [k for k, a in enumerate(atoms) if a[0] == "H" or (abs(a[1] - middle[0]) < 6.6 and abs(a[2] - middle[1]) < 6 and a[3] > top - 5.2)]
    return middle, top, shown


def draw_atoms(axes, atoms, middle, top):
    """Spheres seen from the side and from above, those behind first."""
    tilt = math.radians(35)
    for symbol, x, y, z in sorted(atoms, key=lambda a: a[2] * math.cos(tilt) - a[3] * math.sin(tilt), reverse=True):
        radius, colour = ATOM[symbol]
        u, v = x - middle[0], (z - top) * math.cos(tilt) + (y - middle[1]) * math.sin(tilt)
        axes.add_patch(style.patches.Circle((u, v), radius, fc=colour, ec=style.INK, lw=0.35))
        for part, share in ((0.75, 0.25), (0.45, 0.55)):  # light from the upper left
            axes.add_patch(style.patches.Circle((u - 0.25 * radius, v + 0.25 * radius), part * radius, fc=style.lighter(colour, share), ec="none"))
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_xlim(-8, 8)
    axes.set_ylim(-9, 7)


def draw(t, film, line, path):
    made = style.Figure(figsize=(13 / 2.54, 11.5 / 2.54), layout="constrained")
    grid = made.add_gridspec(3, 1, height_ratios=(3.6, 3.6, 2.4))
    shown = grid[0].subgridspec(1, 5, wspace=0.02)
    top, bottom = made.add_subplot(grid[1]), made.add_subplot(grid[2])
    top.sharex(bottom)
    top.tick_params(labelbottom=False)
    times = snapshots(t)
    pictures = frames(film, [round(time / STEP) for time in times])
    middle, height, shown_atoms = surroundings(pictures[0])
    for k, time in enumerate(times):
        axes = made.add_subplot(shown[k])
        draw_atoms(axes, [pictures[round(time / STEP)][i] for i in shown_atoms], middle, height)
        axes.set_title(f"{time:.0f} fs")
        top.axvline(time, color=style.GREY, lw=0.6, ls=":")
    top.axhspan(-0.6, 0, color="#E3C5A3", lw=0)
    top.text(t["time_fs"][-1] * 0.99, -0.3, "Cu(111)", ha="right", va="center")
    for name, label, colour in (("h1_A", "first H", style.BLUE), ("h2_A", "second H", style.VERMILLION)):
        top.plot(t["time_fs"], t[name], color=colour, label=label)
        for k in range(0, len(t["time_fs"]), max(1, len(t["time_fs"]) // 12)):  # the atoms, now and then
            top.plot(t["time_fs"][k], t[name][k], "o", ms=5, mfc=style.lighter(colour, 0.6), mec=colour, mew=0.8)
    top.set_ylabel("height above the top layer (\u00c5)")
    top.set_ylim(bottom=-0.6)
    top.legend(loc="upper center")
    bottom.plot(t["time_fs"], t["hh_A"], color=style.GREEN)
    bottom.axhline(0.75, color=style.GREY, ls="--", lw=0.8)
    bottom.text(t["time_fs"][-1] * 0.99, 0.75, "free molecule", ha="right", va="bottom", fontsize=style.SMALL, color=style.GREY)
    bottom.set_ylabel("H\u2013H distance (\u00c5)")
    bottom.set_xlabel("time (fs)")
    bottom.set_xlim(t["time_fs"][0], t["time_fs"][-1])
    words = line.split(". Total")[0].replace(" A ", " \u00c5 ").replace("H2", "H\u2082")
    made.suptitle(textwrap.fill(words, 90), fontsize=7.5)
    style.letters((top, bottom))
    style.save(made, path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    trajectory = read(sys.argv[1])
    sentence = verdict(trajectory)
    draw(trajectory, sys.argv[2], sentence, sys.argv[3])
    print(f"\n{sentence}")
