"""The same elastic constants without LAMMPS: ASE relaxes and strains, the Python package frozentl answers.

    pip install '.[ase]' && python examples/elastic/with_ase.py

Crystals in other cells than in.elastic's (Ti: two atoms), another minimiser, pure strains instead of simple shears. Ends with exit
code 1 if a number of results/matrices.json is farther away than 1 % of the largest one.
"""

import json
import os
import sys

import numpy as np
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.units import GPa

from frozentl.calculator import FrozenTL

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CASES = {
    "Cu, fine-tuned": ("potentials/h2cu.ftl", lambda: bulk("Cu", "fcc", a=3.65)),
    "Cu, surrogate": ("potentials/h2cu-ace.ftl", lambda: bulk("Cu", "fcc", a=3.65)),
    "Mo, foundation": ("potentials/ftl-metals-0.ftl", lambda: bulk("Mo", "bcc", a=3.17)),
    "Mo, surrogate": ("build/elastic/molybdenum/model.ftl", lambda: bulk("Mo", "bcc", a=3.17)),
    "Ti, fine-tuned": ("potentials/ti64.ftl", lambda: bulk("Ti", "hcp", a=2.94, c=4.65)),
}
WITHIN = 0.01


def matrix(atoms, strain=0.002):
    """GPa; the columns are central differences of ASE's Voigt stress (xx yy zz yz xz xy), atoms relaxed in each load."""
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=2e-5, steps=300)
    columns = []
    for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):
        stress = []
        for sign in (1, -1):
            load = np.zeros((3, 3))
            load[i, j] += sign * strain / 2
            load[j, i] += sign * strain / 2
            strained = atoms.copy()
            strained.calc = atoms.calc
            strained.set_cell(atoms.cell @ (np.eye(3) + load), scale_atoms=True)
            BFGS(strained, logfile=None).run(fmax=2e-5, steps=300)
            stress.append(strained.get_stress() / GPa)
        columns.append((stress[0] - stress[1]) / (2 * strain))
    return np.array(columns).T


def main():
    with open(os.path.join(HERE, "results", "matrices.json")) as f:
        kept = json.load(f)
    wrong = 0
    for name, (potential, crystal) in CASES.items():
        path = os.path.join(ROOT, potential)
        if not os.path.exists(path):
            print(f"{name}: skipped, no {potential} (examples/elastic/run.sh Mo makes it)")
            continue
        atoms = crystal()
        atoms.calc = FrozenTL(path, threads=1)
        have, want = matrix(atoms), np.array(kept[f"{name}, 0 K"])
        away = np.abs(have - want).max()
        good = away <= WITHIN * np.abs(want).max()
        wrong += not good
        print(f"{name}: C11 {have[0, 0]:.2f}, C12 {have[0, 1]:.2f}, C44 {have[3, 3]:.2f} GPa; with LAMMPS {want[0, 0]:.2f}, "
              f"{want[0, 1]:.2f}, {want[3, 3]:.2f}; at most {away:.2f} GPa apart" + ("" if good else ": WRONG"))  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
