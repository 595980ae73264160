#!/usr/bin/env python3
"""Fails where a folder includes from a folder above it, or where two folders include each other.

The order is that of docs/design.md: a folder may use those that stand before it, in its own tree or in core/. A folder
within one of them belongs to it. Run by ctest (unit.includes); `scripts/check_includes.py --list` prints who uses whom.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# From the ground up. A line is one level: folders on it do not see each other.
ORDER = [
    ["core"],  # frozentl.h alone
    ["core/base"],
    ["core/math"],
    ["core/model"],
    ["core/files"],
    ["core/neighbour"],
    ["core/mace", "core/ace"],
    ["core/engine"],
    ["core/kokkos"],
    ["pair_style"],
    ["train/support"],
    ["train/fetch"],
    ["train/data"],
    ["train/parameters"],
    ["train/new_model"],
    ["train/gradient"],
    ["train/tune"],
    ["train/sampling"],
    ["train/surrogate"],
    ["train/trust"],
    ["train/cli"],
    ["core/reference"],  # on top: nothing but tests may use it
]
# The yardstick has its own functions: what it could take from the rooms it is held against.
APART = {"core/reference": {"core/base", "core/model", "core"}}
LEVEL = {folder: level for level, row in enumerate(ORDER) for folder in row}


def room(folder):
    """The folder of ORDER that a path lies in, or the path itself."""
    found = [name for name in LEVEL if folder == name or folder.startswith(name + "/")]
    return max(found, key=len) if found else folder


def sources():
    for tree in ("core", "train", "pair_style"):
        for path in sorted((ROOT / tree).rglob("*")):
            if path.suffix in (".c", ".h", ".cpp", ".hpp"):
                yield path


def target(path, name):
    """The file of the project that an include names, or None for those of others."""
    for base in (path.parent, ROOT / "core", ROOT / "train", ROOT / "pair_style"):
        if (base / name).is_file():
            return (base / name).resolve().relative_to(ROOT)
    return None


def main():
    uses = collections.defaultdict(list)  # (from, to): lines
    unknown = set()
    for path in sources():
        here = room(str(path.parent.relative_to(ROOT)))
        if here not in LEVEL:
            unknown.add(here)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            found = target(path, match.group(1)) if match else None
            there = room(str(found.parent)) if found else here
            if there != here:
                uses[here, there].append(f"{path.relative_to(ROOT)}:{number} {match.group(1)}")
    if "--list" in sys.argv:
        for (here, there), lines in sorted(uses.items()):
            print(f"{here} -> {there}: {len(lines)}")
    bad = [f"{folder}: no place in ORDER of scripts/check_includes.py" for folder in sorted(unknown)]
    for (here, there), lines in sorted(uses.items()):
        if here in LEVEL and there in LEVEL and LEVEL[there] >= LEVEL[here]:
            bad += [f"{line}: {here} is below {there}" for line in lines]
        elif here in APART and there not in APART[here]:
            bad += [f"{line}: {here} stands apart from {there}" for line in lines]
    for line in bad:
        print(line)
    print(f"includes: {sum(map(len, uses.values()))} between {len(LEVEL)} folders, {len(bad)} upward")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
