"""Files to ASE's Atoms: compression, formats, and what is asked before ASE guesses."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import os
import re
import shutil
import tempfile
import warnings
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional, Sequence

from . import vasp
from .errors import ConvertError
from .hdf5 import MAGIC as HDF5
from .hdf5 import read_mace

if TYPE_CHECKING:
    from ase import Atoms

    from .labels import Report

COMPRESSIONS: dict[bytes, tuple[str, Callable[..., Any]]] = {b"\x1f\x8b": ("gz", gzip.open), b"BZh": ("bz2", bz2.open), b"\xfd7zXZ\0": ("xz", lzma.open)}
NOT_READ = {b"\x28\xb5\x2f\xfd": "compressed by zstd: uncompress it first", b"PK\x03\x04": "a ZIP archive (or .npz): unpack it first"}
LAMMPS_UNITS = ("metal", "real", "si", "cgs", "electron", "micro", "nano")


def parse_index(text: str) -> slice:
    """ASE's index: a number or start:stop:step."""
    if not re.fullmatch(r"\s*(-?\d+|-?\d*(:-?\d*){1,2})\s*", text):
        raise ConvertError(f"index is {text!r}: a number or start:stop:step is needed, e.g. -1 or ::10")
    parts = [int(p) if p.strip() else None for p in text.split(":")]
    if len(parts) == 1:
        first = parts[0]
        return slice(first, None if first == -1 else (first or 0) + 1)
    if len(parts) == 3 and parts[2] is not None and parts[2] < 1:
        raise ConvertError(f"index is {text!r}: the step must be 1 or more")
    return slice(*parts)


def _need_ase() -> None:
    try:
        import ase.io  # noqa: F401
    except ImportError as e:
        raise ConvertError(f"ASE reads the files, and is not here ({e}): pip install ase") from None


def parse_species(species: Sequence[str]) -> list[str]:
    """Elements of types 1, 2, ...: a list of symbols, or of "type=symbol"."""
    from ase.data import atomic_numbers

    found: dict[int, str] = {}
    for k, word in enumerate(species, start=1):
        left, equals, right = word.strip().partition("=")
        symbol, kind = (right, left) if equals else (left, str(k))
        if not kind.strip().isdigit() or atomic_numbers.get(symbol.strip(), 0) < 1 or int(kind) in found:
            raise ConvertError(f"species has {word!r}: elements of types 1, 2, ... are needed, as Cu,H or 1=Cu,2=H")
        found[int(kind)] = symbol.strip()
    if sorted(found) != list(range(1, len(found) + 1)):
        raise ConvertError(f"species names types {', '.join(map(str, sorted(found)))}: those from 1 to the last are needed")
    return [found[k] for k in sorted(found)]


def _uncompressed(path: str, folder: str) -> str:
    """The file itself, or what is in it, in `folder` and under its name without the ending, by which ASE knows formats."""
    with open(path, "rb") as file:
        start = file.read(8)
    if not start:
        raise ConvertError(f"{path}: the file is empty")
    for magic, what in NOT_READ.items():
        if start.startswith(magic):
            raise ConvertError(f"{path}: it is {what}")
    for magic, (ending, opener) in COMPRESSIONS.items():
        if not start.startswith(magic):
            continue
        name = os.path.basename(path)
        inside = os.path.join(folder, name[: -len(ending) - 1] if name.endswith("." + ending) else name)
        try:
            with opener(path, "rb") as packed, open(inside, "wb") as file:
                shutil.copyfileobj(packed, file)
        except (EOFError, OSError, lzma.LZMAError) as e:
            raise ConvertError(f"{path}: it cannot be uncompressed ({ending}): {e}") from None
        return inside
    return path


def _format_of(path: str, shown: str, given: Optional[str]) -> str:
    from ase.io.formats import UnknownFileTypeError, filetype, ioformats

    if given == "mace-hdf5":
        return given
    if given is not None:
        if given not in ioformats or not ioformats[given].can_read:
            near = [f for f in sorted(ioformats) if ioformats[f].can_read and given.lower().strip("-")[:4] in f]
            raise ConvertError(f"format is {given!r}: ASE reads none of that name" + (f"; it has {', '.join(near)}" if near else ""))
        return given
    with open(path, "rb") as file:
        start = file.read(64)
    if start.startswith(HDF5):
        return "mace-hdf5"
    if start.startswith(b"ITEM:"):
        return "lammps-dump-text"
    try:
        kind = filetype(path)
    except (UnknownFileTypeError, UnicodeDecodeError):
        kind = ""
    if kind not in ioformats or not ioformats[kind].can_read:  # ASE answers the name's ending where it knows nothing
        raise ConvertError(f"{shown}: neither its name nor its beginning says what it is: give --format, e.g. vasp-out, vasp-xml, "
                           "extxyz, lammps-dump-text (ase info --formats lists them)")  # fmt: skip
    return kind


