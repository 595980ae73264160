"""Time of one step of ace-jax on the CPU, in ace-jax's environment:

    python ace_jax_step.py MODEL.npz STRUCTURE.xyz STEPS [ORDER DEGREE CUTOFF]
    python ace_jax_step.py POTENTIAL.yace STRUCTURE.xyz STEPS

Two of its engines, both with its table of radial functions: "calculator", for ASE, and "kernel", the compiled code that
its export for LAMMPS calls (here called directly). Positions change a little in every step, as in MD; neighbour lists
are kept: they reach 1 Angstrom further than the cutoff. Prints the number of functions, processor seconds per step of
each, and the largest difference of their forces.

Where MODEL.npz is not there, it is made, for silicon with random coefficients: time does not depend on them. Its kernel does
not know .yace files: of these the calculator alone is timed, and a line of JSON has its seconds, and energy and forces."""

import dataclasses
import json
import os
import sys
import time

import jax

jax.config.update("jax_enable_x64", True)
import ase.io
import jax.numpy as jnp
import numpy as np
from ace_jax import ACECalculator
from ace_jax.basis import export
from ace_jax.basis.model import build_model
from ace_jax.eval import ffi
from ace_jax.eval.model import fold_readout, lean, with_radial_table
from ase.neighborlist import neighbor_list

SKIN = 1.0


def make_random(path, order, degree, cutoff):
    basis = build_model(["Si"], int(order), int(degree), rcut=float(cutoff), rnl_basis="sbessel")
    rng = np.random.default_rng(1)
    coefficients = {
        name: jnp.asarray(rng.normal(0, 1e-3, getattr(basis.model, name).shape)) for name in ("WB", "Wpair")
    }
    export.save_npz(path, basis._replace(model=fold_readout(dataclasses.replace(basis.model, **coefficients))))


def processor_time(step, positions, steps):
    """The first three steps compile."""
    rng = np.random.default_rng(1)
    for k in range(steps + 3):
        if k == 3:
            start = time.process_time()
        positions = positions + rng.normal(0, 0.002, positions.shape)
        step(positions)
    return (time.process_time() - start) / steps


def calculator(path, atoms):
    atoms.calc = ACECalculator(path, radial_table=True, skin=SKIN)

    def forces(positions):
        atoms.positions[:] = positions
        return atoms.get_forces()

    return forces


class Graph:
    """The neighbour matrix of lammps-jax: column i has the neighbours of atom i."""

    def __init__(self, neighbours, numbers):
        self.neighbors, self.num_neighbors = neighbours, numbers


def kernel(path, atoms):
    """As in LAMMPS: periodic images are atoms of their own, whose forces are added to their originals'."""
    full = ACECalculator(path)
    model, _ = with_radial_table(lean(full.model), True)
    ffi.register(ffi.library())
    cutoff = float(np.asarray(model.table_cutoffs()).max())
    i, j, shift = neighbor_list("ijS", atoms, cutoff + SKIN)
    n = len(atoms)
    images, index = np.unique(np.column_stack([j, shift]), axis=0, return_inverse=True)
    inside = ~images[:, 1:].any(axis=1)
    number = np.where(inside, images[:, 0], n + np.cumsum(~inside) - 1)
    owner = np.concatenate([np.arange(n), images[~inside, 0]])
    offset = np.concatenate([np.zeros((n, 3)), images[~inside, 1:] @ atoms.cell.array])
    count = np.bincount(i, minlength=n)
    matrix = np.full((count.max(), n), -1, np.int32)
    row = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    matrix[row, i] = number[index.reshape(-1)]
    species = jnp.zeros(len(owner), jnp.int32)
    graph_arrays = jnp.asarray(matrix), jnp.asarray(count, jnp.int32)
    _, force = ffi.lammps_fns(model, 1, [0], cutoff)
    compiled = jax.jit(lambda x, neighbours, numbers: force(x, species, Graph(neighbours, numbers)))

    def forces(positions):
        f = np.asarray(compiled(jnp.asarray(positions[owner] + offset), *graph_arrays))
        total = f[:n].copy()
        np.add.at(total, owner[n:], f[n:])
        return total

    return forces


def main():
    path, structure, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if path.endswith(".npz") and not os.path.exists(path):
        make_random(path, *sys.argv[4:])
    atoms = ase.io.read(structure)
    start = atoms.positions.copy()
    if path.endswith(".yace"):
        step = calculator(path, atoms)
        answer = dict(forces=step(start).ravel().tolist(), energy=atoms.get_potential_energy())
        print(json.dumps(dict(answer, seconds=processor_time(step, start, steps))))
        return
    engines = calculator(path, atoms), kernel(path, atoms)
    difference = np.abs(engines[0](start) - engines[1](start)).max()
    model = ACECalculator(path).model
    functions = model.WB.shape[0] + model.Wpair.shape[0]
    print(functions, *(processor_time(e, start, steps) for e in engines), difference)


if __name__ == "__main__":
    main()
