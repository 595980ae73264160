"""What is wrong with data is found before training: each situation is made from clean labels by a small change, and must
be found by name, and nothing else; clean data are silent. In train, fit, distill and eval.

Structures are made here and labelled by the shipped foundation.
"""

import json
import math
import os
import random

import cli_case

ROOT = os.path.dirname(os.path.dirname(cli_case.HERE))
METALS = os.path.join(ROOT, "potentials", "ftl-metals-0.ftl")
FIT = ["--n", "3", "--cutoff", "4", "--set", "uncertainty.committee=0", "--threads", "1"]
TRAIN = ["train", "--foundation", METALS, "--elements", "data", "--steps", "1", "--threads", "1", "--set",
         "optimiser.weight_decay=0"]  # fmt: skip
E0 = {"Al": -0.8508074284, "Cu": -0.6695098877}
BASE = None


class Frame:
    """A structure with labels: cell, atoms as [symbol, position, force], energy, stress[3][3]."""

    def __init__(self, cell, atoms, pbc="T T T", config="crystal"):
        self.cell, self.atoms, self.pbc, self.config = cell, atoms, pbc, config
        self.energy = self.stress = self.virial = None
        self.more = ""

    def copy(self):
        other = Frame([list(v) for v in self.cell], [[s, list(x), list(f)] for s, x, f in self.atoms], self.pbc,
                      self.config)  # fmt: skip
        other.energy, other.virial, other.more = self.energy, self.virial, self.more
        other.stress = self.stress and [list(row) for row in self.stress]
        return other

    def volume(self):
        a, b, c = self.cell
        return abs(sum(a[i] * (b[(i + 1) % 3] * c[(i + 2) % 3] - b[(i + 2) % 3] * c[(i + 1) % 3]) for i in range(3)))

    def text(self):
        def matrix(key, m):
            return f' REF_{key}="{" ".join(f"{x:.12g}" for row in m for x in row)}"' if m else ""

        lines = [f"{len(self.atoms)}", f'Lattice="{" ".join(f"{x:.10g}" for v in self.cell for x in v)}" '
                 f"Properties=species:S:1:pos:R:3:REF_forces:R:3 config_type={self.config} "
                 f'pbc="{self.pbc}" REF_energy={self.energy!r}'
                 + matrix("stress", self.stress) + matrix("virial", self.virial) + self.more]  # fmt: skip
        for symbol, x, f in self.atoms:
            lines.append(symbol + "".join(f" {v:.8f}" for v in x) + "".join(f" {v:.10g}" for v in f))
        return "\n".join(lines) + "\n"


def crystals(n, seed):
    """Strained fcc of Al and Cu with displaced atoms, 4 or 8 in a cell."""
    rng = random.Random(seed)
    frames = []
    for k in range(n):
        part, repeat = rng.random(), 1 + k % 2
        a = (3.65 + 0.4 * part) * (0.97 + 0.06 * rng.random())
        cell = [[a * (i == j) * (repeat if i == 2 else 1) + 0.06 * rng.gauss(0, 1) for j in range(3)] for i in range(3)]
        atoms = []
        for layer in range(repeat):
            for s in ((0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)):
                s = (s[0], s[1], (s[2] + layer) / repeat)
                x = [sum(s[i] * cell[i][c] for i in range(3)) + rng.gauss(0, 0.08) for c in range(3)]
                atoms.append(["Al" if rng.random() < part else "Cu", x, [0, 0, 0]])
        frames.append(Frame(cell, atoms))
    return frames


def mended(frames, change, which=lambda k: True):
    """Copies, changed in place where asked for."""
    copies = [f.copy() for f in frames]
    for k, f in enumerate(copies):
        if which(k):
            change(f)
    return copies


def scale(**factors):
    def change(f):
        f.energy *= factors.get("energy", 1)
        if f.stress:
            f.stress = [[x * factors.get("stress", 1) for x in row] for row in f.stress]
        for atom in f.atoms:
            atom[2] = [x * factors.get("forces", 1) for x in atom[2]]

    return change


