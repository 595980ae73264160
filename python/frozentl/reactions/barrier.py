"""Minimum-energy paths and their highest points by the nudged elastic band with a climbing image.

Henkelman, Uberuaga and Jonsson, J. Chem. Phys. 113, 9901 (2000), as ASE has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from ase.mep import NEB
from ase.optimize import MDMin

from ..properties import NoValue, PropertyError
from ..properties.relax import relax
from .slabs import Slab

ABOVE, FAR = 3.0, 7.0  # Angstrom over the surface: where a path of a molecule begins; where it is free
STRETCHED, BRIDGE = 1.4, 1.15  # of the first guess in the middle: bond length over that of the gas, height (Angstrom)
# By how much one atom is higher and the other lower there, Angstrom. On fcc (100) and (110) the level way over the bridge has a lower one to both
# sides; too small a tilt dies away before the band feels that (0.1: 8 meV too high with the published H2/Cu potential on (100)).
TILT = 0.3
ROUGH, STEPS = 0.2, 1500  # eV/Angstrom: where the highest image begins to climb


@dataclass
class Path:
    """Images of a path: energy over the zero (eV), part of the path's length (0 to 1); of a molecule over a slab also bond length and height of its
    centre over the clean top layer (Angstrom). numbers, cell, pbc are those of each image, and of `far`, which has the molecule in the gas:
    where zero is (positions in Angstrom; None between two structures, where the first image is zero)."""

    along: list[float]
    energies: list[float]
    lengths: list[float]
    heights: list[float]
    steps: int
    numbers: list[int]
    cell: list[list[float]]
    pbc: list[bool]
    positions: list[list[list[float]]]
    far: Optional[list[list[float]]] = None

    def structures(self) -> list[Atoms]:
        """The images, and `far` before them where there is one; info: energy (over the zero), part of the path (of an image)."""
        found = [] if self.far is None else [Atoms(self.numbers, self.far, cell=self.cell, pbc=self.pbc, info={"energy": 0.0})]
        for energy, part, at in zip(self.energies, self.along, self.positions):
            found.append(Atoms(self.numbers, at, cell=self.cell, pbc=self.pbc, info={"energy": energy, "part": part}))
        return found

    @property
    def top(self) -> int:
        return int(np.argmax(self.energies))


class Gas:
    """A diatomic molecule far over a slab: energy of both, bond length."""

    def __init__(self, slab: Slab, symbols: Sequence[str], guess: float):
        far = slab.molecule(symbols, guess, FAR)
        relax(far, force=1e-3)
        self.length = float(far.get_distance(-1, -2, mic=True))
        self.with_slab = float(far.get_potential_energy())
        self.positions = far.positions.tolist()


def near(wanted: np.ndarray, atoms: Atoms) -> np.ndarray:
    """Positions of the periodic images that are nearest to the wanted places."""
    return wanted + find_mic(atoms.positions - wanted, atoms.cell, atoms.pbc)[0]


def band(stops: Sequence[Atoms], images: int, force: float) -> tuple[list[Atoms], int]:
    """The relaxed images from the first stop to the last, straight through those between to begin with. The ends stay as they are."""
    places = [near(stops[0].positions, stop) for stop in stops]
    made = []
    for k in range(images):
        leg, part = divmod(k * (len(stops) - 1) / (images - 1), 1)
        leg = min(int(leg), len(stops) - 2) if part or leg < len(stops) - 1 else len(stops) - 2
        part = k * (len(stops) - 1) / (images - 1) - leg
        image = stops[0].copy()
        image.calc = stops[0].calc
        image.set_positions((1 - part) * places[leg] + part * places[leg + 1], apply_constraint=False)
        made.append(image)
    steps = 0
    for climb, wanted in ((False, max(ROUGH, force)), (True, force)):
        # quickmin: with FIRE and LBFGS the climbing image swings about a sharp saddle point
        search = MDMin(NEB(made, k=1.0, climb=climb, method="improvedtangent", allow_shared_calculator=True), logfile=None, dt=0.1, maxstep=0.05)
        done = search.run(fmax=wanted, steps=STEPS)
        steps += search.nsteps
        if not done:
            raise NoValue(f"after {STEPS} steps the band still has a force of more than {wanted:g} eV/A")
    return made, steps


def lengths_along(images: Sequence[Atoms]) -> list[float]:
    """0 to 1, by the distance between images in all coordinates."""
    steps = [np.linalg.norm(find_mic(b.positions - a.positions, a.cell, a.pbc)[0]) for a, b in zip(images, images[1:])]
    return (np.concatenate([[0], np.cumsum(steps)]) / max(sum(steps), 1e-12)).tolist()


def _path(found: Sequence[Atoms], steps: int, zero: float, lengths=(), heights=(), far=None) -> Path:
    energies = [float(image.get_potential_energy()) - zero for image in found]
    first = found[0]
    return Path(lengths_along(found), energies, list(lengths), list(heights), steps, first.numbers.tolist(), first.cell.tolist(), first.pbc.tolist(),
                [image.positions.tolist() for image in found], far)  # fmt: skip


def dissociation(slab: Slab, symbols: Sequence[str], guess: float, images: int = 7, force: float = 0.01) -> Path:
    """A diatomic molecule from ABOVE the surface over the bridge to two atoms in the hollows beside it. All atoms but those held move; zero is the
    molecule in the gas and the clean slab."""
    gas = Gas(slab, symbols, guess)
    first, last = slab.molecule(symbols, gas.length, ABOVE), slab.molecule(symbols, slab.apart, slab.sunk)
    relax(last, force=1e-3)
    middle = slab.molecule(symbols, STRETCHED * gas.length, BRIDGE, 0.0 if "111" in slab.name else TILT)
    found, steps = band([first, middle, last], images, force)
    heights = [float(image.positions[-2:, 2].mean() - slab.top) for image in found]
    lengths = [float(image.get_distance(-1, -2, mic=True)) for image in found]
    return _path(found, steps, gas.with_slab, lengths, heights, gas.positions)


def between(first: Atoms, last: Atoms, images: int = 7, force: float = 0.01) -> Path:
    """From one structure to another of the same atoms, both relaxed first; zero is the first."""
    if len(first) != len(last) or (first.numbers != last.numbers).any():
        raise PropertyError("the two ends of a path must have the same atoms in the same order")
    if not np.allclose(first.cell, last.cell, atol=1e-6):
        raise PropertyError("the two ends of a path must have the same cell")
    for atoms in (first, last):
        relax(atoms, force=1e-3)
    found, steps = band([first, last], images, force)
    return _path(found, steps, float(found[0].get_potential_energy()))
