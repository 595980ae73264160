"""Structures around what h2cu_properties.py looks for, for a teacher to label (potentials/h2cu-ace.yaml):

    examples/surrogate/run.sh passes.py potentials/h2cu.ftl build/h2cu-passes.xyz

On Cu(111), (100) and (110), relaxed with the potential: H2 at the pass of bond length and height, over the bridge and elsewhere, turned and
tilted (pass-FACE); H2 far from the surface (gas-FACE); one H near its sites (atom-FACE); the surface itself (bare-FACE). The free layers
are shaken. And strained, shaken crystals of copper (crystal). No labels; the same numbers each time.
"""

import argparse
import sys

import numpy as np

from common import Structure, fcc, write_structures
from h2cu_properties import FACES, LATTICE
from slabs import FAR, Slab

PASSES, GAS, ATOMS, BARE, CRYSTALS = 160, 8, 30, 6, 60  # of each face; crystals in all
SHAKEN = 0.12  # Angstrom: largest standard deviation of a displacement
STRAIN = 0.02  # largest component
LEAST = {"H": 0.65, "Cu": 1.3}  # Angstrom, from H: closer is none of a pass's business


def shaken(structure, random, held=()):
    size = random.uniform(0, SHAKEN)
    moves = size * random.normal(size=structure.positions.shape)
    moves[list(held)] = 0
    return Structure(structure.symbols, structure.positions + moves, structure.cell)


def too_close(structure):
    """Is an atom nearer to a hydrogen than LEAST? Images count in the plane."""
    for i in (k for k, symbol in enumerate(structure.symbols) if symbol == "H"):
        away = np.linalg.solve(structure.cell.T, (structure.positions - structure.positions[i]).T).T
        away[:, :2] -= np.round(away[:, :2])
        distance = np.linalg.norm(away @ structure.cell, axis=1)
        distance[i] = np.inf
        if any(r < LEAST[symbol] for r, symbol in zip(distance, structure.symbols)):
            return True
    return False


def turned(direction, random, azimuth, tilt):
    """A unit vector: `direction` turned in the plane and tilted out of it by angles of these standard deviations, degrees."""
    a, t = np.radians(random.normal(0, azimuth)), np.radians(random.normal(0, tilt))
    x, y = direction[0] * np.cos(a) - direction[1] * np.sin(a), direction[0] * np.sin(a) + direction[1] * np.cos(a)
    return np.array([x * np.cos(t), y * np.cos(t), np.sin(t)])


def with_molecule(slab, centre, height, half):
    """`half`: from its middle to one of its atoms."""
    return slab.with_hydrogen(*((*(centre + sign * half[:2]), height + sign * half[2]) for sign in (-1, 1)))


def molecule(slab, random):
    """H2 at a pass: in two of three over the bridge with its atoms towards the hollows, more or less; else anywhere."""
    if random.uniform() < 2 / 3:
        site, along = slab.geometry.bridge, turned(slab.direction(), random, 10, 12)
        length, height = random.normal(1.1, 0.2), random.normal(1.05, 0.2)
        centre = slab.atom(site) + random.normal(0, 0.08, size=2)
    else:
        centre, along = slab.atom(random.uniform(0, 1, size=2)), turned((1.0, 0.0), random, 180, 25)
        length, height = random.uniform(0.7, 1.6), random.uniform(0.8, 2.2)
    return with_molecule(slab, centre, height, max(length, 0.7) / 2 * along)


def gas(slab, random):
    half = turned((1.0, 0.0), random, 180, 40) * random.uniform(0.65, 0.95) / 2
    centre, height = slab.atom(random.uniform(0, 1, size=2)), random.uniform(2.5, FAR)
    return with_molecule(slab, centre, height, half)


def atom(slab, random):
    return slab.with_hydrogen((*slab.atom(random.uniform(0, 1, size=2)), random.uniform(0.2, 1.7)))


def of_slab(slab, make, random):
    while True:
        structure = shaken(make(slab, random), random, slab.held)
        if not too_close(structure):
            return structure


def structures(potential, random):
    """(config_type, structure)"""
    for face in FACES:
        slab = Slab(potential, face, LATTICE)
        for kind, count, make in (("pass", PASSES, molecule), ("gas", GAS, gas), ("atom", ATOMS, atom)):
            for _ in range(count):
                yield f"{kind}-{face}", of_slab(slab, make, random)
        for _ in range(BARE):
            yield f"bare-{face}", shaken(slab.clean, random, slab.held)
    for _ in range(CRYSTALS):
        strain = random.uniform(-STRAIN, STRAIN, size=(3, 3))
        yield "crystal", shaken(fcc("Cu", LATTICE).repeated((2, 2, 2)).strained((strain + strain.T) / 2), random)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potential", help="that relaxes the surfaces, which should be the one that labels")
    parser.add_argument("file", help="to write, extended XYZ")
    options = parser.parse_args()
    named = structures(options.potential, np.random.default_rng(1))
    # the stress of a slab with its vacuum says nothing
    write_structures(options.file, ((name, structure, "T" if name == "crystal" else "F") for name, structure in named))


if __name__ == "__main__":
    sys.exit(main())
