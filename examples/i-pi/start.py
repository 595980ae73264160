"""A hydrogen atom in the fcc hollow of Cu(111), three layers of 2 x 2: start.xyz, the lowest layer first."""

from ase.build import add_adsorbate, fcc111
from ase.io import write

slab = fcc111("Cu", (2, 2, 3), a=3.63, vacuum=7, periodic=True)
add_adsorbate(slab, "H", 0.95, "fcc")
slab.info = {}
slab.pbc = True  # i-PI's cells are periodic; 14 A of vacuum are beyond any cutoff
write("start.xyz", slab, format="extxyz")
