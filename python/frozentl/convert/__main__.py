"""The command `python -m frozentl.convert`."""

from __future__ import annotations

import argparse
import sys
from typing import Optional, Sequence

from . import ConvertError, convert
from .labels import ENERGIES


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m frozentl.convert", formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        description="Writes training data of any kind that ASE reads as extended XYZ for `frozentl train`.",
        epilog="Example: python -m frozentl.convert vasprun.xml train.xyz --index ::10")  # fmt: skip
    parser.add_argument("source", metavar="IN", help="OUTCAR, vasprun.xml, .db, .traj, .cif, POSCAR, .json, .xyz, LAMMPS dump, HDF5 of "
                        "mace, ...; also .gz, .bz2, .xz")  # fmt: skip
    parser.add_argument("target", metavar="OUT.xyz", help="the file to write (.xyz.gz: compressed)")
    parser.add_argument("--labels-prefix", default="REF_", metavar="P", help="labels are Penergy, Pforces, Pstress (%(default)s)")
    parser.add_argument("--index", default=":", metavar="I", help="which structures, as in Python: -1, ::10, 5:20 (all)")
    parser.add_argument("--format", metavar="F", help="ASE's name of the format, where the file's name does not tell, or mace-hdf5")
    parser.add_argument("--energy", choices=ENERGIES, default="free", help="where a calculation has both: the free energy, of which "
                        "the forces are the derivative, or its broadening extrapolated to zero (%(default)s)")  # fmt: skip
    parser.add_argument("--species", metavar="El1,El2", help="the elements of LAMMPS' types 1, 2, ...; also as 1=El1,2=El2")
    parser.add_argument("--units", metavar="U", help="LAMMPS' units of a dump: metal, real, ... (what the dump says, or else metal)")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.xyz if it exists")
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The exit status: 0, 1 (a file), 2 (the command line)."""
    o = _parser().parse_args(arguments)
    try:
        report = convert(o.source, o.target, labels_prefix=o.labels_prefix, index=o.index, format=o.format, energy=o.energy,
                         species=o.species.split(",") if o.species is not None else None, units=o.units, overwrite=o.overwrite)  # fmt: skip
    except (ConvertError, OSError) as e:
        print(f"frozentl.convert: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("frozentl.convert: interrupted; nothing was written", file=sys.stderr)
        return 130
    print(report.summary())
    for warning in report.warnings():
        print(f"warning: {warning}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
