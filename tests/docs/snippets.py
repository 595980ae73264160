"""Every snippet of Python in README and docs, and README's input of LAMMPS, run as they stand.

    PYTHON-WITH-ASE-AND-LAMMPS tests/docs/snippets.py PAGE ...

A page's snippets run one after another in one folder and one namespace, in which there is what a reader is told to have: a trained model, structures,
data. Names of published foundations, which are not here, are replaced by a potential that is; nothing else is. Run by ctest, one test a page."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "python"))

import numpy as np  # noqa: E402
from ase import Atoms  # noqa: E402
from ase.build import add_adsorbate, bulk, fcc111  # noqa: E402
from ase.io import write  # noqa: E402

H2CU = os.path.join(ROOT, "potentials", "h2cu.ftl")
QUICK = [('"sevennet-0"', repr(H2CU)), ("epochs=20", "epochs=2"), ('freeze=["f5"]', 'freeze=["f6"]')]
FIT = dict(rank=2, degree=4)


def labelled(n):
    """Strained, rattled copper with labels of the shipped potential."""
    import frozentl

    model, frames = frozentl.Model(H2CU, threads=1), []
    for seed in range(n):
        atoms = bulk("Cu", cubic=True, a=3.5 + 0.02 * seed)
        atoms.rattle(0.08, seed=seed)
        result = model.compute(atoms)
        atoms.info["REF_energy"], atoms.arrays["REF_forces"] = result.energy, result.forces + 0.01
        frames.append(atoms)
    return frames


def prepare():
    """What the snippets take as given."""
    os.symlink(os.path.join(ROOT, "potentials"), "potentials")
    shutil.copy(H2CU, "h2cu.ftl")
    frames = labelled(14)
    write("train.xyz", frames[:9], format="extxyz")
    write("valid.xyz", frames[9:11], format="extxyz")
    write("test.xyz", frames[11:], format="extxyz")
    slab = fcc111("Cu", (2, 2, 3), vacuum=6, a=3.65)
    add_adsorbate(slab, Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.76]]), 2.5, "ontop")
    slab.pbc = True
    write("slab.data", slab, format="lammps-data", specorder=["Cu", "H"], masses=True)
    atoms = bulk("Cu", cubic=True)
    return dict(atoms=atoms, list_of_atoms=frames[:2], numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell.array, np=np)


def python_of(page):
    with open(os.path.join(ROOT, page)) as file:
        return re.findall(r"```python\n(.*?)```", file.read(), re.S)


def run_lammps(page):
    """The first block that has a pair_style, two steps of it."""
    with open(os.path.join(ROOT, page)) as file:
        blocks = [b for b in re.findall(r"```\n(.*?)```", file.read(), re.S) if "pair_style" in b]
    for block in blocks:
        with open("in.file", "w") as file:
            file.write(re.sub(r"run( +)\d+", r"run\g<1>2", block))
        lmp = os.path.join(os.path.dirname(sys.executable), "lmp")
        done = subprocess.run([lmp, "-in", "in.file", "-log", "none"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{page}: LAMMPS refuses its input\n{block}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return len(blocks)


def main(pages):
    for page in pages:
        blocks = python_of(page)
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            names = prepare()
            for k, block in enumerate(blocks):
                for old, new in QUICK:
                    block = block.replace(old, new)
                print(f"{page}: snippet {k + 1} of {len(blocks)}", flush=True)
                exec(compile(block, f"{page}, snippet {k + 1}", "exec"), names)
            n = run_lammps(page)
            print(f"{page}: {len(blocks)} snippets, {n} inputs of LAMMPS")
            os.chdir(ROOT)
        if not blocks and not n:
            sys.exit(f"{page} has no snippet: take it from the list in tests/docs")


if __name__ == "__main__":
    main(sys.argv[1:])
