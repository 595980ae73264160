"""What a fine-tuned model has forgotten: how far its answers are from its foundation's on structures of 14 elements
(../shared/data/foundation/valid.xyz). Energies are compared after an offset per element has been fitted: data sets differ in
the energies of single atoms, and so do models fine-tuned on them, without having forgotten anything."""

import functools
import json
import os
import subprocess
import tempfile

from plan import DATA, frames_of


def structures():
    """Every third one of that file."""
    return frames_of(os.path.join(DATA, "foundation", "valid.xyz"))[::3]


def compositions():
    """Per frame {element: number}."""
    found = []
    for text in structures():
        counts = {}
        for line in text.splitlines()[2:]:
            element = line.split()[0]
            counts[element] = counts.get(element, 0) + 1
        found.append(counts)
    return found


@functools.lru_cache(maxsize=4)
def answers_of(frozentl, model):
    """Per frame (energy, forces as a flat list) of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "structures.xyz"), os.path.join(folder, "answers.json")
        with open(path, "w") as f:
            f.write("".join(structures()))
        subprocess.run([frozentl, "eval", "-q", "-t", "1", "-p", "mixed", "--json", out, model, path],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        with open(out) as f:
            answers = json.load(f)
    return [(answer["energy"], [component for atom in answer["forces"] for component in atom]) for answer in answers]


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


def errors_of(frozentl, model, foundation):
    """(energy RMSE after offsets, meV/atom; force RMSE, meV/A) of a model against its foundation."""
    energy, fractions, forces = [], [], []
    for composition, (e, f), (before, forces_before) in zip(
            compositions(), answers_of(frozentl, model), answers_of(frozentl, foundation), strict=True):  # fmt: skip
        n = sum(composition.values())
        energy.append((e - before) / n)
        fractions.append({element: count / n for element, count in composition.items()})
        forces += [x - y for x, y in zip(f, forces_before, strict=True)]
    return 1e3 * rms(offsets_removed(energy, fractions)), 1e3 * rms(forces)
