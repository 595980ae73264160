"""frozentl eval: answers, tables, files in and out."""

import json
import math
import os
import re
import signal
import subprocess
import time

import cli_case
from cli_case import HEADS, PLAIN, answers_of, xyz_of


def frames_of(path):
    """[(comment, rows)] of an XYZ file."""
    with open(path) as f:
        lines = f.read().splitlines()
    frames, at = [], 0
    while at < len(lines):
        n = int(lines[at])
        frames.append((lines[at + 1], [line.split() for line in lines[at + 2 : at + 2 + n]]))
        at += 2 + n
    return frames


class Eval(cli_case.CliCase):
    def check(self, have, want):
        self.assertEqual([(a["frame"], a["head"]) for a in have], [(a["frame"], a["head"]) for a in want])
        for a, b in zip(have, want):
            self.assertEqual(sorted(a), ["energy", "forces", "frame", "head", "node_energy", "stress"])
            self.assert_close(a["energy"], b["energy"], 1e-8)
            self.assert_close(a["forces"], b["forces"], 1e-8)
            self.assert_close(a["node_energy"], b["node_energy"], 1e-8)
            if b["stress"] is None:
                self.assertIsNone(a["stress"])
                continue
            self.assertEqual([len(row) for row in a["stress"]], [3, 3, 3])
            s = a["stress"]
            voigt = [s[0][0], s[1][1], s[2][2], s[1][2], s[0][2], s[0][1]]
            self.assert_close(voigt, b["stress"] if len(b["stress"]) == 6 else voigt, 1e-8)
            for i in range(3):
                for j in range(3):
                    self.assertEqual(s[i][j], s[j][i])

    def test_answers(self):
        self.check(self.eval_json(PLAIN, xyz_of(PLAIN)), answers_of(PLAIN))

    def test_pace(self):
        yace, out = os.path.join("tests", "ace", "coupled.yace"), self.path("pace.json")
        answers = json.load(open(os.path.join("tests", "ace", "coupled.json")))
        rows = [f"{s} {x[0]} {x[1]} {x[2]}" for s, x in zip(answers["elements"], answers["positions"])]
        lattice = " ".join(str(c) for row in answers["cell"] for c in row)
        data = self.path("pace.xyz", "\n".join([str(len(rows)), f'Lattice="{lattice}" pbc="T T T"', *rows, ""]))
        self.run_it("eval", yace, data, "--json", out, "--quiet")
        got = json.load(open(out))[0]
        self.assertAlmostEqual(got["energy"], answers["energy"], delta=1e-8)
        for f, g in zip(answers["forces"], got["forces"]):
            for a, b in zip(f, g):
                self.assertAlmostEqual(a, b, delta=1e-8)
        self.run_it("eval", yace, data, "--json", out, "--quiet", "--precision", "mixed")
        mixed, largest = json.load(open(out))[0], max(abs(x) for f in answers["forces"] for x in f)
        for f, g in zip(answers["forces"], mixed["forces"]):
            for a, b in zip(f, g):
                self.assertAlmostEqual(a, b, delta=1e-5 * largest)

    def test_heads(self):
        want = answers_of(HEADS)
        for head in ("omat", "oc20"):
            self.check(self.eval_json(HEADS, xyz_of(HEADS), "--head", head), [a for a in want if a["head"] == head])
        everything = self.eval_json(HEADS, xyz_of(HEADS), "--head", "all")
        self.check(everything, sorted(want, key=lambda a: (a["frame"], ["omat", "oc20"].index(a["head"]))))
        default = self.eval_json(HEADS, xyz_of(HEADS))
        self.assertEqual({a["head"] for a in default}, {"oc20"})  # the last one, as none is called Default
        self.refuse(1, ["'pbe'", "omat, oc20"], "eval", HEADS, xyz_of(HEADS), "--head", "pbe")

    def test_head_of_the_frame(self):
        comment = 'Properties=species:S:1:pos:R:3 pbc="F F F"'
        text = "".join(f"2\n{comment}{head}\nH 0 0 0\nCu 0 0 1.6\n" for head in (" head=omat", "", " head=oc20"))
        have = self.eval_json(HEADS, self.path("a.xyz", text))
        self.assertEqual([a["head"] for a in have], ["omat", "oc20", "oc20"])
        self.assertEqual(have[1]["energy"], have[2]["energy"])
        have = self.eval_json(HEADS, self.path("a.xyz", text), "--head", "omat")
        self.assertEqual([a["head"] for a in have], ["omat"] * 3)
        wrong = self.path("b.xyz", text.replace("oc20", "pbe"))
        self.refuse(1, ["b.xyz, line 10, frame 2", "'pbe'", "omat, oc20", "--head"], "eval", HEADS, wrong)
        self.eval_json(PLAIN, wrong)  # one head: nothing to choose

    def test_round_trip(self):
        out, again = self.path("out.xyz"), self.path("again.xyz")
        first = self.eval_json(PLAIN, xyz_of(PLAIN), "-o", out)
        text, _ = self.run_it("eval", PLAIN, out, "--labels", "", "-o", again)
        total = [line for line in text.splitlines() if line.startswith("total")][0]
        numbers = [float(x) for x in re.findall(r"\d+\.\d+", total)]
        self.assertEqual(numbers, [0.0] * 6)
        with open(out) as a, open(again) as b:
            self.assertEqual(a.read(), b.read())
        for answer, (comment, rows), (old, old_rows) in zip(first, frames_of(out), frames_of(xyz_of(PLAIN))):
            self.assertEqual(float(re.search(r"\benergy=(\S+)", comment).group(1)), answer["energy"])
            self.assertEqual([[float(x) for x in row[-4:-1]] for row in rows], answer["forces"])
            self.assertEqual([float(row[-1]) for row in rows], answer["node_energy"])
            self.assertEqual([row[:4] for row in rows], [row[:4] for row in old_rows])  # text of positions is kept
            stress = re.search(r'\bstress="([^"]*)"', comment)
            if answer["stress"] is None:
                self.assertIsNone(stress)
            else:
                self.assertEqual([float(x) for x in stress.group(1).split()], cli_case.flat(answer["stress"]))
            self.assertEqual(re.findall(r'Lattice="[^"]*"', comment), re.findall(r'Lattice="[^"]*"', old))

    def test_keeps_columns_and_keys_and_drops_old_answers(self):
        xyz = self.path("a.xyz", '2\nProperties=tags:I:1:forces:R:3:pos:R:3:species:S:1 note="a \\"b\\"" energy=7 '
                        'stress="1 1 1 0 0 0" T=300\n5 1 1 1 0 0 0 H\n6 1 1 1 0 0 1.5 Cu\n')  # fmt: skip
        out = self.path("out.xyz")
        answer = self.eval_json(PLAIN, xyz, "-o", out)[0]
        comment, rows = frames_of(out)[0]
        self.assertIn("Properties=tags:I:1:pos:R:3:species:S:1:forces:R:3:node_energy:R:1 ", comment)
        self.assertIn('note="a \\"b\\""', comment)
        self.assertIn("T=300", comment)
        self.assertNotIn("stress", comment)
        self.assertNotIn("energy=7", comment)
        self.assertEqual(rows[1][:5], ["6", "0", "0", "1.5", "Cu"])
        self.assertEqual([float(x) for x in rows[0][5:8]], answer["forces"][0])

    def test_table(self):
        """Labels with known errors: the table's numbers follow."""
        out, labelled = self.path("out.xyz"), self.path("labelled.xyz")
        answers = self.eval_json(PLAIN, xyz_of(PLAIN), "-o", out)
        shifts, sizes, stressed, text = [], [], [], ""
        for k, (comment, rows) in enumerate(frames_of(out)):
            shift = 0.001 * (k + 1) * len(rows)
            shifts.append(0.001 * (k + 1))
            sizes.append(len(rows))
            energy = answers[k]["energy"] + shift
            comment = re.sub(r"\benergy=\S+", f"REF_energy={energy!r} config_type=t{k % 2}", comment)
            comment = comment.replace(":forces:", ":REF_forces:")
            if answers[k]["stress"] is not None:
                stressed.append(k)
                s = [[x + 0.002 * (i == j == 0) for j, x in enumerate(row)] for i, row in enumerate(answers[k]["stress"])]
                voigt = [s[0][0], s[1][1], s[2][2], s[1][2], s[0][2], s[0][1]]
                forms = [f'REF_stress="{" ".join(map(repr, voigt))}"', f'REF_stress="_JSON {json.dumps(s)}"']
                comment = re.sub(r'\bstress="[^"]*"', forms[len(stressed) % 2], comment)
            rows[0][-4] = repr(float(rows[0][-4]) - 0.03)
            text += f"{len(rows)}\n{comment}\n" + "\n".join(" ".join(row) for row in rows) + "\n"
        self.assertGreaterEqual(len(stressed), 2)
        table, err = self.run_it("eval", PLAIN, self.path("labelled.xyz", text))
        self.assertEqual(err, "")
        rows = {line.split()[0]: line for line in table.splitlines() if "|" in line}
        for name in ("t0", "t1", "total"):
            members = [k for k in range(len(sizes)) if name == "total" or name == f"t{k % 2}"]
            fields = rows[name].replace("|", " ").split()
            self.assertEqual([int(x) for x in fields[1:3]], [len(members), sum(sizes[k] for k in members)])
            components = 3 * sum(sizes[k] for k in members)
            want = [math.sqrt(sum((1000 * shifts[k]) ** 2 for k in members) / len(members)),
                    sum(1000 * shifts[k] for k in members) / len(members),
                    math.sqrt(30.0**2 * len(members) / components), 30.0 * len(members) / components,
                    2 / 3, 2 / 9]  # fmt: skip
            if not set(members) & set(stressed):
                want = want[:4]
                self.assertEqual(fields[7:9], ["-", "-"])
            for have, expected in zip(fields[3:], want):
                self.assertAlmostEqual(float(have), expected, delta=0.00051)
        quiet, err = self.run_it("eval", PLAIN, labelled, "--quiet")
        self.assertEqual((quiet, err), ("", ""))

    def test_virial_label(self):
        out = self.path("out.xyz")
        answers = self.eval_json(PLAIN, xyz_of(PLAIN), "-o", out)
        k = [a["stress"] is not None for a in answers].index(True)
        comment, rows = frames_of(out)[k]
        c = [float(x) for x in re.search(r'Lattice="([^"]*)"', comment).group(1).split()]
        a, b, d = c[0:3], c[3:6], c[6:9]
        volume = abs(a[0] * (b[1] * d[2] - b[2] * d[1]) - a[1] * (b[0] * d[2] - b[2] * d[0])
                     + a[2] * (b[0] * d[1] - b[1] * d[0]))  # fmt: skip
        virial = " ".join(repr(-volume * x) for x in cli_case.flat(answers[k]["stress"]))
        comment = re.sub(r'\bstress="[^"]*"', f'DFT_virial="{virial}"', comment)
        xyz = self.path("v.xyz", f"{len(rows)}\n{comment}\n" + "\n".join(" ".join(r) for r in rows) + "\n")
        text, _ = self.run_it("eval", PLAIN, xyz, "--labels", "DFT_")
        fields = [line for line in text.splitlines() if line.startswith("total")][0].replace("|", " ").split()
        self.assertEqual(fields[3:7], ["-"] * 4)
        self.assertEqual(fields[7:9], ["0.000", "0.000"])

    def test_without_labels_it_prints_energies(self):
        text, _ = self.run_it("eval", PLAIN, xyz_of(PLAIN))
        energies = [float(x) for x in re.findall(r"energy (\S+) eV", text)]
        self.assert_close(energies, [a["energy"] for a in answers_of(PLAIN)], 1e-8)

    def test_threads_and_precision(self):
        one = self.eval_json(PLAIN, xyz_of(PLAIN), "--threads", "1")
        three = self.eval_json(PLAIN, xyz_of(PLAIN), "--threads", "3")
        mixed = self.eval_json(PLAIN, xyz_of(PLAIN), "--precision", "mixed")
        for a, b, c in zip(one, three, mixed):
            self.assert_close(b["forces"], a["forces"], 1e-12)
            self.assert_close(b["energy"], a["energy"], 1e-12)
            self.assert_close(c["forces"], a["forces"], 1e-3)
            self.assertNotEqual(c["forces"], a["forces"])

    def test_pipe(self):
        with open(xyz_of(PLAIN)) as f:
            text = f.read()
        out = self.path("out.json")
        self.run_it("eval", PLAIN, "-", "-q", "--json", out, stdin=text)
        with open(out) as f:
            self.assertEqual(json.load(f), self.eval_json(PLAIN, xyz_of(PLAIN)))
        self.refuse(1, ["standard input, line 3, frame 0", "Au"], "eval", PLAIN, "-", stdin="1\n\nAu 0 0 0\n")

    def test_benchmark(self):
        text, _ = self.run_it("eval", PLAIN, xyz_of(PLAIN), "--repeat", "3")
        lines = text.splitlines()
        self.assertEqual(lines[0].split()[:5], ["frame", "head", "atoms", "ms/step", "ms/atom/step"])
        self.assertEqual(len(lines), 1 + len(answers_of(PLAIN)))
        for line in lines[1:]:
            fields = line.split()
            step, per_atom, atoms = float(fields[3]), float(fields[4]), int(fields[2])
            self.assertGreater(step, 0)
            self.assertAlmostEqual(per_atom * atoms, step, delta=0.01 * step + 1e-4)
            self.assertGreater(float(fields[6]), 1)

    def test_any_periodicity(self):
        fcc, pbc = "0 1.8 1.8 1.8 0 1.8 1.8 1.8 0", 'pbc="T T T"'
        twice = " ".join(repr(2 * float(x)) for x in fcc.split())
        atoms = "".join(f"Cu 0 {1.8 * (i + j)} {1.8 * (i + k)}\n".replace("Cu 0", f"Cu {1.8 * (j + k)}")
                        for k in (0, 1) for j in (0, 1) for i in (0, 1))  # fmt: skip
        text = ('1\nProperties=species:S:1:pos:R:3 pbc="F F F"\nCu 1e3 0 0\n'
                f'1\nLattice="{fcc}" {pbc}\nCu 50 -70 3\n'
                f'8\nLattice="{twice}" {pbc}\n{atoms}'
                f'1\nLattice="{fcc}" pbc="T T F"\nCu 0 0 0\n'
                '1\nLattice="0 1.8 1.8 1.8 0 1.8 0 0 0" pbc="T T F"\nCu 0 0 0\n')  # fmt: skip
        atom, cell, supercell, slab, slab_without_height = self.eval_json(PLAIN, self.path("a.xyz", text))
        self.assertEqual(atom["forces"], [[0, 0, 0]])
        self.assertAlmostEqual(supercell["energy"], 8 * cell["energy"], delta=1e-9 * abs(supercell["energy"]))
        self.assert_close(supercell["stress"], cell["stress"], 1e-9)
        self.assertLess(max(map(abs, cli_case.flat(supercell["forces"]))), 1e-10)
        self.assertEqual(slab["energy"], slab_without_height["energy"])
        self.assertEqual(len({a["energy"] for a in (atom, cell, slab)}), 3)
        self.assertEqual([a["stress"] is None for a in (atom, cell, supercell, slab)], [True, False, False, True])

    # ---- refusals

    def test_bad_data(self):
        head = "Properties=species:S:1:pos:R:3"
        cases = {
            "counts": (f"3\n{head}\nH 0 0 0\nH 0 0 1\n", ["line 5, frame 0", "2 of 3 atoms"]),
            "nan": (f"1\n{head}\nH 0 0 nan\n", ["line 3, frame 0", "nan"]),
            "element": (f"1\n{head}\nQq 0 0 0\n", ["line 3, frame 0", "Qq"]),
            "foreign": (f"2\n{head}\nH 0 0 0\nAu 0 0 1\n", ["line 4, frame 0", "atom 1 is Au", "H Cu"]),
            "overlap": (f"2\n{head}\nH 0 0 0\nH 0 0 0\n", ["frame 0", "0 and 1", "one place"]),
            "flat": (f'1\n{head} Lattice="1 0 0 0 1 0 1 1 0"\nH 0 0 0\n', ["frame 0", "plane"]),
            "tiny": (f'1\n{head} Lattice="1e-3 0 0 0 1e-3 0 0 0 1e-3"\nH 0 0 0\n', ["frame 0", "small"]),
            "label": (f"1\n{head} REF_energy=many\nH 0 0 0\n", ["line 2, frame 0", "REF_energy", "many"]),
            "forces": (f"1\n{head}:REF_forces:R:2\nH 0 0 0 1 1\n", ["line 2, frame 0", "REF_forces:R:2"]),
            "force": (f"1\n{head}:REF_forces:R:3\nH 0 0 0 1 1 1e\n", ["line 3, frame 0", "1e"]),
            "stress": (f'1\n{head} Lattice="9 0 0 0 9 0 0 0 9" REF_stress="1 2 3"\nH 0 0 0\n', ["line 2", "REF_stress"]),
            "empty": ("", ["no frames"]),
            "binary": (b"\x89PNG\0\0\0", ["line 1"]),
        }  # fmt: skip
        for name, (text, words) in cases.items():
            with self.subTest(name):
                path = self.path(name + ".xyz", text)
                self.refuse(1, [name + ".xyz", *words], "eval", PLAIN, path, "-o", self.path("o.xyz"), "--json",
                            self.path("o.json"))  # fmt: skip
        self.refuse(1, ["nowhere.xyz", "No such file"], "eval", PLAIN, self.path("nowhere.xyz"))
        self.refuse(1, ["nowhere.model", "No such file"], "eval", self.path("nowhere.model"), xyz_of(PLAIN))

    def test_second_frame_is_named(self):
        with open(xyz_of(PLAIN)) as f:
            good = f.read()
        line = good.count("\n") + 3
        frame = len(answers_of(PLAIN))
        path = self.path("a.xyz", good + "1\n\nH 0 0 x\n")
        self.refuse(1, [f"line {line}, frame {frame}"], "eval", PLAIN, path, "-o", self.path("o.xyz"))

    def test_unwritable(self):
        self.refuse(3, ["nowhere/o.xyz", "No such file"], "eval", PLAIN, xyz_of(PLAIN), "-o", self.path("nowhere/o.xyz"))
        self.refuse(3, ["/dev/full", "No space left"], "eval", PLAIN, xyz_of(PLAIN), "-q", "-o", "/dev/full")
        self.refuse(3, ["/dev/full", "No space left"], "eval", PLAIN, xyz_of(PLAIN), "-q", "--json", "/dev/full")

    def test_a_failure_keeps_the_old_file(self):
        out = self.path("o.xyz", "precious")
        bad = self.path("bad.xyz", "1\n\nH 0 0 x\n")
        self.refuse(1, ["bad.xyz"], "eval", PLAIN, bad, "-o", out)
        with open(out) as f:
            self.assertEqual(f.read(), "precious")

    def test_interrupt_removes_temporary_files(self):
        out = self.path("o.xyz")
        run = subprocess.Popen([cli_case.FROZENTL, "eval", PLAIN, xyz_of(PLAIN), "-q", "-r", "1000000", "-o", out],
                               stdout=subprocess.DEVNULL)  # fmt: skip
        for _ in range(500):
            if any(name.startswith("o.xyz.") for name in os.listdir(self.folder)):
                break
            time.sleep(0.02)
        else:
            run.kill()
            self.fail("no temporary file appeared")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(timeout=20), -signal.SIGTERM)
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    cli_case.main()
