"""What the tests of run folders share: small data that the twins label, runs in the background, what a folder holds."""

import hashlib
import os
import re
import subprocess
import time

import cli_case
import test_train
from cli_case import PLAIN

# a cosine ends with the epochs, so that with more of them it is another run
BASE = ["-f", PLAIN, "--lr", "0.001", "--schedule", "constant", "--batch-size", "4", "--set", "valid_fraction=0.2",
        "--threads", "1"]  # fmt: skip
FIT = ["--n", "4/2", "--l", "2", "--cutoff", "4", "--set", "uncertainty.committee=2", "--threads", "1"]
DISTILL = ["-m", PLAIN, "--crystal", "fcc:3.9:Cu:1x1x2", "--temperatures", "300", "--steps", "10", "--set",
           "sample.every=5", "--set", "sample.equilibration=2", "--jobs", "bulk", *FIT]  # fmt: skip


class RunsCase(cli_case.CliCase):
    def setUp(self):
        super().setUp()
        self.data = self.labelled("data.xyz", test_train.structures(20))

    def labelled(self, name, text):
        raw, answered = self.path("raw", text), self.path("answered")
        self.run_it("eval", test_train.TEACHER, raw, "--quiet", "-o", answered)
        with open(answered) as f:
            text = re.sub(r"\b(energy|stress)=", r"REF_\1=", f.read())
        for old in (raw, answered):
            os.remove(old)
        return self.path(name, text.replace(":forces:", ":REF_forces:"))

    def train(self, run, *arguments, code=0):
        return self.run_it("train", "-d", self.data, "-o", run, *BASE, *arguments, code=code)

    def start(self, *arguments, command=()):
        process = subprocess.Popen([*command, cli_case.FROZENTL, *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)  # fmt: skip

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def start_training(self, run, *arguments):
        return self.start("train", "-d", self.data, "-o", run, *BASE, *arguments)

    def wait_for(self, what, process=None):
        """Until what() is true, or the process has ended; the tests' machine may be slow."""
        for _ in range(6000):
            if what() or (process and process.poll() is not None):
                return
            time.sleep(0.01)
        self.fail("waited for a minute in vain")

    def in_run(self, run, name):
        return os.path.join(run, name)

    def written_recipe(self, *arguments):
        """The settings that --init writes, as {key: text}, and what is said on the way."""
        path = self.path(f"recipe{len(os.listdir(self.folder))}.yaml")
        _, err = self.run_it(*arguments, "--init", path)
        settings, section = {}, ""
        for line in self.read(path).decode().splitlines():
            found = re.match(r"( *)([a-z0-9_]+):(?: (.*))?$", line)
            if found:
                indent, key, text = found.groups()
                if not indent:
                    section = key
                settings[f"{section}.{key}" if indent else key] = text
        return settings, err

    def read(self, *names):
        with open(os.path.join(*names), "rb") as f:
            return f.read()

    def sums(self, folder):
        """{name: digest} of all files below a folder."""
        return {
            os.path.relpath(os.path.join(at, name), folder): hashlib.sha256(self.read(at, name)).hexdigest()
            for at, _, names in os.walk(folder)
            for name in names
        }

    def same_run(self, a, b):
        for name in ("model.ftl", "errors.csv", "predictions-valid.csv"):
            self.assertEqual(self.read(a, name), self.read(b, name), name)
        logs = [[line.rsplit(b",", 1)[0] for line in self.read(run, "log.csv").splitlines()] for run in (a, b)]
        self.assertEqual(*logs)
