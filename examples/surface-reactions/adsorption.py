"""Adsorption energies of hydrogen atoms on copper at 0 K, against half of H2 in the gas:

    examples/surface-reactions/run.sh adsorption.py ace=potentials/h2cu-ace.ftl mace=potentials/h2cu.ftl published=FILE

One atom on 3x3 atoms of surface (a ninth of a layer), free to move along the normal; the surface relaxes but for its two
lowest layers. No vibrations. Writes adsorption.csv and adsorption.md.
"""

import sys

from arguments import several
from common import attempt
from h2cu_properties import LATTICE, Gas, adsorption
from report import Table, progress
from slabs import Slab

# In the (1x1) cell, counted from an atom of the top layer.
SITES = {
    "111": {"fcc": (1 / 3, 1 / 3), "hcp": (-1 / 3, -1 / 3), "bridge": (1 / 2, 0), "top": (0, 0)},
    "100": {"hollow": (1 / 2, 1 / 2), "bridge": (1 / 2, 0), "top": (0, 0)},
    "110": {"long bridge": (1 / 2, 0), "short bridge": (0, 1 / 2), "top": (0, 0)},
}


def main():
    options = several(__doc__, faces=["111", "100"])
    table = Table(("surface", "site", "unit"), options.potentials, next(iter(options.potentials)))
    for label, potential in options.potentials.items():
        for face in options.faces:
            slab = Slab(potential, face, LATTICE)
            gas = Gas(potential, slab)
            for name, site in SITES[face].items():
                energy = attempt(f"{label}: H on {name}", adsorption, potential, slab, gas, site)
                table.put(label, (slab.name, name, "eV"), energy, 3)
        progress(f"{label}: done")
    table.finish(options.out, "adsorption")


if __name__ == "__main__":
    sys.exit(main())
