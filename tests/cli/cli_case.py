"""What the tests of the command line share. Standard library only.

    python3 tests/cli/test_NAME.py PATH-OF-frozentl

Models and answers are the small twins of tests/parity/twins.
"""

import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TWINS = os.path.join(os.path.dirname(HERE), "parity", "twins")
FROZENTL = None

PLAIN = os.path.join(TWINS, "t-density-zbl.model")  # H and Cu, one head
HEADS = os.path.join(TWINS, "t-nonlinear-heads.model")  # heads omat and oc20


SANITIZED = "FTL_SANITIZED" in os.environ


def same_code_again(test):
    """Of tests that send more numbers through code that others of their file run: not once more under sanitizers, where each
    costs several times as much and could find nothing new."""
    return unittest.skipIf(SANITIZED, "the same code with other numbers: only without sanitizers")(test)


def kinds(cases, enough=1):
    """The cases of such a test: under sanitizers the first ones are enough."""
    return cases[:enough] if SANITIZED else cases


def children_seconds():
    """Of a processor, that the processes which a test started and waited for have used: a bound that others on the machine do not stretch."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def xyz_of(model):
    return model[: -len(".model")] + ".xyz"


def answers_of(model):
    with open(model[: -len(".model")] + ".json") as f:
        return json.load(f)["answers"]


def structures(n, seed=3, side=3.6):
    """Copper with a hydrogen in it, cells of `side` Angstrom and up to 0.3 more."""
    rng = random.Random(seed)
    frames = []
    for _ in range(n):
        a = side + 0.3 * rng.random()
        sites = [("Cu", 0, 0, 0), ("Cu", a / 2, a / 2, 0), ("Cu", a / 2, 0, a / 2), ("Cu", 0, a / 2, a / 2),
                 ("H", a / 2, a / 2, a / 2)]  # fmt: skip
        atoms = [s[0] + "".join(f" {x + rng.gauss(0, 0.1):.8f}" for x in s[1:]) for s in sites]
        frames.append(f'5\nLattice="{a} 0 0 0 {a} 0 0 0 {a}" Properties=species:S:1:pos:R:3 pbc="T T T"\n'
                      + "\n".join(atoms) + "\n")  # fmt: skip
    return "".join(frames)


ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class CliCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name, text=None):
        """A file of this test's folder, written when text is given."""
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "wb" if isinstance(text, bytes) else "w") as f:
                f.write(text)
        return path

    def run_it(self, *arguments, code=0, stdin=None):
        """Runs frozentl, demands the exit code, returns its stdout and stderr."""
        done = subprocess.run([FROZENTL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              input=stdin if stdin is not None else "")  # fmt: skip
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr

    def refuse(self, code, words, *arguments, stdin=None):
        """It must fail with one sentence on stderr that has all the words, and leave no file behind."""
        before = sorted(os.listdir(self.folder))
        out, err = self.run_it(*arguments, code=code, stdin=stdin)
        for word in words:
            self.assertIn(word, err)
        if code != 2:
            self.assertEqual(err.count("\n"), 1, err)
            self.assertTrue(err.startswith("frozentl: "), err)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        return err

    def check_translation(self, command, other, pattern, page):
        """The table of another program's words: each once, and the manual has it."""
        out, _ = self.run_it(command, "--document-from-" + other)
        words = re.findall(pattern, out, re.M)
        self.assertEqual(len(words), len(set(words)))
        with open(os.path.join(ROOT, "docs", page), encoding="utf-8") as file:
            self.assertIn(out, file.read())

    def eval_json(self, model, xyz, *options):
        out = self.path("answers.json")
        self.run_it("eval", model, xyz, "--quiet", "--json", out, *options)
        with open(out) as f:
            return json.load(f)

    def assert_close(self, have, want, relative):
        """Nested lists of numbers, scaled by the largest one wanted."""
        scale = max((abs(x) for x in flat(want)), default=0)
        have, want = flat(have), flat(want)
        self.assertEqual(len(have), len(want))
        worst = max((abs(a - b) for a, b in zip(have, want)), default=0)
        self.assertLessEqual(worst, relative * scale)


def flat(values):
    if isinstance(values, (int, float)):
        return [values]
    return [x for v in values for x in flat(v)]


def main():
    global FROZENTL
    if len(sys.argv) < 2:
        sys.exit("give the path of the command frozentl")
    # the test module imports this file under its own name; both must see the path
    sys.modules["cli_case"].FROZENTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__")
