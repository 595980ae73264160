"""Parity on structures with labels: predicted against reference by config_type, a row for each potential.

    examples/surrogate/run.sh parity.py --data examples/surrogate/data/h2cu-test.xyz tuned=FILE.ftl surrogate=FILE.yace

Left the energy per atom, right the force components.
"""

import os
import sys

import errors
from panels import style
from report import ROOT, arguments, shipped

from frozentl.plot import parity


def pairs_of(have, want):
    pairs = {name: parity.Pairs() for name in parity.QUANTITIES}
    for a, b in zip(have, want):
        for name, quantity in (("energy", "energy"), ("force", "forces")):
            for predicted, reference in zip(a.values[quantity], b.values[quantity]):
                pairs[name].add(reference, predicted, b.kind)
    return pairs


def main():
    options = arguments(__doc__, [f"mace={shipped('h2cu.ftl')}"],
                        data=("extended XYZ with labels", os.path.join(ROOT, "examples", "surrogate", "data", "h2cu-test.xyz")),
                        name=("name of the file", "parity"),
                        frozentl=("the program", os.path.join(ROOT, "build", "release", "train", "frozentl")))  # fmt: skip
    want = list(errors.labels(options.data))
    kinds = [frame.kind for frame in want]
    found = {label: pairs_of(errors.answers(options.frozentl, potential, options.data, kinds), want)
             for label, potential in options.potentials.items()}  # fmt: skip
    path = os.path.join(options.out, f"{options.name}.svg")
    style.save(parity.draw_rows(found), path)
    print(f"Picture: {os.path.relpath(path)}")


if __name__ == "__main__":
    sys.exit(main())
