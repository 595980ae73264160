"""The programs of programs/ceiling and programs/stages: built with timers in a folder of their own. Standard library only."""

import os
import subprocess
import sys

from machine import ROOT

FOLDER = os.path.join(ROOT, "build", "stages")


def build(*targets):
    if not os.path.exists(os.path.join(FOLDER, "build.ninja")):
        options = ("-DCMAKE_BUILD_TYPE=Release", "-DFTL_TIMERS=ON", "-DFTL_PLUGIN=OFF", "-DFTL_TESTS=OFF")
        run(["cmake", "-S", ROOT, "-B", FOLDER, "-G", "Ninja", *options])
    run(["cmake", "--build", FOLDER, "--target", *targets])


def output(target, *arguments, core=None):
    """Builds a program and runs it, on one core if it is named; its lines, split at tabs."""
    build(target)
    pin = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
    result = subprocess.run(
        [os.path.join(FOLDER, "bench", target), *arguments], stdout=subprocess.PIPE, text=True, check=True, preexec_fn=pin
    )
    return [line.split("\t") for line in result.stdout.splitlines()]


def run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        sys.exit(result.stdout)
