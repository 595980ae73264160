"""Minimisation of atoms, and of atoms and cell within the crystal's symmetry."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS, LBFGS
from ase.units import GPa

from .errors import NoValue
from .symmetry import Symmetry

FORCE = 2e-5  # eV/Angstrom: what a relaxation leaves
STRESS = 0.02  # GPa
STEPS = 500
MANY = 64  # atoms, from which on the matrix of BFGS costs more than the forces of a fast potential


class Shape:
    """A constraint for ASE: the cell changes only as the symmetry allows; with `volume` held, only its shape."""

    def __init__(self, symmetry: Symmetry, volume: bool = False):
        self.symmetry, self.volume = symmetry, volume

    def adjust_stress(self, atoms, stress):
        stress[:] = self.symmetry.stress(stress)
        if self.volume:
            stress[:3] -= stress[:3].mean()

    def adjust_positions(self, atoms, new):
        pass

    def adjust_forces(self, atoms, forces):
        pass


def relax(atoms: Atoms, symmetry: Symmetry | None = None, volume: bool = False, force: float = FORCE) -> int:
    """Moves the atoms to where forces vanish; with a symmetry also the cell to where stress does. Answers the number of steps."""
    fixed = atoms.constraints
    if symmetry is not None:
        atoms.set_constraint([*fixed, Shape(symmetry, volume)])
    try:
        moved = FrechetCellFilter(atoms) if symmetry is not None else atoms
        optimiser = (BFGS if len(atoms) < MANY else LBFGS)(moved, logfile=None, maxstep=0.1)
        optimiser.run(fmax=force, steps=STEPS)
        left = float(np.abs(atoms.get_forces()).max())
        pressure = float(np.abs(atoms.get_stress()).max()) / GPa if symmetry is not None else 0.0
    finally:
        atoms.set_constraint(fixed)
    if not (left < 10 * force and pressure < STRESS):
        raise NoValue(f"the relaxation did not end: after {STEPS} steps there is a force of {left:.2g} eV/A"
                      + (f" and a stress of {pressure:.2g} GPa" if symmetry is not None else ""))  # fmt: skip
    return optimiser.nsteps


def with_cell(atoms: Atoms, cell: np.ndarray) -> Atoms:
    """A copy with the same model and another cell, which carries the atoms along."""
    other = atoms.copy()
    other.calc = atoms.calc
    other.set_cell(cell, scale_atoms=True)
    return other
