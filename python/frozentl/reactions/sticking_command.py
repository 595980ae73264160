"""The command `frozentl-sticking`, or `python -m frozentl.reactions sticking`."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from typing import Optional, Sequence

from ase.data import atomic_numbers

from .. import version
from ..calculator import FrozenTL
from ..properties.command import labelled
from ..properties.commands import add_output_and_model, add_potential, finish
from ..properties.errors import PropertyError
from ..properties.kept import Kept, write
from ..properties.measure import progress
from .molecule import MASSES, Vibration, curve_of
from .records import Records, wilson
from .slabs import check_name, slab
from .sticking import BROKEN, HEIGHT, STEP, Frames, encounter, frames, generator


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="frozentl-sticking", allow_abbrev=False,
        description="Probability that H2 or D2 dissociates on a surface of an fcc metal, by encounters at constant energy: single molecules, straight "
        "down over random points, with a quantum of vibration, on a surface at a temperature. A line per encounter in FOLDER; what is there is not done "
        "again, so that a larger --count adds to a smaller one. The first potential makes the surface and the vibrations that all start from.",
        epilog="Example: frozentl-sticking --potential ace=h2cu-ace.ftl mace=h2cu.ftl --slab Cu-111:a=3.6714 --energies 0.7 0.9 --count 40")  # fmt: skip
    add_potential(parser)
    parser.add_argument("--slab", nargs="+", required=True, metavar="NAME", help="Cu-111, Cu-100:a=3.67 (without a: the first potential's own at 0 K)")
    parser.add_argument("--molecule", choices=tuple(MASSES), default="H2", help="(%(default)s)")
    parser.add_argument("--energies", nargs="+", type=float, default=[0.5, 0.7, 0.9], metavar="EV", help="of incidence (0.5 0.7 0.9)")
    parser.add_argument("--vibrations", nargs="+", type=int, default=[0], choices=(0, 1, 2), metavar="V", help="states v (0)")
    parser.add_argument("--temperature", type=float, default=300, metavar="K", help="of the surface (%(default)s)")
    parser.add_argument("--count", type=int, default=40, help="encounters for each slab, state and energy (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    add_output_and_model(parser, "sticking")
    return parser


def check(o: argparse.Namespace) -> None:
    for name in o.slab:
        check_name(name)
    for what, value, low, high in (("--temperature", o.temperature, 1, 2000), ("--count", o.count, 1, 1e6), ("--seed", o.seed, 0, 2**31),
                                   *(("--energies", e, 0.01, 20) for e in o.energies)):  # fmt: skip
        if not low <= value <= high:
            raise PropertyError(f"{what} {value:g}: it must be from {low:g} to {high:g}")


def encounters(o: argparse.Namespace) -> dict[tuple[str, str, int, float], tuple[int, int]]:
    """(slab, potential, v, energy) -> dissociated, all."""
    calculators = {label: FrozenTL(path, precision=o.precision, head=o.head, foundation=o.foundation, threads=o.threads)
                   for label, path in labelled(o.potential).items()}  # fmt: skip
    for calculator in calculators.values():
        calculator._open({1, *(atomic_numbers[check_name(name)[0]] for name in o.slab)})
    first = next(iter(calculators.values()))
    kept, counted = Kept(os.path.join(o.output, "runs")), {}
    settings = {"version": version(), "starts": first._digest, "seed": o.seed, "T_K": o.temperature, "precision": o.precision, "head": o.head}
    files = {}
    for label, calculator in calculators.items():  # those of other settings are refused before anything is computed
        of_file = json.dumps({**settings, "potential": calculator._digest, "step_fs": STEP, "broken_A": BROKEN, "height_A": HEIGHT})
        files[label] = Records(os.path.join(o.output, f"encounters-{label.replace('/', '-')}-{o.molecule}.csv"), of_file)
    curve = curve_of(first)
    vibrations = {v: Vibration(curve, v, MASSES[o.molecule]) for v in o.vibrations}
    for where in o.slab:
        clean = slab(where, first)
        surface = Frames(**kept.answer(f"surface {where}", {**settings, "slab": where}, lambda: asdict(frames(clean, o.temperature, o.seed)))[0])
        progress(f"{where}: the surface at {o.temperature:g} K")
        for label, calculator in calculators.items():
            clean.clean.calc = calculator
            with files[label] as records:
                for v in o.vibrations:
                    for energy in o.energies:
                        for n in range(o.count):
                            if (where, v, energy, n) not in records:
                                random = generator(o.seed, where, o.molecule, v, energy, n)
                                records.add((where, v, energy, n), encounter(clean, surface, vibrations[v], energy, random))
                        lines = [records.rows[where, v, energy, n] for n in range(o.count)]
                        counted[where, label, v, energy] = sum(line["outcome"] == "dissociated" for line in lines), len(lines)
                        progress(f"{label}, {where}, v = {v}, {energy:g} eV: {counted[where, label, v, energy][0]} of {len(lines)}")
    return counted


def markdown(counted: dict, o: argparse.Namespace) -> str:
    potentials = list(labelled(o.potential))
    lines = [f"Part of the {o.molecule} that dissociates, in brackets with 95 % confidence (Wilson); {o.count} encounters each.", "",
             "| slab | v | energy, eV | " + " | ".join(potentials) + " |", "| --- | ---: | ---: |" + " ---: |" * len(potentials)]  # fmt: skip
    for where in o.slab:
        for v in o.vibrations:
            for energy in o.energies:
                cells = [counted[where, label, v, energy] for label in potentials]
                words = ["{:.2f} ({:.2f} to {:.2f})".format(hits / tries, *wilson(hits, tries)) for hits, tries in cells]
                lines.append(f"| {where} | {v} | {energy:g} | " + " | ".join(words) + " |")
    return "\n".join(lines) + "\n"


def draw(counted: dict, o: argparse.Namespace, file: str) -> None:
    from ..plot import style

    made, axes = style.figure(1, len(o.slab), width=max(style.SINGLE, style.DOUBLE * len(o.slab) / 2), height=6.4, sharey=True)
    for frame, where in zip(axes[0], o.slab):
        for k, (label, v) in enumerate((label, v) for label in labelled(o.potential) for v in o.vibrations):
            points = [(e, counted[where, label, v, e]) for e in sorted(o.energies)]
            part = [hits / tries for _, (hits, tries) in points]
            ends = [wilson(hits, tries) for _, (hits, tries) in points]
            bars = [[p - low for p, (low, _) in zip(part, ends)], [high - p for p, (_, high) in zip(part, ends)]]
            frame.errorbar([e for e, _ in points], part, bars, marker=style.marker(k), color=style.colour(k), elinewidth=0.8,
                           label=f"{style.clean(label, 30)}, v = {v}")  # fmt: skip
        frame.set_title(where, loc="left")
        frame.set_xlabel("incidence energy (eV)")
        frame.legend(loc="upper left")
    axes[0][0].set_ylim(bottom=0)
    axes[0][0].set_ylabel("probability of dissociation")
    style.letters(axes[0])
    style.save(made, file)


def run(o: argparse.Namespace) -> str:
    check(o)
    counted = encounters(o)
    text = markdown(counted, o)
    rows = [{"slab": where, "potential": label, "v": v, "energy_eV": energy, "dissociated": hits, "encounters": tries}
            for (where, label, v, energy), (hits, tries) in counted.items()]  # fmt: skip
    about = {"made_by": f"frozentl-sticking {version()}", "molecule": o.molecule, "T_K": o.temperature, "results": rows}
    write(os.path.join(o.output, "sticking.json"), json.dumps(about, indent=1) + "\n")
    write(os.path.join(o.output, "sticking.md"), text)
    if o.format != "none":
        draw(counted, o, os.path.join(o.output, f"sticking.{o.format}"))
    return text


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The exit status: 0, 1 (what was asked for cannot be), 130."""
    return finish(_parser(), run, arguments)
