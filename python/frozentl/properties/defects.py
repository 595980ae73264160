"""Formation energy of vacancies in crystals of one element."""

from __future__ import annotations

import numpy as np

from .errors import NoValue
from .relax import relax
from .symmetry import standardised, unlike_sites

FORCE = 1e-3  # eV/Angstrom: an energy within a tenth of a meV


def repeats(cell: np.ndarray, length: float) -> list[int]:
    """So many cells along each vector that opposite faces are `length` apart at least."""
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    return [max(1, int(np.ceil(length / h - 1e-6))) for h in heights]


def measure(crystal, options):
    """One atom taken out of a cell whose faces are `--size` apart, which keeps its volume; E(N-1) - (N-1)/N E(N)."""
    if len(set(crystal.relaxed.numbers)) > 1:
        raise NoValue("of more than one element: the energy of a vacancy needs a reservoir for the atom")
    unit = standardised(crystal.relaxed, primitive=False)
    times = repeats(unit.cell.array, options.size)
    sites, per_atom = unlike_sites(unit), crystal.energy
    rows, atoms = [], 0
    for k, site in enumerate(sites, 1):
        holed = unit.repeat(times)
        del holed[site]
        holed.calc, atoms = crystal.relaxed.calc, len(holed)
        relax(holed, force=FORCE)
        rows.append(("vacancy" if len(sites) == 1 else f"vacancy, site {k}", holed.get_potential_energy() - len(holed) * per_atom, "eV"))
    return rows, {"atoms": atoms, "sites": len(sites)}
