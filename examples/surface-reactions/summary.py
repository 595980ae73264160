"""What the encounters of sticking.py come to:

    examples/surface-reactions/run.sh summary.py [FOLDER of trajectories-LABEL.csv] [--record]

sticking.csv: for every potential, face, state and energy how many dissociated, scattered or stayed undecided, the probability,
and the interval in which a true probability may lie (95 %, Wilson); lines that are there already stay if the folder has fewer
encounters of theirs (the label is all that is compared: for another potential take another --out). sticking.md and sticking.svg:
those of the first potential, --first. same.md: encounters of the folder that two potentials have, side by side. states.md: the
energies at which a tenth dissociates, and how much of a quantum of vibration is worth as much as energy of incidence.
"""

import argparse
import csv
import glob
import itertools
import os
import sys

from arguments import HERE
from frozentl.calculator import FrozenTL
from frozentl.reactions.molecule import Vibration, curve_of
from outcomes import TENTH, curve, differing, in_common, kept_points, points_of, threshold, together
from picture import POTENTIALS, draw_sticking
from report import ROOT, add_out, make_out
from sticking import STARTS

COLUMNS = ("potential", "surface", "v", "energy_eV", "encounters", "dissociated", "scattered", "undecided", "probability", "low", "high",
           "energy_varies_meV")  # fmt: skip


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=os.path.join(ROOT, "build", "surface-reactions"),
                        help="with trajectories-LABEL.csv (default: build/surface-reactions)")  # fmt: skip
    parser.add_argument("--first", metavar="LABEL", default="ace", help="the potential of the picture (default: ace)")
    add_out(parser, HERE)
    options = parser.parse_args()
    options.files = {}
    for path in sorted(glob.glob(os.path.join(options.folder, "trajectories-*.csv"))):
        options.files[os.path.basename(path)[len("trajectories-") : -len(".csv")]] = points_of(path)
    if options.first not in options.files:
        parser.error(f"{options.folder} has no trajectories-{options.first}.csv: run sticking.py first")
    make_out(parser, options, HERE)
    return options


def write_csv(files, path):
    with open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(COLUMNS)
        for label, points in files.items():
            for (face, v, energy), point in points.items():
                counts = [point.count(outcome) for outcome in ("dissociated", "scattered", "undecided")]
                numbers = [f"{x:.4f}" for x in (point.probability(), *point.interval())]
                first = [label, f"Cu({face})", v, f"{energy:g}", len(point.lines)]
                out.writerow([*first, *counts, *numbers, f"{point.drift():.2f}"])


def table(first, rows):
    """Markdown, from rows of words."""
    lines = ["| " + " | ".join(first) + " |", "|" + " ---: |" * len(first), *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join(lines) + "\n"


def write(text, path):
    print(text)
    with open(path, "w") as f:
        f.write(text)


def by_energy(points, states):
    for energy in sorted({energy for _, _, energy in points}):
        cells = (points.get((face, v, energy)) for face, v in states)
        yield [f"{energy:g}", *(cell.text() if cell else "" for cell in cells)]


def side_by_side(files):
    """A row for each pair of potentials and each state and energy of which they have the same encounters."""
    for one, other in itertools.combinations(files, 2):
        common = in_common({one: files[one], other: files[other]})
        for (face, v, energy), point in common.get(one, {}).items():
            partner = common[other][face, v, energy]
            yield [one, other, f"Cu({face})", str(v), f"{energy:g}", str(len(point.lines)), str(point.count()), str(partner.count()),
                   str(differing(point, partner))]  # fmt: skip


def worth(points, states):
    """What vibration does for dissociation, a row for each face."""
    free = curve_of(FrozenTL(STARTS, threads=1))
    quantum = Vibration(free, 1).energy - Vibration(free, 0).energy
    for face in sorted({face for face, _ in states}, reverse=True):
        energies = [threshold(points, face, v) for v in (0, 1)]
        if None not in energies:
            part = (energies[0] - energies[1]) / quantum
            yield [f"Cu({face})", *(f"{energy:.2f}" for energy in energies), f"{quantum:.3f}", f"{part:.2f}"]


def main():
    options = arguments()
    path = os.path.join(options.out, "sticking.csv")
    every = together(kept_points(path), options.files)
    points = every[options.first]
    states = sorted({(face, v) for face, v, _ in points}, key=lambda state: (state[0] != "111", state))
    titles = [f"Cu({face}), v = {v}" for face, v in states]
    write_csv(every, path)
    write(table(["energy, eV", *titles], by_energy(points, states)), os.path.join(options.out, "sticking.md"))
    first = ["surface", *(f"v = {v}: {TENTH:g} at, eV" for v in (0, 1)), "quantum, eV", "difference / quantum"]
    write(table(first, worth(points, states)), os.path.join(options.out, "states.md"))
    if len(options.files) > 1:
        first = ["A", "B", "surface", "v", "energy, eV", "encounters", "dissociated, A", "dissociated, B", "ended differently"]
        files = {options.first: options.files[options.first], **options.files}
        write(table(first, side_by_side(files)), os.path.join(options.out, "same.md"))
    panels = {}
    for face, v in states:
        panels.setdefault(f"Cu({face})", []).append((f"v = {v}", curve(points, face, v)))
    counts = sorted({len(point.lines) for point in points.values()})
    note = f"{POTENTIALS.get(options.first, options.first)}, {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} encounters for each point; bars: 95 % interval (Wilson)"
    draw_sticking(panels, os.path.join(options.out, "sticking.svg"), note)


if __name__ == "__main__":
    sys.exit(main())
