#!/usr/bin/env python3
"""Compares `frozentl eval` with the float64 answers of mace-torch and sevenn, for every model, head and frame.

    tests/parity/parity.py [--frozentl PATH] [--set NAME ...] [--precision double|mixed] [--ftl] [--update] [NAME ...]

Sets of models: `reference` is ../shared/reference (the published architectures, and real potentials: two for H2/Cu and those
in real/); `tree` is tests/parity/twins (small combinations of options, always here); `random` is build/twins, which
make_twins.py makes; `potentials` is potentials/*.ftl in mixed precision, whose answers are FrozenTL's own in double, on rattled
crystals. Of the SevenNet family: `sevennet` is ../shared/reference/sevennet, `sevennet-tree` tests/parity/sevennet-twins,
`sevennet-random` build/sevennet-twins, which make_sevennet_twins.py makes. Published checkpoints whose answers alone are there
are looked for, by their SHA-256, in FROZENTL_PATH, ~/.cache/frozentl and build/sevenn-venv (bench/setup_rivals.sh sevenn).
NAMEs (or beginnings of names) pick some of them. Exit code 77 (skipped) when a set asked for is not on this machine.

Errors are relative: energy to the largest |node_energy| and, in double, to itself; node_energy to the largest
|node_energy|, forces to the largest |force component|, stress to its norm; all of the same frame and head. `double` must
stay below 1e-8, `mixed` below 1e-5 (stress 1e-4; forces of surrogates 3e-5, which are sums of thousands of terms of both signs, on crystals
far from their data).

--ftl answers from `frozentl convert`ed files: the whole model, and one cut to the elements of a frame and one head.
--update writes what it measured into tests/accuracy.csv: rows of the same precision and model are replaced, others stay.
Standard library only.
"""

import argparse
import csv
import glob
import hashlib
import json
import math
import os
import random
import sys
import tempfile

from ftl_eval import ROOT, SHARED, SKIPPED, EvalError, command, evaluate, read_xyz, run, write_xyz

QUANTITIES = ("energy", "node_energy", "forces", "stress")
TOLERANCE = {"double": dict.fromkeys(QUANTITIES, 1e-8),
             "mixed": {"energy": 1e-5, "node_energy": 1e-5, "forces": 1e-5, "stress": 1e-4}}  # fmt: skip
SURROGATE = {"mixed": {"forces": 3e-5}}  # instead, for potentials/*-ace.ftl
SETS = {
    "reference": [os.path.join(SHARED, "reference", d) for d in ("mace", "real", "h2cu", "h2cu-trained")],
    "tree": [os.path.join(ROOT, "tests", "parity", "twins")],
    "random": [os.path.join(ROOT, "build", "twins")],
    "potentials": [os.path.join(ROOT, "potentials")],
    "sevennet": [os.path.join(SHARED, "reference", "sevennet")],
    "sevennet-tree": [os.path.join(ROOT, "tests", "parity", "sevennet-twins")],
    "sevennet-random": [os.path.join(ROOT, "build", "sevennet-twins")],
}
# whose rows tests/accuracy.csv keeps
PUBLISHED = {"double": ("reference", "sevennet"), "mixed": ("reference", "sevennet", "potentials")}
ACCURACY = os.path.join(ROOT, "tests", "accuracy.csv")


def published(checkpoint):
    """The file that an answer names by SHA-256 ({"sha256", "bytes"}), where a user or bench/setup_rivals.sh may have it."""
    places = os.environ.get("FROZENTL_PATH", "").split(":") + [os.path.expanduser("~/.cache/frozentl")]
    places += glob.glob(os.path.join(ROOT, "build/sevenn-venv/lib/python*/site-packages/sevenn/pretrained_potentials"))
    for place in filter(None, places):
        for path in sorted(glob.glob(os.path.join(place, "**", "*.pth"), recursive=True)):
            if os.path.getsize(path) == checkpoint["bytes"]:
                with open(path, "rb") as f:
                    if hashlib.sha256(f.read()).hexdigest() == checkpoint["sha256"]:
                        return path
    return None


def model_of(base):
    """The model of BASE.json, or None."""
    for extension in (".model", ".pth"):
        if os.path.exists(base + extension):
            return base + extension
    with open(base + ".json") as f:
        checkpoint = json.load(f).get("checkpoint")
    return published(checkpoint) if isinstance(checkpoint, dict) else None


def models_of(name):
    """[(model name, its file, path of answers and frames without extension, or None)], sorted."""
    found = []
    for folder in SETS[name]:
        if name == "potentials":
            found += [(os.path.basename(p)[: -len(".ftl")], p, None) for p in sorted(glob.glob(folder + "/*.ftl"))]
            continue
        for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
            base = path[: -len(".json")]
            model = model_of(base)
            if model and os.path.exists(base + ".xyz"):
                found.append((os.path.basename(base), model, base))
            else:
                print(f"left out: {os.path.basename(base)}: only its answers are on this machine")
    return found


