"""Low-index surfaces of fcc metals with places above them: Cu-111, Cu-100:a=3.65, Cu-110. Or a slab from a file."""

from __future__ import annotations

import os
import re

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.constraints import FixAtoms
from ase.data import atomic_numbers

from ..properties import Crystal, PropertyError
from ..properties.relax import relax
from ..properties.structures import crystal, from_file

HEIGHT, BELOW = 28.0, 2.0  # Angstrom: of the cell; under the lowest layer
LAYERS, HELD, SIZE = 6, 2, 3  # layers, those held at the bottom, SIZE x SIZE atoms each
FORCE = 1e-4  # eV/Angstrom
NAME = re.compile(r"([A-Z][a-z]?)-?\(?(111|100|110)\)?(?::a=(.+))?")


class Geometry:
    """A (1x1) cell in the plane, the distance between layers, and how each is shifted against the one below (in the cell);
    for a molecule over a bridge: where the bond's centre is, from an atom of the top layer, and its direction (both in the cell), how far apart the
    hollows beside it are, and how high atoms are there."""

    def __init__(self, cell, spacing, shift, bridge, direction, apart, sunk):
        self.cell, self.spacing, self.shift, self.bridge = np.array(cell, float), spacing, np.array(shift), np.array(bridge)
        self.direction, self.apart, self.sunk = np.array(direction), apart, sunk


def geometry(face: str, a: float) -> Geometry:
    d = a / np.sqrt(2)
    if face == "111":
        return Geometry([(d, 0), (d / 2, d * np.sqrt(3) / 2)], a / np.sqrt(3), (1 / 3, 1 / 3), (1 / 2, 0), (-1 / 2, 1), d / np.sqrt(3), 0.95)
    if face == "100":
        return Geometry([(d, 0), (0, d)], a / 2, (1 / 2, 1 / 2), (1 / 2, 0), (0, 1), d, 0.5)
    # (110): close-packed rows along y, the bridge in them
    return Geometry([(a, 0), (0, d)], d / 2, (1 / 2, 1 / 2), (0, 1 / 2), (1, 0), d, 0.3)


class Slab:
    """A clean surface, relaxed with one potential but for what is held at the bottom.

    clean: the atoms, with calculator and constraint. top: height of the uppermost layer. centre, along: in the plane, the point over which a molecule
    dissociates, and the direction of its bond (a unit vector). apart, sunk: where its atoms end, Angstrom. top_layer: atoms of that layer."""

    def __init__(self, name: str, clean: Atoms, held: list[int], calculator: Calculator, centre, along, apart: float, sunk: float, top_layer: int):
        self.name, self.held = name, held
        self.centre, self.along = np.array(centre, float), np.array(along, float) / np.linalg.norm(along)
        self.apart, self.sunk = apart, sunk
        self.clean = clean
        self.clean.calc = calculator
        self.clean.set_constraint(FixAtoms(indices=held))
        relax(self.clean, force=FORCE)
        self.top_layer = top_layer
        self.top = float(np.sort(self.clean.positions[:, 2])[-top_layer:].mean())

    def with_atoms(self, symbols, positions) -> Atoms:
        """Those atoms over the slab, heights counted from the top layer; with calculator and constraint."""
        lifted = np.array(positions, float) + (0, 0, self.top)
        both = Atoms([*self.clean.symbols, *symbols], positions=np.vstack([self.clean.positions, lifted]), cell=self.clean.cell, pbc=self.clean.pbc)
        both.calc = self.clean.calc
        both.set_constraint(FixAtoms(indices=self.held))
        return both

    def molecule(self, symbols, length: float, height: float, tilt: float = 0.0) -> Atoms:
        """A diatomic one over `centre`, its bond along `along`; tilt: the first atom so much higher, the second so much lower."""
        half = self.along * length / 2
        return self.with_atoms(symbols, [(*(self.centre - half), height + tilt), (*(self.centre + half), height - tilt)])


def fcc_slab(symbol: str, face: str, a: float, calculator: Calculator) -> Slab:
    g = geometry(face, a)
    grid = np.array([(i, j) for i in range(SIZE) for j in range(SIZE)], float)
    plane = np.concatenate([((grid + k * g.shift) % SIZE) @ g.cell for k in range(LAYERS)])
    height = np.repeat(BELOW + g.spacing * np.arange(LAYERS), SIZE**2)
    cell = np.zeros((3, 3))
    cell[:2, :2], cell[2, 2] = SIZE * g.cell, HEIGHT
    clean = Atoms([symbol] * len(plane), positions=np.column_stack([plane, height]), cell=cell, pbc=True)
    # an atom of the top layer in the middle of the cell: what is put near it stays clear of the edges
    origin = (np.array((1.0, 1.0)) + (LAYERS - 1) * g.shift % 1) @ g.cell
    return Slab(f"{symbol}({face})", clean, list(range(HELD * SIZE**2)), calculator, origin + g.bridge @ g.cell, g.direction @ g.cell,
                g.apart, g.sunk, SIZE**2)  # fmt: skip


def check_name(word: str) -> tuple[str, str, float | None]:
    """(element, face, a or None) of a name; PropertyError for what is none."""
    named = NAME.fullmatch(word)
    if not named or named.group(1) not in atomic_numbers:
        raise PropertyError(f"slab '{word}': a name such as Cu-111, Cu-100:a=3.65 (faces 111, 100, 110 of fcc metals) is needed")
    symbol, face, given = named.groups()
    try:
        a = float(given) if given else None
    except ValueError:
        a = 0.0
    if a is not None and not 2 < a < 8:
        raise PropertyError(f"slab '{word}': '{given}' is no lattice constant in Angstrom (e.g. Cu-111:a=3.65)")
    return symbol, face, a


def slab(word: str, calculator: Calculator) -> Slab:
    """By name; without a, the lattice constant is the potential's own."""
    symbol, face, a = check_name(word)
    if a is None:
        a = float(np.linalg.norm(Crystal(crystal("fcc", symbol), calculator).cell[0]))
    return fcc_slab(symbol, face, a, calculator)


def end(path: str) -> Atoms:
    """An end of a path, from a file that ASE reads, with its constraints."""
    if not os.path.exists(path):
        raise PropertyError(f"end '{path}': there is no such file")
    return from_file("end", path)
