"""Values to compare with: those that come with the package, and files of one's own.

    {"hcp Ti": {"source": "whence", "values": {"C11": 176.1, "vacancy": 1.27}}, ...}

Quantities have the names and units of the tables. A label of a structure that is nowhere in the run is not used.
"""

from __future__ import annotations

import json
import os

from .errors import PropertyError

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "references")


def shipped() -> list[str]:
    return sorted(name[: -len(".json")] for name in os.listdir(FOLDER) if name.endswith(".json"))


def read(word: str) -> tuple[str, dict[str, dict]]:
    """(label, structure -> {source, values}) of the name of one that is shipped or of a file."""
    path = os.path.join(FOLDER, word + ".json") if word in shipped() else word
    if not os.path.isfile(path):
        raise PropertyError(f"reference '{word}' is neither a file nor one of {', '.join(shipped())}")
    try:
        with open(path, encoding="utf-8") as f:
            content = json.load(f)
    except (OSError, ValueError) as e:
        raise PropertyError(f"reference '{word}' cannot be read as JSON: {e}") from None
    if not isinstance(content, dict):
        raise PropertyError(f"reference '{word}' must be an object: structures, each with 'source' and 'values'")
    for label, entry in content.items():
        values = entry.get("values") if isinstance(entry, dict) else None
        if not isinstance(values, dict) or not isinstance(entry.get("source"), str):
            raise PropertyError(f"reference '{word}', '{label}': an object with 'source' (text) and 'values' is needed")
        for name, value in values.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                raise PropertyError(f"reference '{word}', '{label}': {name} is no number")
    return os.path.splitext(os.path.basename(path))[0], content
