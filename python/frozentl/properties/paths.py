"""Paths between crystals of one element: Bain's (bcc to fcc) and Burgers' (bcc to hcp)."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from .errors import NoValue

BAIN = np.round(np.arange(0.85, 1.6501, 0.05), 2)  # c/a of the body-centred tetragonal cell: 1 is bcc, sqrt(2) fcc
BURGERS = np.linspace(0, 1, 11)


def element(crystal) -> str:
    symbols = set(crystal.relaxed.get_chemical_symbols())
    if len(symbols) > 1:
        raise NoValue("the path is one of crystals of one element")
    return symbols.pop()


def bain(crystal, options):
    """Energy of the tetragonal crystal at the volume that this one has."""
    symbol, volume = element(crystal), crystal.relaxed.get_volume() / len(crystal.relaxed)

    def energy(ratio):
        a = (2 * volume / ratio) ** (1 / 3)
        atoms = Atoms([symbol] * 2, cell=np.diag([a, a, ratio * a]), scaled_positions=[(0, 0, 0), (1 / 2, 1 / 2, 1 / 2)], pbc=True)
        atoms.calc = crystal.relaxed.calc
        return atoms.get_potential_energy() / 2

    ratios = sorted({*BAIN.tolist(), 2**0.5})
    energies = [energy(ratio) for ratio in ratios]
    bcc, fcc = energies[ratios.index(1.0)], energies[ratios.index(2**0.5)]
    rows = [("Bain, fcc over bcc", 1000 * (fcc - bcc), "meV/atom")]
    return rows, {"c/a": ratios, "meV_atom": [1000 * (e - bcc) for e in energies], "volume_A3_atom": volume}


def burgers(crystal, options):
    """Cell and atoms go straight from relaxed bcc to relaxed hcp in their common rectangular cell of four atoms (Burgers, Physica 1, 561
    (1934)): bcc's (110) becomes the basal plane, and every second of them slides."""
    symbol = element(crystal)
    bcc, hcp = (crystal.sibling(f"{lattice}-{symbol}") for lattice in ("bcc", "hcp"))
    a0, (a, c) = bcc.cell[0, 0], (np.linalg.norm(hcp.cell[0]), np.linalg.norm(hcp.cell[2]))
    cells = [np.diag([a0, 2**0.5 * a0, 2**0.5 * a0]), np.diag([a, 3**0.5 * a, c])]
    fractions = [np.array([(0, 0, 0), (1 / 2, 1 / 2, 0), (1 / 2, y, 1 / 2), (0, 1 / 2 + y, 1 / 2)]) for y in (0, 1 / 6)]
    energies = []
    for part in BURGERS:
        cell, places = ((1 - part) * one + part * other for one, other in (cells, fractions))
        atoms = Atoms([symbol] * 4, cell=cell, scaled_positions=places, pbc=True)
        atoms.calc = crystal.relaxed.calc
        energies.append(1000 * atoms.get_potential_energy() / 4)
    rows = [("Burgers, hcp over bcc", energies[-1] - energies[0], "meV/atom"), ("Burgers, top over bcc", max(energies) - energies[0], "meV/atom")]
    return rows, {"part": BURGERS.tolist(), "meV_atom": [e - energies[0] for e in energies]}