def _lammps_dump(path: str, shown: str, species: Optional[list[str]], units: Optional[str], report: Report) -> dict[str, Any]:
    """ASE would take types for atomic numbers, and metal for the units."""
    with open(path, "rb") as file:
        head = list(itertools.islice(file, 40))
    columns = next((line.split()[2:] for line in head if line.startswith(b"ITEM: ATOMS")), None)
    said = next((head[k + 1].split()[0].decode(errors="replace") for k, line in enumerate(head[:-1]) if line.startswith(b"ITEM: UNITS")), None)
    if columns is not None and b"element" not in columns:
        if b"type" not in columns:
            raise ConvertError(f"{shown}: the dump has neither types nor elements: dump them (dump_modify ... element)")
        if species is None:
            raise ConvertError(f"{shown}: the dump has types and no elements: say which they are by --species, e.g. --species Cu,H")
        if b"mass" in columns:
            raise ConvertError(f"{shown}: the dump has masses, which ASE would take instead of --species: dump it without, or with elements")
    elif species is not None and columns is not None:
        raise ConvertError(f"{shown}: the dump says which elements its atoms are: leave --species out")
    if units is not None and said not in (None, units):
        raise ConvertError(f"{shown}: the dump says units {said}, and --units {units}")
    if (units or said) is None:
        report.note("of LAMMPS, taken to be in units metal (--units says otherwise)")
    used = units or said or "metal"
    if used not in LAMMPS_UNITS:
        raise ConvertError(f"units is {used!r}: they must be one of {', '.join(LAMMPS_UNITS)}")
    return dict(specorder=species, units=used)


def _lammps_data(path: str, shown: str, species: Optional[list[str]], units: Optional[str]) -> dict[str, Any]:
    with open(path, errors="replace") as file:
        masses = any(line.split("#")[0].strip() == "Masses" for line in file)
    if species is None and not masses:
        raise ConvertError(f"{shown}: types, and no masses that tell elements: say which they are by --species, e.g. --species Cu,H")
    from ase.data import atomic_numbers

    types = {k: atomic_numbers[s] for k, s in enumerate(species, start=1)} if species else None
    return dict(Z_of_type=types, units=units or "metal")


def _database(path: str, index: slice) -> Iterator[Atoms]:
    """ase.io leaves out a row's key-value pairs, config_type among them."""
    import ase.db

    with ase.db.connect(path, serial=True) as db:
        for row in itertools.islice(db.select(), *index.indices(db.count())):
            atoms = row.toatoms()
            atoms.info.update(row.key_value_pairs)
            if row.get("data"):
                atoms.info["data"] = dict(row.data)
            yield atoms


def _frames(path: str, shown: str, index: slice, kind: str, species: Optional[list[str]], units: Optional[str],
            report: Report) -> Iterator[Atoms]:  # fmt: skip
    from ase.io import iread

    if kind == "mace-hdf5":
        return read_mace(path, shown, index)
    if kind in ("db", "json"):
        return _database(path, index)
    options: dict[str, Any] = {}
    if kind == "lammps-dump-text":
        options = _lammps_dump(path, shown, species, units, report)
    elif kind == "lammps-dump-binary":
        if species is None:
            raise ConvertError(f"{shown}: a binary dump has types and no elements: say which they are by --species, e.g. --species Cu,H")
        options = dict(specorder=species, units=units or "metal")
    elif kind == "lammps-data":
        options = _lammps_data(path, shown, species, units)
    elif kind in vasp.LAST_WORDS:
        for doubt in vasp.doubts(path, kind):
            report.warn(doubt)
    return iread(path, index=index, format=kind, parallel=False, do_not_split_by_at_sign=True, **options)


def read_frames(path: str, index: slice, given: Optional[str], species: Optional[Sequence[str]], units: Optional[str],
                report: Report) -> Iterator[Atoms]:  # fmt: skip
    """The structures; ConvertError for what ASE cannot read. Calculators hold what the file says."""
    _need_ase()
    if os.path.isdir(path):
        raise ConvertError(f"{path}: is a folder: give the file in it, e.g. {os.path.join(path, 'OUTCAR')}")
    types = parse_species(species) if species is not None else None
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        inside = _uncompressed(path, folder)
        kind = report.format = _format_of(inside, path, given)
        if not kind.startswith("lammps") and (types is not None or units is not None):
            raise ConvertError(f"{path}: --species and --units are for LAMMPS' files, and this is {kind}: leave them out")
        done = 0
        try:
            for atoms in _frames(inside, path, index, kind, types, units, report):
                done += 1
                yield atoms
        except ConvertError:
            raise
        except ImportError as e:
            raise ConvertError(f"{path}: to read {kind}, ASE needs a package that is not here: {e}") from None
        except Exception as e:  # whatever ASE's readers come upon in a file that is not what they expect
            what = " ".join(str(e).split()) or type(e).__name__
            raise ConvertError(f"{path}: ASE cannot read it as {kind}, after {done} structures: {what[:300]}") from e
        for message in {" ".join(str(w.message).split()) for w in heard if not issubclass(w.category, (DeprecationWarning, FutureWarning))}:
            report.warn(f"ASE says: {message[:300]}")
