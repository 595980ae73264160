#!/usr/bin/env python3
"""Prints README's speed and memory tables from bench/results.csv, which bench/inference makes, and that of PACE potentials from
bench/results-surrogate.csv, which bench/surrogate makes. Standard library only."""

import csv
import os

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "results.csv")
SURROGATES = os.path.join(HERE, "results-surrogate.csv")
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


def surrogates():
    with open(SURROGATES, newline="") as f:
        rows = list(csv.DictReader(f))
    times = ("times_faster_than_ml_pace", "times_faster_than_fine_tuned")
    for cores in sorted({r["cores"] for r in rows}):
        mine = [r for r in rows if r["cores"] == cores]
        stamps = sorted({(r["cpu"], r["date"], r["commit"], r["load"]) for r in mine})
        print("\nPACE potentials, cores:", cores, *(f"({cpu}, {date}, commit {c}, load {load})" for cpu, date, c, load in stamps))
        print("\n| potential, atoms | engine | µs per atom and step | times faster than ML-PACE | than the fine-tuned model |")
        print("| --- | --- | ---: | ---: | ---: |")
        for r in mine:
            print(f"| {r['potential']}, {r['atoms']} | {r['engine']}, {r['precision']} | {r['us_per_atom_step']} | "
                  + " | ".join(r[t] or "-" for t in times) + " |")  # fmt: skip


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
    if os.path.exists(SURROGATES):
        surrogates()


if __name__ == "__main__":
    main()
