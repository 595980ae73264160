"""What has been measured, on disk: a file for each property of a structure with a potential, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from typing import Any, Callable, Optional

import numpy as np


def write(path: str, content: str) -> None:
    """Whole or not at all."""
    handle, part = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))
    with os.fdopen(handle, "w", encoding="utf-8") as f:
        f.write(content)
    os.chmod(part, 0o644)
    os.replace(part, path)


def plain(value: Any) -> Any:
    """numpy's numbers and arrays as JSON has them."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


class Kept:
    """A folder of answers; `key` is all that an answer depends on: the digests of model and structure, property, settings."""

    def __init__(self, folder: str):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def answer(self, name: str, key: dict[str, Any], make: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
        """The answer and whether it was there already."""
        said = json.dumps(key, sort_keys=True)
        stem = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
        path = os.path.join(self.folder, f"{stem}-{hashlib.sha256(said.encode()).hexdigest()[:12]}.json")
        found = self._read(path, key)
        if found is not None:
            return found, True
        made = plain(make())
        write(path, json.dumps({"key": key, "answer": made}) + "\n")
        return made, False

    @staticmethod
    def _read(path: str, key: dict[str, Any]) -> Optional[dict[str, Any]]:
        try:
            with open(path, encoding="utf-8") as f:
                content = json.load(f)
        except (OSError, ValueError):
            return None
        return content["answer"] if isinstance(content, dict) and content.get("key") == key else None
