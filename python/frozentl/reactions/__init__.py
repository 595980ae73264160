"""Reactions with a potential: minimum-energy paths and barriers.

    frozentl-barrier --potential model.ftl --slab Cu-111 --molecule H2
    frozentl-barrier --potential model.ftl --ends first.xyz last.xyz

Needs ASE and spglib (pip install frozentl[properties]). docs/properties.md.
"""

import sys
import typing

from ..properties import missing


def main(arguments: typing.Optional[typing.Sequence[str]] = None) -> int:
    """The command. Exit status: 0; 1: what was asked for cannot be; 2: the command line; 130."""
    if sentence := missing():
        print(f"frozentl-barrier: {sentence}", file=sys.stderr)
        return 1
    from .command import main as command

    return command(sys.argv[1:] if arguments is None else arguments)
