"""Models, and energies of structures."""

from __future__ import annotations

import ctypes as c
import hashlib
import os
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Optional, Protocol, Sequence, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _batch, _structure
from ._library import DOUBLE, MIXED, DescriptorBlockFields, Error, FrozenTLError, Info, InputError, OpenOptions, ResultArrays, check, library, model_path
from ._lock import Lock
from ._options import check_options, element_numbers, refuse_unknown, whole

Floats = NDArray[np.float64]


class Atoms(Protocol):
    """ASE's Atoms, or what has their arrays."""

    numbers: Any
    positions: Any
    cell: Any
    pbc: Any


def version() -> str:
    """The library's version, as "0.2.0"."""
    return library.ftl_version().decode().split()[-1]


def _potentials() -> str:
    """The folder of those that come with the package; in the source tree, which has it elsewhere, that one."""
    here = os.path.dirname(os.path.abspath(__file__))
    beside, tree = os.path.join(here, "potentials"), os.path.join(here, "..", "..", "potentials")
    return tree if os.path.isdir(tree) and not os.path.isdir(beside) else beside


def potential(name: str) -> str:
    """The path of a potential that comes with the package, e.g. "h2cu.ftl"."""
    folder = _potentials()
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        have = ", ".join(sorted(f for f in os.listdir(folder) if f.endswith((".ftl", ".yace")))) if os.path.isdir(folder) else "none"
        raise FileNotFoundError(f"no potential is called {name!r}; there are {have}")
    return path


def load(name: str | os.PathLike[str], **options: Any) -> Model:
    """Opens a model's file, a published foundation by its name ("sevennet-0", once `frozentl foundation sevennet-0` has fetched
    it) or a potential of the package ("h2cu.ftl"); `options`: those of Model."""
    given = os.fspath(name)
    shipped = os.path.join(_potentials(), given)
    bare = os.path.basename(given) == given and not os.path.exists(given)
    return Model(shipped if bare and os.path.isfile(shipped) else name, **options)


@dataclass(frozen=True)
class DescriptorBlock:
    """One irrep of one layer's features in a row of `Model.descriptors(atoms, invariants=False)`."""

    layer: int  # counted from 0
    irrep: str  # as e3nn writes it: "0e", "1o"
    channels: int
    columns: slice  # [channel][component], components in e3nn's order


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
    surrogate: bool  # a linear or PACE potential rather than a MACE or SevenNet
    extrapolation: bool  # it knows its extrapolation grades
    n_committee: int  # members of its committee; 0: it knows no deviations
    descriptors: tuple[DescriptorBlock, ...] = ()  # what a row of all descriptors consists of; empty: it has none


@dataclass(frozen=True)
class Result:
    energy: float  # eV
    energies: Floats  # [n], eV
    forces: Floats  # [n][3], eV/Angstrom
    virial: Floats  # [3][3], eV: -sum over edges of r (x) dE/dr
    # [6], eV/Angstrom^3, xx yy zz yz xz xy: the energy's derivative by a strain of cell and positions, over the cell's volume (of a slab:
    # vacuum included); None: no direction is periodic, or the cell has no volume
    stress: Optional[Floats]
    extrapolation: Optional[Floats] = None  # [n], grades
    energy_deviation: Optional[Floats] = None  # [n], eV
    force_deviation: Optional[Floats] = None  # [n], eV/Angstrom
    total_deviation: Optional[float] = None  # eV, of energy


def file_digest(path: str) -> str:
    """SHA-256, by which a model that is opened again later is known; "" for what is no file."""
    if not os.path.isfile(path):
        return ""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class _Structure(NamedTuple):
    """As ftl_compute takes it."""

    species: NDArray[np.intc]  # [n]
    positions: Floats  # [n][3]
    box: Floats  # [3][3]
    periodic: NDArray[np.bool_]  # [3]


class _Handle:
    """An open ftl_model, shared by the copies of a Model; the last one frees it."""

    def __init__(self, pointer: c.c_void_p):
        self.pointer = pointer

    def __del__(self, free=library.ftl_model_free):
        free(self.pointer)


def _reopen(kind: type[Model], path: str, options: dict[str, Any], digest: str) -> Model:
    """What pickle calls."""
    found = file_digest(path)
    if found and found != digest:
        raise FrozenTLError("io", f"the file has changed since the model was opened (SHA-256 {digest[:12]}... then, {found[:12]}... now):"
                            " open it anew", path)  # fmt: skip
    return kind(path, **options)


