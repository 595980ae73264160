"""examples/elastic: a new measurement takes the place of its own rows; those of other potentials, temperatures and cases stay."""

import argparse
import contextlib
import csv
import io
import json
import os
import sys
import tempfile
import unittest
import unittest.mock

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path[:0] = [os.path.join(ROOT, "python"), os.path.join(ROOT, "examples", "elastic")]
try:
    import ase  # noqa: F401
    import spglib  # noqa: F401
except ImportError as e:
    print(f"skipped: no {e.name}: scripts/setup.sh installs it")
    sys.exit(77)
import cases
import elastic
import numpy as np
from frozentl.properties import Symmetry

COPPER, COPPER_2, WARM, MOLYBDENUM = ("Cu", "fine-tuned", 0), ("Cu", "surrogate", 0), ("Cu", "surrogate", 300), ("Mo", "foundation", 0)


class Keep(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.options = argparse.Namespace(out=folder.name)
        self.every = cases.cases(None, None, quick=False)

    def keep(self, constants):
        """(case, potential, K) -> C11 or None, measured; the same of what is kept then."""
        symmetry = Symmetry(elastic.in_ase(self.every["Cu"].parent))
        results = {key: c11 and elastic.Result([c11 * np.eye(6)], symmetry) for key, c11 in constants.items()}
        with contextlib.redirect_stdout(io.StringIO()), unittest.mock.patch("picture.draw"):  # e2e.elastic draws
            elastic.keep(self.options, results, self.every)
        with open(os.path.join(self.options.out, "elastic.csv"), newline="") as f:
            rows = {(row[0], row[1], int(row[2])): float(row[4]) for row in csv.reader(f) if row[3] == "C11"}
        with open(os.path.join(self.options.out, "matrices.json")) as f:
            matrices = {key: matrix[0][0] for key, matrix in json.load(f).items()}
        self.assertEqual(matrices, {f"{name}, {label}, {kelvin} K": c11 for (name, label, kelvin), c11 in rows.items()})
        return rows

    def test_keep(self):
        before = {COPPER: 160.0, COPPER_2: 161.0, WARM: 150.0, MOLYBDENUM: 450.0}
        self.assertEqual(self.keep(before), before)
        self.assertEqual(self.keep({COPPER_2: 162.0}), {**before, COPPER_2: 162.0})
        self.assertEqual(self.keep({COPPER: None}), {COPPER_2: 162.0, WARM: 150.0, MOLYBDENUM: 450.0})  # measured, without a value


if __name__ == "__main__":
    unittest.main()
