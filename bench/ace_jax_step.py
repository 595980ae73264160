"""Time of one step of ace-jax's ASE calculator: python ace_jax_step.py MODEL STRUCTURE.xyz STEPS, in ace-jax's environment.

Positions change a little in every step, as in MD; the calculator keeps its neighbour list while its skin allows. Prints
processor and wall time in seconds per step, after the steps that compile."""

import sys
import time

import jax

jax.config.update("jax_enable_x64", True)
import ase.io
import numpy as np
from ace_jax import ACECalculator

model, structure, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
atoms = ase.io.read(structure)
atoms.calc = ACECalculator(model)
rng = np.random.default_rng(1)
for k in range(steps + 3):
    if k == 3:
        cpu, wall = time.process_time(), time.perf_counter()
    atoms.positions += rng.normal(0, 0.002, (len(atoms), 3))
    atoms.get_forces()
print((time.process_time() - cpu) / steps, (time.perf_counter() - wall) / steps)
