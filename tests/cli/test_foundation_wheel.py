"""frozentl foundation sevennet-...: a member of a wheel that pip gets, here from a folder (PIP_FIND_LINKS) without network."""

import os
import subprocess
import sys
import unittest
import zipfile

import cli_case
from foundation_case import FoundationCase

ROOT = os.path.dirname(os.path.dirname(cli_case.HERE))
sys.path.append(os.path.join(ROOT, "tests"))
import real_checkpoints  # noqa: E402

VENV = os.path.join(ROOT, "build", "venv", "bin", "python")


def python_with_pip():
    for python in (sys.executable, VENV):
        if os.path.exists(python) and not subprocess.run([python, "-m", "pip", "--version"], stdout=subprocess.DEVNULL,
                                                         stderr=subprocess.DEVNULL).returncode:  # fmt: skip
            return python
    return None


PYTHON = python_with_pip()


class Wheel(FoundationCase):
    def setUp(self):
        super().setUp()
        os.environ.update(PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)

    def use_pip(self):
        if not PYTHON:
            self.skipTest("no Python with pip")
        os.environ["FROZENTL_PYTHON"] = PYTHON

    def wheel(self, members):
        """A wheel of sevenn 0.13.0 with these members; (name, content)."""
        self.use_pip()
        os.mkdir(self.path("wheels"))
        about = "sevenn-0.13.0.dist-info/"
        with zipfile.ZipFile(self.path("wheels/sevenn-0.13.0-py3-none-any.whl"), "w", zipfile.ZIP_DEFLATED) as z:
            for name, content in members:
                z.writestr(name, content)
            z.writestr(about + "METADATA", "Metadata-Version: 2.1\nName: sevenn\nVersion: 0.13.0\n")
            z.writestr(about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            z.writestr(about + "RECORD", "")
        os.environ["PIP_FIND_LINKS"] = self.path("wheels")

    def test_real_checkpoint(self):
        path = os.path.join(os.environ.get("FTL_FOUNDATIONS", ""), "sevennet-0.pth")
        if not real_checkpoints.is_whole(path, "sevennet-0"):
            self.skipTest("real_checkpoints.py has not got sevennet-0")
        with open(path, "rb") as f:
            content = f.read()
        self.wheel([(real_checkpoints.member("sevennet-0"), content)])
        out = self.run_it("foundation", "sevennet-0")[0]
        for word in ("pip downloads sevenn==0.13.0", "as published", "MIT", "10.1021/acs.jctc.4c00190"):
            self.assertIn(word, out)
        self.assertEqual(self.cached(), ["sevennet-0.pth"])  # no wheel, no record where a digest is published
        with open(os.path.join(self.cache, "sevennet-0.pth"), "rb") as f:
            self.assertEqual(f.read(), content)

    def test_wrong_content(self):
        with open(cli_case.PLAIN, "rb") as f:
            self.wheel([(real_checkpoints.member("sevennet-0"), f.read())])
        self.fails(1, ["sevenn==0.13.0", "7052cb42b7b3", "not kept"], "foundation", "sevennet-0")
        self.assertEqual(self.cached(), [])

    def test_wheel_without_it(self):
        self.wheel([("sevenn/__init__.py", "")])
        self.fails(1, ["there is no sevenn/pretrained_potentials/SevenNet_l3i5", ".whl"], "foundation", "sevennet-l3i5")
        self.assertEqual(self.cached(), [])

    def test_pip_finds_nothing(self):
        self.use_pip()
        self.fails(1, ["could not download sevenn==0.13.0", "No matching distribution", "PIP_NO_INDEX=1 PIP_FIND_LINKS=",
                       "frozentl foundation sevennet-mf-0"], "foundation", "sevennet-mf-0")  # fmt: skip
        self.assertEqual(self.cached(), [])

    def test_no_python(self):
        os.environ["FROZENTL_PYTHON"] = "/nowhere/python3"
        self.fails(1, ["/nowhere/python3", "cannot be started", "pip download --no-deps"], "foundation", "sevennet-0")

    def test_same_digests(self):
        """real_checkpoints.py and the program know the same files."""
        for name, (_, path, digest) in real_checkpoints.KNOWN.items():
            out = self.run_it("foundation", "--list", name)[0]
            self.assertIn(digest, out)
            self.assertIn(path, out)


if __name__ == "__main__":
    cli_case.main()
