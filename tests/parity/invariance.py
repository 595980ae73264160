#!/usr/bin/env python3
"""What must hold for any potential, whatever its weights, through `frozentl eval` alone. Standard library only.

    tests/parity/invariance.py [--frozentl PATH] [MODEL ...]

For each model (default: those of tests/parity/twins and a few of ../shared/reference) and head:
  invariance   energy, node energies, forces and stress under rotation, reflection, translation (also by whole cells) and
               permutation of the atoms; a cell and its 2x2x2 supercell agree atom by atom
  gradients    forces against central differences of the energy; stress against finite strain
  smoothness   a pair and a trio scanned through the cutoff: no jump in the energy or in the forces, and none left beyond
Tolerances are relative to the largest force or node energy: 1e-9 for invariance (1e-8 under rotation for models in float32
files, whose rounded coupling coefficients break it, in mace-torch as well), 1e-6 for differences.

A nonlinear block with apply_cutoff=True is not continuous at the cutoff, also in mace-torch: its radial network has biases
and ends in something else than zero. Such models are left out of that check.
"""

import argparse
import glob
import json
import math
import os
import random
import re
import sys
import tempfile

from ftl_eval import ROOT, SHARED, SKIPPED, EvalError, command, evaluate, read_xyz, run, write_xyz

EXACT = 1e-9  # rounding: sums in another order, rotated harmonics
FLOAT32 = 1e-8  # rotation with coupling coefficients rounded to float32
DIFFERENCE = 1e-6  # central differences with a step of 1e-3 and Richardson's extrapolation


# ---- small linear algebra ---------------------------------------------------------------------------------------------


def matvec(m, v):
    return [sum(m[i][k] * v[k] for k in range(3)) for i in range(3)]


def matmul(a, b):
    return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def transpose(m):
    return [[m[j][i] for j in range(3)] for i in range(3)]


def determinant(m):
    return (m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]))  # fmt: skip


def random_rotation(r):
    """From a random unit quaternion."""
    q = [r.gauss(0, 1) for _ in range(4)]
    n = math.sqrt(sum(x * x for x in q))
    a, b, c, d = (x / n for x in q)
    return [[a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a - b * b + c * c - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a - b * b - c * c + d * d]]  # fmt: skip


def largest_difference(a, b):
    """Of numbers or nested lists of the same shape."""
    if isinstance(a, list):
        return max((largest_difference(x, y) for x, y in zip(a, b)), default=0.0)
    return abs(a - b) if math.isfinite(a) and math.isfinite(b) else math.inf


def largest(a):
    return max((largest(x) for x in a), default=0.0) if isinstance(a, list) else abs(a)


# ---- changed structures -----------------------------------------------------------------------------------------------


def transformed(frame, m):
    """Positions and cell rows times a matrix from the left."""
    return dict(frame, positions=[matvec(m, x) for x in frame["positions"]],
                cell=None if frame["cell"] is None else [matvec(m, v) for v in frame["cell"]])  # fmt: skip


def translated(frame, t, r=None):
    """By t, and by random whole cells in the periodic directions when r is given."""
    out = []
    for x in frame["positions"]:
        x = [x[k] + t[k] for k in range(3)]
        if r is not None and frame["cell"] is not None:
            for v, periodic in zip(frame["cell"], frame["pbc"]):
                n = r.randint(-2, 2) if periodic else 0
                x = [x[k] + n * v[k] for k in range(3)]
        out.append(x)
    return dict(frame, positions=out)


def permuted(frame, order):
    return dict(frame, symbols=[frame["symbols"][k] for k in order], positions=[frame["positions"][k] for k in order])


def supercell(frame):
    """2x2x2; image m of atom k is atom m * n + k."""
    symbols, positions = [], []
    for shift in [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]:
        move = [sum(shift[a] * frame["cell"][a][c] for a in range(3)) for c in range(3)]
        symbols += frame["symbols"]
        positions += [[x[c] + move[c] for c in range(3)] for x in frame["positions"]]
    return dict(symbols=symbols, positions=positions, pbc=frame["pbc"], cell=[[2 * x for x in v] for v in frame["cell"]])


