#!/usr/bin/env python3
"""Draws what happened to the molecule and says it in one line: plot.py trajectory.csv picture.png"""
import csv
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


def draw(t, line, path):
    made, ((top,), (bottom,)) = style.figure(2, 1, width=12, height=9.5, sharex=True, height_ratios=(3, 2))
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
    made.suptitle(textwrap.fill(words, 78), fontsize=7.5)
    style.letters((top, bottom))
    style.save(made, path)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    trajectory = read(sys.argv[1])
    sentence = verdict(trajectory)
    draw(trajectory, sentence, sys.argv[2])
    print(f"\n{sentence}")
