"""What the three commands (frozentl-properties, -barrier, -sticking) share: options of a model, and how they end."""

from __future__ import annotations

import argparse
import sys
from typing import Callable, Optional, Sequence

from .. import FrozenTLError
from .errors import NoValue, PropertyError
from .measure import progress


def add_potential(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--potential", nargs="+", required=True, metavar="[LABEL=]FILE", help=".ftl, .model, .pth, .yace, or a foundation's name")


def add_output_and_model(parser: argparse.ArgumentParser, folder: str) -> None:
    parser.add_argument("--output", default=folder, metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--format", choices=("svg", "pdf", "png", "none"), default="svg", help="of pictures (%(default)s)")
    parser.add_argument("--precision", choices=("double", "mixed"), default="double", help="(%(default)s)")
    parser.add_argument("--head", help="of a model with several")
    parser.add_argument("--foundation", metavar="FILE", help="of a delta whose foundation is not found by itself")
    parser.add_argument("--threads", type=int, default=0, help="(0: as many as OpenMP gives)")


def finish(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], str], arguments: Optional[Sequence[str]]) -> int:
    """Runs it and prints what it says. The exit status: 0, 1 (what was asked for cannot be), 130."""
    o = parser.parse_args(arguments)
    try:
        print(run(o), end="")
    except (PropertyError, NoValue, FrozenTLError, OSError, ValueError, TypeError) as e:
        print(f"{parser.prog}: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        progress(f"{parser.prog}: interrupted; what was done is kept, and the same command goes on")
        return 130
    return 0
