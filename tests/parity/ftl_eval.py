"""What the Python tests share: finding and running the command `frozentl`, and its answers. Standard library only."""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class EvalError(Exception):
    """frozentl failed; the text is what it said."""


def command(given=None):
    """The command's path: --frozentl, $FROZENTL, or where `make build` puts it."""
    for path in (given, os.environ.get("FROZENTL"), os.path.join(ROOT, "build", "release", "train", "frozentl"),
                 os.path.join(ROOT, "build", "release", "frozentl"),
                 os.path.join(ROOT, "build", "release", "bin", "frozentl")):  # fmt: skip
        if path and os.access(path, os.X_OK):
            return path
    sys.exit("frozentl not found: build it (make build), or give --frozentl PATH")


def run(arguments):
    """Runs frozentl; EvalError holds what it said when it fails."""
    result = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        said = " ".join((result.stderr or result.stdout).split())
        raise EvalError(f"exit code {result.returncode}: {said[:400]}")
    return result.stdout


def evaluate(frozentl, model, xyz, head=None, options=()):
    """The list that `frozentl eval --json` writes: one dict a frame."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.json")
        arguments = [frozentl, "eval", model, xyz, "--json", out, *options]
        if head is not None:
            arguments += ["--head", head]
        run(arguments)
        with open(out) as f:
            return json.load(f)


def write_xyz(path, frames):
    """frames: dicts with symbols [n], positions [n][3], and cell [3][3] or None, pbc [3]."""
    with open(path, "w") as f:
        for a in frames:
            lattice = ""
            if a.get("cell") is not None:
                lattice = 'Lattice="%s" ' % " ".join(repr(float(x)) for row in a["cell"] for x in row)
            pbc = " ".join("T" if p else "F" for p in a.get("pbc", (False, False, False)))
            f.write(f'{len(a["symbols"])}\n{lattice}Properties=species:S:1:pos:R:3 pbc="{pbc}"\n')
            for s, x in zip(a["symbols"], a["positions"]):
                f.write("%s %r %r %r\n" % (s, float(x[0]), float(x[1]), float(x[2])))


def read_xyz(path):
    """The files that make_twins.py and ase write: species and positions are the first columns."""
    frames = []
    with open(path) as f:
        lines = f.read().splitlines()
    at = 0
    while at < len(lines):
        n, comment = int(lines[at]), lines[at + 1]
        rows = [line.split() for line in lines[at + 2 : at + 2 + n]]
        cell = None
        if 'Lattice="' in comment:
            numbers = [float(x) for x in comment.split('Lattice="')[1].split('"')[0].split()]
            cell = [numbers[0:3], numbers[3:6], numbers[6:9]]
        pbc = [p == "T" for p in comment.split('pbc="')[1].split('"')[0].split()]
        frames.append(dict(symbols=[r[0] for r in rows], positions=[[float(x) for x in r[1:4]] for r in rows],
                           cell=cell, pbc=pbc))  # fmt: skip
        at += 2 + n
    return frames
