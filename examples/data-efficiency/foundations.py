"""Where the foundations of the study are: published ones by name, as `frozentl foundation` puts them, GO-MACE in ../shared."""

import os
import subprocess
import sys

from plan import ROOT, SHARED

OWN = {"go-mace": os.path.join(SHARED, "reference", "real", "go-mace.model")}
TESTS = os.path.join(ROOT, "build", "foundations")  # where tests/real_checkpoints.py puts them


def local(name):
    """Its file, or None where it is not on this machine."""
    path = OWN.get(name, os.path.join(TESTS, name + ".pth"))
    return path if os.path.exists(path) else None


def find(frozentl, names):
    """name -> file; a published one that is not on this machine is fetched."""
    files = {}
    for name in names:
        if local(name):
            files[name] = local(name)
            continue
        found = subprocess.run([frozentl, "foundation", "-q", name], stdout=subprocess.PIPE, text=True)
        if found.returncode:
            sys.exit(f"{name}: frozentl foundation does not get it")
        files[name] = found.stdout.strip()
    return files
