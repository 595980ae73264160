"""Energies of surfaces by slabs."""

from __future__ import annotations

import re
from math import gcd

import numpy as np
from ase.build import surface
from ase.units import J, m

from .errors import NoValue, PropertyError
from .relax import relax
from .symmetry import standardised

FORCE = 1e-3  # eV/Angstrom
VACUUM = 8.0  # Angstrom, on either side
USUAL = {"hexagonal": ["0001"], "trigonal": ["0001"], "cubic": ["111", "100", "110"], "tetragonal": ["001", "100"]}


def indices(word: str) -> tuple[int, int, int]:
    """Miller's of "111", "1-10", "1,1,12", Bravais' four of "0001"."""
    parts = word.split(",") if "," in word else re.findall(r"-?\d", word)
    if "".join(parts) != word.replace(",", "") or not all(re.fullmatch(r"-?\d+", p) for p in parts) or len(parts) not in (3, 4):
        raise PropertyError(f"surface '{word}': three Miller indices are needed (111, 1-10), or four of a hexagonal crystal (0001)")
    numbers = [int(p) for p in parts]
    if len(numbers) == 4 and sum(numbers[:3]):
        raise PropertyError(f"surface '{word}': the first three of four indices must add up to zero")
    h, k, l = numbers if len(numbers) == 3 else (numbers[0], numbers[1], numbers[3])
    if not (h or k or l):
        raise PropertyError(f"surface '{word}': all indices are zero")
    return h, k, l


def in_cell(plane, conventional: np.ndarray, cell: np.ndarray) -> tuple[int, ...]:
    """The plane's indices in another cell of the same lattice."""
    real = cell @ np.linalg.solve(conventional, np.array(plane, float))
    for times in range(1, 13):
        whole = np.round(real * times).astype(int)
        if np.abs(real * times - whole).max() < 1e-3:
            divisor = gcd(*(int(abs(x)) for x in whole))
            return tuple(int(x) // divisor for x in whole)
    raise NoValue("the plane has no small indices in the primitive cell")


def slab(crystal, plane, thickness: float):
    primitive = standardised(crystal.relaxed, primitive=True)
    inside = in_cell(plane, crystal.cell, primitive.cell.array)
    spacing = 1 / np.linalg.norm(np.linalg.solve(primitive.cell.array, np.array(inside, float)))
    made = surface(primitive, inside, max(2, int(np.ceil(thickness / spacing))), vacuum=VACUUM, periodic=True)
    made.calc = crystal.relaxed.calc
    return made


def measure(crystal, options):
    """All atoms of the slab relax; energy over that of as many in the crystal, by the area of both sides."""
    if crystal.symmetry.sites:
        raise NoValue("of a random alloy a surface would have one realisation's atoms")
    rows, data = [], {}
    for word in options.planes or USUAL.get(crystal.symmetry.system, ["001"]):
        plane = indices(word)
        if len(re.findall(r"-?\d", word)) == 4 and crystal.symmetry.system not in ("hexagonal", "trigonal"):
            raise NoValue(f"four indices ({word}) are for hexagonal crystals")
        made = slab(crystal, plane, options.size)
        per_unit = len(standardised(crystal.relaxed, primitive=True))
        excess = -len(made) / per_unit * per_unit * crystal.energy
        relax(made, force=FORCE)
        area = np.linalg.norm(np.cross(made.cell[0], made.cell[1]))
        excess += made.get_potential_energy()
        rows.append((f"surface ({word})", excess / (2 * area) / (J / m**2), "J/m²"))
        data[word] = {"atoms": len(made), "area_A2": float(area)}
    return rows, data
