"""frozentl.train, fit and evaluate: the command with a recipe's keys as arguments; tables as arrays; batches; second derivatives."""

import copy
import os
import re
import signal
import subprocess
import threading

import numpy as np
import pytest

import frozentl

H2 = 0.75


class Atoms:
    """What Model.compute takes of ASE's."""

    def __init__(self, numbers, positions, cell=None, pbc=False):
        self.numbers, self.positions = np.array(numbers), np.array(positions, dtype=float)
        self.cell, self.pbc = np.zeros((3, 3)) if cell is None else np.array(cell, dtype=float), np.array([bool(pbc)] * 3)


def slab(seed):
    """Four copper atoms and H2, rattled."""
    rng = np.random.default_rng(seed)
    a = 3.66
    copper = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]) * a
    x = np.vstack([copper, [[1, 1, 5], [1 + H2, 1, 5]]]) + rng.normal(0, 0.05, (6, 3))
    return Atoms([29] * 4 + [1] * 2, x, np.diag([a, a, 12]), True)


@pytest.fixture(scope="module")
def model():
    return frozentl.load("h2cu.ftl", elements=[1, 29], threads=2)


@pytest.fixture(scope="module")
def data(model, tmp_path_factory):
    """Structures that h2cu.ftl has labelled, as extended XYZ."""
    path = tmp_path_factory.mktemp("data") / "data.xyz"
    with open(path, "w") as file:
        for seed in range(12):
            s = slab(seed)
            r = model.compute(s)
            box = " ".join(map(str, s.cell.ravel()))
            file.write(f'6\nLattice="{box}" pbc="T T T" Properties=species:S:1:pos:R:3:REF_forces:R:3 REF_energy={r.energy}\n')
            for z, x, f in zip(s.numbers, s.positions, r.forces):
                file.write(("Cu" if z == 29 else "H") + " " + " ".join(f"{v:.12g}" for v in (*x, *f)) + "\n")
    return path


def test_batch_is_one_by_one(model):
    structures = [slab(k) for k in range(7)]
    for got, s in zip(model.compute(structures), structures):
        want = model.compute(s.numbers, s.positions, s.cell, True)
        assert got.energy == pytest.approx(want.energy, abs=1e-11)
        np.testing.assert_allclose(got.forces, want.forces, atol=1e-11)
    assert model.compute([]) == []


def test_batch_names_the_structure(model):
    bad = slab(1)
    bad.positions[2, 0] = np.nan
    with pytest.raises(frozentl.InputError, match="structure 1"):
        model.compute([slab(0), bad, slab(2)])
    with pytest.raises(TypeError, match="structure 0 is a int"):
        model.compute([29, 29])


def test_hessian(model):
    s = Atoms([1, 1], [[0, 0, 0], [H2, 0, 0]])
    h = model.hessian(s)
    assert h.shape == (6, 6)
    np.testing.assert_array_equal(h, h.T)
    np.testing.assert_allclose(h.reshape(6, 2, 3).sum(axis=1), 0, atol=1e-6)  # a translation costs nothing
    step = 1e-3  # along the bond, from energies alone

    def energy(d):
        return model.compute(Atoms([1, 1], [[0, 0, 0], [H2 + d, 0, 0]])).energy

    assert h[0, 0] == pytest.approx((energy(step) - 2 * energy(0) + energy(-step)) / step**2, rel=1e-3)
    with pytest.raises(ValueError, match="double"):
        frozentl.load("h2cu.ftl", elements=[1], precision="mixed").hessian(s)


def test_evaluate(data):
    got = frozentl.evaluate(frozentl.potential("h2cu.ftl"), data)
    assert len(got) == 12
    assert got.rmse("energy") < 1e-6 and got.rmse("forces") < 1e-6 and got.mae("forces") <= got.rmse("forces")
    assert np.isnan(got.rmse("stress"))
    assert got.values("forces")[0].shape == (6, 3)
    with pytest.raises(frozentl.CommandError, match="nowhere.xyz"):
        frozentl.evaluate(frozentl.potential("h2cu.ftl"), "nowhere.xyz")


