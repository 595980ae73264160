"""The pictures: minimum-energy paths and probabilities of dissociation. By itself it draws mep.svg from paths.csv of a folder:

    examples/surface-reactions/run.sh picture.py [examples/surface-reactions/results]
"""

import csv
import os
import sys

from panels import style

# What the potentials are, by the names of their files' labels.
POTENTIALS = {"ace": "surrogate (ACE)", "mace": "fine-tuned (MACE)", "published": "published potential"}


def write_paths(paths, file):
    """paths: surface -> label -> path, as a table."""
    with open(file, "w", newline="") as f:
        table = csv.writer(f, lineterminator="\n")
        table.writerow(("surface", "potential", "along", "energy_eV"))
        for surface, of_surface in paths.items():
            for label, path in of_surface.items():
                table.writerows((surface, label, f"{x:.4f}", f"{energy:.4f}") for x, energy in zip(path.along, path.energies))


def draw_paths(table, file):
    """Of the table that write_paths makes; energy along each path, the molecule far above at zero."""
    paths = {}
    with open(table, newline="") as f:
        for row in csv.DictReader(f):
            points = paths.setdefault(row["surface"], {}).setdefault(row["potential"], ([], []))
            points[0].append(float(row["along"]))
            points[1].append(float(row["energy_eV"]))
    made, axes = style.figure(1, len(paths), width=max(style.SINGLE, style.DOUBLE * len(paths) / 2), height=6.4, sharey=True)
    for frame, (surface, of_surface) in zip(axes[0], paths.items()):
        frame.set_title(surface, loc="left")
        frame.set_xlabel("reaction coordinate (part of the path's length)")
        for k, (label, (along, energies)) in enumerate(of_surface.items()):
            words = f"{POTENTIALS.get(label, label)}: {max(energies):.3f} eV"
            frame.plot(along, energies, marker=style.marker(k), color=style.colour(k), label=words)
        frame.legend(title="barrier", title_fontsize=7, loc="best")
    axes[0][0].set_ylabel("energy above the free molecule (eV)")
    made.suptitle("H\u2082 dissociating on copper: minimum-energy paths by NEB; the highest image is the saddle point", fontsize=7.5)
    style.letters(axes[0])
    style.save(made, file)


def draw_sticking(panels, file, note):
    """panels: title -> [(label, [(energy, probability, low, high)])]."""
    made, axes = style.figure(1, len(panels), width=max(style.SINGLE, style.DOUBLE * len(panels) / 2), height=6.4, sharex=True, sharey=True)
    for frame, (title, curves) in zip(axes[0], panels.items()):
        frame.set_title(title, loc="left")
        frame.set_xlabel("incidence energy (eV)")
        for k, (label, points) in enumerate(curves):
            energy, part, low, high = zip(*points)
            bars = [[p - b for p, b in zip(part, low)], [a - p for p, a in zip(part, high)]]
            frame.errorbar(energy, part, bars, marker=style.marker(k), color=style.colour(k), label=label, elinewidth=0.8)
        frame.legend(loc="upper left")
    axes[0][0].set_ylim(bottom=0)
    axes[0][0].set_ylabel("probability of dissociation")
    made.suptitle(f"H\u2082 on copper at 300 K; {note}", fontsize=7.5)
    style.letters(axes[0])
    style.save(made, file)


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
    draw_paths(os.path.join(folder, "paths.csv"), os.path.join(folder, "mep.svg"))
