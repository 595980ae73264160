"""Every snippet of Python in README and docs, README's input of LAMMPS, and lines of inputs in other pages, run as they stand.

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
COMMAND = re.compile(r"(pair_style|pair_coeff|neigh_modify|fix|compute|variable|thermo_style) ")
SYNTAX = re.compile(r" \[|[a-z]\|[a-z]")  # what may be left out, alternatives: a form of a command, not lines of an input
BASE = """units metal
atom_style atomic
newton on
read_data slab.data
variable potential string h2cu.ftl
"""
SHORT = [("sevennet-0", "h2cu.ftl"), ("model.ftl", "h2cu.ftl"), ("50.2 21.2", "8 6")]  # D3 to 50 A of an atom: 44,000 neighbours


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
    shutil.copy(os.path.join(ROOT, "potentials", "h2cu-ace.ftl"), "h2cu-ace.ftl")
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


def lines_of_lammps(page):
    """Blocks by four blanks whose every line is a command of LAMMPS, as inputs: what is not there is put around them."""
    with open(os.path.join(ROOT, page)) as file:
        blocks = [[line.strip() for line in b.splitlines() if line.strip()] for b in re.findall(r"(?:^    .*\n)+", file.read(), re.M)]
    for block in blocks:
        text = "\n".join(line.split(" #")[0] for line in block)
        if not all(map(COMMAND.match, block)) or SYNTAX.search(text):
            continue
        for old, new in SHORT:
            text = text.replace(old, new)
        grades = re.search("gamma|deviation", text)  # a surrogate has them
        pair = "" if "pair_style" in text else f"pair_style frozentl\npair_coeff * * {'h2cu-ace' if grades else 'h2cu'}.ftl Cu H\n"
        yield BASE + pair + text + "\nfix move all nve\nrun 1\n"


def run_lammps(page):
    """The blocks that have a pair_style, two steps of each, and the lines of others."""
    with open(os.path.join(ROOT, page)) as file:
        blocks = [b for b in re.findall(r"```\n(.*?)```", file.read(), re.S) if "pair_style" in b]
    inputs = [re.sub(r"run( +)\d+", r"run\g<1>2", block) for block in blocks] + list(lines_of_lammps(page))
    for text in inputs:
        with open("in.file", "w") as file:
            file.write(text)
        lmp = os.path.join(os.path.dirname(sys.executable), "lmp")
        done = subprocess.run([lmp, "-in", "in.file", "-log", "none"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{page}: LAMMPS refuses its input\n{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return len(inputs)


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
