"""ASE's calculator interface to a model."""

from __future__ import annotations

import os
from typing import Any, Optional

from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from .model import Model

UNCERTAINTY = ("extrapolation", "energy_deviation", "force_deviation")


class FrozenTL(Calculator):
    """energy, energies, forces, stress and free_energy (the same number as energy: there are no electrons here), and, of
    surrogates that know their errors, the per-atom arrays extrapolation, energy_deviation (eV) and force_deviation (eV/Angstrom).

    potential: a file, or an open Model. Elements are prepared as structures need them, so that opening a model of the whole
    periodic table for two elements is quick. The other arguments are Model's."""

    implemented_properties = ["energy", "energies", "free_energy", "forces", "stress", *UNCERTAINTY]
    default_parameters: dict[str, Any] = {}
    discard_results_on_any_change = True

    def __init__(self, potential: str | os.PathLike[str] | Model, *, precision: str = "double", head: Optional[str] = None,
                 threads: int = 0, foundation: Optional[str | os.PathLike[str]] = None, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if isinstance(potential, Model):
            self._options, self._path, self.model = None, potential.path, potential
        else:
            self._options = dict(precision=precision, head=head, threads=threads, foundation=foundation)
            self._path, self.model = potential, None

    def _open(self, numbers: set[int]) -> Model:
        have = set(self.model.info.atomic_numbers) if self.model else set()
        if self.model is None or (self._options is not None and not numbers <= have):
            self.model = Model(self._path, elements=sorted(have | numbers), **self._options)
        return self.model

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        model = self._open({int(z) for z in self.atoms.numbers})
        uncertain = [p for p in properties if p in UNCERTAINTY]
        for p in uncertain:
            if not (model.info.extrapolation if p == "extrapolation" else model.info.n_committee):
                raise PropertyNotImplementedError(f"{self._path} knows no {p}; surrogates that `frozentl distill` makes do")
        r = model.compute(self.atoms.numbers, self.atoms.positions, self.atoms.cell.array, self.atoms.pbc,
                          uncertainty=bool(uncertain))  # fmt: skip
        self.results = dict(energy=r.energy, free_energy=r.energy, energies=r.energies, forces=r.forces)
        if r.stress is not None:
            self.results["stress"] = r.stress
        elif "stress" in properties:
            raise PropertyNotImplementedError("stress is defined for structures that are periodic in all three directions")
        self.results.update({p: getattr(r, p) for p in UNCERTAINTY if getattr(r, p) is not None})
