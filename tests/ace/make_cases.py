#!/usr/bin/env python3
"""Writes the small PACE potentials of the tests, and the structures they are evaluated on.

  make_cases.py          writes tests/ace/NAME.yace and tests/ace/NAME.in
  make_cases.py NAME FILE takes the answers of another evaluator (JSON: energy, virial, node_energy, forces) for NAME.in
                         from FILE into tests/ace/NAME.json

The answers in the tree are those of ML-PACE's own evaluator (github.com/ICAMS/lammps-user-pace, commit 99aa6e6,
product form). NAME.in: number of atoms, cell, then symbol and position of each atom. The coefficients are random, so the
potentials mean nothing; those of `coupled` and `products` make invariants, the others need not. deltaSplineBins is small in the first
four, so that formulas are what is compared, and coarse in the others, so that splines are."""
import itertools
import json
import math
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).parent


def wigner_3j(j1, j2, j3, m1, m2, m3):
    """Racah's formula."""
    if m1 + m2 + m3 or not abs(j1 - j2) <= j3 <= j1 + j2:
        return 0.0
    f = math.factorial
    triangle = f(j1 + j2 - j3) * f(j1 - j2 + j3) * f(-j1 + j2 + j3) / f(j1 + j2 + j3 + 1)
    root = math.sqrt(triangle * math.prod(f(j + m) * f(j - m) for j, m in ((j1, m1), (j2, m2), (j3, m3))))
    total = 0.0
    for t in range(j1 + j2 + j3 + 1):
        parts = (t, j3 - j2 + t + m1, j3 - j1 + t - m2, j1 + j2 - j3 - t, j1 - t - m1, j2 - t + m2)
        if min(parts) >= 0:
            total += (-1) ** t / math.prod(map(f, parts))
    return (-1) ** (j1 - j2 - m3) * root * total


def gauss(rng, mean, width):
    """Few digits, so that files stay small."""
    return float(f"{rng.gauss(mean, width):.5g}")


def radial_bond(rng, base, n_radial, lmax, n_base, **more):
    bond = {"nradmax": n_radial, "lmax": lmax, "nradbasemax": n_base, "radbasename": base, "radparameters": [3.1],
            "radcoefficients": [[[gauss(rng, 0, 1) for _ in range(n_base)] for _ in range(lmax + 1)]
                                for _ in range(n_radial)],
            "prehc": 80.0, "lambdahc": 0.9, "rcut": 5.0, "dcut": 0.6, "rcut_in": 0.0, "dcut_in": 0.0,
            "inner_cutoff_type": "density"}
    bond.update(more)
    return bond


def function(mu0, mus, ns, ls, terms, n_density):
    """terms: list of (ms, coefficients)."""
    return {"mu0": mu0, "rank": len(mus), "ndensity": n_density, "num_ms_combs": len(terms), "mus": mus, "ns": ns,
            "ls": ls, "ms_combs": [m for ms, _ in terms for m in ms], "ctildes": [c for _, cs in terms for c in cs]}


def random_functions(rng, mu0, n_elements, n_density, n_base, n_radial, lmax, count):
    """Any m at all: also combinations whose sum is not 0, and a combination with its negative."""
    out = [function(mu0, [mu], [n], [0], [([0], [gauss(rng, 0, 0.3) for _ in range(n_density)])], n_density)
           for mu in range(n_elements) for n in range(1, n_base + 1)]
    for rank, n_functions in count.items():
        for _ in range(n_functions):
            mus, ns = [rng.randrange(n_elements) for _ in range(rank)], [rng.randint(1, n_radial) for _ in range(rank)]
            ls = [rng.randint(0, lmax) for _ in range(rank)]
            terms = []
            for _ in range(4):
                ms = [rng.randint(-l, l) for l in ls]
                terms.append((ms, [gauss(rng, 0, 10.0 ** -rank) for _ in range(n_density)]))
            terms.append(([-m for m in terms[0][0]], [gauss(rng, 0, 10.0 ** -rank) for _ in range(n_density)]))
            out.append(function(mu0, mus, ns, ls, terms, n_density))
    return out


