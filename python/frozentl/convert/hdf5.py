"""HDF5: the layout that mace-torch prepares its data in (mace_prepare_data). Others are refused with what is in them."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Iterator

import numpy as np

from .errors import ConvertError

if TYPE_CHECKING:
    from ase import Atoms

MAGIC = b"\x89HDF\r\n\x1a\n"
LABELS = ("energy", "forces", "stress", "virials", "dipole", "charges", "magmom")
STRUCTURE = ("atomic_numbers", "positions", "cell", "pbc")


def _value(dataset) -> Any:
    value = dataset[()]
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return None if isinstance(value, str) and value == "None" else value


def _labels(group) -> dict[str, Any]:
    """What mace knows: its files have zeros with weight 0 for labels that a structure lacks."""
    values, weights = group.get("properties", group), group.get("property_weights", {})
    found = {}
    for name in LABELS:
        if name not in values:
            continue
        value = _value(values[name])
        weight = weights[name][()] if name in weights else group[f"{name}_weight"][()] if f"{name}_weight" in group else 1
        if value is not None and weight != 0:
            found[name] = value
    return found


def _atoms(group) -> Atoms:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.stress import full_3x3_to_voigt_6_stress

    numbers, positions, cell, pbc = (_value(group[k]) if k in group else None for k in STRUCTURE)
    pbc = np.zeros(3, bool) if pbc is None else np.array([str(p) in ("True", "1", "b'True'") for p in np.atleast_1d(pbc)])
    atoms = Atoms(numbers=numbers, positions=positions, cell=cell, pbc=pbc)
    labels = _labels(group)
    for name in ("config_type", "head", "weight"):
        if name in group and _value(group[name]) is not None:
            value = _value(group[name])
            if name != "weight" or value != 1:
                atoms.info["config_weight" if name == "weight" else name] = value
    if "virials" in labels:
        atoms.info["virials"] = np.reshape(labels.pop("virials"), (3, 3))
    if "stress" in labels:
        stress = np.asarray(labels["stress"])
        labels["stress"] = full_3x3_to_voigt_6_stress(stress.reshape(3, 3)) if stress.size == 9 else stress
    if "magmom" in labels and np.ndim(labels["magmom"]):
        labels["magmoms"] = labels.pop("magmom")
    if labels:
        atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


def _number(name: str) -> int:
    return int(name.rsplit("_", 1)[1])


def read_mace(path: str, shown: str, index: slice) -> Iterator[Atoms]:
    """config_batch_B/config_C/{atomic_numbers, positions, cell, pbc, properties/energy, ...}"""
    try:
        import h5py
    except ImportError:
        raise ConvertError(f"{shown}: it is HDF5, and h5py reads that: pip install h5py") from None
    with h5py.File(path, "r") as file:
        batches = sorted((k for k in file if re.fullmatch(r"config_batch_\d+", k)), key=_number)
        if not batches:
            raise ConvertError(f"{shown}: HDF5 with {', '.join(sorted(file)[:8]) or 'nothing'} at its top: only the layout of mace_prepare_data "
                               "(config_batch_0, ...) is known; write the structures with ASE instead")  # fmt: skip
        groups = [file[b][c] for b in batches for c in sorted((k for k in file[b] if re.fullmatch(r"config_\d+", k)), key=_number)]
        for group in itertools.islice(groups, *index.indices(len(groups))):
            missing = [k for k in STRUCTURE[:2] if k not in group]
            if missing:
                raise ConvertError(f"{shown}: {group.name} has no {missing[0]}")
            yield _atoms(group)
