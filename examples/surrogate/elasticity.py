"""Lattice parameters and elastic constants at 0 K, from the stress. Units and Voigt order as in common.py."""

import numpy as np

from common import EV_PER_A3, VOIGT, NotRelaxed, Structure

MODULI = (110.0, 45.0)  # bulk and shear modulus for the first step towards zero stress
SMALL = 0.002  # GPa: stress at which a cell counts as relaxed
WRONG = 0.5  # GPa: a measured matrix that is less symmetric is not one


def shape_strains(shape):
    """The strains that keep a cubic or hexagonal (c along z) crystal what it is."""
    return {"cubic": [np.eye(3)], "hexagonal": [np.diag([1.0, 1.0, 0.0]), np.diag([0.0, 0.0, 1.0])]}[shape]


def relax_cell(session, structure, shape, steps=25):
    """Positions and cell of least energy within the shape: Broyden's method on the stress. Returns structure and answer.

    Only the part of the stress that the shape allows vanishes: a random alloy keeps the rest, its share of disorder.
    """
    modes = shape_strains(shape)
    bulk, shear = MODULI
    stiffness = np.array([[bulk * np.trace(a) * np.trace(b) + 2 * shear * np.sum(deviator(a) * deviator(b)) for b in modes]
                          for a in modes])  # fmt: skip
    inverse = np.linalg.inv(stiffness)
    structure = Structure(structure.symbols, structure.positions, structure.cell)
    answer = session.relax(structure)
    stress = np.array([np.sum(mode * answer.stress) for mode in modes])
    for _ in range(steps):
        if np.abs(stress).max() < SMALL:
            return structure, answer
        step = np.clip(-inverse @ stress, -0.03, 0.03)
        structure = structure.strained(sum(x * mode for x, mode in zip(step, modes)))
        answer = session.relax(structure)
        change = np.array([np.sum(mode * answer.stress) for mode in modes]) - stress
        stress = stress + change
        inverse += np.outer(step - inverse @ change, step @ inverse) / (step @ inverse @ change)
    raise NotRelaxed(f"the {shape} cell did not relax: a stress of {np.abs(stress).max():.3g} GPa is left")


def deviator(tensor):
    return tensor - np.trace(tensor) / 3 * np.eye(3)


class Elastic:
    """The 6x6 matrix as measured, how far it is from symmetric, and how far from second differences of the energy."""

    def __init__(self, matrix, asymmetry, against_energy):
        self.matrix, self.asymmetry, self.against_energy = matrix, asymmetry, against_energy

    def consistent(self):
        """False if a load changed the structure, so that the differences are no derivatives."""
        return max(self.asymmetry, self.against_energy) < WRONG


def elastic_constants(session, structure, strain=0.002, relaxed=True):
    """Six loads of both signs around `structure`, positions relaxed in each; central differences of the stress.

    The same loads give the diagonal from the energies, (E+ - 2 E0 + E-) / (V strain^2), if atoms and cell were relaxed.
    """
    ask = session.relax if relaxed else session.answer
    centre = Structure(structure.symbols, structure.positions, structure.cell)
    here = ask(centre).energy
    columns, from_energy = [], []
    for i, j in VOIGT:
        load = np.zeros((3, 3))
        load[i, j] += strain / 2
        load[j, i] += strain / 2
        plus, minus = ask(centre.strained(load)), ask(centre.strained(-load))
        columns.append([(plus.stress[a, b] - minus.stress[a, b]) / (2 * strain) for a, b in VOIGT])
        from_energy.append((plus.energy - 2 * here + minus.energy) / (strain**2 * centre.volume()) * EV_PER_A3)
    matrix = np.array(columns).T
    asymmetry = np.abs(matrix - matrix.T).max()
    against_energy = np.abs(np.diag(matrix) - np.array(from_energy)).max()
    return Elastic((matrix + matrix.T) / 2, asymmetry, against_energy)


def cubic(c):
    """C11, C12, C44 of the nearest cubic crystal, and the bulk modulus."""
    c11, c12, c44 = c[:3, :3].trace() / 3, (c[0, 1] + c[0, 2] + c[1, 2]) / 3, c[3:, 3:].trace() / 3
    return {"C11": c11, "C12": c12, "C44": c44, "B": (c11 + 2 * c12) / 3}


def hexagonal(c):
    """C11, C12, C13, C33, C44 of the nearest hexagonal crystal (averaged around z), and the bulk modulus."""
    c11 = 3 / 8 * (c[0, 0] + c[1, 1]) + c[0, 1] / 4 + c[5, 5] / 2
    c12 = (c[0, 0] + c[1, 1]) / 8 + 3 / 4 * c[0, 1] - c[5, 5] / 2
    c13, c33, c44 = (c[0, 2] + c[1, 2]) / 2, c[2, 2], (c[3, 3] + c[4, 4]) / 2
    bulk = ((c11 + c12) * c33 - 2 * c13**2) / (c11 + c12 + 2 * c33 - 4 * c13)
    return {"C11": c11, "C12": c12, "C13": c13, "C33": c33, "C44": c44, "B": bulk}


def stable(c):
    """Born's criterion: the energy rises with every strain."""
    return np.linalg.eigvalsh(c)[0] > 0
