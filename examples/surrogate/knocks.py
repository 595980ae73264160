"""Two neighbours pushed together, in alloys of titanium, aluminium and vanadium, for a teacher to label (potentials/tialv-ace.yaml):

    examples/surrogate/run.sh knocks.py build/tialv-knocks.xyz

Once in half a nanosecond at 1500 K two atoms meet at 0.7 of their distance. Where no data are a surrogate's own energies end, its core repulsion takes over, and
what lies between can be a hole. Cells of crowded.py, not pressed; in each a pair of neighbours, all six kinds of pairs in turn, is brought to NEAR of its nearest
distance, all other pairs staying as far as crowded.py asks for. No labels; the same numbers each time.
"""

import sys

import numpy as np

from common import Structure
from crowded import CELLS, CLOSEST, NEAREST, SHIFTS, distances, elements, write_cells

COUNT = 480
SCALE = (0.95, 1.04)
SHAKEN = (0.02, 0.2)  # Angstrom: standard deviation of a displacement
NEAR = (0.57, 0.9)
NAMES = list(NEAREST)
PAIRS = [(a, b) for k, a in enumerate(NAMES) for b in NAMES[k:]]


def shaken(random, unit):
    symbols = elements(random, len(unit))
    size = np.mean([NEAREST[symbol] for symbol in symbols]) * random.uniform(*SCALE)
    return Structure(symbols, unit.positions * size + random.uniform(*SHAKEN) * random.normal(size=unit.positions.shape), unit.cell * size)


def knocked(random, unit, pair):
    """A cell whose nearest pair, which has these elements, is pushed together."""
    while True:
        cell = shaken(random, unit)
        apart = distances(cell)
        i, j = np.unravel_index(apart.argmin(), apart.shape)
        if sorted((cell.symbols[i], cell.symbols[j])) != sorted(pair):
            continue
        images = cell.positions[j] - cell.positions[i] + SHIFTS @ cell.cell
        bond = images[np.linalg.norm(images, axis=1).argmin()]
        push = (1 - random.uniform(*NEAR) / apart[i, j]) / 2
        cell.positions[i] += push * bond
        cell.positions[j] -= push * bond
        apart = distances(cell)
        apart[i, j] = apart[j, i] = np.inf
        if apart.min() > CLOSEST:
            return cell


def main():
    units = list(CELLS.values())
    write_cells(__doc__, "knock", COUNT, lambda random, k: knocked(random, units[k // len(PAIRS) % len(units)], PAIRS[k % len(PAIRS)]))


if __name__ == "__main__":
    sys.exit(main())
