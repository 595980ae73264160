"""Barriers of H2 on copper: energies of any model along given paths, those that the potential of the labels has.

results/h2-paths.xyz: for each surface the molecule far away and seven images of its minimum-energy path to two atoms, with that potential's energies
over the first (README.md has the command). Another potential's own path is a little beside it, so that its highest image is a little below its
energy here.
"""

import os
import re

import short_range
from plan import HERE, frames_of

PATHS = os.path.join(HERE, "results", "h2-paths.xyz")
COLUMNS = ("run", "surface", "barrier_eV", "farthest_meV")
LABELS = "labels"  # the name of the potential that made them


def paths():
    """surface -> (structures, their energies over the first by the potential of the labels, eV)"""
    found = {}
    for text in frames_of(PATHS):
        surface = re.search(r'surface="?(\S+?)"?\s', text).group(1)
        structures, energies = found.setdefault(surface, ([], []))
        structures.append(text)
        energies.append(float(re.search(r"\sover_far=(\S+)", text).group(1)))
    return found


def rows_of(energies_of):
    """A row for each surface: the highest image over the molecule far away, and the largest difference from the labels' potential on the path.
    energies_of: structures -> energies (eV)."""
    rows = []
    for surface, (structures, labels) in paths().items():
        energies = energies_of(structures)
        over = [energy - energies[0] for energy in energies]
        off = max((a - b for a, b in zip(over, labels)), key=abs)
        rows.append({"surface": surface, "barrier_eV": f"{max(over):.3f}", "farthest_meV": f"{1e3 * off:+.0f}"})
    return rows


def measure(frozentl, model):
    return rows_of(lambda structures: short_range.energies(frozentl, model, structures))


def of_labels():
    """surface -> barrier, eV"""
    return {surface: max(labels) for surface, (_, labels) in paths().items()}
