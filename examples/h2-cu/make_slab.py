#!/usr/bin/env python3
"""Writes slab.data from one frame of an extended XYZ file, for LAMMPS (units metal, atom_style atomic).

slab.data in this folder was made by

    python3 examples/h2-cu/make_slab.py ../shared/data/h2cu/valid.xyz 44 > examples/h2-cu/slab.data

It is a Cu(111) slab, a rectangle of 3x6 atoms in six layers, in the middle of a trajectory at 300 K whose two lowest layers are fixed
(type 1: Cu, type 2: H, of which there is none yet). Only Python's standard library is used.
"""
import re
import sys


def frame(path, index):
    with open(path) as lines:
        for k in range(index + 1):
            count = int(next(lines))
            comment = next(lines)
            atoms = [next(lines).split() for _ in range(count)]
    return comment, atoms


def main(path, index):
    comment, atoms = frame(path, index)
    if "Properties=species:S:1:pos:R:3" not in comment:
        sys.exit(f"{path}: frame {index}: expected species and positions first")
    cell = [float(x) for x in re.search(r'Lattice="([^"]*)"', comment).group(1).split()]
    a, b, c = cell[0:3], cell[3:6], cell[6:9]
    if any(abs(x) > 1e-12 for x in (a[1], a[2], b[2], c[0], c[1])) or abs(b[0] - a[0] / 2) > 1e-6:
        sys.exit(f"{path}: frame {index}: expected a along x, b leaning over half of a, c along z")
    # Two of these cells side by side make a rectangle: 2b - a is along y.
    positions = [(species, float(x), float(y), float(z)) for species, x, y, z, *_ in atoms]
    positions += [(species, x + b[0], y + b[1], z) for species, x, y, z in positions]
    below = 2.0  # the lowest layer is at z = 0: keep it inside the box
    metadata = " ".join(re.findall(r"(?:config_type|trajectory|T)=\S+", comment))
    print(f"Cu slab of data/h2cu ({metadata})\n")
    print(f"{len(positions)} atoms\n2 atom types\n")
    print(f"0.0 {a[0]:.8f} xlo xhi\n0.0 {2 * b[1]:.8f} ylo yhi\n{-below} {c[2] - below:.8f} zlo zhi\n")
    print("Masses\n\n1 63.546  # Cu\n2 1.008   # H\n\nAtoms  # atomic\n")
    for k, (species, x, y, z) in enumerate(positions, 1):
        print(k, {"Cu": 1, "H": 2}[species], f"{x % a[0]:.8f} {y % (2 * b[1]):.8f} {z:.8f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))
