"""SevenNet's checkpoints in Python: sevenn's answers, derivatives, modalities as heads. Run by tests/python/run.sh."""

import json
import os

import numpy as np
import pytest
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.io import read

import frozentl
from frozentl.calculator import FrozenTL

TWINS = os.path.join(os.path.dirname(__file__), "..", "parity", "sevennet-twins")


def twin(name):
    """The checkpoint, its frames and sevenn's answers."""
    base = os.path.join(TWINS, name)
    with open(base + ".json") as f:
        return base + ".pth", read(base + ".xyz", index=":"), json.load(f)["answers"]


@pytest.mark.parametrize("name", ["s-fcn", "s-modal", "s-parity-l3", "s-v09"])
def test_sevenns_answers(name):
    path, frames, answers = twin(name)
    for answer in answers:
        atoms = frames[answer["frame"]]
        atoms.calc = FrozenTL(path, head=answer["head"], threads=1)
        assert atoms.get_potential_energy() == pytest.approx(answer["energy"], rel=1e-10)
        assert np.allclose(atoms.get_potential_energies(), answer["node_energy"], rtol=1e-9, atol=1e-10)
        forces = np.array(answer["forces"])
        assert np.abs(atoms.get_forces() - forces).max() <= 1e-9 * max(np.abs(forces).max(), 1)
        if answer["stress"] is not None:
            assert np.allclose(atoms.get_stress(), answer["stress"], rtol=1e-8, atol=1e-10)


def test_derivatives():
    path, frames, _ = twin("s-parity-l3")
    atoms = next(a for a in frames if a.pbc.all())
    atoms.calc = FrozenTL(path, threads=1)
    scale = np.abs(atoms.get_forces()).max()
    assert np.abs(atoms.get_forces()[:2] - calculate_numerical_forces(atoms, eps=1e-4, iatoms=[0, 1])).max() < 1e-5 * scale
    scale = np.abs(atoms.get_stress()).max()
    assert np.abs(atoms.get_stress() - calculate_numerical_stress(atoms, eps=1e-5)).max() < 1e-5 * scale


def test_modalities():
    path, frames, _ = twin("s-modal")
    for make in (frozentl.Model, lambda p: FrozenTL(p).get_potential_energy(frames[0])):
        with pytest.raises(frozentl.FrozenTLError, match="modalities.*PBE, R2SCAN, hse"):
            make(path)
    with pytest.raises(TypeError, match="use head with the modality's name"):
        FrozenTL(path, modal="PBE")
    assert frozentl.Model(path, head="hse").info.head == "hse"