def crystals(elements):
    """Frames of a block of fcc crystal, from nearly in place to as hot as MD gets; hydrogen in the octahedral holes."""
    rng = random.Random(5)
    metals, frames = [e for e in elements if e != "H"], []
    for rattle, strain in ((0.03, 1.0), (0.1, 1.03), (0.2, 0.97)):
        a = 3.62 * strain * (1.0 if metals == ["Cu"] else 1.12)
        sites = [(i, j, k) for i in range(2) for j in range(2) for k in range(2)]
        atoms = [(rng.choice(metals), [s + b for s, b in zip(site, base)])
                 for site in sites for base in ((0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5))]  # fmt: skip
        if "H" in elements:
            atoms += [("H", [s + 0.5 for s in site]) for site in rng.sample(sites, 2)]
        frames.append(dict(symbols=[e for e, _ in atoms], pbc=(True, True, True),
                           positions=[[a * c + rng.gauss(0, rattle) for c in x] for _, x in atoms],
                           cell=[[2 * a if i == j else 0.0 for j in range(3)] for i in range(3)]))  # fmt: skip
    return frames


def elements_of(frozentl, model):
    for line in run([frozentl, "info", model]).splitlines():
        if line.startswith("elements"):
            return line.split(":")[1].split()
    raise EvalError("`frozentl info` names no elements")


def check_potential(frozentl, model, options):
    """Against itself in double."""
    with tempfile.TemporaryDirectory() as folder:
        xyz = os.path.join(folder, "crystals.xyz")
        write_xyz(xyz, crystals(elements_of(frozentl, model)))
        want = [dict(a, head="Default") for a in evaluate(frozentl, model, xyz)]
        return {"Default": compare(frozentl, model, xyz, want, options, None, one_head=True)["Default"]}


def voigt(stress):
    """xx yy zz yz xz xy, from those or from 3x3, which must be symmetric."""
    if len(stress) == 6:
        return list(stress)
    s = stress if isinstance(stress[0], list) else [stress[0:3], stress[3:6], stress[6:9]]
    return [s[0][0], s[1][1], s[2][2], 0.5 * (s[1][2] + s[2][1]), 0.5 * (s[0][2] + s[2][0]), 0.5 * (s[0][1] + s[1][0])]


def relative(difference, scale):
    if not math.isfinite(difference):
        return math.inf
    return 0.0 if difference == 0 else difference / scale if scale > 0 else math.inf


def errors(want, got, energy_to_itself):
    """quantity -> relative error, of one frame and head."""
    e, w = {}, want
    n = len(w["forces"])
    if len(got["forces"]) != n or len(got["node_energy"]) != n:
        return dict.fromkeys(QUANTITIES, math.inf)
    node_scale = max(abs(x) for x in w["node_energy"])
    e["node_energy"] = relative(max(abs(a - b) for a, b in zip(w["node_energy"], got["node_energy"])), node_scale)
    difference = abs(w["energy"] - got["energy"])
    e["energy"] = relative(difference, node_scale)
    if energy_to_itself:
        e["energy"] = max(e["energy"], relative(difference, abs(w["energy"])))
    fw, fg = [x for f in w["forces"] for x in f], [x for f in got["forces"] for x in f]
    largest = max(abs(x) for x in fw)
    difference = max(abs(a - b) for a, b in zip(fw, fg))
    # one atom alone, or one at every inversion centre: forces are zero by symmetry, but for rounding
    e["forces"] = difference if largest < 1e-9 else relative(difference, largest)
    if (w["stress"] is None) != (got["stress"] is None):
        e["stress"] = math.inf
    elif w["stress"] is not None:
        sw, sg = voigt(w["stress"]), voigt(got["stress"])
        weight = (1, 1, 1, 2, 2, 2)  # Frobenius norm of the 3x3
        norm = math.sqrt(sum(k * x * x for k, x in zip(weight, sw)))
        e["stress"] = relative(math.sqrt(sum(k * (a - b) ** 2 for k, a, b in zip(weight, sw, sg))), norm)
    return e


def compare(frozentl, model, xyz, want, options, frame=None, one_head=False):
    """Largest errors of one model: head -> quantity -> error. `frame`: xyz holds only this one of the answers'. one_head:
    the model's own choice, whatever it is called."""
    worst = {}
    for head in dict.fromkeys(a["head"] for a in want):
        answers = [a for a in want if a["head"] == head and frame in (None, a["frame"])]
        got = evaluate(frozentl, model, xyz, head=None if one_head else head, options=options)
        if len(got) != len(answers):
            raise EvalError(f"{len(got)} answers for {len(answers)} frames")
        for a, g in zip(sorted(answers, key=lambda a: a["frame"]), sorted(got, key=lambda g: g["frame"])):
            for q, e in errors(a, g, "mixed" not in options).items():
                worst.setdefault(head, {})
                worst[head][q] = max(worst[head].get(q, 0.0), e)
    return worst


