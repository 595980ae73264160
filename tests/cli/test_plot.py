"""frozentl plot: what is drawn of which file; short, empty and broken runs; machines that cannot draw."""

import json
import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET

import cli_case
import plot_server

SVG = "{http://www.w3.org/2000/svg}"
LOG = "epoch,step,stage,lr,train_loss,valid_loss,energy_rmse,forces_rmse,stress_rmse,gradient_norm,best,seconds\n"
EPOCHS = LOG + (
    "0,0,1,0.01,,2.5,0.05,0.3,,,1,0\n"
    "1,10,1,0.01,1.5,1.25,0.02,0.11,,3.5,1,1.5\n"
    "2,20,1,0.005,0.4,0.5,0.004,0.06,,2.5,1,3.1\n"
    "3,30,2,0.0025,0.3,0.75,0.006,0.07,,1.5,0,4.2\n"
)
PREDICTIONS = "frame,config_type,quantity,reference,prediction\n" + (
    "0,bulk,energy,-3.5,-3.45\n1,bulk,energy,-3.25,-3.3\n2,gas,energy,-3.0,-3.0\n"
    "0,bulk,force,0.5,0.25\n0,bulk,force,-1,-1.5\n0,bulk,force,0,0.125\n"
)
ERRORS = "set,config_type,frames,atoms,energy_rmse,energy_mae,forces_rmse,forces_mae,stress_rmse,stress_mae\n" + (
    "valid,bulk,2,8,0.004,0.003,0.02,0.01,,\nvalid,<gas>,1,2,0.001,0.001,0.04,0.03,,\nvalid,total,3,10,0.003,0.002,0.03,0.02,,\n"
    "test,bulk,2,8,0.005,0.003,0.025,0.01,,\ntest,total,2,8,0.005,0.003,0.025,0.01,,\n"
)
CURVE = "mode,fraction,seed,energy_rmse_meV_atom,force_rmse_meV_A,note\n" + (
    'scratch,0.1,1,20,80,a\nscratch,0.1,2,10,60,"b, c"\nscratch,1,1,5,15,\nf5,0.1,1,8,,\nf5,1,1,4,12,\n'
)


