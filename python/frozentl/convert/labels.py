"""From ASE's Atoms to labels under one prefix: what each is taken from, and what is left out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from .errors import ConvertError
from .write import Frame, is_plain_key, is_writable

if TYPE_CHECKING:
    from ase import Atoms

ENERGIES = ("free", "zero")  # ASE's results free_energy and energy
LIKE_LABELS = ("energy", "energies", "force", "forces", "stress", "virial", "virials")
VIRIALS = ("virial", "virials")


def _structures(n: int) -> str:
    return f"{n} structure" if n == 1 else f"{n} structures"


@dataclass
class Report:
    """What was written, and what was not."""

    source: str
    target: str
    prefix: str
    energy: str
    format: str = ""
    structures: int = 0
    atoms: int = 0
    labels: Counter[str] = field(default_factory=Counter)  # structures that have each, by its name without the prefix
    notes: Counter[str] = field(default_factory=Counter)  # sentence: structures that it is about; 0: the file
    cautions: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)  # of a sentence: the structure, from 0

    def note(self, sentence: str) -> None:
        self.notes.setdefault(sentence, 0)

    def warn(self, sentence: str) -> None:
        self.cautions.setdefault(sentence, 0)

    def note_one(self, sentence: str) -> None:
        self.notes[sentence] += 1

    def warn_one(self, sentence: str) -> None:
        self.cautions[sentence] += 1
        self.first.setdefault(sentence, self.structures)

    def summary(self) -> str:
        n, p = self.labels, self.prefix
        text = (f"{self.target}: {_structures(self.structures)}, {self.atoms} atoms: {n['energy']} energies, {n['forces']} forces, "
                f"{n['stress']} stresses, {n['virial']} virials ({p}energy, {p}forces, {p}stress, {p}virial)")  # fmt: skip
        others = [f"{p}{k} ({count})" for k, count in n.items() if k not in ("energy", "forces", "stress", "virial")]
        lines = [f"also {', '.join(others)}"] if others else []
        lines += [sentence + (f": {_structures(count)}" if count else "") for sentence, count in self.notes.items()]
        return "\n  ".join([text, *lines])

    def warnings(self) -> list[str]:
        found = [sentence + (f": {_structures(count)}, the first at index {self.first[sentence]}" if count else "")
                 for sentence, count in self.cautions.items()]  # fmt: skip
        if not any(self.labels[k] for k in ("energy", "forces", "stress", "virial")):
            found.append(f"{self.source} has no energies, forces or stresses: there is nothing in {self.target} to train on")
        return found


def _matrix(value: Any) -> Optional[np.ndarray]:
    """3x3 from what stands for it: 9 numbers, or 6 in ASE's order xx yy zz yz xz xy; None for anything else."""
    try:
        v = np.asarray(value, dtype=float).reshape(-1)
    except (TypeError, ValueError):
        return None
    if v.size == 6:
        v = v[[0, 5, 4, 5, 1, 3, 4, 3, 2]]
    return v.reshape(3, 3) if v.size == 9 else None


def _energy(results: dict[str, Any], report: Report) -> Optional[float]:
    free, zero = results.get("free_energy"), results.get("energy")
    if free is not None and zero is not None and free != zero:
        report.note_one("the energy taken is the free energy, of which the forces are the derivative (--energy zero takes the one "
                        "extrapolated to zero broadening)" if report.energy == "free" else
                        "the energy taken is the one extrapolated to zero broadening (--energy free takes the one of which the forces "
                        "are the derivative)")  # fmt: skip
    first, second = (free, zero) if report.energy == "free" else (zero, free)
    return second if first is None else first


def _move_mask(atoms: Atoms, report: Report) -> Optional[np.ndarray]:
    """ASE's column: which atoms, or components, are free; None: all."""
    from ase.constraints import FixAtoms, FixCartesian

    free, by_component = np.ones((len(atoms), 3), dtype=bool), False
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            free[constraint.index] = False
        elif isinstance(constraint, FixCartesian):
            free[constraint.index] &= ~np.asarray(constraint.mask, dtype=bool)
            by_component = True
        else:
            report.note_one(f"left out: the constraint {type(constraint).__name__}, for which the format has no column")
    if free.all():
        return None
    report.note_one("constraints are in the column move_mask; forces are those without constraints")
    return free if by_component else free[:, 0]


