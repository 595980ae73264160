"""FrozenTL in Python: models opened and evaluated by the C library, NumPy arrays in and out.

    from frozentl import Model
    model = Model("h2cu.ftl")
    result = model.compute(numbers, positions, cell, pbc)    # energy, forces, stress

    from frozentl.calculator import FrozenTL                 # for ASE
    atoms.calc = FrozenTL("h2cu.ftl")

Energies in eV, lengths in Angstrom, stress in eV/Angstrom^3 with ASE's sign and order (xx yy zz yz xz xy).
"""

import typing

if typing.TYPE_CHECKING:
    from ._library import FrozenTLError, InputError
    from .model import Model, ModelInfo, Result, potential, version

__all__ = ["FrozenTLError", "InputError", "Model", "ModelInfo", "Result", "potential", "version"]


def __getattr__(name: str) -> typing.Any:
    """The C library is loaded when it is first asked for: frozentl.plot works without it."""
    if name == "__version__":
        from .model import version

        value: typing.Any = version()
    elif name in ("FrozenTLError", "InputError"):
        from . import _library

        value = getattr(_library, name)
    elif name in __all__:
        from . import model

        value = getattr(model, name)
    else:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    globals()[name] = value
    return value
