"""Properties of crystals at 0 K with a potential: relaxed cell, equation of state, elastic constants, vacancy, surfaces, phonons, paths.

    frozentl-properties --potential model.ftl --structure hcp-Ti bcc-Ti --properties elastic eos

    from frozentl.calculator import FrozenTL
    from frozentl.properties import Crystal, elastic_constants, structure
    crystal = Crystal(structure("fcc-Cu")[1], FrozenTL("h2cu.ftl"))
    elastic_constants(crystal.relaxed, crystal.symmetry).matrix    # GPa, xx yy zz yz xz xy

Needs ASE and spglib (pip install frozentl[properties]). docs/properties.md.
"""

import importlib
import importlib.util
import sys
import typing

WHERE = {"crystal": ("PROPERTIES", "Crystal", "Options"), "elastic": ("Elastic", "elastic_constants"), "errors": ("NoValue", "PropertyError"),
         "polycrystal": ("bulk_and_shear", "moduli", "stable"), "structures": ("structure",), "symmetry": ("Symmetry",)}  # fmt: skip
__all__ = [name for names in WHERE.values() for name in names]
NEEDS = "this needs the Python package {}, which is not there: pip install ase spglib phonopy matplotlib (or frozentl[properties])"


def __getattr__(name: str) -> typing.Any:
    """ASE and spglib are imported when something of theirs is first asked for: the command can say that they are missing."""
    module = next((module for module, names in WHERE.items() if name in names), None)
    if module is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module("." + module, __name__), name)


def missing() -> str:
    """What the commands say where a package is not there; "" if all are."""
    absent = [package for package in ("ase", "spglib", "matplotlib") if importlib.util.find_spec(package) is None]
    return NEEDS.format(absent[0]) if absent else ""


def main(arguments: typing.Optional[typing.Sequence[str]] = None) -> int:
    """The command. Exit status: 0; 1: what was asked for cannot be; 2: the command line; 130."""
    if sentence := missing():
        print(f"frozentl-properties: {sentence}", file=sys.stderr)
        return 1
    from .command import main as command

    return command(sys.argv[1:] if arguments is None else arguments)
