"""H2 on copper at 0 K, with several potentials side by side:

    examples/surrogate/run.sh h2cu_properties.py mace=potentials/h2cu.ftl published=../shared/reference/h2cu/h2cu-mace.model ...

Bulk copper; on Cu(111), (100) and (110), six layers of 3x3 atoms with the lattice constant of the data, the barrier of dissociation
over a bridge with the atoms towards the hollows, in three kinds: for a molecule kept parallel over a rigid surface, the pass of energy
against bond length d and height Z (searched for from the highest point of the best path on a grid); the saddle point in all six
coordinates of the molecule next to it; the same with the surface relaxed. H on Cu(111). The plots of energy against d and Z go to
results/elbows.svg. In brackets: deviation from the first potential.
"""

import os
import sys
import time

import numpy as np

from common import NotRelaxed, Session, Structure, attempt, fcc
from contours import draw
from elasticity import cubic, elastic_constants, relax_cell
from report import ROOT, Table, arguments, progress, shipped
from saddle import follow, pass_on_grid
from slabs import FAR, Slab

LATTICE = 3.6528  # Angstrom: of the slabs of data/h2cu at 0 K
FACES = ("111", "100", "110")
SITES = {"fcc": (1 / 3, 1 / 3), "hcp": (-1 / 3, -1 / 3), "bridge": (1 / 2, 0)}  # of Cu(111), from a top atom
LENGTHS, HEIGHTS = np.arange(0.5, 2.31, 0.05), np.arange(0.5, 3.21, 0.1)
QUICK = np.arange(0.7, 1.81, 0.1), np.arange(0.7, 2.31, 0.15)
TURNS = 12  # of relaxing the surface and finding the saddle point again


def copper(potential):
    with Session(potential, fcc("Cu", LATTICE)) as session:
        relaxed, _ = relax_cell(session, fcc("Cu", LATTICE), "cubic")
        return {"a": relaxed.cell[0, 0], **cubic(elastic_constants(session, relaxed).matrix)}


class Gas:
    """H2 and H far from a slab: energies and the bond length."""

    def __init__(self, potential, slab):
        molecule = slab.molecule(0.75, FAR)
        with Session(potential, molecule) as session:
            self.with_slab = session.relax(molecule, held=range(len(slab.clean))).energy
        self.length = np.linalg.norm(molecule.positions[-1] - molecule.positions[-2])
        self.energy = self.with_slab - slab.energy
        atom = slab.with_hydrogen((*slab.atom((0, 0)), FAR))
        with Session(potential, atom) as session:
            self.dissociation = 2 * (session.answer(atom).energy - slab.energy) - self.energy


class Barrier:
    """At a saddle point: energy over gas and clean slab, bond length, height over the clean top layer."""

    def __init__(self, energy, slab, positions, values):
        self.energy, self.values = energy, values  # and the eigenvalues of the coordinates searched in
        self.length = np.linalg.norm(positions[-1] - positions[-2])
        self.height = positions[-2:, 2].mean() - slab.top


def elbow(session, slab, gas, lengths, heights):
    """Energy on the grid [length][height] over the rigid surface, eV."""
    return np.array([[session.answer(slab.molecule(d, z)).energy - gas.with_slab for z in heights] for d in lengths])


def start_of_search(energy, lengths, heights):
    """The pass from the molecule, highest up, to the lowest point of long bonds."""
    top = len(heights) - 1
    ends = [(int(i), j) for i in np.flatnonzero(lengths > 1.4) for j in range(len(heights))]
    i, j = pass_on_grid(energy, (int(energy[:, top].argmin()), top), min(ends, key=lambda end: energy[end]))
    return lengths[i], heights[j], energy[i, j]


def parallel(session, slab, gas, d, z):
    """The saddle point in d and Z alone nearby; the structure too."""
    along = np.append(slab.direction(), 0)

    def gradient(x):
        first, second = session.answer(slab.molecule(*x)).forces[-2:]
        return np.array([(first - second) @ along / 2, -first[2] - second[2]])

    return barrier_at(session, slab, gas, lambda x: slab.molecule(*x), *follow(gradient, np.array([d, z])))


def free(session, slab, gas, structure):
    """The saddle point of the molecule nearby, all other atoms fixed; the structure too."""

    def moved(x):
        return Structure(structure.symbols, np.vstack([structure.positions[:-2], x.reshape(2, 3)]), structure.cell)

    def gradient(x):
        return -session.answer(moved(x)).forces[-2:].ravel()

    return barrier_at(session, slab, gas, moved, *follow(gradient, structure.positions[-2:].ravel()))


