"""The program `frozentl`: where it is, and running it. Standard library only."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sysconfig
from typing import Any, Callable, Optional, Sequence

POLL = 0.2  # seconds between two looks at a run's log


class CommandError(RuntimeError):
    """What the command refused, in its words. `code`: its exit status; 6: the run was interrupted and can be resumed."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code, self.message = code, message

    def __reduce__(self):
        return type(self), (self.code, self.message)


def program() -> str:
    """That of FROZENTL; else the one `pip install .` put beside this Python; else, in the source tree, what `make build` made; else the
    PATH's."""
    named = os.environ.get("FROZENTL")
    if named:
        return named
    here = os.path.dirname(os.path.abspath(__file__))
    for path in (os.path.join(sysconfig.get_path("scripts"), "frozentl"),
                 os.path.join(here, "..", "..", "build", "release", "train", "frozentl")):  # fmt: skip
        if os.access(path, os.X_OK):
            return path
    found = shutil.which("frozentl")
    if not found:
        raise CommandError(127, "the command frozentl is not there: `pip install .` or `make build` makes it, or FROZENTL names it")
    return found


def _sentences(err: str) -> str:
    """The last thing the command said, without its name."""
    lines = [line.removeprefix("frozentl: ") for line in err.splitlines() if line.strip() and not line.startswith("frozentl: warning")]
    return lines[-1] if lines else "it ended without a word"


class _Tail:
    """The lines that a growing file of JSON lines has got since the last look; those of an earlier run are passed over."""

    def __init__(self, path: str, tell: Callable[[dict[str, Any]], None]):
        self.path, self.tell = path, tell
        self.at = os.path.getsize(path) if os.path.exists(path) else 0

    def look(self) -> None:
        if not os.path.exists(self.path):
            return
        with open(self.path, "rb") as file:
            file.seek(self.at)
            block = file.read()
        whole = block[: block.rfind(b"\n") + 1]
        self.at += len(whole)
        for line in whole.splitlines():
            self.tell(json.loads(line))


def run(arguments: Sequence[str], *, log: Optional[str] = None, progress: Optional[Callable[[dict[str, Any]], None]] = None) -> str:
    """Runs `frozentl ARGUMENTS` to its end and returns its standard output. With `progress`, each new line of the file `log` is
    handed over as it is written. What interrupts the wait (Ctrl-C, an exception in `progress`) ends the command in order: it gets
    SIGTERM, saves, and is waited for. CommandError for an exit status other than 0."""
    tail = _Tail(log, progress) if log and progress else None
    with subprocess.Popen([program(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", start_new_session=True) as process:  # fmt: skip
        try:
            while True:
                try:
                    out, err = process.communicate(timeout=POLL if tail else None)
                    break
                except subprocess.TimeoutExpired:
                    if tail:
                        tail.look()
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.communicate()
            raise
    if tail:
        tail.look()
    if process.returncode:
        raise CommandError(process.returncode, _sentences(err))
    return out
