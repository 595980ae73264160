"""The scripts of bench/: tables and charts come out of the results that are kept, a quick run measures and writes
nothing, and saving replaces rows and keeps the others. argv[1] is the build folder. No time is judged."""

import glob
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

BENCH = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
sys.path.insert(0, os.path.join(BENCH, "lib"))
import machine

BUILD = sys.argv.pop(1)


def run(name, *arguments):
    return subprocess.run(
        [os.path.join(BENCH, "programs", name), *arguments], capture_output=True, text=True, env=dict(os.environ, FTL_BUILD=BUILD)
    )


def kept():
    return {path: path.read_text() for path in pathlib.Path(BENCH).rglob("*.csv")}


class Scripts(unittest.TestCase):
    def test_every_table(self):
        result = run("table.py")
        self.assertEqual(result.returncode, 0, result.stderr)
        for title in ("MD step on one core", "optimiser step", "a model of large runs"):
            self.assertIn(title, result.stdout)

    def test_charts_are_whole_svg(self):
        with tempfile.TemporaryDirectory() as folder:
            result = run("charts", "--out", folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            files = glob.glob(os.path.join(folder, "*.svg"))
            self.assertEqual(len(files), 8, result.stdout)
            for file in files:
                words = [e.text for e in xml.etree.ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")]
                self.assertGreater(len(words), 1, file)

    def test_quick_scaling_writes_nothing(self):
        before = kept()
        result = run("scaling", "--quick", "--only", "threads")
        if result.returncode == 77:
            self.skipTest(result.stderr)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("nothing written", result.stdout)
        self.assertEqual(kept(), before)

    def test_save_replaces_and_keeps(self):
        with tempfile.TemporaryDirectory() as folder:
            path, columns = os.path.join(folder, "t.csv"), ("model", "cores", "ms")
            machine.save(
                path, columns, [dict(model="a", cores=1, ms=3), dict(model="b", cores=1, ms=4)], ("model", "cores")
            )
            machine.save(path, columns, [dict(model="a", cores=1, ms=5), dict(model="a", cores=2)], ("model", "cores"))
            found = [(r["model"], r["cores"], r["ms"]) for r in machine.read(path)]
            self.assertEqual(found, [("a", "1", "5"), ("b", "1", "4"), ("a", "2", "")])
            machine.save(path, ("model", "ms"), [dict(model="c", ms=1)], ("model",))  # other columns: an older table
            self.assertEqual([r["model"] for r in machine.read(path)], ["c"])


if __name__ == "__main__":
    unittest.main()
