"""Elastic constants at 0 K from the stress under small strains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.units import GPa

from .errors import NoValue, PropertyError
from .polycrystal import lowest, moduli
from .relax import relax, with_cell
from .symmetry import PAIRS, Symmetry, tensor, voigt

STRAIN = 0.002
WRONG = 0.5, 0.02  # GPa, and of the largest constant: less symmetric than that, or farther from the energies, it is no second derivative


@dataclass
class Elastic:
    matrix: np.ndarray  # [6][6], GPa, in the crystal's axes, averaged over its point group
    asymmetry: float  # GPa: the largest C_ij - C_ji as measured
    against_energy: float  # GPa: the diagonal against second differences of the energy


def check_strain(strain: float) -> None:
    if not 1e-4 <= strain <= 0.02:
        raise PropertyError(f"a strain of {strain:g} gives no elastic constants: it must be from 0.0001 (below, rounding shows) to 0.02 "
                            "(0.002 is good)")  # fmt: skip


def elastic_constants(atoms: Atoms, symmetry: Symmetry, strain: float = STRAIN) -> Elastic:
    """Six loads of both signs around the relaxed structure, atoms relaxed in each. The columns are central differences of the second Piola-Kirchhoff
    stress, which are symmetric also around the stress that a random alloy keeps. NoValue if a load makes another structure of it."""
    check_strain(strain)
    volume, here, kept = atoms.get_volume(), atoms.get_potential_energy(), atoms.get_stress() / GPa
    columns, energies = [], []
    for k, (i, j) in enumerate(PAIRS):
        pair = []
        for sign in (1, -1):
            load = np.eye(3)
            load[i, j] += sign * strain / (2 if i != j else 1)
            load[j, i] = load[i, j]
            strained = with_cell(atoms, atoms.cell.array @ load)
            relax(strained)
            back = np.linalg.inv(load)
            pair.append((np.linalg.det(load) * voigt(back @ tensor(strained.get_stress() / GPa) @ back.T), strained.get_potential_energy()))
        columns.append((pair[0][0] - pair[1][0]) / (2 * strain))
        second = (pair[0][1] - 2 * here + pair[1][1]) / (strain**2 * volume) / GPa
        # less the work of the stress that is there already on what a load adds to the Lagrangian strain in its square
        square = (tensor(np.eye(6)[k]) / (2 if i != j else 1)) @ (tensor(np.eye(6)[k]) / (2 if i != j else 1))
        energies.append(second - float(np.sum(tensor(kept) * square)))
    raw = np.array(columns).T
    asymmetry, against = float(np.abs(raw - raw.T).max()), float(np.abs(np.diag(raw) - energies).max())
    if max(asymmetry, against) > max(WRONG[0], WRONG[1] * np.abs(raw).max()):
        raise NoValue(f"under strain it became another structure (Cij - Cji up to {asymmetry:.1f} GPa, from stress - from energy up to "
                      f"{against:.1f} GPa)")  # fmt: skip
    return Elastic(symmetry.in_crystal_axes(symmetry.stiffness((raw + raw.T) / 2)), asymmetry, against)


def measure(crystal, options):
    found = elastic_constants(crystal.relaxed, crystal.symmetry, options.strain)
    rows = [(name, found.matrix[place], "GPa") for name, place in crystal.symmetry.constants().items()]
    rows += [(name, value, "" if "Poisson" in name else "GPa") for name, value in moduli(found.matrix).items()]
    rows.append(("lowest eigenvalue of C", lowest(found.matrix), "GPa"))
    return rows, {"matrix_GPa": found.matrix.tolist(), "asymmetry_GPa": found.asymmetry, "against_energy_GPa": found.against_energy}
