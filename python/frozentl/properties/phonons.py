"""Phonons in the harmonic approximation, by phonopy from finite displacements."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from .defects import repeats
from .errors import NoValue, PropertyError
from .symmetry import standardised

DISPLACEMENT = 0.01  # Angstrom
MESH = 30.0  # Angstrom: a mesh of so many points as fit this many times into a cell's vector
POINTS = 120  # of the path through the zone


def check_phonopy() -> None:
    try:
        import phonopy  # noqa: F401
    except ImportError:
        raise PropertyError("phonons need the Python package phonopy, which is not there: pip install phonopy (or frozentl[properties])") from None


def measure(crystal, options):
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    if crystal.symmetry.sites:
        raise NoValue("of a random alloy the phonons would be one realisation's")
    unit = standardised(crystal.relaxed, primitive=False)
    primitive = np.linalg.solve(unit.cell.array.T, standardised(crystal.relaxed, primitive=True).cell.array.T)
    made = Phonopy(PhonopyAtoms(unit.get_chemical_symbols(), cell=unit.cell.array, scaled_positions=unit.get_scaled_positions()),
                   supercell_matrix=np.diag(repeats(unit.cell.array, options.size)), primitive_matrix=primitive)  # fmt: skip
    made.generate_displacements(distance=DISPLACEMENT)
    forces = []
    for moved in made.supercells_with_displacements:
        atoms = Atoms(moved.symbols, cell=moved.cell, scaled_positions=moved.scaled_positions, pbc=True)
        atoms.calc = crystal.relaxed.calc
        forces.append(atoms.get_forces())
    made.forces = forces
    made.produce_force_constants()
    made.symmetrize_force_constants()
    path = Atoms(made.primitive.symbols, cell=made.primitive.cell, pbc=True).cell.bandpath(npoints=POINTS)
    bands = frequencies(made, path.kpts)
    made.run_mesh(MESH)
    lowest, highest = float(min(bands.min(), made.mesh.frequencies.min())), float(max(bands.max(), made.mesh.frequencies.max()))
    made.run_total_dos(freq_pitch=max(highest, 0.1) / 150)
    rows = [("phonons, highest", highest, "THz"), ("phonons, lowest", lowest if lowest < -0.05 else 0.0, "THz")]
    rows += [(f"phonons, {name}", float(f), "THz") for name, f in at_points(made, path)]
    x, places, names = path.get_linear_kpoint_axis()
    data = {"atoms": len(made.supercell), "x": x.tolist(), "bands_THz": bands.tolist(), "places": places.tolist(), "names": list(names),
            "dos_THz": made.total_dos.frequency_points.tolist(), "dos": made.total_dos.dos.tolist()}  # fmt: skip
    return rows, data


def frequencies(made, points) -> np.ndarray:
    """[point][branch], THz; imaginary ones are negative."""
    made.run_qpoints(points)
    return np.array(made.qpoints.frequencies)


def at_points(made, path):
    """The lowest and the highest branch at the special points of the path, but for the zone's middle."""
    for name in sorted(set(path.path.replace(",", "")) - {"G"} - set("0123456789")):
        if name in path.special_points:
            found = frequencies(made, [path.special_points[name]])[0]
            yield from ((f"{name}, lowest", found.min()), (f"{name}, highest", found.max()))
