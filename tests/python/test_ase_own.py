"""ASE's own tests of calculators, from the package ase.test that pip installs with ASE, on ours.

Of the tests that ASE has for calculators in general these are the ones that ask for what a potential of H2 and copper knows: energies
and forces that belong together, and results that a trajectory keeps."""

import pytest

import frozentl
from frozentl.calculator import FrozenTL

bond = pytest.importorskip("ase.test.calculator.test_h2_bond_force", reason="this ASE comes without its tests")
traj = pytest.importorskip("ase.test.calculator.test_traj", reason="this ASE comes without its tests")
POTENTIALS = ("h2cu.ftl", "h2cu-ace.ftl")


class Factory:
    """What ASE's tests take calculators from."""

    name = "frozentl"

    def __init__(self, file):
        self.file = file

    def calc(self, **_):
        return FrozenTL(frozentl.potential(self.file), threads=1)


@pytest.fixture(params=POTENTIALS)
def factory(request):
    return Factory(request.param)


@pytest.fixture
def testdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


atoms = bond.atoms  # ASE's fixture: H2 in a box
test_h2_bond = bond.test_h2_bond
test_h2_traj = traj.test_h2_traj
