"""Memory that cannot be had is exit code 4 and a sentence, within seconds, for every command and at every limit of address
space; or the work is done. What the loader of programs says before main is not ours: exit code 127, and its words.

    python3 tests/cli/test_memory.py PATH-OF-frozentl
"""

import os
import resource
import shutil
import subprocess

import cli_case
from cli_case import PLAIN, xyz_of

POTENTIALS = os.path.join(os.path.dirname(os.path.dirname(cli_case.HERE)), "potentials")
MODEL = os.path.join(POTENTIALS, "ftl-metals-0.ftl")
SURROGATE = os.path.join(POTENTIALS, "h2cu-ace.ftl")
YACE = os.path.join(POTENTIALS, "h2cu-ace.yace")
MB = 1 << 20
STEPS = (0, 1, 3, 6, 10, 16, 25, 40, 80, 150, 280, 300, 320, 450, 700, 1500)


class Memory(cli_case.CliCase):
    def limited(self, megabytes, *arguments, **environment):
        """Exit code and what was said under a limit of address space."""
        env = dict(os.environ, OMP_NUM_THREADS="2", **environment)
        limit = int(megabytes * MB)
        done = subprocess.run([cli_case.FROZENTL, *arguments], env=env, cwd=self.folder, timeout=120, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))  # fmt: skip
        return done.returncode, done.stdout

    def least(self):
        """Megabytes from which on the loader gets as far as main."""
        low, high = 4, 600
        while high - low > 1:
            middle = (low + high) // 2
            code, _ = self.limited(middle, "--version")
            low, high = (low, middle) if code == 0 else (middle, high)
        return high

    def sweep(self, *arguments, done=0, steps=STEPS):
        codes = []
        for step in steps:
            for name in ("run", "out.ftl", "out.yace"):
                path = self.path(name)
                shutil.rmtree(path, ignore_errors=True)
                if os.path.isfile(path):
                    os.remove(path)
            code, text = self.limited(self.base + step, *arguments)
            codes.append(code)
            self.assertIn(code, (done, 4), f"{arguments} at {self.base + step} MB: {code}\n{text}")
            if code == 4:
                self.assertRegex(text, r"frozentl: .*(memory|Cannot allocate)")
            if code == done and step > 30:
                break
        self.assertEqual(codes[-1], done, f"{arguments}: not even at the largest limit")
        self.assertEqual(sorted(codes, key=lambda code: code != 4), codes, "more memory, and less is done")

    def setUp(self):
        super().setUp()
        self.base = self.least()
        self.data = xyz_of(PLAIN)

    def test_commands_that_read(self):
        self.sweep("info", MODEL)
        self.sweep("info", SURROGATE, "--json")
        self.sweep("info", YACE)
        self.sweep("info", PLAIN)
        self.sweep("convert", MODEL, "--elements", "H,Cu", "out.ftl")
        self.sweep("convert", SURROGATE, "out.yace", steps=(0, 2, 40))
        self.sweep("diff", MODEL, PLAIN, done=7)

    def test_commands_that_compute(self):
        self.sweep("eval", MODEL, self.data, "--quiet")
        self.sweep("eval", YACE, self.data, "--quiet")
        self.sweep("estimate", MODEL, self.data, steps=(0, 4, 10, 20, 100))

    def labelled(self):
        answers = self.path("answers.xyz")
        self.run_it("eval", PLAIN, self.data, "--quiet", "-o", answers)
        with open(answers) as f:
            text = f.read()
        text = text.replace(":forces:R:3", ":REF_forces:R:3")
        text = text.replace(" energy=", " REF_energy=").replace(" stress=", " REF_stress=")
        return self.path("train.xyz", text)

    def test_train(self):
        data = self.labelled()
        self.sweep("train", "-f", PLAIN, "-d", data, "--valid", data, "-b", "2", "-e", "1", "--lr", "1e-4", "-q",
                   "-o", "run")  # fmt: skip

    def test_fits(self):
        data = self.labelled()
        small = ("--n", "3/2", "--l", "1", "--cutoff", "4", "-q", "-o", "run")
        self.sweep("fit", "-d", data, *small)
        self.sweep("distill", "--model", PLAIN, "--crystal", "fcc:3.63:Cu:1x1x2", "--jobs", "rattle", "--set", "elements=Cu",
                   *small, steps=(0, 10, 150, 450, 700, 1500))  # fmt: skip

    def test_stacks_of_threads(self):
        """OpenMP would end the program; here it is said."""
        code, text = self.limited(600, "eval", MODEL, self.data, "--threads", "16", OMP_STACKSIZE="200M")
        self.assertEqual(code, 4, text)
        self.assertIn("16 threads", text)

    def test_an_estimate_is_compared_with_the_limit(self):
        """Before anything is computed: the matrices of this fit alone are larger than the limit."""
        code, text = self.limited(1200, "fit", "-d", self.labelled(), "--n", "30/24", "--l", "6", "--set",
                                  "basis.max_functions=20000", "-o", "run")  # fmt: skip
        self.assertEqual(code, 4, text)
        self.assertIn("GB are free", text)


if __name__ == "__main__":
    cli_case.main()