class Picture:
    """An SVG file: its groups by their ids, its words. The numbers behind them are in tests/python/test_plot.py."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.text = f.read()
        self.root = ET.fromstring(self.text)
        self.words = ["".join(t.itertext()).strip() for t in self.root.iter(SVG + "text")]

    def group(self, label):
        found = [g for g in self.root.iter(SVG + "g") if g.get("id") == label]
        if not found:
            raise AssertionError(f"no group '{label}'")
        return found[0]

    def marks(self, label):
        """How many markers a group has."""
        return len(list(self.group(label).iter(SVG + "use")))


class Plot(cli_case.CliCase):
    """All but a few let a server draw; what starting a Python takes is tested by these."""

    START_PYTHON = ("test_history", "test_same_numbers_same_picture", "test_without_matplotlib", "test_names_are_only_names")

    @classmethod
    def setUpClass(cls):
        cls.drawing = None
        if os.path.exists(plot_server.PYTHON) and "FROZENTL_PYTHON" not in os.environ:
            folder = tempfile.TemporaryDirectory()
            cls.addClassCleanup(folder.cleanup)
            drawer = plot_server.Drawer(folder.name)
            cls.drawing = drawer.__enter__()
            cls.addClassCleanup(drawer.__exit__)

    def setUp(self):
        super().setUp()
        if self.drawing and self._testMethodName not in self.START_PYTHON:
            os.environ["FROZENTL_PYTHON"] = self.drawing
            self.addCleanup(os.environ.pop, "FROZENTL_PYTHON", None)

    def run_folder(self, name="run-1", **files):
        """A run's folder; files by their names with _ for what no keyword may have."""
        folder = self.path(name)
        os.mkdir(folder)
        for key, text in files.items():
            self.path(os.path.join(name, key.replace("_", "-") + ".csv"), text)
        return folder

    def plot(self, name="run-1", **files):
        folder = self.run_folder(name, **files)
        out, err = self.run_it("plot", folder)
        self.assertEqual(err, "")
        return folder, out

    def test_history(self):
        folder, out = self.plot(log=EPOCHS)
        self.assertEqual(sorted(os.listdir(os.path.join(folder, "plots"))), ["history.svg"])
        for name in ("predictions-valid.csv", "predictions-test.csv", "errors.csv"):
            self.assertIn(f"no {name}", out)
        picture = Picture(os.path.join(folder, "plots", "history.svg"))
        self.assertEqual([picture.marks(name) for name in ("train_loss", "valid_loss", "energy_rmse", "forces_rmse")], [3, 4, 4, 4])
        for words in ("run-1", "up to epoch 3; best: epoch 2, 4.00 meV/atom, 60.0 meV/\u00c5", "stage 2", "(a) Loss", "(b) Energy, valid",
                      "(c) Forces, valid", "RMSE (meV/\u00c5)", "epoch", "train", "valid", "learning rate"):  # fmt: skip
            self.assertIn(words, picture.words)
        self.assertNotIn("Stress", picture.text)

    def test_parity_and_errors(self):
        folder, _ = self.plot(log=EPOCHS, predictions_valid=PREDICTIONS, predictions_test=PREDICTIONS, errors=ERRORS)
        self.assertEqual(sorted(os.listdir(os.path.join(folder, "plots"))),
                         ["errors.svg", "history.svg", "parity-test.svg", "parity-valid.svg"])  # fmt: skip
        picture = Picture(os.path.join(folder, "plots", "parity-valid.svg"))
        # sqrt((0.05^2 + 0.05^2) / 3) eV
        for words in ("3 points", "RMSE 40.8 meV/atom", "MAE 33.3 meV/atom", "largest 500 meV/\u00c5", "reference (eV/atom)",
                      "predicted (eV/\u00c5)", "bulk", "gas", "(b) Force components"):  # fmt: skip
            self.assertIn(words, picture.words)
        self.assertEqual(picture.marks("type bulk"), 2)
        self.assertEqual(picture.marks("type gas"), 1)
        names = Picture(os.path.join(folder, "plots", "errors.svg")).words
        # the total first, then the largest errors of forces; <gas> is no tag
        places = [names.index(n) for n in ("total (5)", "<gas> (1)", "bulk (4)")]
        self.assertEqual(places, sorted(places))
        twice = ERRORS + "test,bulk,2,8,0.005,0.003,0.025,0.01,,\n"
        self.refuse(1, ["errors.csv, line 7", "twice"], "plot", self.run_folder("run-2", log=EPOCHS, errors=twice))

    @cli_case.same_code_again
    def test_large_sets_give_small_files(self):
        lines = [PREDICTIONS.splitlines()[0]]
        for k in range(60000):  # spread over the whole square: the worst case
            lines.append(f"{k},bulk,force,{k * 7919 % 60013},{k * 104729 % 60013}")
            lines.append(f"{k},bulk,energy,{k * 104729 % 60013},{k * 7919 % 60013}")
        many = LOG + "".join(f"{k},{k},1,{0.01 / (k + 1)},{1 + k * 7919 % 997},{1 + k * 104729 % 997},1,1,1,1,0,1\n" for k in range(9000))
        folder, _ = self.plot(log=many, predictions_valid="\n".join(lines) + "\n")
        for name in ("history", "parity-valid"):
            self.assertLess(os.path.getsize(os.path.join(folder, "plots", name + ".svg")), 300e3)
        self.assertIn("60000 points", Picture(os.path.join(folder, "plots", "parity-valid.svg")).words)

    def test_formats(self):
        begin = {"svg": b"<?xml", "pdf": b"%PDF-1", "png": b"\x89PNG\r\n"}
        table, folder = self.path("table.csv", CURVE), self.run_folder(log=EPOCHS)
        for form, first in begin.items():
            made = self.path("curve." + form.upper())
            self.run_it("plot", "--curve", table, "--output", made)
            self.run_it("plot", folder, "--format", form, "-o", self.path("pictures"))
            for path in (made, self.path(f"pictures/history.{form}")):
                with open(path, "rb") as f:
                    content = f.read()
                self.assertTrue(content.startswith(first), content[:20])
                self.assertGreater(len(content), 5000)
        self.refuse(2, ["curve.jpg", ".png"], "plot", "--curve", table, "--output", self.path("curve.jpg"))
        self.assertFalse(os.path.exists(self.path("curve.jpg")))
        self.refuse(2, ["'jpg'"], "plot", folder, "--format", "jpg")
        self.refuse(2, ["--format"], "plot", "--curve", table, "--output", self.path("c.svg"), "--format", "png")

    @cli_case.same_code_again
    def test_same_numbers_same_picture(self):
        first, second = self.path("a.svg"), self.path("b.svg")
        for path in (first, second):
            self.run_it("plot", "--curve", self.path("table.csv", CURVE), "--output", path)
        with open(first) as a, open(second) as b:
            self.assertEqual(a.read(), b.read())

    def test_fit(self):
        def of(n, energy):
            return {"structures": n, "energy_per_atom": energy, "forces": 2 * energy, "virial_per_atom": None}

        report = {"fit": {"functions": 142, "kept": 46}, "errors_eV_Angstrom": {"fitted": of(11, 0.1835), "held_back": of(2, 0.25)}}
        folder = self.run_folder()
        path = self.path("run-1/report.json", json.dumps(report))
        out, _ = self.run_it("plot", folder)
        self.assertIn("frozentl eval", out)
        picture = Picture(os.path.join(folder, "plots", "errors.svg"))
        for words in ("fitted (11)", "held back (2)", "184", "500", "RMSE (meV/atom)", "RMSE (meV/\u00c5)"):
            self.assertIn(words, picture.words)
        self.assertNotIn("Virial", picture.text)
        # a run without rounds is not told that it has none
        self.assertNotIn("rounds", out)
        of_round = {"fitted": 11, "before": [None, None], "after": [0.002, 0.02], "valid": [None, None]}
        self.path("run-1/rounds.json", json.dumps([of_round, {**of_round, "fitted": 15, "before": [0.003, 0.04]}]))
        self.run_it("plot", folder)
        picture = Picture(os.path.join(folder, "plots", "rounds.svg"))
        self.assertEqual([picture.marks(f"Forces {name}") for name in ("after", "before")], [2, 1])
        os.remove(os.path.join(folder, "rounds.json"))
        for wrong in ("", "[]", "{}", json.dumps({**report, "fit": 3})):
            self.path("run-1/report.json", wrong)
            self.refuse(1, [path, "report"], "plot", folder, "-o", self.path("new"))

    def test_answers(self):
        """What eval --json writes has the labels beside the answers."""
        text = ("2\nconfig_type=pair REF_energy=-1.5 Properties=species:S:1:pos:R:3:REF_forces:R:3\nH 0 0 0 0.1 0 0\nH 0 0 0.8 -0.1 0 0\n"
                "1\nREF_energy=-1 Properties=species:S:1:pos:R:3\nH 0 0 0\n")  # fmt: skip
        data, answers = self.path("data.xyz", text), self.path("answers.json")
        self.run_it("eval", cli_case.PLAIN, data, "--quiet", "--json", answers)
        with open(answers) as f:
            have = json.load(f)
        self.assertEqual(have[0]["config_type"], "pair")
        self.assertEqual(have[0]["reference"], {"energy": -1.5, "forces": [[0.1, 0, 0], [-0.1, 0, 0]]})
        self.assertEqual(have[1]["reference"], {"energy": -1})
        self.assertNotIn("config_type", have[1])
        out, _ = self.run_it("plot", answers)
        self.assertIn("answers-parity.svg", out)
        picture = Picture(self.path("answers-parity.svg"))
        for words in ("2 points", "6 points", "pair", "(none)"):
            self.assertIn(words, picture.words)
        self.run_it("plot", answers, "-o", self.path("parity.pdf"))
        self.refuse(3, ["would overwrite"], "plot", answers, "-o", answers)
        bare = self.path("bare.xyz", "1\n\nH 0 0 0\n")
        self.run_it("eval", cli_case.PLAIN, bare, "--quiet", "--json", answers)
        self.refuse(1, [answers, "no labels"], "plot", answers, "-o", self.path("new.svg"))
        for wrong in ("", "{}", "[3]", '[{"forces": [], "energy": "x", "reference": {"energy": 1}}]'):
            self.refuse(1, ["wrong.json"], "plot", self.path("wrong.json", wrong), "-o", self.path("new.svg"))
        self.refuse(1, ["nowhere.json"], "plot", self.path("nowhere.json"))

    def test_without_matplotlib(self):
        """A machine that cannot draw says so in one sentence, with the tables; nothing is left behind."""
        folder = self.run_folder(log=EPOCHS, errors=ERRORS)
        lacks = self.path("python", "#!/bin/sh\nexit 90\n")
        fails = self.path("fails", "#!/bin/sh\necho words >&2\nexit 4\n")
        cut = self.path("cut", "#!/bin/sh\nprintf 'picture 1000\\n12345'\n")
        for program in (lacks, fails, cut):
            os.chmod(program, 0o755)
        os.environ["FROZENTL_PYTHON"] = lacks
        self.addCleanup(os.environ.pop, "FROZENTL_PYTHON", None)
        self.refuse(3, ["log.csv", "errors.csv", "pip install matplotlib"], "plot", folder)
        os.environ["FROZENTL_PYTHON"] = self.path("no-such-python")
        self.refuse(3, ["no-such-python", "pip install matplotlib"], "plot", folder)
        os.environ["FROZENTL_PYTHON"] = fails
        self.refuse(1, ["fails", "words", "exit code 4"], "plot", folder)
        os.environ["FROZENTL_PYTHON"] = cut
        self.refuse(1, ["cut", "not whole"], "plot", folder)
        self.assertNotIn("plots", os.listdir(folder))

    def test_names_are_only_names(self):
        """Of files in the working folder that are called like Python's, and of names with signs of SVG and TeX."""
        folder = self.run_folder("a <$x_1$> & b", log=EPOCHS)
        self.path("numpy.py", "raise SystemExit(5)")
        self.path("csv.py", "raise SystemExit(5)")
        done = subprocess.run([os.path.abspath(cli_case.FROZENTL), "plot", folder], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("a <$x_1$> & b", Picture(os.path.join(folder, "plots", "history.svg")).words)

    def test_curve(self):
        svg = self.path("curve.svg")
        self.run_it("plot", "--curve", self.path("table.csv", CURVE), "--output", svg)
        picture = Picture(svg)
        for words in ("training structures (% of all)", "RMSE (meV/atom)", "scratch", "f5", "10", "100"):
            self.assertIn(words, picture.words)
        self.run_it("plot", "-c", self.path("table.csv", CURVE.replace("fraction", "structures")), "-o", svg)
        self.assertIn("training structures", Picture(svg).words)

    def test_curve_refuses(self):
        svg = self.path("curve.svg", "precious")
        first = CURVE.splitlines()[0] + "\n"
        for text, words in cli_case.kinds((
            ("", ["it is empty"]),
            (first.replace("mode", "Mode"), ["line 1", "'mode'"]),
            (first.replace("fraction", "size"), ["line 1", "'fraction'", "'structures'"]),
            (first + "f5,20,1,5,5,\n", ["line 2", "fraction of 20"]),
            (first + "f5,0,1,5,5,\n", ["line 2", "fraction of 0"]),
            (first + "f5,0.5,1,-5,5,\n", ["line 2", "negative"]),
            (first + "f5,0.5,1,nan,5,\n", ["line 2", "energy_rmse_meV_atom", "nan"]),
            (first + "f5,0.5,1,five,5,\n", ["line 2", "'five'"]),
            (first + ",0.5,1,5,5,\n", ["line 2", "'mode'"]),
            (first + "f5,0.5,1,5,5,\nf5,0.5,1,6,6,\n", ["line 3", "seed '1' twice"]),
            (first + "f5,0.5,1,5\n", ["line 2", "4 cells"]),
        )):
            table = self.path("table.csv", text)
            self.refuse(1, ["table.csv", *words], "plot", "--curve", table, "--output", svg)
        with open(svg) as f:
            self.assertEqual(f.read(), "precious")
        self.refuse(1, ["nowhere.csv"], "plot", "--curve", self.path("nowhere.csv"), "--output", svg)

    def test_small_and_empty_runs(self):
        for k, log in enumerate((LOG, LOG + "1,10,1,0.01,1.5,1.25,0.02,0.11,,3.5,1,1.5\n",
                                 LOG + "1,10,1,0.01,nan,inf,nan,,,,0,1.5\n", LOG + "0,0,1,0,0,0,0,0,0,0,0,0\n")):  # fmt: skip
            empty = PREDICTIONS.splitlines()[0]
            folder, _ = self.plot(f"run-{k}", log=log, predictions_valid=empty, errors=ERRORS.splitlines()[0])
            for name in ("history", "parity-valid", "errors"):
                picture = Picture(os.path.join(folder, "plots", name + ".svg"))
                self.assertNotRegex(picture.text, r"\bnan\b|\binf\b")
        first = Picture(self.path("run-0/plots/history.svg"))
        self.assertIn("no epoch is finished yet", first.text)
        one = Picture(self.path("run-1/plots/history.svg"))
        self.assertEqual(one.marks("valid_loss"), 1)
        svg = self.path("curve.svg")
        for text in (CURVE.splitlines()[0], "\n".join(CURVE.splitlines()[:2]), CURVE.splitlines()[0] + "\nf5,1,,,,"):
            self.run_it("plot", "--curve", self.path("table.csv", text), "--output", svg)
            self.assertNotRegex(Picture(svg).text, r"\bnan\b|\binf\b")

    def test_broken_runs(self):
        self.refuse(1, ["nowhere", "frozentl train"], "plot", self.path("nowhere"))
        self.refuse(1, ["file", "it is no folder"], "plot", self.path("file", ""))
        self.refuse(1, ["log.csv", "No such file"], "plot", self.run_folder("r0"))
        for k, (files, words) in enumerate(cli_case.kinds((
            ({"log": ""}, ["log.csv", "it is empty"]),
            ({"log": LOG.replace("lr,", "")}, ["log.csv, line 1", "'lr'"]),
            ({"log": EPOCHS[:-10]}, ["log.csv, line 5"]),
            ({"log": EPOCHS + EPOCHS.splitlines()[2]}, ["log.csv, line 6", "epoch 1 comes after epoch 3"]),
            ({"log": EPOCHS.replace("0.3,", "o.3,")}, ["log.csv, line 2", "'o.3'"]),
            ({"log": EPOCHS, "predictions_valid": PREDICTIONS.replace("0.125", "")}, ["predictions-valid.csv, line 7", "'prediction'"]),
            ({"log": EPOCHS, "predictions_test": PREDICTIONS.replace("1,bulk,energy", "1,bulk,enthalpy")}, ["predictions-test.csv, line 3", "'enthalpy'"]),
            ({"log": EPOCHS, "errors": ERRORS.replace("0.04", "inf")}, ["errors.csv, line 3", "forces_rmse"]),
        ))):  # fmt: skip
            folder = self.run_folder(f"run-{k}", **files)
            self.refuse(1, words, "plot", folder)
            self.assertNotIn("plots", os.listdir(folder))  # nothing, also of the files that are fine

    def test_output(self):
        folder = self.run_folder(log=EPOCHS)
        self.run_it("plot", folder + "/", "--output", self.path("a/pictures"))
        self.assertEqual(os.listdir(self.path("a/pictures")), ["history.svg"])
        self.assertIn("run-1", Picture(self.path("a/pictures/history.svg")).words)
        self.run_it("plot", folder, "-o", self.path("a/pictures"))  # again: replaced
        self.path("file", "")
        self.refuse(3, ["file/b", "cannot be made"], "plot", folder, "-o", self.path("file/b"))
        self.refuse(3, ["file"], "plot", folder, "-o", self.path("file"))
        table = self.path("table.csv", CURVE)
        self.refuse(3, ["nowhere"], "plot", "--curve", table, "-o", self.path("nowhere/curve.svg"))
        if os.path.exists("/dev/full"):
            self.refuse(3, ["/dev/full"], "plot", "--curve", table, "-o", "/dev/full")

    def test_command_line(self):
        self.refuse(2, ["which RUN"], "plot")
        self.refuse(2, ["'b'"], "plot", "a", "b")
        self.refuse(2, ["not both"], "plot", "a", "--curve", "b.csv")
        self.refuse(2, ["--output"], "plot", "--curve", "b.csv")
        self.refuse(2, ["--output is empty"], "plot", "a", "--output", "")


if __name__ == "__main__":
    cli_case.main()
