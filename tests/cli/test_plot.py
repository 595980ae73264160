"""frozentl plot: ticks, points and bars are where the numbers say; short, empty and broken runs."""

import math
import os
import re
import xml.etree.ElementTree as ET

import cli_case

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


def number(label):
    """What a tick's label says."""
    label = label.replace("\u2212", "-")
    power = re.fullmatch(r"(?:(-?[\d.]+)\u00d7)?10([\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)", label)
    if not power:
        return float(label)
    digits = str.maketrans("\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "-0123456789")
    return float(power[1] or 1) * 10 ** int(power[2].translate(digits))


class Picture:
    """An SVG file, its places turned back into values by its own ticks."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.text = f.read()
        self.root = ET.fromstring(self.text)

    def group(self, *labels):
        at = self.root
        for label in labels:
            found = [g for g in at.iter(SVG + "g") if g.get("aria-label") == label]
            if len(found) != 1:
                raise AssertionError(f"{len(found)} groups '{label}'")
            at = found[0]
        return at

    def ticks(self, panel, axis):
        """Pixels and values of the labelled ticks."""
        group = self.group(panel, axis)
        texts = [t for t in group.findall(SVG + "text") if re.fullmatch("[\u22120-9.\u00d7\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+", t.text)]
        key = "x" if axis == "axis across" else "y"
        values = [number(t.text) for t in texts]
        places = [float(t.get(key)) - (0 if key == "x" else 0.35 * float(t.get("font-size"))) for t in texts]
        return places, values

    def scale(self, panel, axis, log):
        """From pixels to values, by the outermost ticks; the others must agree."""
        places, values = self.ticks(panel, axis)
        assert len(values) >= 2, values
        numbers = [math.log(v) for v in values] if log else values

        def value(place):
            x = numbers[0] + (place - places[0]) * (numbers[-1] - numbers[0]) / (places[-1] - places[0])
            return math.exp(x) if log else x

        for place, want in zip(places, values):
            assert abs(value(place) - want) <= 0.01 * max(map(abs, values)), (panel, axis, place, want)
        return value

    def circles(self, *labels):
        return [(float(c.get("cx")), float(c.get("cy"))) for c in self.group(*labels).iter(SVG + "circle")]

    def words(self, *labels):
        return [t.text for t in self.group(*labels).iter(SVG + "text")]


class Plot(cli_case.CliCase):
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

    def close(self, have, want, relative):
        self.assertEqual(len(have), len(want), (have, want))
        for a, b in zip(have, want):
            for x, y in zip(a, b):
                self.assertLessEqual(abs(x - y), relative * max(1e-3, abs(y)), (have, want))

    def test_history(self):
        folder, out = self.plot(log=EPOCHS)
        self.assertEqual(sorted(os.listdir(os.path.join(folder, "plots"))), ["history.svg"])
        for name in ("predictions-valid.csv", "predictions-test.csv", "errors.csv"):
            self.assertIn(f"no {name}", out)
        picture = Picture(os.path.join(folder, "plots", "history.svg"))
        epoch = picture.scale("Forces on valid", "axis across", False)
        rows = [line.split(",") for line in EPOCHS.splitlines()[1:]]
        for panel, series, column, unit in (("Loss", "train_loss", 4, 1), ("Loss", "valid_loss", 5, 1),
                                            ("Energy on valid", "energy_rmse", 6, 1000),
                                            ("Forces on valid", "forces_rmse", 7, 1000)):  # fmt: skip
            up = picture.scale(panel, "axis upwards", True)
            have = [(epoch(x), up(y)) for x, y in picture.circles(panel, series)]
            self.close(have, [(int(r[0]), unit * float(r[column])) for r in rows if r[column]], 0.01)
        up = picture.scale("Loss", "axis right", True)
        line = picture.group("Loss", "learning rate").find(SVG + "polyline").get("points").split()
        have = [(epoch(float(p.split(",")[0])), up(float(p.split(",")[1]))) for p in line]
        self.close(have, [(int(r[0]), float(r[3])) for r in rows], 0.01)
        self.assertIn("up to epoch 3; best: epoch 2, 4.00 meV/atom, 60.0 meV/\u00c5", picture.text)
        self.assertIn("stage 2", picture.text)
        self.assertNotIn("Stress", picture.text)

    def test_parity(self):
        folder, _ = self.plot(log=EPOCHS, predictions_valid=PREDICTIONS, predictions_test=PREDICTIONS)
        self.assertEqual(sorted(os.listdir(os.path.join(folder, "plots"))),
                         ["history.svg", "parity-test.svg", "parity-valid.svg"])  # fmt: skip
        picture = Picture(os.path.join(folder, "plots", "parity-valid.svg"))
        for quantity in ("energy", "force"):
            want = [line.split(",")[3:] for line in PREDICTIONS.splitlines() if f",{quantity}," in line]
            across = picture.scale(quantity, "axis across", False)
            up = picture.scale(quantity, "axis upwards", False)
            dots = re.findall(r"M([\d.]+) ([\d.]+)h0", "".join(p.get("d") for p in picture.group(quantity).iter(SVG + "path")))
            have = sorted((across(float(x)), up(float(y))) for x, y in dots)
            for a, b in zip(have, sorted((float(r), float(p)) for r, p in want)):
                self.assertAlmostEqual(a[0], b[0], delta=0.005)
                self.assertAlmostEqual(a[1], b[1], delta=0.005)
            self.assertEqual(len(have), 3)
        # sqrt((0.05^2 + 0.05^2) / 3) eV
        self.assertIn("RMSE 40.8, MAE 33.3, largest 50.0 meV per atom", picture.words("energy"))
        self.assertIn("RMSE 331, MAE 292, largest 500 meV/\u00c5", picture.words("force"))
        bars = [float(r.get("height")) for r in picture.group("force", "histogram of errors").iter(SVG + "rect")]
        self.assertEqual(len(bars), 3)

    def test_large_sets_give_small_files(self):
        lines = [PREDICTIONS.splitlines()[0]]
        for k in range(60000):  # spread over the whole square: the worst case
            lines.append(f"{k},bulk,force,{k * 7919 % 60013},{k * 104729 % 60013}")
            lines.append(f"{k},bulk,energy,{k * 104729 % 60013},{k * 7919 % 60013}")
        folder, _ = self.plot(log=EPOCHS, predictions_valid="\n".join(lines) + "\n")
        path = os.path.join(folder, "plots", "parity-valid.svg")
        self.assertLess(os.path.getsize(path), 300e3)
        self.assertIn("60000 points", Picture(path).text)
        many = LOG + "".join(f"{k},{k},1,{0.01 / (k + 1)},{1 + k * 7919 % 997},{1 + k * 104729 % 997},1,1,1,1,0,1\n" for k in range(9000))
        folder, _ = self.plot("run-2", log=many)
        path = os.path.join(folder, "plots", "history.svg")
        self.assertLess(os.path.getsize(path), 300e3)

    def test_errors(self):
        folder, _ = self.plot(log=EPOCHS, errors=ERRORS)
        picture = Picture(os.path.join(folder, "plots", "errors.svg"))
        names = [t.text for t in picture.root.findall(SVG + "text")]
        # the total first, then the largest errors of forces; <gas> is no tag
        places = [names.index(n) for n in ("total (5)", "<gas> (1)", "bulk (4)")]
        self.assertEqual(places, sorted(places))
        for panel, want in (("Energy", [3, 5, 1, 4, 5]), ("Forces", [30, 25, 40, 20, 25])):
            across = picture.scale(panel, "axis across", False)
            bars = [r for r in picture.group(panel).iter(SVG + "rect") if r.get("stroke") is None]
            have = [(across(float(r.get("x"))), across(float(r.get("x")) + float(r.get("width")))) for r in bars]
            self.close([h[1:] for h in have], [(w,) for w in want], 0.01)
            for begin, _ in have:
                self.assertAlmostEqual(begin, 0, delta=0.05)
            self.assertEqual(len({r.get("fill") for r in bars}), 2)
        twice = ERRORS + "test,bulk,2,8,0.005,0.003,0.025,0.01,,\n"
        self.refuse(1, ["errors.csv, line 7", "twice"], "plot", self.run_folder("run-2", log=EPOCHS, errors=twice))

    def test_curve(self):
        svg = self.path("curve.svg")
        self.run_it("plot", "--curve", self.path("table.csv", CURVE), "--output", svg)
        picture = Picture(svg)
        self.assertEqual(picture.ticks("Energy", "axis across")[1], [10, 100])
        across = picture.scale("Energy", "axis across", True)
        up = picture.scale("Energy", "axis upwards", True)
        self.close([(across(x), up(y)) for x, y in picture.circles("Energy", "scratch")], [(10, 15), (100, 5)], 0.01)
        bar = picture.group("Energy").findall(f"{SVG}g[@aria-label='seeds']")[0].find(SVG + "line")
        self.close([(up(float(bar.get("y1"))), up(float(bar.get("y2"))))], [(20, 10)], 0.01)
        # f5 has one force, at 100 %
        squares = list(picture.group("Forces", "f5").iter(SVG + "polygon"))
        self.assertEqual(len(squares), 1)
        self.run_it("plot", "-c", self.path("table.csv", CURVE.replace("fraction", "structures")), "-o", svg)
        self.assertIn("training structures", Picture(svg).text)

    def test_curve_refuses(self):
        svg = self.path("curve.svg", "precious")
        first = CURVE.splitlines()[0] + "\n"
        for text, words in (
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
        ):
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
        self.assertEqual(len(one.circles("Loss", "valid_loss")), 1)
        svg = self.path("curve.svg")
        for text in (CURVE.splitlines()[0], "\n".join(CURVE.splitlines()[:2]), CURVE.splitlines()[0] + "\nf5,1,,,,"):
            self.run_it("plot", "--curve", self.path("table.csv", text), "--output", svg)
            self.assertNotRegex(Picture(svg).text, r"\bnan\b|\binf\b")

    def test_broken_runs(self):
        self.refuse(1, ["nowhere", "frozentl train"], "plot", self.path("nowhere"))
        self.refuse(1, ["file", "it is no folder"], "plot", self.path("file", ""))
        self.refuse(1, ["log.csv", "No such file"], "plot", self.run_folder("r0"))
        for k, (files, words) in enumerate((
            ({"log": ""}, ["log.csv", "it is empty"]),
            ({"log": LOG.replace("lr,", "")}, ["log.csv, line 1", "'lr'"]),
            ({"log": EPOCHS[:-10]}, ["log.csv, line 5"]),
            ({"log": EPOCHS + EPOCHS.splitlines()[2]}, ["log.csv, line 6", "epoch 1 comes after epoch 3"]),
            ({"log": EPOCHS.replace("0.3,", "o.3,")}, ["log.csv, line 2", "'o.3'"]),
            ({"log": EPOCHS, "predictions_valid": PREDICTIONS.replace("0.125", "")}, ["predictions-valid.csv, line 7", "'prediction'"]),
            ({"log": EPOCHS, "predictions_test": PREDICTIONS.replace("1,bulk,energy", "1,bulk,enthalpy")}, ["predictions-test.csv, line 3", "'enthalpy'"]),
            ({"log": EPOCHS, "errors": ERRORS.replace("0.04", "inf")}, ["errors.csv, line 3", "forces_rmse"]),
        )):  # fmt: skip
            folder = self.run_folder(f"run-{k}", **files)
            self.refuse(1, words, "plot", folder)
            self.assertNotIn("plots", os.listdir(folder))  # nothing, also of the files that are fine

    def test_output(self):
        folder = self.run_folder(log=EPOCHS)
        self.run_it("plot", folder + "/", "--output", self.path("pictures"))
        self.assertEqual(os.listdir(self.path("pictures")), ["history.svg"])
        self.assertIn(">run-1<", Picture(self.path("pictures/history.svg")).text)
        self.run_it("plot", folder, "-o", self.path("pictures"))  # again: replaced
        self.refuse(3, ["a/b", "cannot make this folder"], "plot", folder, "-o", self.path("a/b"))
        self.path("file", "")
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
