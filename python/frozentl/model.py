"""Models, and energies of structures."""

from __future__ import annotations

import ctypes as c
import os
import threading
from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._library import DOUBLE, MIXED, Error, Info, OpenOptions, ResultArrays, check, library

Floats = NDArray[np.float64]


def version() -> str:
    """The library's version, as "0.1.0"."""
    return library.ftl_version().decode().split()[-1]


def potential(name: str) -> str:
    """The path of a potential that comes with the package, e.g. "h2cu.ftl"."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "potentials")
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        have = ", ".join(sorted(f for f in os.listdir(folder) if f.endswith((".ftl", ".yace")))) if os.path.isdir(folder) else "none"
        raise FileNotFoundError(f"no potential is called {name!r}; there are {have}")
    return path


@dataclass(frozen=True)
class ModelInfo:
    cutoff: float  # Angstrom
    n_layers: int
    atomic_numbers: tuple[int, ...]
    heads: tuple[str, ...]
    head: str
    precision: str  # "double" or "mixed"
    n_parameters: int
    kernel_isa: str
    surrogate: bool  # a linear or PACE potential rather than MACE
    extrapolation: bool  # it knows its extrapolation grades
    n_committee: int  # members of its committee; 0: it knows no deviations


@dataclass(frozen=True)
class Result:
    energy: float  # eV
    energies: Floats  # [n], eV
    forces: Floats  # [n][3], eV/Angstrom
    virial: Floats  # [3][3], eV: -sum over edges of r (x) dE/dr
    stress: Optional[Floats]  # [6], eV/Angstrom^3, xx yy zz yz xz xy; None: not periodic in all directions
    extrapolation: Optional[Floats] = None  # [n], grades
    energy_deviation: Optional[Floats] = None  # [n], eV
    force_deviation: Optional[Floats] = None  # [n], eV/Angstrom


class Model:
    """A MACE `.model`, a `.ftl` or a `.yace`, open for evaluation. Immutable, except for the buffers of `compute`, which
    takes one caller at a time (a lock sees to that).

    elements: atomic numbers to prepare for (default: all that the model has; fewer open faster and take less memory).
    threads: of the evaluation; 0: as many as OpenMP gives. foundation: the file a delta `.ftl` builds on."""

    def __init__(self, path: str | os.PathLike[str], *, precision: str = "double", head: Optional[str] = None,
                 elements: Optional[Sequence[int]] = None, threads: int = 0,
                 foundation: Optional[str | os.PathLike[str]] = None):  # fmt: skip
        self._model = self._workspace = None
        if precision not in ("double", "mixed"):
            raise ValueError(f"precision is {precision!r}: it must be 'double' or 'mixed'")
        numbers = (c.c_int * len(elements))(*map(int, elements)) if elements is not None else None
        options = OpenOptions(DOUBLE if precision == "double" else MIXED, head.encode() if head is not None else None, numbers,
                              len(elements) if elements is not None else 0,
                              os.fsencode(foundation) if foundation is not None else None)  # fmt: skip
        error, pointer = Error(), c.c_void_p()
        check(library.ftl_model_open(os.fsencode(path), c.byref(options), c.byref(pointer), c.byref(error)), error)
        self._model = pointer
        workspace = c.c_void_p()
        check(library.ftl_workspace_new(pointer, int(threads), c.byref(workspace), c.byref(error)), error)
        self._workspace, self._lock = workspace, threading.Lock()
        self.path, self.info = os.fspath(path), self._describe()
        self._species = np.full(256, -1, dtype=np.intc)
        self._species[list(self.info.atomic_numbers)] = np.arange(len(self.info.atomic_numbers))

    def _describe(self) -> ModelInfo:
        info = Info()
        library.ftl_model_get_info(self._model, c.byref(info))
        heads = tuple(info.heads[k].decode() for k in range(info.n_heads))
        return ModelInfo(info.cutoff, info.n_layers, tuple(info.atomic_numbers[: info.n_elements]), heads,
                         heads[info.head] if heads else "", ("double", "mixed")[info.precision], info.n_parameters,
                         info.kernel_isa.decode(), bool(info.ace), bool(info.extrapolation), info.n_committee)  # fmt: skip

    def e0(self, number: int) -> float:
        """The energy of an atom alone, eV."""
        index = self._species[number] if 0 <= number < 256 else -1
        if index < 0:
            raise ValueError(f"{self.path} has no element of atomic number {number}")
        return library.ftl_model_e0(self._model, int(index))

    def compute(self, numbers: ArrayLike, positions: ArrayLike, cell: Optional[ArrayLike] = None,
                pbc: bool | Sequence[bool] = False, *, uncertainty: bool = False) -> Result:  # fmt: skip
        """Energy, forces, virial and stress of one structure: numbers[n], positions[n][3], cell[3][3] (rows are vectors).
        uncertainty: also what the model knows of its errors; a model that knows nothing refuses."""
        z = np.asarray(numbers, dtype=int).reshape(-1)
        x = np.ascontiguousarray(positions, dtype=np.float64)
        periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), 3)
        box = np.ascontiguousarray(np.zeros((3, 3)) if cell is None else cell, dtype=np.float64)
        if x.shape != (len(z), 3) or box.shape != (3, 3):
            raise ValueError(f"{len(z)} atomic numbers, positions of shape {x.shape}, cell of shape {box.shape}: "
                             "(n,), (n, 3) and (3, 3) are needed")  # fmt: skip
        species = np.ascontiguousarray(self._species[np.clip(z, 0, 255)], dtype=np.intc)
        if (species < 0).any():
            raise ValueError(f"{self.path} has no element of atomic number {z[species < 0][0]} (atom {np.argmax(species < 0)})")
        forces, energies = np.zeros((len(z), 3)), np.zeros(len(z))
        arrays = ResultArrays(forces=forces.ctypes.data, node_energy=energies.ctypes.data)
        trust = {}
        if uncertainty:
            if self.info.extrapolation:
                trust["extrapolation"] = np.zeros(len(z))
            if self.info.n_committee > 0:
                trust.update(energy_deviation=np.zeros(len(z)), force_deviation=np.zeros(len(z)))
            if not trust:
                raise ValueError(f"{self.path} knows nothing of its errors; surrogates that `frozentl distill` makes do")
            for name, array in trust.items():
                setattr(arrays, name, array.ctypes.data)
        error = Error()
        with self._lock:
            status = library.ftl_compute(self._workspace, len(z), species.ctypes.data, x.ctypes.data,
                                         box.ctypes.data if periodic.any() else None, (c.c_int * 3)(*map(int, periodic)),
                                         c.byref(arrays), c.byref(error))  # fmt: skip
        check(status, error)
        xx, yy, zz, xy, xz, yz = arrays.virial
        stress = -np.array([xx, yy, zz, yz, xz, xy]) / abs(np.linalg.det(box)) if periodic.all() else None
        return Result(arrays.energy, energies, forces, np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), stress, **trust)

    def workspace_bytes(self) -> int:
        """Memory that `compute` holds now."""
        return library.ftl_workspace_bytes(self._workspace)

    def __del__(self):
        if getattr(self, "_workspace", None):
            library.ftl_workspace_free(self._workspace)
        if getattr(self, "_model", None):
            library.ftl_model_free(self._model)

    def __repr__(self) -> str:
        return f"Model({self.path!r}, precision={self.info.precision!r}, head={self.info.head!r})"
