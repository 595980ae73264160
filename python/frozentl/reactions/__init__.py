"""Reactions with a potential: minimum-energy paths and barriers, and how likely a molecule sticks.

    frozentl-barrier --potential model.ftl --slab Cu-111 --molecule H2
    frozentl-sticking --potential model.ftl --slab Cu-111 --molecule H2 --energies 0.5 0.7 0.9
    frozentl-barrier --potential model.ftl --ends first.xyz last.xyz

Needs ASE and spglib (pip install frozentl[properties]). docs/properties.md.
"""

import sys
import typing

from ..properties import missing


def _command(name: str, arguments: typing.Optional[typing.Sequence[str]]) -> int:
    """Exit status: 0; 1: what was asked for cannot be; 2: the command line; 130."""
    if sentence := missing():
        print(f"frozentl-{name}: {sentence}", file=sys.stderr)
        return 1
    from . import command, sticking_command

    which = {"barrier": command.main, "sticking": sticking_command.main}
    return which[name](sys.argv[1:] if arguments is None else arguments)


def main_barrier(arguments: typing.Optional[typing.Sequence[str]] = None) -> int:
    """The command frozentl-barrier."""
    return _command("barrier", arguments)


def main_sticking(arguments: typing.Optional[typing.Sequence[str]] = None) -> int:
    """The command frozentl-sticking."""
    return _command("sticking", arguments)
