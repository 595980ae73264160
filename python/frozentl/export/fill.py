"""Puts a model's numbers where its foundation has them.

Which number of a checkpoint is which of FrozenTL's is known to `frozentl convert` alone, which reads the one and writes the other: names,
orders of columns, signs, elements that were left out. So it is asked: a copy of the foundation whose every number is its own place, counted on
from FIRST, is converted as the model was, and the file that comes out says where each number came from. What is written in the end is converted
once more, and has to be the model."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from typing import Any, BinaryIO, Callable, Iterator, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
FIRST = float(2**30)  # larger than any constant of a model
MADE = ".U_matrix_"  # constants that a file may leave out, as its reader makes them
TYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1", "BOOL": "?"}


class Refusal(Exception):
    """What cannot be exported: a sentence, and the file that it is about."""

    def __init__(self, where: str, sentence: str):
        super().__init__(sentence)
        self.where, self.sentence = where, sentence


class Checkpoint(Protocol):
    """A foundation of another program, in memory."""

    ending: str  # of its files: ".model"

    def numbers(self) -> Arrays:
        """What may be replaced, by name: weights, energies of atoms, scales."""

    def save(self, numbers: Arrays, path: str) -> None:
        """The foundation with these in place of those."""

    def written(self, numbers: Arrays, path: str) -> bytes:
        """What is written in the end, of these numbers, which `save` has written to `path`."""


class SavedFile:
    """What `save` has written is it."""

    def written(self, _: Arrays, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()


def read_ftl(path: str) -> tuple[dict[str, str], Arrays]:
    """The metadata and the tensors of a .ftl file (docs/ftl-format.md)."""
    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
    return metadata, tensors


def _is_delta(path: str) -> bool:
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > 1 << 24:  # no safetensors file
            return False
        try:
            return json.loads(file.read(length)).get("__metadata__", {}).get("kind") == "delta"
        except (ValueError, AttributeError):
            return False


def _places(numbers: Arrays) -> Arrays:
    """Arrays of the same shapes, whose numbers count on from FIRST."""
    places, n = {}, 0
    for name, array in numbers.items():
        places[name] = np.arange(FIRST + n, FIRST + n + array.size).reshape(array.shape)
        n += array.size
    return places


def _scatter(numbers: Arrays, places: Arrays, model: Arrays, foundation: str) -> Arrays:
    """The foundation's arrays with the model's numbers at their places; of the model's precision."""
    flat = np.concatenate([array.ravel().astype(np.float64) for array in numbers.values()])
    written, dtype = np.zeros(flat.size, dtype=bool), np.dtype(np.float32)
    for name, place in places.items():
        if name not in model or model[name].shape != place.shape:
            raise Refusal(foundation, f"the model was not made from it: {name} is of another shape, or missing")
        if place.dtype.kind != "f":
            continue
        marked = np.abs(place) >= FIRST
        if marked.any() and model[name].dtype == np.float64 and name not in ("atomic_energies_fn.atomic_energies", "scale_shift.scale"):
            dtype = np.dtype(np.float64)
        values = np.sign(place) * model[name]
        if not np.allclose(model[name][~marked], place[~marked], rtol=1e-6, atol=1e-12):
            raise Refusal(foundation, f"the model was not made from it: {name} differs, which is no weight")
        index = (np.abs(place[marked]) - FIRST).astype(np.int64)
        flat[index], written[index] = values[marked], True
        if not (flat[index] == values[marked]).all():
            raise Refusal(foundation, f"it has fewer numbers for {name} than the model: one for all elements or heads, where the model has several values")
    out, at = {}, 0
    for name, array in numbers.items():
        out[name] = flat[at : at + array.size].reshape(array.shape).astype(dtype)
        at += array.size
    return out


