"""Elastic constants as numbers and as tensors: averaging over a crystal's point group, moduli of a polycrystal, stability.

6x6 matrices in Voigt's order xx yy zz yz xz xy, GPa; shear strains counted twice.
"""

import numpy as np
import spglib

PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
CONSTANTS = {"cubic": {"C11": (0, 0), "C12": (0, 1), "C44": (3, 3)},
             "hexagonal": {"C11": (0, 0), "C12": (0, 1), "C13": (0, 2), "C33": (2, 2), "C44": (3, 3)}}  # fmt: skip


def point_group(structure):
    """The rotations and reflections of the crystal's sites, Cartesian, as spglib finds them. Elements do not count: of an
    alloy it is the lattice that its realisations have in common. They are taken of the primitive cell, since a larger one
    hides those that do not map it onto itself."""
    cell = (structure.cell, structure.positions @ np.linalg.inv(structure.cell), [1] * len(structure))
    primitive = spglib.standardize_cell(cell, to_primitive=True, no_idealize=True, symprec=1e-3)
    across = primitive[0].T
    whole = spglib.get_symmetry(primitive, symprec=1e-3)["rotations"]
    return [across @ w @ np.linalg.inv(across) for w in np.unique(whole, axis=0)]


def bond_matrix(rotation):
    """What a rotation does to a stress in Voigt's order."""
    matrix = np.zeros((6, 6))
    for column, (i, j) in enumerate(PAIRS):
        unit = np.zeros((3, 3))
        unit[i, j] = unit[j, i] = 1
        turned = rotation @ unit @ rotation.T
        matrix[:, column] = [turned[a, b] for a, b in PAIRS]
    return matrix


def symmetrised(matrix, rotations):
    bonds = [bond_matrix(rotation) for rotation in rotations]
    return sum(bond @ matrix @ bond.T for bond in bonds) / len(bonds)


def stable(matrix):
    """Born's criterion: the energy rises with every strain."""
    return bool(np.linalg.eigvalsh((matrix + matrix.T) / 2)[0] > 0)


def bulk_and_shear(matrix):
    """Voigt's and Reuss' bulk and shear modulus; Reuss' have no meaning in an unstable crystal and are not given there."""
    c = matrix
    normal, across, shear = np.trace(c[:3, :3]), c[0, 1] + c[0, 2] + c[1, 2], np.trace(c[3:, 3:])
    values = {"Voigt": ((normal + 2 * across) / 9, (normal - across + 3 * shear) / 15)}
    if stable(matrix):
        s = np.linalg.inv(c)
        normal, across, shear = np.trace(s[:3, :3]), s[0, 1] + s[0, 2] + s[1, 2], np.trace(s[3:, 3:])
        values["Reuss"] = 1 / (normal + 2 * across), 15 / (4 * (normal - across) + 3 * shear)
        values["Hill"] = tuple((v + r) / 2 for v, r in zip(values["Voigt"], values["Reuss"]))
    return values


def quantities(matrix, shape):
    """Name -> GPa (Poisson's ratio: a number), in the order of the tables."""
    values = {name: matrix[place] for name, place in CONSTANTS[shape].items()}
    for name, (bulk, shear) in bulk_and_shear(matrix).items():
        values[f"bulk, {name}"] = bulk
        values[f"shear, {name}"] = shear
        values[f"Young, {name}"] = 9 * bulk * shear / (3 * bulk + shear)
        if name == "Hill":
            values["Poisson, Hill"] = (3 * bulk - 2 * shear) / (2 * (3 * bulk + shear))
    return {name: float(value) for name, value in values.items()}