class _Frame:
    """One structure on its way: what is taken moves from `info`, `arrays` and `results` to `frame`."""

    def __init__(self, atoms: Atoms, report: Report):
        self.atoms, self.report, self.prefix = atoms, report, report.prefix
        calculator = atoms.calc
        self.results = {k: v for k, v in getattr(calculator, "results", {}).items() if v is not None}
        self.info = dict(atoms.info)
        self.arrays = {k: v for k, v in atoms.arrays.items() if k not in ("numbers", "positions")}
        self.frame = Frame(atoms.get_chemical_symbols(), atoms.positions, atoms.cell.array, atoms.pbc)

    def _finite(self, name: str, value: np.ndarray) -> bool:
        if np.isfinite(value).all():
            return True
        self.report.warn_one(f"left out: {name} that are not finite")
        return False

    def _own(self, name: str, of_atoms: bool) -> bool:
        """Whether the file has the label under the prefix already. It wins."""
        there = self.arrays if of_atoms else self.info
        if self.prefix + name not in there:
            return False
        if name in self.results:
            self.report.note_one(f"{self.prefix}{name} was there already and is kept; the calculator's {name} is left out")
        try:
            finite = bool(np.isfinite(np.asarray(there[self.prefix + name], dtype=float)).all())
        except (TypeError, ValueError):
            finite = False
        if finite:
            self.report.labels[name] += 1
        else:
            del there[self.prefix + name]
            self.report.warn_one(f"left out: {self.prefix}{name} that is not finite or not numbers")
        return True

    def take_energy(self) -> None:
        energy = _energy(self.results, self.report)
        if self.report.format.startswith("lammps-dump"):
            energy = None  # ASE makes up a zero
        if not self._own("energy", False) and energy is not None and self._finite("energies", np.asarray(energy, dtype=float)):
            self.frame.info[self.prefix + "energy"] = float(energy)
            self.report.labels["energy"] += 1

    def take_forces(self, free: Optional[np.ndarray]) -> None:
        forces = self.results.get("forces")  # never atoms.get_forces(), which zeroes those of fixed atoms
        if not self._own("forces", True) and forces is not None:
            forces = np.asarray(forces, dtype=float)
            if forces.shape != (len(self.atoms), 3):
                raise ConvertError(f"{self.report.source}: index {self.report.structures}: forces of shape {forces.shape} for {len(self.atoms)} atoms")
            if self._finite("forces", forces):
                self.frame.columns[self.prefix + "forces"] = forces
                self.report.labels["forces"] += 1
        taken = self.frame.columns.get(self.prefix + "forces", self.arrays.get(self.prefix + "forces"))
        if taken is None or free is None:
            return
        fixed = ~(free if free.ndim == 2 else np.repeat(free[:, None], 3, axis=1))
        if (np.asarray(taken)[fixed] == 0).all() and np.asarray(taken)[~fixed].any():
            self.report.warn_one("forces of fixed atoms are exactly zero: whoever wrote the file set them so, and they are no labels to train on")

    def take_stress(self) -> None:
        volume = abs(float(np.linalg.det(self.atoms.cell.array)))
        stress = _matrix(self.results["stress"]) if "stress" in self.results else None
        name = next((k for k in VIRIALS if k in self.info and _matrix(self.info[k]) is not None), None)
        virial = _matrix(self.info[name]) if name else None
        own = [self._own("stress", False), self._own("virial", False)]
        if any(own):
            return
        if stress is not None and not self._finite("stresses", stress):
            stress = None
        elif stress is not None and volume == 0:
            self.report.warn_one("left out: stress, since the cell has no volume")
            stress = None
        if name is not None and virial is not None and not self._finite("virials", virial):
            del self.info[name]
            virial = None
        if stress is not None:
            self.frame.info[self.prefix + "stress"] = stress.ravel()
            self.report.labels["stress"] += 1
            if not self.atoms.pbc.all():
                self.report.note_one("stress of structures that are not periodic in all directions is kept, by the volume of their cells")
            if virial is not None and name is not None:
                if np.abs(virial + volume * stress).max() > 1e-3 * max(np.abs(virial).max(), 1e-3):
                    self.report.warn_one(f"{name} is not -volume * stress (its sign, or a unit?); stress is the label, and {name} stays as it is")
                else:
                    del self.info[name]
        elif virial is not None and name is not None:
            if np.size(self.info[name]) == 6:
                self.report.note_one(f"six numbers of {name} are taken to be xx yy zz yz xz xy")
            self.frame.info[self.prefix + "virial"] = virial.ravel()
            self.report.labels["virial"] += 1
            self.report.note_one(f"{name} is the label {self.prefix}virial: -volume * stress, eV")
            del self.info[name]

    def take_other_results(self) -> None:
        """Moments, charges, energies by atom, ...: under the prefix, too."""
        for name, value in self.results.items():
            if name in ("energy", "free_energy", "forces", "stress"):
                continue
            array, key = np.asarray(value), self.prefix + name
            of_atoms = array.ndim > 0 and len(array) == len(self.atoms) and array.ndim <= 2 and name not in ("dipole",)
            if key in (self.arrays if of_atoms else self.info):
                continue
            if array.dtype.kind not in "iufb" or array.ndim > 2 or not np.isfinite(array).all():
                self.report.note_one(f"left out: {name}")
                continue
            (self.frame.columns if of_atoms else self.frame.info)[key] = value
            self.report.labels[name] += 1

    def take_rest(self) -> None:
        for key, value in self.info.items():
            name = str(key)
            if name in self.frame.info or not is_plain_key(name) or not is_writable(value):
                self.report.note_one(f"left out: info {name!r:.60}, which the format cannot hold")
                continue
            is_matrix = np.shape(value) == (3, 3) and (name.startswith(self.prefix) or self._looks_like_a_label(name))
            self.frame.info[name] = np.ravel(value) if is_matrix else value
        for name, value in self.arrays.items():
            array = np.asarray(value)
            if name in self.frame.columns or not is_plain_key(name) or ":" in name or array.dtype.kind not in "iufbU" or array.ndim > 2:
                self.report.note_one(f"left out: array {name!r:.60}, which the format cannot hold")
                continue
            self.frame.columns[name] = array
        named = [k for k in (*self.info, *self.arrays) if self._looks_like_a_label(str(k))]
        for name in sorted(map(str, named)):
            self.report.note_one(f"kept under its own name: {name}")

    def _looks_like_a_label(self, name: str) -> bool:
        return not name.startswith(self.prefix) and name.lower().replace("-", "_").split("_")[-1] in LIKE_LABELS


