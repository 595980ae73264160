"""frozentl.plot: points, bars and error bars are where the numbers say, seen in matplotlib's objects.

With pytest against the installed package (run.sh), or by itself: python tests/python/test_plot.py
"""

import importlib.util
import json
import math
import os
import sys
import tempfile
import unittest

if __name__ == "__main__":  # the package of this tree, without its library
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
if importlib.util.find_spec("matplotlib") is None:
    raise unittest.SkipTest("no matplotlib")

import numpy as np  # noqa: E402
from frozentl.plot import answers, curve, errors, history, parity, rounds, style  # noqa: E402
from frozentl.plot.table import Refused, Table  # noqa: E402


def child(frame, gid):
    found = [a for a in frame.findobj(lambda a: a.get_gid() == gid)]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} of '{gid}'")
    return found[0]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, text, name="table.csv"):
        path = os.path.join(self.folder, name)
        with open(path, "wb" if isinstance(text, bytes) else "w") as f:
            f.write(text)
        return path


class Plot(Case):
    def test_history(self):
        names = "epoch,step,stage,lr,train_loss,valid_loss,energy_rmse,forces_rmse,stress_rmse,gradient_norm,best,seconds\n"
        path = self.file(names + "0,0,1,0.01,,2.5,0.05,0.3,,,1,0\n1,10,1,0.01,1.5,nan,0.02,0.11,,3.5,1,1\n2,20,2,0.005,0.4,0.5,0,0.06,,2,0,3\n")
        made = history.draw(path, "run")
        loss, energy, forces = made.axes[:3]
        self.assertEqual([tuple(p) for p in child(loss, "train_loss").get_xydata()][1:], [(1, 1.5), (2, 0.4)])
        valid = child(loss, "valid_loss").get_ydata()
        self.assertEqual((valid[0], valid[2]), (2.5, 0.5))
        self.assertTrue(math.isnan(valid[1]) and math.isnan(child(energy, "energy_rmse").get_ydata()[2]))  # they interrupt the line
        self.assertEqual(list(child(forces, "forces_rmse").get_ydata()), [300, 110, 60])
        self.assertEqual(list(child(made.axes[3], "lr").get_ydata()), [0.01, 0.01, 0.005])
        self.assertEqual(tuple(child(forces, "best").get_xydata()[0]), (1, 110))
        self.assertEqual(list(child(loss, "stage two").get_xdata()), [1, 1])
        self.assertNotEqual(child(loss, "train_loss").get_color(), child(loss, "valid_loss").get_color())

    def test_parity(self):
        lines = ["quantity,config_type,reference,prediction"]
        lines += [f"energy,{'bulk' if k % 3 else 'gas'},{k},{k + 0.01 * (-1) ** k}" for k in range(30)]
        lines += ["force,bulk,1,2"] * 25
        made = parity.draw(self.file("\n".join(lines)), "run")
        energy, force = made.axes[:2]
        self.assertEqual(energy.get_xlim(), energy.get_ylim())
        bulk, gas = child(energy, "type bulk"), child(energy, "type gas")
        self.assertEqual((len(bulk.get_offsets()), len(gas.get_offsets())), (20, 10))
        for x, y in gas.get_offsets():
            self.assertAlmostEqual(y, x + 0.01 * (-1) ** round(x))
        self.assertNotEqual(tuple(bulk.get_facecolor()[0][:3]), tuple(gas.get_facecolor()[0][:3]))
        dots = child(force, "type bulk")  # 25 that fall on one another: one dot, and a dark one
        self.assertEqual(len(dots.get_offsets()), 1)
        self.assertEqual(dots.get_facecolor()[0][3], 0.9)
        self.assertIn("RMSE 10.0 meV/atom", energy.texts[0].get_text())

    def test_many_types_share_a_colour(self):
        lines = ["quantity,config_type,reference,prediction"] + [f"energy,t{k},{k},{k}" for k in range(40) for _ in range(41 - k)]
        kinds = parity.kinds_of(parity.read(self.file("\n".join(lines))))
        self.assertEqual(len(set(kinds.values())), len(style.COLOURS))
        self.assertEqual(kinds["t39"], (f"{41 - len(style.COLOURS)} other types", style.GREY))

    def test_errors(self):
        text = ("set,config_type,frames,energy_rmse,forces_rmse,stress_rmse\ntrain,bulk,2,0.004,0.02,\ntrain,gas,1,0.001,0.04,\n"
                "valid,gas,1,0.002,0.05,\nvalid,total,1,0.002,0.05,\n")  # fmt: skip
        made = errors.draw(self.file(text), "run")
        self.assertEqual([t.get_text() for t in made.axes[0].get_yticklabels()], ["total (1)", "gas (2)", "bulk (2)"])
        widths = [[bar.get_width() for bar in bars] for bars in made.axes[1].containers]
        self.assertEqual(widths, [[40, 20], [50, 50]])  # train: gas, bulk; valid: total, gas
        self.assertTrue(all(bar.get_x() == 0 for bars in made.axes[1].containers for bar in bars))

    def test_rounds(self):
        """A point per round; the potential before has none in the first."""
        def record(fitted, before, after):
            return {"fitted": fitted, "before": before, "after": after, "valid": [None, None]}

        path = self.file(json.dumps([record(10, [None, None], [0.003, 0.03]), record(14, [0.0025, 0.04], [0.002, 0.02])]), "rounds.json")
        made = rounds.draw(path, "run")
        after, before = (child(made.axes[1], f"Forces {name}").get_ydata() for name in ("after", "before"))
        self.assertEqual(list(after), [30, 20])
        self.assertTrue(math.isnan(before[0]) and before[1] == 40)
        self.assertEqual([t.get_text() for t in made.axes[0].get_xticklabels()], ["0\n(10)", "1\n(14)"])
        self.assertEqual([t.get_text() for t in made.legends[0].get_texts()], ["held back", "the same, with the potential before"])
        for wrong in ("[]", "{}", "[3]", '[{"fitted": 3}]'):
            with self.assertRaises(Refused):
                rounds.read(self.file(wrong, "rounds.json"))

    def test_curve(self):
        text = ("mode,fraction,seed,energy_rmse_meV_atom,force_rmse_meV_A\nscratch,0.1,1,20,80\nscratch,0.1,2,10,60\nscratch,1,1,5,15\n"
                "f5,1,1,,12\n")  # fmt: skip
        energy, force = curve.draw(self.file(text), "h2cu.csv").axes
        self.assertEqual([tuple(p) for p in child(energy, "mode scratch").get_xydata()], [(10, 15), (100, 5)])
        bars = [c for c in energy.containers if c.get_label() == "scratch"][0].lines[2][0]
        self.assertEqual([tuple(map(tuple, s)) for s in bars.get_segments()], [((10, 10), (10, 20)), ((100, 5), (100, 5))])
        self.assertEqual([tuple(p) for p in child(force, "mode f5").get_xydata()], [(100, 12)])
        self.assertEqual((energy.get_xscale(), energy.get_yscale()), ("log", "log"))

    def test_answers(self):
        text = '[{"energy": -4, "forces": [[1,2,3],[4,5,6]], "stress": null, "config_type": "a", "reference": {"energy": -3, "forces": [[1,2,3],[4,5,7]]}}]'
        pairs, told = answers.read(self.file(text, "a.json"))
        self.assertEqual((pairs["energy"].reference, pairs["energy"].predicted, pairs["energy"].kinds), ([-1.5], [-2.0], ["a"]))
        self.assertEqual((pairs["force"].reference[5], pairs["force"].predicted[5], len(pairs["stress"])), (7, 6, 0))
        self.assertEqual(len(told), 0)
        self.assertEqual(len(answers.draw(self.file(text, "a.json"), "a").axes), 2)

    def test_told_errors(self):
        """Of eval --trust: a row below; nothing of atoms whose deviation is 0."""
        text = ('[{"energy": -4, "forces": [[1,2,3],[4,5,6],[0,0,0]], "stress": null, "force_deviation": [0.5, 2, 0], "total_deviation": 0.3,'
                ' "reference": {"energy": -3, "forces": [[1,2,3.3],[4,6,6],[0,0,1]]}}]')  # fmt: skip
        _, told = answers.read(self.file(text, "a.json"))
        np.testing.assert_allclose(told.of("force"), [[300, 1000], [500, 2000]])
        np.testing.assert_allclose(told.of("energy"), [[1000 / 3], [100]])
        made = answers.draw(self.file(text, "a.json"), "a")
        words = [frame.get_title(loc="left") for frame in made.axes if frame.get_visible()]
        self.assertEqual(words[-2:], ["(c) Errors as told, forces", "(d) Inside of intervals"])

    def test_every_format(self):
        made = curve.draw(self.file("mode,structures,energy_rmse_meV_atom,force_rmse_meV_A\na,10,1,2\n"), "t.csv")
        for form, first in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
            path = os.path.join(self.folder, "p." + form)
            style.save(made, path)
            with open(path, "rb") as f:
                self.assertEqual(f.read(len(first)), first)


