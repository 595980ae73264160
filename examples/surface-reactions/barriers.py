"""Minimum-energy path and barrier of H2 dissociating over a bridge of copper, by frozentl.reactions (the command frozentl-barrier):

    examples/surface-reactions/run.sh barriers.py ace=potentials/h2cu-ace.ftl mace=potentials/h2cu.ftl published=FILE

From the molecule above the surface to two atoms in the hollows beside the bridge; all atoms but the two lowest layers of the
slab move. Zero is the molecule 7 Angstrom over the relaxed clean surface. Writes barriers.csv, barriers.md, paths.csv and mep.svg; paths
that were found are kept in build/surface-reactions and not searched for again.
"""

import os
import sys

from arguments import several
from frozentl.calculator import FrozenTL
from frozentl.properties import NoValue
from frozentl.properties.kept import Kept
from frozentl.reactions.command import kept_dissociation, values
from h2cu_properties import LATTICE
from picture import draw_paths, write_paths
from report import ROOT, Table, progress

KEPT = os.path.join(ROOT, "build", "surface-reactions")
ROWS = (("barrier", "eV"), ("bond length there", "Å"), ("height there", "Å"), ("two H in the hollows", "eV"))


def main():
    options = several(__doc__, faces=["111", "100"], images=(7, "images of the band"), force=(0.01, "most that may be left, eV/Å"),
                      keep=(KEPT, "folder of the paths"))  # fmt: skip
    kept, paths = Kept(options.keep), {}
    table = Table(("surface", "property", "unit"), options.potentials, next(iter(options.potentials)))
    for label, potential in options.potentials.items():
        progress(label)
        calculator = FrozenTL(potential, threads=1)
        for face in options.faces:
            name = f"Cu({face})"
            try:
                path = kept_dissociation(f"Cu-{face}:a={LATTICE}", calculator, ["H", "H"], options.images, options.force, kept)
            except NoValue as error:
                progress(f"  {name}: no value: {error}")
                continue
            progress(f"  {name}: {path.energies[path.top]:.3f} eV after {path.steps} steps")
            paths.setdefault(name, {})[label] = path
            for (what, unit), value in zip(ROWS, values(path)):
                table.put(label, (name, what, unit), value, 3)
    table.finish(options.out, "barriers")
    write_paths(paths, os.path.join(options.out, "paths.csv"))
    draw_paths(os.path.join(options.out, "paths.csv"), os.path.join(options.out, "mep.svg"))


if __name__ == "__main__":
    sys.exit(main())
