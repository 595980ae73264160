"""The command `frozentl-properties`, or `python -m frozentl.properties`."""

from __future__ import annotations

import argparse
import os
import re
from typing import Optional, Sequence

from .. import version
from ..calculator import FrozenTL
from . import kept, report
from .commands import add_output_and_model, add_potential, finish
from .crystal import PROPERTIES, Options
from .elastic import check_strain
from .errors import PropertyError
from .measure import one
from .phonons import check_phonopy
from .reference import read, shipped
from .structures import CELLS, structure
from .surfaces import indices

USUAL = ("eos", "elastic")


def _parser() -> argparse.ArgumentParser:
    what = "\n".join(f"  {name:9} {words}" for name, (_, _, words) in PROPERTIES.items())
    parser = argparse.ArgumentParser(
        prog="frozentl-properties", formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        description="Properties of crystals at 0 K with one potential or several side by side: relaxed cell, energy and\n" + what,
        epilog="Example: frozentl-properties --potential sevennet-0 tuned=RUN/model.ftl --structure hcp-Ti bcc-Ti --properties elastic\n"
               "A run that was stopped goes on where it was; what is in FOLDER/runs is not computed again.")  # fmt: skip
    add_potential(parser)
    parser.add_argument("--structure", nargs="+", required=True, metavar="[LABEL=]NAME|FILE",
                        help=f"hcp-Ti, fcc-Cu:a=3.6 ({', '.join(CELLS)}), or a file that ASE reads")  # fmt: skip
    parser.add_argument("--properties", nargs="+", choices=(*PROPERTIES, "all"), default=list(USUAL), metavar="P",
                        help=f"of the list above, or all (default: {' '.join(USUAL)})")  # fmt: skip
    parser.add_argument("--reference", nargs="+", default=["experiment"], metavar="NAME|FILE",
                        help=f"to compare with: {', '.join(shipped())}, or JSON of one's own; none (default: experiment)")  # fmt: skip
    parser.add_argument("--surfaces", nargs="+", default=[], metavar="HKL", help="e.g. 111 1-10, 0001 (default: the lattice's usual ones)")
    parser.add_argument("--strain", type=float, default=Options.strain, help="of the loads for elastic constants (%(default)s)")
    parser.add_argument("--size", type=float, default=Options.size, metavar="A",
                        help="cells of vacancies and phonons, and slabs, are this thick at least (%(default)s Angstrom)")  # fmt: skip
    parser.add_argument("--sites", action="store_true", help="symmetry of the sites, whatever the elements on them: for random alloys")
    add_output_and_model(parser, "properties")
    return parser


def labelled(words: Sequence[str]) -> dict[str, str]:
    """label -> file; without a label the file's name, with as much of its folders as tells it from the others."""
    given = [word.partition("=")[::2] if re.match(r"[^=/\\]+=", word) else ("", word) for word in words]
    files = [os.path.normpath(path).split(os.sep) for _, path in given]
    found: dict[str, str] = {}
    for k, (label, path) in enumerate(given):
        depth = 1
        while not label and any(f[-depth:] == files[k][-depth:] for j, f in enumerate(files) if j != k) and depth < len(files[k]):
            depth += 1
        name = label or re.sub(r"\.(ftl|model|pth|yace)$", "", "/".join(files[k][-depth:]))
        if name in found:
            raise PropertyError(f"two potentials are called '{name}': write LABEL=FILE")
        found[name] = path
    return found


def chosen(o: argparse.Namespace) -> list[str]:
    """What was asked for; options that nothing of it uses are refused."""
    wanted = [name for name in PROPERTIES if name in o.properties or "all" in o.properties]
    if "phonons" in wanted:
        check_phonopy()
    if o.strain != Options.strain and "elastic" not in wanted:
        raise PropertyError("--strain is for elastic constants: add elastic to --properties")
    if o.surfaces and "surfaces" not in wanted:
        raise PropertyError("--surfaces says which ones: add surfaces to --properties")
    if o.size != Options.size and not {"vacancy", "surfaces", "phonons"} & set(wanted):
        raise PropertyError("--size is for vacancy, surfaces and phonons, and none of them is in --properties")
    if not 4 <= o.size <= 60:
        raise PropertyError(f"--size {o.size:g}: it must be from 4 to 60 Angstrom")
    check_strain(o.strain)
    for word in o.surfaces:
        indices(word)
    return wanted


def run(o: argparse.Namespace) -> str:
    """Measures, writes, and answers the Markdown."""
    wanted, potentials = chosen(o), labelled(o.potential)
    structures: dict[str, object] = {}
    for word in o.structure:
        label, atoms = structure(word)
        if label in structures:
            raise PropertyError(f"two structures are called '{label}': write LABEL=NAME or LABEL=FILE")
        structures[label] = atoms
    references = dict(read(word) for word in o.reference if word != "none")
    options = Options(strain=o.strain, size=o.size, planes=o.surfaces, sites=o.sites)
    calculators = {}
    for label, path in potentials.items():
        calculators[label] = FrozenTL(path, precision=o.precision, head=o.head, foundation=o.foundation, threads=o.threads)
        for atoms in structures.values():
            calculators[label]._open(set(atoms.numbers.tolist()))  # now, and not after an hour: an element that the model lacks
    store = kept.Kept(os.path.join(o.output, "runs"))
    found = [one(label, calculator, name, atoms, wanted, options, store)
             for name, atoms in structures.items() for label, calculator in calculators.items()]  # fmt: skip
    pictures = []
    if o.format != "none":
        from . import picture

        pictures = picture.draw(found, references, o.output, o.format)
    about = {"made_by": f"frozentl-properties {version()}", "precision": o.precision, "strain": o.strain, "size_A": o.size,
             "potentials": {label: {"file": os.path.basename(c._path), "sha256": c._digest} for label, c in calculators.items()}}  # fmt: skip
    text = report.markdown(found, references, pictures)
    kept.write(os.path.join(o.output, "properties.json"), report.as_json(found, references, about))
    kept.write(os.path.join(o.output, "properties.md"), text)
    return text


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The exit status: 0, 1 (what was asked for cannot be), 130."""
    return finish(_parser(), run, arguments)
