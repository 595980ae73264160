"""Elastic constants of copper, molybdenum, titanium and Ti-6Al-4V at 0 and 300 K, by several potentials side by side:

    examples/elastic/run.sh                 # all, into build/elastic/results
    examples/elastic/run.sh Mo Ti64 --cold  # some, at 0 K only
    examples/elastic/run.sh --record        # into results/, which README.md shows; rows that were not measured stay
    examples/elastic/run.sh --quick [Cu]    # what ctest runs, against the results that are kept

0 K is frozentl.properties', 300 K LAMMPS' (in.warm). What is complete in --work is not repeated. Molybdenum's surrogate is fitted to DFT
first (mo.yaml; needs ../shared/data/mlearn), and C11 and C44 are taken from the energies of that data's strained cells as well (labels.py).
"""

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import cases
import check
import labels
import numpy as np
import picture
from ase import Atoms
from frozentl.calculator import FrozenTL
from frozentl.properties import Options, Symmetry, moduli, stable
from frozentl.properties.kept import Kept
from frozentl.properties.measure import one
from measure import ROOT, Warm

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ("case", "potential", "K", "quantity", "GPa", "error", "realisations")


def progress(text):
    print(text, file=sys.stderr, flush=True)


def molybdenum(options):
    """The surrogate of molybdenum, fitted if it is not there. None without the data, and in the short version: a basis that is
    quick to fit is a bad one (C12 is 246 GPa with n = 8/6/3, l = 4/3)."""
    model = os.path.join(options.work, "molybdenum", "model.ftl")
    if not os.path.exists(model):
        if options.quick:
            return None
        if not os.path.isdir(os.path.join(ROOT, "..", "shared", "data", "mlearn")):
            progress("no ../shared/data/mlearn: molybdenum has no surrogate")
            return None
        command = [options.frozentl, "fit", os.path.join(HERE, "mo.yaml"), "-o", os.path.dirname(model), "--threads", "1"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return model


def titanium(options):
    """The file of the foundation from which titanium's potential was fine-tuned, fetched if it is not on this machine."""
    command = [options.frozentl, "foundation", "-q", "sevennet-l3i5"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def folder_of(options, *words):
    return os.path.join(options.work, "-".join(str(word) for word in words))


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:8]


def quantities(matrix, symmetry):
    """Name -> GPa (Poisson's ratio: a number), in the order of the tables."""
    return {**{name: float(matrix[place]) for name, place in symmetry.constants().items()}, **moduli(matrix)}


class Result:
    """A case with a potential at a temperature: mean over realisations and its standard error, of the matrix and of each quantity.

    With three realisations and more the error is their scatter's; at 300 K never less than that of the sampling.
    """

    def __init__(self, matrices, symmetry, of_sampling=None):
        self.n, self.matrix = len(matrices), np.mean(matrices, axis=0)
        self.stable = all(stable(matrix) for matrix in matrices)
        each = [quantities(matrix, symmetry) for matrix in matrices]
        names = [name for name in each[0] if all(name in one for one in each)]
        self.values = {name: float(np.mean([one[name] for one in each])) for name in names}
        self.errors = {}
        for name in names:
            scatter = np.std([one[name] for one in each], ddof=1) / self.n**0.5 if self.n > 1 else None
            sampled = None
            if of_sampling:
                sampled = sum(jackknife(run, symmetry, name) ** 2 for run in of_sampling) ** 0.5 / self.n
                scatter = max(scatter, sampled) if self.n > 2 else sampled
            self.errors[name] = None if scatter is None else float(scatter)


def jackknife(without, symmetry, name):
    values = np.array([quantities(matrix, symmetry).get(name, np.nan) for matrix in without])
    return np.sqrt((len(values) - 1) * np.mean((values - values.mean()) ** 2))


def in_ase(structure):
    return Atoms(structure.symbols, positions=structure.positions, cell=structure.cell, pbc=True)


def cold(options, name, case, label, potential, symmetry):
    calculator, kept = FrozenTL(potential, threads=1), Kept(os.path.join(options.work, "cold"))
    of_sites = Options(sites=True)  # the alloy has the symmetry of its lattice
    found = [one(label, calculator, f"{name} {k}", in_ase(structure), ["elastic"], of_sites, kept) for k, structure in enumerate(case.cold, 1)]
    matrices = [np.array(each.data["elastic"]["matrix_GPa"]) for each in found if "elastic" in each.data]
    return Result(matrices, symmetry) if matrices else None


def warm(options, name, case, label, potential, symmetry):
    def averaged(matrix):
        return symmetry.in_crystal_axes(symmetry.stiffness(matrix))

    matrices, of_sampling = [], []
    for k, structure in enumerate(case.warm, 1):
        folder = folder_of(options, name, label, digest(potential), "warm", k)
        run = Warm(folder, potential, structure, case.elements, case.shape, seed=k, **case.settings[label])
        progress(f"{name}, {label}, 300 K, {k}: done")
        matrices.append(averaged(run.matrix))
        of_sampling.append([averaged(matrix) for matrix in run.without])
    return Result(matrices, symmetry, of_sampling)


def measure(options, chosen):
    """(case, potential, K) -> Result, or None where that has no value."""
    results = {}
    for name, case in chosen.items():
        symmetry = Symmetry(in_ase(case.parent), sites=True)
        progress(f"{name}: {len(symmetry.rotations)} operations of the point group")
        for label, potential in case.potentials.items():
            results[name, label, 0] = cold(options, name, case, label, potential, symmetry)
            if label in case.settings and not options.cold:
                results[name, label, 300] = warm(options, name, case, label, potential, symmetry)
    return results


def rows_of(results):
    return [[name, label, str(kelvin), quantity, f"{value:.6g}", "" if error is None else f"{error:.3g}", str(result.n)]
            for (name, label, kelvin), result in results.items() if result
            for quantity, value, error in ((q, v, result.errors[q]) for q, v in result.values.items())]  # fmt: skip


def read_rows(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="") as f:
        return list(csv.reader(f))[1:]


def write(path, text):
    with open(path + ".part", "w") as f:
        f.write(text)
    os.replace(path + ".part", path)


def keep(options, results, every):
    """elastic.csv, .md, .svg and matrices.json; cases, potentials and temperatures that were not measured now stay as they were."""
    path = os.path.join(options.out, "elastic")
    now = {(name, label, str(kelvin)) for name, label, kelvin in results}
    rows = [row for row in read_rows(path + ".csv") if tuple(row[:3]) not in now] + rows_of(results)
    rows.sort(key=lambda row: (list(every).index(row[0]), picture.LABELS.index(row[1]), int(row[2])))
    write(path + ".csv", "".join(",".join(f'"{word}"' if "," in word else word for word in row) + "\n" for row in [COLUMNS, *rows]))
    markdown = "\n".join(picture.tables(rows, every))
    write(path + ".md", markdown + "\n")
    print(markdown)
    picture.draw(rows, every, path + ".svg")
    matrices = os.path.join(options.out, "matrices.json")
    kept = {}
    if os.path.exists(matrices):
        with open(matrices) as f:
            kept = {key: value for key, value in json.load(f).items() if tuple(key.removesuffix(" K").replace(",", "").split()) not in now}
    kept.update({f"{name}, {label}, {kelvin} K": (np.round(result.matrix, 2) + 0.0).tolist() for (name, label, kelvin), result in results.items() if result})
    lines = [f" {json.dumps(key)}: [\n  " + ",\n  ".join(json.dumps(row) for row in kept[key]) + "]" for key in sorted(kept)]
    write(matrices, "{\n" + ",\n".join(lines) + "\n}\n")


def keep_labels(options, fitted):
    """labels.csv and labels.md: molybdenum by the energies of strained cells; they stay as they were without the data."""
    potentials = {"foundation": cases.shipped("ftl-metals-0.ftl"), **({"surrogate": fitted} if fitted else {})}
    rows = labels.compare(options.frozentl, potentials, options.work)
    if rows:
        path = os.path.join(options.out, "labels")
        write(path + ".csv", "".join(",".join(row) + "\n" for row in [labels.COLUMNS, *rows]))
        write(path + ".md", "\n".join(labels.table(rows)) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="Cu, Mo, Ti, Ti64 (default: all)")
    parser.add_argument("--quick", action="store_true", help="a short version, checked against results/, for ctest")
    parser.add_argument("--cold", action="store_true", help="0 K only: a minute, where 300 K takes half an hour")
    parser.add_argument("--record", action="store_true", help="write results/, beside the scripts, which the project keeps")
    parser.add_argument("--out", help="write this folder (default: results in --work)")
    parser.add_argument("--work", help="folder of the runs (default: build/elastic; with --quick a new one, deleted in the end)")
    parser.add_argument("--frozentl", default=os.path.join(ROOT, "build", "release", "train", "frozentl"), help="the program")
    options = parser.parse_args()
    if options.record and (options.quick or options.out):
        parser.error("--record writes results/ beside the scripts: it does not go with --quick or --out")
    with tempfile.TemporaryDirectory() as new:  # a test never takes what an earlier one has made
        options.work = os.path.abspath(options.work or (new if options.quick else os.path.join(ROOT, "build", "elastic")))
        run(parser, options)


def run(parser, options):
    options.out = options.out or os.path.join(HERE if options.record else options.work, "results")
    os.makedirs(options.work, exist_ok=True)
    os.makedirs(options.out, exist_ok=True)
    needed = not options.cases or "Mo" in options.cases
    fitted = molybdenum(options) if needed else None
    if needed and not options.quick:
        keep_labels(options, fitted)
    foundation = titanium(options) if not options.quick and (not options.cases or {"Ti", "Ti64"} & set(options.cases)) else None
    every = cases.cases(fitted, foundation, options.quick)
    unknown = set(options.cases) - set(every)
    if unknown:
        parser.error(f"no such case: {' '.join(sorted(unknown))}; there are {' '.join(every)}")
    chosen = {name: case for name, case in every.items() if not options.cases or name in options.cases}
    results = measure(options, chosen)
    keep(options, results, every)
    if options.quick:
        have = {key: result for key, result in results.items() if result}
        check.check(have, chosen, read_rows(os.path.join(HERE, "results", "elastic.csv")), cold=options.cold)


if __name__ == "__main__":
    sys.exit(main())
