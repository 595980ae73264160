"""`frozentl convert --to sevennet OUT.safetensors`: the state_dict of a sevenn foundation with a model's weights, without torch and sevenn.

A checkpoint is a ZIP archive of a pickle and of the tensors' storages. The pickle is read for where tensors are: nothing that it names is
imported or called, apart from dictionaries."""

from __future__ import annotations

import collections
import io
import json
import pickle
import zipfile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .fill import TYPES, Arrays, Refusal, run

CONSTANTS = ("output_mask", "._w3j_")  # e3nn's; no weights
STORAGES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8", "IntStorage": "<i4", "BoolStorage": "?", "ByteStorage": "u1"}


class _Tensor(NamedTuple):
    storage: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class _Anything:
    """In place of every other object of the pickle."""

    def __new__(cls, *_: Any, **__: Any) -> _Anything:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass

    def extend(self, _: Any) -> None:
        pass


def _tensor(storage: tuple[str, str], offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(*storage, offset, tuple(shape), tuple(stride))


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO):
        super().__init__(file)
        self.kinds: dict[str, str] = {}  # of storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        return name if module == "torch" and name in STORAGES else _Anything

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, kind, key = pid[:3]
        self.kinds[key] = kind if isinstance(kind, str) else ""
        return key, self.kinds[key]


class States:
    ending = ".pth"

    def __init__(self, path: str):
        self.where = path
        try:
            with zipfile.ZipFile(path) as archive:
                self.entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
            self.root = next(name for name in self.entries if name.endswith("/data.pkl"))[: -len("data.pkl")]
            reader = _Reader(io.BytesIO(self.entries[self.root + "data.pkl"]))
            content = reader.load()
            self.kinds = reader.kinds
            self.state = {name: t for name, t in content["model_state_dict"].items() if isinstance(t, _Tensor)}
        except (zipfile.BadZipFile, StopIteration, KeyError, TypeError, pickle.UnpicklingError) as e:
            raise Refusal(path, f"it is no checkpoint of sevenn: {type(e).__name__} {e}") from None

    def _view(self, t: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
        """The tensor inside of its storage."""
        step = storage.itemsize
        return np.lib.stride_tricks.as_strided(storage[t.offset :], t.shape, [s * step for s in t.stride])

    def _storage(self, key: str) -> NDArray[Any]:
        return np.frombuffer(self.entries[f"{self.root}data/{key}"], dtype=STORAGES[self.kinds[key]])

    def numbers(self) -> Arrays:
        return {name: self._view(t, self._storage(t.storage)).copy() for name, t in self.state.items()
                if t.kind in ("FloatStorage", "DoubleStorage") and 0 not in t.shape and not any(word in name for word in CONSTANTS)}  # fmt: skip

    def save(self, numbers: Arrays, path: str) -> None:
        """In float64, so that every number has its place: storages of float32 are called DoubleStorage, and are."""
        real = {key: self._storage(key).astype("<f8") for key, kind in self.kinds.items() if kind in ("FloatStorage", "DoubleStorage")}
        for name, array in numbers.items():
            self._view(self.state[name], real[self.state[name].storage])[...] = array
        entries = dict(self.entries)
        entries[self.root + "data.pkl"] = entries[self.root + "data.pkl"].replace(b"ctorch\nFloatStorage\n", b"ctorch\nDoubleStorage\n")
        for key, storage in real.items():
            entries[f"{self.root}data/{key}"] = storage.tobytes()
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in entries.items():
                archive.writestr(name, data)

    def written(self, numbers: Arrays, _: str) -> bytes:
        """Safetensors with sevenn's names."""
        names = {numpy_type: name for name, numpy_type in TYPES.items()}
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        data = b""
        for name, t in self.state.items():
            array = np.ascontiguousarray(numbers[name] if name in numbers else self._view(t, self._storage(t.storage)))
            kind = names[array.dtype.str.replace("|b1", "?").replace("|", "")]
            header[name] = dict(dtype=kind, shape=list(array.shape), data_offsets=[len(data), len(data) + array.nbytes])
            data += array.tobytes()
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + data


def main() -> int:
    return run(States)
