"""Molybdenum's C11 and C44 from energies of strained cells alone: DFT's, by the labels of ../shared/data/mlearn, and those of any
potential on the very same structures.

The set has bcc cells of 54 atoms, a little displaced, strained by up to 10 % along x, y or z, or sheared by up to 10 % in yz, xz
or xy: 60 structures in six families. Nothing in it strains two axes at once, so that there is no C12. In Lagrangian strains

    (E - E0) / V0 = s e + C11 / 2 e^2 + a e^3 + b e^4               e along one axis, s the stress the lattice constant has
    (E - E0) / V0 = s tr(e) + C44 / 2 g^2 + c g^4                   g = 2 e_xy

are fitted to the energies per atom. The error is that of the fit: the atoms' displacements scatter the energies by a third of a meV.
"""

import csv
import json
import os
import re
import subprocess

import numpy as np

from measure import EV_PER_A3, ROOT

DATA = os.path.join(ROOT, "..", "shared", "data", "mlearn")
FILES = [os.path.join(DATA, f"Mo_{part}.xyz") for part in ("training", "test")]
KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results", "labels.csv")
COLUMNS = ("energies of", "constant", "GPa", "error", "structures")
DFT = "DFT (labels)"
CELL = 9.5027  # Angstrom: three lattice constants
ATOMS = 54


def strained(path):
    """Every frame of the file: None, or (Lagrangian strain, energy per atom) of a strained cell."""
    with open(path) as f:
        while line := f.readline():
            n, comment = int(line), f.readline()
            for _ in range(n):
                f.readline()
            if "config_type=Elastic" not in comment or n != ATOMS:
                yield None
                continue
            gradient = np.array(re.search(r'Lattice="([^"]*)"', comment).group(1).split(), float).reshape(3, 3).T / CELL
            yield (gradient.T @ gradient - np.eye(3)) / 2, float(re.search(r"REF_energy=(\S+)", comment).group(1)) / n


def constants(strains, energies):
    """name -> (GPa, its standard error, structures)"""
    strains, energies = np.array(strains), np.array(energies) / (CELL**3 / ATOMS) * EV_PER_A3  # GPa
    shears = np.abs(strains[:, (1, 0, 0), (2, 2, 1)]).max(axis=1)
    along = shears < 1e-4
    e = np.array([strain.diagonal()[np.abs(strain.diagonal()).argmax()] for strain in strains[along]])
    stress, c11, error = fit(np.stack([np.ones_like(e), e, e**2 / 2, e**3, e**4]).T, energies[along], 1, 2)
    across = ~along | (np.abs(e_of(strains)) < 1e-4)  # sheared, and the cell without strain
    g = 2 * shears[across]
    rest = energies[across] - stress * np.trace(strains[across], axis1=1, axis2=2)
    _, c44, error44 = fit(np.stack([np.ones_like(g), g**2 / 2, g**4]).T, rest, 0, 1)
    return {"C11": (c11, error, len(e)), "C44": (c44, error44, len(g))}


def e_of(strains):
    return np.abs(strains).max(axis=(1, 2))


def fit(terms, values, *places):
    """Least squares: the coefficients at the two places, and the error of the second."""
    solution = np.linalg.lstsq(terms, values, rcond=None)[0]
    left = values - terms @ solution
    variance = left @ left / (len(values) - terms.shape[1])
    scale = np.linalg.norm(terms, axis=0)  # so that the inverse is a good one
    covariance = variance * np.linalg.inv((terms / scale).T @ (terms / scale)) / np.outer(scale, scale)
    return solution[places[0]], solution[places[1]], np.sqrt(covariance[places[1], places[1]])


def compare(frozentl, potentials, folder):
    """Rows of labels.csv: the labels', and each potential's; None without the data."""
    if not all(map(os.path.exists, FILES)):
        return None
    frames = [frame for path in FILES for frame in strained(path)]
    chosen = [frame for frame in frames if frame]
    strains = [strain for strain, _ in chosen]
    found = {DFT: constants(strains, [energy for _, energy in chosen])}
    for label, potential in potentials.items():
        answers = []
        for path in FILES:
            out = os.path.join(folder, "answers.json")
            subprocess.run([frozentl, "eval", "-q", "-t", "1", potential, path, "--json", out], check=True, stdout=subprocess.DEVNULL)
            with open(out) as f:
                answers += json.load(f)
        found[label] = constants(strains, [answer["energy"] / ATOMS for answer, frame in zip(answers, frames) if frame])
    return [[label, name, f"{value:.4g}", f"{error:.2g}", str(n)] for label, of in found.items() for name, (value, error, n) in of.items()]


def kept(path=KEPT):
    """energies of -> constant -> (GPa, error)"""
    found = {}
    if os.path.exists(path):
        with open(path, newline="") as f:
            for label, name, value, error, _ in list(csv.reader(f))[1:]:
                found.setdefault(label, {})[name] = float(value), float(error)
    return found


def table(rows):
    yield "\n**Molybdenum, from the energies of the same strained cells**, GPa; in brackets the error of the fit\n"
    labels = list(dict.fromkeys(row[0] for row in rows))
    yield "| | " + " | ".join(labels) + " |"
    yield "| --- |" + " ---: |" * len(labels)
    for name in ("C11", "C44"):
        cells = [f"{float(row[2]):.0f} ({float(row[3]):.1f})" for label in labels for row in rows if row[:2] == [label, name]]
        yield f"| {name} | " + " | ".join(cells) + " |"
