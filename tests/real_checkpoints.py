#!/usr/bin/env python3
"""The published checkpoints of SevenNet for tests: into FOLDER, under the names that `frozentl foundation` gives them, from
../shared/reference/sevennet where that has them, else out of PyPI's wheel by pip, all in one download.

    tests/real_checkpoints.py FOLDER [NAME...]      exit code 77 and a message: they cannot be had here

With FROZENTL_PATH=FOLDER they are known by their names. What is in FOLDER already is checked and kept. Nothing of it is
committed: ctest's FOLDER is build/foundations, made by the fixture real_checkpoints (tests/cli/CMakeLists.txt).
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "sevenn==0.13.0"
SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "shared", "reference", "sevennet")
# name: its file in ../shared, in the wheel, SHA-256 (as in core/files/foundations.c)
KNOWN = {
    "sevennet-0": ("SevenNet_0__11Jul2024.pth", "SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth",
                   "7052cb42b7b3be42b40b97fa0d21077a48c54b5548948fc4dcf346629f813c36"),
    "sevennet-0-22may2024": ("SevenNet_0__22May2024.pth", "SevenNet_0__22May2024/checkpoint_sevennet_0.pth",
                             "5d389fafd512e6ae2830d74d0b66ffc49a55d3832653ff8e7bf7f1343013c1d1"),
    "sevennet-mf-0": ("SevenNet_MF_0.pth", "SevenNet_MF_0/checkpoint_sevennet_mf_0.pth",
                      "81791329b37d445f46b531578c182c41792d98c7814222c9e5dde276402225fd"),
    "sevennet-l3i5": ("SevenNet_l3i5.pth", "SevenNet_l3i5/checkpoint_l3i5.pth",
                      "a7ff190d41efe5b8317a03d20a468e4036a1a3e64e0b14fdbab64ac3f4bfc09d"),
}  # fmt: skip


def skip(why):
    print(why)
    sys.exit(77)


def member(name):
    return "sevenn/pretrained_potentials/" + KNOWN[name][1]


def is_whole(path, name):
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest() == KNOWN[name][2]


def shared(name):
    """Path in ../shared, or None."""
    path = os.path.join(SHARED, KNOWN[name][0])
    return path if is_whole(path, name) else None


def put(content, path):
    """Whole, or not at all: tests run side by side."""
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as f:
        shutil.copyfileobj(content, f)
    os.chmod(f.name, 0o644)
    os.replace(f.name, path)


def from_wheel(names, folder):
    with tempfile.TemporaryDirectory() as wheels:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--retries", "1",
                   "--timeout", "15", "--dest", wheels, PACKAGE]  # fmt: skip
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            skip(f"pip did not get {PACKAGE} in 5 minutes, for {', '.join(names)}")
        if done.returncode:
            skip(f"pip cannot get {PACKAGE} here, for {', '.join(names)}: {done.stderr.strip().splitlines()[-1:]}")
        with zipfile.ZipFile(os.path.join(wheels, os.listdir(wheels)[0])) as wheel:
            for name in names:
                with wheel.open(member(name)) as content:
                    put(content, os.path.join(folder, name + ".pth"))


def get(names, folder):
    os.makedirs(folder, exist_ok=True)
    missing = [n for n in names if not is_whole(os.path.join(folder, n + ".pth"), n)]
    for name in list(missing):
        path = shared(name)
        if path:
            with open(path, "rb") as content:
                put(content, os.path.join(folder, name + ".pth"))
            missing.remove(name)
    if missing:
        from_wheel(missing, folder)
    for name in names:
        path = os.path.join(folder, name + ".pth")
        if not is_whole(path, name):
            sys.exit(f"{path}: it is not {name}, by its SHA-256")
        print(path)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    get(sys.argv[2:] or list(KNOWN), sys.argv[1])