def displaced(frame, atom, axis, step):
    positions = [list(x) for x in frame["positions"]]
    positions[atom][axis] += step
    return dict(frame, positions=positions)


def strained(frame, i, j, step):
    """x -> (1 + e) x with the symmetric strain e_ij = e_ji = step / 2 (e_ii = step)."""
    m = [[float(a == b) for b in range(3)] for a in range(3)]
    m[i][j] += 0.5 * step
    m[j][i] += 0.5 * step
    return transformed(frame, m)


# ---- the checks -------------------------------------------------------------------------------------------------------


class Model:
    """One model and head: evaluates lists of structures in one call of the command."""

    def __init__(self, frozentl, path, head):
        self.frozentl, self.path, self.head = frozentl, path, head

    def __call__(self, frames):
        with tempfile.TemporaryDirectory() as folder:
            xyz = os.path.join(folder, "frames.xyz")
            write_xyz(xyz, frames)
            answers = evaluate(self.frozentl, self.path, xyz, head=self.head)
        if len(answers) != len(frames):
            raise EvalError(f"{len(answers)} answers for {len(frames)} frames")
        return answers


def check_invariance(model, frame, r):
    """check -> relative error."""
    n = len(frame["symbols"])
    rotation = random_rotation(r)
    reflection = matmul(rotation, [[-1, 0, 0], [0, 1, 0], [0, 0, 1]])
    order = list(range(n))
    r.shuffle(order)
    t = [r.uniform(-20, 20) for _ in range(3)]
    changed = [frame, transformed(frame, rotation), transformed(frame, reflection), translated(frame, t, r),
               permuted(frame, order)]  # fmt: skip
    periodic = frame["cell"] is not None and all(frame["pbc"])
    if periodic:
        changed.append(supercell(frame))
    base, *others = model(changed)
    force, node = largest(base["forces"]), largest(base["node_energy"])
    if force < 1e-9:
        force = 1.0  # zero by symmetry

    def error(got, forces, nodes, stress, energy=base["energy"]):
        e = [abs(got["energy"] - energy) / (node * n), largest_difference(got["forces"], forces) / force,
             largest_difference(got["node_energy"], nodes) / node]  # fmt: skip
        if stress is not None:
            e.append(largest_difference(got["stress"], stress) / max(largest(stress), 1e-12))
        return max(e)

    def turned(m):
        stress = None if base["stress"] is None else matmul(matmul(m, base["stress"]), transpose(m))
        return [matvec(m, f) for f in base["forces"]], base["node_energy"], stress

    result = {
        "rotation": error(others[0], *turned(rotation)),
        "reflection": error(others[1], *turned(reflection)),
        "translation": error(others[2], base["forces"], base["node_energy"], base["stress"]),
        "permutation": error(others[3], [base["forces"][k] for k in order], [base["node_energy"][k] for k in order],
                             base["stress"]),
    }  # fmt: skip
    if periodic:
        result["supercell"] = error(others[4], base["forces"] * 8, base["node_energy"] * 8, base["stress"],
                                    8 * base["energy"])  # fmt: skip
    return result


def central(energies, step):
    """Derivative from energies at +h, -h, +h/2, -h/2: Richardson's extrapolation, error of order h^4."""
    wide = (energies[0] - energies[1]) / (2 * step)
    narrow = (energies[2] - energies[3]) / step
    return (4 * narrow - wide) / 3


