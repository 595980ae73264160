"""Input that was made to hurt: what grows faster than its size, what two readers would read differently, and what makes no
sense is refused at once, by one sentence with the file and the place.

    python3 tests/cli/test_hostile.py PATH-OF-frozentl
"""

import json
import os
import re
import struct
import warnings
import zipfile

import cli_case
from cli_case import PLAIN, xyz_of

ROOT = os.path.dirname(os.path.dirname(cli_case.HERE))
YACE = os.path.join(ROOT, "tests", "fuzz", "corpus", "yace", "one.yace")


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Hostile(cli_case.CliCase):
    def refuse_at_once(self, words, *arguments, code=1):
        began = cli_case.children_seconds()
        self.refuse(code, words, *arguments)
        self.assertLess(cli_case.children_seconds() - began, 20)  # of what would take minutes

    def yace(self, old, new):
        text = read(YACE).decode()
        self.assertIn(old, text)
        return self.path("x.yace", text.replace(old, new, 1))

    # ---- YAML ----

    def test_nesting(self):
        for n in (100, 400000):
            for bracket in ("[", "{", "[{", "- "):
                deep = bracket * n + "\n"
                for words, name, command in ((["x.yace", "line 2"], "x.yace", ["info"]),
                                             (["x.yaml", "line 2"], "x.yaml", ["train"]),
                                             (["x.yaml", "line 2"], "x.yaml", ["fit"])):  # fmt: skip
                    path = self.path(name, "#\nelements: \n  " + deep if bracket == "- " else "#\nelements: " + deep)
                    if bracket == "- ":
                        words = words[:1]
                    self.refuse_at_once(words, *command, path)
        block = "".join("  " * k + "a:\n" for k in range(100))
        self.refuse_at_once(["line 65", "64"], "train", self.path("block.yaml", block))

    def test_many_of_a_kind(self):
        keys = "".join(f"k{k}: 1\n" for k in range(200000))
        self.refuse_at_once(["no option"], "train", self.path("many.yaml", keys))
        self.refuse_at_once(["not known here"], "info", self.path("many.yace", keys))
        anchors = "".join(f"- &a{k} x\n" for k in range(200000))
        self.refuse_at_once(["line 1", "anchors"], "train", self.path("anchors.yaml", anchors))
        directives = "".join(f"%TAG !a{k}! b\n" for k in range(200000)) + "--- a\n"
        self.refuse_at_once(["begin with %"], "train", self.path("directives.yaml", directives))
        laughs = "a: &a [x]\n" + "".join(f"b{k}: &b{k} [*a, *a]\n" for k in range(30))
        self.refuse_at_once(["line 1", "anchors"], "fit", self.path("laughs.yaml", laughs))
        self.refuse_at_once(["4 MB"], "train", self.path("long.yaml", "# " + "x" * (5 << 20) + "\n"))

    def test_second_documents_and_keys(self):
        text = read(YACE).decode()
        self.refuse_at_once([f"line {text.count(chr(10)) + 1}", "second document"], "info",
                            self.path("two.yace", text + "---\n" + text))  # fmt: skip
        self.refuse_at_once(["second document"], "train", self.path("two.yaml", "epochs: 3\n...\n---\nepochs: 4\n"))
        for line in ("E0: [1]", "bonds: {}", "functions: {}"):
            twice = self.path("key.yace", line + "\n" + text)
            self.refuse_at_once([f"'{line.split(':')[0]}' is given twice"], "info", twice)
        zero = re.search(r"\n  0: (\{.*\})\n", text).group(1)
        self.refuse_at_once(["line 6", "embeddings of element 0 are given twice"], "info",
                            self.yace("\nbonds:", f"\n  00: {zero}\nbonds:"))  # fmt: skip
        self.refuse_at_once(["line 2", "'seed' is given twice"], "fit", self.path("seed.yaml", "seed: 3\nseed: 3\n"))
        self.refuse_at_once(["'Cu' is given twice"], "fit", self.path("e0.yaml", "e0: {Cu: 1, H: 2, Cu: 3}\n"))

    # ---- numbers of a potential ----

    def test_numbers_beyond_sense(self):
        bins = "deltaSplineBins: 0.001"
        for value in ("0", "-0.001", "1e-300", "1e-9", "0.2", "5", "1e300", ".nan", "nan", ".inf", "1e999", "[1]", "''"):
            self.refuse_at_once(["deltaSplineBins", "line 3"], "info", self.yace(bins, f"deltaSplineBins: {value}"))
        for old, new, word in (("rcut: 5,", "rcut: 0,", "rcut is"), ("rcut: 5,", "rcut: 1e6,", "rcut is"),
                               ("rcut: 5, dcut: 1", "rcut: 0.001, dcut: 0", "deltaSplineBins"),
                               ("dcut: 1,", "dcut: 6,", "dcut is"), ("rcut_in: 0", "rcut_in: 7", "rcut_in is"),
                               ("dcut_in: 0", "dcut_in: 1e9", "dcut_in"), ("lmax: 1,", "lmax: 1000000,", "lmax is"),
                               ("nradmax: 2", "nradmax: 2000000000", "nradmax is"),
                               ("nradmax: 2", "nradmax: 99999999999999999999", "nradmax is"),
                               ("nradbasemax: 3", "nradbasemax: 0", "nradbasemax is"),
                               ("num_ms_combs: 2", "num_ms_combs: 1000000", "ms_combs"),
                               ("rank: 4", "rank: 400", "rank is")):  # fmt: skip
            self.refuse_at_once([word], "info", self.yace(old, new))
        broken = self.yace("radcoefficients: [[[1, 0, 0]", "radcoefficients: [[[1.7e308, 1.7e308, 1.7e308]")
        two = self.path("cu.xyz", "2\nProperties=species:S:1:pos:R:3\nCu 0 0 0\nCu 0 0 2\n")
        self.refuse_at_once(["not finite"], "eval", broken, two)
        ace = os.path.join(ROOT, "potentials", "h2cu-ace.ftl")
        for value in ("0", "1e-9", "1", "nan", "-1"):
            self.run_it("convert", ace, "-b", value, self.path("o.yace"), code=2)

    # ---- archives ----

    def archive(self, change):
        """The entries of PLAIN, which `change` works on, as an archive."""
        with zipfile.ZipFile(PLAIN) as old:
            entries = [(i.filename, old.read(i), zipfile.ZIP_STORED) for i in old.infolist()]
        change(entries)
        path = self.path("x.model")
        with zipfile.ZipFile(path, "w") as new:
            for name, data, kind in entries:
                new.writestr(zipfile.ZipInfo(name), data, kind)
        return path

    def test_archives(self):
        top = zipfile.ZipFile(PLAIN).namelist()[0].split("/")[0]
        self.run_it("info", self.archive(lambda e: None))
        warnings.simplefilter("ignore")  # Python says that a name is there twice
        for name in (f"{top}/data.pkl", f"{top}/data/0", f"{top}/version"):
            again = self.archive(lambda e: e.append((name, b"x", zipfile.ZIP_STORED)))
            self.refuse_at_once([name, "twice"], "info", again)
        for name in ("/etc/x", "../x", f"{top}/../../x", f"{top}/..", "a\\b"):
            bad = self.archive(lambda e: e.append((name, b"x", zipfile.ZIP_STORED)))
            self.refuse_at_once(["leads elsewhere"], "info", bad)
        bomb = self.archive(lambda e: e.__setitem__(0, (f"{top}/data.pkl", bytes(50 << 20), zipfile.ZIP_DEFLATED)))
        self.refuse_at_once(["compressed"], "info", bomb)
        many = self.archive(lambda e: e.extend((f"{top}/n{k}", b"", zipfile.ZIP_STORED) for k in range(70000)))
        self.refuse_at_once(["entries"], "info", many)

    def test_lies_of_archives(self):
        plain = read(PLAIN)
        self.refuse_at_once([""], "info", self.path("tail.model", plain + b"x"))
        self.refuse_at_once([""], "info", self.path("tail.model", plain + bytes(1000)))
        comment = bytearray(plain)
        comment[-2:] = struct.pack("<H", 5)
        self.refuse_at_once(["appended"], "info", self.path("comment.model", bytes(comment) + b"hello"))
        central = plain.index(b"PK\1\2")
        for at, value in ((20, 0x7FFFFFFF), (24, 0x7FFFFFFF), (20, 0xFFFFFFFF), (42, 0x7FFFFFFF), (8, 1)):
            lie = bytearray(plain)
            if at == 8:  # flags: encrypted
                lie[central + 8] = 1
            else:
                lie[central + at : central + at + 4] = struct.pack("<I", value)
            self.refuse_at_once([""], "info", self.path("lie.model", bytes(lie)))
        # every entry over all of the file
        overlap = bytearray(plain)
        entries = [m.start() for m in re.finditer(b"PK\1\2", plain)]
        for at in entries:
            overlap[at + 20 : at + 28] = struct.pack("<II", len(plain) // 2, len(plain) // 2)
        self.refuse_at_once(["more bytes than the file has"], "info", self.path("overlap.model", bytes(overlap)))

    # ---- .ftl ----

    def ftl(self, change, tail=b""):
        """PLAIN as .ftl with another header: change(dict) returns it, or its text."""
        path = self.path("plain.ftl")
        if not os.path.exists(path):
            self.run_it("convert", PLAIN, path)
        content = read(path)
        (length,) = struct.unpack("<Q", content[:8])
        header = change(json.loads(content[8 : 8 + length]))
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return self.path("x.ftl", struct.pack("<Q", len(text)) + text + content[8 + length :] + tail)

    def test_headers(self):
        def first(header):
            return next(name for name in header if name != "__metadata__")

        def edit(**changes):
            def change(header):
                header[first(header)].update(changes)
                return header

            return change

        self.run_it("info", self.ftl(lambda h: h))
        self.refuse_at_once(["bytes"], "info", self.ftl(lambda h: h, tail=b"12345678"))
        self.refuse_at_once(["not a JSON object"], "info", self.ftl(lambda h: json.dumps(h).encode() + b"{}"))
        self.refuse_at_once(["not a JSON object", "duplicate"], "info",
                            self.ftl(lambda h: b'{"__metadata__": {},' + json.dumps(h).encode()[1:]))  # fmt: skip
        deep = b'{"a":' * 200000
        self.refuse_at_once(["not a JSON object"], "info", self.ftl(lambda h: deep))
        self.refuse_at_once(["not credible"], "info", self.ftl(edit(shape=[1 << 40, 1 << 40])))
        self.refuse_at_once(["not credible"], "info", self.ftl(edit(shape=[-1])))
        self.refuse_at_once(["not credible"], "info", self.ftl(edit(shape=[1] * 100)))
        self.refuse_at_once(["bytes"], "info", self.ftl(edit(shape=[1 << 20])))
        self.refuse_at_once(["lies at"], "info", self.ftl(edit(data_offsets=[0, 1 << 60])))
        self.refuse_at_once(["tensor"], "info", self.ftl(edit(data_offsets=[8, 8])))
        many = {f"t{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(100000)}
        self.refuse_at_once(["credible"], "info", self.ftl(lambda h: dict(h, **many)))

    def test_training_state(self):
        data = self.path("d.xyz", read(xyz_of(PLAIN)))
        answers, run = self.path("a.xyz"), self.path("run")
        self.run_it("eval", PLAIN, data, "--quiet", "-o", answers)
        text = read(answers).decode().replace(":forces:R:3", ":REF_forces:R:3").replace(" energy=", " REF_energy=")
        labelled = self.path("l.xyz", text)
        self.run_it("train", "-f", PLAIN, "-d", labelled, "--valid", labelled, "-b", "2", "-e", "1", "--lr", "1e-4", "-q",
                    "-o", run)  # fmt: skip
        state = os.path.join(run, "state.ftl")
        whole = read(state)
        for bad in (whole + b"x", whole[:-1], struct.pack("<Q", 1 << 62) + whole[8:],
                    whole[:8] + b"[" * 100000 + whole[100008:]):  # fmt: skip
            with open(state, "wb") as f:
                f.write(bad)
            self.refuse_at_once(["state"], "train", "--resume", run)

    # ---- what a run samples from ----

    def test_data_files_of_lammps(self):
        head = "a\n\n2 atoms\n1 atom types\n0 4 xlo xhi\n0 4 ylo yhi\n0 4 zlo zhi\n\nAtoms # atomic\n\n"
        distill = ("distill", "--model", PLAIN, "--n", "3/2", "--l", "1", "--cutoff", "4", "-o", self.path("run"), "--set",
                   "elements=Cu", "--set", "sample.lammps_elements=Cu")  # fmt: skip
        for text, word in ((head.replace("2 atoms", "9999999 atoms") + "1 1 0 0 0\n", "atoms"),
                           (head.replace("2 atoms", "99999999999999999999 atoms"), "99999"), (head + "1 1 0 0 0\n1 1 2 2 2\n", "id 1"),
                           (head + "1 1 0 0 0\n2 1 nan 2 2\n", "nan"), (head.replace("0 4 x", "0 1e999 x"), "bounds"),
                           (head + "1 1 0 0 0\n2 1 2 2 2\n\n5 atoms\n", "line 14: '5'"),
                           (head + "1 1" + " 0" * 100000 + "\n", "words")):  # fmt: skip
            starts = self.path("starts.data", text)
            self.refuse_at_once([word], *distill, "--set", f"sample.lammps={starts}")


if __name__ == "__main__":
    cli_case.main()