def coupled_functions(rng, mu0, n_elements, n_density, n_base, n_radial, lmax):
    out = random_functions(rng, mu0, n_elements, n_density, n_base, n_radial, lmax, {})
    for l in range(lmax + 1):
        for mu in range(n_elements):
            c = [gauss(rng, 0, 0.02) for _ in range(n_density)]
            terms = [([m, -m], [(-1) ** m * x for x in c]) for m in range(-l, l + 1)]
            out.append(function(mu0, [mu, rng.randrange(n_elements)], [1, rng.randint(1, n_radial)], [l, l], terms,
                                n_density))
    for ls in itertools.combinations_with_replacement(range(lmax + 1), 3):
        if sum(ls) % 2 or ls[2] > ls[0] + ls[1]:
            continue
        c = [gauss(rng, 0, 0.01) for _ in range(n_density)]
        terms = [([m1, m2, -m1 - m2], [wigner_3j(*ls, m1, m2, -m1 - m2) * x for x in c])
                 for m1 in range(-ls[0], ls[0] + 1) for m2 in range(-ls[1], ls[1] + 1) if abs(m1 + m2) <= ls[2]]
        out.append(function(mu0, [rng.randrange(n_elements) for _ in ls], [rng.randint(1, n_radial) for _ in ls],
                            list(ls), terms, n_density))
    return out


def chain(ls, path):
    """(ms, coefficient): factors coupled one after another to the l of `path`, the last of them to 0."""
    states = {((m,), m): 1.0 for m in range(-ls[0], ls[0] + 1)}
    before = ls[0]
    for l, total in zip(ls[1:], path):
        after = {}
        for (ms, sum_m), c in states.items():
            for m in range(-l, l + 1):
                if abs(sum_m + m) > total:
                    continue
                # <before sum_m l m | total sum_m + m>
                c_next = c * (-1) ** (before - l + sum_m + m) * math.sqrt(2 * total + 1)
                c_next *= wigner_3j(before, l, total, sum_m, m, -sum_m - m)
                if c_next:
                    after[(*ms, m), sum_m + m] = c_next
        states, before = after, total
    return [(list(ms), c) for (ms, _), c in states.items()]


def product_functions(rng, mu0, n_elements, n_density, n_base, n_radial):
    """Invariants of two to seven factors, of which several are the same."""
    out = random_functions(rng, mu0, n_elements, n_density, n_base, n_radial, 0, {})
    paths = [((2, 2), (0,)), ((1, 1, 2), (2, 0)), ((1, 2, 3), (3, 0)), ((0, 0, 2, 2), (0, 2, 0)), ((1, 1, 1, 1), (2, 1, 0)),
             ((1, 2, 2, 1), (1, 1, 0)), ((1, 2, 2, 1), (2, 1, 0)), ((0, 1, 1, 1, 1), (1, 0, 1, 0)),
             ((1, 1, 1, 1, 2), (1, 1, 2, 0)), ((1, 1, 1, 1, 1, 1), (1, 2, 1, 1, 0)), ((0, 0, 0, 0, 1, 1), (0, 0, 0, 1, 0)),
             ((0, 0, 0, 1, 1, 1, 1), (0, 0, 1, 2, 1, 0))]  # fmt: skip
    for ls, path in paths:
        for same in (False, True):
            mus = [0 if same else rng.randrange(n_elements) for _ in ls]
            ns = [1 if same else rng.randint(1, n_radial) for _ in ls]
            c = [gauss(rng, 0, 10.0 ** -len(ls)) for _ in range(n_density)]
            terms = [(ms, [x * y for y in c]) for ms, x in chain(ls, path)]
            out.append(function(mu0, mus, ns, list(ls), terms, n_density))
    return out