def check_forces(model, frame, r, step=2e-3):
    n = len(frame["symbols"])
    chosen = [(k, r.randrange(3)) for k in r.sample(range(n), min(n, 4))]
    moves = (step, -step, step / 2, -step / 2)
    answers = model([frame] + [displaced(frame, k, c, h) for k, c in chosen for h in moves])
    scale = max(largest(answers[0]["forces"]), 1e-6)
    worst = 0.0
    for m, (k, c) in enumerate(chosen):
        energies = [a["energy"] for a in answers[1 + 4 * m : 5 + 4 * m]]
        worst = max(worst, abs(-central(energies, step) - answers[0]["forces"][k][c]) / scale)
    return {"forces": worst}


def check_stress(model, frame, step=1e-3):
    if frame["cell"] is None or not all(frame["pbc"]):
        return {}
    volume = abs(determinant(frame["cell"]))
    pairs = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    moves = (step, -step, step / 2, -step / 2)
    answers = model([frame] + [strained(frame, i, j, h) for i, j in pairs for h in moves])
    stress = answers[0]["stress"]
    scale = max(largest(stress), 1e-9)
    worst = 0.0
    for m, (i, j) in enumerate(pairs):
        energies = [a["energy"] for a in answers[1 + 4 * m : 5 + 4 * m]]
        worst = max(worst, abs(central(energies, step) / volume - 0.5 * (stress[i][j] + stress[j][i])) / scale)
    return {"stress": worst}


def check_cutoff(model, elements, r_max, xplor):
    """A pair, and a trio with a second neighbour that stays, scanned through r_max in steps of 2e-4 Angstrom.

    Between neighbouring points E and F may change by no more than a smooth function would: |dE| <= h |F| (mean value)
    and second differences of F stay at the level of those inside. Beyond r_max the energy is that of the atoms apart.
    """
    worst = {}
    h = 2e-4
    distances = [r_max + h * k for k in range(-25, 26)] + [r_max + 1.0, r_max + 5.0]
    a, b = elements[0], elements[-1]
    third = [[-0.5, 1.6, 0.2]]  # always out of reach of the atom that leaves
    for name, symbols, more in (("pair", [a, b], []), ("trio", [a, b, b], third)):
        frames = [dict(symbols=symbols, positions=[[0, 0, 0], [d, 0, 0]] + more, cell=None, pbc=[False] * 3)
                  for d in distances]  # fmt: skip
        answers = model(frames)
        energy = [x["energy"] for x in answers]
        force = [x["forces"][1][0] for x in answers]
        inside = largest([x["forces"] for x in model([dict(frames[0], positions=[[0, 0, 0], [0.45 * r_max, 0, 0]] + more)])])
        scale = max(inside, 1e-3)
        # The polynomial cutoff leaves F of order (1 - r/r_max)^2: over this window (5e-3 Angstrom inside) next to zero,
        # and steps from point to point smaller still. A jump at r_max would be of the order of F itself.
        steps = [abs(force[k + 1] - force[k]) / scale for k in range(50)]
        # XPLOR leaves a force of order 1 - r/r_max, whose steps are all alike up to r_max: none is larger where it is crossed.
        jump_f = max(0, steps[24] - 1.01 * max(steps[:24])) if xplor else max(steps)
        jump_e = max(abs(energy[k + 1] - energy[k] + 0.5 * h * (force[k + 1] + force[k])) for k in range(50)) / scale
        beyond = max([abs(e - energy[-1]) for e in energy[26:]]) / max(abs(energy[-1]), 1.0)
        if name == "pair":  # nothing acts on the atom once it has left
            beyond = max([beyond] + [abs(f) for f in force[26:]])
        worst[f"{name} force step"] = (jump_f, 1e-4)
        worst[f"{name} energy step"] = (jump_e, 1e-9)
        worst[f"{name} beyond"] = (beyond, 1e-12)
    return worst


