"""The command `frozentl-barrier`, or `python -m frozentl.reactions barrier`."""

from __future__ import annotations

import argparse
import io
import json
import os
from dataclasses import asdict
from typing import Optional, Sequence
from urllib.parse import quote

import ase.io
from ase.data import atomic_numbers, covalent_radii
from ase.symbols import string2symbols

from .. import version
from ..calculator import FrozenTL
from ..properties.command import labelled
from ..properties.commands import add_output_and_model, add_potential, finish
from ..properties.errors import NoValue, PropertyError
from ..properties.kept import Kept, write
from ..properties.measure import digest_of, progress
from .barrier import TILT, Path, between, dissociation
from .slabs import check_name, end, slab

ROWS = (("barrier", "eV"), ("bond length there", "Å"), ("height there", "Å"), ("end of the path", "eV"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="frozentl-barrier", allow_abbrev=False,
        description="Minimum-energy path and barrier by the nudged elastic band with a climbing image: of a diatomic molecule that dissociates over a "
        "bridge of an fcc metal's surface, or between any two structures. With one potential or several side by side.",
        epilog="Example: frozentl-barrier --potential sevennet-0 tuned=RUN/model.ftl --slab Cu-111 Cu-100 --molecule H2")  # fmt: skip
    add_potential(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--slab", nargs="+", metavar="NAME", help="Cu-111, Cu-100:a=3.65 (111, 100, 110); without a the potential's own")
    what.add_argument("--ends", nargs=2, metavar=("FIRST", "LAST"),
                      help="two files that ASE reads, with the same atoms; their constraints hold")  # fmt: skip
    parser.add_argument("--molecule", metavar="XY", help="of two atoms, over a slab (default: H2)")
    parser.add_argument("--images", type=int, default=7, help="of the path, with its ends (%(default)s)")
    parser.add_argument("--force", type=float, default=0.01, help="most that may be left, eV/Angstrom (%(default)s)")
    add_output_and_model(parser, "barrier")
    return parser


def molecule(word: str) -> list[str]:
    try:
        symbols = string2symbols(word)
    except (ValueError, KeyError):
        symbols = []
    if len(symbols) != 2 or any(s not in atomic_numbers for s in symbols):
        raise PropertyError(f"molecule '{word}': one of two atoms is needed, such as H2 or CO")
    return symbols


def kept_dissociation(where: str, calculator: FrozenTL, symbols: Sequence[str], images: int, force: float, kept: Kept) -> Path:
    """The path of an earlier run with the same model and options, or a new one. NoValue if the search fails."""
    guess = sum(covalent_radii[atomic_numbers[s]] for s in symbols)
    key = {"version": version(), "model": calculator._digest, "precision": calculator.parameters["precision"], "head": calculator.parameters["head"], "slab": where,
           "molecule": list(symbols), "tilt": TILT, "images": images, "force": force, "keeps": "structures"}  # fmt: skip
    answer, _ = kept.answer(f"path {where}", key, lambda: asdict(dissociation(slab(where, calculator), symbols, guess, images, force)))
    return Path(**answer)


def _between(first: str, last: str, calculator: FrozenTL, images: int, force: float, kept: Kept) -> Path:
    ends = [end(path) for path in (first, last)]
    key = {"version": version(), "model": calculator._digest, "precision": calculator.parameters["precision"], "head": calculator.parameters["head"],
           "ends": [digest_of(atoms) for atoms in ends], "images": images, "force": force, "keeps": "structures"}  # fmt: skip
    for atoms in ends:
        atoms.calc = calculator
    return Path(**kept.answer("path", key, lambda: asdict(between(*ends, images, force)))[0])


def paths_of(o: argparse.Namespace) -> dict[str, dict[str, Path]]:
    """where -> potential -> path"""
    if not 3 <= o.images <= 64:
        raise PropertyError(f"--images {o.images}: from 3 to 64")
    if not 1e-4 <= o.force <= 1:
        raise PropertyError(f"--force {o.force:g}: from 0.0001 to 1 eV/Angstrom")
    if o.ends and o.molecule:
        raise PropertyError("--molecule is of --slab: the files of --ends say which atoms there are")
    symbols = molecule(o.molecule or "H2")
    for name in o.slab or ():
        check_name(name)
    needed = [set(end(path).numbers.tolist()) for path in o.ends or ()]
    needed += [{atomic_numbers[s] for s in (check_name(name)[0], *symbols)} for name in o.slab or ()]
    calculators = {}
    for label, path in labelled(o.potential).items():
        calculators[label] = FrozenTL(path, precision=o.precision, head=o.head, foundation=o.foundation, threads=o.threads)
        calculators[label]._open(set().union(*needed))  # an element that the model lacks is said before anything is computed
    kept, found = Kept(os.path.join(o.output, "runs")), {}
    for where in o.slab or ["path"]:
        for label, calculator in calculators.items():
            try:
                if o.ends:
                    path = _between(*o.ends, calculator, o.images, o.force, kept)
                else:
                    path = kept_dissociation(where, calculator, symbols, o.images, o.force, kept)
            except NoValue as e:
                progress(f"{label}, {where}: no value: {e}")
                continue
            progress(f"{label}, {where}: {path.energies[path.top]:.3f} eV, {path.steps} steps")
            found.setdefault(where, {})[label] = path
    return found


def values(path: Path) -> list[Optional[float]]:
    """In the order of ROWS."""
    there = [path.lengths[path.top], path.heights[path.top]] if path.lengths else [None, None]
    return [path.energies[path.top], *there, path.energies[-1]]


def markdown(found: dict[str, dict[str, Path]], potentials: Sequence[str]) -> str:
    lines = ["| | | unit | " + " | ".join(potentials) + " |", "| --- | --- | --- |" + " ---: |" * len(potentials)]
    for where, of in found.items():
        for k, (name, unit) in enumerate(ROWS):
            cells = [values(of[p])[k] if p in of else None for p in potentials]
            if any(cell is not None for cell in cells):
                lines.append(f"| {where} | {name} | {unit} | " + " | ".join("-" if cell is None else f"{cell:.3f}" for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def draw(found: dict[str, dict[str, Path]], file: str) -> None:
    from ..plot import style

    made, axes = style.figure(1, len(found), width=max(style.SINGLE, style.DOUBLE * len(found) / 2), height=6.4, sharey=True)
    for frame, (where, of) in zip(axes[0], found.items()):
        for k, (label, path) in enumerate(of.items()):
            frame.plot(path.along, path.energies, marker=style.marker(k), color=style.colour(k),
                       label=f"{style.clean(label, 30)}: {path.energies[path.top]:.3f} eV")  # fmt: skip
        frame.set_title(where, loc="left")
        frame.set_xlabel("part of the path's length")
        frame.legend(title="barrier", title_fontsize=7, loc="best")
    axes[0][0].set_ylabel("energy (eV)")
    style.letters(axes[0])
    style.save(made, file)


def file_word(label: str) -> str:
    """A label as part of a file's name, others for others."""
    return quote(label, safe=":=+ ")


def run(o: argparse.Namespace) -> str:
    found, potentials = paths_of(o), list(labelled(o.potential))
    text = markdown(found, potentials)
    curves = ("along", "energies", "lengths", "heights", "steps")
    as_words = {where: {p: {name: getattr(path, name) for name in curves} for p, path in of.items()} for where, of in found.items()}
    for where, of in found.items():
        for label, path in of.items():
            extxyz = io.StringIO()
            ase.io.write(extxyz, path.structures(), format="extxyz")
            write(os.path.join(o.output, f"{file_word(where)}-{file_word(label)}.xyz"), extxyz.getvalue())
    content = {"made_by": f"frozentl-barrier {version()}", "paths": as_words}
    write(os.path.join(o.output, "barrier.json"), json.dumps(content, indent=1) + "\n")
    write(os.path.join(o.output, "barrier.md"), text)
    if found and o.format != "none":
        draw(found, os.path.join(o.output, f"barrier.{o.format}"))
    return text


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The exit status: 0, 1 (what was asked for cannot be), 130."""
    return finish(_parser(), run, arguments)
