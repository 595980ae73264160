"""bench/lib/halo_formula: its formulas against counting atom by atom, for random atoms in a box divided in one, two and
three directions. They would tell a missing edge or corner term, a face counted twice, and images that are not one row."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "lib"))
import halo_formula as formula

DENSITY, REACH = 0.08, 6.0


class Against(unittest.TestCase):
    def mean(self, edges, grid):
        rng = random.Random(3)
        n = round(DENSITY * edges[0] * edges[1] * edges[2])
        counted = formula.count([[rng.uniform(0, e) for e in edges] for _ in range(n)], edges, grid, REACH)
        ranks = grid[0] * grid[1] * grid[2]
        self.assertEqual(len(counted), ranks)
        return [sum(c[k] for c in counted.values()) / ranks for k in (0, 1)], [e / g for e, g in zip(edges, grid)]

    def check(self, edges, grid):
        (halo, ghosts), box = self.mean(edges, grid)
        self.assertAlmostEqual(formula.halo_rows(DENSITY, box, grid, REACH) / halo, 1, delta=0.03)
        self.assertAlmostEqual(formula.lammps_ghosts(DENSITY, box, REACH) / ghosts, 1, delta=0.03)

    def test_one_direction(self):
        self.check((40, 30, 30), (2, 1, 1))

    def test_two_directions(self):
        self.check((45, 30, 45), (3, 1, 3))

    def test_three_directions(self):
        self.check((39, 39, 39), (3, 3, 3))

    def test_one_rank_sends_nothing(self):
        self.assertEqual(formula.halo_rows(DENSITY, (30, 30, 30), (1, 1, 1), REACH), 0)
        self.assertEqual(formula.neighbours((30, 30, 30), (1, 1, 1), REACH), 0)

    def test_few_thin_ranks_need_no_more_than_there_is(self):
        (halo, _), box = self.mean((12, 30, 30), (2, 1, 1))
        self.assertLessEqual(formula.halo_rows(DENSITY, box, (2, 1, 1), REACH), 1.04 * DENSITY * 6 * 900)
        self.assertAlmostEqual(formula.halo_rows(DENSITY, box, (2, 1, 1), REACH) / halo, 1, delta=0.08)

    def test_crystal(self):
        """Planes of a lattice: the reach holds 3 below and 4 above."""
        n, spacing = 12, 1.8
        lattice = [[spacing * k for k in (x, y, z)] for x in range(n) for y in range(n) for z in range(n)]
        counted = formula.count(lattice, [n * spacing] * 3, (1, 1, 1), REACH)
        ghosts = formula.lammps_ghosts(spacing**-3, [n * spacing] * 3, REACH, spacing)
        self.assertEqual(round(ghosts), counted[0, 0, 0][1])

    def test_grid(self):
        self.assertEqual(formula.grid_of(2, (10, 10, 20)), (1, 1, 2))
        self.assertEqual(sorted(formula.grid_of(100000, (1, 1, 1))), [40, 50, 50])
        self.assertEqual(formula.neighbours((20, 20, 20), (4, 4, 4), REACH), 26)


if __name__ == "__main__":
    unittest.main()
