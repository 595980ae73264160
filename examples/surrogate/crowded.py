"""Crowded alloys of titanium, aluminium and vanadium, for a teacher to label (potentials/tialv-ace.yaml):

    examples/surrogate/run.sh crowded.py build/tialv-crowded.xyz

Hot dynamics meets what no data set holds: a few aluminium or vanadium atoms together, pressed. hcp, bcc and fcc cells of 16 sites, pure and at
random, all lengths times 0.86 to 1.04, strained and shaken. No two atoms are nearer than CLOSEST, below which
the teacher's own wall is not to be trusted (potentials/tialv.md). No labels; the same numbers each time.
"""

import argparse
import sys

import numpy as np

from common import Structure, bcc, fcc, hcp, write_structures

NEAREST = {"Ti": 2.90, "Al": 2.86, "V": 2.59}  # Angstrom, of the pure metals
COUNT = 600
SCALE = (0.86, 1.04)
SHAKEN = (0.02, 0.2)  # Angstrom: standard deviation of a displacement
STRAIN = 0.03  # largest component
CLOSEST = 0.76  # of the pair's nearest distance
CELLS = {  # nearest distance 1, 16 sites
    "hcp": hcp("Ti", 1, np.sqrt(8 / 3)).repeated((2, 1, 2)),
    "bcc": bcc("Ti", 2 / np.sqrt(3)).repeated((2, 2, 2)),
    "fcc": fcc("Ti", np.sqrt(2)).repeated((2, 2, 1)),
}


def elements(random, count):
    """Pure in a third, else at random with any shares."""
    names = list(NEAREST)
    if random.uniform() < 1 / 3:
        return [names[random.integers(3)]] * count
    return list(random.choice(names, size=count, p=random.dirichlet((0.7, 0.7, 0.7))))


SHIFTS = np.array(np.meshgrid(*[(-1, 0, 1)] * 3)).reshape(3, -1).T  # of images


def distances(structure):
    """Of each atom to the nearest image of each (of itself: another one), in units of the pair's nearest distance."""
    between = np.linalg.norm(structure.positions[None, :, None] - structure.positions[:, None, None] + SHIFTS @ structure.cell, axis=-1)
    nearest = np.array([NEAREST[symbol] for symbol in structure.symbols])
    return np.where(between > 1e-9, between, np.inf).min(axis=-1) / ((nearest[:, None] + nearest) / 2)


def crowded(random, name):
    unit = CELLS[name]
    while True:
        symbols = elements(random, len(unit))
        size = np.mean([NEAREST[symbol] for symbol in symbols]) * random.uniform(*SCALE)
        strain = random.uniform(-STRAIN, STRAIN, size=(3, 3))
        cell = Structure(symbols, unit.positions * size, unit.cell * size).strained((strain + strain.T) / 2)
        shaken = Structure(symbols, cell.positions + random.uniform(*SHAKEN) * random.normal(size=cell.positions.shape), cell.cell)
        if distances(shaken).min() >= CLOSEST:
            return shaken


def write_cells(doc, kind, count, make):
    """What a script that makes such cells does: make(random, k), k = 0, 1, ..., into the file that is named, as many as are asked for."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="to write, extended XYZ")
    parser.add_argument("--count", type=int, default=count, help=f"how many (default: {count}; fewer are the first of these)")
    options = parser.parse_args()
    random = np.random.default_rng(1)
    write_structures(options.file, ((kind, make(random, k), "T") for k in range(options.count)))


def main():
    cells = list(CELLS)
    write_cells(__doc__, "crowded", COUNT, lambda random, k: crowded(random, cells[k % 3]))


if __name__ == "__main__":
    sys.exit(main())
