"""A structure with a potential: relaxed once, then asked for its properties."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Optional, Sequence

import numpy as np
from ase import Atoms

from . import defects, elastic, eos, paths, phonons, surfaces
from .elastic import STRAIN
from .relax import relax
from .structures import structure
from .symmetry import Symmetry

# name -> (function of (crystal, options): rows of (quantity, value, unit) and data for pictures; options that it depends on; what it is)
PROPERTIES: dict[str, tuple[Callable, tuple[str, ...], str]] = {
    "eos": (eos.measure, (), "equation of state (Birch-Murnaghan): volume, bulk modulus and its derivative"),
    "elastic": (elastic.measure, ("strain",), "elastic constants, moduli, stability"),
    "vacancy": (defects.measure, ("size",), "formation energy of a vacancy (one element)"),
    "surfaces": (surfaces.measure, ("planes", "size"), "energies of surfaces"),
    "phonons": (phonons.measure, ("size",), "phonon frequencies, bands, density of states (needs phonopy)"),
    "bain": (paths.bain, (), "energy from bcc to fcc along c/a (one element)"),
    "burgers": (paths.burgers, (), "energy from bcc to hcp (one element)"),
}  # fmt: skip


@dataclass
class Options:
    strain: float = STRAIN  # of the loads
    size: float = 10.0  # Angstrom: of the cells of vacancies and phonons, of the thickness of slabs
    planes: Sequence[str] = field(default_factory=list)  # surfaces; none: the usual ones of the lattice
    sites: bool = False  # the symmetry of the sites, whatever the elements on them


class Crystal:
    """relaxed: the structure in its least energy within its symmetry. symmetry: the one it began with. energy: eV per atom. cell: the conventional
    cell, rows, relaxed. NoValue if the relaxation fails."""

    def __init__(self, atoms: Atoms, calculator, sites: bool = False, relaxed: Optional[Atoms] = None):
        self.symmetry = Symmetry(atoms, sites)
        self.relaxed = (atoms if relaxed is None else relaxed).copy()
        self.relaxed.calc = calculator
        if relaxed is None:
            relax(self.relaxed, self.symmetry)
        # also of a random alloy, whose atoms no longer show the lattice: what the cell did to the vectors
        self.cell = self.symmetry.cell @ np.linalg.solve(atoms.cell.array, self.relaxed.cell.array)

    @property
    def energy(self) -> float:
        return float(self.relaxed.get_potential_energy()) / len(self.relaxed)

    def sibling(self, name: str) -> Crystal:
        """Another crystal with the same potential."""
        return Crystal(structure(name)[1], self.relaxed.calc)

    def lattice(self):
        """Rows: energy, volume, and the constants of the conventional cell that differ."""
        a, b, c = (float(x) for x in np.linalg.norm(self.cell, axis=1))
        rows = [("energy", self.energy, "eV/atom"), ("volume", self.relaxed.get_volume() / len(self.relaxed), "Å³/atom"), ("a", a, "Å")]
        rows += [("b", b, "Å")] if self.symmetry.system in ("orthorhombic", "monoclinic", "triclinic") else []
        rows += [("c", c, "Å")] if self.symmetry.system != "cubic" else []
        return rows + ([("c/a", c / a, "")] if self.symmetry.system in ("hexagonal", "trigonal", "tetragonal") else [])
