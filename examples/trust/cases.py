"""What is trained and what is asked: sets, which structures a model sees, and those it is then tested on."""

import dataclasses
import os
import re
import sys
from typing import Callable

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "data-efficiency"))

from plan import DATA, ROOT, SHARED, frames_of, write_if_other  # noqa: E402, F401

TEACHER = os.path.join(SHARED, "reference", "h2cu", "h2cu-mace.model")  # whose energies and forces the labels of h2cu are


class Frame:
    """A frame of an extended XYZ file: its text, and what it is chosen by."""

    def __init__(self, text):
        self.text, lines = text, text.splitlines()
        self.comment, rows = lines[1], [line.split() for line in lines[2:]]
        self.kind = re.search(r"config_type=(\S+)", self.comment).group(1)
        self.elements = frozenset(row[0] for row in rows)
        self.cell = np.array(re.search(r'Lattice="([^"]*)"', self.comment).group(1).split(), float).reshape(3, 3)
        self.volume = abs(np.linalg.det(self.cell)) / len(rows)  # per atom
        self.symbols = [row[0] for row in rows]
        self.positions = np.array([row[1:4] for row in rows], float)


def bare(frame, cell, positions):
    """A frame without labels, of another cell and other positions."""
    lattice = " ".join(f"{x:.10g}" for x in cell.ravel())
    rows = [f"{s} " + " ".join(f"{x:.8f}" for x in p) for s, p in zip(frame.symbols, positions)]
    return f'{len(rows)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 config_type={frame.kind} pbc="T T T"\n' + "\n".join(rows) + "\n"


def squeezed(frames):
    """Copper slabs with or without hydrogen whose edges are 4 to 12 % shorter."""
    return [bare(f, f.cell * x, f.positions * x) for f, x in zip(frames[::5], np.tile(np.linspace(0.96, 0.88, 5), len(frames)))]


def close_pairs(frames):
    """The two hydrogen atoms at 0.45 to 0.65 Angstrom, on the line through both; 0.69 is the shortest in the data."""
    found, lengths = [], np.tile(np.linspace(0.65, 0.45, 5), len(frames))
    for f in frames:
        pair = [k for k, s in enumerate(f.symbols) if s == "H"]
        if len(pair) != 2 or np.linalg.norm(f.positions[pair[1]] - f.positions[pair[0]]) > 1.0:
            continue
        a, b = f.positions[pair]
        middle, along = (a + b) / 2, (b - a) / np.linalg.norm(b - a) * lengths[len(found)] / 2
        moved = f.positions.copy()
        moved[pair] = middle - along, middle + along
        found.append(bare(f, f.cell, moved))
    return found[::3]


@dataclasses.dataclass
class Test:
    """`choose`: which of the set's test frames, and of those of train and valid that the model cannot have seen by the case's rule;
    `make`: what is made of the test frames, unlabelled, for the teacher to label."""

    title: str
    outside: bool
    choose: Callable = lambda frame: True
    make: Callable = None
    most: int = 60


@dataclasses.dataclass
class Case:
    """files: train, valid (None: every fifth of train), test. `sees`: which frames a model may be trained and scaled on."""

    title: str
    files: tuple
    tests: dict
    sees: Callable = lambda frame: True
    structures: int = 200
    held: int = 50  # of valid, by whose errors deviations are scaled
    epochs: int = 12
    members: int = 4


H2CU = ("h2cu/train.xyz", "h2cu/valid.xyz", "h2cu/test.xyz")
TIALV = ("tialv/train.xyz", "tialv/valid.xyz", "tialv/test.xyz")
MO = ("mlearn/Mo_training.xyz", None, "mlearn/Mo_test.xyz")
SAME = "as in training"


def flat(frame):
    return frame.kind.endswith(("-111", "-100"))


def has_al_v(frame):
    return {"Al", "V"} <= frame.elements


CASES = {
    "h2cu": Case("H\u2082 on Cu", H2CU, {"same": Test(SAME, False), "pairs": Test("H\u2082 compressed", True, make=close_pairs),
                                        "cells": Test("cells compressed", True, make=squeezed)}),
    "h2cu-facets": Case("H\u2082 on Cu, (111) and (100) only", H2CU, {"same": Test(SAME, False, flat),
                        "facets": Test("(110) and (211)", True, lambda f: not flat(f))}, flat),
    "tialv": Case("Ti\u2013Al\u2013V", TIALV, {"same": Test(SAME, False, most=140)}),
    "tialv-solid": Case("Ti\u2013Al\u2013V, no liquids", TIALV, {"same": Test(SAME, False, lambda f: f.kind != "liquid"),
                        "liquid": Test("liquids", True, lambda f: f.kind == "liquid")}, lambda f: f.kind != "liquid"),
    "tialv-pair": Case("Ti\u2013Al\u2013V, no Al with V", TIALV, {"same": Test(SAME, False, lambda f: not has_al_v(f)),
                       "pair": Test("Al with V", True, has_al_v)}, lambda f: not has_al_v(f)),
    "tialv-wide": Case("Ti\u2013Al\u2013V, above 16.2 \u00c5\u00b3/atom", TIALV, {"same": Test(SAME, False, lambda f: f.volume > 16.2),
                       "cells": Test("below 15 \u00c5\u00b3/atom", True, lambda f: f.volume < 15)}, lambda f: f.volume > 16.2),
    "mo": Case("Mo (DFT)", MO, {"same": Test(SAME, False)}, epochs=6),
    "mo-crystals": Case("Mo (DFT), no MD", MO, {"same": Test(SAME, False, lambda f: f.kind != "AIMD-NVT"),
                        "md": Test("MD", True, lambda f: f.kind == "AIMD-NVT")}, lambda f: f.kind != "AIMD-NVT", epochs=6),
}  # fmt: skip


def spread(frames, most):
    """At most so many of them, evenly."""
    return frames if len(frames) <= most else [frames[k * len(frames) // most] for k in range(most)]


def sets_of(case):
    """train, valid and tests of a case, as texts; what is to be labelled first as ("made", texts)."""
    train, valid, test = (file and [Frame(text) for text in frames_of(os.path.join(DATA, file))] for file in case.files)
    if valid is None:
        valid, train = train[::5], [frame for k, frame in enumerate(train) if k % 5]
    tests = {}
    for name, how in case.tests.items():
        if how.make:
            tests[name] = True, spread(how.make(test), how.most)
            continue
        pool = [f for f in test if how.choose(f)]
        if how.outside:  # no model of the case has seen such structures, in whichever file they are
            pool += [f for f in valid + train if how.choose(f) and not case.sees(f)]
        tests[name] = False, [f.text for f in spread(pool, how.most)]
    seen = {name: [f.text for f in spread([f for f in frames if case.sees(f)], most)]
            for name, frames, most in (("train", train, case.structures), ("valid", valid, case.held))}  # fmt: skip
    return seen["train"], seen["valid"], tests
