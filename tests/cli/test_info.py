"""frozentl info: text and JSON of a model, and refusals of what is none."""

import json
import os

import cli_case
from cli_case import HEADS, PLAIN


class Info(cli_case.CliCase):
    def test_json(self):
        info = json.loads(self.run_it("info", PLAIN, "--json")[0])
        self.assertEqual(info["class"], "ScaleShiftMACE")
        self.assertEqual(info["elements"], ["H", "Cu"])
        self.assertEqual(info["dtype"], "F32")
        self.assertTrue(info["zbl"])
        self.assertEqual(info["radial"]["functions"], 4)
        self.assertEqual(info["radial"]["cutoff_p"], 6)
        self.assertEqual(info["radial"]["distance_transform"], "Agnesi")
        self.assertEqual([layer["interaction"] for layer in info["layers"]],
                         ["RealAgnosticDensityInteractionBlock", "RealAgnosticDensityResidualInteractionBlock"])
        self.assertEqual(info["layers"][0]["product"], "5x0e+5x1o")
        self.assertEqual([h["name"] for h in info["heads"]], ["Default"])
        self.assertEqual(sorted(info["heads"][0]["E0"]), ["Cu", "H"])
        weights = sum(g["numbers"] for g in info["groups"] if g["weights"])
        self.assertEqual(weights, info["parameters"])

    def test_heads(self):
        info = json.loads(self.run_it("info", HEADS, "--json")[0])
        self.assertEqual([h["name"] for h in info["heads"]], ["omat", "oc20"])
        self.assertNotEqual(info["heads"][0]["E0"], info["heads"][1]["E0"])
        self.assertNotEqual(info["heads"][0]["scale"], info["heads"][1]["scale"])

    def test_text(self):
        text = self.run_it("info", HEADS)[0]
        for words in ("ScaleShiftMACE", "2: H Cu", "RealAgnosticResidualNonLinearInteractionBlock", "head omat",
                      "head oc20", "layer1.product.weights", "weights in all"):  # fmt: skip
            self.assertIn(words, text)

    def test_origin_of_an_ftl(self):
        ftl = self.path("a.ftl")
        self.run_it("convert", PLAIN, ftl)
        info = json.loads(self.run_it("info", ftl, "--json")[0])
        self.assertIn("t-density-zbl.model", json.dumps(info["origin"]))
        self.assertIn("t-density-zbl.model", self.run_it("info", ftl)[0])

    def test_pace(self):
        yace = os.path.join("tests", "ace", "chebyshev.yace")
        info = json.loads(self.run_it("info", yace, "--json")[0])
        self.assertEqual((info["class"], info["elements"], info["cutoff"]), ("PACE", ["Ti", "Al"], 5))
        self.assertEqual([a["densities"] for a in info["atoms"]], [2, 1])
        self.assertEqual([b["basis"] for b in info["bonds"]], ["ChebExpCos", "ChebPow", "ChebPow", "ChebLinear"])
        for words in ("PACE", "2: Ti Al", "rank 5", "ChebLinear", "core repulsion"):
            self.assertIn(words, self.run_it("info", yace)[0])
        self.refuse(1, ["PACE potential"], "convert", yace, self.path("a.ftl"))
        broken = self.path("b.yace", "elements: [Cu]\nE0: [0]\nmistake: 1\n")
        self.refuse(1, ["'mistake'", "b.yace, line 3"], "info", broken)

    def test_refusals(self):
        self.refuse(1, ["nowhere.model", "No such file"], "info", self.path("nowhere.model"))
        self.refuse(1, ["empty.model"], "info", self.path("empty.model", ""))
        self.refuse(1, ["text.model"], "info", self.path("text.model", "hello\n" * 100))
        self.refuse(1, [self.folder], "info", self.folder)
        with open(PLAIN, "rb") as f:
            content = f.read()
        self.refuse(1, ["cut.model"], "info", self.path("cut.model", content[: len(content) // 2]))
        self.assertTrue(os.path.exists(self.path("cut.model")))


if __name__ == "__main__":
    cli_case.main()
