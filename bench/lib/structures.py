"""The structures of the benchmark: rattled fcc copper with 2 % of hydrogen in octahedral sites, and the same sites with
elements at random. Standard library only."""

import os
import random

from machine import ROOT

LATTICE = 3.615  # Angstrom
RATTLE = 0.05  # Angstrom, standard deviation
MASSES = {"Cu": 63.546, "H": 1.008, "O": 15.999, "Al": 26.982, "Ti": 47.867, "V": 50.942}
TYPES = ("Cu", "H")


class Crystal:
    def __init__(self, repeats, seed=1, elements=()):
        """repeats^3 cubic cells: 4 repeats^3 copper atoms, and 2 % as many hydrogens; or `elements` at random, without."""
        r, self.types = random.Random(seed), elements or TYPES
        cells = [(i, j, k) for i in range(repeats) for j in range(repeats) for k in range(repeats)]
        fcc = ((0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5))
        atoms = [(r.choice(elements) if elements else "Cu", [c[a] + b[a] for a in range(3)]) for c in cells for b in fcc]
        if not elements:
            atoms += [("H", [x + 0.5 for x in c]) for c in r.sample(cells, round(0.08 * len(cells)))]
        self.edge = repeats * LATTICE
        self.symbols = [s for s, _ in atoms]
        self.positions = [[(LATTICE * x + r.gauss(0, RATTLE)) % self.edge for x in p] for _, p in atoms]

    def __len__(self):
        return len(self.symbols)

    def write_xyz(self, path):
        e = self.edge
        with open(path, "w") as f:
            f.write(f'{len(self)}\nLattice="{e} 0 0 0 {e} 0 0 0 {e}" Properties=species:S:1:pos:R:3 pbc="T T T"\n')
            for s, p in zip(self.symbols, self.positions):
                f.write("%s %.10f %.10f %.10f\n" % (s, *p))

    def write_lammps(self, path):
        with open(path, "w") as f:
            f.write(f"{' '.join(self.types)}\n\n{len(self)} atoms\n{len(self.types)} atom types\n\n")
            for axis in "xyz":
                f.write(f"0 {self.edge} {axis}lo {axis}hi\n")
            f.write("\nMasses\n\n" + "".join(f"{i + 1} {MASSES[t]}\n" for i, t in enumerate(self.types)) + "\nAtoms # atomic\n\n")
            for i, (s, p) in enumerate(zip(self.symbols, self.positions)):
                f.write("%d %d %.10f %.10f %.10f\n" % (i + 1, self.types.index(s) + 1, *p))


def describe(repeats, elements=()):
    """Files of one structure, its number of atoms and the elements of its types in LAMMPS."""
    folder = os.path.join(ROOT, "build", "bench")
    os.makedirs(folder, exist_ok=True)
    crystal = Crystal(repeats, elements=elements)
    base = os.path.join(folder, f"{''.join(elements) or 'cu-h'}-{repeats}")
    crystal.write_xyz(base + ".xyz")
    crystal.write_lammps(base + ".data")
    return {"xyz": base + ".xyz", "data": base + ".data", "atoms": len(crystal), "types": crystal.types}
