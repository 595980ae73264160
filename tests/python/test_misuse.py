"""What is no structure, no option or no element is refused in a sentence that names it; nothing is ignored or taken for
something else. Run by tests/python/run.sh."""

import os

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import CalculatorSetupError, PropertyNotImplementedError

import frozentl
from frozentl import FrozenTLError, InputError, Model
from frozentl.calculator import FrozenTL

PATH = frozentl.potential("h2cu.ftl")
H2 = [[0, 0, 0], [0, 0, 0.8]]


@pytest.fixture(scope="module")
def model():
    return Model(PATH, threads=1)


@pytest.mark.parametrize("keyword, hint", [("devise", "threads"), ("device", "frozentl/kk"), ("dtype", "mixed"),
                                           ("models", "first argument"), ("heads", "head"), ("enable_cueq", "leave it out"),
                                           ("elements", "potential")])  # fmt: skip
def test_unknown_keywords(keyword, hint):
    with pytest.raises(TypeError, match=keyword) as e:
        FrozenTL(PATH, **{keyword: "cuda"})
    assert hint in str(e.value) and "precision, head, threads" in str(e.value)
    with pytest.raises(TypeError, match=keyword):
        FrozenTL(PATH).set(**{keyword: "cpu"})
    if keyword != "elements":
        with pytest.raises(TypeError, match=keyword):
            Model(PATH, **{keyword: "cpu"})
    with pytest.raises(TypeError, match="potential"):
        FrozenTL()


def test_ases_own_keywords(tmp_path):
    atoms = molecule("H2")
    calculator = FrozenTL(PATH, atoms=atoms, label="run", directory=tmp_path / "made")
    assert atoms.calc is calculator and calculator.label.endswith("made/run")
    atoms.get_potential_energy()
    assert FrozenTL(PATH, label="a/b", restart=None).label == "a/b"
    assert calculator.name == "frozentl" and calculator.todict()["potential"] == PATH
    with pytest.raises(TypeError, match="restart"):
        FrozenTL(PATH, restart="old")


@pytest.mark.parametrize("options", [dict(threads=-1), dict(threads=1.0), dict(threads=True), dict(threads="2"), dict(threads=10**6),
                                     dict(precision="float32"), dict(precision=64), dict(head=0), dict(head="a\0b"),
                                     dict(foundation=7), dict(foundation=PATH)])  # fmt: skip
def test_values_of_options(options):
    name = next(iter(options))
    with pytest.raises((TypeError, ValueError, FrozenTLError), match=name):
        Model(PATH, **options)
    with pytest.raises((TypeError, ValueError, FrozenTLError), match=name):
        FrozenTL(PATH, **options).get_property("energy", molecule("H2"))


@pytest.mark.parametrize("elements", [["H"], "H", [0], [119], [1.0], [True], 1, [1, -29], [np.nan]])
def test_elements_are_atomic_numbers(elements):
    with pytest.raises(ValueError, match="elements"):
        Model(PATH, elements=elements)


@pytest.mark.parametrize("path", [None, 3, "a\0b"])
def test_paths(path):
    with pytest.raises(TypeError):
        Model(path)
    with pytest.raises(TypeError):
        FrozenTL(path)


def test_options_of_an_open_model(model):
    with pytest.raises(TypeError, match="^precision: .*open Model"):
        FrozenTL(model, precision="mixed")
    with pytest.raises(TypeError, match="open Model"):
        FrozenTL(model).set(threads=2)
    assert FrozenTL(model, precision="double").get_property("energy", molecule("H2")) < 0


@pytest.mark.parametrize("bad, name", [(0, "0 is no atomic number.*X"), (-1, "-1 is no"), (119, "119 is no"), (285, "285 is no"),
                                       (1.0, "float"), (1.5, "float"), (np.nan, "float"), (True, "bool|object"), ("H", "<U"),
                                       (None, "object"), (2**70, "object"), (8, "number 8")])  # fmt: skip
