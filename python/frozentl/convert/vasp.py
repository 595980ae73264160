"""What VASP's files say of a calculation and ASE does not pass on: that it did not finish, that it did not converge."""

from __future__ import annotations

import os
import re
from typing import Iterator

LAST_WORDS = {"vasp-xml": b"</modeling>", "vasp-out": b"General timing and accounting"}
NELM = re.compile(rb'name="NELM">\s*(\d+)')


def _unconverged_xml(path: str) -> int:
    """Ionic steps with as many electronic steps as are allowed."""
    most, steps, found = 0, 0, 0
    with open(path, "rb") as file:
        for line in file:
            if not most and (match := NELM.search(line)):
                most = int(match.group(1))
            if b"<calculation" in line:
                steps = 0
            steps += line.count(b"<scstep")
            found += b"</calculation" in line and 1 < most <= steps
    return found


def _unconverged_outcar(path: str) -> int:
    with open(path, "rb") as file:
        return sum(b"EDIFF was not reached" in line for line in file)


def doubts(path: str, kind: str) -> Iterator[str]:
    """Sentences on a file of VASP."""
    with open(path, "rb") as file:
        file.seek(max(os.path.getsize(path) - 20000, 0))
        if LAST_WORDS[kind] not in file.read():
            yield "the file ends early: VASP did not finish, and its last step may be missing"
    found = _unconverged_xml(path) if kind == "vasp-xml" else _unconverged_outcar(path)
    if found:
        yield (f"the electrons of {found} of the file's steps did not converge (as many iterations as NELM allows): "
               "their energies and forces may be wrong")  # fmt: skip