def test_trust(data, tmp_path):
    """A model is taught in one call, and its figures of calibration are those that the command prints."""
    taught = frozentl.trust(frozentl.potential("h2cu.ftl"), data, output=tmp_path / "taught.ftl", rows=2, members=4, labels="REF_")
    assert taught == str(tmp_path / "taught.ftl")
    other, lines = tmp_path / "other.xyz", []
    for line in data.read_text().splitlines():  # where errors are: forces half as large, energies 0.06 eV off
        words = line.split()
        forces = [f"{0.5 * float(f):.8f}" for f in words[4:]] if words[0] in ("Cu", "H") else []
        lines.append(" ".join(words[:4] + forces) if forces else re.sub(r"REF_energy=(\S+)", lambda e: f"REF_energy={float(e[1]) + 0.06}", line))
    other.write_text("\n".join(lines) + "\n")
    got = frozentl.evaluate(taught, other, trust=True)
    printed = subprocess.run([frozentl._command.program(), "eval", taught, other, "--trust"], check=True, capture_output=True, text=True).stdout
    for name, what in (("energy", "energy per atom"), ("forces", "forces")):
        c = got.calibration(name)
        words = [float(x.rstrip("%")) for x in re.search(rf"^{what} +([-\d.%e+ ]+)", printed, re.MULTILINE).group(1).split()]
        told = [c.n, 1e3 * c.error, 1e3 * c.deviation, 100 * c.within_68, 100 * c.within_95, c.miscalibration]
        np.testing.assert_allclose(told, words[:6], atol=0.051, rtol=1e-3)
        assert len(words) == 6 or c.spearman == pytest.approx(words[6], abs=0.0051)
    model = frozentl.load(taught, threads=1)
    assert model.compute(slab(0), uncertainty=True).force_deviation == pytest.approx(got.values("force_deviation")[0], rel=1e-9)
    with pytest.raises(ValueError, match="trust=True"):
        frozentl.evaluate(taught, other).calibration("forces")
    with pytest.raises(frozentl.CommandError, match="taught.ftl"):
        frozentl.trust(frozentl.potential("h2cu.ftl"), data, output=taught)
    with pytest.raises(frozentl.CommandError, match="own|surrogate"):
        frozentl.trust(frozentl.potential("h2cu-ace.ftl"), data, output=tmp_path / "out.ftl")
    with pytest.raises(ValueError, match="above 0"):
        frozentl.calibration([1.0], [0.0])


def test_train(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = []
    keys = dict(e0={"kind": "keep"}, optimiser={"lr": np.float64(1e-3)}, threads=1, freeze=["f5"])
    run = frozentl.train(data=data, foundation=frozentl.potential("h2cu.ftl"), output="run", epochs=3, progress=told.append, **keys)
    assert os.listdir(tmp_path) == ["run"]  # no recipe is left behind
    assert [e["epoch"] for e in told if e["event"] == "epoch"] == [0, 1, 2, 3]
    assert told == run.events
    np.testing.assert_array_equal(run.log["epoch"], [0, 1, 2, 3])
    assert np.isfinite(run.log["valid_loss"]).all() and "valid" in run.errors["set"]
    assert run.predictions("valid") and run.model().info.atomic_numbers == (1, 29)
    with pytest.raises(FileNotFoundError, match="report.json"):
        run.report
    with pytest.raises(frozentl.CommandError, match="it holds a run"):
        frozentl.train(data=data, foundation=frozentl.potential("h2cu.ftl"), output="run", epochs=3, **keys)
    with pytest.raises(frozentl.CommandError, match="epoch"):
        frozentl.train(data=data, foundation=frozentl.potential("h2cu.ftl"), output="other", epoch=3)
    with pytest.raises(FileNotFoundError, match="not the folder of a run"):
        frozentl.Run("nothing")


def test_interrupted_and_resumed(data, tmp_path):
    """An exception in `progress` stops the run in order; what goes on is the run that was not stopped, to the bit."""
    keys = dict(data=data, foundation=frozentl.potential("h2cu.ftl"), e0={"kind": "keep"}, threads=1, epochs=6)
    whole = frozentl.train(output=tmp_path / "whole", **keys)

    class Enough(Exception):
        pass

    def stop(event):
        if event["event"] == "epoch" and event["epoch"] == 1:
            raise Enough

    with pytest.raises(Enough):
        frozentl.train(output=tmp_path / "part", progress=stop, **keys)
    part = frozentl.train(resume=tmp_path / "part")
    for name in ("train_loss", "valid_loss"):
        np.testing.assert_array_equal(part.log[name], whole.log[name])


def test_fit(data, tmp_path):
    run = frozentl.fit(data=data, output=tmp_path / "fit", basis={"blocks": ["Cu@Cu=4", "H@H=4", "Cu@H-Cu=4", "H@H-Cu=4"]})
    assert run.report and run.model().info.surrogate
