"""FrozenTL in Python: models opened and evaluated by the C library, NumPy arrays in and out.

    from frozentl import Model
    model = Model("h2cu.ftl")
    result = model.compute(numbers, positions, cell, pbc)    # energy, forces, stress

    from frozentl.calculator import FrozenTL                 # for ASE
    atoms.calc = FrozenTL("h2cu.ftl")

Energies in eV, lengths in Angstrom, stress in eV/Angstrom^3 with ASE's sign and order (xx yy zz yz xz xy).
"""

from ._library import FrozenTLError, InputError
from .model import Model, ModelInfo, Result, potential, version

__all__ = ["FrozenTLError", "InputError", "Model", "ModelInfo", "Result", "potential", "version"]
__version__ = version()
