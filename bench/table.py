#!/usr/bin/env python3
"""Prints README's speed and memory tables from bench/results.csv, which bench/inference makes. Standard library only."""

import csv
import os

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results.csv")
ENGINES = (
    ("FrozenTL `eval`, double", "frozentl eval", "double"),
    ("FrozenTL in LAMMPS, double", "frozentl in LAMMPS", "double"),
    ("FrozenTL in LAMMPS, mixed", "frozentl in LAMMPS", "mixed"),
    ("symmetrix-xl, float64", "symmetrix", "float64"),
    ("symmetrix-xl, float32", "symmetrix", "float32"),
    ("mace-torch, float64", "mace-torch", "float64"),
    ("mace-torch, float32", "mace-torch", "float32"),
)


def table(rows, cases, cell):
    print("| | " + " | ".join(f"{model}, {atoms} atoms" for model, atoms in cases) + " |")
    print("| --- |" + " ---: |" * len(cases))
    for label, engine, precision in ENGINES:
        found = [rows.get((model, atoms, engine, precision)) for model, atoms in cases]
        print(f"| {label} | " + " | ".join(cell(r) if r else "-" for r in found) + " |")


def time_and_ratio(row):
    ms, ratio = float(row["ms_per_atom_step"]), float(row["ratio_to_symmetrix_float64"])
    return f"{ms:.{2 if ms < 10 else 1}f} ({ratio:.{2 if ratio < 10 else 0}f})"


def kilobytes(row):
    kb = float(row["bytes_per_atom"]) / 1000
    return f"{kb:,.0f}"


def main():
    with open(RESULTS, newline="") as f:
        everything = list(csv.DictReader(f))
    one = {(r["model"], r["atoms"], r["engine"], r["precision"]): r for r in everything if r["cores"] == "1"}
    cases = list(dict.fromkeys((r["model"], r["atoms"]) for r in one.values()))
    print(f"{everything[0]['cpu']}, {everything[0]['date']}, commit {everything[0]['commit']}\n")
    print("ms per atom and step (ratio to symmetrix-xl in float64), one core\n")
    table(one, cases, time_and_ratio)
    print("\npeak memory, kB per atom, one core\n")
    table(one, cases, kilobytes)


if __name__ == "__main__":
    main()