def barrier_at(session, slab, gas, structure_of, x, values):
    if x is None:
        raise NotRelaxed("the search for a saddle point did not end at one")
    structure = structure_of(x)
    return Barrier(session.answer(structure).energy - gas.with_slab, slab, structure.positions, values), structure


def with_surface_relaxed(session, slab, gas, structure):
    """The saddle point of all atoms but the held layers, by turns: the surface relaxes, the molecule follows."""
    molecule, before = [len(structure) - 2, len(structure) - 1], np.inf
    for _ in range(TURNS):
        session.relax(structure, held=slab.held + molecule, force=1e-3)
        barrier, structure = free(session, slab, gas, structure)
        if abs(barrier.energy - before) < 1e-4:
            return barrier
        before = barrier.energy
    raise NotRelaxed(f"surface and saddle point did not settle in {TURNS} turns")


def dissociation(potential, slab, gas, quick):
    """name -> barrier, as far as the searches got; and the plot."""
    lengths, heights = QUICK if quick else (LENGTHS, HEIGHTS)
    found = {}
    with Session(potential, slab.molecule(0.75, FAR)) as session:
        energy = elbow(session, slab, gas, lengths, heights)
        try:
            d, z, level = start_of_search(energy, lengths, heights)
            progress(f"  {slab.name}: the best path on the grid is highest at d {d:.2f}, Z {z:.2f}: {level:.3f} eV")
            found["parallel"], structure = parallel(session, slab, gas, d, z)
            found["free"], structure = free(session, slab, gas, structure)
            found["surface relaxed"] = with_surface_relaxed(session, slab, gas, structure)
        except NotRelaxed as error:
            progress(f"  {slab.name}: barriers found: {', '.join(found) or 'none'}; then: {error}")
    return found, (slab.name, lengths, heights, energy, found.get("parallel"))


def adsorption(potential, slab, gas, site):
    """Energy of H on a site against half of H2, eV; the surface relaxes, H moves along the normal."""
    structure = slab.with_hydrogen((*slab.atom(site), 1.0))
    with Session(potential, structure) as session:
        answer = session.relax(structure, held=slab.held, along_z=[len(structure) - 1], force=1e-3)
    return answer.energy - slab.energy - gas.energy / 2


def of_face(potential, face, quick):
    """The rows of one face and its plot."""
    slab = Slab(potential, face, LATTICE)
    gas = Gas(potential, slab)
    rows = {}
    if face == "111":
        rows["H2", "bond length", "Å"] = gas.length, 4
        rows["H2", "dissociation energy", "eV"] = gas.dissociation, 3
        for name, site in SITES.items():
            rows[slab.name, f"H on {name}", "eV"] = attempt(f"H on {name}", adsorption, potential, slab, gas, site), 3
    found, plot = dissociation(potential, slab, gas, quick)
    for name, barrier in found.items():
        rows[slab.name, f"barrier, {name}", "eV"] = barrier.energy, 3
        rows[slab.name, f"d, {name}", "Å"] = barrier.length, 3
        rows[slab.name, f"Z, {name}", "Å"] = barrier.height, 3
    return rows, plot


def properties(potential, quick):
    """(system, property, unit) -> (value, digits), and the plots."""
    rows, plots = {}, []
    for name, value in (attempt("Cu", copper, potential) or {}).items():
        rows["Cu", name, "Å" if name == "a" else "GPa"] = value, 4 if name == "a" else 1
    for face in ("111",) if quick else FACES:
        more, plot = attempt(f"Cu({face})", of_face, potential, face, quick) or ({}, None)
        rows.update(more)
        plots += [plot] if plot else []
    return rows, plots


def main():
    published = os.path.join(ROOT, "..", "shared", "reference", "h2cu", "h2cu-mace.model")
    default = [f"mace={shipped('h2cu.ftl')}", *([f"published={published}"] if os.path.exists(published) else [])]
    options = arguments(__doc__, default)
    table, plots = Table(("system", "property", "unit"), options.potentials, options.against), {}
    for label, potential in options.potentials.items():
        start = time.time()
        rows, plots[label] = properties(potential, options.quick)
        for row, (value, digits) in rows.items():
            table.put(label, row, value, digits)
        progress(f"{label}: {time.time() - start:.0f} s")
    table.finish(options.out, "h2cu_properties")
    draw(plots, os.path.join(options.out, "elbows.svg"))


if __name__ == "__main__":
    sys.exit(main())
