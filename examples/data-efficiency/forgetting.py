"""Errors of a model on structures that SevenNet-0 has labelled, of 14 elements (../shared/data/foundation/valid.xyz): what a
fine-tuned one has there has been forgotten. Energies are compared after an offset per element has been fitted: data sets differ in
the energies of single atoms, and so do models fine-tuned on them, without having forgotten anything."""

import json
import os
import subprocess
import tempfile

from plan import DATA

LABELLED = os.path.join(DATA, "foundation", "valid.xyz")


def labels(path):
    """Per frame: energy, composition {element: number}, forces as a flat list."""
    frames = []
    with open(path) as f:
        while line := f.readline():
            comment = f.readline()
            energy = float(comment.split("REF_energy=")[1].split()[0])
            composition, forces = {}, []
            for _ in range(int(line)):
                words = f.readline().split()
                composition[words[0]] = composition.get(words[0], 0) + 1
                forces += [float(word) for word in words[4:7]]
            frames.append((energy, composition, forces))
    return frames


def solve(a, b):
    """Gaussian elimination; an element that nothing determines gets 0."""
    n = len(b)
    rows = [a[i][:] + [b[i]] for i in range(n)]
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        if abs(rows[k][k]) < 1e-12:
            continue
        for i in range(n):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k])]
    return [row[n] / row[k] if abs(row[k]) >= 1e-12 else 0.0 for k, row in enumerate(rows)]


def offsets_removed(errors, fractions):
    """Errors per atom without their least squares fit by one number per element."""
    elements = sorted({element for f in fractions for element in f})
    x = [[f.get(element, 0.0) for element in elements] for f in fractions]
    a = [[sum(r[i] * r[j] for r in x) for j in range(len(elements))] for i in range(len(elements))]
    b = [sum(r[i] * e for r, e in zip(x, errors)) for i in range(len(elements))]
    offsets = solve(a, b)
    return [e - sum(c * o for c, o in zip(r, offsets)) for r, e in zip(x, errors)]


def rms(values):
    return (sum(v * v for v in values) / len(values)) ** 0.5


def errors_of(frozentl, model):
    """(energy RMSE after offsets, meV/atom; force RMSE, meV/A) of a model on them."""
    reference = labels(LABELLED)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "answers.json")
        subprocess.run([frozentl, "eval", "-q", "-t", "1", "-p", "mixed", "--json", out, model, LABELLED],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        with open(out) as f:
            answers = json.load(f)
    energy, fractions, forces = [], [], []
    for answer, (e, composition, f) in zip(answers, reference, strict=True):
        n = sum(composition.values())
        energy.append((answer["energy"] - e) / n)
        fractions.append({element: count / n for element, count in composition.items()})
        predicted = [component for atom in answer["forces"] for component in atom]
        forces += [p - r for p, r in zip(predicted, f, strict=True)]
    return 1e3 * rms(offsets_removed(energy, fractions)), 1e3 * rms(forces)
