"""How many rows travel between ranks: what programs/halo_model computes with. Lengths in Angstrom. Standard library only.

A rank has a box of atoms, one of a grid of equal boxes. It needs a row of every atom of other ranks that is within
`reach` of one of its own (pair_style/halo.h): the model's cutoff and LAMMPS' skin. All periodic images of an atom are
one row, so directions in which the grid is not divided count for nothing."""

import functools
import math


@functools.lru_cache
def reached(density, reach, n=30):
    """Thickness of the layer of atoms that are reached from beyond a plane, area reached around the edge of a quarter
    space and volume around the corner of an octant. Less than a sphere's: an atom near the end of the reach may find none
    on the other side. On a grid of n steps, with the chance that at least one atom is in the part of its sphere that lies
    beyond."""
    h, steps = reach / n, range(n - 1, -1, -1)
    beyond = [
        [[0] * (n + 1) for _ in range(n + 1)] for _ in range(n + 1)
    ]  # cells of the sphere at x, y, z or farther out
    for x in steps:
        for y in steps:
            row, back, side, both = beyond[x][y], beyond[x + 1][y], beyond[x][y + 1], beyond[x + 1][y + 1]
            for z in steps:
                inside = (x + 0.5) ** 2 + (y + 0.5) ** 2 + (z + 0.5) ** 2 < n * n
                row[z] = inside + back[z] + side[z] + row[z + 1] - both[z] - back[z + 1] - side[z + 1] + both[z + 1]

    def chance(cells):
        return 1 - math.exp(-density * cells * h**3)

    def step(*at):  # the trapezoidal rule
        return h ** len(at) * 0.5 ** at.count(0)

    face = sum(step(x) * chance(4 * beyond[x][0][0]) for x in steps)
    edge = sum(step(x, y) * chance(2 * beyond[x][y][0]) for x in steps for y in steps)
    corner = sum(step(x, y, z) * chance(beyond[x][y][z]) for x in steps for y in steps for z in steps)
    return face, edge, corner


def halo_rows(density, box, grid, reach):
    """Atoms of other ranks that a rank needs. box: its three edges; grid: ranks in each direction."""
    face, edge, corner = reached(density, reach)
    split = [d for d in range(3) if grid[d] > 1]
    # less than the whole reach on both sides, if the ranks in this direction are too few or too thin
    part = [min(1.0, (grid[d] - 1) * box[d] / (2 * face)) for d in range(3)]
    faces = sum(2 * face * part[d] * box[d - 1] * box[d - 2] for d in split)
    edges = sum(4 * edge * part[d] * part[e] * box[3 - d - e] for d in split for e in split if d < e)
    corners = 8 * corner * math.prod(part) if len(split) == 3 else 0
    return density * (faces + edges + corners)


def lammps_ghosts(density, box, reach, spacing=None):
    """Ghosts of a rank as LAMMPS makes them: every image in its box made larger by the reach on all sides. Atoms are spread evenly,
    or, with `spacing`, lie in lattice planes that far apart, parallel to the box's faces and one of them at its lower ones: the
    reach then holds whole planes."""

    def both_sides():
        return spacing * (math.floor(reach / spacing) + math.ceil(reach / spacing)) if spacing else 2 * reach

    return density * (math.prod(edge + both_sides() for edge in box) - math.prod(box))


def inner_part(box, grid, reach):
    """The part of a rank's atoms that no other rank needs: they are computed while rows are under way."""
    return math.prod(max(0.0, box[d] - 2 * reach) / box[d] for d in range(3) if grid[d] > 1)


def neighbours(box, grid, reach):
    """Other ranks that a rank exchanges rows with."""
    return math.prod(min(grid[d], 1 + 2 * math.ceil(reach / box[d])) for d in range(3)) - 1


@functools.lru_cache(maxsize=None)
def divisors(n):
    low = [k for k in range(1, math.isqrt(n) + 1) if n % k == 0]
    return sorted({*low, *(n // k for k in low)})


def grid_of(ranks, box):
    """The grid of least surface, as LAMMPS divides a box."""
    best = None
    for a in divisors(ranks):
        for b in divisors(ranks // a):
            x, y, z = box[0] / a, box[1] / b, box[2] * a * b / ranks
            surface = x * y + y * z + z * x
            if best is None or surface < best[0] * (1 - 1e-12):
                best = surface, (a, b, ranks // a // b)
    return best[1]


def count(positions, edges, grid, reach):
    """By looking at every atom of a periodic box: for each rank of the grid (atoms of other ranks within reach of one of
    its own, ghosts as LAMMPS makes them). For boxes at least twice the reach along every edge."""
    cells = [max(1, int(edges[d] / reach)) for d in range(3)]
    of_cell, rank_of = {}, []
    for i, x in enumerate(positions):
        rank_of.append(tuple(min(int(x[d] / edges[d] * grid[d]), grid[d] - 1) for d in range(3)))
        of_cell.setdefault(tuple(min(int(x[d] / edges[d] * cells[d]), cells[d] - 1) for d in range(3)), []).append(i)
    halo, ghosts = {rank: set() for rank in rank_of}, dict.fromkeys(rank_of, 0)

    def near(i, j):
        total = 0.0
        for d in range(3):
            apart = abs(positions[i][d] - positions[j][d])
            total += min(apart, edges[d] - apart) ** 2
        return total < reach * reach

    for cell, mine in of_cell.items():
        around = {tuple((cell[d] + s[d]) % cells[d] for d in range(3)) for s in OFFSETS}
        others = [j for c in around for j in of_cell.get(c, ())]
        for i in mine:
            for j in others:
                if rank_of[j] != rank_of[i] and j not in halo[rank_of[i]] and near(i, j):
                    halo[rank_of[i]].add(j)
    box = [edges[d] / grid[d] for d in range(3)]
    for rank in ghosts:
        for x in positions:
            images = 1
            for d in range(3):
                first = math.ceil((rank[d] * box[d] - reach - x[d]) / edges[d])
                last = math.floor(((rank[d] + 1) * box[d] + reach - x[d]) / edges[d])
                images *= max(0, last - first + 1)
            ghosts[rank] += images
        ghosts[rank] -= rank_of.count(rank)
    return {rank: (len(halo[rank]), ghosts[rank]) for rank in halo}


OFFSETS = [(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]
