"""H2 or D2 with a quantum of vibration, classically: levels, phases, and a molecule on its way to a surface."""

import numpy as np
from ase import Atoms

MASSES = {"H2": 1.008, "D2": 2.014}  # g/mol, of an atom; hydrogen for the potential in either case
KINETIC = 1.0364269e-4  # eV per g/mol (A/ps)^2
HBAR = 6.582119569e-4  # eV ps
LENGTHS = np.arange(0.40, 1.90, 0.005)  # Angstrom
POINTS = 400  # of an integral over the bond length


class Vibration:
    """The bond of a free molecule that does not rotate, with the energy of level v after Bohr and Sommerfeld. mass: of an atom, g/mol."""

    def __init__(self, curve, v, mass=MASSES["H2"]):
        self.curve, self.mass = curve, mass  # energies at LENGTHS over the minimum, eV
        low, high = 0.0, 3.0
        while high - low > 1e-7:
            energy = (low + high) / 2
            low, high = (energy, high) if self._action(energy) < np.pi * HBAR * (v + 0.5) else (low, energy)
        self.energy = low
        self.lengths, weights = self._points(low)
        times = np.cumsum(weights / self._speed(low, self.lengths))
        self.half_period, self.times = times[-1], times

    def _points(self, energy):
        """Bond lengths between the turning points, closer to each other at the ends, and what each stands for."""
        inside = LENGTHS[self.curve < energy]
        step = LENGTHS[1] - LENGTHS[0]
        first, last = inside[0], inside[-1]
        shortest = np.interp(-energy, -self._at([first - step, first]), [first - step, first])
        longest = np.interp(energy, self._at([last, last + step]), [last, last + step])
        angle = (np.arange(POINTS) + 0.5) * np.pi / POINTS
        half = (longest - shortest) / 2
        return shortest + half * (1 - np.cos(angle)), half * np.sin(angle) * np.pi / POINTS

    def _at(self, lengths):
        return np.interp(lengths, LENGTHS, self.curve)

    def _speed(self, energy, lengths):
        """Of the bond's length, A/ps."""
        return np.sqrt(2 * np.maximum(energy - self._at(lengths), 1e-9) / (self.mass / 2 * KINETIC))

    def _action(self, energy):
        lengths, weights = self._points(energy)
        return KINETIC * self.mass / 2 * np.sum(self._speed(energy, lengths) * weights)

    def at(self, phase):
        """Bond length and its rate of change (A/ps) at a phase of 0 to 1 of the period."""
        outwards = phase < 0.5
        time = self.half_period * (2 * phase if outwards else 2 - 2 * phase)
        length = np.interp(time, self.times, self.lengths)
        return length, (1 if outwards else -1) * self._speed(self.energy, length)


def curve_of(calculator):
    """Energies of a free H2 at LENGTHS over the lowest of them."""
    molecule = Atoms("H2", positions=[(0, 0, 0), (0, 0, 1)], cell=[26, 26, 26], pbc=True)
    molecule.calc = calculator
    energies = []
    for length in LENGTHS:
        molecule.positions[1, 2] = length
        energies.append(molecule.get_potential_energy())
    return np.array(energies) - min(energies)


def incoming(vibration, energy, surface_point, height, random):
    """Positions and velocities [2][3] of a molecule above `surface_point`, on its way down with `energy`: its direction and the
    phase of its bond are random, all directions alike."""
    length, rate = vibration.at(random.random())
    up, turn = random.uniform(-1, 1), random.uniform(0, 2 * np.pi)
    along = np.array([np.sqrt(1 - up * up) * np.cos(turn), np.sqrt(1 - up * up) * np.sin(turn), up])
    centre, down = np.array([*surface_point, height]), np.array([0, 0, -np.sqrt(energy / (vibration.mass * KINETIC))])
    ends = np.array([-0.5, 0.5])[:, None] * along
    return centre + length * ends, down + rate * ends