def merge(into, other):
    for head, quantities in other.items():
        for q, e in quantities.items():
            into.setdefault(head, {})[q] = max(into.get(head, {}).get(q, 0.0), e)


def check_model(frozentl, model, base, want, options, ftl):
    if not ftl:
        return compare(frozentl, model, base + ".xyz", want, options)
    worst = {}
    with tempfile.TemporaryDirectory() as folder:
        full, cut, one = (os.path.join(folder, n) for n in ("full.ftl", "cut.ftl", "one.xyz"))
        run([frozentl, "convert", model, full])
        merge(worst, compare(frozentl, full, base + ".xyz", want, options))
        frames = read_xyz(base + ".xyz")
        index = min(range(len(frames)), key=lambda k: (len(set(frames[k]["symbols"])), k))
        write_xyz(one, [frames[index]])
        for head in dict.fromkeys(a["head"] for a in want):
            elements = ",".join(sorted(set(frames[index]["symbols"])))
            run([frozentl, "convert", model, cut, "--elements", elements, "--head", head])
            answers = [a for a in want if a["head"] == head]
            merge(worst, compare(frozentl, cut, one, answers, options, frame=index))
            os.remove(cut)
    return worst


def write_accuracy(rows, precision):
    columns = ["precision", "model", "head", "quantity", "largest_relative_error"]
    new = {(precision, name) for name, _, _, _ in rows}
    with open(ACCURACY, newline="") as f:
        kept = [[r[c] for c in columns] for r in csv.DictReader(f) if (r["precision"], r["model"]) not in new]
    kept += [[precision, name, head, q, f"{e:.1e}"] for name, head, q, e in rows]
    with open(ACCURACY, "w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(sorted(kept, key=lambda r: r[:2]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models (or beginnings of their names); default all")
    parser.add_argument("--frozentl", help="the command to test (default: $FROZENTL or build/release)")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="default: every set that is here")
    parser.add_argument("--precision", default="double", choices=TOLERANCE)
    parser.add_argument("--ftl", action="store_true", help="convert to .ftl first, whole and cut")
    parser.add_argument("--update", action="store_true", help="write tests/accuracy.csv")
    args = parser.parse_args()
    frozentl = command(args.frozentl)
    options = [] if args.precision == "double" else ["--precision", args.precision]
    tolerance = TOLERANCE[args.precision]

    models, absent = [], []
    if args.precision == "double" and "potentials" in (args.sets or ()):
        sys.exit("the potentials' answers are FrozenTL's own in double: --set potentials goes with --precision mixed")
    for s in args.sets or [s for s in SETS if args.precision == "mixed" or s != "potentials"]:
        found = models_of(s)
        models += found
        if not found:
            absent.append(s)
            print(f"skipped: no models in {', '.join(os.path.relpath(d, ROOT) for d in SETS[s])}")
    if args.names:
        models = [m for m in models if any(m[0].startswith(p) for p in args.names)]
    if not models or (args.sets and absent):
        return SKIPPED if absent else "no model has such a name"

    rows, failed = [], []
    print(f"{'model':36s} {'head':14s} " + " ".join(f"{q:>12s}" for q in QUANTITIES))
    for name, model, base in models:
        try:
            if base:
                with open(base + ".json") as f:
                    worst = check_model(frozentl, model, base, json.load(f)["answers"], options, args.ftl)
            else:
                worst = check_potential(frozentl, model, options)
        except EvalError as e:
            print(f"{name:36s} FAILED {e}", flush=True)
            failed.append(name)
            continue
        for head, quantities in worst.items():
            allowed = {**tolerance, **SURROGATE.get(args.precision, {})} if name.endswith("-ace") else tolerance
            bad = [q for q, e in quantities.items() if not e <= allowed[q]]
            numbers = " ".join(f"{quantities[q]:12.1e}" if q in quantities else f"{'-':>12s}" for q in QUANTITIES)
            print(f"{name:36s} {head:14s} {numbers}{'  FAILED ' + ' '.join(bad) if bad else ''}", flush=True)
            rows += [(name, head, q, quantities[q]) for q in QUANTITIES if q in quantities]
            if bad and name not in failed:
                failed.append(name)
    for q in QUANTITIES:
        of_q = [(e, name) for name, _, quantity, e in rows if quantity == q]
        if of_q:
            print(f"largest {q:12s} {max(of_q)[0]:.1e}  ({max(of_q)[1]}); tolerance {tolerance[q]:.0e}")
    if args.update:
        if args.ftl or failed or not set(args.sets or SETS) <= set(PUBLISHED[args.precision]):
            sys.exit(f"--update needs --set, of {', '.join(PUBLISHED[args.precision])}, and no failure; nothing written")
        write_accuracy(rows, args.precision)
        print(f"wrote {os.path.relpath(ACCURACY, ROOT)}")
    print(f"{len(models) - len(failed)} of {len(models)} models pass" + (f"; failed: {' '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
