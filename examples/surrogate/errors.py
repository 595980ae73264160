"""Errors of several potentials on a set with labels, side by side, in total and by config_type:

    examples/surrogate/run.sh errors.py --data ../shared/data/tialv/test.xyz tuned=potentials/tialv.ftl ace=FILE.yace ...

RMSE of the energy per atom, of all components of the forces and of the stress: first against the labels (REF_energy, REF_forces,
REF_stress), then against the answers of the first potential. The answers are those of `frozentl eval`. Standard library only.
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile

from report import ROOT, Table, arguments, shipped

QUANTITIES = (("energy", "meV/atom"), ("forces", "meV/Å"), ("stress", "meV/Å³"))
TOTAL = "total"


class Frame:
    """What a frame's labels or a potential's answers are: energy per atom, forces, stress (a list of numbers or None)."""

    def __init__(self, kind, energy, forces, stress):
        self.kind, self.values = kind, {"energy": energy, "forces": forces, "stress": stress}


def labels(path):
    with open(path) as lines:
        for line in lines:
            count, comment = int(line), next(lines)
            kind = re.search(r"config_type=(\S+)", comment)
            energy = re.search(r"REF_energy=(\S+)", comment)
            stress = re.search(r'REF_stress="_JSON (\[.*?\])"', comment) or re.search(r'REF_stress="([^"]*)"', comment)
            first = force_column(comment)
            forces = [float(x) for _ in range(count) for x in next(lines).split()[first : first + 3]]
            yield Frame(kind.group(1) if kind else "-", [float(energy.group(1)) / count] if energy else None, forces,
                        flat(stress.group(1)) if stress else None)  # fmt: skip


def force_column(comment):
    column = 0
    words = re.search(r"Properties=(\S+)", comment).group(1).split(":")
    for name, _, width in zip(words[::3], words[1::3], words[2::3]):
        if name == "REF_forces":
            return column
        column += int(width)
    raise SystemExit("a frame has no REF_forces")


def flat(text):
    return [float(x) for x in re.findall(r"[-+.\deE]+", text)]


def answers(frozentl, potential, data, kinds):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "answers.json")
        subprocess.run([frozentl, "eval", potential, data, "--quiet", "--json", out], check=True)
        with open(out) as f:
            frames = json.load(f)
    return [Frame(kind, [frame["energy"] / len(frame["forces"])], [x for force in frame["forces"] for x in force],
                  [x for row in frame["stress"] for x in row] if frame["stress"] else None)
            for kind, frame in zip(kinds, frames)]  # fmt: skip


def put_errors(table, label, have, want):
    """Root mean squares over all numbers of a quantity and kind, in milli-units."""
    kinds = sorted({frame.kind for frame in want}) + [TOTAL]
    for kind in kinds:
        pairs = [(a.values, b.values) for a, b in zip(have, want) if kind in (b.kind, TOTAL)]
        for quantity, unit in QUANTITIES:
            squares = [(x - y) ** 2 for a, b in pairs if a[quantity] and b[quantity] for x, y in zip(a[quantity], b[quantity])]
            if squares:
                table.put(label, (kind, str(len(pairs)), quantity, unit), 1000 * math.sqrt(sum(squares) / len(squares)), 2)


def main():
    data = os.path.join(ROOT, "..", "shared", "data", "tialv", "test.xyz")
    command = os.path.join(ROOT, "build", "release", "train", "frozentl")
    options = arguments(__doc__, [f"tuned={shipped('tialv.ftl')}"], data=("extended XYZ with labels", data),
                        name=("name of the files of results", "errors"), frozentl=("the program", command))  # fmt: skip
    want = list(labels(options.data))
    kinds = [frame.kind for frame in want]
    have = {label: answers(options.frozentl, file, options.data, kinds) for label, file in options.potentials.items()}
    first = ("config_type", "frames", "RMSE of", "unit")
    print(f"Against the labels of {os.path.basename(options.data)}, {len(want)} frames:\n")
    table = Table(first, have)
    for label in have:
        put_errors(table, label, have[label], want)
    table.finish(options.out, f"{options.name}_labels")
    others = [label for label in have if label != options.against]
    if others:
        print(f"Against the answers of {options.against}:\n")
        table = Table(first, others)
        for label in others:
            put_errors(table, label, have[label], have[options.against])
        table.finish(options.out, f"{options.name}_against_{options.against}")


if __name__ == "__main__":
    sys.exit(main())