def prepare(atoms: Atoms, report: Report) -> Frame:
    """The structure with its labels, counted in the report."""
    where = f"{report.source}: index {report.structures}"
    if len(atoms) == 0:
        raise ConvertError(f"{where}: it has no atoms: leave it out by --index")
    dummies = np.flatnonzero((atoms.numbers < 1) | (atoms.numbers > 118))
    if dummies.size:
        raise ConvertError(f"{where}: atom {dummies[0] + 1} is of no element (number {atoms.numbers[dummies[0]]}); if the file has types, "
                           "name their elements")  # fmt: skip
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise ConvertError(f"{where}: a position or the cell is not finite")
    one = _Frame(atoms, report)
    if any(math.isclose(length, 0) for length, p in zip(atoms.cell.lengths(), atoms.pbc) if p):
        report.warn_one("periodic where the cell has no length: written as not periodic")
        one.frame.pbc = atoms.pbc & (atoms.cell.lengths() > 0)
    shares = [share for site in (atoms.info.get("occupancy") or {}).values() for share in site.values()] if report.format == "cif" else []
    if any(share < 1 for share in shares):
        report.warn_one("sites are partly occupied; ASE takes one element for each of them, wholly")
    free = _move_mask(atoms, report)
    one.take_energy()
    one.take_forces(free)
    one.take_stress()
    one.take_other_results()
    if free is not None:
        one.frame.columns["move_mask"] = free
    one.take_rest()
    report.structures += 1
    report.atoms += len(atoms)
    return one.frame
