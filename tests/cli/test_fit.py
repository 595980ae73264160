"""frozentl fit and frozentl distill: from structures, or a model, to files; what a run says is what its potential does;
an interrupted distillation goes on to the same potential; ranks agree; mistakes are told in a sentence.

Structures are made here and labelled by a shipped potential or a twin.
"""

import json
import math
import os
import re
import resource
import shutil
import signal
import subprocess
import time

import cli_case
from cli_case import PLAIN, structures

ROOT = os.path.dirname(os.path.dirname(cli_case.HERE))
H2CU = os.path.join(ROOT, "potentials", "h2cu.ftl")
TIALV = os.path.join(os.path.dirname(ROOT), "shared", "data", "tialv")
MPIRUN = os.environ.get("FTL_MPIRUN") or shutil.which("mpirun")

SMALL = ["--n", "4/2", "--l", "2", "--cutoff", "4", "--set", "uncertainty.committee=4", "--threads", "1"]
SAMPLE = ["--crystal", "fcc:3.63:Cu:1x1x2", "--temperatures", "300", "--steps", "10", "--set", "sample.every=5",
          "--set", "sample.equilibration=2"]  # fmt: skip


class Fit(cli_case.CliCase):
    def labelled(self, name, n, seed=3, model=H2CU):
        raw, answered = self.path("raw-" + name, structures(n, seed)), self.path("answered-" + name)
        self.run_it("eval", model, raw, "--quiet", "-o", answered)
        with open(answered) as f:
            text = f.read()
        for old in (raw, answered):
            os.remove(old)
        text = re.sub(r"\b(energy|stress)=", r"REF_\1=", text)
        return self.path(name, text.replace(":forces:", ":REF_forces:"))

    def read(self, *names):
        with open(os.path.join(*names), "rb") as f:
            return f.read()

    def report(self, run):
        return json.loads(self.read(run, "report.json"))

    # ---- fit ----

    def test_the_potential_has_the_errors_that_were_said(self):
        data, valid, run = self.labelled("data.xyz", 30), self.labelled("valid.xyz", 8, seed=5), self.path("run")
        out, _ = self.run_it("fit", "-d", data, "--valid", valid, "-o", run, *SMALL)
        self.assertEqual(sorted(os.listdir(run)), ["errors.csv", "model.ftl", "model.yace", "recipe.yaml", "report.json"])
        said = re.search(r"^valid +8 +(\S+) +(\S+)", out, re.M)
        errors = self.report(run)["errors_eV_Angstrom"]["valid"]
        self.assertEqual(f"{1000 * errors['energy_per_atom']:.2f}", said[1])
        self.assertEqual(f"{1000 * errors['forces']:.2f}", said[2])
        self.assertLess(errors["forces"], 0.5)
        for name in ("model.ftl", "model.yace"):
            told, _ = self.run_it("eval", os.path.join(run, name), valid, "--labels", "REF_")
            total = re.search(r"^total +\d+ +\d+ \| +(\S+) +\S+ \| +(\S+)", told, re.M)
            # .yace goes through splines in some readers; three digits are what the table has
            self.assertAlmostEqual(float(total[1]), 1000 * errors["energy_per_atom"], delta=2e-3)
            self.assertAlmostEqual(float(total[2]), 1000 * errors["forces"], delta=2e-3)
        info, _ = self.run_it("info", os.path.join(run, "model.ftl"))
        self.assertIn("committee of 4", info)
        self.assertIn("active sets   H Cu", info)
        # the recipe in the folder makes the same potential again
        again = self.path("again")
        self.run_it("fit", os.path.join(run, "recipe.yaml"), "-o", again, "--quiet")
        self.assertEqual(self.read(again, "model.yace"), self.read(run, "model.yace"))

    def test_solvers_and_bases(self):
        data = self.labelled("data.xyz", 20)
        for solver in ("ridge", "cv", "ard"):
            self.run_it("fit", "-d", data, "-o", self.path(solver), *SMALL, "--solver", solver, "--quiet")
            self.assertLess(self.report(self.path(solver))["errors_eV_Angstrom"]["fitted"]["forces"], 0.3)
        kept = self.report(self.path("ard"))["fit"]["kept"]
        self.assertLess(kept, self.report(self.path("ridge"))["fit"]["kept"])
        # by default the ratio is wide where the number of functions is bounded, or it would leave them out first
        ard = ("--solver", "ard", "--quiet", "--set")
        for ratio, bound in (("1e13", ["--set", "solver.functions=40"]), ("1e8", [])):
            run = self.path(ratio)
            for choice in ("0", ratio):
                self.run_it("fit", "-d", data, "-o", run + "-" + choice, *SMALL, *ard, "solver.max_ratio=" + choice, *bound)
            self.assertEqual(self.read(run + "-0", "model.yace"), self.read(run + "-" + ratio, "model.yace"))
        self.assertNotEqual(self.read(self.path("1e13-0"), "model.yace"), self.read(self.path("1e8-0"), "model.yace"))
        _, err = self.run_it("fit", "-d", data, "-o", self.path("none"), *SMALL, *ard, "solver.max_ratio=0.5", code=1)
        self.assertIn("solver.max_ratio is 0.5, which leaves no function", err)
        block, sizes = self.path("block"), ("--n", "3/2", "--l", "1", "--block", "Cu=5/3:3")
        self.run_it("fit", "-d", data, "-o", block, *SMALL, *sizes, "--set", "basis.radial=chebexpcos", "--quiet")
        # H: 3 + 3 of rank 1; rank 2 over factors (l, mu, n): 10 pairs of 4 for l = 0 and for l = 1. Cu alone: 5, 4 x 6
        # instead of 3, 2 x 3
        self.assertEqual(self.report(block)["fit"]["functions"], 26 + 26 - 9 + 29)

    def test_a_second_density(self):
        data, run, again = self.labelled("data.xyz", 40), self.path("run"), self.path("again")
        size = ["--n", "3/2", "--l", "2", "--cutoff", "4", "--threads", "1"]
        nonlinear = [*size, "--embedding", "0.5"]
        out, _ = self.run_it("fit", "-d", data, "-o", run, *nonlinear)
        self.assertEqual(sorted(os.listdir(run)), ["errors.csv", "model.yace", "recipe.yaml", "report.json", "steps.ftl"])
        told, _ = self.run_it("eval", os.path.join(run, "model.yace"), data, "--labels", "REF_")
        errors = self.report(run)["errors_eV_Angstrom"]
        total = re.search(r"^total +(\d+) +\d+ \| +(\S+) +\S+ \| +(\S+)", told, re.M)
        n, square = zip(*((of["structures"], of["energy_per_atom"] ** 2) for of in (errors["fitted"], errors["held_back"])))
        mean = ((n[0] * square[0] + n[1] * square[1]) / sum(n)) ** 0.5
        self.assertAlmostEqual(float(total[2]), 1000 * mean, delta=2e-3)
        self.assertRegex(out, r"(?m)^step 2: weighted error")
        self.run_it("fit", "-d", data, "-o", self.path("linear"), *size, "--quiet")
        errors = self.report(run)["errors_eV_Angstrom"]["fitted"]
        self.assertLess(errors["forces"], self.report(self.path("linear"))["errors_eV_Angstrom"]["fitted"]["forces"])
        with open(os.path.join(run, "model.yace")) as f:
            self.assertIn("FinnisSinclairShiftedScaled", f.read())
        # an earlier process had got so far: the same potential, from where it was
        os.mkdir(again)
        for name in ("recipe.yaml", "steps.ftl"):
            shutil.copy(os.path.join(run, name), again)
        out, _ = self.run_it("fit", "-d", data, "-o", again, *nonlinear)
        self.assertRegex(out, r"(?m)^going on behind step \d+$")
        self.assertNotIn("step 0", out)
        self.assertEqual(self.read(again, "model.yace"), self.read(run, "model.yace"))
        # with other settings it begins anew
        os.remove(os.path.join(again, "report.json"))
        out, _ = self.run_it("fit", "-d", data, "-o", again, *nonlinear, "--set", "weights.energy=20")
        self.assertIn("step 0", out)
        no = ["fit", "-d", data, "-o", self.path("no"), *nonlinear]
        self.refuse(1, ["uncertainty.committee is of linear"], *no, "--set", "uncertainty.committee=3")
        self.refuse(1, ["embedding.exponent is 1"], *no, "--embedding", "1")
        self.refuse(1, ["embedding.rank applies only when embedding.exponent"], "fit", "-d", data, "-o", self.path("no"), *size,
                    "--set", "embedding.rank=2")  # fmt: skip

    def dimers(self, name, energy_and_slope):
        """Pairs of copper atoms from 2 Angstrom on, with the labels of a function of their distance."""
        frames = []
        for k in range(40):
            r = 2 + 2.2 * k / 39
            energy, slope = energy_and_slope(r)
            frames.append(f'2\nProperties=species:S:1:pos:R:3:REF_forces:R:3 REF_energy={energy:.10f} pbc="F F F"\n'
                          f"Cu 0 0 0 {slope:.10f} 0 0\nCu {r:.10f} 0 0 {-slope:.10f} 0 0\n")  # fmt: skip
        return self.path(name, "".join(frames))

    def test_a_hole_is_told(self):
        """What lies between the nearest pair of the data and the core repulsion: a wall, or a hole that errors say nothing of."""
        size = ["--n", "8", "--cutoff", "4.5", "--e0", "Cu=0", "--set", "uncertainty.committee=0", "--set", "holdout=0", "--threads", "1"]
        morse = self.dimers("wall.xyz", lambda r: ((1 - math.exp(2.3 - r)) ** 2 - 1, 2 * (1 - math.exp(2.3 - r)) * math.exp(2.3 - r)))
        _, err = self.run_it("fit", "-d", morse, "-o", self.path("wall"), *size)
        self.assertNotIn("hole", err)
        wall = self.report(self.path("wall"))["walls_eV_Angstrom"]
        self.assertEqual([w["pair"] for w in wall], ["Cu-Cu"])
        self.assertAlmostEqual(wall[0]["from"], 2)
        self.assertGreater(wall[0]["rim"], 3)
        sink = self.dimers("sink.xyz", lambda r: (-3 * math.exp((2 - r) / 0.25), 12 * math.exp((2 - r) / 0.25)))
        _, err = self.run_it("fit", "-d", sink, "-o", self.path("sink"), *size)
        self.assertIn("Cu and Cu fall into a hole: pushed together from 2.00 Angstrom", err)
        hole = self.report(self.path("sink"))["walls_eV_Angstrom"][0]
        self.assertLess(hole["rim"], 0.1)
        self.assertGreater(hole["fall"], 0.5)
        self.assertTrue(1.6 < hole["at"] < 2)

    def test_the_default_basis_fits_many_elements(self):
        """Three elements had 22,446 functions by default, and were refused; a recipe says what was taken."""
        frame = '4\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 REF_energy={} pbc="T T T"\n'
        atoms = "".join(f"{z} {x} {y} {w}\n" for z, x, y, w in (("H", 0, 0, 0), ("Cu", 2, 2, 0), ("Ni", 2, 0, 2), ("Pd", 0, 2, 2)))
        data = self.path("four.xyz", "".join(frame.format(-k) + atoms for k in range(4)))
        few = ["--e0", "H=-1,Cu=-1,Ni=-1,Pd=-1", "--set", "basis.max_functions=150", "--set", "holdout=0", "--threads", "1"]
        self.run_it("fit", "-d", data, "-o", self.path("run"), *few, "--set", "uncertainty.gamma=false")
        self.assertEqual(self.report(self.path("run"))["fit"]["functions"], 4 * 4 * (4 + 2))
        recipe = self.read(self.path("run"), "recipe.yaml").decode()
        self.assertRegex(recipe, r"(?m)^  n: 4/1\n  l: \S*1\S*$")
        self.assertRegex(recipe, r"(?m)^  max_species: 1$")
        _, err = self.run_it("fit", "-d", data, "-o", self.path("no"), *few, "--n", "8/5", code=1)
        self.assertIn("more than the 150 allowed", err.splitlines()[-1])

    # ---- select ----

    def test_select(self):
        """Copies are chosen once; what is labelled already is not chosen again; frames are written as they are."""
        frames = structures(12).replace("Properties=", "note=keep Properties=").split("5\nLattice")[1:]
        frames = ["5\nLattice" + f for f in frames]
        candidates = self.path("md.xyz", "".join(frames + frames[:6]))
        out, _ = self.run_it("select", H2CU, candidates, "-n", "5", "-o", self.path("chosen.xyz"), "--threads", "1")
        first = [int(m[1]) for m in re.finditer(r"^\d+ +(\d+) +\d+ +5 ", out, re.M)]
        self.assertEqual(len(set(first)), 5)
        self.assertIn("5 of 18 structures are chosen", out)
        written = self.read(self.path("chosen.xyz")).decode().splitlines()
        self.assertEqual(sum("note=keep" in line for line in written), 5)
        atoms = [line for k in sorted(first) for line in (frames + frames[:6])[k].splitlines()[2:]]
        self.assertEqual([line for line in written if line[0] in "CH"], atoms)
        gains = [float(m[1]) for m in re.finditer(r"^\d+ .* (\S+)$", out, re.M) if "structures" not in m[0]]
        self.assertEqual(gains, sorted(gains, reverse=True))
        out, _ = self.run_it("select", H2CU, candidates, "-n", "50", "--by", "distance")
        self.assertIn("12 of 18 structures are chosen", out)
        out, _ = self.run_it("select", H2CU, candidates, "-n", "50", "--by", "distance", "-d", self.path("chosen.xyz"))
        self.assertIn("7 of 18 structures are chosen", out)
        self.refuse(2, ["how many"], "select", H2CU, candidates)
        self.refuse(2, ["which MODEL and CANDIDATES"], "select", H2CU, "-n", "5")
        self.refuse(3, ["would overwrite"], "select", H2CU, candidates, "-n", "5", "-o", candidates)
        ti = self.path("ti.xyz", structures(1).replace("Cu", "Ti"))
        self.refuse(1, ["atom 0 is Ti, which the model lacks"], "select", H2CU, ti, "-n", "5")

    def test_select_from_a_dump(self):
        """The same frames as XYZ and as dumps, by element or type, scaled or not, tilted, in any order: the same choice."""
        cell, rows = [[4.0, 0, 0], [0.5, 4.2, 0], [-0.3, 0.4, 4.4]], "Cu Cu H Cu".split()
        xyz, plain, scaled = "", "", ""
        for k in range(8):
            places = [[0.02 * k, 0.03, 0.01 * i * k] for i in range(4)]
            shares = [[0.1 + 0.01 * k, 0.1, 0.1], [0.6, 0.5 + 0.02 * k, 0.1], [0.3, 0.3, 0.55 + 0.01 * k], [0.6, 0.1, 0.6 - 0.01 * k]]
            places = [[sum(s[v] * cell[v][c] for v in range(3)) for c in range(3)] for s in shares]
            xyz += f'4\nLattice="{" ".join(str(x) for v in cell for x in v)}" Properties=species:S:1:pos:R:3 pbc="T T F"\n'
            xyz += "".join(f"{e} {x:.10f} {y:.10f} {z:.10f}\n" for e, (x, y, z) in zip(rows, places))
            head = f"ITEM: TIMESTEP\n{k}\nITEM: NUMBER OF ATOMS\n4\nITEM: BOX BOUNDS xy xz yz pp pp ff\n"
            head += "-0.3 4.5 0.5\n0 4.6 -0.3\n0 4.4 0.4\n"
            order = [2, 0, 3, 1]
            plain += head + "ITEM: ATOMS id element x y z fx\n"
            plain += "".join(f"{i + 1} {rows[i]} {places[i][0]:.10f} {places[i][1]:.10f} {places[i][2]:.10f} 0\n" for i in order)
            scaled += head + "ITEM: ATOMS id type xs ys zs\n"
            scaled += "".join(f"{i + 1} {2 if rows[i] == 'H' else 1} {shares[i][0]} {shares[i][1]} {shares[i][2]}\n" for i in order)
        frames = []
        for name, text, more in (("a.xyz", xyz, []), ("a.dump", plain, []), ("b.dump", scaled, ["--elements", "Cu,H"])):
            chosen = self.path("chosen-" + name + ".xyz")
            out, _ = self.run_it("select", H2CU, self.path(name, text), "-n", "3", "-o", chosen, *more)
            self.assertIn("3 of 8 structures are chosen", out)
            frames.append([float(word) for line in self.read(chosen).decode().splitlines() if line[0] in "CH" for word in line.split()[1:]])
            self.assertEqual(self.read(chosen).decode().count('pbc="T T F"'), 3)
        for other in frames[1:]:
            self.assertEqual(len(other), 36)
            self.assertLess(max(abs(a - b) for a, b in zip(frames[0], other)), 1e-8)
        for words, text, more in ((["no column element", "--elements"], scaled, []), (["type 2", "1 elements"], scaled, ["--elements", "Cu"]),
                                  (["'Xx' is no chemical"], scaled, ["--elements", "Xx"]), (["no columns x y z"], plain.replace(" x y z", " a b c"), []),
                                  (["ends within a snapshot"], plain[: plain[:-1].rindex("\n") + 1], []), (["6 columns", "here are 5"], plain.replace(" 0\nITEM", "\nITEM"), []),
                                  (["no number of atoms"], plain.replace("ATOMS\n4", "ATOMS\n4000000"), []),
                                  (["two atoms have the id 1"], plain.replace("\n2 Cu", "\n1 Cu"), []),
                                  (["which this is not"], xyz, ["--elements", "Cu"])):  # fmt: skip
            self.refuse(1, words, "select", H2CU, self.path("wrong", text), "-n", "3", *more)

    def test_titanium(self):
        train = os.path.join(TIALV, "train.xyz")
        if not os.path.exists(train):
            self.skipTest("there is no ../shared/data/tialv")
        run = self.path("tialv")
        out, _ = self.run_it("fit", "-d", train, "--frames", "40", "-o", run, "--n", "5/3", "--l", "2", "--threads", "1")
        self.assertIn("E0 fitted to compositions", out)
        self.assertLess(self.report(run)["errors_eV_Angstrom"]["fitted"]["forces"], 0.3)

    def test_ranks(self):
        if not MPIRUN:
            self.skipTest("there is no mpirun")
        data, one, two = self.labelled("data.xyz", 24), self.path("one"), self.path("two")
        self.run_it("fit", "-d", data, "-o", one, *SMALL)
        command = [MPIRUN, "-n", "2", cli_case.FROZENTL, "fit", "-d", data, "-o"]
        done = subprocess.run([*command, two, *SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode == 1 and "MPI" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("wrote"), 1)
        a, b = self.report(one)["errors_eV_Angstrom"], self.report(two)["errors_eV_Angstrom"]
        for kind in ("energy_per_atom", "forces"):
            self.assertAlmostEqual(a["fitted"][kind], b["fitted"][kind], delta=1e-6 * a["fitted"][kind])
        again = subprocess.run([*command, two, *SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertNotEqual(again.returncode, 0)
        self.assertEqual(again.stderr.count("holds a run"), 1, again.stderr)

    def test_mistakes(self):
        data, no = self.labelled("data.xyz", 6), self.path("no")
        with open(data) as f:
            text = f.read()
        out, given = ["-d", data, "-o", no, *SMALL], ["--e0", "H=-1,Cu=-3"]

        def refuse_and_clean(words, *options):
            """The folder and its recipe are there by the time that structures are looked at."""
            _, err = self.run_it("fit", *options, code=1)
            for word in words:
                self.assertIn(word, err)
            self.assertEqual(err.splitlines()[-1][:10], "frozentl: ")
            self.assertEqual(os.listdir(no), ["recipe.yaml"])
            shutil.rmtree(no)

        self.refuse(1, ["lerning", "nearest"], "fit", *out, "--set", "solver.lerning=1")
        self.refuse(1, ["fit needs data"], "fit", "-o", no)
        self.refuse(1, ["absent.xyz"], "fit", "-d", self.path("absent.xyz"), "-o", no)
        self.refuse(1, ["sample.steps"], "fit", *out, "--set", "sample.steps=10")
        self.refuse(2, ["--jobs"], "fit", *out, "--jobs", "bulk")
        refuse_and_clean(["data.xyz, line", "Cu"], *out, "--elements", "H", "--e0", "H=-13")
        refuse_and_clean(["no structure", "Nb"], *out, "--elements", "H,Cu,Nb", "--e0", "H=-1,Cu=-2,Nb=-3")
        self.refuse(1, ["'Xx' is no chemical symbol"], "fit", *out, "--elements", "H,Cu,Xx")
        for words, options in ((["'4/x' is no list"], ["--n", "4/x"]),
                               (["is not like Ti-Al=8/5/3:4/3"], ["--block", "Cu"]),
                               (["'Xx' in 'Xx=3' is no chemical symbol"], ["--block", "Xx=3"]),
                               (["Cu twice"], ["--block", "Cu-Cu=3/2:1"]),
                               (["around H", "include the centre's (H@H-...)"], ["--block", "H@Cu=3/2:1"]),
                               (["Ti, which is not among its elements"], ["--block", "Ti=3/2:1"]),
                               (["no pair of elements like H-Cu"], ["--cutoffs", "HCu=3"]),
                               (["more than the 50 allowed"], ["--set", "basis.max_functions=50"]),
                               (["no function at all"], ["--degree", "0.5"]),
                               (["width of the cutoff"], ["--set", "basis.dcut=4.5"])):  # fmt: skip
            self.refuse(1, words, "fit", *out, *given, *options)
        cv = ["--n", "30/24", "--l", "6", "--set", "basis.max_functions=20000", "--solver", "cv", "--set"]
        self.refuse(4, ["GB and", "evidence instead of cv"], "fit", *out, *given, *cv, "solver.folds=100")
        nan = self.path("nan.xyz", re.sub(r"REF_energy=\S+", "REF_energy=inf", text, count=1))
        self.refuse(1, ["nan.xyz, line 2", "not a finite number"], "fit", "-d", nan, "-o", no)
        bare = self.path("bare.xyz", structures(3))
        self.refuse(1, ["none of the 3 structures has a label"], "fit", "-d", bare, "-o", no, "--e0", "H=-1,Cu=-2", *SMALL)
        self.refuse(3, ["cannot be made"], "fit", "-d", data, "-o", nan + "/b", *SMALL, *given)
        run = self.path("runs/run")
        self.run_it("fit", "-d", data, "-o", run, *SMALL, "--quiet")
        self.refuse(1, ["holds a run"], "fit", "-d", data, "-o", run, *SMALL, *given)
        self.refuse(1, ["a run of frozentl fit"], "distill", "--resume", run)

    def test_no_space(self):
        """A limit on the size of files stands for a full disk: no half a potential is left."""
        data, run = self.labelled("data.xyz", 10), self.path("run")

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

        done = subprocess.run([cli_case.FROZENTL, "fit", "-d", data, "-o", run, *SMALL], preexec_fn=limit,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("model.ftl", done.stderr)
        self.assertEqual(os.listdir(run), ["recipe.yaml"])
        self.run_it("fit", "-d", data, "-o", run, *SMALL, "--quiet")  # a fit that left nothing begins again

    def test_e0_are_found_with_the_coefficients(self):
        """Those that are told are those of the potential, and its errors those that were said, smaller than with E0 that are far off."""
        data, valid = self.labelled("data.xyz", 30), self.labelled("valid.xyz", 8, seed=5)
        errors = {}
        for free in ("true", "false"):
            run = self.path(free)
            out, _ = self.run_it("fit", "-d", data, "--valid", valid, "-o", run, *SMALL, "--e0", "H=3,Cu=5", "--set", f"solver.e0={free}")
            errors[free] = self.report(run)["errors_eV_Angstrom"]["valid"]["forces"]
        self.assertLess(errors["true"], errors["false"])
        out, _ = self.run_it("fit", "-d", data, "--valid", valid, "-o", self.path("again"), *SMALL, "--set", "holdout=0.05")
        found = dict(re.findall(r" (H|Cu) (-?[\d.]+)", re.search(r"E0 found with the coefficients, eV:(.*)", out)[1]))
        told, _ = self.run_it("info", os.path.join(self.path("again"), "model.ftl"))
        for element, value in found.items():
            self.assertAlmostEqual(float(re.search(rf"element {element} +E0 (\S+)", told)[1]), float(value), places=4)
        told, _ = self.run_it("eval", os.path.join(self.path("again"), "model.yace"), valid, "--labels", "REF_")
        total = re.search(r"^total +\d+ +\d+ \| +(\S+) +\S+ \| +(\S+)", told, re.M)
        said = self.report(self.path("again"))["errors_eV_Angstrom"]["valid"]
        self.assertAlmostEqual(float(total[1]), 1000 * said["energy_per_atom"], delta=2e-3)
        # so it is where none are known, not where they are
        self.assertIn(b"e0: true", self.read(self.path("again"), "recipe.yaml"))
        out, _ = self.run_it("fit", "-d", data, "-o", self.path("known"), *SMALL, "--e0", "H=-1,Cu=-2")
        self.assertNotIn("E0 found", out)
        # where E0 began makes no difference
        self.assertAlmostEqual(1000 * errors["true"], 1000 * said["forces"], delta=0.02 * 1000 * said["forces"])

    # ---- distill ----

    def distill(self, run, *options, code=0):
        return self.run_it("distill", "-m", H2CU, "-o", run, *SMALL, *SAMPLE, *options, code=code)

    def test_distillation_of_all_jobs(self):
        run = self.path("run")
        jobs = "bulk,strain,vacancy,surface,adsorbate,rattle,dimer"
        out, _ = self.distill(run, "--jobs", jobs, "--set", "sample.molecule=H-H", "--set", "sample.layers=2",
                              "--sampled-frames", "40")  # fmt: skip
        self.assertEqual(sorted(os.listdir(run)), ["errors.csv", "model.ftl", "model.yace", "recipe.yaml", "report.json",
                                                   "sampled.xyz", "sampling", "state.json"])  # fmt: skip
        for kind in ("bulk", "strain", "vacancy", "surface", "rattle"):
            self.assertRegex(out, rf"(?m)^\S*{kind}\S* +\d+ +\d+")
        sources = self.report(run)["sources"]
        self.assertEqual(sources["sampled"], min(40, sources["candidates"]))
        info, _ = self.run_it("info", os.path.join(run, "model.ftl"))
        self.assertRegex(info, r"elements +2: H Cu")
        self.assertIn(sources["model_sha256"], info)
        # labels of sampled.xyz are the model's own answers, nearly: it samples in mixed precision
        told, _ = self.run_it("eval", H2CU, os.path.join(run, "sampled.xyz"), "--labels", "REF_")
        total = re.search(r"^total +\d+ +\d+ \| +(\S+) +\S+ \| +(\S+)", told, re.M)
        self.assertLess(float(total[1]), 0.1)
        self.assertLess(float(total[2]), 1)
        self.distill(run, code=1)

    def test_data_beside_samples(self):
        run, data = self.path("run"), self.labelled("data.xyz", 10)
        out, _ = self.distill(run, "-d", data, "--jobs", "bulk,rattle", "--set", "weights.data=2", "--set", "weights.atoms=0.5")
        self.assertRegex(out, r"(?m)^H .*functions")
        report = self.report(run)
        self.assertEqual(report["errors_eV_Angstrom"]["fitted"]["structures"]
                         + report["errors_eV_Angstrom"].get("held_back", {"structures": 0})["structures"],
                         report["sources"]["sampled"] + 10)  # fmt: skip
        # types that only the data have are held back too, unless data count nothing; --e0 is used, and changes no error
        self.assertIn("(none)", report["by_type_eV_Angstrom"]["held_back"])
        self.assertEqual(report["e0"], "of the model")
        self.distill(self.path("given"), "-d", data, "--jobs", "bulk,rattle", "--set", "weights.data=2", "--set", "weights.atoms=0.5",
                     "--e0", "H=-1,Cu=2")  # fmt: skip
        given = self.report(self.path("given"))
        self.assertEqual(given["e0"], "as given")
        info, _ = self.run_it("info", self.path("given/model.ftl"))
        self.assertRegex(info, r"element Cu +E0 2 eV")
        self.distill(self.path("none"), "-d", data, "--jobs", "bulk,rattle", "--set", "weights.data=0")
        self.assertNotIn("(none)", self.report(self.path("none"))["by_type_eV_Angstrom"]["held_back"])

    def test_interrupted_and_resumed(self):
        whole, broken = self.path("whole"), self.path("broken")
        options = ["--jobs", "bulk,vacancy", "--steps", "60", "--set", "sample.repeats=3"]
        self.distill(whole, *options)
        process = subprocess.Popen([cli_case.FROZENTL, "distill", "-m", H2CU, "-o", broken, *SMALL, *SAMPLE, *options,
                                    "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        while process.poll() is None and not os.path.exists(os.path.join(broken, "sampling")):
            time.sleep(0.002)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 6, err)
        self.assertIn("frozentl distill --resume", err)
        self.assertFalse(os.path.exists(os.path.join(broken, "model.ftl")))
        self.refuse(1, ["holds a run", "--resume"], "distill", "-m", H2CU, "-o", broken, *SMALL, *SAMPLE, *options)
        self.run_it("distill", "--resume", broken, "--quiet")
        for name in ("model.ftl", "model.yace", "sampled.xyz"):
            self.assertEqual(self.read(broken, name), self.read(whole, name), name)

    # ---- rounds ----

    ROUNDS = ["--jobs", "bulk,rattle", "--temperatures", "300,2000", "--rounds", "2", "--set", "round.steps=40", "--set",
              "round.every=10", "--set", "round.least=0"]  # fmt: skip

    def test_rounds(self):
        run = self.path("run")
        out, _ = self.distill(run, *self.ROUNDS, "--set", "round.difference=1")
        self.assertEqual(sorted(os.listdir(run)), ["errors.csv", "model.ftl", "model.yace", "recipe.yaml", "report.json", "rounds",
                                                   "rounds.json", "sampled.xyz", "sampling", "state.json"])  # fmt: skip
        rounds = json.loads(self.read(run, "rounds.json"))
        self.assertEqual([of["round"] for of in rounds], [0, 1, 2])
        told = self.report(run)["rounds"]
        for k, of in enumerate(rounds):
            self.assertAlmostEqual(told[k]["after"][1], of["after"][1], delta=1e-7)
            if k == 0:
                continue
            # what is added is there, fitted or held back, and its labels are the model's
            self.assertEqual(of["fitted"] + of["held_back"], rounds[k - 1]["fitted"] + rounds[k - 1]["held_back"] + of["added"])
            self.assertEqual(sum(of["ends"].values()), of["runs"])
            added = os.path.join(run, "rounds", str(k), "sampled.xyz")
            labels, _ = self.run_it("eval", H2CU, added, "--labels", "REF_")
            total = re.search(r"^total +(\d+) +\d+ \| +(\S+) +\S+ \| +(\S+)", labels, re.M)
            self.assertEqual(int(total[1]), of["added"])
            self.assertLess(float(total[3]), 1)
        # the strict limit halted runs, in words
        for of in rounds[1:]:
            halted = of["ends"]["differs from the model"]
            self.assertGreater(halted, 1)
            self.assertIn(f"differs from the model ({halted} runs): the model's forces were others", out)
        self.assertIn("where a run was halted (rounds/1/sampled.xyz)", out)
        self.assertEqual(out.count("--set solver.e0=true"), 1)  # a hint of the first fit, not of each
        self.assertRegex(out, r"(?m)^2 +\d+ +\d+ +\d+/\d+ +\S+, \S+ \(")
        # the driver of the first round is the first fit's potential, and not the last one's
        self.assertNotEqual(self.read(run, "rounds", "1", "driver.ftl"), self.read(run, "model.ftl"))
        self.run_it("distill", "--resume", run, "--quiet")  # nothing is left to do
        self.assertEqual(json.loads(self.read(run, "rounds.json")), rounds)

    def test_rounds_are_resumed(self):
        """Ended in the dynamics of the first round, and once more in that of the second."""
        whole, broken = self.path("whole"), self.path("broken")
        options = [*self.ROUNDS, "--set", "sample.repeats=8", "--set", "round.steps=300"]
        self.distill(whole, *options)
        command = ["distill", "-m", H2CU, "-o", broken, *SMALL, *SAMPLE, *options]
        for k in (1, 2):
            process = subprocess.Popen([cli_case.FROZENTL, *command, "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while process.poll() is None and not os.path.exists(os.path.join(broken, "rounds", str(k), "sampling", "runs")):
                time.sleep(0.001)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate()
            self.assertEqual(process.returncode, 6, err)
            self.assertEqual(len(json.loads(self.read(broken, "rounds.json"))), k)
            command = ["distill", "--resume", broken]
        self.run_it(*command, "--quiet")
        for name in ("model.ftl", "model.yace", "rounds.json"):
            self.assertEqual(self.read(broken, name), self.read(whole, name), name)

    def test_rounds_of_a_network(self):
        run = self.path("run")
        out, _ = self.teach(run, "--rounds", "1", "--set", "round.steps=20", "--set", "round.every=10")
        self.assertNotIn("gamma", out)
        self.assertEqual(len(self.report(run)["rounds"]), 2)
        # it goes on from the student of the first fit, with a quarter of its epochs
        recipe = self.read(run, "rounds", "1", "student", "recipe.yaml").decode()
        self.assertRegex(recipe, r"(?m)^foundation: .*rounds/1/driver.ftl")
        self.assertRegex(recipe, r"(?m)^epochs: 2$")

    def test_mistakes_about_rounds(self):
        no = ["-m", H2CU, "-o", self.path("no"), *SAMPLE, "--rounds", "2"]
        for words, options in ((["round.gamma has no effect", "MACE"], ["--student", "mace:4x0e", "--set", "round.gamma=3"]),
                               (["round.gamma has no effect", "embedding"], ["--embedding", "0.5", "--set", "round.gamma=3"]),
                               (["uncertainty.gamma false"], ["--set", "uncertainty.gamma=false", "--set", "round.gamma=3"]),
                               (["holdout is 0"], ["--set", "holdout=0"]),
                               (["rounds need molecular dynamics"], ["--jobs", "rattle,dimer"]),
                               (["round.steps applies only with rounds above 0"], ["--rounds", "0", "--set", "round.steps=3"])):  # fmt: skip
            self.refuse(1, words, "distill", *no, *options)

    def test_starts_as_they_are(self):
        """They are labelled where their atoms are and keep their kind, beside so many rattled copies of each as are asked for."""
        text = structures(8).replace(" pbc=", " config_type=alloy pbc=", 5)
        out, _ = self.run_it("distill", "-m", H2CU, "-o", self.path("run"), *SMALL, "--starts", self.path("starts.xyz", text), "--jobs", "start,rattle",
                             "--set", "sample.rattles=3")  # fmt: skip
        made = self.read(self.path("run"), "sampling", "candidates.xyz").decode().split("\n5\n")
        kinds = [re.search(r"config_type=(\S+)", frame)[1] for frame in made]
        self.assertEqual(kinds, 5 * ["alloy"] + 3 * ["start"] + 24 * ["rattle"])
        places = [[float(x) for x in re.findall(r"^(?:Cu|H) +(\S+)", frame, re.M)] for frame in made]
        self.assertEqual(places[:8], [[float(x) for x in re.findall(r"^(?:Cu|H) +(\S+)", frame, re.M)] for frame in text.split("\n5\n")])
        self.assertNotIn(places[8], places[:8])
        self.assertRegex(out, r"(?m)^alloy +\d")

    # ---- a network as student ----

    STUDENT = ["--jobs", "bulk,rattle", "--student", "mace:4x0e,layers=1,correlation=1,max_ell=1,r_max=4,radial_mlp=8",
               "--student-epochs", "8", "--threads", "1"]  # fmt: skip

    def teach(self, run, *options, code=0):
        return self.run_it("distill", "-m", H2CU, "-o", run, *SAMPLE, *self.STUDENT, *options, code=code)

    def test_a_network_learns(self):
        run, data = self.path("run"), self.labelled("data.xyz", 10)
        out, _ = self.teach(run, "-d", data, "--valid", data, "--student-train", "batch_size=1,optimiser.lr=0.02")
        self.assertEqual(sorted(os.listdir(run)), ["errors.csv", "model.ftl", "recipe.yaml", "report.json", "sampled.xyz",
                                                   "sampling", "state.json", "student"])  # fmt: skip
        # the teacher's errors on the data, which it labelled itself, come before anything is sampled
        self.assertLess(out.index("the model itself, on 10 of 10 structures of data"), out.index("runs of the model"))
        report = self.report(run)
        self.assertLess(report["model_on_valid_eV_Angstrom"]["forces_rmse"], 1e-4)
        before, after = re.search(r"-> model.ftl.*forces (\S+) -> (\S+) meV/A", out).groups()
        self.assertLess(float(after), 0.8 * float(before))
        # the numbers that are said are those of the potential in the folder, by type and in all
        told, _ = self.run_it("eval", os.path.join(run, "model.ftl"), os.path.join(run, "student", "valid.xyz"), "--labels", "REF_")
        types = report["by_type_eV_Angstrom"]["held_back"]
        for kind, of in types.items():
            seen = re.search(rf"^{re.escape(kind)} +(\d+) +\d+ \| +(\S+) +(\S+) \| +(\S+) +(\S+)", told, re.M)
            self.assertEqual(int(seen[1]), of["structures"])
            for k, key in enumerate(("energy_rmse", "energy_mae", "forces_rmse", "forces_mae"), 2):
                self.assertAlmostEqual(float(seen[k]), 1000 * of[key], delta=2e-3)
        total = re.search(r"^total +\d+ +\d+ \| +(\S+) +\S+ \| +(\S+)", told, re.M)
        self.assertAlmostEqual(float(total[2]), 1000 * report["errors_eV_Angstrom"]["held_back"]["forces"], delta=2e-3)
        self.assertIn("held back,total,", self.read(run, "errors.csv").decode())
        # defaults of a student's own, but for what was given
        recipe = self.read(run, "student", "recipe.yaml").decode()
        for line in ("energy: 500", "forces: 100", "stress: 10000", "lr: 0.02", "ema: 0.99", "batch_size: 1", "precision: mixed", "epochs: 8"):
            self.assertRegex(recipe, rf"(?m)^ *{line}$")

    def test_an_interrupted_student_goes_on(self):
        whole, broken, data = self.path("whole"), self.path("broken"), ["-d", self.labelled("data.xyz", 6)]
        self.teach(whole, *data)
        process = subprocess.Popen([cli_case.FROZENTL, "distill", "-m", H2CU, "-o", broken, *SAMPLE, *self.STUDENT, *data, "--quiet"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        while process.poll() is None and not os.path.exists(os.path.join(broken, "student", "log.csv")):
            time.sleep(0.002)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 6, err)
        self.assertFalse(os.path.exists(os.path.join(broken, "model.ftl")))
        self.run_it("distill", "--resume", broken, "--quiet")
        self.assertEqual(self.read(broken, "model.ftl"), self.read(whole, "model.ftl"))
        self.run_it("distill", "--resume", broken, "--quiet")  # nothing is left to do: the same report again
        self.assertEqual(self.report(broken)["by_type_eV_Angstrom"], self.report(whole)["by_type_eV_Angstrom"])

    def test_mistakes_about_students(self):
        no = ["-m", H2CU, "-o", self.path("no"), *SAMPLE]
        for words, options in ((["'nequip:4' is neither ace nor"], ["--student", "nequip:4"]),
                               (["hidden irreps", "16xq"], ["--student", "mace:16xq"]),
                               (["no hidden irreps"], ["--student", "mace:,layers=1"]),
                               (["scratch.layers", "'9'"], ["--student", "mace:4x0e,layers=9"]),
                               (["scratch.laiers", "nearest"], ["--student", "mace:4x0e,laiers=1"]),
                               (["basis.n", "no effect on a MACE"], ["--student", "mace:4x0e", "--n", "3"]),
                               (["loss.energy"], ["--student", "mace:4x0e", "--set", "weights.forces=2"]),
                               (["student.epochs has no effect"], ["--student", "ace", "--student-epochs", "3"]),
                               (["student.epochs applies only when student"], ["--student-epochs", "3"]),
                               (["seed", "the distillation itself"], ["--student", "mace:4x0e", "--student-train", "seed=3"]),
                               (["holdout is 0"], ["--student", "mace:4x0e", "--set", "holdout=0"])):  # fmt: skip
            self.refuse(1, words, "distill", *no, *options)

    def test_mistakes_of_distillations(self):
        no = ["-o", self.path("no"), *SMALL]
        for words, options in ((["nothing to start sampling from"], []),
                               (["'fcc:3.6' is not like"], ["--crystal", "fcc:3.6"]),
                               (["is not like"], ["--crystal", "fcc:3.6:Cu:3x3"]),
                               (["'Xx' in"], ["--crystal", "fcc:3.6:Xx:1x1x1"]),
                               (["'boil' is none of"], [*SAMPLE, "--jobs", "boil"]),
                               (["'001' is no plane"], [*SAMPLE, "--jobs", "surface", "--set", "sample.surfaces=001"]),
                               (["is no atom or pair"], [*SAMPLE, "--jobs", "adsorbate"]),
                               (["'H2' is no atom or pair"], [*SAMPLE, "--jobs", "adsorbate", "--set",
                                                              "sample.molecule=H2"]),
                               (["sample.molecule", "sample.jobs is"], [*SAMPLE, "--set", "sample.molecule=H-H"]),
                               (["'-3' is no temperature"], [*SAMPLE, "--temperatures=-3"]),
                               (["does not have the element Ti"], ["--crystal", "hcp:2.93:4.66:Ti:1x1x1"]),
                               (["more than the 10 allowed"], [*SAMPLE, "--set", "basis.max_functions=10"]),
                               (["sample.height"], [*SAMPLE, "--set", "sample.height=3"])):  # fmt: skip
            self.refuse(1, words, "distill", "-m", H2CU, *no, *options)
        self.refuse(1, ["model"], "distill", *no, *SAMPLE)
        self.refuse(1, ["absent.ftl"], "distill", "-m", self.path("absent.ftl"), *no, *SAMPLE)
        self.refuse(1, ["no run to go on with"], "distill", "--resume", self.folder)
        self.refuse(2, ["--resume", "solver.kind"], "distill", "--resume", self.folder, "--solver", "ard")

    # ---- papers ----

    def test_recipes(self):
        for command in ("fit", "distill"):
            recipe = self.path(command + ".yaml")
            self.run_it(command, "--init", recipe, "-d", "data.xyz")
            with open(recipe) as f:
                self.assertEqual("sample:" in f.read(), command == "distill")
            self.refuse(3, ["it exists"], command, "--init", recipe)
        table, _ = self.run_it("fit", "--document")
        self.assertIn("`threads`", table.splitlines()[-1])
        self.assertNotIn("`model`", table)

    def test_manual_has_the_table(self):
        with open(os.path.join(ROOT, "docs", "surrogate.md")) as f:
            manual = f.read()
        table, _ = self.run_it("distill", "--document")
        self.assertTrue(manual.endswith(table), "docs/surrogate.md must end with what frozentl distill --document prints")


if __name__ == "__main__":
    cli_case.main()
