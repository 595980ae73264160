"""Slabs at a temperature: frames of molecular dynamics of the clean surface, kept in a file."""

import os

import numpy as np

from common import MASS, Session
from slabs import Slab

LATTICE = 3.67143  # Angstrom: of the slabs of data/h2cu at 300 K
TEMPERATURE = 300  # K
STEP, WARMING, BETWEEN, FRAMES = 0.002, 2500, 100, 100  # ps; steps; steps; how many are kept
BOLTZMANN = 8.617333e-5  # eV/K
KINETIC = 1.0364269e-4  # eV per g/mol (A/ps)^2


class Thermal:
    """positions, velocities [frame][atom][3]; cell; held: atoms that do not move; top: mean height of the uppermost layer."""

    def __init__(self, positions, velocities, cell, held, top):
        self.positions, self.velocities, self.cell = positions, velocities, cell
        self.held, self.top = [int(k) for k in held], float(top)

    def temperature(self):
        moving = np.delete(self.velocities, self.held, axis=1)
        return MASS["Cu"] * KINETIC * (moving**2).mean() / BOLTZMANN


def thermal(folder, potential, face, seed):
    """The frames of a face, from the folder or made now."""
    path = os.path.join(folder, f"surface-{face}-{seed}.npz")
    if not os.path.exists(path):
        with open(path + ".part", "wb") as f:
            np.savez(f, **make(potential, face, seed))
        os.replace(path + ".part", path)
    with np.load(path) as kept:
        return Thermal(**kept)


def make(potential, face, seed):
    slab = Slab(potential, face, LATTICE)
    moving = [k + 1 for k in range(len(slab.clean)) if k not in slab.held]
    positions, velocities = [], []
    with Session(potential, slab.clean) as session:
        session.answer(slab.clean)
        session._do(
            f"group moving id {' '.join(map(str, moving))}",
            f"velocity moving create {2 * TEMPERATURE} {seed} mom yes dist gaussian",
            "fix move moving nve", f"fix bath moving langevin {TEMPERATURE} {TEMPERATURE} 0.2 {seed}", f"timestep {STEP}",
            "thermo_style custom step pe", f"run {WARMING} post no",
        )  # fmt: skip
        for _ in range(FRAMES):
            session._do(f"run {BETWEEN} post no")
            positions.append(session._vectors("x"))
            velocities.append(session._vectors("v"))
    positions = np.array(positions)
    top = positions[:, np.argsort(slab.clean.positions[:, 2])[-9:], 2].mean()
    return {"positions": positions, "velocities": np.array(velocities), "cell": slab.clean.cell, "held": slab.held, "top": top}
