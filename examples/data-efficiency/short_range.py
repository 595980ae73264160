"""How far the repulsive wall reaches: dimers and compressed crystals, of the foundation and of what a mode has made of it.

    python3 short_range.py --frozentl FILE RUN...       # folders of runs of train, or potentials

Data of a crystal hold no atoms that nearly touch, and a fine-tuned model must not fall into a hole there. Dimers come nearer from
1.1 to 0.3 of the nearest neighbours' distance in the metals, crystals shrink from 1.0 to 0.6 in all lengths. From its minimum (`from`,
sought down to 0.55 and 0.9) inwards the energy has to rise. `to` is where it stops doing so, and `height_eV` what has been climbed
until there (crystals: per atom).
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

NEAREST = {"Mo": 2.725, "Ti": 2.90, "Al": 2.86, "V": 2.59, "Cu": 2.556}  # Angstrom, of the pure metals
CRYSTALS = {"Mo": "bcc", "Ti": "hcp", "Al": "fcc", "V": "bcc", "Cu": "fcc"}
DIMER = [1.1 - 0.01 * k for k in range(81)]
SCALE = [1.0 - 0.01 * k for k in range(41)]
LOWEST = {"dimer": 0.55, "crystal": 0.9}  # minima of true dimers and crystals are above
COLUMNS = ("model", "what", "elements", "from", "to", "height_eV")


def dimer(a, b, x):
    d = x * (NEAREST[a] + NEAREST[b]) / 2
    return f'2\nProperties=species:S:1:pos:R:3 pbc="F F F"\n{a} 0 0 0\n{b} 0 0 {d:.6f}\n'


def crystal(element, s):
    """The primitive cell at the nearest neighbours' distance, ideal c/a, all lengths times s."""
    d = NEAREST[element] * s
    if CRYSTALS[element] == "hcp":
        cell, sites = ((d, 0, 0), (-d / 2, d * 3**0.5 / 2, 0), (0, 0, d * (8 / 3) ** 0.5)), ((1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75))
    elif CRYSTALS[element] == "fcc":
        h = d / 2**0.5
        cell, sites = ((0, h, h), (h, 0, h), (h, h, 0)), ((0, 0, 0),)
    else:
        h = d / 3**0.5
        cell, sites = ((-h, h, h), (h, -h, h), (h, h, -h)), ((0, 0, 0),)
    lines = [str(len(sites)), 'Lattice="{}" Properties=species:S:1:pos:R:3 pbc="T T T"'.format(
        " ".join(f"{x:.8f}" for a in cell for x in a))]  # fmt: skip
    for site in sites:
        lines.append(element + "".join(f" {sum(f * a[k] for f, a in zip(site, cell)):.8f}" for k in range(3)))
    return "\n".join(lines) + "\n"


def scans(elements):
    """(what, elements, coordinate, structures, atoms) of each scan."""
    for k, a in enumerate(elements):
        for b in elements[k:]:
            yield "dimer", f"{a}-{b}", DIMER, [dimer(a, b, x) for x in DIMER], 1
    for a in elements:
        yield "crystal", a, SCALE, [crystal(a, s) for s in SCALE], 2 if CRYSTALS[a] == "hcp" else 1


def energies(frozentl, model, structures):
    with tempfile.TemporaryDirectory() as folder:
        path, answers = os.path.join(folder, "scan.xyz"), os.path.join(folder, "scan.json")
        with open(path, "w") as f:
            f.write("".join(structures))
        subprocess.run([frozentl, "eval", "-q", "-t", "1", "--json", answers, model, path], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        with open(answers) as f:
            return [answer["energy"] for answer in json.load(f)]


def wall(x, energy, lowest):
    """(minimum, where the energy stops rising inwards, what it has risen until there)."""
    start = k = min((k for k in range(len(x)) if x[k] > lowest), key=lambda k: energy[k])
    while k + 1 < len(energy) and energy[k + 1] > energy[k]:
        k += 1
    return x[start], x[k], energy[k] - energy[start]


def measure(frozentl, model, elements):
    rows, every = [], list(scans(elements))
    answers = energies(frozentl, model, [text for *_, texts, _ in every for text in texts])
    for what, names, x, texts, atoms in every:
        start, to, height = wall(x, answers[: len(texts)], LOWEST[what])
        del answers[: len(texts)]
        rows.append({"what": what, "elements": names, "from": f"{start:.2f}", "to": f"{to:.2f}", "height_eV": f"{height / atoms:.3g}"})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="RUN", help="folder of a run, or a potential")
    parser.add_argument("--elements", default="Mo", help="Mo, or Ti,Al,V (default Mo)")
    parser.add_argument("--frozentl", default="frozentl")
    args = parser.parse_args()
    elements = args.elements.split(",")
    unknown = [element for element in elements if element not in NEAREST]
    if unknown:
        parser.error(f"it knows {', '.join(NEAREST)}, not {', '.join(unknown)}")
    lines = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    lines.writeheader()
    for model in args.models:
        path = os.path.join(model, "model.ftl") if os.path.isdir(model) else model
        for row in measure(args.frozentl, path, elements):
            lines.writerow({"model": os.path.basename(model.rstrip("/")), **row})


if __name__ == "__main__":
    main()