def plain_bond(rng, n_radial, lmax, n_base, **more):
    """R_nl = g_n"""
    bond = radial_bond(rng, "ChebExpCos", n_radial, lmax, n_base, **more)
    bond["radcoefficients"] = [[[float(k == n) for k in range(n_base)] for _ in range(lmax + 1)] for n in range(n_radial)]
    return bond


def potential(elements, embeddings, bonds, functions, bins=1e-4):
    return {"elements": elements, "E0": [-1.25 - 0.5 * k for k in range(len(elements))], "deltaSplineBins": bins,
            "embeddings": embeddings, "bonds": bonds, "functions": functions}


def embedding(n_density, parameters, kind, core, d_core):
    return {"ndensity": n_density, "FS_parameters": parameters, "npoti": kind, "rho_core_cutoff": core,
            "drho_core_cutoff": d_core}


def cases():
    rng = random.Random(2024)
    pairs = list(itertools.product(range(2), repeat=2))
    # every Chebyshev basis, both embeddings, sizes that differ between bonds, core repulsion that switches PACE off
    bases = {(0, 0): ("ChebExpCos", 3, 3, 4), (0, 1): ("ChebPow", 2, 2, 3), (1, 0): ("ChebPow", 2, 2, 3),
             (1, 1): ("ChebLinear", 2, 3, 2)}
    bonds = {ij: radial_bond(rng, *bases[ij], rcut=4.6 + 0.2 * sum(ij)) for ij in pairs}
    yield "chebyshev", potential(
        ["Ti", "Al"],
        {0: embedding(2, [1.0, 1.0, -0.8, 0.5], "FinnisSinclairShiftedScaled", 3.0, 2.5),
         1: embedding(1, [0.7, 0.8], "FinnisSinclair", 100.0, 20.0)},
        bonds, {mu: random_functions(rng, mu, 2, 2 - mu, 4, 3, 3, {2: 8, 3: 10, 4: 10, 5: 3}) for mu in range(2)}), 2.2
    for inner, shortest in (("distance", 1.6), ("zbl", 1.3)):
        more = {"inner_cutoff_type": inner, "rcut_in": 2.4, "dcut_in": 0.7, "lambdahc": 0.5,
                "prehc": 1.0 if inner == "zbl" else 40.0}
        bonds = {ij: radial_bond(rng, "SBessel", 2, 2, 4, **more) for ij in pairs}
        yield inner, potential(
            ["Cu", "H"], {mu: embedding(1, [1.0, 0.5], "FinnisSinclairShiftedScaled", 1e5, 250.0) for mu in range(2)},
            bonds, {mu: random_functions(rng, mu, 2, 1, 4, 2, 2, {2: 6, 3: 6, 4: 4}) for mu in range(2)}), shortest
    bonds = {ij: radial_bond(rng, "ChebExpCos", 2, 3, 4) for ij in pairs}
    yield "coupled", potential(
        ["Ni", "O"], {mu: embedding(2, [1.0, 1.0, 0.5, 0.5], "FinnisSinclairShiftedScaled", 50.0, 20.0)
                      for mu in range(2)},
        bonds, {mu: coupled_functions(rng, mu, 2, 2, 4, 2, 3) for mu in range(2)}), 2.0
    rng = random.Random(2025)
    bonds = {ij: radial_bond(rng, *bases[ij], rcut=4.6 + 0.2 * sum(ij)) for ij in pairs}
    yield "coarse", potential(
        ["Ti", "Al"], {mu: embedding(2, [1.0, 1.0, 0.5, 0.5], "FinnisSinclairShiftedScaled", 3.0, 2.5)
                       for mu in range(2)},
        bonds, {mu: random_functions(rng, mu, 2, 2, 4, 3, 3, {2: 6, 3: 6, 4: 4}) for mu in range(2)}, 0.03), 2.2
    # radial functions that need no coefficients, many elements, linear; rank 1 beyond the radial functions in the second
    for name, n_base in (("plain", 5), ("wide", 10)):
        bonds = {ij: plain_bond(rng, 5, 2, n_base, prehc=0.0 if name == "plain" else 90.0)
                 for ij in itertools.product(range(3), repeat=2)}
        yield name, potential(
            ["Ti", "Al", "V"], {mu: embedding(1, [1.0, 1.0], "FinnisSinclair", 1e5, 250.0) for mu in range(3)},
            bonds, {mu: random_functions(rng, mu, 3, 1, n_base, 5, 2, {2: 8, 3: 6, 4: 6}) for mu in range(3)},
            0.05), 2.0
    rng = random.Random(2026)
    bonds = {ij: radial_bond(rng, "ChebExpCos", 2, 3, 3) for ij in pairs}
    yield "products", potential(
        ["Ni", "O"], {0: embedding(2, [1.0, 1.0, 0.5, 0.5], "FinnisSinclairShiftedScaled", 50.0, 20.0),
                      1: embedding(1, [1.0, 1.0], "FinnisSinclair", 50.0, 20.0)},
        bonds, {mu: product_functions(rng, mu, 2, 2 - mu, 3, 2) for mu in range(2)}), None  # on the atoms of `coupled`


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return f"{value:.16g}" if isinstance(value, float) else str(value)


