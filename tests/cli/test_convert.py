"""frozentl convert: the .ftl answers as the model did, whole, cut to elements, cut to a head, in another dtype."""

import json
import os
import struct

import cli_case
from cli_case import HEADS, PLAIN, xyz_of

SURROGATE = os.path.join(os.path.dirname(cli_case.HERE), "fuzz", "corpus", "surrogate", "uncertain.ftl")
H_ONLY = '4\nProperties=species:S:1:pos:R:3 pbc="F F F"\nH 0 0 0\nH 0.8 0 0\nH 0 1.1 0.3\nH -1 0.4 1.9\n'


class Convert(cli_case.CliCase):
    def same(self, a, b, relative):
        self.assertEqual([(x["frame"], x["head"]) for x in a], [(x["frame"], x["head"]) for x in b])
        for x, y in zip(a, b):
            self.assert_close(x["energy"], y["energy"], relative)
            self.assert_close(x["forces"], y["forces"], relative)
            self.assert_close(x["node_energy"], y["node_energy"], relative)
            if y["stress"] is None:
                self.assertIsNone(x["stress"])
            else:
                self.assert_close(x["stress"], y["stress"], relative)

    def test_whole(self):
        for model in (PLAIN, HEADS):
            ftl = self.path("whole.ftl")
            self.run_it("convert", "--force", model, ftl)
            self.same(self.eval_json(ftl, xyz_of(model), "--head", "all"),
                      self.eval_json(model, xyz_of(model), "--head", "all"), 1e-13)  # fmt: skip
            again = self.path("again.ftl")
            self.run_it("convert", "--force", ftl, again)
            self.same(self.eval_json(again, xyz_of(model), "--head", "all"),
                      self.eval_json(model, xyz_of(model), "--head", "all"), 1e-13)  # fmt: skip

    def tensors(self, ftl):
        """Header entries of a safetensors file, whose tensors must fill it exactly."""
        with open(ftl, "rb") as f:
            content = f.read()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        self.assertIsInstance(header.pop("__metadata__"), dict)
        self.assertEqual(8 + length + max(t["data_offsets"][1] for t in header.values()), len(content))
        return header

    def test_is_safetensors(self):
        ftl = self.path("a.ftl")
        self.run_it("convert", PLAIN, ftl)
        tensors = self.tensors(ftl)
        self.assertEqual(tensors["interactions.0.linear_up.weight"]["dtype"], "F32")
        self.assertEqual(tensors["interactions.0.linear_up.weight"]["shape"], [25])

    def test_to_other_programs(self):
        """What is refused before any Python starts, and without one that has the program; the rest is tests/parity/export.py."""
        os.environ["FROZENTL_PYTHON"] = self.path("no-such-python")
        self.addCleanup(os.environ.pop, "FROZENTL_PYTHON")
        ftl, out = self.path("a.ftl"), self.path("out.model")
        self.run_it("convert", PLAIN, ftl)
        for words, arguments in ((["needs --foundation"], ("--to", "mace", out)), ([".pth files"], ("--to", "sevennet", out, "--foundation", PLAIN)),
                                 (["without --elements"], ("--to", "mace", out, "--foundation", PLAIN, "--elements", "Cu")),
                                 (["lammps", "mace|sevennet"], ("--to", "lammps", out))):  # fmt: skip
            self.refuse(2, words, "convert", ftl, *arguments)
        self.refuse(3, ["no-such-python", "pip install mace-torch"], "convert", ftl, "--to", "mace", out, "--foundation", PLAIN)
        self.refuse(1, ["none.model", "No such file"], "convert", ftl, "--to", "mace", out, "--foundation", self.path("none.model"))
        self.assertFalse(os.path.exists(out))

    def test_surrogate(self):
        """Its .yace answers as it does; what cannot be is refused in words."""
        ftl, yace = SURROGATE, self.path("s.yace")
        self.run_it("convert", ftl, yace, "--spline-bins", "0.0005")
        with open(yace) as f:
            self.assertIn("deltaSplineBins: 0.0005", f.read().replace("0.00050000000000000001", "0.0005"))
        xyz = self.path("cu.xyz", '3\nProperties=species:S:1:pos:R:3 pbc="F F F"\nCu 0 0 0\nH 1.5 0.2 0\nCu 0 2.4 0.3\n')
        want = self.eval_json(ftl, xyz)
        self.assertGreater(max(abs(x) for f in want[0]["forces"] for x in f), 0.01)
        self.same(self.eval_json(yace, xyz), want, 1e-9)  # radial splines of 0.0005 and of 0.001 Angstrom
        info = json.loads(self.run_it("info", ftl, "--json")[0])
        self.assertEqual((info["class"], info["elements"]), ("ACE surrogate", ["Cu", "H"]))
        self.assertEqual(info["uncertainty"]["committee"], 2)
        self.assertEqual(info["uncertainty"]["active_sets"], ["Cu"])
        self.assertEqual(sum(info["atoms"][0]["functions_by_rank"]), info["atoms"][0]["functions"])
        self.assertEqual(info["origin"], {"training": {"rmse": 1.5}})
        text = self.run_it("info", ftl)[0]
        for words in ("ACE surrogate", "committee of 2", "active sets   Cu", "zbl from 1 to 0.3"):
            self.assertIn(words, text)
        out = self.path("o.ftl")
        self.refuse(1, ["cannot be told apart"], "convert", yace, out)
        self.refuse(1, ["can become a .yace"], "convert", ftl, out)
        self.refuse(1, ["converted whole"], "convert", ftl, self.path("o.yace"), "--elements", "Cu")
        self.refuse(1, ["only a surrogate can become .yace"], "convert", PLAIN, self.path("o.yace"))
        self.refuse(2, ["--spline-bins"], "convert", ftl, self.path("o.yace"), "--spline-bins", "7")
        self.refuse(2, ["--spline-bins"], "convert", PLAIN, out, "--spline-bins", "0.001")
        for command in (("diff", ftl, PLAIN), ("merge", ftl, "-o", out)):
            self.refuse(1, ["this is a surrogate"], *command)

    def test_elements(self):
        xyz = self.path("h.xyz", H_ONLY)
        for model in (PLAIN, HEADS):
            ftl = self.path("h.ftl")
            self.run_it("convert", "--force", model, ftl, "--elements", "H")
            self.same(self.eval_json(ftl, xyz, "--head", "all"), self.eval_json(model, xyz, "--head", "all"), 1e-12)
            self.assertEqual(json.loads(self.run_it("info", ftl, "--json")[0])["elements"], ["H"])
            self.refuse(1, ["t-", "Cu", "frame 0", "H"], "eval", ftl, xyz_of(PLAIN).replace("density-zbl", "one-layer"))
        self.refuse(1, ["Au"], "convert", PLAIN, self.path("au.ftl"), "--elements", "H,Au")

    def test_head(self):
        whole = self.eval_json(HEADS, xyz_of(HEADS), "--head", "all")
        for head in ("omat", "oc20"):
            ftl = self.path(head + ".ftl")
            self.run_it("convert", HEADS, ftl, "--head", head)
            self.same(self.eval_json(ftl, xyz_of(HEADS)), [a for a in whole if a["head"] == head], 1e-12)
        self.refuse(1, ["nope"], "convert", HEADS, self.path("nope.ftl"), "--head", "nope")

    def test_dtype(self):
        double, single = self.path("double.ftl"), self.path("single.ftl")
        self.run_it("convert", PLAIN, double, "--dtype", "float64")
        self.run_it("convert", double, single, "--dtype", "float32")
        for path, dtype in ((double, "F64"), (single, "F32")):
            self.assertEqual({t["dtype"] for k, t in self.tensors(path).items() if k.endswith("weight")}, {dtype})
        want = self.eval_json(PLAIN, xyz_of(PLAIN))
        self.same(self.eval_json(double, xyz_of(PLAIN)), want, 1e-13)
        self.same(self.eval_json(single, xyz_of(PLAIN)), want, 1e-13)  # its weights were float32 to begin with

    def test_does_not_overwrite(self):
        ftl = self.path("a.ftl", "precious")
        self.refuse(3, [ftl, "--force"], "convert", PLAIN, ftl)
        with open(ftl) as f:
            self.assertEqual(f.read(), "precious")
        self.run_it("convert", PLAIN, ftl, "--force")
        self.assertGreater(os.path.getsize(ftl), 1000)
        self.assertEqual(os.listdir(self.folder), ["a.ftl"])

    def test_a_failure_keeps_the_old_file(self):
        ftl = self.path("a.ftl", "precious")
        self.refuse(1, ["nope"], "convert", HEADS, ftl, "--force", "--head", "nope")
        self.refuse(3, ["nowhere"], "convert", PLAIN, self.path("nowhere/a.ftl"))
        with open(ftl) as f:
            self.assertEqual(f.read(), "precious")


if __name__ == "__main__":
    cli_case.main()
