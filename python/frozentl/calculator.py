"""ASE's calculator interface to a model, or to a committee of models."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from typing import Any, Optional, Union

import numpy as np
from ase.calculators.calculator import Calculator, CalculatorSetupError, PropertyNotImplementedError, all_changes

from ._library import FrozenTLError, model_path
from ._lock import Lock
from ._options import check_options, refuse_unknown, take_maces
from ._structure import atomic_numbers, volume
from .model import Model, Result, file_digest

UNCERTAINTY = ("extrapolation", "energy_deviation", "force_deviation")
COMMITTEE = ("committee_energy", "committee_forces")
OPTIONS = ("precision", "head", "threads", "foundation")
ASES = ("atoms", "label", "directory", "restart", "ignore_bad_restart_file")  # keywords of ASE's own Calculator
Potential = Union[str, "os.PathLike[str]", Model]


def _listed(potential: Any) -> list[Any]:
    return list(potential) if isinstance(potential, (list, tuple)) else [potential]


class FrozenTL(Calculator):
    """energy, energies, forces, stress and free_energy (the same number as energy: there are no electrons here), and, of
    potentials that know their errors, the per-atom arrays extrapolation, energy_deviation (eV) and force_deviation (eV/Angstrom).

    potential: a file, or an open Model; or a list of several, a committee: everything is their mean then, energy_deviation and
    force_deviation are the spread of their per-atom energies and forces (root mean square about the mean), and
    committee_energy[k], eV, and committee_forces[k][n][3], eV/Angstrom, are those of member k. Elements are prepared as structures need
    them, so that opening a model of the whole periodic table for two elements is quick. precision, head, threads and foundation are
    Model's, and can be changed by `set`; an open Model has its own. atoms, label and directory are those of ASE's calculators.
    MACECalculator's model_paths and default_dtype are understood, and its other keywords where they say what is so here anyway
    (device="cpu"). Others are a TypeError.

    stress is the derivative of the energy by a strain of cell and positions over the cell's volume, of any structure with a periodic
    direction: of a slab, vacuum is part of that volume, and stress times the cell's height is the surface's.

    One calculation runs at a time, also when threads share a calculator. It can be copied and pickled, with its results."""

    implemented_properties = ["energy", "energies", "free_energy", "forces", "stress", *UNCERTAINTY, *COMMITTEE]
    default_parameters: dict[str, Any] = dict(precision="double", head=None, threads=0, foundation=None)
    discard_results_on_any_change = True

    def __init__(self, potential: Potential | Sequence[Potential] | None = None, *, precision: Optional[str] = None,
                 head: Optional[str] = None, threads: Optional[int] = None,
                 foundation: Optional[str | os.PathLike[str]] = None, atoms=None, label: Optional[str] = None,
                 directory: str | os.PathLike[str] = ".", restart: None = None, **unknown: Any):  # fmt: skip
        potential, precision = take_maces(unknown, potential, precision)
        refuse_unknown("FrozenTL", (k for k in unknown if k not in ASES), ("potential", *OPTIONS, *ASES[:3]))
        if potential is None or _listed(potential) == []:
            raise TypeError("FrozenTL needs a potential: the path of a .ftl, .model or .yace file, or an open Model; or a list of them")
        if restart is not None:
            raise TypeError(f"restart is {restart!r}, but there is nothing that a calculator of FrozenTL restarts from: leave it out")
        self._lock = Lock()
        self._digests: list[str] = []
        self.models: list[Model] = []  # open ones; none before the first calculation
        members = _listed(potential)
        self._shared = any(isinstance(m, Model) for m in members)
        if self._shared:
            if not all(isinstance(m, Model) for m in members):
                raise TypeError("potential is a list of files and open Models: give either all files or all Models")
            self.models = members
            for k in OPTIONS:
                if any(m._options[k] != members[0]._options[k] for m in members):
                    raise TypeError(f"{k} differs among the open Models of the committee: open them with the same options")
            self.default_parameters = {k: members[0]._options[k] for k in OPTIONS}  # what `set` compares with
        given = dict(precision=precision, head=head, threads=threads, foundation=foundation)
        paths = [m.path if isinstance(m, Model) else m for m in members]
        super().__init__(label=label, directory=directory, **unknown, **{k: v for k, v in given.items() if v is not None},
                         potential=paths if isinstance(potential, (list, tuple)) else paths[0])  # fmt: skip
        if atoms is not None:
            atoms.calc = self

    @property
    def model(self) -> Optional[Model]:
        """The open model, of a committee the first; None before the first calculation."""
        return self.models[0] if self.models else None

    @property
    def _paths(self) -> list[str]:
        return _listed(self.parameters["potential"])

    @property
    def _path(self) -> str:
        return ", ".join(self._paths)

    @property
    def _digest(self) -> str:
        """SHA-256 of the file, of a committee those of all: what kept results are known by."""
        return "+".join(self._digests)

    def set(self, **kwargs) -> dict[str, Any]:
        """Changes options; what was calculated with others is forgotten. Answers the changed ones."""
        refuse_unknown("FrozenTL.set", (k for k in kwargs if k not in ("potential", *OPTIONS)), ("potential", *OPTIONS))
        for one in _listed(kwargs.get("potential")) if "potential" in kwargs else []:
            check_options(dict(potential=one))
        check_options({k: v for k, v in kwargs.items() if k != "potential"})
        # a script may change its folder before it calculates
        if "potential" in kwargs:
            several = isinstance(kwargs["potential"], (list, tuple))
            kwargs["potential"] = [model_path(p) for p in kwargs["potential"]] if several else model_path(kwargs["potential"])
        if kwargs.get("foundation") is not None:
            kwargs["foundation"] = model_path(kwargs["foundation"])
        with self._lock:
            had = self.parameters.get("potential")
            changed = {k: v for k, v in kwargs.items() if k not in self.parameters or self.parameters[k] != v}
            refused = sorted(changed.keys() - ({"potential"} if had is None else set())) if self._shared else []
            if refused:
                raise TypeError(f"{', '.join(refused)}: the calculator was given an open Model, which has its own options;"
                                " open it with these, or give the path")  # fmt: skip
            for path in _listed(kwargs["potential"]) if "potential" in changed and not self._shared else []:
                if not os.path.exists(path):
                    raise FrozenTLError("io", "there is no such file", path)
            super().set(**kwargs)
            if changed and not self._shared:
                self.models = []
            if "potential" in changed:
                self._digests = [file_digest(p) for p in self._paths]
        return changed

    def _open(self, numbers: Set[int]) -> list[Model]:
        """The models for these elements, opened again if they were not prepared for them, or were closed."""
        have = set(self.models[0].info.atomic_numbers) if self.models else set()
        if not self._shared and not (self.models and all(m.is_open for m in self.models) and numbers <= have):
            options = {k: self.parameters[k] for k in OPTIONS}
            models = []
            for path, digest in zip(self._paths, self._digests):
                models.append(Model(path, elements=sorted(have | numbers) or None, **options))
                if models[-1]._digest != digest:
                    raise FrozenTLError("io", "the file has changed since the calculator was made: make a new one", path)
            self.models = models
        return self.models

    def get_property(self, name, atoms=None, allow_calculation=True):
        """ASE's. Locked as a whole, so that a thread never gets the results of another thread's atoms."""
        with self._lock:
            if self._lock.torn:  # a forked child: another thread was in the middle of it
                self._lock.torn = False
                self.reset()
            if atoms is None and self.atoms is None:
                raise CalculatorSetupError("the calculator has no atoms yet: give some")
            return super().get_property(name, atoms, allow_calculation)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        properties = properties or ("energy",)
        with self._lock:
            self.results = {}  # whatever fails below, numbers of other atoms are not kept
            super().calculate(atoms, properties, system_changes)
            if self.atoms is None:
                raise CalculatorSetupError("the calculator has no atoms yet: give some")
            self.results = self._results(properties)

    def get_descriptors(self, atoms=None, invariants_only: bool = True, num_layers: int = -1):
        """Features of the atoms [n][width], as MACECalculator's method of this name; of a committee, a list. See Model.descriptors."""
        with self._lock:
            atoms = self.atoms if atoms is None else atoms
            if atoms is None:
                raise CalculatorSetupError("the calculator has no atoms yet: give some")
            models = self._open(set(atomic_numbers(atoms.numbers).tolist()))
            rows = [m.descriptors(atoms, invariants=invariants_only, layers=None if num_layers == -1 else num_layers) for m in models]
            return rows[0] if len(rows) == 1 else rows

    def _results(self, properties) -> dict[str, Any]:
        models = self._open(set(atomic_numbers(self.atoms.numbers).tolist()))
        uncertain = [p for p in properties if p in UNCERTAINTY]
        self._check_known(models, properties, uncertain)
        if "stress" in properties and not (self.atoms.pbc.any() and volume(self.atoms.cell.array)):
            raise PropertyNotImplementedError("stress is by volume, and this structure has none: a cell of three vectors and a periodic direction"
                                              f" are needed; pbc is {self.atoms.pbc.tolist()}, the cell's lengths {self.atoms.cell.lengths().tolist()}")
        arrays = self.atoms.numbers, self.atoms.positions, self.atoms.cell.array, self.atoms.pbc
        members = [m.compute(*arrays, uncertainty=bool(uncertain) and len(models) == 1) for m in models]
        r = members[0]
        results = dict(energy=r.energy, free_energy=r.energy, energies=r.energies, forces=r.forces, stress=r.stress)
        results.update({p: getattr(r, p) for p in UNCERTAINTY})
        if len(members) > 1:
            results.update(_of_committee(members))
        return {k: v for k, v in results.items() if v is not None}

    def _check_known(self, models: list[Model], properties: Sequence[str], uncertain: list[str]) -> None:
        """PropertyNotImplementedError for a property that these models do not have."""
        for p in properties:
            if p in COMMITTEE and len(models) == 1:
                raise PropertyNotImplementedError(f"{p} is that of several models: give a list of files")
        if len(models) > 1:
            if "extrapolation" in uncertain:
                raise PropertyNotImplementedError("a committee of models has deviations, but no extrapolation grade: ask one model")
            return
        for p in uncertain:
            if not (models[0].info.extrapolation if p == "extrapolation" else models[0].info.n_committee):
                raise PropertyNotImplementedError(f"{self._paths[0]} knows no {p}; surrogates that `frozentl distill` makes do, and"
                                                   " models that `frozentl trust` has taught, and committees (a list of files)")

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())


def _of_committee(members: list[Result]) -> dict[str, Any]:
    """Means, and the spread about them."""
    energy, energies, forces = (np.array([getattr(r, name) for r in members]) for name in ("energy", "energies", "forces"))
    mean, stresses = float(energy.mean()), [r.stress for r in members if r.stress is not None]
    return dict(energy=mean, free_energy=mean, energies=energies.mean(axis=0), forces=forces.mean(axis=0),
                stress=np.mean(stresses, axis=0) if stresses else None,
                energy_deviation=energies.std(axis=0), force_deviation=np.sqrt(forces.var(axis=0).sum(axis=1)),
                committee_energy=energy, committee_forces=forces)  # fmt: skip
