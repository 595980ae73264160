"""Molecules that meet a surface at a temperature: what becomes of each, by molecular dynamics at constant energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.md.verlet import VelocityVerlet

from .molecule import KINETIC, MASSES, Vibration, incoming
from .slabs import Slab

STEP, LOOK, LONGEST = 0.25, 20, 2000.0  # fs; steps between looks at the molecule; fs
BROKEN = 2.25  # Angstrom: a bond longer than this is broken (in the gas 0.75, at barriers 1.0 to 1.2)
HEIGHT = 5.5  # Angstrom: of the molecule's centre over the top layer, where it starts, and past which it has left
WARMING, BETWEEN, FRAMES = 2500, 100, 100  # steps of 2 fs; steps; frames of the clean surface
PS = 1000 * units.fs


@dataclass
class Frames:
    """The clean surface at a temperature: positions (Angstrom) and velocities (Angstrom/ps) [frame][atom][3], mean height of the top layer."""

    positions: list
    velocities: list
    top: float


def frames(slab: Slab, temperature: float, seed: int, count: int = FRAMES) -> Frames:
    """Of a run with Langevin's thermostat, which starts at twice the temperature, as half of it goes into the bonds."""
    atoms, random = slab.clean.copy(), np.random.default_rng(seed)
    atoms.calc = slab.clean.calc
    MaxwellBoltzmannDistribution(atoms, temperature_K=2 * temperature, rng=random)
    bath = Langevin(atoms, 2 * units.fs, temperature_K=temperature, friction=1 / (0.2 * PS), fixcm=False, rng=random)
    bath.run(WARMING)
    positions, velocities = [], []
    for _ in range(count):
        bath.run(BETWEEN)
        positions.append(atoms.positions.copy())
        velocities.append(atoms.get_velocities() * PS)
    highest = np.argsort(slab.clean.positions[:, 2])[-slab.top_layer :]
    return Frames(np.array(positions).tolist(), np.array(velocities).tolist(), float(np.array(positions)[:, highest, 2].mean()))


@dataclass
class Result:
    """outcome: dissociated, scattered or undecided; time (fs) and bond (Angstrom) at the end; lowest: how low the molecule's
    centre came over the top layer (Angstrom); leaving: energy of its translation at the end, eV; drift: by how much the total
    energy varied, meV."""

    outcome: str
    time: float
    bond: float
    lowest: float
    leaving: float
    drift: float


def encounter(slab: Slab, surface: Frames, vibration: Vibration, energy: float, random: np.random.Generator) -> Result:
    """One molecule, straight down with `energy` over a random point, with a random direction and phase of its bond."""
    k = random.integers(len(surface.positions))
    x, u = incoming(vibration, energy, random.random(2) @ slab.clean.cell.array[:2, :2], surface.top + HEIGHT, random)
    atoms = slab.with_atoms(["H", "H"], x - (0, 0, slab.top))
    atoms.set_masses([*slab.clean.get_masses(), vibration.mass, vibration.mass])
    atoms.set_positions(np.vstack([surface.positions[k], x]), apply_constraint=False)
    atoms.set_velocities(np.vstack([surface.velocities[k], u]) / PS)
    move, outcome, lowest, energies, looks = VelocityVerlet(atoms, STEP * units.fs), "undecided", np.inf, [], 0
    while outcome == "undecided" and looks * LOOK * STEP < LONGEST:
        move.run(LOOK)
        looks += 1
        bond, height = atoms.get_distance(-1, -2, mic=True), atoms.positions[-2:, 2].mean() - surface.top
        velocity = atoms.get_velocities()[-2:].mean(axis=0) * PS
        energies.append(atoms.get_total_energy())
        lowest = min(lowest, height)
        if bond > BROKEN:
            outcome = "dissociated"
        elif height > HEIGHT and velocity[2] > 0:
            outcome = "scattered"
    leaving = vibration.mass * KINETIC * float((velocity**2).sum())
    return Result(outcome, looks * LOOK * STEP, float(bond), float(lowest), leaving, 1000 * float(np.ptp(energies)))


def generator(seed: int, where: str, molecule: str, v: int, energy: float, number: int) -> np.random.Generator:
    """Encounter number n begins the same whatever the potential and what was done before."""
    return np.random.default_rng([seed, *where.encode(), list(MASSES).index(molecule), v, round(1e4 * energy), number])
