#!/usr/bin/env python3
"""sevenn's part of programs/training: optimiser steps on one batch, in a process of its own.

    rival_training_sevenn.py MODEL.pth DATA.xyz FRAMES f0 float32 THREADS STEPS

Prints "atoms N  ms_per_atom_step X  cpu_ms_per_atom_step Y", the least of all steps. A step is sevenn's own: an epoch of one
batch of its Trainer, with the loss and the optimiser that the checkpoint names (for SevenNet-0 Huber's and Adam). It trains
everything, in float32. The batch is made once.
"""

import os
import sys
import time
import warnings

model_path, xyz, frames, freeze, dtype, threads, steps = sys.argv[1:8]
if (freeze, dtype) != ("f0", "float32"):
    sys.exit("sevenn trains everything, in float32")
os.environ["OMP_NUM_THREADS"] = threads
warnings.filterwarnings("ignore")
import ase.io
import numpy as np
import torch
from sevenn.atom_graph_data import AtomGraphData
from sevenn.train.dataload import atoms_to_graph
from sevenn.train.trainer import Trainer
from torch_geometric.loader import DataLoader

torch.set_num_threads(int(threads))
arguments, _, _ = Trainer.args_from_checkpoint(model_path)
trainer = Trainer(**arguments, device="cpu")
items = []
for atoms in ase.io.read(xyz, f":{frames}"):
    atoms.info = {"y_energy": atoms.info["REF_energy"], "y_stress": np.full(6, np.nan)}
    atoms.arrays["y_force"] = atoms.arrays["REF_forces"]
    items.append(AtomGraphData.from_numpy_dict(atoms_to_graph(atoms, trainer.model.cutoff, transfer_info=False)))
batch = next(iter(DataLoader(items, batch_size=len(items))))
atoms = int(batch.num_atoms.sum())
best = best_cpu = 1e9
for k in range(int(steps) + 2):  # TorchScript compiles in the first two
    given = [batch.clone()]
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.run_one_epoch(given, is_train=True)
    if k >= 2:
        best, best_cpu = min(best, time.perf_counter() - wall), min(best_cpu, time.process_time() - cpu)
print(f"atoms {atoms}  ms_per_atom_step {1e3 * best / atoms:.5f}  cpu_ms_per_atom_step {1e3 * best_cpu / atoms:.5f}")
