"""Labels and structures as people have them, in every command that reads data: names of labels, labels that are not
used, blank ones, several heads, packed files, files of other programs.

Structures are made here and labelled by a twin.
"""

import bz2
import gzip
import json
import os
import re
import subprocess

import cli_case
from cli_case import HEADS, PLAIN, structures

FIT = ["--n", "3/2", "--l", "1", "--cutoff", "4", "--set", "uncertainty.committee=0", "--set", "holdout=0.2"]
SAMPLE = ["--starts", "START", "--jobs", "rattle", "--set", "sample.frames=4", "--n-starts", "2"]
N = 6

# spelling: names of energy, forces, stress and virial in the file; options that read them
READ = {
    "usual": (("REF_energy", "REF_forces", "REF_stress", None), []),
    "virial": (("REF_energy", "REF_forces", None, "REF_virial"), []),
    "mace-torch": (("REF_energy", "REF_forces", None, "REF_virials"), []),
    "ase": (("energy", "forces", "stress", None), ["--labels", ""]),
    "gap": (("dft_energy", "dft_force", None, "dft_virial"), ["--labels", "dft_"]),
    "capitals": (("DFT_energy", "DFT_Forces", "DFT_Stress", None), ["--labels", "DFT_"]),
    "y": (("y_energy", "y_force", "y_stress", None), ["--labels", "y_"]),
    "names": (("E_tot", "f", "sigma", None),
              ["--labels-energy", "E_tot", "--labels-forces", "f", "--labels-stress", "sigma"]),
    "names-virial": (("E_tot", "f", None, "W"),
                     ["--labels-energy", "E_tot", "--labels-forces", "f", "--labels-virial", "W"]),
}  # fmt: skip
# names that are not read by default, and what is proposed
UNREAD = {
    "ase": (("energy", "forces", "stress", None), "--labels ''"),
    "gap": (("dft_energy", "dft_force", None, "dft_virial"), "--labels dft_"),
    "y": (("y_energy", "y_force", "y_stress", None), "--labels y_"),
    "mixed": (("TotEnergy", "forces_pbe", "stress-pbe", None),
              "--labels-energy TotEnergy --labels-forces forces_pbe --labels-stress stress-pbe"),
}  # fmt: skip


def virial(match):
    """The stress of a frame as a virial."""
    comment = match[0]
    a = float(re.search(r'Lattice="(\S+)', comment)[1])
    numbers = [-float(x) * a**3 for x in re.search(r' stress="([^"]*)"', comment)[1].split()]
    return re.sub(r' stress="[^"]*"', ' VIRIAL="' + " ".join(map(repr, numbers)) + '"', comment)


