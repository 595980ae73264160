#!/usr/bin/env python3
"""One rival of FrozenTL in a process of its own, driven by programs/inference through pipes.

    rival.py mace-torch|symmetrix|sevenn MODEL XYZ float32|float64 THREADS

Writes {"ready": true, "energy": eV, ...} once it has evaluated XYZ for the first time; then, for each line "N" on standard
input, takes N steps and writes {"seconds": [[wall, processor] per step]}. Before every step all atoms move by about 1e-4 Angstrom,
so that nothing is remembered, and neighbour lists may be reused as in molecular dynamics.

mace-torch: model(...) on a ready graph, energy and forces; the neighbour list is excluded ("list" tells its seconds).
symmetrix: Symmetrix.calculate for energy, forces and stress, execution_profile="speed"; its list (skin 0.5) is reused.
sevenn: SevenNetCalculator.calculate, energy, forces and stress; its list (matscipy) is made in every step. It knows float32
only: in float64 its model and the graph that it is given are cast. Its accelerators (cuEquivariance, FlashTP,
OpenEquivariance) need a GPU. The first modality of a model that has several.
"""

import json
import os
import sys
import time

kind, model_path, xyz, dtype, threads = sys.argv[1:6]
os.environ["OMP_NUM_THREADS"] = threads
os.environ.setdefault("OMP_PROC_BIND", "false")  # programs/inference pins the process
protocol = os.fdopen(os.dup(1), "w")  # libraries print to standard output
os.dup2(2, 1)

import warnings

warnings.filterwarnings("ignore")
import ase.io
import numpy as np

rng = np.random.default_rng(2)
atoms = ase.io.read(xyz)


def tell(**what):
    protocol.write(json.dumps(what) + "\n")
    protocol.flush()


def clocks():
    return time.perf_counter(), time.process_time()


def since(began):
    return [now - then for now, then in zip(clocks(), began)]


def move():
    atoms.positions += rng.normal(scale=1e-4, size=atoms.positions.shape)


def symmetrix():
    from symmetrix import Symmetrix

    calculator = Symmetrix(model_path, dtype=dtype, execution_profile="speed")

    def step():
        move()
        began = clocks()
        calculator.calculate(atoms, ["energy", "forces", "stress"])
        return since(began), float(calculator.results["energy"])

    return step, {}


def mace_torch():
    import torch
    from mace_batch import batch_of, load

    model = load(model_path, dtype, threads).eval()
    for p in model.parameters():
        p.requires_grad_(False)
    began = time.perf_counter()
    batch = batch_of(model, [atoms]).to_dict()
    seconds = time.perf_counter() - began

    def step():
        batch["positions"] = batch["positions"].detach() + 1e-4 * torch.randn_like(batch["positions"])
        began = clocks()
        out = model(batch, compute_force=True)
        out["forces"].numpy()
        return since(began), float(out["energy"][0])

    return step, {"list": seconds}


def sevenn():
    import torch
    from sevenn.calculator import SevenNetCalculator
    from sevenn.nn.node_embedding import OnehotEmbedding
    from sevenn.util import load_checkpoint

    torch.set_num_threads(int(threads))
    modalities = load_checkpoint(model_path).config.get("_modal_map")
    calculator = SevenNetCalculator(model_path, device="cpu", modal=next(iter(modalities)) if modalities else None)
    if dtype == "float64":

        def cast(data):
            for key, value in data.items():
                if torch.is_tensor(value) and value.dtype == torch.float32:
                    data[key] = value.double()

        calculator.model.double()
        calculator.model.register_forward_pre_hook(lambda _, given: cast(given[0]))
        for module in calculator.model.modules():
            if isinstance(module, OnehotEmbedding):  # it makes float32
                module.register_forward_hook(lambda _, __, data: cast(data))

    def step():
        move()
        began = clocks()
        calculator.calculate(atoms, ["energy", "forces", "stress"])
        return since(began), float(calculator.results["energy"])

    return step, {}


step, extra = {"symmetrix": symmetrix, "mace-torch": mace_torch, "sevenn": sevenn}[kind]()
for _ in range(2 if kind == "sevenn" else 1):  # TorchScript compiles in its first two runs
    _, energy = step()
tell(ready=True, energy=energy, atoms=len(atoms), **extra)
for line in sys.stdin:
    tell(seconds=[step()[0] for _ in range(int(line))])
