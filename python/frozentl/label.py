"""Labels by another method, as `frozentl train` and its kin read them: any calculator of ASE by its import path, or VASP by its files.

    python -m frozentl.label --calculator ase.calculators.emt:EMT IN.xyz OUT.xyz
    python -m frozentl.label --calculator gpaw:GPAW --set mode=pw --set xc=PBE IN.xyz OUT.xyz
    python -m frozentl.label --vasp FOLDER --incar INCAR --potcar POTENTIALS [--kpoints KPOINTS] [--run COMMAND] IN.xyz OUT.xyz

OUT.xyz has IN's structures with REF_energy (eV), REF_forces (eV/Angstrom) and, of cells that are periodic in all directions and where the method has it,
REF_stress (eV/Angstrom^3, ASE's sign); other columns of the comment line stay. It appears when all are labelled. Exit codes: 0 labelled; 75 VASP's
inputs are written, and outputs are still missing: compute them, and give the same command again; 1 something is wrong, in a sentence. Needs ASE.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from typing import Any, Optional, Sequence

import numpy as np

WAITING = 75
KEYS = ("energy", "forces", "stress")


class LabelError(ValueError):
    pass


# ---- calculators of ASE


def value_of(words: str) -> Any:
    """A Python literal, or the words themselves."""
    try:
        return ast.literal_eval(words)
    except (ValueError, SyntaxError):
        return words


def calculator_of(path: str, settings: Sequence[str]) -> Any:
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise LabelError(f"--calculator {path}: name it as MODULE:NAME, such as ase.calculators.emt:EMT")
    try:
        make = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise LabelError(f"--calculator {path}: {error}") from None
    pairs = [setting.partition("=") for setting in settings]
    for key, equals, _ in pairs:
        if not equals:
            raise LabelError(f"--set {key}: give KEY=VALUE")
    try:
        return make(**{key: value_of(words) for key, _, words in pairs})
    except Exception as error:
        raise LabelError(f"--calculator {path} cannot be made: {error}") from error


def labelled(atoms: Any, energy: float, forces: Any, stress: Any, where: str) -> Any:
    """A copy with these labels in place of those that it had. `stress`: Voigt's six, or None."""
    found = atoms.copy()
    found.calc = None
    for key in KEYS:
        for name in (f"REF_{key}", key):
            found.info.pop(name, None)
            found.arrays.pop(name, None)
    if not (np.isfinite(energy) and np.isfinite(forces).all()):
        raise LabelError(f"{where}: the energy or a force is not finite")
    found.info["REF_energy"] = float(energy)
    found.arrays["REF_forces"] = np.array(forces, float)
    if stress is not None:
        xx, yy, zz, yz, xz, xy = stress
        found.info["REF_stress"] = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]], float)
    return found


def by_calculator(frames: Sequence[Any], calculator: Any, path: str) -> list[Any]:
    from ase.calculators.calculator import PropertyNotImplementedError

    done = []
    for k, atoms in enumerate(frames):
        where = f"{path}: structure {k}"
        copy = atoms.copy()
        copy.calc = calculator
        try:
            energy, forces = copy.get_potential_energy(), copy.get_forces()
        except Exception as error:
            raise LabelError(f"{where}: the calculator fails: {error}") from error
        try:
            stress = copy.get_stress() if copy.pbc.all() else None
        except PropertyNotImplementedError:
            stress = None
        done.append(labelled(atoms, energy, forces, stress, where))
    return done


# ---- VASP


def grouped(symbols: Sequence[str]) -> list[int]:
    """The order of POSCAR: atoms of an element follow each other, elements as they first appear."""
    first = list(dict.fromkeys(symbols))
    return sorted(range(len(symbols)), key=lambda k: first.index(symbols[k]))


def folder_of(base: str, atoms: Any) -> str:
    """Its own for each structure, and the same one when it is given again, whatever else is in the file."""
    parts = (atoms.numbers.astype("<i8"), np.round(atoms.positions, 8) + 0.0, np.round(np.array(atoms.cell), 8) + 0.0)
    return os.path.join(base, hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16])


def write_inputs(folder: str, atoms: Any, args: argparse.Namespace) -> None:
    from ase.io import write

    sorted_atoms = atoms[grouped(atoms.get_chemical_symbols())]
    os.makedirs(folder, exist_ok=True)
    write(os.path.join(folder, "POSCAR"), sorted_atoms, format="vasp", vasp5=True, direct=True)
    shutil.copyfile(args.incar, os.path.join(folder, "INCAR"))
    if args.kpoints:
        shutil.copyfile(args.kpoints, os.path.join(folder, "KPOINTS"))
    if args.potcar:
        with open(os.path.join(folder, "POTCAR"), "wb") as out:
            for symbol in dict.fromkeys(sorted_atoms.get_chemical_symbols()):
                path = os.path.join(args.potcar, symbol, "POTCAR")
                if not os.path.exists(path):
                    raise LabelError(f"{path} is not there: --potcar is a folder with ELEMENT/POTCAR for each element")
                with open(path, "rb") as part:
                    shutil.copyfileobj(part, out)