def write_yace(path, p):
    lines = [f"{key}: {flow(p[key])}" for key in ("elements", "E0", "deltaSplineBins")]
    for key in ("embeddings", "bonds"):
        lines += [f"{key}:"] + [f"  {flow(k)}: {flow(v)}" for k, v in p[key].items()]
    lines.append("functions:")
    for mu, functions in p["functions"].items():
        lines += [f"  {mu}:"] + [f"    - {flow(f)}" for f in functions]
    path.write_text("\n".join(lines) + "\n")


def write_structure(path, rng, symbols, shortest):
    """Atoms thrown into a skewed cell that is smaller than twice the cutoff, no two closer than `shortest`."""
    cell = [[6.1, 0.2, -0.1], [0.7, 5.8, 0.3], [-0.4, 0.5, 6.3]]
    atoms = []
    while len(atoms) < 10:
        f = [rng.random() for _ in range(3)]
        x = [round(sum(f[k] * cell[k][c] for k in range(3)), 6) for c in range(3)]
        images = [[y[c] + sum(s[k] * cell[k][c] for k in range(3)) for c in range(3)]
                  for _, y in atoms for s in itertools.product((-1, 0, 1), repeat=3)]
        if all(math.dist(x, y) > shortest for y in images):
            atoms.append((symbols[len(atoms) % len(symbols)], x))
    lines = [str(len(atoms)), " ".join(str(c) for row in cell for c in row)]
    path.write_text("\n".join(lines + [f"{s} {x[0]} {x[1]} {x[2]}" for s, x in atoms]) + "\n")


def main():
    if len(sys.argv) == 3:
        name, answers = sys.argv[1:]
        lines = (HERE / f"{name}.in").read_text().split("\n")
        cell, atoms = list(map(float, lines[1].split())), [line.split() for line in lines[2:] if line]
        case = {"elements": [a[0] for a in atoms], "positions": [list(map(float, a[1:])) for a in atoms],
                "cell": [cell[0:3], cell[3:6], cell[6:9]]}
        given = json.loads(pathlib.Path(answers).read_text())
        case.update({key: given[key] for key in ("energy", "virial", "node_energy", "forces")})
        (HERE / f"{name}.json").write_text(json.dumps(case) + "\n")
        return
    for name, p, shortest in cases():
        write_yace(HERE / f"{name}.yace", p)
        if shortest:
            write_structure(HERE / f"{name}.in", random.Random(name), p["elements"], shortest)


if __name__ == "__main__":
    main()
