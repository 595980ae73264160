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
COLUMNS = ("run", "surface", "part", "over_far_eV")


def paths():
    """surface -> (structures, part of the path's length of each or "far", their energies over the first by the potential of the labels, eV)"""
    found = {}
    for text in frames_of(PATHS):
        surface, part, over = (re.search(rf"\s{key}=(\S+)", text).group(1) for key in ("surface", "part", "over_far"))
        structures, parts, energies = found.setdefault(surface, ([], [], []))
        structures.append(text)
        parts.append(part)
        energies.append(float(over))
    return found


def energies_of(frozentl, model):
    """surface -> energies over the molecule far away, eV, that one first"""
    found = paths()
    energies = iter(short_range.energies(frozentl, model, [text for structures, _, _ in found.values() for text in structures]))
    over = {}
    for surface, (structures, _, _) in found.items():
        far = next(energies)
        over[surface] = [0.0] + [next(energies) - far for _ in structures[1:]]
    return over


def measure(frozentl, model):
    """A row for each image."""
    along = paths()
    return [{"surface": surface, "part": part, "over_far_eV": f"{energy:.4f}"}
            for surface, energies in energies_of(frozentl, model).items() for part, energy in zip(along[surface][1], energies)]  # fmt: skip


def profiles(rows):
    """run -> what energies_of has"""
    found = {}
    for row in rows:
        found.setdefault(row["run"], {}).setdefault(row["surface"], []).append(float(row["over_far_eV"]))
    return found


def of_labels():
    """What energies_of has, of the labels' potential."""
    return {surface: energies for surface, (_, _, energies) in paths().items()}


def summary(energies, labels):
    """(barrier in eV, the largest difference from the labels' potential on the path in meV)"""
    return max(energies), 1e3 * max((a - b for a, b in zip(energies, labels)), key=abs)