class Findings(cli_case.CliCase):
    @property
    def base(self):
        global BASE
        BASE = BASE or self.labelled(crystals(40, 5))
        return BASE

    def labelled(self, frames):
        for f in frames:
            f.energy = 0
        raw, out = self.path("raw.xyz", "".join(f.text() for f in frames)), self.path("answers.json")
        self.run_it("eval", METALS, raw, "--quiet", "--json", out)
        with open(out) as f:
            for frame, answer in zip(frames, json.load(f)):
                frame.energy, frame.stress = answer["energy"], answer["stress"]
                for atom, force in zip(frame.atoms, answer["forces"]):
                    atom[2] = force
        os.remove(raw)
        os.remove(out)
        return frames

    def write(self, frames, name="data.xyz"):
        return self.path(name, "".join(f.text() for f in frames))

    def sets(self, frames):
        """A tenth of them to validate on, so that nothing is drawn."""
        return ["--data", self.write(frames[4:]), "--valid", self.write(frames[:4], "valid.xyz")]

    def new_run(self):
        self.runs = getattr(self, "runs", 0) + 1
        self.last_run = self.path(f"run{self.runs}")
        return self.last_run

    def fit(self, frames, *options, code=0):
        run = self.new_run()
        out, err = self.run_it("fit", *self.sets(frames), *FIT, *options, "-o", run, code=code)
        if code:
            self.assertFalse(os.path.exists(run) and os.listdir(run), "something was written")
        return err

    def train(self, frames, *options, code=0):
        run = self.new_run()
        out, err = self.run_it(*TRAIN, *self.sets(frames), *options, "-o", run, code=code)
        if code:
            self.assertFalse(os.path.exists(run) and os.listdir(run), "something was written")
        return err

    def eval(self, frames):
        out, err = self.run_it("eval", METALS, self.write(frames))
        return err

    def expect(self, err, *words, lines=None):
        for word in words:
            self.assertIn(word, err)
        said = [line for line in err.splitlines() if "functions; the prior" not in line]
        if lines is not None:
            self.assertEqual(len(said), lines, err)

    def refused(self, frames, *words, how=None, options=(), lines=None):
        """It ends before it trains, in a sentence that names the option; --checks warn goes on with a warning."""
        how = how or self.train
        err = how(frames, *options, code=1)
        self.expect(err, "--checks warn", *words, lines=lines)
        self.expect(how(frames, *options, "--checks", "warn"), "frozentl: warning", *words)

    # ---- clean ----

    def test_clean_data_are_silent(self):
        self.assertEqual(self.eval(self.base), "")
        self.expect(self.fit(self.base), lines=0)
        err = self.train(self.base)
        for word in ("energies", "forces", "stress", "same structure", "repeated", "closer"):
            self.assertNotIn(f"train: {word}", err)

    def test_real_data_are_silent(self):
        """Those whose labels have other names; test_findings.c has the others."""
        water = os.path.join(os.path.dirname(ROOT), "shared", "data", "water", "train.xyz")
        if not os.path.exists(water):
            self.skipTest("there is no ../shared/data/water")
        _, err = self.run_it("fit", "--labels", "", "-d", water, "--e0", "H=-13.6,O=-430", *FIT, "-o", self.new_run())
        self.expect(err, lines=0)

    # ---- energies ----

    @cli_case.same_code_again
    def test_energies_of_another_code(self):
        def shift(f):
            f.energy -= sum({"Al": 537.4, "Cu": 1352.7}[a[0]] for a in f.atoms)

        frames = mended(self.base, shift)
        self.refused(frames, "eV an atom away", "--e0 fit", "frame ", options=["--e0", "keep"], lines=1)
        err = self.train(frames)  # E0 are fitted, and that is said once
        self.expect(err, "warning: energies of train are", "another code, functional", "--e0 fit")
        self.assertEqual(err.count("energies of train"), 1)
        self.assertNotIn("away", err)
        self.assertNotIn("away", self.eval(self.base))
        self.expect(self.eval(frames), "eV an atom away", "--e0 fit", lines=1)
        self.assertNotIn("away", self.train(frames, "--e0", "fit"))

        def functional(f):
            f.energy -= sum({"Al": 0.7, "Cu": 0.9}[a[0]] for a in f.atoms)

        frames = mended(self.base, functional)
        self.expect(self.train(frames, "--e0", "keep"), "warning: train", "another code, functional", "--e0 fit")
        self.assertNotIn("energies", self.train(frames))

    @cli_case.same_code_again
    def test_isolated_atoms_of_another_code(self):
        atoms = []
        for symbol, energy in (("Al", -538.2), ("Cu", -1353.3)):
            atom = Frame([[20, 0, 0], [0, 20, 0], [0, 0, 20]], [[symbol, [1, 2, 3], [0, 0, 0]]],
                         config="isolated_atom")  # fmt: skip
            atom.energy = energy
            atoms.append(atom)
        self.refused(self.base + atoms, "isolated atoms", "do not belong", how=self.fit, lines=1)
        self.expect(self.train(self.base + atoms, "--e0", "fit", code=1), "isolated atoms", "do not belong")
        # against the foundation's E0, when structures do not say it
        err = self.train(mended(self.base, lambda f: None) + atoms, code=1)
        self.expect(err, "isolated atoms")

    def test_given_energies_of_atoms(self):
        self.expect(self.fit(self.base, "--e0", "Al=-0.85,Cu=-0.67"), lines=0)
        self.refused(self.base, "E0 that are given", how=self.fit, options=["--e0", "Al=-538.2,Cu=-1353.3"], lines=1)

    def test_valid_of_another_calculation(self):
        frames = mended(self.base, lambda f: setattr(f, "energy", f.energy - 100 * len(f.atoms)), lambda k: k < 4)
        self.refused(frames, "valid: energies are typically", "away from those of data", how=self.fit, lines=1)
        self.expect(self.train(frames, code=1), "valid: energies are typically", "away from those of train")

    @cli_case.same_code_again
    def test_isolated_atoms_are_the_same_everywhere(self):
        """By box, by name in any spelling, without a period: E0 is theirs in train and in fit."""
        ways = [("T T T", "lone", 20), ("T T T", "IsolatedAtom", 20), ("T T T", "isolated_atom", 20),
                ("T T T", "Isolated", 20), ("F F F", "x", 20), ("T T F", "x", 20)]  # fmt: skip
        for k, (pbc, config, box) in enumerate(ways):
            atoms = []
            for symbol in E0:
                atom = Frame([[box, 0, 0], [0, box, 0], [0, 0, box]], [[symbol, [1, 2, 3], [0, 0, 0]]], pbc, config)
                atom.energy = E0[symbol] - 0.125
                atoms.append(atom)
            frames = self.base[:20] + atoms
            for command in ("fit", "train"):
                run = os.path.join(self.folder, f"{command}-{k}")
                options = FIT if command == "fit" else [*TRAIN[1:], "--e0", "fit", "--valid", self.write(self.base[20:], "v.xyz")]
                self.run_it(command, "--data", self.write(frames), *options, "-o", run)
                out, _ = self.run_it("info", os.path.join(run, "model.ftl"))
                for symbol in E0:
                    self.assertIn(f"{E0[symbol] - 0.125:.4f}", out.replace("0000", ""), (command, pbc, config))

    def test_isolated_by_name_only(self):
        frames = mended(self.base, lambda f: setattr(f, "config", "IsolatedAtom"), lambda k: k == 9)
        self.expect(self.fit(frames), "config_type says isolated atom", "several atoms: 1", "frame 5", lines=1)
        atom = Frame([[2.9, 0, 0], [0, 2.9, 0], [0, 0, 2.9]], [["Cu", [0, 0, 0], [0, 0, 0]]], config="isolated-atom")
        atom.energy, atom.stress = -3.5, [[0.0] * 3] * 3
        self.expect(self.fit(self.base + [atom], "--e0", "Al=-0.85,Cu=-0.67"), "longer box", lines=1)

    @cli_case.same_code_again
    def test_units_of_energies(self):
        for factor, name in cli_case.kinds(((1 / 27.211386, "Hartree"), (1 / 13.605693, "Rydberg"), (23.060548, "kcal/mol"),
                                            (96.485332, "kJ/mol"))):  # fmt: skip
            frames = mended(self.base, scale(energy=factor))
            self.expect(self.train(frames, code=1), name, "energies", "eV are expected", "--checks warn")
            self.expect(self.train(frames, "--e0", "fit", code=1), name)
            self.expect(self.eval(frames), name, lines=1)
        self.refused(mended(self.base, scale(energy=1 / 27.211386)), "Hartree")

        def with_other_e0(f):  # all-electron energies in Hartree
            f.energy = (f.energy - sum({"Al": 6600, "Cu": 45000}[a[0]] for a in f.atoms)) / 27.211386

        self.expect(self.train(mended(self.base, with_other_e0), code=1), "Hartree")

    @cli_case.same_code_again
    def test_energies_per_atom(self):
        def per_atom(f):
            f.energy /= len(f.atoms)

        frames = mended(self.base, per_atom)
        self.refused(frames, "per atom", "whole structure")
        self.refused(frames, "per atom", how=self.fit, lines=1)
        self.expect(self.eval(frames), "per atom", lines=1)

    @cli_case.same_code_again
    def test_one_energy_is_far(self):
        for energy, severe in ((5, False), (-3, False), (100, True)):

            def move(f):
                f.energy += energy * len(f.atoms)

            frames = mended(self.base, move, lambda k: k == 20)
            err = self.fit(frames, "--checks", "warn")
            self.expect(err, "energ", "frame 16", lines=1)
            if severe:
                self.refused(frames, "frame 16", how=self.fit, lines=1)

        def ruin(f):
            f.energy = 1e15

        # no fit comes out of this, so it is refused whatever is asked for
        for how in (self.fit, self.train):
            err = how(mended(self.base, ruin, lambda k: k == 20), "--checks", "warn", code=1)
            self.expect(err, "an energy of 1e+15 eV is impossible", "frame 16", lines=1)

    @cli_case.same_code_again
    def test_two_calculations_in_one_set(self):
        def other(f):
            f.energy -= 1000 * len(f.atoms)

        self.refused(mended(self.base, other, lambda k: k % 3 == 0), "different kinds", how=self.fit)

    # ---- forces ----

    def test_zero_forces(self):
        frames = mended(self.base, scale(forces=0), lambda k: k >= 4 and k % 2)
        self.expect(self.fit(frames), "18 of 36 structures are all zero", "constraints", "frame ", lines=1)
        self.expect(self.train(frames), "18 of 36 structures are all zero")
        self.expect(self.eval(frames), "18 of 40 structures are all zero", lines=1)

    def test_perfect_crystals_have_none(self):
        crystal = Frame([[3.6, 0, 0], [0, 3.6, 0], [0, 0, 3.6]],
                        [["Cu", [1.8 * x, 1.8 * y, 1.8 * z], [0, 0, 0]] for x, y, z in
                         ((0, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1))])  # fmt: skip
        crystal.energy, crystal.stress = -15.0, [[0.0] * 3] * 3
        self.expect(self.fit(self.base + [crystal]), lines=0)

    def test_fixed_atoms(self):
        def fix(f):
            for atom in f.atoms[:2]:
                atom[2] = [0, 0, 0]

        frames = mended(self.base, fix, lambda k: 4 <= k < 24)
        self.expect(self.fit(frames), "some atoms are exactly zero", "40 atoms in 20 of 36", "fixed", lines=1)

    def test_net_force(self):
        def push(f):
            f.atoms[0][2] = [x + 2 for x in f.atoms[0][2]]

        frames = mended(self.base, push, lambda k: 10 <= k < 13)
        self.expect(self.fit(frames), "the forces of 3 of 36 structures do not add up", "frame ", lines=1)

    @cli_case.same_code_again
    def test_units_of_forces(self):
        for factor, name in cli_case.kinds(((-1 / 51.422067, "Hartree/Bohr"), (1 / 51.422067, "Hartree/Bohr"), (1 / 25.711034, "Rydberg/Bohr"),
                                            (23.06, "kcal/mol/A"), (-1, "other sign"))):  # fmt: skip
            frames = mended(self.base, scale(forces=factor))
            self.expect(self.train(frames, code=1), "forces", name, "--checks warn")
            self.expect(self.eval(frames), "forces", name, lines=1)
        some = mended(self.base, scale(forces=-1), lambda k: k % 4 == 0)
        self.expect(self.eval(some), "forces of 9 of 39 structures", "other sign", lines=1)

    # ---- energies, forces and stress against each other: nothing answers for them in a fit ----

    @cli_case.same_code_again
    def test_work_of_forces_and_stress(self):
        """Similar structures of one crystal: the energy changes by the work of forces and stresses."""
        rng = random.Random(8)
        moved, strained = [], []
        for k in range(40):
            for alike, rattle, strain in ((moved, 0.05, 0), (strained, 0, 0.015)):
                f = self.base[1].copy()
                for c in range(3):
                    factor = 1 + strain * rng.gauss(0, 1)
                    for row in [*f.cell, *(atom[1] for atom in f.atoms)]:
                        row[c] *= factor
                for atom in f.atoms:
                    atom[1] = [x + rattle * rng.gauss(0, 1) for x in atom[1]]
                f.atoms[0][1] = [x + f.cell[0][c] * (k % 3) for c, x in enumerate(f.atoms[0][1])]  # wrapped elsewhere
                alike.append(f)
        moved, strained = self.labelled(moved), self.labelled(strained)
        e0 = ["--e0", "Al=-0.85,Cu=-0.67"]
        self.expect(self.fit(moved, *e0), lines=0)
        self.expect(self.fit(strained, *e0), lines=0)

        def per_atom(f):
            f.energy /= len(f.atoms)

        for change, word in ((scale(energy=1 / 27.211386), "Hartree beside forces in eV/A"),
                             (scale(forces=1 / 51.422067), "forces in Hartree/Bohr beside energies in eV"),
                             (scale(energy=1 / 27.211386, forces=1 / 51.422067), "energies in Hartree and forces"),
                             (scale(energy=23.06), "kcal/mol beside"), (scale(forces=-1), "gradients"),
                             (per_atom, "energies per atom")):  # fmt: skip
            self.refused(mended(moved, change), "contradict each other", word, "frame ", how=self.fit)
        for factor, word in ((-1, "stress of the other sign"), (160.2, "stress in GPa")):
            self.expect(self.fit(mended(strained, scale(stress=factor)), code=1), word, "--checks warn")

    # ---- stress ----

    @cli_case.same_code_again
    def test_units_of_stress(self):
        for factor, name in cli_case.kinds(((-1602.1766, "kbar"), (-1, "other sign"), (160.21766, "GPa"), (1 / 183.63, "Hartree"))):
            frames = mended(self.base, scale(stress=factor))
            self.expect(self.eval(frames), "stress", name, lines=1)
            self.expect(self.train(frames, code=1), "stress", "expected is eV/A^3")
        kbar = mended(self.base, scale(stress=-1602.1766))
        self.refused(kbar, "GPa", "no condensed matter", "-1602.18", "frame ", how=self.fit, lines=2)

        def virial(f):
            f.stress = [[-x * f.volume() for x in row] for row in f.stress]

        self.expect(self.eval(mended(self.base, virial)), "a virial", lines=1)

    @cli_case.same_code_again
    def test_order_of_stress(self):
        def vasp(f):
            f.more = ' REF_stress="' + " ".join(
                str(f.stress[i][j]) for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))) + '"'  # fmt: skip
            f.stress = None

        self.expect(self.train(mended(self.base, vasp), code=1), "order", "VASP", "Voigt")

    @cli_case.same_code_again
    def test_stress_and_virial(self):
        def agree(f):
            f.virial = [[-x * f.volume() for x in row] for row in f.stress]

        def oppose(f):
            f.virial = [[x * f.volume() for x in row] for row in f.stress]

        def differ(f):
            f.virial = [[3 * x for x in row] for row in f.stress]

        self.expect(self.fit(mended(self.base, agree)), lines=0)
        frames = mended(self.base, oppose, lambda k: k >= 4)
        self.expect(self.fit(frames), "contradict each other in the sign", "frame ", lines=1)
        frames = mended(self.base, differ, lambda k: k >= 4)
        self.expect(self.fit(frames), "36 structures contradict each other;", lines=1)

    def test_stress_of_slabs(self):
        frames = mended(self.base, lambda f: setattr(f, "pbc", "T T F"))
        for how in (self.fit, self.train):
            err = how(frames)
            self.expect(err, "stress labels left out, because the structure is not periodic", ": 36", ": 4")
            self.assertEqual(err.count("stress labels left out"), 2, err)  # of data, of valid

    # ---- structures ----

    def test_the_same_structure_with_other_labels(self):
        def turn(f):
            """Other order, a shift, and lattice translations."""
            f.atoms = f.atoms[2:] + f.atoms[:2]
            for k, atom in enumerate(f.atoms):
                atom[1] = [x + 0.25 + (k % 3 - 1) * f.cell[1][c] for c, x in enumerate(atom[1])]

        twin = mended(self.base[20:21], turn)
        self.expect(self.fit(self.base + twin), "repeated structures: 1", lines=1)
        twin[0].energy += 0.1
        err = self.fit(self.base + twin)
        self.expect(err, "repeated structures: 1", "the same structure has other labels: 1", "frame 36", "frame 16", lines=2)
        twin[0].energy -= 0.1
        twin[0].atoms[0][2][0] += 0.2
        twin[0].atoms[1][2][0] -= 0.2
        self.expect(self.fit(self.base + twin), "other labels: 1", lines=2)
        # a leak from data to valid
        leak = mended(self.base[20:21], turn)
        self.expect(self.fit(leak + self.base), "are in data too", lines=1)
        leak[0].energy += 1
        self.expect(self.fit(leak + self.base), "are in data too", "other labels: 1", lines=2)

    @cli_case.same_code_again
    def test_coordinates(self):
        def fractions(f):
            rows = inverse(f.cell)
            for atom in f.atoms:
                atom[1] = [sum(atom[1][i] * rows[i][c] for i in range(3)) % 1 for c in range(3)]

        self.refused(mended(self.base, fractions), "fractional", "frame ", how=self.fit, options=["--set", "inner.width=0.001"])

        def bohr(f):
            f.cell = [[x / 0.529177 for x in v] for v in f.cell]
            for atom in f.atoms:
                atom[1] = [x / 0.529177 for x in atom[1]]

        self.expect(self.fit(mended(self.base, bohr), "--cutoff", "6"), "Bohr")

        def close(f):
            f.atoms[1][1] = [x + 0.5 for x in f.atoms[0][1]]

        frames = mended(self.base, close, lambda k: k == 20)
        self.expect(self.fit(frames), "in 1 of 36 structures", "closer", "frame 16", lines=1)

    # ---- where they are kept, distill ----

    def test_findings_are_kept(self):
        frames = mended(self.base, scale(forces=0))
        self.fit(frames)
        with open(os.path.join(self.last_run, "report.json")) as f:
            self.assertTrue(any("all zero" in text for text in json.load(f)["findings"]))
        self.train(frames)
        with open(os.path.join(self.last_run, "log.jsonl")) as f:
            events = [json.loads(line) for line in f]
        found = [e for e in events if e["event"] == "finding" and "all zero" in e["text"]]
        self.assertEqual([e["count"] for e in found], [36, 4])

    def test_distill_compares_data_with_the_model(self):
        def shift(f):
            f.energy -= 1000 * len(f.atoms)

        sample = ["--model", METALS, "--temperatures", "300", "--steps", "10", "--set", "sample.every=5", "--jobs", "bulk",
                  "--n-starts", "2", *FIT]  # fmt: skip
        run = self.path("run")
        _, err = self.run_it("distill", *self.sets(mended(self.base, shift)), *sample, "-o", run, code=1)
        self.expect(err, "eV an atom away", "weights.data", "--checks warn", lines=1)
        self.assertFalse(os.path.exists(run))
        _, err = self.run_it("distill", *self.sets(mended(self.base, scale(forces=-1))), *sample, "-o", run, code=1)
        self.expect(err, "forces", "other sign", lines=1)
        _, err = self.run_it("distill", *self.sets(self.base), *sample, "-o", run)
        self.expect(err, lines=0)


def inverse(cell):
    a, b, c = cell
    cross = lambda u, v: [u[(k + 1) % 3] * v[(k + 2) % 3] - u[(k + 2) % 3] * v[(k + 1) % 3] for k in range(3)]
    rows = [cross(b, c), cross(c, a), cross(a, b)]
    volume = math.fsum(x * y for x, y in zip(a, rows[0]))
    return [[rows[k][i] / volume for k in range(3)] for i in range(3)]


if __name__ == "__main__":
    cli_case.main()
