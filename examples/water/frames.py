"""Structures of water in and out of files: extended XYZ, data files and dumps of LAMMPS. Cells are cubes."""

import pathlib
import re

import numpy as np

ELEMENTS = ("O", "H")  # in the order of the types
MASSES = {"O": 15.999, "H": 1.008}


class Frame:
    def __init__(self, length, species, positions):
        self.length, self.species, self.positions = length, np.array(species), positions


def read_xyz(path):
    """The frames of a file whose columns begin with species and position."""
    lines, frames, k = pathlib.Path(path).read_text().splitlines(), [], 0
    while k < len(lines):
        n = int(lines[k])
        rows = [line.split()[:4] for line in lines[k + 2 : k + 2 + n]]
        lattice = re.search(r'Lattice="([^"]*)"', lines[k + 1])[1].split()
        frames.append(Frame(float(lattice[0]), [row[0] for row in rows], np.array([row[1:] for row in rows], float)))
        k += n + 2
    return frames


def write_xyz(path, frames):
    with open(path, "w") as f:
        for frame in frames:
            f.write(f'{len(frame.species)}\nLattice="{frame.length} 0 0 0 {frame.length} 0 0 0 {frame.length}" Properties=species:S:1:pos:R:3 pbc="T T T"\n')
            f.writelines(f"{s} {x:.5f} {y:.5f} {z:.5f}\n" for s, (x, y, z) in zip(frame.species, frame.positions))


def read_dump(path):
    """(length of the cell, species, positions of frames x atoms x 3, unwrapped) of a dump of in.water."""
    lines = pathlib.Path(path).read_text().splitlines()
    n = int(lines[3])
    low, high = map(float, lines[5].split()[:2])
    whole = len(lines) // (n + 9)
    rows = np.array(" ".join(line for k in range(whole) for line in lines[k * (n + 9) + 9 : (k + 1) * (n + 9)]).split(), float).reshape(whole, n, 5)
    return high - low, np.array([ELEMENTS[int(t) - 1] for t in rows[0, :, 1]]), rows[:, :, 2:]


def molecules(frame):
    """Of each H the index of its O, its distance, and the distance of the next O: (O of each H, nearest, second)."""
    oxygen = np.flatnonzero(frame.species == "O")
    between = frame.positions[frame.species == "H"][:, None] - frame.positions[oxygen][None]
    distance = np.linalg.norm(between - frame.length * np.round(between / frame.length), axis=2)
    order = np.argsort(distance, axis=1)
    return oxygen[order[:, 0]], *np.take_along_axis(distance, order[:, :2], axis=1).T


def whole(frame):
    """Whether each O has two H within 1.25 Angstrom."""
    owner, nearest, _ = molecules(frame)
    return nearest.max() < 1.25 and (np.bincount(owner, minlength=len(frame.species))[frame.species == "O"] == 2).all()


def moved(frame, length):
    """The structure in a cell of another length: its molecules are moved and stay as they are."""
    hydrogen, owner = np.flatnonzero(frame.species == "H"), molecules(frame)[0]
    between = frame.positions[hydrogen] - frame.positions[owner]
    positions = frame.positions * (length / frame.length)
    positions[hydrogen] = positions[owner] + between - frame.length * np.round(between / frame.length)
    return Frame(length, frame.species, positions)


def write_data(path, frame):
    lines = ["water", "", f"{len(frame.species)} atoms", "2 atom types"]
    lines += [f"0 {frame.length} {axis}lo {axis}hi" for axis in "xyz"] + ["", "Masses", ""]
    lines += [f"{t} {MASSES[element]}" for t, element in enumerate(ELEMENTS, 1)] + ["", "Atoms # atomic", ""]
    for k, (species, at) in enumerate(zip(frame.species, frame.positions % frame.length), 1):
        lines.append(f"{k} {ELEMENTS.index(species) + 1} " + " ".join(f"{x:.6f}" for x in at))
    pathlib.Path(path).write_text("\n".join(lines) + "\n")
