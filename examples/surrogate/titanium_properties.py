"""Properties of titanium and Ti-6Al-4V at 0 K, with several potentials side by side:

    examples/surrogate/run.sh titanium_properties.py tuned=potentials/tialv.ftl ace=FILE.yace ...

hcp, bcc and omega titanium; Ti-6Al-4V, 6 and 4 % by weight, as random alloys of 128 atoms (13 Al, 5 V) on hcp and bcc sites,
mean of three seeds. Cells relax within their crystal system, atoms wherever they like. Elastic constants must be symmetric and agree
with second differences of the energy, or else there is no value. In brackets: deviation from the first.
"""

import sys
import time

import numpy as np

from common import EV_PER_A3, Session, Structure, attempt, bcc, hcp, omega
from elasticity import cubic, elastic_constants, hexagonal, relax_cell, stable
from report import Table, arguments, progress, shipped

J_PER_M2 = EV_PER_A3 / 10  # per eV/A^2
ALUMINIUM, VANADIUM = 13, 5  # of 128: 10.2 and 3.9 %; 6 and 4 % by weight are 10.2 and 3.6 %
SEEDS = (1, 2, 3)
COLUMNS = [("E", "eV/atom", 4), ("a", "Å", 4), ("c", "Å", 4), ("c/a", "", 4),
           *((name, "GPa", 1) for name in ("C11", "C12", "C13", "C33", "C44", "B")), ("stable", "of 1", 2)]  # fmt: skip
NAMES = {"E": "energy", "stable": "stable (Born)"}


def random_alloy(structure, seed):
    """Titanium with aluminium and vanadium anywhere; 128 sites."""
    order = np.random.default_rng(seed).permutation(len(structure))
    symbols = list(structure.symbols)
    for k, atom in enumerate(order[: ALUMINIUM + VANADIUM]):
        symbols[atom] = "Al" if k < ALUMINIUM else "V"
    return Structure(symbols, structure.positions, structure.cell)


def lattice(structure, shape, repeats):
    """a, and c for hexagonal crystals."""
    x, z = structure.cell[0, 0] / repeats[0], structure.cell[2, 2] / repeats[2]
    return {"a": x, "c": z, "c/a": z / x} if shape == "hexagonal" else {"a": x}


def bulk(potential, name, structure, shape, repeats=(1, 1, 1)):
    """Energy per atom, lattice parameters, elastic constants; and the relaxed structure."""
    with Session(potential, structure) as session:
        relaxed, answer = relax_cell(session, structure, shape)
        elastic = elastic_constants(session, relaxed)
    values = {"E": answer.energy / len(structure), **lattice(relaxed, shape, repeats)}
    if elastic.consistent():
        constants = (hexagonal if shape == "hexagonal" else cubic)(elastic.matrix)
        values.update(constants, stable=float(stable(elastic.matrix)))
    else:
        progress(f"  {name}: no elastic constants: under strain it became another structure (Cij - Cji up to "
                 f"{elastic.asymmetry:.1f} GPa, from stress - from energy up to {elastic.against_energy:.1f} GPa)")  # fmt: skip
    return values, relaxed


def alloy(potential, name, cell, shape, repeats):
    """Means over the seeds; of the elastic constants, over those that have them."""
    of_seeds = [bulk(potential, name, random_alloy(cell.repeated(repeats), seed), shape, repeats)[0] for seed in SEEDS]
    names = max(of_seeds, key=len)
    return {name: float(np.mean([values[name] for values in of_seeds if name in values])) for name in names}


def vacancy(potential, unit, energy, repeats=(4, 2, 4)):
    """Formation energy in a cell of fixed size, eV."""
    crystal = unit.repeated(repeats)
    holed = Structure(crystal.symbols[1:], crystal.positions[1:], crystal.cell)
    with Session(potential, holed) as session:
        return session.relax(holed).energy - len(holed) * energy


def basal_surface(potential, unit, energy, layers=14, vacuum=16.0):
    """Energy of a relaxed (0001) surface, J/m2."""
    # an atom at -1e-12 that LAMMPS has put on the other side of the cell would be half a layer at the other surface
    fractions = unit.positions @ np.linalg.inv(unit.cell)
    slab = Structure(unit.symbols, (fractions - np.floor(fractions + 1e-6)) @ unit.cell, unit.cell).repeated((1, 1, layers // 2))
    slab.cell[2, 2] += vacuum
    slab.positions[:, 2] += vacuum / 2
    with Session(potential, slab) as session:
        excess = session.relax(slab).energy - len(slab) * energy
    return excess / (2 * slab.cell[0, 0] * slab.cell[1, 1]) * J_PER_M2


def phases_of(potential, quick):
    """phase -> property -> value; and hcp titanium's cell."""
    titanium = (("hcp Ti", hcp("Ti", 2.94, 4.65), "hexagonal"), ("bcc Ti", bcc("Ti", 3.25), "cubic"),
                ("omega Ti", omega("Ti", 4.55, 2.85), "hexagonal"))  # fmt: skip
    alloys = (("hcp Ti-6Al-4V", hcp("Ti", 2.94, 4.65), "hexagonal", (4, 2, 4)),
              ("bcc Ti-6Al-4V", bcc("Ti", 3.25), "cubic", (4, 4, 4)))  # fmt: skip
    phases, cells = {}, {}
    for name, cell, shape in titanium[:2] if quick else titanium:
        phases[name], cells[name] = attempt(name, bulk, potential, name, cell, shape) or ({}, None)
    for name, cell, shape, repeats in () if quick else alloys:
        phases[name] = attempt(name, alloy, potential, name, cell, shape, repeats) or {}
    return phases, cells["hcp Ti"]


def properties(potential, quick):
    """(phase, property, unit) -> (value, digits), in the order of the table."""
    phases, cell = phases_of(potential, quick)
    rows = {}
    for phase, values in phases.items():
        hcp_energy = phases["hcp Ti-6Al-4V" if "6Al" in phase else "hcp Ti"].get("E")
        if values and hcp_energy is not None and "hcp" not in phase:
            rows[phase, "energy over hcp", "meV/atom"] = 1000 * (values["E"] - hcp_energy), 1
        for name, unit, digits in COLUMNS:
            if name in values:
                rows[phase, NAMES.get(name, name), unit] = values[name], digits
    if cell and not quick:
        energy = phases["hcp Ti"]["E"]
        rows["hcp Ti", "vacancy", "eV"] = attempt("vacancy", vacancy, potential, cell, energy), 3
        rows["hcp Ti", "(0001) surface", "J/m²"] = attempt("surface", basal_surface, potential, cell, energy), 3
    return rows


def main():
    options = arguments(__doc__, [f"tuned={shipped('tialv.ftl')}"])
    table = Table(("phase", "property", "unit"), options.potentials, options.against)
    for label, potential in options.potentials.items():
        start = time.time()
        for row, (value, digits) in properties(potential, options.quick).items():
            table.put(label, row, value, digits)
        progress(f"{label}: {time.time() - start:.0f} s")
    table.finish(options.out, "titanium_properties")


if __name__ == "__main__":
    sys.exit(main())
