"""Equation of state: energy against volume, the cell's shape and the atoms relaxed at each, after Birch and Murnaghan."""

from __future__ import annotations

import numpy as np
from ase.units import GPa

from .errors import NoValue
from .relax import relax, with_cell

REACH, POINTS = 0.06, 9  # of the volume, down and up


def birch_murnaghan(volume, energy):
    """(E0, V0, B in GPa, B') of the third-order equation: a cubic in V^(-2/3) (Birch, Phys. Rev. 71, 809 (1947))."""
    x = np.asarray(volume, float) ** (-2 / 3)
    scale = x.mean()
    d, c, b, a = np.polyfit(x / scale - 1, energy, 3)
    turns = [t.real for t in np.roots([3 * d, 2 * c, b]) if abs(t.imag) < 1e-9 and 6 * d * t.real + 2 * c > 0]
    turns = [t for t in turns if min(x) / scale - 1 <= t <= max(x) / scale - 1]
    if not turns:
        raise NoValue("the energy has no minimum among the volumes of the equation of state")
    t = turns[0]
    x0 = (1 + t) * scale
    second, third = (6 * d * t + 2 * c) / scale**2, 6 * d / scale**3
    v0 = x0**-1.5
    # E(V0) has E' = 0, so that only derivatives of x = V^(-2/3) with d2E/dx2 and d3E/dx3 are left; B = V E'', B' = dB/dP
    curvature = 4 / 9 * v0 ** (-10 / 3) * second
    change = -8 / 27 * v0**-5 * third - 20 / 9 * v0 ** (-13 / 3) * second
    bulk, slope = v0 * curvature, -1 - v0 * change / curvature
    return float(np.polyval([d, c, b, a], t)), float(v0), float(bulk / GPa), float(slope)


def measure(crystal, options):
    atoms, n = crystal.relaxed, len(crystal.relaxed)
    volumes, energies = [], []
    for size in np.linspace(1 - REACH, 1 + REACH, POINTS):
        scaled = with_cell(atoms, atoms.cell.array * size ** (1 / 3))
        relax(scaled, crystal.symmetry, volume=True)
        volumes.append(scaled.get_volume() / n)
        energies.append(scaled.get_potential_energy() / n)
    energy, volume, bulk, slope = birch_murnaghan(volumes, energies)
    rows = [("volume, EOS", volume, "Å³/atom"), ("bulk, EOS", bulk, "GPa"), ("dB/dp, EOS", slope, "")]
    return rows, {"volume_A3_atom": volumes, "energy_eV_atom": energies, "minimum_eV_atom": energy}
