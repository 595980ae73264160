"""What a trajectory of in.water says of the liquid: radial distribution functions, self-diffusion of oxygen, whole molecules. Errors
are standard errors of the mean over parts of the trajectory."""

import pathlib

import frames
import numpy as np

KB = 1.380649e-23  # J/K
VISCOSITY = 0.489e-3  # Pa s, of water at 330 K and 0.1 MPa: Patek et al., J. Phys. Chem. Ref. Data 38, 21 (2009)
XI = 2.837297  # of a cubic cell: Yeh and Hummer, J. Phys. Chem. B 108, 15873 (2004)
STEP = 0.0005  # ps
PART = 2.0  # ps: how long the parts of a trajectory are that errors come from
BIN = 0.04  # Angstrom
FIT = (0.5, 1.5)  # ps: where the mean square displacement is fitted by a line


def pair_distances(one, other, length):
    """Distances within half the cell between two species, the same ones once: a list of frames."""
    for a, b in zip(one, other):
        between = a[:, None] - b[None]
        distance = np.linalg.norm(between - length * np.round(between / length), axis=2)
        yield distance[np.triu_indices(len(a), 1)] if one is other else distance.ravel()


def radial(one, other, length):
    """(centres of the bins, g) of two species, up to half the cell."""
    edges = np.arange(0, length / 2, BIN)
    counts, pairs = np.zeros(len(edges) - 1), 0
    for distance in pair_distances(one, other, length):
        counts += np.histogram(distance, edges)[0]
        pairs += len(distance)
    return (edges[1:] + edges[:-1]) / 2, counts / (pairs * 4 / 3 * np.pi * np.diff(edges**3) / length**3)


def extremum(r, g, low, high, sign):
    """Position and height of the largest (or, sign -1, the lowest) value between two distances, of a parabola through 7 bins."""
    inside = np.flatnonzero((r > low) & (r < high))
    k = inside[np.argmax(sign * g[inside])]
    near = slice(max(k - 3, 0), k + 4)
    a, b, c = np.polyfit(r[near], g[near], 2)
    return -b / (2 * a), c - b * b / (4 * a)


def displacement(positions, lags):
    """Mean square displacement over so many frames, of all atoms from all times."""
    return np.array([((positions[lag:] - positions[: len(positions) - lag]) ** 2).sum(2).mean() for lag in lags])


def diffusion(oxygen, dt):
    """D of the Einstein relation in Angstrom^2/ps, from the slope between the times of FIT."""
    lags = np.arange(round(FIT[0] / dt), round(FIT[1] / dt) + 1)
    return np.polyfit(lags * dt, displacement(oxygen, lags), 1)[0] / 6


def finite_size(length, temperature):
    """What Yeh and Hummer add to D of a cube with periodic boundaries: xi kB T / (6 pi eta L), in Angstrom^2/ps."""
    return XI * KB * temperature / (6 * np.pi * VISCOSITY * length * 1e-10) * 1e8


def mean(values):
    values = np.asarray(values, float)
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan


class Part:
    """PART picoseconds of a trajectory, or all of a shorter one."""

    def __init__(self, length, species, positions, thermo, dt):
        self.length, self.species, self.positions, self.dt = length, species, positions, dt
        self.oxygen, self.hydrogen = positions[:, species == "O"], positions[:, species == "H"]
        self.temperature, self.pressure, self.gamma = thermo[:, 1].mean(), thermo[:, 2].mean() / 1e4, thermo[:, 4].max()
        self.oo, self.oh = radial(self.oxygen, self.oxygen, length), radial(self.oxygen, self.hydrogen, length)
        looked = [frames.Frame(length, species, x) for x in positions[:: max(1, len(positions) // 20)]]
        self.whole = all(map(frames.whole, looked))
        self.longest = max(frames.molecules(frame)[1].max() for frame in looked)


def parts_of(path):
    length, species, positions = frames.read_dump(path)
    thermo = np.loadtxt(pathlib.Path(path).with_suffix(".txt"), ndmin=2)
    n = min(len(positions), len(thermo))  # of a run that is under way
    dt = (thermo[1, 0] - thermo[0, 0]) * STEP
    size = min(round(PART / dt), n)
    return [Part(length, species, positions[k : k + size], thermo[k : k + size], dt) for k in range(0, n - size + 1, size)]


def of(path):
    """Of NAME.dump and NAME.txt: a dictionary of curves, and of numbers as (mean, error)."""
    parts = parts_of(path)
    dt = parts[0].dt
    found = {"ps": sum(len(part.positions) for part in parts) * dt, "T": mean([part.temperature for part in parts]), "P": mean([part.pressure for part in parts]),
             "gamma": max(part.gamma for part in parts), "whole": all(part.whole for part in parts), "longest": max(part.longest for part in parts)}  # fmt: skip
    for name in ("oo", "oh"):
        found[name] = getattr(parts[0], name)[0], np.mean([getattr(part, name)[1] for part in parts], axis=0)
    for name, low, high, sign in (("peak", 2.4, 3.2, 1), ("valley", 3.0, 4.2, -1)):
        tops = np.array([extremum(*part.oo, low, high, sign) for part in parts])
        found[name] = tuple((value, mean(column)[1]) for value, column in zip(extremum(*found["oo"], low, high, sign), tops.T))
    if len(parts[0].positions) * dt > FIT[1] + 0.2:
        d, error = mean([diffusion(part.oxygen, dt) for part in parts])
        found["D"], found["D0"] = (d, error), (d + finite_size(parts[0].length, found["T"][0]), error)
        lags = np.arange(round(FIT[1] / dt) + 1)
        found["msd"] = lags * dt, np.mean([displacement(part.oxygen, lags) for part in parts], axis=0)
    return found
