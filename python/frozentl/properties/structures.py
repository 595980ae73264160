"""Crystals by name (hcp-Ti, fcc-Cu:a=3.6) or from a file."""

from __future__ import annotations

import os
import re

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii, reference_states
from ase.io import read

from .errors import PropertyError

IDEAL = 1.6  # c/a of hcp where nothing is known: most metals are a little below the ideal 1.633
OMEGA = 0.62  # c/a of omega
# atoms in the conventional cell, its volume over a^3 (with c/a = 1)
CELLS = {"fcc": (4, 1.0), "bcc": (2, 1.0), "diamond": (8, 1.0), "hcp": (2, 3**0.5 / 2), "omega": (3, 3**0.5 / 2)}
OPEN = 1.4  # how much more room an atom has in diamond's lattice than in a close one (silicon: 20.0 and 14.3 A^3)
NAME = re.compile(r"([A-Za-z]+)[- ]([A-Za-z]+)(?::(.*))?")


def volume_guess(symbol: str) -> float:
    """A^3 per atom in a close-packed crystal: from the element's own crystal at room temperature, else from its covalent radius."""
    z = atomic_numbers[symbol]
    state = reference_states[z] or {}
    lattice, a = state.get("symmetry"), state.get("a")
    if lattice in CELLS and a:
        atoms, volume = CELLS[lattice]
        return a**3 * volume * state.get("c/a", 1.0) / atoms / (OPEN if lattice == "diamond" else 1)
    return (2 * covalent_radii[z]) ** 3 / 2**0.5


def lattice_guess(lattice: str, symbol: str) -> tuple[float, float]:
    """a and c (Angstrom; a where the lattice has none), near enough for a relaxation to start from."""
    state = reference_states[atomic_numbers[symbol]] or {}
    same = state.get("symmetry") == lattice
    ratio = {"hcp": state.get("c/a", IDEAL) if same else IDEAL, "omega": OMEGA}.get(lattice, 1.0)
    atoms, volume = CELLS[lattice]
    a = (volume_guess(symbol) * (OPEN if lattice == "diamond" else 1) * atoms / volume / ratio) ** (1 / 3)
    return a, ratio * a


def crystal(lattice: str, symbol: str, a: float | None = None, c: float | None = None) -> Atoms:
    """The primitive cell, c along z. a without c keeps the guessed c/a."""
    guess, height = lattice_guess(lattice, symbol)
    ratio = height / guess
    a = guess if a is None else a
    c = ratio * a if c is None else c
    hexagonal = np.array([(a, 0, 0), (-a / 2, a * 3**0.5 / 2, 0), (0, 0, c)])
    cells = {
        "fcc": ([(0, a / 2, a / 2), (a / 2, 0, a / 2), (a / 2, a / 2, 0)], [(0, 0, 0)]),
        "bcc": ([(-a / 2, a / 2, a / 2), (a / 2, -a / 2, a / 2), (a / 2, a / 2, -a / 2)], [(0, 0, 0)]),
        "diamond": ([(0, a / 2, a / 2), (a / 2, 0, a / 2), (a / 2, a / 2, 0)], [(0, 0, 0), (1 / 4, 1 / 4, 1 / 4)]),
        "hcp": (hexagonal, [(1 / 3, 2 / 3, 1 / 4), (2 / 3, 1 / 3, 3 / 4)]),
        "omega": (hexagonal, [(0, 0, 0), (1 / 3, 2 / 3, 1 / 2), (2 / 3, 1 / 3, 1 / 2)]),
    }
    cell, fractions = cells[lattice]
    return Atoms([symbol] * len(fractions), cell=cell, scaled_positions=fractions, pbc=True)


def _constants(word: str, lattice: str, text: str) -> dict[str, float]:
    given = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if name not in ("a", "c") or name in given or not 0.5 < number < 100:
            raise PropertyError(f"structure '{word}': '{part}' is no lattice constant: write e.g. {lattice}-Ti:a=2.95,c=4.68 (Angstrom)")
        given[name] = number
    if "c" in given and lattice not in ("hcp", "omega"):
        raise PropertyError(f"structure '{word}': {lattice} has no c, only a")
    return given


def from_file(what: str, path: str) -> Atoms:
    """The last structure of a file that ASE reads, without a calculator; PropertyError, which calls it `what`, if it cannot be read."""
    try:
        atoms = read(path)
    except Exception as e:  # whatever ASE's reader of that format raises
        raise PropertyError(f"{what} '{path}' cannot be read by ASE: {e or type(e).__name__}") from None
    atoms.calc = None
    return atoms


def structure(word: str) -> tuple[str, Atoms]:
    """(label, atoms) of [LABEL=]NAME or [LABEL=]FILE. A file is read by ASE (its last structure) and must be periodic in all directions."""
    label, _, rest = word.partition("=") if re.match(r"[^:=]*=", word) else ("", "", word)
    named = NAME.fullmatch(rest)
    if not os.path.exists(rest) and named and (named.group(1) in CELLS or named.group(2) in atomic_numbers):
        lattice, symbol, constants = named.groups()
        if lattice not in CELLS:
            raise PropertyError(f"structure '{rest}': there is no lattice '{lattice}'; there are {', '.join(CELLS)}, or give a file")
        if symbol not in atomic_numbers or symbol == "X":
            raise PropertyError(f"structure '{rest}': there is no element '{symbol}'")
        return label or f"{lattice} {symbol}", crystal(lattice, symbol, **(_constants(rest, lattice, constants) if constants else {}))
    if not os.path.exists(rest):
        raise PropertyError(f"structure '{rest}' is neither a file nor a name such as hcp-Ti (lattices: {', '.join(CELLS)})")
    atoms = from_file("structure", rest)
    if not atoms.pbc.all() or atoms.cell.volume < 1e-3:
        raise PropertyError(f"structure '{rest}' is not periodic in all three directions: properties of crystals need a cell")
    atoms.set_constraint()
    return label or os.path.splitext(os.path.basename(rest))[0], Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
