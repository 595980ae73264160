"""examples/data-efficiency: what published.py makes of its authors' files."""

import json
import os
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "examples", "data-efficiency"))
import published  # noqa: E402

STRESS = {"xx": 1.0, "yy": 2.0, "zz": 3.0, "xy": 4.0, "xz": 5.0, "yz": 6.0}  # kbar


def entry(energy, a, kind):
    structure = {"lattice": {"matrix": [[a, 0, 0], [0, 3.6, 0], [0, 0, 3.6]]}, "sites": [{"label": "Cu", "xyz": [0, 0, 0.1]}]}
    order = ("xx", "yy", "zz", "xy", "xz", "yz") if kind == "virial_stress" else ("xx", "yy", "zz", "xy", "yz", "xz")
    return {"structure": structure, "group": "Bulk", "outputs": {"energy": energy, "forces": [[0, 0, 0.5]], kind: [STRESS[k] for k in order]}}


class Published(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = holder.name

    def file(self, name, *entries):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            json.dump(entries, f)
        return path

    def test_both_orders_of_stress(self):
        """The two repositories' six numbers are the same tensor, with ASE's sign and in eV/A^3."""
        one, other = self.file("Cu_test.json", entry(-4, 3.6, "virial_stress")), self.file("Cu_Elastic.json", entry(-4, 3.6, "stress"))
        (first,), (second,) = published.frames([one]), published.frames([other])
        self.assertIn("config_type=Bulk", first)
        self.assertIn("config_type=Elastic", second)
        self.assertEqual(first.replace("Bulk", "Elastic"), second)
        stress = [float(x) for x in first.split('REF_stress="')[1].split('"')[0].split()]
        self.assertEqual([round(-x * 1602.176634, 5) for x in stress], [1, 4, 5, 4, 2, 6, 5, 6, 3])

    def test_what_is_tested_is_not_trained_on(self):
        """A strained cell of the same energy along another axis stays."""
        test = self.file("Cu_test.json", entry(-4, 3.7, "virial_stress"))
        train = self.file("Cu_Elastic.json", entry(-4, 3.7, "stress"), entry(-4, 3.8, "stress"), entry(-5, 3.7, "stress"))
        self.assertEqual(len(published.frames([train], [test])), 2)


if __name__ == "__main__":
    unittest.main()
