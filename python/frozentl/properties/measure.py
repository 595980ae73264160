"""Every property of every structure with every potential, in turn."""

from __future__ import annotations

import hashlib
import sys
from typing import Any, Sequence

import numpy as np
from ase import Atoms

from .. import version
from ..calculator import FrozenTL
from .crystal import PROPERTIES, Crystal, Options
from .errors import NoValue
from .kept import Kept


def progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def digest_of(atoms: Atoms) -> str:
    numbers = np.concatenate([atoms.cell.array.ravel(), atoms.positions.ravel()])
    return hashlib.sha256(atoms.numbers.astype("<i4").tobytes() + np.round(numbers, 8).astype("<f8").tobytes()).hexdigest()[:16]


class Measured:
    """A structure with a potential. rows: (quantity, value, unit); data: property -> what pictures need; missing: what -> why."""

    def __init__(self, potential: str, structure: str):
        self.potential, self.structure = potential, structure
        self.rows: list[tuple[str, float, str]] = []
        self.data: dict[str, Any] = {}
        self.missing: dict[str, str] = {}

    def values(self) -> dict[str, float]:
        return {name: value for name, value, _ in self.rows}


def one(potential: str, calculator: FrozenTL, structure: str, atoms: Atoms, properties: Sequence[str], options: Options, kept: Kept) -> Measured:
    found = Measured(potential, structure)
    words = f"{potential}, {structure}"
    key = {"version": version(), "model": calculator._digest, "precision": calculator.parameters["precision"], "head": calculator.parameters["head"],
           "structure": digest_of(atoms), "sites": options.sites}  # fmt: skip
    crystal: list[Crystal] = []

    def relaxed() -> dict[str, Any]:
        crystal.append(Crystal(atoms, calculator, options.sites))
        c = crystal[0]
        return {"rows": c.lattice(), "data": {"cell": c.relaxed.cell.array, "positions": c.relaxed.positions, "numbers": c.relaxed.numbers,
                                              "space group": c.symmetry.symbol, "number": c.symmetry.number}}  # fmt: skip

    def again() -> Crystal:
        """The crystal that an earlier run has relaxed."""
        if not crystal:
            data = found.data["relaxed"]
            crystal.append(Crystal(atoms, calculator, options.sites, Atoms(data["numbers"], data["positions"], cell=data["cell"], pbc=True)))
        return crystal[0]

    for name in ("relaxed", *properties):
        function, depends, _ = PROPERTIES.get(name, (None, (), ""))

        def make():
            try:
                if name == "relaxed":
                    return relaxed()
                rows, data = function(again(), options)
                return {"rows": rows, "data": data}
            except NoValue as e:
                return {"why": str(e)}

        answer, old = kept.answer(f"{words} {name}", {**key, "property": name, **{k: getattr(options, k) for k in depends}}, make)
        if "why" in answer:
            found.missing[name] = answer["why"]
            progress(f"{words}: {name}: no value: {answer['why']}")
            if name == "relaxed":
                break
            continue
        found.rows += [tuple(row) for row in answer["rows"]]
        found.data[name] = answer["data"]
        progress(f"{words}: {name}{' (was there)' if old else ''}")
    return found