class Labels(cli_case.CliCase):
    answered = None

    def setUp(self):
        super().setUp()
        if Labels.answered is None:
            raw, out = self.path("raw.xyz", structures(N, side=4.2)), self.path("out.xyz")
            self.run_it("eval", PLAIN, raw, "--quiet", "-o", out)
            with open(out) as f:
                Labels.answered = f.read()
            os.remove(raw)
            os.remove(out)
        self.runs = 0

    def text(self, energy="REF_energy", forces="REF_forces", stress="REF_stress", virials=None, seen=lambda k: ""):
        """The answers as labels under these names; seen(k): more of the comment line of frame k."""
        text = Labels.answered
        if virials:
            text = re.sub(r"Lattice=.*|Properties=.*", virial, text).replace("VIRIAL=", virials + "=")
        text = re.sub(r" energy=", f" {energy}=", text).replace(" stress=", f" {stress}=")
        text = text.replace(":forces:", f":{forces}:").replace(":node_energy:", ":note:")
        frames = iter(range(N))
        return re.sub(r"Properties=.*", lambda m: m[0] + " " + seen(next(frames)), text)

    def commands(self, data, options=()):
        """Every command that reads labels, on this file."""
        self.runs += 1
        run = self.path(f"run{self.runs}")
        return {
            "eval": ["eval", PLAIN, data, *options],
            "train": ["train", "-f", PLAIN, "-d", data, "-e", "1", "--lr", "1e-5", "-o", run + "t", *options],
            "fit": ["fit", "-d", data, "-o", run + "f", *FIT, *options],
        }

    def distill(self, data, *options):
        self.runs += 1
        sample = [data if x == "START" else x for x in SAMPLE]
        return ["distill", "-m", PLAIN, "-d", data, "-o", self.path(f"run{self.runs}d"), *FIT, *sample, *options]

    # ---- names ----

    def test_labels_are_read_by_every_usual_name(self):
        for spelling, (names, options) in READ.items():
            data = self.path(f"{spelling}.xyz", self.text(*names))
            stress = names[2] or names[3]
            counts = f"{N} energies ({names[0]}), {N} with forces ({names[1]}), {N} stresses ({stress})"
            for name, command in self.commands(data, options).items():
                if name == "fit" and spelling not in ("usual", "gap", "names"):
                    continue
                with self.subTest(spelling=spelling, command=name):
                    out, err = self.run_it(*command)
                    self.assertNotIn("not used", err)
                    if name != "train":
                        self.assertIn(counts, out)
                    else:
                        self.assertRegex(out, rf"train: \d+ structures \(\d+ atoms\), \d+ energies \({names[0]}\), \d+ "
                                              rf"with forces \({names[1]}\), \d+ stresses \({stress}\)")  # fmt: skip
                    if name == "eval":
                        total = re.search(r"^total +6 +30 \|(.*)", out, re.M)[1].replace("|", "")
                        self.assertEqual(total.split(), ["0.000"] * 6)  # energies, forces, and the sign of the stress

    def test_labels_that_are_not_used_are_said(self):
        for spelling, (names, option) in UNREAD.items():
            data = self.path(f"{spelling}.xyz", self.text(*names))
            for name, command in self.commands(data).items():
                with self.subTest(spelling=spelling, command=name):
                    out, err = self.run_it(*command, code=0 if name == "eval" else 1)
                    for word in (option, *(n for n in names if n)):
                        self.assertIn(word, err)
                    if name == "eval":  # energies of many frames stand between the warning and the end
                        self.assertIn(option, out[-300:])
        # one kind of label alone, in the set that is trained on or in another one
        good = self.path("good.xyz", self.text())
        data = self.path("stress.xyz", self.text(stress="stress"))
        commands = self.commands(data)
        for extra in ("--valid", "--test", "--replay"):
            more = ["--set", "replay.labels=data"] if extra == "--replay" else []
            commands["train " + extra] = self.commands(good, [extra, data, *more])["train"]
        commands["fit --valid"] = self.commands(good, ["--valid", data])["fit"]
        commands["distill"] = self.distill(data)
        for name, command in commands.items():
            with self.subTest(command=name):
                _, err = self.run_it(*command)
                self.assertIn("--labels-stress stress", err)
                self.assertIn("stress.xyz, line 2, frame 0", err)
                self.assertIn(f"{N} of {N} structures", err)

    def test_names_with_the_prefix_that_are_not_read(self):
        data = self.path("more.xyz", self.text(seen=lambda k: 'REF_dipole="1 2 3"' if k > 1 else "").replace(
            ":note:", ":REF_charges:"))  # fmt: skip
        for name, command in {**self.commands(data), "distill": self.distill(data)}.items():
            with self.subTest(command=name):
                _, err = self.run_it(*command)
                self.assertEqual(err.count("not read"), 1)
                self.assertIn(f"REF_dipole ({N - 2})", err)
                self.assertIn(f"REF_charges ({N})", err)

    def test_a_name_that_no_frame_has(self):
        data = self.path("data.xyz", self.text())
        for kind in ("energy", "forces", "stress", "virial"):
            for name, command in self.commands(data, [f"--labels-{kind}", "nowhere"]).items():
                with self.subTest(kind=kind, command=name):
                    err = self.refuse(1, [f"labels.{kind} is nowhere", "data.xyz"], *command)
                    self.assertIn("REF_", err)
            self.refuse(1, [f"labels.{kind} is nowhere"], *self.distill(data, f"--labels-{kind}", "nowhere"))
        good = self.path("names.xyz", self.text("E", "f", "S"))
        names = ["--labels-energy", "E", "--labels-forces", "f", "--labels-stress", "S"]
        for command in (self.commands(good, [*names, "--test", data])["train"],
                        self.commands(good, [*names, "--valid", data])["fit"]):  # fmt: skip
            _, err = self.run_it(*command)
            self.assertIn("labels.energy is E", err)

    def test_recipes(self):
        data = self.path("data.xyz", self.text("E", "f", "S", None, lambda k: f"head={'pbe' if k % 2 else 'scan'}"))
        forms = ["labels: {energy: E, forces: f, stress: S}", "labels.energy: E\nlabels.forces: f\nlabels.stress: S",
                 "labels:\n  prefix: none_\n  energy: E\n  forces: f\n  stress: S"]  # fmt: skip
        for k, form in enumerate(forms):
            recipe = self.path(f"r{k}.yaml", f"data: data.xyz\nselect: [head=pbe, head=scan]\n{form}\nepochs: 1\n")
            run = self.path(f"recipe{k}")
            out, _ = self.run_it("train", recipe, "-f", PLAIN, "--lr", "1e-5", "-o", run)
            self.assertRegex(out, r"train: \d+ .*\d energies \(E\), \d with forces \(f\), \d stresses \(S\)")
            out, _ = self.run_it("train", "--resume", run, "-e", "2")  # the run's own recipe reads back
            self.assertRegex(out, r"train: \d+ .*\d energies \(E\)")
        self.refuse(1, ["labels.prefx"], "train", self.path("bad.yaml", "labels: {prefx: x}\n"), "-o", self.path("no"))

    def test_a_proposed_recipe(self):
        data = self.path("data.xyz", self.text(stress="stress"))
        self.run_it("train", "--init", self.path("a.yaml"), "-d", data, "-f", PLAIN)
        with open(self.path("a.yaml")) as f:
            text = f.read()
        self.assertIn(f"{N} energies (REF_energy), {N} with forces (REF_forces), 0 stresses", text)
        self.assertIn("--labels-stress stress", text)
        other = self.path("other.xyz", self.text("dft_energy", "dft_force", "dft_stress"))
        self.refuse(1, ["--labels dft_"], "train", "--init", self.path("b.yaml"), "-d", other)
        self.run_it("train", "--init", self.path("b.yaml"), "-d", other, "-f", PLAIN, "--labels", "dft_")
        self.run_it("train", self.path("b.yaml"), "-e", "1", "-o", self.path("b"), "--quiet")

    # ---- blank labels, keys given twice, large forces ----

    def test_blank_labels_are_missing(self):
        def blanked(k, text):
            return re.sub(r'REF_stress="[^"]*"', 'REF_stress="' + " ".join(["nan"] * 9) + '"', text) if k % 2 else text

        frames = re.split(r"(?m)^(?=5$)", self.text())[1:]
        data = self.path("nan.xyz", "".join(blanked(k, f) for k, f in enumerate(frames)))
        for name, command in {**self.commands(data), "distill": self.distill(data)}.items():
            with self.subTest(command=name):
                out, err = self.run_it(*command)
                self.assertEqual(err.count("without a number"), 1)
                self.assertIn(f"stresses of {N // 2} structures of {N}; first: ", err)
                self.assertIn("nan.xyz, line 9, frame 1", err)
                if name != "train":
                    self.assertIn(f"{N // 2} stresses (REF_stress)", out)
        half = self.path("half.xyz", self.text().replace('REF_stress="', 'REF_stress="nan ', 1))
        for name, command in self.commands(half).items():
            self.refuse(1, ["half.xyz, line 2, frame 0", "REF_stress"], *command)

    def test_keys_given_twice(self):
        data = self.path("twice.xyz", self.text(seen=lambda k: "step=1 step=1"))
        for name, command in self.commands(data).items():
            with self.subTest(command=name):
                _, err = self.run_it(*command)
                self.assertEqual(err.count("stands twice"), 1)
        for key in ("REF_energy=1", 'REF_stress="1 1 1 1 1 1"', 'Lattice="9 0 0 0 9 0 0 0 9"', 'pbc="T T T"',
                    "Properties=species:S:1:pos:R:3", "head=a head=a", "config_type=a config_type=b"):  # fmt: skip
            bad = self.path("bad.xyz", self.text(seen=lambda k: key if k == 3 else ""))
            for command in self.commands(bad).values():
                self.refuse(1, ["line 23, frame 3", "twice"], *command)

    def test_a_large_force_names_the_options(self):
        frames = re.split(r"(?m)^(?=5$)", self.text())[1:]
        column = "".join(frames).split("\n")[2].split()[4]
        data = self.path("large.xyz", "".join(frames).replace(column, "150.5", 1))
        for name, command in self.commands(data).items():
            if name == "eval":
                continue
            with self.subTest(command=name):
                self.refuse(1, ["large.xyz, line 3", "--large-forces drop", "--max-force"], *command)
                _, err = self.run_it(*command, "--large-forces", "drop")
                self.assertRegex(err, r"left out.*: 1; first: .*large.xyz, line 3")
                os.rename(command[command.index("-o") + 1], self.path("old" + name))
                self.run_it(*command, "--max-force", "1000")

    # ---- heads ----

    def test_several_heads(self):
        data = self.path("heads.xyz", self.text(seen=lambda k: f"head={'pbe' if k % 3 else 'scan'}"))
        good = self.path("good.xyz", self.text(seen=lambda k: "head=pbe"))
        commands = self.commands(data)
        commands["distill"] = self.distill(data)
        commands["init"] = ["train", "--init", self.path("x.yaml"), "-d", data, "-f", PLAIN]
        evaluate = commands.pop("eval")
        for name, command in commands.items():
            with self.subTest(command=name):
                self.refuse(1, ["heads.xyz", "scan (2)", "pbe (4)", "select"], *command)
                if name != "distill":
                    self.run_it(*command, "--select", "head=pbe")
        out, err = self.run_it(*evaluate)
        self.assertIn("scan (2), pbe (4)", err)
        self.assertIn("--select head=", err)
        out, err = self.run_it(*evaluate, "--select", "head=scan")
        self.assertIn("2 frames", out)
        self.assertNotIn("scan (2)", err)
        for option in ("--valid", "--test"):
            self.refuse(1, ["scan (2)"], *self.commands(good, [option, data])["train"])
        self.refuse(1, ["scan (2)", "replay.select"],
                    *self.commands(good, ["--replay", data, "--set", "replay.labels=data"])["train"])  # fmt: skip
        self.run_it(*self.commands(good, ["--replay", data, "--set", "replay.labels=data", "--set",
                                          "replay.select=head=scan"])["train"])  # fmt: skip
        self.run_it(*self.commands(data, ["--select", "head=pbe,head=scan"])["train"])
        for command in self.commands(data, ["--select", "head=hse"]).values():
            self.refuse(1, ["none of the 6 structures", "head=pbe (4)", "head=scan (2)"], *command)
        for command in self.commands(data, ["--select", "head"]).values():
            self.refuse(1, ["KEY=VALUE"], *command)

    def test_heads_of_the_model(self):
        """A head that the model has answers its frames, as ever, and nothing is mixed."""
        data = self.path("heads.xyz", self.text(seen=lambda k: f"head={'omat' if k % 2 else 'oc20'}"))
        out, err = self.run_it("eval", HEADS, data)
        self.assertIn("head omat", out)
        self.assertIn("head oc20", out)
        self.assertNotIn("compared as one", err)
        _, err = self.run_it("eval", HEADS, data, "--head", "omat")
        self.assertIn("compared as one: oc20 (3), omat (3)", err)

    def test_select_by_other_keys(self):
        data = self.path("kinds.xyz", self.text(seen=lambda k: f"config_type={'ab'[k % 2]}" + (" done=T" if k > 3 else "")))
        for options, n in ((["--select", "config_type=a"], 3), (["--select", "config_type=a,done=T"], 1),
                           (["--select", "done=(none)"], 4), (["--select", "config_type=a", "--select", "done=T"], 1)):  # fmt: skip
            out, _ = self.run_it("eval", PLAIN, data, *options)
            self.assertIn(f"{n} frame{'s' if n > 1 else ''}, ", out)
        out, _ = self.run_it("estimate", PLAIN, data, "--select", "config_type=b")
        self.refuse(1, ["config_type=a (3)"], "estimate", PLAIN, data, "--select", "config_type=z")

    # ---- files ----

    def test_gzip_is_read(self):
        text = self.text().encode()
        data, packed = self.path("data.xyz", text), self.path("data.xyz.gz", gzip.compress(text[:999]) + gzip.compress(text[999:]))
        for name, command in self.commands(packed).items():
            with self.subTest(command=name):
                self.run_it(*command)
        self.assertEqual(self.eval_json(PLAIN, packed), self.eval_json(PLAIN, data))
        self.run_it("estimate", PLAIN, packed)
        with open(packed, "rb") as f:
            piped = subprocess.run([cli_case.FROZENTL, "eval", PLAIN, "-", "-q", "-j", self.path("piped.json")], stdin=f)
        self.assertEqual(piped.returncode, 0)
        with open(self.path("piped.json")) as f:
            self.assertEqual(json.load(f), self.eval_json(PLAIN, data))
        whole = gzip.compress(text)
        for name, bad in (("cut", whole[:-20]), ("flipped", whole[:500] + bytes([whole[500] ^ 1]) + whole[501:]),
                          ("sum", whole[:-6] + b"xx" + whole[-4:])):  # fmt: skip
            path = self.path(f"{name}.xyz.gz", bad)
            for command in self.commands(path).values():
                self.refuse(1, [f"{name}.xyz.gz"], *command)

    def test_files_of_other_programs(self):
        poscar = b"Cu4\n1.0\n3.6 0 0\n0 3.6 0\n0 0 3.6\nCu\n4\nDirect\n0 0 0\n"
        files = {"a.h5": (b"\x89HDF\r\n\x1a\n" + bytes(500), "HDF5", "frozentl.convert"),
                 "a.db": (b"SQLite format 3\0" + bytes(500), "SQLite", "frozentl.convert"),
                 "a.xyz": (poscar, "POSCAR", "frozentl.convert"),  # by content, whatever the name
                 "OUTCAR.gz": (gzip.compress(b" vasp.6.4.2 complex\n executed on\n"), "OUTCAR", "frozentl.convert"),
                 "vasprun.xml": (b"<?xml version='1.0'?>\n<modeling>\n", "vasprun.xml", "frozentl.convert"),
                 "a.cif": (b"data_x\n_cell_length_a 3\nloop_\n", "CIF", "frozentl.convert"),
                 "a.xyz.bz2": (bz2.compress(b"1\n\nH 0 0 0\n"), "bzip2", "bzip2 -dc")}  # fmt: skip
        for name, (content, what, advice) in files.items():
            path = self.path(name, content)
            for command in [*self.commands(path).values(), ["estimate", PLAIN, path], self.distill(path)]:
                with self.subTest(file=name, command=command[0]):
                    self.refuse(1, [path, what, advice], *command)

    def test_types_are_no_elements(self):
        data = self.path("types.xyz", re.sub(r"(?m)^Cu ", "1 ", self.text()))
        for command in self.commands(data).values():
            self.refuse(1, ["types.xyz, line 3", "type of LAMMPS", "Z:I:1"], *command)
        numbers = self.text().replace("species:S:1", "numbers:I:1")
        numbers = re.sub(r"(?m)^(Cu|H) ", lambda m: {"Cu": "29 ", "H": "1 "}[m[1]], numbers)
        self.run_it("eval", PLAIN, self.path("numbers.xyz", numbers))


if __name__ == "__main__":
    cli_case.main()