def test_no_atomic_numbers(model, bad, name):
    numbers = [True, True] if bad is True else [1, bad]
    with pytest.raises((TypeError, InputError), match=name):
        model.compute(numbers, H2)
    if isinstance(bad, int) and abs(bad) < 300 and bad is not True:
        atoms = Atoms(numbers=[1, 1], positions=H2)
        atoms.numbers[1] = bad
        with pytest.raises(FrozenTLError, match=r"index 1|O \(atomic number 8\)"):
            FrozenTL(PATH).get_property("energy", atoms)


def test_dummy_atoms_of_ase():
    with pytest.raises(InputError, match="dummy"):
        FrozenTL(PATH).get_property("forces", Atoms("HX", positions=H2))


@pytest.mark.parametrize("positions", [[[0, 0, 0]], [0, 0, 0, 0, 0, 0.8], [[0, 0], [0, 1]], [[0, 0, 0], [0, np.inf, 1]], None,
                                       [[0, 0, 0], [0, np.nan, 1]], [["0", "0", "0"], ["0", "0", "1"]], np.array(H2) * 1j,
                                       [[0, 0, 0], [0, 0]], [[True] * 3, [False] * 3], [[0, 0, 0], [0, 0, None]],
                                       np.ma.masked_array(H2, mask=[[0, 0, 0], [0, 0, 1]])], ids=str)  # fmt: skip
def test_no_positions(model, positions):
    with pytest.raises((TypeError, InputError), match="position"):
        model.compute([1, 1], positions)


def test_units_are_not_dropped(model):
    class Quantity(np.ndarray):
        units = "bohr"

    with pytest.raises(TypeError, match="bohr.*Angstrom"):
        model.compute([1, 1], np.array(H2).view(Quantity))
    with pytest.raises(TypeError, match="bohr"):
        model.compute([1, 1], H2, (np.eye(3) * 9).view(Quantity), True)


@pytest.mark.parametrize("cell, pbc, name", [(None, True, "no cell"), (np.zeros((3, 3)), True, "cell vector 1 is zero"),
                                             (np.diag([9, 9, 0]), True, "cell vector 3 is zero"),
                                             ([[9, 0, 0], [9, 0, 0], [0, 0, 9]], True, "parallel"),
                                             ([[9, 0, 0], [0, 9, 0], [9, 9, 0]], True, "plane"), ([9, 9, 9], True, r"diag"),
                                             (np.full((3, 3), np.nan), True, "not finite"), (np.full((3, 3), np.inf), False, "not finite"),
                                             (np.eye(3) * 9, [True], "pbc"), (np.eye(3) * 9, [1, 1], "pbc"), (np.eye(3) * 9, "TTF", "pbc"),
                                             (np.eye(3) * 9, [1, 1, 2], "pbc"), (np.eye(3) * 9, None, "pbc"),
                                             (np.eye(3) * 9, [1.0, 1.0, np.nan], "pbc")])  # fmt: skip
def test_no_cells(model, cell, pbc, name):
    with pytest.raises(FrozenTLError, match=name):
        model.compute([1, 1], H2, cell, pbc)


def test_arrays_of_any_layout(model):
    h2 = np.array(H2)
    expected = model.compute([1, 1], h2, np.eye(3) * 9, True)
    for x in (h2.tolist(), h2.astype(">f8"), np.asfortranarray(h2), np.repeat(h2, 2, axis=1)[:, ::2], h2[::-1][::-1], h2.astype(object)):
        r = model.compute(np.array([1, 1], dtype=">i2"), x, np.asfortranarray(np.eye(3) * 9), (1, True, np.True_))
        assert r.energy == expected.energy and (r.forces == expected.forces).all()
    assert model.compute(np.array([1, 1], np.uint8), h2.astype(np.float32)).energy == pytest.approx(expected.energy, abs=1e-6)
    assert (h2 == H2).all()
    none = model.compute([], [], np.eye(3), True)
    assert none.energy == 0 and none.forces.shape == (0, 3) and (none.stress == 0).all()
    assert FrozenTL(PATH).get_property("energy", Atoms()) == 0


