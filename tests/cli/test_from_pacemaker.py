"""`frozentl fit --from-pacemaker`: an input of pacemaker becomes the recipe of the same basis and weights, and says what has no counterpart."""

import os

import cli_case
import runs_case


# The sections of python-ace's template, with values of our own.
INPUT = """
cutoff: 4.5
seed: 7
metadata: {origin: a test}
potential:
  deltaSplineBins: 0.002
  elements: [Cu, H]
  embeddings:
    ALL: {npot: FinnisSinclairShiftedScaled, fs_parameters: [1, 1], ndensity: 1, rho_core_cut: 3000}
  bonds:
    ALL: {radbase: ChebPow, radparameters: [2.5], rcut: 4.5, dcut: 0.02, NameOfCutoffFunction: cos}
    HH: {rcut: 3}
  functions:
    UNARY: {nradmax_by_orders: [4, 2], lmax_by_orders: [0, 2]}
    BINARY: {nradmax_by_orders: [3, 2, 1], lmax_by_orders: [0, 1, 1], coefs_init: zero}
    HCu: {nradmax_by_orders: [5, 1]}
data:
  filename: DATA
  test_size: 0.2
  reference_energy: {Cu: -1.5, H: 0.25, shift: 0.1}
fit:
  loss: {kappa: 0.2, L1_coeffs: 1e-8, L2_coeffs: 0, w0_rad: 0}
  weighting: {type: EnergyBasedWeightingPolicy, nfit: 15, DFup: 80, DE: 1.0}
  optimizer: BFGS
  ladder_step: 15
  novelty: 3
backend: {evaluator: tensorpot, batch_size: 10}
"""


class FromPacemaker(runs_case.RunsCase):
    def input(self, text=INPUT):
        return self.path(f"input{len(os.listdir(self.folder))}.yaml", text.replace("DATA", self.data))

    def test_recipe(self):
        got, err = self.written_recipe("fit", "--from-pacemaker", self.input(), "--seed", "9")
        want = {"seed": "9", "holdout": "0.2", "frames": "15", "max_force": "80", "large_forces": "drop", "elements": "[Cu, H]", "e0": "{Cu: -1.5, H: 0.25}",
                "basis.n": "3/2/1", "basis.l": "1/1", "basis.radial": "chebpow", "basis.lambda": "2.5", "basis.cutoff": "4.5", "basis.cutoffs": "{H-H: 3}",
                "basis.dcut": "0.02", "weights.energy": "2", "weights.forces": "1", "weights.stress": "0", "spline_bins": "0.002",
                "basis.blocks": '["Cu=4/2:2", "H=4/2:2", "H@Cu-H=5/1:1"]'}  # fmt: skip
        self.assertEqual({key: got.get(key) for key in want}, want)
        self.assertNotIn("embedding.exponent", got)
        for words in ("fit.loss.L1_coeffs has no counterpart", "reference_energy.shift has no counterpart", "fit.novelty is not in pacemaker's manual",
                      "rho_core_cut has no counterpart", "fit.weighting.type has no counterpart", "the first 2 count",
                      "without effect here: metadata, potential.functions.coefs_init, fit.weighting.DE, fit.optimizer, fit.ladder_step, backend"):  # fmt: skip
            self.assertIn(words, err)
        for words in ("L2_coeffs", "w0_rad", "NameOfCutoffFunction"):  # as they are by default
            self.assertNotIn(words, err)

    def test_second_density(self):
        got, err = self.written_recipe("fit", "--from-pacemaker", self.input(INPUT.replace("[1, 1], ndensity: 1", "[1, 1, 1, 0.5], ndensity: 2").replace(self.data, "x.pckl.gzip")
                                                                             .replace("DATA", "[a.pckl.gzip, b.xyz]")), "-d", "c.xyz")  # fmt: skip
        self.assertEqual((got["embedding.exponent"], got["embedding.rank"]), ("0.5", "3"))
        self.assertIn("a.pckl.gzip is a pickled table", err)

    def test_fits(self):
        run = self.path("run")
        _, err = self.run_it("fit", "--from-pacemaker", self.input(), "--quiet", "-o", run, "--threads", "1", "--set", "uncertainty.committee=2")
        self.assertNotIn("no counterpart", err)
        self.assertTrue(os.path.exists(os.path.join(run, "model.yace")))
        said, _ = self.run_it("info", os.path.join(run, "model.yace"))
        self.assertIn("ChebPow", said)

    def test_refused(self):
        for change, words in (
            (("elements: [Cu, H]", "elements: Cu"), ["potential.elements of pacemaker's input", "a list"]),
            (("  elements: [Cu, H]\n", ""), ["potential.elements", "missing"]),
            (("[1, 1], ndensity: 1", "[1, 1, 1, 0.5, 1, 2], ndensity: 3"), ["ndensity", "3 densities"]),
            (("[1, 1], ndensity: 1", "[1, 2], ndensity: 1"), ["fs_parameters"]),
            (("ALL: {npot", "Cu: {ndensity: 2, fs_parameters: [1, 1, 1, 0.5]}\n    UNARY: {npot"), ["embeddings", "different ones"]),
            (("radbase: ChebPow", "radbase: Sinc"), ["radbase", "Sinc", "SBessel"]),
            (("HH: {rcut: 3}", "HH: {radbase: SBessel}"), ["H-H has SBessel"]),
            (("kappa: 0.2", "kappa: 2"), ["kappa", "from 0 to 1"]),
            (("rcut: 4.5", "rcut: far"), ["line", "rcut", "'far'"]),
            (("  elements:", "  filename: old.yaml\n  elements:"), ["potential.filename", "begins from nothing"]),
            (("cutoff: 4.5", "cutoff: [4.5"), ["line"]),
        ):
            with self.subTest(change):
                self.assertIn(change[0], INPUT)
                self.refuse(1, words, "fit", "--from-pacemaker", self.input(INPUT.replace(*change)), "-o", self.path("run"))
        self.refuse(1, ["potential of pacemaker's input", "to go on with"], "fit", "--from-pacemaker", self.path("p.yaml", "potential: old.yaml\n"), "-o", self.path("run"))
        for nothing in ("", "# nothing\n"):
            self.refuse(1, ["empty"], "fit", "--from-pacemaker", self.path("empty.yaml", nothing), "-o", self.path("run"))
        self.refuse(2, ["--from-pacemaker goes with"], "fit", "recipe.yaml", "--from-pacemaker", "input.yaml")

    def test_table(self):
        self.check_translation("fit", "pacemaker", r"^\| `([A-Za-z0-9_.-]+)`", "from-pacemaker.md")


if __name__ == "__main__":
    cli_case.main()