class Tables(Case):
    def rows(self, text):
        return [row.cells for row in Table(self.file(text), ())]

    def test_what_is_read(self):
        text = b'\xef\xbb\xbfa,"b,""c",d\r\n1,"two\nlines, ""x""",\n\n-2e3,,0x10\n3,,'
        table = Table(self.file(text), ("a", 'b,"c'))
        rows = iter(table)
        self.assertEqual(next(rows).text('b,"c'), 'two\nlines, "x"')
        self.assertTrue(math.isnan(table.number("d")))
        with self.assertRaisesRegex(Refused, "line 3.*column 'd' is empty"):
            table.value("d")
        self.assertEqual(next(rows).value("a"), -2000)
        with self.assertRaisesRegex(Refused, "'0x10' in place of a number"):
            table.value("d")
        self.assertEqual(next(rows).value("a"), 3)
        self.assertIsNone(next(rows, None))

    def test_what_is_refused(self):
        for text, words in (("", "it is empty"), ("\n\n", "it is empty"), ("a,a\n", "line 1: two columns are named 'a'"), ("a,b\n1,2\n1\n", "line 3: 1 cells"),
                            ("a,b\n1,2,3\n", "line 2: 3 cells"), ('a,b\n1,"2\n', "line 2"), ('a,b\n"1"x,2\n', "line 2")):  # fmt: skip
            with self.assertRaisesRegex(Refused, words):
                self.rows(text)
        for cell in ("x", "1e", "nan", "1e999", "1_0", " 1", "inf"):
            table = Table(self.file(f"a\n{cell}\n"), ("a",))
            next(iter(table))
            with self.assertRaisesRegex(Refused, "line 2: column 'a' has '"):
                table.number("a")


