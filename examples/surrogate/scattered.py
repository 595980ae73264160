"""Do searches for the pass of H2 on copper end where h2cu_properties.py says, from wherever they start nearby?

    examples/surrogate/run.sh scattered.py mace=potentials/h2cu.ftl ace=potentials/h2cu-ace.ftl

On each face the saddle point of the molecule over the rigid surface, from the parallel one and from points scattered around that one: how many of these
searches end within 1 meV, at other saddle points (their energies), or nowhere.
"""

import sys

import numpy as np

from common import NotRelaxed, Session, Structure, attempt
from h2cu_properties import FACES, LATTICE, Gas, free, parallel
from report import arguments, progress, shipped
from slabs import Slab

START = 1.1, 1.1  # Angstrom: bond length and height, between the passes of the faces
SEARCHES, SCATTER = 8, 0.08  # Angstrom: standard deviation of each coordinate of the molecule
SAME = 1e-3  # eV


def scattered(structure, random):
    moves = np.zeros_like(structure.positions)
    moves[-2:] = random.normal(0, SCATTER, size=(2, 3))
    return Structure(structure.symbols, structure.positions + moves, structure.cell)


def of_face(potential, face, searches):
    """The barrier, how many searches end there, and where else others end."""
    slab, random = Slab(potential, face, LATTICE), np.random.default_rng(1)
    gas, same, others = Gas(potential, slab), 0, []
    with Session(potential, slab.molecule(*START)) as session:
        _, structure = parallel(session, slab, gas, *START)
        barrier, _ = free(session, slab, gas, structure)
        for _ in range(searches):
            try:
                found, _ = free(session, slab, gas, scattered(structure, random))
            except NotRelaxed:
                continue
            if abs(found.energy - barrier.energy) < SAME:
                same += 1
            else:
                others.append(found.energy)
    return barrier.energy, same, others


def main():
    options = arguments(__doc__, [f"mace={shipped('h2cu.ftl')}", f"ace={shipped('h2cu-ace.ftl')}"])
    faces, searches = (FACES[:1], 2) if options.quick else (FACES, SEARCHES)
    for label, potential in options.potentials.items():
        for face in faces:
            found = attempt(f"{label}, Cu({face})", of_face, potential, face, searches)
            if not found:
                continue
            energy, same, others = found
            nowhere = searches - same - len(others)
            elsewhere = f"; {len(others)} at others: {', '.join(f'{x:.3f}' for x in others)} eV" if others else ""
            progress(f"{label}, Cu({face}): {energy:.3f} eV; {same} of {searches} searches end there{elsewhere}; {nowhere} nowhere")


if __name__ == "__main__":
    sys.exit(main())
