"""Which atoms sit in hcp and which in bcc surroundings: adaptive common-neighbour analysis (Stukowski, Modelling Simul. Mater. Sci. Eng.
20, 045021 (2012)) of the averaged places in path.dump. Standard library only.

    phases.py PATH.dump        a line per frame: step, parts of hcp, bcc, fcc and other
"""

import itertools
import math
import sys

KINDS = ("hcp", "bcc", "fcc", "other")
REACH = (1 + math.sqrt(2)) / 2  # of the distance of the nearest neighbours in fcc and hcp, of the lattice constant in bcc


def frames(path):
    """(step, edges, positions) of a dump with id type x y z and an orthogonal box; not of step 0, where nothing is averaged yet."""
    with open(path) as lines:
        while lines.readline():
            step, _, n = int(lines.readline()), lines.readline(), int(lines.readline())
            lines.readline()
            edges = [float(hi) - float(lo) for lo, hi in (lines.readline().split()[:2] for _ in range(3))]
            lines.readline()
            positions = [[float(x) for x in lines.readline().split()[2:5]] for _ in range(n)]
            if step:
                yield step, edges, positions


def vectors(edges, positions, k):
    """From atom k to its 14 nearest neighbours, nearest first: (distance, vector)."""
    found = []
    for j, other in enumerate(positions):
        if j != k:
            d = [b - a for a, b in zip(positions[k], other)]
            d = [x - edge * round(x / edge) for x, edge in zip(d, edges)]
            found.append((math.sqrt(sum(x * x for x in d)), d))
    return sorted(found)[:14]


def signatures(near, reach):
    """How many common neighbours each neighbour has with the atom, how many bonds these have, and how many the longest chain of them."""
    bonded = [[math.dist(a, b) < reach for _, b in near] for _, a in near]
    counts = {}
    for j in range(len(near)):
        common = [i for i in range(len(near)) if i != j and bonded[j][i]]
        bonds = [(a, b) for a, b in itertools.combinations(common, 2) if bonded[a][b]]
        key = len(common), len(bonds), longest(bonds)
        counts[key] = counts.get(key, 0) + 1
    return counts


def longest(bonds):
    """Bonds in the largest group that hangs together."""
    left, most = set(bonds), 0
    while left:
        group, atoms = 1, set(left.pop())
        while joined := {bond for bond in left if atoms & set(bond)}:
            left -= joined
            group += len(joined)
            atoms |= {atom for bond in joined for atom in bond}
        most = max(most, group)
    return most


def kind(near):
    close = near[:12]
    found = signatures(close, REACH * sum(distance for distance, _ in close) / 12)
    if found == {(4, 2, 1): 6, (4, 2, 2): 6}:
        return "hcp"
    if found == {(4, 2, 1): 12}:
        return "fcc"
    shells = sum(distance for distance, _ in near[:8]) / 8 * 2 / math.sqrt(3), sum(distance for distance, _ in near[8:]) / 6
    if signatures(near, REACH * sum(shells) / 2) == {(6, 6, 6): 8, (4, 4, 4): 6}:
        return "bcc"
    return "other"


def parts(edges, positions):
    """KINDS as parts of all atoms."""
    each = [kind(vectors(edges, positions, k)) for k in range(len(positions))]
    return [each.count(name) / len(each) for name in KINDS]


if __name__ == "__main__":
    for step, edges, positions in frames(sys.argv[1]):
        print(step, *(f"{part:.3f}" for part in parts(edges, positions)))
