"""Training data of any kind that ASE reads, as the extended XYZ that `frozentl train` reads.

    python -m frozentl.convert OUTCAR train.xyz

or `convert(source, target)` from Python. ASE is needed for this, and h5py for HDF5."""

from __future__ import annotations

import gzip
import os
import tempfile
from typing import Optional, Sequence

from .errors import ConvertError
from .labels import ENERGIES, Report, prepare
from .read import parse_index, read_frames
from .write import write_frame

__all__ = ["ConvertError", "Report", "convert"]

ENDINGS = (".xyz", ".extxyz", ".xyz.gz", ".extxyz.gz")


def _check_target(source: str, target: str, overwrite: bool) -> None:
    if not target.endswith(ENDINGS):
        raise ConvertError(f"{target}: what is written is extended XYZ: give a name that ends in .xyz (or .xyz.gz)")
    if not os.path.exists(source):
        raise ConvertError(f"{source}: there is no such file")
    if os.path.exists(target):
        if os.path.samefile(source, target):
            raise ConvertError(f"{target}: is the file that is read: give another name to write to")
        if os.path.isdir(target):
            raise ConvertError(f"{target}: is a folder: give the name of a file")
        if not overwrite:
            raise ConvertError(f"{target}: exists already: --overwrite replaces it")
    elif not os.path.isdir(os.path.dirname(os.path.abspath(target))):
        raise ConvertError(f"{target}: there is no folder of that name to write into")


def _check_options(prefix: str, energy: str) -> None:
    if not prefix or any(c.isspace() or c in "=:\"'{}[]\\" or not c.isprintable() for c in prefix):
        raise ConvertError(f"the prefix of labels is {prefix!r}: it must be a word such as REF_")
    if energy not in ENERGIES:
        raise ConvertError(f"energy is {energy!r}: it must be one of {', '.join(ENERGIES)}")


def convert(source: str | os.PathLike[str], target: str | os.PathLike[str], *, labels_prefix: str = "REF_", index: str = ":",
            format: Optional[str] = None, energy: str = "free", species: Optional[Sequence[str]] = None,
            units: Optional[str] = None, overwrite: bool = False) -> Report:  # fmt: skip
    """Reads `source` by ASE and writes `target` as extended XYZ: energies in eV under labels_prefix + "energy", forces in
    eV/Angstrom, stresses in eV/Angstrom^3 with ASE's sign, or virials in eV where there is no stress; info, arrays, and
    constraints as the column move_mask.

    index: structures, as ASE's "::10"; format: ASE's name, where the file's name does not tell; energy: "free", of which the
    forces are the derivative, or "zero" (broadening extrapolated to zero), where both are there; species: of the types of
    LAMMPS, in their order; units: of a LAMMPS dump. The target is whole or not there; it is never the source. ConvertError for
    what cannot be done."""
    source, target = os.fspath(source), os.fspath(target)
    _check_options(labels_prefix, energy)
    _check_target(source, target, overwrite)
    report = Report(source=source, target=target, prefix=labels_prefix, energy=energy)
    folder, name = os.path.split(os.path.abspath(target))
    handle, unfinished = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
    try:
        with os.fdopen(handle, "wb") as raw:
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb") if target.endswith(".gz") else raw as file:
                for atoms in read_frames(source, parse_index(index), format, species, units, report):
                    file.write(write_frame(prepare(atoms, report)).encode())  # type: ignore[union-attr]
        if report.structures == 0:
            raise ConvertError(f"{source}: there are no structures in it" + (f" (index {index})" if index != ":" else ""))
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(unfinished, 0o666 & ~umask)
        os.replace(unfinished, target)
    except BaseException:
        os.unlink(unfinished)
        raise
    return report
