"""Saddle points: the pass on a grid, and eigenvector following from there with analytic gradients."""

import heapq

import numpy as np

from common import NotRelaxed

LONGEST = 0.1  # Angstrom: a step
SMALL = 1e-3  # eV/Angstrom: gradient of a saddle point
NUDGE = 0.05  # Angstrom, along a direction in which a symmetric point is a maximum but should not be


def pass_on_grid(energy, start, end):
    """The highest grid point of the path from start to end whose highest point is lowest."""
    best = {start: energy[start]}
    heap = [(energy[start], start, start)]
    while heap:
        level, point, highest = heapq.heappop(heap)
        if point == end:
            return highest
        for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            there = (point[0] + step[0], point[1] + step[1])
            if not (0 <= there[0] < energy.shape[0] and 0 <= there[1] < energy.shape[1]):
                continue
            higher = max(level, energy[there])
            if higher < best.get(there, np.inf):
                best[there] = higher
                heapq.heappush(heap, (higher, there, there if energy[there] > level else highest))
    raise NotRelaxed("no path on the grid")


def hessian(gradient, x, h=0.01):
    columns = []
    for k in range(len(x)):
        e = np.zeros(len(x))
        e[k] = h
        columns.append((gradient(x + e) - gradient(x - e)) / (2 * h))
    matrix = np.array(columns)
    return (matrix + matrix.T) / 2


def follow(gradient, x, steps=40):
    """From x to a point of no gradient where one direction goes down: uphill along the softest mode, downhill along all
    others. Returns the point and the eigenvalues (eV/A^2) there, or None for both if it was not reached."""
    for _ in range(steps):
        slope = gradient(x)
        values, modes = np.linalg.eigh(hessian(gradient, x))
        if np.abs(slope).max() < SMALL:
            if len(values) < 2 or values[1] > 0:
                return x, values
            x = x + NUDGE * modes[:, 1]  # by symmetry there is no slope to follow
            continue
        along = modes.T @ slope
        step = -along / np.maximum(np.abs(values), 0.5)
        step[0] = -step[0]
        move = modes @ step
        x = x + move * min(1.0, LONGEST / np.abs(move).max())
    return None, None
