"""Frames for random models: what make_twins.py and make_sevennet_twins.py evaluate their twins on."""

import ase.build
import ase.data
import numpy as np
from ase import Atoms


def random_cluster(rng, elements, n, box):
    """An open cluster; some pairs are closer than the sum of their covalent radii, where ZBL acts."""
    radii = ase.data.covalent_radii
    z, x = [int(rng.choice(elements))], [np.zeros(3)]
    while len(z) < n:
        znew, xnew = int(rng.choice(elements)), rng.normal(size=3) * box
        d = [np.linalg.norm(xnew - xo) / (radii[znew] + radii[zo]) for xo, zo in zip(x, z)]
        if 0.72 < min(d) < 1.6:
            z.append(znew)
            x.append(xnew)
    return Atoms(z, x)


def structures(rng, elements):
    """Open cluster; slab with adsorbate; strained rattled crystal; triclinic cell smaller than the cutoff; a cell that
    is periodic in two directions with an atom that has no neighbours and atoms outside the cell."""
    metal = elements[-1]
    a0 = 2.0 * np.sqrt(2.0) * max(ase.data.covalent_radii[metal], 0.9) * 0.97
    frames = [random_cluster(rng, elements, 9, 1.9)]

    slab = ase.build.fcc111("Cu", size=(2, 2, 2), a=a0, vacuum=4.0, periodic=True)
    slab.numbers[:] = metal
    top = slab.positions[:, 2].max()
    slab += Atoms([elements[0], elements[0]], [[1.1, 0.7, top + 1.3], [1.7, 1.2, top + 1.6]])
    slab.positions += rng.normal(scale=0.05, size=slab.positions.shape)
    frames.append(slab)

    crystal = ase.build.bulk("Cu", "fcc", a=a0, cubic=True).repeat((2, 1, 1))
    crystal.numbers[:] = rng.choice(elements, size=len(crystal))
    strain = np.eye(3) + rng.normal(scale=0.03, size=(3, 3))
    crystal.set_cell(crystal.cell[:] @ strain, scale_atoms=True)
    crystal.positions += rng.normal(scale=0.1, size=crystal.positions.shape)
    frames.append(crystal)

    small = Atoms([elements[len(elements) // 2], metal], [[0, 0, 0], [1.471, 2.302, 1.584]], pbc=True,
                  cell=[[3.1, 0, 0], [1.2, 3.4, 0], [-0.7, 0.9, 3.3]])  # fmt: skip
    frames.append(small)

    layer = ase.build.fcc100("Cu", size=(2, 1, 1), a=a0, vacuum=None)
    layer.numbers[:] = metal
    layer.set_cell([layer.cell[0], layer.cell[1], [0.4, -0.3, 30.0]])
    layer.positions[:, 2] += 2.0
    layer += Atoms([elements[0], elements[0]], [[0.9, 0.8, 3.4], [0.3, 0.2, 14.0]])
    layer.positions += rng.normal(scale=0.05, size=layer.positions.shape)
    layer.positions[0] += layer.cell[0] - 2 * layer.cell[1]  # outside the cell
    layer.pbc = [True, True, False]
    frames.append(layer)
    return frames
