"""Frames of extended XYZ, every number to its last bit."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Sequence

import numpy as np

KEYWORDS = ("lattice", "properties", "pbc", "comment")  # of the format


@dataclass
class Frame:
    symbols: Sequence[str]
    positions: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    info: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, np.ndarray] = field(default_factory=dict)


def is_plain_key(name: str) -> bool:
    """Whether the name can stand before '=' or ':' and is none of the format's own."""
    return bool(name) and name.isprintable() and not any(c.isspace() or c in "=\"'{}[]\\" for c in name) and name.lower() not in KEYWORDS


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays, deep inside, as Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def is_writable(value: Any) -> bool:
    try:
        return value is not None and bool(_text(value))
    except (TypeError, ValueError):
        return False


def _number(value: Any) -> str:
    return ("T" if value else "F") if isinstance(value, (bool, np.bool_)) else repr(_plain(value))


def _text(value: Any) -> str:
    """Of an entry of info, as ASE reads it: numbers and rows of numbers in words, the rest as JSON."""
    if isinstance(value, str):
        return " ".join(value.split()) if not value.isprintable() else value
    array = np.asarray(value) if isinstance(value, (list, tuple, np.ndarray)) else None
    if array is None and isinstance(value, (bool, int, float, np.generic)):
        return _number(value)
    if array is not None and array.dtype.kind in "iufb" and array.size and array.ndim == 1:
        return " ".join(_number(v) for v in array.flat)
    return "_JSON " + json.dumps(_plain(value))


def _quoted(text: str) -> str:
    if text and not any(c in " \"'{}[]=\\" for c in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _column(array: np.ndarray) -> tuple[str, list[list[str]]]:
    """Type and width, and the words of each row."""
    rows = array.reshape(len(array), -1)
    kind = {"f": "R", "i": "I", "u": "I", "b": "L", "U": "S"}[array.dtype.kind]
    if kind == "S":
        words = [["_".join(w.split()) or "_" for w in row] for row in rows.tolist()]
    elif kind == "L":
        words = [["T" if w else "F" for w in row] for row in rows.tolist()]
    else:
        words = [[repr(w) for w in row] for row in rows.tolist()]
    return f"{kind}:{rows.shape[1]}", words


def write_frame(frame: Frame) -> str:
    columns = {"species": np.asarray(frame.symbols, dtype="U"), "pos": np.asarray(frame.positions, dtype=float), **frame.columns}
    described = {name: _column(np.asarray(array)) for name, array in columns.items()}
    comment = []
    if np.asarray(frame.cell).any():
        comment.append(f'Lattice="{" ".join(map(repr, np.asarray(frame.cell, dtype=float).ravel().tolist()))}"')
    comment.append("Properties=" + ":".join(f"{name}:{kind}" for name, (kind, _) in described.items()))
    comment += [f"{key}={_quoted(_text(value))}" for key, value in frame.info.items()]
    comment.append('pbc="' + " ".join("T" if p else "F" for p in frame.pbc) + '"')
    rows = zip(*(words for _, words in described.values()))
    return "\n".join([str(len(frame.symbols)), " ".join(comment), *(" ".join(w for words in row for w in words) for row in rows)]) + "\n"
