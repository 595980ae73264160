"""Properties of crystals at 0 K with a potential: relaxed cell, equation of state, elastic constants, vacancy, surfaces, phonons, paths.

    frozentl-properties --potential model.ftl --structure hcp-Ti bcc-Ti --properties elastic eos

    from frozentl.calculator import FrozenTL
    from frozentl.properties import Crystal, elastic_constants, structure
    crystal = Crystal(structure("fcc-Cu")[1], FrozenTL("h2cu.ftl"))
    elastic_constants(crystal.relaxed, crystal.symmetry).matrix    # GPa, xx yy zz yz xz xy

Needs ASE and spglib (pip install frozentl[properties]). docs/properties.md.
"""

import sys

try:
    import ase  # noqa: F401
    import spglib  # noqa: F401
except ImportError as e:
    message = f"frozentl.properties needs the Python package {e.name}: pip install ase spglib phonopy matplotlib (or frozentl[properties])"
    raise ImportError(message, name=e.name) from None

from .crystal import PROPERTIES, Crystal, Options
from .elastic import Elastic, elastic_constants
from .errors import NoValue, PropertyError
from .moduli import bulk_and_shear, moduli, stable
from .structures import structure
from .symmetry import Symmetry

__all__ = ["PROPERTIES", "Crystal", "Elastic", "NoValue", "Options", "PropertyError", "Symmetry", "bulk_and_shear", "elastic_constants", "moduli",
           "stable", "structure"]  # fmt: skip


def main(arguments=None) -> int:
    from .command import main as command

    return command(sys.argv[1:] if arguments is None else arguments)
