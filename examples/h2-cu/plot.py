#!/usr/bin/env python3
"""Draws what happened to the molecule and says it in one line: plot.py trajectory.csv picture.png"""
import csv
import sys
import textwrap

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

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
    figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(7, 5.6), height_ratios=(3, 2))
    top.axhspan(-0.6, 0, color="#b87333", alpha=0.35, lw=0)
    top.text(t["time_fs"][-1] * 0.99, -0.3, "Cu(111)", ha="right", va="center", color="#6b3e14")
    top.plot(t["time_fs"], t["h1_A"], color="#1f5fa8", label="H (first)")
    top.plot(t["time_fs"], t["h2_A"], color="#d1495b", label="H (second)")
    top.set_ylabel("height over the top layer / \u00c5")
    top.set_ylim(bottom=-0.6)
    top.legend(frameon=False, loc="upper center")
    bottom.plot(t["time_fs"], t["hh_A"], color="#333333")
    bottom.axhline(0.75, color="#999999", ls="--", lw=0.8)
    bottom.set_ylabel("H\u2013H distance / \u00c5")
    bottom.set_xlabel("time / fs")
    bottom.set_xlim(t["time_fs"][0], t["time_fs"][-1])
    top.set_title(textwrap.fill(line.split(". Total")[0], 80), fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    trajectory = read(sys.argv[1])
    sentence = verdict(trajectory)
    draw(trajectory, sentence, sys.argv[2])
    print(f"\n{sentence}")