class _Frozentl:
    """The command, in a folder of its own."""

    def __init__(self, command: str, folder: str):
        self.command, self.folder = command, folder

    def convert(self, source: str, name: str, *options: str) -> tuple[dict[str, str], Arrays]:
        target = os.path.join(self.folder, name)
        done = subprocess.run([self.command, "convert", source, target, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"frozentl convert ended with {done.returncode}"]
            raise Refusal(source, lines[-1])
        metadata, tensors = read_ftl(target)
        return metadata, {name: array for name, array in tensors.items() if MADE not in name}


def filled(command: str, source: str, foundation: str, checkpoint: Checkpoint) -> tuple[bytes, str]:
    """The content of the file to write, and a sentence about what is left of the foundation in it, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        frozentl = _Frozentl(command, folder)
        metadata, model = frozentl.convert(source, "model.ftl", *(["--foundation", foundation] if _is_delta(source) else []))
        whole, _ = frozentl.convert(foundation, "foundation.ftl")
        elements, heads = metadata["elements"].split(), json.loads(metadata["heads"])
        cut = []
        if metadata["elements"] != whole["elements"]:
            missing = sorted(set(elements) - set(whole["elements"].split()))
            if missing:
                raise Refusal(foundation, f"the model has elements that it has not: {', '.join(missing)}")
            cut += ["--elements", ",".join(elements)]
        if heads != json.loads(whole["heads"]):
            theirs = json.loads(whole["heads"])
            if len(heads) > 1 or heads[0] not in theirs:
                raise Refusal(foundation, f"the model has the heads {', '.join(heads)}, it has {', '.join(theirs)}")
            cut += ["--head", heads[0]]
        numbers = checkpoint.numbers()
        path = os.path.join(folder, "places" + checkpoint.ending)
        checkpoint.save(_places(numbers), path)
        _, places = frozentl.convert(path, "places.ftl", *cut)
        path = os.path.join(folder, "filled" + checkpoint.ending)
        result = _scatter(numbers, places, model, foundation)
        checkpoint.save(result, path)
        _, again = frozentl.convert(path, "again.ftl", *cut)
        for name, array in model.items():
            bits = array.dtype == again[name].dtype == np.float32  # others may have been rounded to it
            if not (np.array_equal(again[name], array) if bits else np.allclose(again[name], array, rtol=1e-6, atol=1e-30)):
                raise Refusal(foundation, f"what was written has other numbers in {name} than the model: please report this")
        content = checkpoint.written(result, path)
    left = []
    if "--elements" in cut:
        left.append(f"{', '.join(elements)} are the model's; other elements have the foundation's rows and shared weights that were trained: use these only")
    if "--head" in cut:
        left.append(f"head {heads[0]} is the model's; other heads have the foundation's readouts on shared weights that were trained: use this one only")
    return content, "; ".join(left)


@contextlib.contextmanager
def silence() -> Iterator[tuple[BinaryIO, TextIO]]:
    """Standard output and error, which lead nowhere meanwhile: torch, and those who import it, print and warn."""
    out, said = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with os.fdopen(out, "wb", closefd=False) as stream, os.fdopen(said, "w", closefd=False) as notes:
        for number in (1, 2):
            os.dup2(nowhere, number)
        try:
            yield stream, notes
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(out, 1)
            os.dup2(said, 2)
    for number in (nowhere, out, said):
        os.close(number)


def run(make: Callable[[str], Checkpoint]) -> int:
    """What main does: sys.argv has the command, the model and the foundation. The file goes to standard output; a refusal as "refuse FILE", a tab
    and the sentence, with the exit status 1. The last line of standard error says what is left of the foundation."""
    command, source, foundation = sys.argv[1:4]
    with silence() as (stream, notes):
        try:
            content, note = filled(command, source, foundation, make(foundation))
        except Refusal as e:
            stream.write(f"refuse {e.where}\t{e.sentence}\n".encode())
            return 1
        except Exception as e:  # of torch or the other program, whose files may be of any age
            words = " ".join(str(e).split())
            stream.write(f"refuse {foundation}\t{type(e).__name__}: {words[:300]}\n".encode())
            return 1
        stream.write(content)
        if note:
            print(note, file=notes)
    return 0
