"""Moduli of a polycrystal, and stability, of a 6x6 matrix of elastic constants (GPa)."""

from __future__ import annotations

import numpy as np


def lowest(matrix: np.ndarray) -> float:
    """Born's criterion: a crystal is stable if this is above zero, since its energy then rises with every strain."""
    return float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[0])


def stable(matrix: np.ndarray) -> bool:
    return lowest(matrix) > 0


def bulk_and_shear(matrix: np.ndarray) -> dict[str, tuple[float, float]]:
    """Voigt's (equal strain), Reuss' (equal stress) and Hill's (their mean) bulk and shear modulus. Reuss' have no meaning in an unstable crystal
    and are not given there."""
    c = matrix
    normal, across, shear = np.trace(c[:3, :3]), c[0, 1] + c[0, 2] + c[1, 2], np.trace(c[3:, 3:])
    values = {"Voigt": (float(normal + 2 * across) / 9, float(normal - across + 3 * shear) / 15)}
    if stable(matrix):
        s = np.linalg.inv(c)
        normal, across, shear = np.trace(s[:3, :3]), s[0, 1] + s[0, 2] + s[1, 2], np.trace(s[3:, 3:])
        values["Reuss"] = float(1 / (normal + 2 * across)), float(15 / (4 * (normal - across) + 3 * shear))
        values["Hill"] = tuple((v + r) / 2 for v, r in zip(values["Voigt"], values["Reuss"]))
    return values


def moduli(matrix: np.ndarray) -> dict[str, float]:
    """Name -> GPa (Poisson's ratio: a number), in the order of the tables."""
    values: dict[str, float] = {}
    for name, (bulk, shear) in bulk_and_shear(matrix).items():
        values[f"bulk, {name}"] = bulk
        values[f"shear, {name}"] = shear
        values[f"Young, {name}"] = 9 * bulk * shear / (3 * bulk + shear)
        if name == "Hill":
            values["Poisson, Hill"] = (3 * bulk - 2 * shear) / (2 * (3 * bulk + shear))
    return values
