"""A published foundation by its name in Python: the file that `frozentl foundation` has fetched, and a sentence where it
has not. Run by tests/python/run.sh."""

import os
import pickle
import shutil

import pytest
from ase import Atoms

import frozentl
from frozentl.calculator import FrozenTL

NAME, TWIN = "mace-mp-0-small", os.path.join(os.path.dirname(__file__), "..", "parity", "twins", "t-density-zbl.model")


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("FROZENTL_PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))  # where this user may have fetched one
    return shutil.copy(TWIN, tmp_path / (NAME + ".model"))


def test_by_name(fetched, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    atoms = Atoms("HCu", [(0, 0, 0), (0, 0, 1.6)])
    model, calculator = frozentl.Model(NAME), FrozenTL(NAME)
    assert model.path == str(fetched) == calculator.parameters["potential"]
    answer = model.compute(atoms.numbers, atoms.positions).energy
    assert answer == frozentl.Model(TWIN).compute(atoms.numbers, atoms.positions).energy
    atoms.calc = calculator
    assert atoms.get_potential_energy() == answer
    monkeypatch.delenv("FROZENTL_PATH")  # what is open, or pickled, is a file
    assert pickle.loads(pickle.dumps(model)).compute(atoms.numbers, atoms.positions).energy == answer


def test_not_fetched(fetched):
    for make in (frozentl.Model, FrozenTL):
        with pytest.raises(frozentl.FrozenTLError, match="frozentl foundation sevennet-0") as caught:
            make("sevennet-0")
        assert caught.value.code == "io"


def test_name_and_file(fetched, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(TWIN, NAME)
    with pytest.raises(frozentl.FrozenTLError, match=f"./{NAME} for the file"):
        frozentl.Model(NAME)
    assert frozentl.Model("./" + NAME).path == str(tmp_path / NAME)
