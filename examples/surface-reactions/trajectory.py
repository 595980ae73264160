"""One molecule meets a surface: molecular dynamics at constant energy in LAMMPS until it is clear what became of it."""

import ctypes

import numpy as np

from common import MASS, Session, Structure
from frozentl.reactions.molecule import KINETIC

STEP = 0.00025  # ps
LOOK, FRAME = 20, 4  # steps between looks at the molecule, and between frames of a film
LONGEST = 2.0  # ps
BROKEN = 2.25  # Angstrom: a bond longer than this is broken (in the gas 0.75, at the barriers 1.0 to 1.2)
HEIGHT = 5.5  # Angstrom: of the molecule's centre over the top layer, where it starts, and past which it has left


class Result:
    """outcome: dissociated, scattered or undecided; time (fs) and bond (Angstrom) at the end; lowest: how low the molecule's
    centre came over the top layer (Angstrom); leaving: energy of its translation at the end, eV; drift: by how much the total
    energy varied, meV."""

    def __init__(self, outcome, time, bond, lowest, leaving, drift):
        self.outcome, self.time, self.bond, self.lowest, self.leaving, self.drift = outcome, time, bond, lowest, leaving, drift


class Encounters(Session):
    """One LAMMPS for many encounters with a surface, one after the other."""

    def __init__(self, potential, thermal, step=STEP):
        self.top, self.step = thermal.top, step
        symbols = ["Cu"] * thermal.positions.shape[1] + ["H", "H"]
        above = np.array([(0, 0, thermal.top + HEIGHT), (0, 0, thermal.top + HEIGHT + 0.75)])
        super().__init__(potential, Structure(symbols, np.vstack([thermal.positions[0], above]), thermal.cell))
        self.inverse, self.cell = np.linalg.inv(thermal.cell), thermal.cell
        moving = [k + 1 for k in range(len(symbols)) if k not in thermal.held]
        self._do("neighbor 1.0 bin", f"group moving id {' '.join(map(str, moving))}", "fix move moving nve", f"timestep {step}",
                 "thermo_style custom step etotal", "thermo 1000000")  # fmt: skip

    def _scatter(self, name, values):
        flat = (values @ self.rotation.T).ravel()
        self.lammps.scatter_atoms(name, 1, 3, (len(flat) * ctypes.c_double)(*flat))

    def _molecule(self):
        """Bond length, height of the centre over the top layer, velocity of the centre."""
        x, v = self._vectors("x")[-2:], self._vectors("v")[-2:]
        apart = (x[1] - x[0]) @ self.inverse
        return np.linalg.norm((apart - np.round(apart)) @ self.cell), x[:, 2].mean() - self.top, v.mean(axis=0)

    def run(self, positions, velocities, film=None):
        """The result; with `film`, LAMMPS writes the trajectory there (extended XYZ: OVITO, VMD and ASE read it)."""
        self._scatter("x", positions)
        self._scatter("v", velocities)
        self._do("reset_timestep 0")
        if film:
            self._do(f"dump film all extxyz {FRAME} {film}", "dump_modify film element Cu H sort id")
        outcome, lowest, energies, look = "undecided", np.inf, [], 0
        while outcome == "undecided" and look * LOOK * self.step < LONGEST:
            self._do(f"run {LOOK} pre {'no' if look else 'yes'} post no")
            look += 1
            bond, height, velocity = self._molecule()
            energies.append(self.lammps.get_thermo("etotal"))
            lowest = min(lowest, height)
            if bond > BROKEN:
                outcome = "dissociated"
            elif height > HEIGHT and velocity[2] > 0:
                outcome = "scattered"
        if film:
            self._do("undump film")
        leaving = MASS["H"] * KINETIC * (velocity**2).sum()
        return Result(outcome, 1000 * look * LOOK * self.step, bond, lowest, leaving, 1000 * np.ptp(energies))
