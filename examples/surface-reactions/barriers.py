"""Minimum-energy path and barrier of H2 dissociating over a bridge of copper, by NEB in LAMMPS, an MPI rank per image:

    examples/surface-reactions/run.sh barriers.py ace=potentials/h2cu-ace.ftl mace=potentials/h2cu.ftl published=FILE

From the molecule above the surface to two atoms in the hollows beside the bridge; all atoms but the two lowest layers of the
slab move. Zero is the molecule 7 Angstrom over the relaxed clean surface. Writes barriers.csv, barriers.md, paths.csv and mep.svg; paths
that were found are kept in build/surface-reactions and not searched for again.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

from arguments import several
from common import MASS, NotRelaxed, Session
from h2cu_properties import LATTICE, Gas
from picture import draw_paths, write_paths
from report import ROOT, Table, progress
from slabs import Slab

INPUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "in.neb")
VENV = os.path.join(ROOT, "build", "venv", "bin")
KEPT = os.path.join(ROOT, "build", "surface-reactions")
ABOVE = 3.0  # Angstrom: where the path begins
BETWEEN = {"111": (1.0, 1.2), "100": (1.2, 1.0), "110": (1.2, 0.95)}  # bond length and height: the first guess
APART = {"111": (1.5, 0.95), "100": (2.5, 0.5), "110": (2.6, 0.3)}  # where the search for the end begins


TILT = {"111": 0, "100": 0.1, "110": 0.1}  # Angstrom, up and down: where the way is not level, symmetry would keep it so


class Path:
    """energies (eV over gas), bond lengths, heights over the clean top layer, and how far along each image is (0 to 1)."""

    def __init__(self, along, energies, lengths, heights):
        self.along, self.energies, self.lengths, self.heights = along, energies, lengths, heights
        self.top = energies.index(max(energies))


def ends(potential, slab, face, gas):
    """The first image and the last, relaxed."""
    first, last = slab.molecule(gas.length, ABOVE), slab.molecule(*APART[face])
    with Session(potential, last) as session:
        session.relax(last, held=slab.held)
    return first, last


def guess(slab, face, first, last, images):
    """Straight from the first image to the bridge and on to the last, as many images on either side."""
    middle = slab.molecule(*BETWEEN[face])
    middle.positions[-2:, 2] += TILT[face], -TILT[face]
    stops, half = [near(first.positions, x.positions, first.cell) for x in (first, middle, last)], (images - 1) / 2
    for k in range(images):
        leg = min(int(k / half), 1)
        part = k / half - leg
        yield (1 - part) * stops[leg] + part * stops[leg + 1]


def near(wanted, positions, cell):
    """The periodic images of positions that are nearest to the wanted ones."""
    apart = (positions - wanted) @ np.linalg.inv(cell)
    return positions - np.round(apart) @ cell


def write_band(folder, first, guesses):
    cell = first.cell
    with open(os.path.join(folder, "path.data"), "w") as f:
        f.write(f"H2 on copper\n\n{len(first)} atoms\n2 atom types\n\n")
        f.writelines(f"0 {cell[k, k]:.12g} {axis}lo {axis}hi\n" for k, axis in enumerate("xyz"))
        f.write(f"{cell[1, 0]:.12g} {cell[2, 0]:.12g} {cell[2, 1]:.12g} xy xz yz\n\nMasses\n\n")
        f.write(f"1 {MASS['Cu']}\n2 {MASS['H']}\n\nAtoms\n\n")
        for k, (symbol, x) in enumerate(zip(first.symbols, first.positions), 1):
            f.write(f"{k} {1 if symbol == 'Cu' else 2} {position(x)}\n")
    for image, positions in enumerate(guesses):
        with open(os.path.join(folder, f"path.{image}"), "w") as f:
            f.write(f"{len(positions)}\n" + "".join(f"{k} {position(x)}\n" for k, x in enumerate(positions, 1)))


def position(x):
    return " ".join(f"{value:.12g}" for value in x)


def run_band(folder, potential, slab, options):
    """LAMMPS, in the folder; the last line of its table as numbers."""
    images, held = options.images, f"1:{len(slab.held)}"  # Slab holds the first atoms
    command = [os.path.join(VENV, "mpirun"), "-n", str(images), os.path.join(VENV, "lmp"), "-partition", f"{images}x1",
               "-in", INPUT, "-var", "potential", potential, "-var", "held", held, "-var", "force", str(options.force),
               "-screen", "none"]  # fmt: skip
    patient = {**os.environ, "MPIR_CVAR_POLLS_BEFORE_YIELD": "1"}  # ranks that wait let others have the core
    done = subprocess.run(command, cwd=folder, env=patient, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)  # fmt: skip
    log = read(os.path.join(folder, "log.lammps")) if os.path.exists(os.path.join(folder, "log.lammps")) else ""
    if done.returncode or "Climbing replica" not in log:
        parts = "".join(read(os.path.join(folder, name)) for name in os.listdir(folder) if name.startswith("log.lammps."))
        said = re.findall(r"^ERROR.*", parts + done.stdout, re.M)
        raise NotRelaxed(said[0] if said else f"mpirun ended with {done.returncode}: {done.stdout[-500:]}")
    line = [float(word) for word in re.findall(r"^ *\d.*", log, re.M)[-1].split()]
    if line[1] > options.force:
        raise NotRelaxed(f"after {line[0]:.0f} steps the band still has a force of {line[1]:.2g} eV/A")
    return line


def read(path):
    with open(path) as f:
        return f.read()


def atoms_of(path):
    """Positions in a dump of LAMMPS, in order."""
    return np.array([line.split()[2:5] for line in read(path).split("\n")[9:] if line], float)


def path_of(potential, face, options):
    slab, images = Slab(potential, face, LATTICE), options.images
    gas = Gas(potential, slab)
    first, last = ends(potential, slab, face, gas)
    folder = tempfile.mkdtemp(prefix="frozentl-neb-")
    try:
        write_band(folder, first, guess(slab, face, first, last, images))
        line = run_band(folder, potential, slab, options)
        positions = [atoms_of(os.path.join(folder, f"image.{k}")) for k in range(images)]
    finally:
        shutil.rmtree(folder)
    energies = [energy - gas.with_slab for energy in line[10::2]]
    bonds = [float(bond(x, first.cell)) for x in positions]
    heights = [float(x[-2:, 2].mean() - slab.top) for x in positions]
    progress(f"  {slab.name}: {line[0]:.0f} steps, a force of {line[1]:.3f} eV/A left")
    return {"along": line[9::2], "energies": energies, "lengths": bonds, "heights": heights}


def kept_path(potential, face, options):
    """The path from an earlier run with the same potential and options, or a new one."""
    with open(potential, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()[:16]
    kept = os.path.join(options.keep, f"path-{face}-{options.images}-{options.force:g}-{digest}.json")
    if not os.path.exists(kept):
        found = path_of(potential, face, options)
        with open(kept + ".part", "w") as f:
            json.dump(found, f)
        os.replace(kept + ".part", kept)
    return Path(**json.loads(read(kept)))


def bond(x, cell):
    return np.linalg.norm(near(x[-2], x[-1], cell) - x[-2])


def main():
    options = several(__doc__, faces=["111", "100"], images=(7, "images of the band: MPI ranks"),
                      force=(0.01, "most that may be left, eV/Å"), keep=(KEPT, "folder of the paths"))  # fmt: skip
    os.makedirs(options.keep, exist_ok=True)
    table, paths = Table(("surface", "property", "unit"), options.potentials, next(iter(options.potentials))), {}
    for label, potential in options.potentials.items():
        progress(label)
        for face in options.faces:
            try:
                path = kept_path(potential, face, options)
            except NotRelaxed as error:
                progress(f"  Cu({face}): no value: {error}")
                continue
            paths.setdefault(f"Cu({face})", {})[label] = path
            name = f"Cu({face})"
            table.put(label, (name, "barrier", "eV"), path.energies[path.top], 3)
            table.put(label, (name, "bond length there", "Å"), path.lengths[path.top], 3)
            table.put(label, (name, "height there", "Å"), path.heights[path.top], 3)
            table.put(label, (name, "two H in the hollows", "eV"), path.energies[-1], 3)
    table.finish(options.out, "barriers")
    write_paths(paths, os.path.join(options.out, "paths.csv"))
    draw_paths(os.path.join(options.out, "paths.csv"), os.path.join(options.out, "mep.svg"))


if __name__ == "__main__":
    sys.exit(main())