def info(frozentl, path):
    """r_max and heads; is the file float32, is the model continuous at r_max (see make_twins.py for the JSON), and is its cutoff
    XPLOR?"""
    description = os.path.splitext(path)[0] + ".json"
    if not os.path.exists(description):
        found = json.loads(run([frozentl, "info", "--json", path]))
        nonlinear = any("NonLinear" in layer["interaction"] for layer in found["layers"])
        applied = found["radial"]["cutoff_in_mlp"]
        heads = [head["name"] for head in found["heads"]]
        return found["cutoff"], heads, found["dtype"] == "F32", not (applied and nonlinear), False
    with open(description) as f:
        described = json.load(f)
    heads = list(dict.fromkeys(a["head"] for a in described["answers"]))
    text = run([frozentl, "info", path])
    found = re.search(r"(?:cutoff|r_max)\D*([0-9.]+)", text)
    if not found:
        raise EvalError("`frozentl info` names no cutoff")
    options = described["architecture"] if isinstance(described.get("architecture"), dict) else {}
    applied = str(options.get("apply_cutoff", options.get("extra", {}).get("apply_cutoff", True))) == "True"
    nonlinear = any("nonlinear" in str(options.get(k, "")).lower() for k in ("first", "other"))
    return float(found.group(1)), heads, options.get("dtype") != "float64", not (applied and nonlinear), "XPLOR" in text


def check_model(frozentl, path, head, r_max, r, float32, continuous, xplor, frames):
    """[(structure, check, error, tolerance)]"""
    model = Model(frozentl, path, head)
    rows = []
    for k, frame in enumerate(frames):
        for c, e in check_invariance(model, frame, r).items():
            rows.append((f"frame {k}", c, e, FLOAT32 if float32 and c in ("rotation", "reflection") else EXACT))
        rows += [(f"frame {k}", c, e, DIFFERENCE) for c, e in check_forces(model, frame, r).items()]
        rows += [(f"frame {k}", c, e, DIFFERENCE) for c, e in check_stress(model, frame).items()]
    elements = sorted({s for f in frames for s in f["symbols"]})
    if continuous:
        rows += [("r_max", c, e, t) for c, (e, t) in check_cutoff(model, elements, r_max, xplor).items()]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=".model or .pth files with .xyz and .json next to them, or any with --frames")
    parser.add_argument("--frames", metavar="XYZ", help="structures for all models, instead of the .xyz next to each")
    parser.add_argument("--frozentl", help="the command to test (default: $FROZENTL or build/release)")
    parser.add_argument("--verbose", action="store_true", help="print every check")
    args = parser.parse_args()
    frozentl = command(args.frozentl)
    models = args.models or sorted(glob.glob(os.path.join(ROOT, "tests", "parity", "twins", "*.model")))
    if not args.models:
        reference = os.path.join(SHARED, "reference")
        some = [os.path.join(reference, n + ".model") for n in ("mace/corr2-small", "mace/mp0b3-medium", "h2cu-trained/h2cu-16x0e")]
        models += [m for m in some if os.path.exists(m)]
        if not os.path.isdir(reference):
            print("../shared/reference is not here: only the twins in the tree are tested")
    if not models:
        return SKIPPED
    failures = 0
    for path in models:
        name = os.path.splitext(os.path.basename(path))[0]
        r = random.Random(name)
        try:
            r_max, heads, float32, continuous, xplor = info(frozentl, path)
            frames = read_xyz(args.frames or os.path.splitext(path)[0] + ".xyz")
            for head in heads:
                rows = check_model(frozentl, path, head, r_max, r, float32, continuous, xplor, frames)
                worst = {}
                for where, check, e, tolerance in rows:
                    bad = not e <= tolerance
                    failures += bad
                    if bad or args.verbose:
                        print(f"{name} {head} {where} {check}: {e:.1e}, tolerance {tolerance:.0e}{' FAILED' if bad else ''}")
                    worst[check] = max(worst.get(check, 0.0), e)
                print(f"{name} {head}: {len(rows)} checks; " + ", ".join(f"{c} {e:.0e}" for c, e in worst.items()), flush=True)
        except EvalError as e:
            failures += 1
            print(f"{name}: FAILED {e}", flush=True)
    print("every check holds" if failures == 0 else f"{failures} checks failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
