#!/usr/bin/env python3
"""mace-torch's part of programs/training: optimiser steps on one batch, in a process of its own.

    rival_training.py MODEL DATA.xyz FRAMES f0|f6 float32|float64 THREADS STEPS

Prints "atoms N  ms_per_atom_step X  cpu_ms_per_atom_step Y", the least of all steps. A step is mace-torch's own: forward
with forces, WeightedEnergyForcesLoss, backward, AMSGrad. The batch is made once, as after the first epoch of a run.
"""

import os
import sys
import time
import warnings

model_path, xyz, frames, freeze, dtype, threads, steps = sys.argv[1:8]
os.environ["OMP_NUM_THREADS"] = threads
warnings.filterwarnings("ignore")
import ase.io
import torch
from mace.modules import WeightedEnergyForcesLoss
from mace_batch import batch_of, load

model = load(model_path, dtype, threads)
frozen = {"f0": (), "f6": ("node_embedding", "interactions", "products")}[freeze]
for name, parameter in model.named_parameters():
    parameter.requires_grad_(name.split(".")[0] not in frozen)
labels = dict(info_keys={"energy": "REF_energy"}, arrays_keys={"forces": "REF_forces"})
batch = batch_of(model, ase.io.read(xyz, f":{frames}"), **labels)
atoms = int(batch.ptr[-1])
loss_fn = WeightedEnergyForcesLoss(energy_weight=1.0, forces_weight=100.0)
optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-4, amsgrad=True)
best = best_cpu = 1e9
for _ in range(int(steps)):
    wall, cpu = time.perf_counter(), time.process_time()
    optimiser.zero_grad(set_to_none=True)
    output = model(batch.to_dict(), training=True, compute_force=True)
    loss_fn(pred=output, ref=batch).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=10.0)
    optimiser.step()
    best, best_cpu = min(best, time.perf_counter() - wall), min(best_cpu, time.process_time() - cpu)
print(f"atoms {atoms}  ms_per_atom_step {1e3 * best / atoms:.5f}  cpu_ms_per_atom_step {1e3 * best_cpu / atoms:.5f}")