class Words(unittest.TestCase):
    def test_digits(self):
        for value, words in ((0, "0"), (1234.5, "1234"), (12.345, "12.3"), (0.99999, "1.00"), (0.0012345, "0.00123"), (-5.5, "\u22125.50"),
                             (1.5e-7, "1.50\u00d710\u207b\u2077"), (2e9, "2.00\u00d710\u2079")):  # fmt: skip
            self.assertEqual(style.digits(value), words)

    def test_ticks(self):
        made, axes = style.figure()
        for values, least in (([1, 1.1], 2), ([3, 40], 3), ([1e-6, 1e6], 4), ([5], 1), ([0, math.nan], 1), ([1e-300, 1e300], 2)):
            style.logarithmic(axes[0][0].xaxis, values)
            low, high = axes[0][0].get_xlim()
            ticks = [t for t in axes[0][0].xaxis.get_majorticklocs() if low <= t <= high]
            self.assertGreaterEqual(len(ticks), least, values)
            self.assertLessEqual(len(ticks), 14, values)

    def test_clean(self):
        self.assertEqual(style.clean("a\x1b[2J\u202eb"), "a\ufffd[2J\ufffdb")
        self.assertEqual(len(style.clean("x" * 500)), 60)


if __name__ == "__main__":
    unittest.main()
