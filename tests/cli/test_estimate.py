"""frozentl estimate: the arithmetic of what it prints, its refusals."""

import re

import cli_case

CRYSTAL = """4
Lattice="3.6 0 0 0 3.6 0 0 0 3.6" Properties=species:S:1:pos:R:3
Cu 0 0 0
Cu 0 1.8 1.8
Cu 1.8 0 1.8
Cu 1.8 1.8 0
"""


class Estimate(cli_case.CliCase):
    def numbers(self, *arguments):
        data = self.path("crystal.xyz", CRYSTAL)
        out, err = self.run_it("estimate", cli_case.PLAIN, data, *arguments)
        self.assertEqual(err, "")
        found = re.search(
            r"measured +(\d+) atoms \(4 of the structure, (\d+) x (\d+) x (\d+) copies\).*"
            r"a step +(\S+) ms an atom.*the run +(\d+) atoms on (\d+) ranks?: (\S+) ms a step, (\S+) ns a day at (\S+) fs.*"
            r"memory +(\S+) kB an atom, (\S+) MB a rank", out, re.S)  # fmt: skip
        self.assertIsNotNone(found, out)
        return [float(x) for x in found.groups()], out

    def test_one_rank(self):
        n, _ = self.numbers()
        self.assertEqual(n[0], 4 * n[1] * n[2] * n[3])
        self.assertGreaterEqual(n[0], 400)
        self.assertEqual(n[5:7], [4, 1])
        self.assertAlmostEqual(n[7] / (4 * n[4]), 1, delta=2e-3)
        self.assertAlmostEqual(n[8] * n[7] / (86400 * 1e3 * 1e-6), 1, delta=2e-3)

    def test_many_ranks(self):
        n, out = self.numbers("--atoms", "1e6", "--ranks", "64", "--timestep", "0.5", "--steps", "1000", "--precision", "mixed")
        self.assertEqual(n[5:7], [1e6, 64])
        self.assertAlmostEqual(n[7] / (n[4] * 15625), 1, delta=2e-3)
        self.assertAlmostEqual(n[8] * n[7] / (86400 * 0.5 * 1e3 * 1e-6), 1, delta=2e-3)
        self.assertAlmostEqual(n[11] / (n[10] * 15.625), 1, delta=2e-2)
        self.assertIn("mixed", out)
        self.assertIn("for 1000 steps", out)

    def test_warnings(self):
        self.assertIn("are few", self.numbers("--atoms", "1000", "--ranks", "50")[1])
        self.assertIn("more than this machine has", self.numbers("--atoms", "1e10")[1])

    def test_cluster(self):
        """Nothing to repeat: a molecule is measured as it is."""
        data = self.path("pair.xyz", "2\n\nCu 0 0 0\nCu 0 0 2.2\n")
        out, _ = self.run_it("estimate", cli_case.PLAIN, data)
        self.assertIn("2 atoms (2 of the structure, 1 x 1 x 1 copies)", out)

    def test_refusals(self):
        data = self.path("crystal.xyz", CRYSTAL)
        self.refuse(2, ["two files"], "estimate", cli_case.PLAIN)
        for option in ("--atoms", "--timestep"):
            for value in ("0", "-3", "many", "nan", "1e30", ""):
                self.refuse(2, [option, f"'{value}'" if value else "has no value"], "estimate", cli_case.PLAIN, data, option, value)
        self.refuse(2, ["--ranks"], "estimate", cli_case.PLAIN, data, "--ranks", "0")
        self.refuse(1, ["none.xyz"], "estimate", cli_case.PLAIN, self.path("none.xyz"))
        self.refuse(1, ["no frames"], "estimate", cli_case.PLAIN, self.path("empty.xyz", ""))
        self.refuse(1, ["Fe"], "estimate", cli_case.PLAIN, self.path("iron.xyz", "1\n\nFe 0 0 0\n"))
        self.refuse(1, ["head"], "estimate", cli_case.HEADS, data, "--head", "none")


if __name__ == "__main__":
    cli_case.main()
