"""A matrix of elastic constants from a run of in.warm. GPa, Voigt's order xx yy zz yz xz xy."""

import os
import subprocess

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GPA = 1e-4  # per bar
EV_PER_A3 = 160.21766  # GPa
BOLTZMANN = 8.617333e-5  # eV/K
LAMMPS_ORDER = (0, 1, 2, 5, 4, 3)  # where xx yy zz yz xz xy are in LAMMPS' xx yy zz xy xz yz
BATH = {"cubic": "iso 0 0 1.0", "hexagonal": "aniso 0 0 1.0 couple xy"}
MASS = {"Al": 26.982, "Ti": 47.867, "V": 50.942, "Cu": 63.546, "Mo": 95.95}
BLOCKS = 10


def write_data(path, structure, elements):
    """A LAMMPS data file of an orthogonal cell."""
    lines = ["made by examples/elastic", "", f"{len(structure)} atoms", f"{len(elements)} atom types", ""]
    lines += [f"0 {structure.cell[d, d]:.12g} {axis}lo {axis}hi" for d, axis in enumerate("xyz")]
    lines += ["", "Masses", ""] + [f"{k + 1} {MASS[element]}" for k, element in enumerate(elements)]
    lines += ["", "Atoms # atomic", ""]
    lines += [f"{k + 1} {elements.index(symbol) + 1} " + " ".join(f"{x:.12g}" for x in position)
              for k, (symbol, position) in enumerate(zip(structure.symbols, structure.positions))]  # fmt: skip
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


def lammps(folder, script, **variables):
    """Runs LAMMPS in the folder; a run that fails says what LAMMPS said."""
    words = [word for name, value in variables.items() for word in ("-var", name, str(value))]
    lmp = os.path.join(ROOT, "build", "venv", "bin", "lmp")
    run = subprocess.run([lmp, "-in", os.path.join(HERE, script), "-log", f"{script}.log", "-screen", "none", *words], cwd=folder,
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)  # fmt: skip
    if run.returncode:
        with open(os.path.join(folder, f"{script}.log")) as f:
            said = [line for line in f if line.startswith("ERROR")]
        raise SystemExit(f"{script} in {folder}: {''.join(said).strip() or run.stderr.strip()}")


class Warm:
    """Matrices at a temperature: of the whole run, and of the run without one block each (for errors)."""

    def __init__(self, folder, potential, structure, elements, shape, **settings):
        if not self.finished(folder):
            os.makedirs(folder, exist_ok=True)
            write_data(os.path.join(folder, "start.data"), structure, elements)
            lammps(folder, "in.warm", potential=potential, data="start.data", elements=" ".join(elements), shape=BATH[shape],
                   **settings)  # fmt: skip
            open(os.path.join(folder, "done"), "w").close()
        with open(os.path.join(folder, "warm.cell")) as f:
            *self.cell, self.volume, self.atoms, self.temperature = (float(x) for x in f.readline()[1:].split())
        stress = -np.loadtxt(os.path.join(folder, "warm.stress"))[1:, 1:][:, LAMMPS_ORDER] * GPA
        born = [self._unpacked(row) for row in np.loadtxt(os.path.join(folder, "warm.born"))[1:, 1:]]
        self.matrix = self._matrix(stress, born)
        of_stress, of_born = np.array_split(stress, BLOCKS), np.array_split(np.array(born), BLOCKS)
        self.without = [self._matrix(np.concatenate(of_stress[:k] + of_stress[k + 1 :]), np.concatenate(of_born[:k] + of_born[k + 1 :]))
                        for k in range(BLOCKS)]  # fmt: skip

    @staticmethod
    def finished(folder):
        return os.path.exists(os.path.join(folder, "done"))

    def _unpacked(self, row):
        """compute born/matrix: the diagonal first, then the rows of the upper triangle; eV."""
        places = [(k, k) for k in range(6)] + [(i, j) for i in range(6) for j in range(i + 1, 6)]
        matrix = np.zeros((6, 6))
        for (i, j), value in zip(places, row):
            matrix[i, j] = matrix[j, i] = value / self.volume * EV_PER_A3
        return matrix

    def _matrix(self, stress, born):
        thermal = BOLTZMANN * self.temperature * EV_PER_A3 / self.volume  # GPa
        fluctuation = np.cov(stress.T, bias=True) / thermal
        return np.mean(born, axis=0) - fluctuation + self.atoms * thermal * np.diag([2.0, 2, 2, 1, 1, 1])
