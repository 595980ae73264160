"""A structure as the library takes it, or a sentence that says what is wrong with it. Indices count from 0, as arrays do."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._library import InputError


def _plain(name: str, value: Any, unit: str) -> np.ndarray:
    """An array of numbers that means what it says: no units, no masked entries."""
    units = getattr(value, "units", getattr(value, "unit", None))  # of pint, unyt; of astropy
    if units is not None:
        raise TypeError(f"{name} carry units ({units}): give plain {unit}")
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.getmaskarray(value).any():
            raise InputError(f"{name} have masked entries: give an array without")
    try:
        array = np.asarray(value)
    except ValueError as e:
        raise InputError(f"{name} are no array: rows of different lengths ({e})") from None
    return array


def _reals(name: str, value: Any) -> NDArray[np.float64]:
    array = _plain(name, value, "numbers in Angstrom")
    if array.dtype.kind == "O":  # NumPy would take "1.5" and None, too
        if not all(isinstance(v, Real) and not isinstance(v, bool) for v in array.flat):
            raise TypeError(f"{name} have entries that are no real numbers")
        array = array.astype(np.float64)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} are of type {array.dtype}: real numbers in Angstrom are needed")
    return np.ascontiguousarray(array, dtype=np.float64)


def atomic_numbers(numbers: ArrayLike) -> NDArray[np.int64]:
    """numbers[n], each 1 .. 118; TypeError for what are no integers, InputError for what is no atomic number."""
    z = _plain("atomic numbers", numbers, "integers")
    if z.ndim != 1:
        raise InputError(f"atomic numbers are of shape {z.shape}: (n,) is needed")
    if z.size == 0:
        return np.zeros(0, dtype=np.int64)
    if z.dtype.kind not in "iu":
        raise TypeError(f"atomic numbers are of type {z.dtype} (the first is {z[0]}): integers are needed")
    bad = np.flatnonzero((z < 1) | (z > 118))
    if bad.size:
        dummy = ", a dummy atom (ASE's X): leave it out" if z[bad[0]] == 0 else ""
        raise InputError(f"{z[bad[0]]} is no atomic number{dummy}; they go from 1 to 118", f"index {bad[0]}")
    return z.astype(np.int64)


def positions(value: ArrayLike, n: int) -> NDArray[np.float64]:
    x = _reals("positions", value)
    if x.shape != (n, 3) and not (n == 0 and x.size == 0):
        raise InputError(f"{n} atomic numbers, but positions of shape {x.shape}: ({n}, 3) is needed")
    x = x.reshape(n, 3)
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
    if bad.size:
        raise InputError(f"the position {x[bad[0]].tolist()} is not finite ({bad.size} of {n} atoms)", f"index {bad[0]}")
    return x


def box(cell: Any, periodic: NDArray[np.bool_]) -> NDArray[np.float64]:
    """cell[3][3]; zeros for None."""
    if cell is None:
        if periodic.any():
            raise InputError(f"pbc is {periodic.tolist()}, but there is no cell")
        return np.zeros((3, 3))
    h = _reals("cell vectors", cell)
    if h.shape != (3, 3):
        more = ": use numpy.diag(lengths)" if h.shape == (3,) else ""
        raise InputError(f"cell of shape {h.shape}: (3, 3) is needed, its rows the cell vectors{more}")
    if not np.isfinite(h).all():
        k = int(np.flatnonzero(~np.isfinite(h).all(axis=1))[0])
        raise InputError(f"cell vector {k + 1} is {h[k].tolist()}: not finite")
    return h


def volume(cell: NDArray[np.float64]) -> float:
    """Of a cell; 0 where its vectors span none."""
    lengths = np.linalg.norm(cell, axis=1)
    v = float(abs(np.linalg.det(cell)))
    return v if v > 1e-9 * lengths.prod() else 0.0


def periodic(pbc: Any) -> NDArray[np.bool_]:
    """One answer for all directions, or three."""
    p = np.asarray(pbc)
    if p.shape not in ((), (3,)):
        raise InputError(f"pbc of shape {p.shape}: True, False or three of them are needed")
    if p.dtype.kind not in "biu" or not np.isin(p, (0, 1)).all():
        raise InputError(f"pbc is {pbc!r}: True, False or three of them are needed")
    return np.broadcast_to(p.astype(bool), (3,))
