"""Models and calculators in other processes and threads: by fork, by pickle, by both. A process that hangs is ended, and fails.

Run by tests/python/run.sh."""

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.mep import NEB
from ase.optimize import BFGS

import frozentl
from frozentl import FrozenTLError, InputError, Model
from frozentl.calculator import FrozenTL

PATH = frozentl.potential("h2cu.ftl")
ACE = frozentl.potential("h2cu-ace.ftl")
ATOMS = bulk("Cu", cubic=True, a=3.6) * (2, 2, 1)
ATOMS.rattle(0.05, seed=1)
PATIENCE = 60  # s


def compute(model, atoms=ATOMS):
    return model.compute(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)


def energy(arguments):
    model, atoms = arguments
    return compute(model, atoms).energy


def asked(atoms):
    return atoms.get_potential_energy(), atoms.get_forces()


_global = None


def of_global(scale):
    atoms = ATOMS.copy()
    atoms.set_cell(atoms.cell * scale, scale_atoms=True)
    return compute(_global, atoms).energy


def fails(number):
    return compute(_global, Atoms(numbers=[number] * 2)) if number > 1 else compute(_global, Atoms("H", positions=[[0, 0, np.nan]]))


def in_child(work):
    """What a child made by fork answers; fails if it does not within PATIENCE."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(PATIENCE)
            os.write(write, pickle.dumps(work()))
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, "the child failed or was ended"
    return pickle.loads(answer)


@pytest.mark.parametrize("threads", [0, 1, 2, 3])
@pytest.mark.parametrize("path", [PATH, ACE])
def test_fork_after_an_energy(path, threads):
    model = Model(path, threads=threads)
    expected = compute(model)
    for _ in range(2):
        r = in_child(lambda: compute(model))
        assert r.energy == expected.energy and (r.forces == expected.forces).all()  # to the bit
        assert in_child(lambda: compute(Model(path, threads=threads)).energy) == expected.energy
        assert in_child(lambda: in_child(lambda: compute(model).energy)) == expected.energy
        assert in_child(lambda: compute(copy.copy(model)).energy) == expected.energy
        assert compute(model).energy == expected.energy
    uncertain = Model(ACE, threads=threads)
    grades = uncertain.compute(ATOMS.numbers, ATOMS.positions, ATOMS.cell, True, uncertainty=True)
    again = in_child(lambda: uncertain.compute(ATOMS.numbers, ATOMS.positions, ATOMS.cell, True, uncertainty=True))
    assert (again.extrapolation == grades.extrapolation).all() and (again.force_deviation == grades.force_deviation).all()


def test_fork_while_another_thread_computes():
    """The thread does not exist in the child, and cannot let go of the model there."""
    model, stop = Model(ACE, threads=2), threading.Event()
    calculator, other = FrozenTL(ACE, threads=2), ATOMS.copy()
    atoms, expected = ATOMS.copy(), compute(model).energy

    def work():
        while not stop.is_set():
            compute(model)
            other.positions[0, 0] += 1e-3
            calculator.get_property("forces", other)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(20):
            assert in_child(lambda: compute(model).energy) == expected
            assert in_child(lambda: calculator.get_property("energy", atoms)) == expected
    finally:
        stop.set()
        thread.join()
    assert compute(model).energy == expected


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools(method):
    global _global
    model, calculator = Model(PATH), FrozenTL(PATH)
    frames = [ATOMS.copy() for _ in range(4)]
    for k, atoms in enumerate(frames):
        atoms.rattle(0.02, seed=k)
        atoms.calc = calculator
    expected = [compute(model, a).energy for a in frames]
    assert [a.get_potential_energy() for a in frames] == expected
    _global = Model(PATH)
    of_global(1.0)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(energy, [(model, a) for a in frames]).get(PATIENCE) == pytest.approx(expected, abs=1e-9)
        answers = pool.map_async(asked, frames).get(PATIENCE)
        assert [e for e, _ in answers] == pytest.approx(expected, abs=1e-9)
        assert np.abs(answers[0][1] - frames[0].get_forces()).max() < 1e-9
        if method == "fork":
            assert pool.map_async(of_global, [1.0, 1.01]).get(PATIENCE) == [of_global(1.0), of_global(1.01)]
            for number, kind in ((8, InputError), (29, FrozenTLError), (1, InputError)):  # errors come home
                with pytest.raises(kind):
                    pool.map_async(fails, [number]).get(PATIENCE)


def test_errors_can_be_pickled():
    for e in (FrozenTLError("io", "cannot be read", "a.ftl"), InputError("is no atomic number", "index 3")):
        again = pickle.loads(pickle.dumps(e))
        assert type(again) is type(e) and (str(again), again.code, again.where) == (str(e), e.code, e.where)


@pytest.mark.parametrize("duplicate", [lambda m: pickle.loads(pickle.dumps(m)), copy.copy, copy.deepcopy])
def test_copies(duplicate):
    model = Model(PATH, precision="mixed", elements=[29, 1], threads=1)
    expected = compute(model).energy
    again = duplicate(model)
    assert again.info == model.info and again.path == model.path
    model.close()
    assert compute(again).energy == expected
    del model
    assert compute(duplicate(again)).energy == expected
    calculator, atoms = FrozenTL(PATH, threads=1, head="Default"), ATOMS.copy()
    atoms.calc = calculator
    forces = atoms.get_forces()
    other = duplicate(calculator)
    assert not other.calculation_required(atoms, ["forces"]) and (other.results["forces"] == forces).all()
    assert other.parameters == calculator.parameters and (other.get_forces(atoms) == forces).all()
    atoms.positions[0] += 0.1
    assert (other.get_forces(atoms) != forces).any()
    assert (calculator.results["forces"] == forces).all()
    molecule_ = molecule("H2")
    molecule_.calc = other
    assert molecule_.get_potential_energy() < 0
    whole = duplicate(FrozenTL(Model(PATH, threads=1)))
    assert whole.get_property("energy", molecule_) == pytest.approx(molecule_.get_potential_energy(), abs=1e-9)


def test_pickles_travel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.ftl").write_bytes(open(PATH, "rb").read())
    pickles = [pickle.dumps(Model("a.ftl", threads=1)), pickle.dumps(FrozenTL("a.ftl", threads=1))]
    os.mkdir("b")
    os.chdir("b")
    assert compute(pickle.loads(pickles[0])).energy == pickle.loads(pickles[1]).get_property("energy", ATOMS)
    os.utime(tmp_path / "a.ftl", (1, 1))  # other times, the same bytes
    compute(pickle.loads(pickles[0]))
    (tmp_path / "a.ftl").write_bytes(open(ACE, "rb").read())
    with pytest.raises(FrozenTLError, match="changed.*SHA-256"):
        pickle.loads(pickles[0])
    with pytest.raises(FrozenTLError, match="changed"):
        pickle.loads(pickles[1]).get_property("energy", ATOMS)
    os.remove(tmp_path / "a.ftl")
    for p in pickles:
        with pytest.raises(FrozenTLError, match="a.ftl"):
            pickle.loads(p).get_property("energy", ATOMS)


def test_threads_share_a_calculator():
    """Each gets what belongs to its atoms."""
    calculator = FrozenTL(ACE, threads=1)
    frames = [ATOMS.copy() for _ in range(3)]
    for k, atoms in enumerate(frames):
        atoms.rattle(0.03, seed=k)
        atoms.calc = calculator
    expected = [asked(a) for a in frames]
    wrong = []

    def work(k):
        for _ in range(30):
            frames[k].positions += 0
            e, f = asked(frames[k])
            if e != expected[k][0] or (f != expected[k][1]).any():
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_ases_neb_in_threads():
    """parallel=True without MPI is a thread for each image."""
    first = fcc111("Cu", (2, 2, 2), vacuum=6, a=3.65)
    first += Atoms("H", positions=[first.positions[-1] + (0, 0, 1.5)])
    images = [first.copy() for _ in range(5)]
    images[-1].positions[-1, 0] += 2.0
    shared = FrozenTL(ACE, threads=1)
    runs = []
    for parallel in (False, True):
        path = [i.copy() for i in images]
        neb = NEB(path, method="improvedtangent", parallel=parallel, allow_shared_calculator=not parallel)
        neb.interpolate()
        for image in path:
            image.calc = copy.deepcopy(shared) if parallel else shared
        with BFGS(neb, logfile=None) as run:
            run.run(fmax=0.01, steps=3)
        runs.append([i.get_potential_energy() for i in path])
    assert runs[0] == pytest.approx(runs[1], abs=1e-9)


def test_interrupts():
    """Ctrl-C ends a loop of energies, and what was there goes on being right."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with SIGINT ignored
    model = Model(ACE, threads=2)
    calculator, atoms = FrozenTL(model), ATOMS.copy()
    expected = compute(model).energy
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        end = time.time() + PATIENCE
        while time.time() < end:
            atoms.positions[0, 0] += 1e-4
            calculator.get_property("forces", atoms)
    timer.join()
    signal.signal(signal.SIGINT, before)
    assert compute(model).energy == expected
    assert calculator.get_property("energy", ATOMS) == expected


def test_end_of_the_interpreter():
    """Open models, threads and a pool are no reason to crash or wait there."""
    code = (f"import frozentl, threading\nfrom ase.build import bulk\nfrom frozentl.calculator import FrozenTL\n"
            f"a = bulk('Cu'); a.calc = FrozenTL({PATH!r}, threads=2); a.get_forces(); m = frozentl.Model({ACE!r}); k = [m]; k.append(k)\n"
            "threading.Thread(target=a.get_stress).start()\n")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")


def test_joblib():
    joblib = pytest.importorskip("joblib")
    model = Model(PATH, threads=1)
    for backend in ("loky", "multiprocessing", "threading"):
        answers = joblib.Parallel(n_jobs=2, backend=backend, timeout=PATIENCE)(joblib.delayed(energy)((model, ATOMS)) for _ in range(3))
        assert answers == [compute(model).energy] * 3
