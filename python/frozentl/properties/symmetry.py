"""A crystal's point group as spglib finds it, and what it does to stresses and elastic constants.

6x6 matrices in Voigt's order xx yy zz yz xz xy; shear strains counted twice.
"""

from __future__ import annotations

import numpy as np
import spglib
from ase import Atoms

from .errors import PropertyError

PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
SYMPREC = 1e-3  # Angstrom
SYSTEMS = ((2, "triclinic"), (15, "monoclinic"), (74, "orthorhombic"), (142, "tetragonal"), (167, "trigonal"), (194, "hexagonal"), (230, "cubic"))


class Symmetry:
    """rotations: of the point group, Cartesian. turn: to the crystal's axes, x' = turn x: those of spglib's standard cell (a along x, c along z
    where it is unique). cell: the conventional cell, rows, as it lies in the structure. sites: elements do not count, so that a random alloy
    has the symmetry of its lattice."""

    def __init__(self, atoms: Atoms, sites: bool = False):
        self.sites = sites
        cell = as_spglib(atoms, sites)
        data = spglib.get_symmetry_dataset(cell, symprec=SYMPREC)
        primitive = spglib.standardize_cell(cell, to_primitive=True, no_idealize=True, symprec=SYMPREC)
        if data is None or primitive is None:
            raise PropertyError("spglib finds no symmetry in the structure: do atoms lie on one another?")
        self.number, self.symbol = data.number, data.international
        self.system = next(name for last, name in SYSTEMS if self.number <= last)
        self.turn = np.array(data.std_rotation_matrix)
        self.cell = np.array(data.std_lattice) @ self.turn
        # of the primitive cell: a larger one hides those that do not map it onto itself
        across = np.array(primitive[0]).T
        whole = spglib.get_symmetry(primitive, symprec=SYMPREC)["rotations"]
        self.rotations = [across @ w @ np.linalg.inv(across) for w in np.unique(whole, axis=0)]
        self._bonds = [bond_matrix(rotation) for rotation in self.rotations]

    def stress(self, voigt: np.ndarray) -> np.ndarray:
        """The part of a stress that the group allows."""
        return sum(bond @ voigt for bond in self._bonds) / len(self._bonds)

    def stiffness(self, matrix: np.ndarray) -> np.ndarray:
        return sum(bond @ matrix @ bond.T for bond in self._bonds) / len(self._bonds)

    def in_crystal_axes(self, matrix: np.ndarray) -> np.ndarray:
        bond = bond_matrix(self.turn)
        return bond @ matrix @ bond.T

    def constants(self) -> dict[str, tuple[int, int]]:
        """Names and places of the elastic constants that are neither zero nor, but for the sign, another one: what the group leaves of a matrix of
        random numbers says it."""
        noise = np.random.default_rng(1).normal(size=(6, 6))
        left = self.in_crystal_axes(self.stiffness(noise + noise.T))
        found: dict[str, tuple[int, int]] = {}
        for i in range(6):
            for j in range(i, 6):
                if abs(left[i, j]) > 1e-6 and all(abs(abs(left[i, j]) - abs(left[at])) > 1e-6 for at in found.values()):
                    found[f"C{i + 1}{j + 1}"] = (i, j)
        return found


def as_spglib(atoms: Atoms, sites: bool = False):
    return atoms.cell.array, atoms.get_scaled_positions(), [1] * len(atoms) if sites else atoms.numbers


def standardised(atoms: Atoms, primitive: bool) -> Atoms:
    """The conventional or the primitive cell of a crystal, which lies as it did."""
    cell, fractions, numbers = spglib.standardize_cell(as_spglib(atoms), to_primitive=primitive, no_idealize=True, symprec=SYMPREC)
    return Atoms(numbers, cell=cell, scaled_positions=fractions, pbc=True)


def unlike_sites(atoms: Atoms) -> list[int]:
    """The first atom of each kind that the symmetry tells apart."""
    return sorted(set(spglib.get_symmetry_dataset(as_spglib(atoms), symprec=SYMPREC).equivalent_atoms.tolist()))


def tensor(voigt: np.ndarray) -> np.ndarray:
    full = np.zeros((3, 3))
    for (i, j), value in zip(PAIRS, voigt):
        full[i, j] = full[j, i] = value
    return full


def voigt(full: np.ndarray) -> np.ndarray:
    return np.array([full[i, j] for i, j in PAIRS])


def bond_matrix(rotation: np.ndarray) -> np.ndarray:
    """What a rotation does to a stress in Voigt's order."""
    return np.array([voigt(rotation @ tensor(unit) @ rotation.T) for unit in np.eye(6)]).T