def check_converged(path: str) -> None:
    """The last electronic loop ended before its last permitted step."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise LabelError(f"{path} is not whole ({error}): compute it again") from None
    steps = root.findall("calculation")
    most = next((int(i.text) for i in root.iter("i") if i.get("name") == "NELM" and i.text), None)
    if not steps:
        raise LabelError(f"{path} has no ionic step: compute it again")
    if most is not None and len(steps[-1].findall("scstep")) >= most:
        raise LabelError(f"{path}: the electronic loop has not converged in NELM = {most} steps")


def read_output(folder: str, atoms: Any) -> Any:
    from ase.io import read

    path = os.path.join(folder, "vasprun.xml")
    check_converged(path)
    try:
        found = read(path, index=-1, format="vasp-xml")
    except Exception as error:
        raise LabelError(f"{path} cannot be read: {error}") from error
    order = np.array(grouped(atoms.get_chemical_symbols()))
    expected = atoms[order]
    off = expected.get_scaled_positions(wrap=False) - found.get_scaled_positions(wrap=False) if len(found) == len(expected) else np.ones((1, 3))
    same = list(found.numbers) == list(expected.numbers) and np.abs(np.array(found.cell) - np.array(atoms.cell)).max() < 1e-3
    if not same or np.abs(off - np.round(off)).max() > 1e-3:
        raise LabelError(f"{path} is of another structure than POSCAR beside it: a relaxation (NSW above 0), or a file from elsewhere")
    forces = np.empty((len(atoms), 3))
    forces[order] = found.get_forces()
    results = found.calc.results
    stress = found.get_stress() if "stress" in results and atoms.pbc.all() else None
    return labelled(atoms, found.get_potential_energy(), forces, stress, path)


def by_vasp(frames: Sequence[Any], args: argparse.Namespace) -> Optional[list[Any]]:
    """None, after a line about each, while there are structures without outputs."""
    waiting = []
    for atoms in frames:
        if not atoms.cell.rank == 3:
            raise LabelError(f"{args.structures}: VASP wants a cell of three vectors; one of the structures has none")
        folder = folder_of(args.vasp, atoms)
        if not os.path.exists(os.path.join(folder, "vasprun.xml")):
            write_inputs(folder, atoms, args)
            if args.run and subprocess.run(args.run, shell=True, cwd=folder).returncode:
                raise LabelError(f"--run failed in {folder}")
            if not os.path.exists(os.path.join(folder, "vasprun.xml")):
                waiting.append(folder)
    for folder in waiting:
        print(f"waiting for {os.path.join(folder, 'vasprun.xml')}")
    return None if waiting else [read_output(folder_of(args.vasp, atoms), atoms) for atoms in frames]


# ---- the command


def parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m frozentl.label", description=__doc__.partition("\n")[0],
                                     epilog=__doc__.partition("\n\n")[2], formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("structures", metavar="IN.xyz")
    parser.add_argument("output", metavar="OUT.xyz")
    method = parser.add_mutually_exclusive_group(required=True)
    method.add_argument("--calculator", metavar="MODULE:NAME", help="what to import and call for a calculator")
    method.add_argument("--vasp", metavar="FOLDER", help="one folder for each structure is made in it: POSCAR, INCAR, KPOINTS, POTCAR")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an argument of the calculator, a Python literal or words")
    parser.add_argument("--incar", metavar="FILE", help="INCAR of each structure")
    parser.add_argument("--kpoints", metavar="FILE", help="KPOINTS of each structure; without it INCAR has KSPACING")
    parser.add_argument("--potcar", metavar="FOLDER", help="with ELEMENT/POTCAR; without it POTCAR is yours to put there")
    parser.add_argument("--run", metavar="COMMAND", help="runs VASP in a structure's folder; without it you run it, and give the command again")
    args = parser.parse_args(arguments)
    if args.vasp and not args.incar:
        parser.error("--vasp wants --incar FILE")
    for flag, of in (("set", "calculator"), ("incar", "vasp"), ("kpoints", "vasp"), ("potcar", "vasp"), ("run", "vasp")):
        if getattr(args, flag) and not getattr(args, of):
            parser.error(f"--{flag} is of --{of}")
    return args


def label(args: argparse.Namespace) -> int:
    from ase.io import read, write

    try:
        frames = read(args.structures, index=":", format="extxyz")
    except Exception as error:
        raise LabelError(f"{args.structures} cannot be read: {error}") from error
    if not frames:
        raise LabelError(f"{args.structures} has no structure")
    if args.vasp:
        if not args.kpoints:
            with open(args.incar) as file:
                if not any(line.split("=")[0].strip().upper() == "KSPACING" for line in file):
                    raise LabelError(f"{args.incar} has no KSPACING, and there is no --kpoints FILE")
        done = by_vasp(frames, args)
        if done is None:
            return WAITING
    else:
        done = by_calculator(frames, calculator_of(args.calculator, args.set), args.structures)
    write(args.output + ".part", done, format="extxyz")
    os.replace(args.output + ".part", args.output)
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    args = parse(arguments)
    try:
        return label(args)
    except (LabelError, OSError) as error:
        print(f"label: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
