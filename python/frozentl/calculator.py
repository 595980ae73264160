"""ASE's calculator interface to a model."""

from __future__ import annotations

import os
from collections.abc import Set
from typing import Any, NoReturn, Optional

from ase.calculators.calculator import Calculator, CalculatorSetupError, PropertyNotImplementedError, all_changes

from ._library import FrozenTLError, model_path
from ._lock import Lock
from ._options import check_options, refuse_unknown
from ._structure import atomic_numbers
from .model import Model, file_digest

UNCERTAINTY = ("extrapolation", "energy_deviation", "force_deviation")
OPTIONS = ("precision", "head", "threads", "foundation")
ASES = ("atoms", "label", "directory", "restart", "ignore_bad_restart_file")  # keywords of ASE's own Calculator


class FrozenTL(Calculator):
    """energy, energies, forces, stress and free_energy (the same number as energy: there are no electrons here), and, of
    potentials that know their errors, the per-atom arrays extrapolation, energy_deviation (eV) and force_deviation (eV/Angstrom).

    potential: a file, or an open Model. Elements are prepared as structures need them, so that opening a model of the whole
    periodic table for two elements is quick. precision, head, threads and foundation are Model's, and can be changed by `set`;
    an open Model has its own. atoms, label and directory are those of ASE's calculators. Others are a TypeError.

    One calculation runs at a time, also when threads share a calculator. It can be copied and pickled, with its results."""

    implemented_properties = ["energy", "energies", "free_energy", "forces", "stress", *UNCERTAINTY]
    default_parameters: dict[str, Any] = dict(precision="double", head=None, threads=0, foundation=None)
    discard_results_on_any_change = True

    def __init__(self, potential: str | os.PathLike[str] | Model | None = None, *, precision: Optional[str] = None,
                 head: Optional[str] = None, threads: Optional[int] = None,
                 foundation: Optional[str | os.PathLike[str]] = None, atoms=None, label: Optional[str] = None,
                 directory: str | os.PathLike[str] = ".", restart: None = None, **unknown: NoReturn):  # fmt: skip
        refuse_unknown("FrozenTL", (k for k in unknown if k not in ASES), ("potential", *OPTIONS, *ASES[:3]))
        if potential is None:
            raise TypeError("FrozenTL needs a potential: the path of a .ftl, .model or .yace file, or an open Model")
        if restart is not None:
            raise TypeError(f"restart is {restart!r}, but there is nothing that a calculator of FrozenTL restarts from: leave it out")
        self._lock, self._digest = Lock(), ""
        self.model: Optional[Model] = None
        self._shared = isinstance(potential, Model)
        if isinstance(potential, Model):
            self.model = potential
            self.default_parameters = {k: potential._options[k] for k in OPTIONS}  # what `set` compares with
        given = dict(precision=precision, head=head, threads=threads, foundation=foundation)
        super().__init__(label=label, directory=directory, **unknown, **{k: v for k, v in given.items() if v is not None},
                         potential=potential.path if isinstance(potential, Model) else potential)  # fmt: skip
        if atoms is not None:
            atoms.calc = self

    @property
    def _path(self) -> str:
        return self.parameters["potential"]

    def set(self, **kwargs) -> dict[str, Any]:
        """Changes options; what was calculated with others is forgotten. Answers the changed ones."""
        refuse_unknown("FrozenTL.set", (k for k in kwargs if k not in ("potential", *OPTIONS)), ("potential", *OPTIONS))
        check_options(kwargs)
        for k in ("potential", "foundation"):
            if kwargs.get(k) is not None:
                kwargs[k] = model_path(kwargs[k])  # a script may change its folder before it calculates
        with self._lock:
            had = self.parameters.get("potential")
            changed = {k: v for k, v in kwargs.items() if k not in self.parameters or self.parameters[k] != v}
            refused = sorted(changed.keys() - ({"potential"} if had is None else set())) if self._shared else []
            if refused:
                raise TypeError(f"{', '.join(refused)}: the calculator was given an open Model, which has its own options;"
                                " open it with these, or give the path")  # fmt: skip
            if "potential" in changed and not self._shared and not os.path.exists(kwargs["potential"]):
                raise FrozenTLError("io", "there is no such file", kwargs["potential"])
            super().set(**kwargs)
            if changed and not self._shared:
                self.model = None
            if "potential" in changed:
                self._digest = file_digest(self._path)
        return changed

    def _open(self, numbers: Set[int]) -> Model:
        """The model for these elements, opened again if it was not prepared for them, or was closed."""
        have = set(self.model.info.atomic_numbers) if self.model else set()
        if not self._shared and not (self.model and self.model.is_open and numbers <= have):
            options = {k: self.parameters[k] for k in OPTIONS}
            model = Model(self._path, elements=sorted(have | numbers) or None, **options)
            if model._digest != self._digest:
                raise FrozenTLError("io", "the file has changed since the calculator was made: make a new one", self._path)
            self.model = model
        assert self.model is not None
        return self.model

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

    def _results(self, properties) -> dict[str, Any]:
        model = self._open(set(atomic_numbers(self.atoms.numbers).tolist()))
        uncertain = [p for p in properties if p in UNCERTAINTY]
        for p in uncertain:
            if not (model.info.extrapolation if p == "extrapolation" else model.info.n_committee):
                raise PropertyNotImplementedError(f"{self._path} knows no {p}; surrogates that `frozentl distill` makes do, and"
                                                   " models that `frozentl trust` has taught")
        if "stress" in properties and not self.atoms.pbc.all():
            raise PropertyNotImplementedError(f"stress is defined for structures that are periodic in all three directions, and pbc is "
                                              f"{self.atoms.pbc.tolist()}; Model.compute gives the virial of any")  # fmt: skip
        r = model.compute(self.atoms.numbers, self.atoms.positions, self.atoms.cell.array, self.atoms.pbc,
                          uncertainty=bool(uncertain))  # fmt: skip
        results = dict(energy=r.energy, free_energy=r.energy, energies=r.energies, forces=r.forces, stress=r.stress)
        results.update({p: getattr(r, p) for p in UNCERTAINTY})
        return {k: v for k, v in results.items() if v is not None}

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())
