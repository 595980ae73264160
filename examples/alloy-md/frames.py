"""Structures on their way through the loop: the alloy to start with, LAMMPS' frames as extended XYZ, a model's answers as labels.

    frames.py alloy OUT.data SEED NX NY NZ         hcp Ti-6Al-4V, elements at random, 4 NX NY NZ atoms
    frames.py pick HEAT_FOLDER BEFORE.xyz LAST.xyz the frames that LAMMPS remembered, and the last one
    frames.py data FRAME.xyz INDEX OUT.data        a frame for LAMMPS
    frames.py bare FRAMES.xyz OUT.xyz              structures and config_type alone
    frames.py label ANSWERS.xyz OUT.xyz            the answers of `frozentl eval -o` as REF_ labels
    frames.py error LABELLED.xyz ANSWERS.json      RMSE of energy per atom (meV) and forces (meV/A): all frames, then the last one

Standard library only.
"""

import json
import os
import random
import re
import sys

ELEMENTS = ("Al", "Ti", "V")
MASSES = (26.982, 47.867, 50.942)
SHARES = {"Al": 0.102, "V": 0.036}  # 6 and 4 % by weight
A, C = 2.91, 4.67


def write(path, text):
    with open(path + ".part", "w") as f:
        f.write(text)
    os.replace(path + ".part", path)


def data_text(symbols, positions, edges):
    lines = ["made by examples/alloy-md", "", f"{len(symbols)} atoms", f"{len(ELEMENTS)} atom types", ""]
    lines += [f"0 {edge:.10g} {axis}lo {axis}hi" for axis, edge in zip("xyz", edges)]
    lines += ["", "Masses", ""] + [f"{k + 1} {mass}" for k, mass in enumerate(MASSES)] + ["", "Atoms # atomic", ""]
    lines += [f"{k + 1} {ELEMENTS.index(s) + 1} " + " ".join(f"{x:.10g}" for x in p) for k, (s, p) in enumerate(zip(symbols, positions))]
    return "\n".join(lines) + "\n"


def alloy(out, seed, *repeats):
    unit, corner = (A, A * 3**0.5, C), ((0, 0, 0), (1 / 2, 1 / 2, 0), (1 / 2, 1 / 6, 1 / 2), (0, 2 / 3, 1 / 2))
    repeats = [int(n) for n in repeats]
    cells = [(i, j, k) for i in range(repeats[0]) for j in range(repeats[1]) for k in range(repeats[2])]
    positions = [[(cell[d] + at[d]) * unit[d] for d in range(3)] for cell in cells for at in corner]
    n = {element: round(share * len(positions)) for element, share in SHARES.items()}
    symbols = ["Al"] * n["Al"] + ["V"] * n["V"] + ["Ti"] * (len(positions) - n["Al"] - n["V"])
    random.Random(int(seed)).shuffle(symbols)
    write(out, data_text(symbols, positions, [unit[d] * repeats[d] for d in range(3)]))


def dumped(path):
    """(largest, frame as extended XYZ) of a LAMMPS dump with id type x y z and what was told of each atom, and an orthogonal box."""
    with open(path) as lines:
        while line := lines.readline():
            step, _, n = lines.readline().strip(), lines.readline(), int(lines.readline())
            lines.readline()
            bounds = [tuple(map(float, lines.readline().split()[:2])) for _ in range(3)]
            lines.readline()
            rows = [lines.readline().split() for _ in range(n)]
            cell = " ".join(f"{hi - lo if d == k else 0:.10g}" for d, (lo, hi) in enumerate(bounds) for k in range(3))
            atoms = [f"{ELEMENTS[int(row[1]) - 1]} " + " ".join(f"{float(row[2 + d]) - bounds[d][0]:.8f}" for d in range(3)) for row in rows]
            yield max(float(row[5]) for row in rows), f'{n}\nLattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T" step={step} config_type=heated\n' + "\n".join(atoms) + "\n"


def pick(folder, before, out):
    """The last one is the one that ended the run."""
    path = os.path.join(folder, "frames.dump")
    remembered = [frame for _, frame in dumped(path)] if os.path.exists(path) else []
    last = next(frame for _, frame in dumped(os.path.join(folder, "last.dump")))
    write(before, "".join(frame for frame in remembered if frame != last))
    write(out, last)


def frames(path):
    with open(path) as lines:
        while line := lines.readline():
            yield lines.readline(), [lines.readline().split() for _ in range(int(line))]


def data(path, index, out):
    comment, rows = list(frames(path))[int(index)]
    lattice = [float(x) for x in re.search(r'Lattice="([^"]*)"', comment).group(1).split()]
    write(out, data_text([row[0] for row in rows], [[float(x) for x in row[1:4]] for row in rows], lattice[::4]))


def bare(path, out):
    text = []
    for comment, rows in frames(path):
        lattice = re.search(r'Lattice="[^"]*"', comment).group(0)
        kind = re.search(r"config_type=\S+", comment)
        text.append(f'{len(rows)}\n{lattice} Properties=species:S:1:pos:R:3 pbc="T T T" {kind.group(0) if kind else "config_type=start"}\n')
        text += [" ".join(row[:4]) + "\n" for row in rows]
    write(out, "".join(text))


def label(answers, out):
    text = []
    for comment, rows in frames(answers):
        comment = re.sub(r"(?<!REF_)\b(energy|stress)=", r"REF_\1=", comment.strip())
        comment = re.sub(r":forces:R:3", ":REF_forces:R:3", comment)
        text += [f"{len(rows)}\n{comment}\n"] + [" ".join(row) + "\n" for row in rows]
    write(out, "".join(text))


def error(labelled, answers):
    with open(answers) as f:
        have = json.load(f)
    energies, forces = [], []
    for (comment, rows), answer in zip(frames(labelled), have):
        first = column(comment, "REF_forces")
        energies.append((answer["energy"] - float(re.search(r"REF_energy=(\S+)", comment).group(1))) / len(rows))
        forces.append([a - float(b) for row, force in zip(rows, answer["forces"]) for a, b in zip(force, row[first : first + 3])])
    for e, f in ((energies, sum(forces, [])), (energies[-1:], forces[-1])):
        print(f"{1000 * rms(e):.3f} {1000 * rms(f):.2f}")


def column(comment, wanted):
    at = 0
    words = re.search(r"Properties=(\S+)", comment).group(1).split(":")
    for name, _, width in zip(words[::3], words[1::3], words[2::3]):
        if name == wanted:
            return at
        at += int(width)
    raise SystemExit(f"a frame has no {wanted}")


def rms(values):
    return (sum(x * x for x in values) / len(values)) ** 0.5


if __name__ == "__main__":
    {"alloy": alloy, "pick": pick, "data": data, "bare": bare, "label": label, "error": error}[sys.argv[1]](*sys.argv[2:])
