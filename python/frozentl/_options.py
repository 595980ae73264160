"""What may be said when a model is opened: names, types and ranges."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

# What other calculators of MACE and SevenNet are told, and what to do here.
ELSEWHERE = {
    "model": "give the file as the first argument, `potential`",
    "models": "give files, or open Models, as the first argument, `potential`: a list is a committee",
    "model_path": "give the file as the first argument, `potential`",
    "model_paths": "give the file as the first argument, `potential`: a list is a committee",
    "path": "give the file as the first argument, `potential`",
    "filename": "give the file as the first argument, `potential`",
    "default_dtype": 'use precision="double" for float64, precision="mixed" for float32',
    "dtype": 'use precision="double" for float64, precision="mixed" for float32',
    "device": "leave it out: Python computes on the CPU (threads=N); for GPUs use pair_style frozentl/kk of LAMMPS",
    "model_type": "leave it out: the file says what it is",
    "heads": "use head with one name",
    "modal": "use head with the modality's name",
    "file_type": "leave it out: the file says what it is",
    "sevennet_config": "leave it out: the file says what it is",
    "enable_cueq": "leave it out: the kernels are FrozenTL's own",
    "enable_oeq": "leave it out: the kernels are FrozenTL's own",
    "enable_flash": "leave it out: the kernels are FrozenTL's own",
    "compile_mode": "leave it out: nothing is compiled at run time",
    "pad_num_atoms": "leave it out: nothing is compiled at run time",
    "pad_num_edges": "leave it out: nothing is compiled at run time",
    "warmup": "leave it out: nothing is compiled at run time",
    "fullgraph": "leave it out: nothing is compiled at run time",
    "energy_units_to_eV": "leave it out: energies are in eV",
    "length_units_to_A": "leave it out: lengths are in Angstrom",
    "charges_key": "leave it out: charges are not used",
    "info_keys": "leave it out: info is not used",
    "arrays_keys": "leave it out: other arrays are not used",
    "dispersion": "leave it out: add D3 by ase.calculators.mixing.SumCalculator",
    "damping": "leave it out: add D3 by ase.calculators.mixing.SumCalculator",
    "num_threads": "use threads",
    "n_threads": "use threads",
    "nthreads": "use threads",
}


# MACECalculator's keywords that say nothing here as long as they have these values.
WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "device": ("cpu",),
    "model_type": ("MACE",),
    "energy_units_to_eV": (1.0,),
    "length_units_to_A": (1.0,),
    "charges_key": ("Qs",),
    "info_keys": (None, {}),
    "arrays_keys": (None, {}),
    "compile_mode": (None,),
    "fullgraph": (True, False),
    "enable_cueq": (False,),
    "enable_oeq": (False,),
    "pad_num_atoms": (0,),
    "pad_num_edges": (0,),
    "warmup": (False,),
}
PRECISION_OF = {"float64": "double", "float32": "mixed"}


def take_maces(given: dict[str, Any], potential: Any, precision: Optional[str]) -> tuple[Any, Optional[str]]:
    """The potential and the precision, from MACECalculator's `model_paths` and `default_dtype` where those say them. Takes out of
    `given` what is understood: these two, and what says nothing (WITHOUT_EFFECT). The rest is for refuse_unknown."""
    for name in ("model_paths", "model_path"):
        if name in given and potential is None:
            potential = given.pop(name)
            if isinstance(potential, str) and not os.path.exists(potential) and glob.has_magic(potential):
                potential = sorted(glob.glob(potential)) or potential  # as MACECalculator
            if isinstance(potential, (list, tuple)) and len(potential) == 1:
                potential = potential[0]
    if "default_dtype" in given and precision is None:
        dtype = given.pop("default_dtype")
        if dtype and dtype not in PRECISION_OF:
            raise ValueError(f"default_dtype is {dtype!r}: it must be 'float64' (precision=\"double\") or 'float32' (\"mixed\")")
        precision = PRECISION_OF[dtype] if dtype else None
    for name, values in WITHOUT_EFFECT.items():
        if name in given and given[name] in values:
            del given[name]
    return potential, precision


def refuse_unknown(who: str, unknown: Iterable[str], known: Iterable[str]) -> None:
    """TypeError if there is any, with what to do about each."""
    names = sorted(unknown)
    if names:
        said = "; ".join(f"{name!r} ({ELSEWHERE[name]})" if name in ELSEWHERE else repr(name) for name in names)
        raise TypeError(f"{who} knows no keyword {said}. It knows {', '.join(known)}")


def whole(value: Any) -> Optional[int]:
    """An int, NumPy's too, but neither bool nor float; else None."""
    if isinstance(value, (str, bytes, float)) or "bool" in type(value).__name__:
        return None
    try:
        return value.__index__()
    except (AttributeError, TypeError):
        return None


def _text(name: str, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or "\0" in value):
        raise TypeError(f"{name} is {value!r}: it must be a name")


def _file(name: str, value: Any) -> None:
    try:
        bad = b"\0" in os.fsencode(value)
    except TypeError:
        bad = True
    if bad:
        raise TypeError(f"{name} is {value!r}: it must be the path of a file")


def check_options(options: Mapping[str, Any]) -> None:
    """TypeError or ValueError for a value that Model's option of that name cannot have."""
    for name, value in options.items():
        if name in ("path", "potential"):
            _file(name, value)
        elif name == "foundation" and value is not None:
            _file(name, value)
        elif name == "precision" and not (isinstance(value, str) and value in ("double", "mixed")):
            raise ValueError(f"precision is {value!r}: it must be 'double' (float64) or 'mixed' (float32, sums in float64)")
        elif name == "head":
            _text(name, value)
        elif name == "threads" and (whole(value) is None or not 0 <= value <= 1024):
            raise ValueError(f"threads is {value!r}: it must be a whole number from 0 (as many as OpenMP gives) to 1024")
        elif name == "elements" and value is not None:
            element_numbers(value)


def element_numbers(elements: Sequence[int]) -> list[int]:
    """Atomic numbers, each once; ValueError for what is none."""
    given = list(elements) if isinstance(elements, Iterable) and not isinstance(elements, str) else [elements]
    numbers = [whole(z) for z in given]
    for z, value in zip(numbers, given):
        if z is None or not 1 <= z <= 118 or given == [elements]:
            raise ValueError(f"elements has {value!r}: a list of atomic numbers from 1 (H) to 118 (Og) is needed, e.g. [1, 29]")
    return sorted({z for z in numbers if z is not None})