class Model:
    """A MACE `.model`, a SevenNet checkpoint `.pth`, a `.ftl`, a `.yace` or a published foundation by its name, open for evaluation. Immutable, except for
    the buffers of `compute`, which takes one caller at a time (a lock sees to that).

    elements: atomic numbers to prepare for (default: all that the model has; fewer open faster and take less memory).
    threads: of the evaluation; 0: as many as OpenMP gives. foundation: the file a delta `.ftl` builds on.

    Copies share the open model and have buffers of their own. A pickle holds the path, the options and the file's SHA-256:
    it is opened again where it arrives, and refused if the file is another one there. After a fork the child's models compute
    with one thread. `close`, or the end of a `with` block, frees the memory at once."""

    OPTIONS = ("precision", "head", "elements", "threads", "foundation")

    def __init__(self, path: str | os.PathLike[str], *, precision: str = "double", head: Optional[str] = None,
                 elements: Optional[Sequence[int]] = None, threads: int = 0,
                 foundation: Optional[str | os.PathLike[str]] = None, **unknown: NoReturn):  # fmt: skip
        self._handle: Optional[_Handle] = None
        self._workspace: Optional[c.c_void_p] = None
        refuse_unknown("Model", unknown, ("path", *self.OPTIONS))
        options: dict[str, Any] = dict(precision=precision, head=head, elements=elements, threads=threads, foundation=foundation)
        check_options(dict(options, path=path))
        self.path = model_path(path)  # absolute, so that it is the same file in another folder, too
        if elements is not None:
            options["elements"] = element_numbers(elements)
        if foundation is not None:
            options["foundation"] = model_path(foundation)
        self._options, self._digest = options, file_digest(self.path) if os.access(self.path, os.R_OK) else ""
        self._handle = self._open(**options)
        self._lock, self._workspace = Lock(), self._new_workspace()
        self.info = self._describe()
        self._species = np.full(256, -1, dtype=np.intc)
        self._species[list(self.info.atomic_numbers)] = np.arange(len(self.info.atomic_numbers))

    def _open(self, precision, head, elements, threads, foundation) -> _Handle:
        numbers = (c.c_int * max(len(elements), 1))(*elements) if elements is not None else None
        options = OpenOptions(DOUBLE if precision == "double" else MIXED, head.encode() if head is not None else None, numbers,
                              len(elements) if elements is not None else 0,
                              os.fsencode(foundation) if foundation is not None else None)  # fmt: skip
        error, pointer = Error(), c.c_void_p()
        check(library.ftl_model_open(os.fsencode(self.path), c.byref(options), c.byref(pointer), c.byref(error)), error)
        return _Handle(pointer)

    def _new_workspace(self) -> c.c_void_p:
        error, workspace = Error(), c.c_void_p()
        check(library.ftl_workspace_new(self._need_open(), int(self._options["threads"]), c.byref(workspace), c.byref(error)), error)
        return workspace

    def _describe(self) -> ModelInfo:
        info = Info()
        library.ftl_model_get_info(self._need_open(), c.byref(info))
        heads = tuple(info.heads[k].decode() for k in range(info.n_heads))
        return ModelInfo(info.cutoff, info.n_layers, tuple(info.atomic_numbers[: info.n_elements]), heads,
                         heads[info.head] if heads else "", ("double", "mixed")[info.precision], info.n_parameters,
                         info.kernel_isa.decode(), bool(info.ace), bool(info.extrapolation), info.n_committee, self._descriptor_blocks())  # fmt: skip

    def _descriptor_blocks(self) -> tuple[DescriptorBlock, ...]:
        blocks = c.POINTER(DescriptorBlockFields)()
        n = library.ftl_model_descriptors(self._need_open(), c.byref(blocks), None)
        return tuple(DescriptorBlock(b.layer, f"{b.l}{'e' if b.parity > 0 else 'o'}", b.channels,
                                     slice(b.first, b.first + b.channels * (2 * b.l + 1))) for b in blocks[:n])  # fmt: skip

    def _elements_text(self) -> str:
        some = ", ".join(map(str, self.info.atomic_numbers[:20])) + (", ..." if len(self.info.atomic_numbers) > 20 else "")
        return some + (" (it was opened for these)" if self._options["elements"] is not None else "")

    @property
    def is_open(self) -> bool:
        return self._handle is not None

    @property
    def threads(self) -> int:
        """What it was opened with; 0: as many as OpenMP gives."""
        return int(self._options["threads"])

    def single_threaded(self) -> Model:
        """A copy, which shares the weights, that computes with one thread."""
        return self._copy(threads=1)

    def _copy(self, **options: Any) -> Model:
        """Another with the same open model, and buffers of its own."""
        self._need_open()
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _options=dict(self._options, **options))
        other._lock, other._workspace = Lock(), None
        other._workspace = other._new_workspace()
        return other

    def _need_open(self) -> c.c_void_p:
        if self._handle is None:
            raise ValueError(f"{self.path} was closed: open it again")
        return self._handle.pointer

    def e0(self, number: int) -> float:
        """The energy of an atom alone, eV."""
        z = whole(number)
        index = self._species[z] if z is not None and 0 < z < 256 else -1
        if index < 0:
            raise ValueError(f"{self.path} has no element of atomic number {number!r}; it has {self._elements_text()}")
        return library.ftl_model_e0(self._need_open(), int(index))

    @overload
    def compute(self, numbers: Atoms, *, uncertainty: bool = ...) -> Result: ...
    @overload
    def compute(self, numbers: Sequence[Atoms], *, uncertainty: bool = ...) -> list[Result]: ...
    @overload
    def compute(self, numbers: ArrayLike, positions: ArrayLike, cell: Optional[ArrayLike] = ..., pbc: bool | Sequence[bool] = ..., *,
                uncertainty: bool = ...) -> Result: ...  # fmt: skip

    def compute(self, numbers, positions=None, cell=None, pbc=False, *, uncertainty=False):
        """Energy, forces, virial and stress of one structure: numbers[n], positions[n][3], cell[3][3] (rows are vectors); or
        compute(atoms) of ASE's Atoms; or compute(list of Atoms), a list: `threads` of them at a time.
        uncertainty: also what the model knows of its errors; a model that knows nothing refuses. Arrays are only read, and
        the answer's are the caller's. TypeError for what are no numbers, InputError (a ValueError) for what is no structure of
        this model, FrozenTLError for what the library refuses."""
        self._need_open()
        if positions is None:
            if _batch.is_structure(numbers):
                return self._compute(*_batch.parts_of(numbers), uncertainty)
            structures = _batch.structures_of(numbers)
            return _batch.each(self, structures, lambda model, one: model._compute(*_batch.parts_of(one), uncertainty))
        return self._compute(numbers, positions, cell, pbc, uncertainty)

    def _compute(self, numbers: ArrayLike, positions: ArrayLike, cell: Optional[ArrayLike], pbc: bool | Sequence[bool],
                 uncertainty: bool) -> Result:  # fmt: skip
        structure = self._checked(numbers, positions, cell, pbc)
        n, box, periodic = len(structure.species), structure.box, structure.periodic
        forces, energies = np.zeros((n, 3)), np.zeros(n)
        arrays = ResultArrays(forces=forces.ctypes.data, node_energy=energies.ctypes.data)
        trust = self._trust_arrays(n) if uncertainty else {}
        for name, array in trust.items():
            setattr(arrays, name, array.ctypes.data)
        self._run(arrays, structure)
        xx, yy, zz, xy, xz, yz = arrays.virial
        stress = -np.array([xx, yy, zz, yz, xz, xy]) / volume if periodic.any() and (volume := _structure.volume(box)) else None
        total = arrays.total_deviation if "energy_deviation" in trust else None
        return Result(arrays.energy, energies, forces, np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), stress, **trust,
                      total_deviation=total)  # fmt: skip

    def _checked(self, numbers: ArrayLike, positions: ArrayLike, cell: Optional[ArrayLike], pbc: bool | Sequence[bool]) -> _Structure:
        z = _structure.atomic_numbers(numbers)
        n = len(z)
        x, periodic = _structure.positions(positions, n), _structure.periodic(pbc)
        box = _structure.box(cell, periodic)
        species = np.ascontiguousarray(self._species[z], dtype=np.intc)
        if (species < 0).any():
            k = int(np.argmax(species < 0))
            raise InputError(f"{self.path} has no element of atomic number {z[k]}; it has {self._elements_text()}", f"index {k}")
        return _Structure(species, x, box, periodic)

    def _run(self, arrays: ResultArrays, structure: _Structure) -> None:
        """Computes what `arrays` has room for."""
        species, x, box, periodic = structure
        error = Error()
        with self._lock:
            self._need_open()
            if self._lock.torn:  # a child: its parent's other thread was writing there. Not freed: half of it may be
                self._workspace, self._lock.torn = self._new_workspace(), False
            status = library.ftl_compute(self._workspace, len(species), species.ctypes.data, x.ctypes.data,
                                         box.ctypes.data if periodic.any() else None, (c.c_int * 3)(*map(int, periodic)),
                                         c.byref(arrays), c.byref(error))  # fmt: skip
        check(status, error)

    @overload
    def descriptors(self, atoms: Atoms, *, invariants: bool = ..., layers: Optional[int] = ...) -> Floats: ...
    @overload
    def descriptors(self, atoms: Sequence[Atoms], *, invariants: bool = ..., layers: Optional[int] = ...) -> list[Floats]: ...

    def descriptors(self, atoms, *, invariants=True, layers=None):
        """What the layers of a MACE or SevenNet make of each atom's surroundings, [n][width]: the outputs of all layers, or of the
        first `layers`, one after another, as MACECalculator.get_descriptors gives them. invariants: only those that rotations and
        reflections leave alone (0e), 128 a layer of a model of 128x0e+128x1o; False: all, in the columns that info.descriptors names.
        Of a list of Atoms, a list, `threads` of them at a time. ValueError for a linear or PACE potential, which has no layers."""
        blocks = self.info.descriptors
        if not blocks:
            raise ValueError(f"{self.path} is a linear or PACE potential: it has no layers whose features could be given")
        count = self.info.n_layers if layers is None else whole(layers)
        if count is None or not 1 <= count <= self.info.n_layers:
            raise ValueError(f"layers is {layers!r}: it must be a whole number from 1 to {self.info.n_layers}")
        width = blocks[-1].columns.stop
        kept = [np.arange(width)[b.columns] for b in blocks if b.layer < count and (b.irrep == "0e" or not invariants)]
        columns = np.concatenate(kept) if kept else np.zeros(0, dtype=int)

        def rows(model: Model, one: Atoms) -> Floats:
            structure = model._checked(*_batch.parts_of(one))
            all_rows = np.zeros((len(structure.species), width))
            model._run(ResultArrays(energy_only=1, descriptors=all_rows.ctypes.data), structure)
            return all_rows[:, columns]

        if _batch.is_structure(atoms):
            return rows(self, atoms)
        return _batch.each(self, _batch.structures_of(atoms), rows)

    def hessian(self, atoms: Atoms, *, step: float = 1e-3) -> Floats:
        """Second derivatives of the energy by the positions, [3 n][3 n], eV/Angstrom^2: central differences of the forces, 6 n
        evaluations, `threads` at a time, and the mean with the transpose. What a step of 1e-3 Angstrom leaves out is some 1e-5 of the
        largest entry; in mixed precision the forces' rounding is divided by the step, so that precision="double" is needed."""
        if self.info.precision != "double":
            raise ValueError('derivatives of forces need precision="double"')
        if not (isinstance(step, (int, float)) and 0 < step < 0.1):
            raise ValueError(f"step is {step!r}: it must be above 0 and below 0.1 Angstrom")
        numbers, positions, cell, pbc = _batch.parts_of(_batch.structures_of([atoms])[0])
        self._compute(numbers, positions, cell, pbc, False)  # says what is wrong with them, if anything is
        x = _structure.positions(positions, len(numbers))
        n = x.size

        def column(model: Model, k: int) -> Floats:
            there, back = x.copy(), x.copy()
            there.flat[k] += step
            back.flat[k] -= step
            forces = [model._compute(numbers, moved, cell, pbc, False).forces for moved in (back, there)]
            return (forces[0] - forces[1]).ravel() / (2 * step)

        h = np.array(_batch.each(self, range(n), column)).reshape(n, n)
        return (h + h.T) / 2

    def _trust_arrays(self, n: int) -> dict[str, Floats]:
        trust = {}
        if self.info.extrapolation:
            trust["extrapolation"] = np.zeros(n)
        if self.info.n_committee > 0:
            trust.update(energy_deviation=np.zeros(n), force_deviation=np.zeros(n))
        if not trust:
            raise ValueError(f"{self.path} knows nothing of its errors; surrogates that `frozentl distill` makes do, and models"
                             " that `frozentl trust` has taught")
        return trust

    def workspace_bytes(self) -> int:
        """Memory that `compute` holds now."""
        with self._lock:
            return library.ftl_workspace_bytes(self._workspace) if self._workspace else 0

    def close(self) -> None:
        """Frees the memory, once a computation of another thread is done. Copies stay open."""
        with self._lock:
            if self._workspace and not self._lock.torn:
                library.ftl_workspace_free(self._workspace)
            self._handle = self._workspace = None

    def __enter__(self) -> Model:
        self._need_open()
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __copy__(self) -> Model:
        return self._copy()

    def __deepcopy__(self, memo) -> Model:
        return self.__copy__()

    def __reduce__(self):
        self._need_open()
        return _reopen, (type(self), self.path, self._options, self._digest)

    def __del__(self):
        if getattr(self, "_workspace", None) and not self._lock.torn:
            library.ftl_workspace_free(self._workspace)

    def __repr__(self) -> str:
        return f"Model({self.path!r}, precision={self.info.precision!r}, head={self.info.head!r})"