def test_answers_are_the_callers(model):
    first = model.compute([1, 1], H2)
    kept = first.forces.copy()
    model.compute([29, 29], np.array(H2) * 3)
    assert (first.forces == kept).all()
    calculator, atoms = FrozenTL(model), Atoms("H2", positions=H2)
    calculator.get_property("forces", atoms)[:] = 7
    atoms.calc = calculator
    assert (atoms.get_forces() == kept).all()
    atoms.positions += 1
    assert (calculator.atoms.positions == H2).all()


def test_closed_models():
    with Model(PATH, threads=1) as model:
        energy = model.compute([1], [[0, 0, 0]]).energy
        calculator = FrozenTL(model)
    for use in (lambda: model.compute([1], [[0, 0, 0]]), lambda: model.e0(1), lambda: calculator.get_property("energy", Atoms("H"))):
        with pytest.raises(ValueError, match="closed"):
            use()
    model.close()
    assert model.workspace_bytes() == 0 and energy < 1 and "h2cu" in repr(model)


def test_nothing_of_a_calculation_that_failed():
    calculator, atoms = FrozenTL(PATH, threads=1), molecule("H2")
    calculator.calculate(atoms)
    assert calculator.results
    with pytest.raises(FrozenTLError):
        calculator.calculate(Atoms("H2"))  # in one place
    assert not calculator.results
    assert calculator.get_property("energy", atoms) < 0
    with pytest.raises(CalculatorSetupError, match="atoms"):
        FrozenTL(PATH).get_property("energy")
    with pytest.raises(CalculatorSetupError, match="atoms"):
        FrozenTL(PATH).calculate()


def test_set_and_reset():
    atoms, calculator = bulk("Cu", cubic=True, a=3.6), FrozenTL(PATH, threads=1)
    atoms.calc = calculator
    exact = atoms.get_potential_energy()
    assert calculator.set(precision="mixed") == {"precision": "mixed"} and not calculator.results
    assert 0 < abs(atoms.get_potential_energy() - exact) < 1e-4
    assert calculator.set(precision="mixed") == {}
    calculator.set(precision="double")
    assert atoms.get_potential_energy() == exact
    calculator.set(potential=frozentl.potential("h2cu-ace.ftl"))
    assert atoms.get_potential_energy() != exact
    calculator.reset()
    assert calculator.atoms is None and not calculator.results
    for wrong in (dict(precision="single"), dict(threads=-2)):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            calculator.set(**wrong)
    with pytest.raises(FrozenTLError, match="none.ftl"):
        calculator.set(potential="none.ftl")


def test_stress_belongs_to_pbc():
    calculator, atoms = FrozenTL(PATH, threads=1), bulk("Cu", cubic=True, a=3.5)
    atoms.calc = calculator
    stress, energy = atoms.get_stress(), atoms.get_potential_energy()
    atoms.pbc = (True, True, False)
    assert np.abs(atoms.get_stress() - stress).max() > 1e-3
    atoms.pbc = False
    with pytest.raises(PropertyNotImplementedError, match="periodic direction"):
        atoms.get_stress()
    assert atoms.get_potential_energy() > energy
    assert atoms.get_potential_energies().shape == (4,) and "stress" not in calculator.results
    atoms.pbc = True
    assert (atoms.get_stress() == stress).all()


def test_file_is_the_one_that_was_named(tmp_path, monkeypatch):
    """In another folder, and after the file was replaced."""
    copy = tmp_path / "mine.ftl"
    copy.write_bytes(open(PATH, "rb").read())
    monkeypatch.chdir(tmp_path)
    calculator = FrozenTL("mine.ftl", threads=1)
    os.mkdir("elsewhere")
    os.chdir("elsewhere")
    assert calculator.get_property("energy", molecule("H2")) < 0
    copy.write_bytes(open(frozentl.potential("h2cu-ace.ftl"), "rb").read())
    assert calculator.get_property("energy", molecule("H2")) < 0  # it is open
    with pytest.raises(FrozenTLError, match="has changed"):
        calculator.get_property("energy", bulk("Cu"))  # and would be opened again for copper
    with pytest.raises(FrozenTLError, match="no such file"):
        FrozenTL("mine.ftl")
