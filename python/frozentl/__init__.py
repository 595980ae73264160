"""FrozenTL in Python: models opened and evaluated by the C library, NumPy arrays in and out.

    import frozentl
    model = frozentl.load("sevennet-0")                      # a file, or a published foundation by its name
    result = model.compute(atoms)                            # energy, forces, stress; also of a list, or of arrays

    run = frozentl.train(data="train.xyz", foundation="sevennet-0", output="run", freeze=["f5"])
    run.errors, run.model()                                  # tables as arrays; fit, distill and evaluate likewise

    from frozentl.calculator import FrozenTL                 # for ASE
    atoms.calc = FrozenTL("h2cu.ftl")

Energies in eV, lengths in Angstrom, stress in eV/Angstrom^3 with ASE's sign and order (xx yy zz yz xz xy).
"""

import typing

if typing.TYPE_CHECKING:
    from ._library import FrozenTLError, InputError
    from .model import Model, ModelInfo, Result, load, potential, version
    from .runs import Calibration, CommandError, Evaluation, Run, calibration, distill, evaluate, fit, train, trust

RUNS = ("Calibration", "CommandError", "Evaluation", "Run", "calibration", "distill", "evaluate", "fit", "train", "trust")
__all__ = ["Calibration", "CommandError", "Evaluation", "FrozenTLError", "InputError", "Model", "ModelInfo", "Result", "Run", "calibration",
           "distill", "evaluate", "fit", "load", "potential", "train", "trust", "version"]  # fmt: skip


def __getattr__(name: str) -> typing.Any:
    """The C library is loaded when it is first asked for: frozentl.plot works without it."""
    if name == "__version__":
        from .model import version

        value: typing.Any = version()
    elif name in ("FrozenTLError", "InputError"):
        from . import _library

        value = getattr(_library, name)
    elif name in RUNS:  # without the library: they run the command
        from . import runs

        value = getattr(runs, name)
    elif name in __all__:
        from . import model

        value = getattr(model, name)
    else:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    globals()[name] = value
    return value
