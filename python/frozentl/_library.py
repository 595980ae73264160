"""core/frozentl.h for ctypes: the types and functions that the package uses, with the header's names."""

from __future__ import annotations

import ctypes as c
import os

STATUS = ("ok", "argument", "memory", "io", "format", "unsupported", "input")  # ftl_status, in its order
DOUBLE, MIXED = 0, 1


class FrozenTLError(RuntimeError):
    """What the library refused, in its words. `code`: one of argument, memory, io, format, unsupported, input; `where`: the
    file, tensor, line or atom (counted from 1)."""

    def __init__(self, code: str, message: str, where: str):
        super().__init__(f"{where}: {message}" if where else message)
        self.code, self.message, self.where = code, message, where

    def __reduce__(self):  # a pool of processes hangs for ever on an exception that cannot be unpickled
        return type(self), (self.code, self.message, self.where)


class InputError(FrozenTLError, ValueError):
    """Atoms that no model can answer for. `where`: the entry of the array (counted from 0)."""

    def __init__(self, message: str, where: str = ""):
        super().__init__("input", message, where)

    def __reduce__(self):
        return type(self), (self.message, self.where)


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("message", c.c_char * 512), ("where", c.c_char * 256)]


class OpenOptions(c.Structure):
    _fields_ = [("precision", c.c_int), ("head", c.c_char_p), ("elements", c.POINTER(c.c_int)), ("n_elements", c.c_int),
                ("foundation", c.c_char_p)]  # fmt: skip


class Info(c.Structure):
    _fields_ = [("cutoff", c.c_double), ("n_layers", c.c_int), ("n_elements", c.c_int),
                ("atomic_numbers", c.POINTER(c.c_int)), ("n_heads", c.c_int), ("heads", c.POINTER(c.c_char_p)),
                ("head", c.c_int), ("precision", c.c_int), ("n_parameters", c.c_int64), ("kernel_isa", c.c_char_p),
                ("ace", c.c_int), ("extrapolation", c.c_int), ("n_committee", c.c_int)]  # fmt: skip


class ResultArrays(c.Structure):
    _fields_ = [("energy", c.c_double), ("forces", c.c_void_p), ("node_energy", c.c_void_p), ("virial", c.c_double * 6),
                ("extrapolation", c.c_void_p), ("energy_deviation", c.c_void_p), ("force_deviation", c.c_void_p),
                ("energy_only", c.c_int), ("total_deviation", c.c_double), ("descriptors", c.c_void_p)]  # fmt: skip


class DescriptorBlockFields(c.Structure):
    _fields_ = [("layer", c.c_int), ("channels", c.c_int), ("l", c.c_int), ("parity", c.c_int), ("first", c.c_int)]


def _library_path() -> str:
    """That of FROZENTL_LIBRARY; else the one that `pip install .` puts beside this file; else, in the source tree, what `make build` made."""
    here = os.path.dirname(os.path.abspath(__file__))
    beside, built = os.path.join(here, "libfrozentl.so"), os.path.join(here, "..", "..", "build", "release", "lib", "libfrozentl.so")
    return os.environ.get("FROZENTL_LIBRARY") or (built if os.path.exists(built) and not os.path.exists(beside) else beside)


def _load() -> c.CDLL:
    try:
        library = c.CDLL(_library_path())
    except OSError as e:
        raise ImportError(f"the library of frozentl cannot be loaded: {e}. It comes with `pip install .`, is built by `make build`, or is the file "
                          "that FROZENTL_LIBRARY names, and needs the system's libzip, jansson, libyaml and libmd") from e  # fmt: skip
    pointer, error = c.c_void_p, c.POINTER(Error)
    signatures = {
        "ftl_version": (c.c_char_p, []),
        "ftl_model_path": (c.c_int, [c.c_char_p, c.c_char_p, c.c_size_t, error]),
        "ftl_model_open": (c.c_int, [c.c_char_p, c.POINTER(OpenOptions), c.POINTER(pointer), error]),
        "ftl_model_free": (None, [pointer]),
        "ftl_model_get_info": (None, [pointer, c.POINTER(Info)]),
        "ftl_model_e0": (c.c_double, [pointer, c.c_int]),
        "ftl_model_descriptors": (c.c_int, [pointer, c.POINTER(c.POINTER(DescriptorBlockFields)), c.POINTER(c.c_int)]),
        "ftl_workspace_new": (c.c_int, [pointer, c.c_int, c.POINTER(pointer), error]),
        "ftl_workspace_free": (None, [pointer]),
        "ftl_workspace_bytes": (c.c_size_t, [pointer]),
        "ftl_compute": (c.c_int, [pointer, c.c_int, pointer, pointer, pointer, c.POINTER(c.c_int),
                                  c.POINTER(ResultArrays), error]),
    }  # fmt: skip
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


library = _load()


def check(status: int, error: Error) -> None:
    if status:
        raise FrozenTLError(STATUS[status], error.message.decode(errors="replace"), error.where.decode(errors="replace"))


def model_path(given: str | os.PathLike[str]) -> str:
    """Absolute path of a model's file: of a path, or of a foundation's name ("sevennet-0") that `frozentl foundation` has
    fetched."""
    error, path = Error(), c.create_string_buffer(4096)
    check(library.ftl_model_path(os.fsencode(given), path, len(path), c.byref(error)), error)
    return os.path.abspath(os.fsdecode(path.value))
