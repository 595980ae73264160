#!/usr/bin/env python3
"""Prints the tables of README, docs/benchmarks.md, docs/performance.md and docs/scaling.md from results.csv and
results/*.csv.

    bench/programs/table.py [NAME ...]     all of them, or those named
    bench/programs/table.py --update       into these files, between <!-- bench/programs/table.py NAME --> and <!-- end -->

Standard library only."""

import argparse
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import delayed
import halo_steps
import sum_ranks
from machine import ROOT, markdown, read, results_of

FILES = ("README.md", "docs/benchmarks.md", "docs/performance.md", "docs/scaling.md")
ENGINES = {
    ("frozentl eval", "double"): "FrozenTL `eval`, double",
    ("frozentl eval", "mixed"): "FrozenTL `eval`, mixed",
    ("frozentl in LAMMPS", "double"): "FrozenTL in LAMMPS, double",
    ("frozentl in LAMMPS", "mixed"): "FrozenTL in LAMMPS, mixed",
    ("symmetrix", "float64"): "symmetrix-xl, float64",
    ("symmetrix", "float32"): "symmetrix-xl, float32",
    ("mace-torch", "float64"): "mace-torch, float64",
    ("mace-torch", "float32"): "mace-torch, float32",
    ("sevenn", "float64"): "sevenn, float64",
    ("sevenn", "float32"): "sevenn, float32",
    ("ML-PACE product", "double"): "ML-PACE, product form",
    ("ML-PACE recursive", "double"): "ML-PACE, recursive form",
    ("ace-jax kernel", "double"): "ace-jax, its C++ kernel",
    ("ace-jax calculator", "double"): "ace-jax, its ASE calculator",
    ("fine-tuned model", "double"): "the fine-tuned model, double",
    ("fine-tuned model", "mixed"): "the fine-tuned model, mixed",
    ("frozentl", "double"): "FrozenTL, double",
    ("frozentl", "mixed"): "FrozenTL, mixed",
    ("mace-torch", "double"): "mace-torch, float64",
    ("mace-torch", "mixed"): "mace-torch, float32",
    ("sevenn", "mixed"): "sevenn, float32",
}

RIVALS = {"symmetrix": "symmetrix-xl", "sevenn": "sevenn"}


def results(name):
    return read(results_of(name))


def by_engine(rows, case_of, cell):
    """Engines down, cases across."""
    cases = list(dict.fromkeys(map(case_of, rows)))
    found = {(r["engine"], r["precision"], case_of(r)): r for r in rows}
    shown = [k for k in ENGINES if any((*k, c) in found for c in cases)]
    return markdown(
        ["", *cases], ([ENGINES[k], *(cell(found[(*k, c)]) if (*k, c) in found else "-" for c in cases)] for k in shown)
    )


def stamp(rows):
    """Where and when: one line for each different answer."""
    for where in dict.fromkeys((r["cpu"], r["date"], r["commit"]) for r in rows):
        loads = [float(r["load"]) for r in rows if (r["cpu"], r["date"], r["commit"]) == where and r.get("load")]
        yield "{}, {}, commit {}".format(*where) + (f", load before it up to {max(loads)}" if loads else "")


def short(value, digits=3):
    return f"{float(value):,.0f}" if float(value) >= 100 else f"{float(value):.{digits}g}"


def inference(cores="1", table="inference"):
    return [r for r in results(table) if r["cores"] == cores]


def crystal(r):
    return f"{r['model']}, {r['atoms']} atoms"


def of_family(rows, sevennet):
    return [r for r in rows if r["model"].startswith("sevennet") == sevennet]


def faster(r):
    times = r["times_faster_than_rival"] if r["engine"].startswith("frozentl") else ""
    return short(r["ms_per_atom_step"]) + (f" ({float(times):.1f}x)" if times else "")


def speed(sevennet=False):
    return by_engine(of_family(inference(), sevennet), crystal, faster)


def speed_sevennet():
    return speed(True)


def two_cores():
    return by_engine(inference("2"), crystal, lambda r: short(r["ms_per_atom_step"]))


def speed_avx2():
    return by_engine(of_family(inference(table="inference-avx2"), False), crystal, faster)


def elements():
    return by_engine(results("elements"), lambda r: f"{r['model']}, {r['elements']}", faster)


def targets():
    rows = [r for r in inference() if r.get("target")]
    return markdown(
        ["model", "engine", "rival", "times faster than it", "than its float64", "target", "met"],
        (
            [
                crystal(r),
                ENGINES[r["engine"], r["precision"]],
                RIVALS[r["rival"]],
                f"{float(r['times_faster_than_rival']):.2f}",
                f"{1 / float(r['ratio_to_rival_float64']):.2f}",
                r["target"],
                r["met"],
            ]
            for r in rows
        ),
    )


def memory():
    rows = [r for r in inference() if r["bytes_per_atom"]]
    return by_engine(rows, crystal, lambda r: f"{float(r['bytes_per_atom']) / 1000:,.1f}")


def training():
    def cell(r):
        return short(r["cpu_ms_per_atom_step"]) + (
            f" ({short(r['times_faster_than_rival'], 2)}x)" if r["engine"] == "frozentl" else ""
        )

    return by_engine(
        [r for r in results("training") if r["cores"] == "1"], lambda r: f"{r['model']}, {r['freeze']}", cell
    )


def surrogates():
    rows = results("surrogate")
    two = {(r["potential"], r["engine"], r["precision"]): r for r in rows if r["cores"] == "2"}

    def one(r):
        return f"{short(r['us_per_atom_step'])} ({short(r['times_faster_than_ml_pace'], 2)}x)"

    def cell(r):
        pair = two.get((r["potential"], r["engine"], r["precision"]))
        return one(r) + (f" / {one(pair)}" if pair else "")

    return by_engine([r for r in rows if r["cores"] == "1"], lambda r: f"`{r['potential']}`, {r['atoms']} atoms", cell)


def surrogate_fit():
    def row(r):
        errors = [r["meV_per_atom"] or "-", r["meV_per_A"] or "-"]
        fit = short(r["fit_s"]) if r["fit_s"] else "-"
        name = f"{ENGINES[r['engine'], r['precision']]}, degree {r['degree']}"
        step = f"{short(r['us_per_atom_step'])} ({short(r['times_frozentl_double'], 2)})"
        return [name, r["functions"] or "-", fit, *errors, step]

    return markdown(
        ["", "functions", "fit, s", "meV/atom", "meV/Å", "µs per atom and step"], map(row, results("surrogate-fit"))
    )


def scaling(*tables):
    return [r for r in results("scaling") if r["table"] in tables]


def linear():
    return markdown(
        ["atoms", "precision", "µs per atom and step", "ratio to the smallest", "target", "met"],
        (
            [
                f"{int(r['atoms']):,}",
                r["precision"],
                f"{1000 * float(r['ms_per_atom_step']):.1f}",
                r["ratio"],
                f"below {r['target']}" if r["target"] else "",
                r["met"],
            ]
            for r in scaling("linear")
        ),
    )


def models():
    return markdown(
        [
            "model",
            "precision",
            "atoms",
            "resident, bytes per atom",
            "workspace, bytes per atom",
            "peak, MB",
            "target",
            "met",
        ],
        (
            [
                r["model"],
                r["precision"],
                f"{int(r['atoms']):,}",
                f"{int(r['bytes_per_atom_resident']):,}",
                f"{int(r['bytes_per_atom_workspace']):,}",
                f"{int(r['peak_MB']):,}",
                r["target"],
                r["met"],
            ]
            for r in scaling("memory")
        ),
    )


def million():
    return markdown(
        ["program", "atoms", "cores", "seconds in all", "peak resident, GiB", "target", "met"],
        (
            [
                ENGINES[r["engine"], r["precision"]],
                f"{int(r['atoms']):,}",
                r["cores"],
                f"{float(r['ms_per_atom_step']) * int(r['atoms']) / 1000:.0f}",
                f"{int(r['peak_MB']) / 1024:.2f}",
                f"{int(r['target']) // 1024}",
                r["met"],
            ]
            for r in scaling("million")
        ),
    )


def parallel():
    names = {"threads": "threads, `eval`", "strong": "MPI ranks, the same crystal", "weak": "MPI ranks, a crystal each"}
    header = ["", "model", "precision", "atoms", "µs per atom and step", "in LAMMPS' exchange", "times the work of one"]
    rows = (
        [
            f"{r['cores']} {names[r['table']]}",
            r["model"],
            r["precision"],
            f"{int(r['atoms']):,}",
            f"{1000 * float(r['ms_per_atom_step']):.2f}",
            f"{100 * float(r['comm_part']):.1f} %" if r["comm_part"] else "",
            f"{float(r['ratio']):.2f}",
            r["target"],
            r["met"],
        ]
        for r in scaling(*names)
    )
    return markdown([*header, "target", "met"], rows)


def halo():
    ms = halo_steps.measured("mp0a-small", "double")
    return halo_steps.table("mp0a-small", "double", ms, halo_steps.network_of(**halo_steps.HDR)) if ms else ()


def startup():
    """Models down; two elements of them, and mace-torch's loading of all."""
    rows = results("startup")
    columns = (
        (".ftl, double", "frozentl", ".ftl", "H,Cu", "double"),
        (".ftl, mixed", "frozentl", ".ftl", "H,Cu", "mixed"),
        (".model, double", "frozentl", ".model", "H,Cu", "double"),
        ("all elements, .ftl, double", "frozentl", ".ftl", "all", "double"),
        ("mace-torch, float64", "mace-torch", ".model", "all", "float64"),
    )
    found = {(r["model"], r["engine"], r["file"], r["elements"], r["precision"]): r for r in rows}

    def cell(r):
        held = f" ({float(r['held_mb']):.0f} MB)" if r and r["held_mb"] else ""
        return f"{1000 * float(r['open_seconds']):.0f}{held}" if r else "-"

    size = {r["model"]: r["file_mb"] for r in rows if r["file"] == ".model"}
    return markdown(
        ["model", *(c[0] for c in columns)],
        ([f"{m}, {size[m]} MB", *(cell(found.get((m, *c[1:]))) for c in columns)] for m in size),
    )


def ceiling():
    rows = results("ceiling")
    number = {(r["what"], r["precision"], r["cores"]): f"{float(r['value']):.0f} {r['unit']}" for r in rows}
    counts = list(dict.fromkeys(r["cores"] for r in rows))
    lines = list(dict.fromkeys((r["what"], r["precision"]) for r in rows))
    label = {"double": ", float64", "mixed": ", float32"}
    yield from markdown(
        ["", *("one core" if c == "1" else f"{c} cores" for c in counts)],
        (
            [what + (label[p] if what == "multiply-add" else ""), *(number.get((what, p, c), "-") for c in counts)]
            for what, p in lines
        ),
    )


def stages():
    rows = results("stages")
    found = {(r["model"], r["precision"], r["layer"], r["stage"]): r for r in rows}
    total = {}
    for r in rows:
        key = r["model"], r["precision"]
        total[key] = total.get(key, 0) + float(r["us_per_atom"])

    def cell(model, precision, layer, stage):
        r = found.get((model, precision, layer, stage))
        if not r:
            return ["-"] * 3
        if float(r["us_per_atom"]) < 0.01 * total[model, precision] or not float(r["flops_per_atom"]):
            return [f"{float(r['us_per_atom']):.1f}", "", ""]
        return [f"{float(r['us_per_atom']):.1f}", f"{float(r['gflops']):.0f}", f"{float(r['of_peak']):.0%}"]

    lines = []
    for model, layer, stage in dict.fromkeys((r["model"], r["layer"], r["stage"]) for r in rows):
        both = [found.get((model, p, layer, stage)) for p in ("double", "mixed")]
        if any(r and float(r["us_per_atom"]) >= 0.01 * total[model, r["precision"]] for r in both):
            r = both[0] or both[1]
            sizes = [f"{float(r['flops_per_atom']) / 1e3:.0f}", f"{float(r['bytes_per_atom']) / 1e3:.0f}"]
            values = [x for p in ("double", "mixed") for x in cell(model, p, layer, stage)]
            lines.append([f"{model} {layer} {stage}", *sizes, *values])
    header = ["model, layer, stage", "kflop", "kB", "double, µs", "GFLOP/s", "of peak", "mixed, µs", "GFLOP/s", "of peak"]
    yield from markdown(header, lines)


TABLES = {
    "speed": (
        speed,
        "inference",
        "ms per atom and MD step on one core; in brackets how many times faster than symmetrix-xl in the same precision",
    ),
    "speed-sevennet": (
        speed_sevennet,
        "inference",
        "ms per atom and MD step on one core; in brackets how many times faster than sevenn in the same precision",
    ),
    "speed-avx2": (
        speed_avx2,
        "inference-avx2",
        "ms per atom and MD step on one core with AVX2; in brackets how many times faster than symmetrix-xl",
    ),
    "elements": (
        elements,
        "elements",
        "ms per atom and MD step on one core against the number of elements; in brackets how many times faster than symmetrix-xl",
    ),
    "targets": (targets, "inference", "what this project has set itself, one core"),
    "two-cores": (two_cores, "inference", "ms per atom and MD step on two cores"),
    "memory": (memory, "inference", "peak memory, kB per atom, one core"),
    "training": (
        training,
        "training",
        "ms of processor time per atom and optimiser step, one core; times faster than mace-torch or sevenn",
    ),
    "ceiling": (ceiling, "ceiling", "the machine's ceiling"),
    "stages": (stages, "stages", "µs per atom of each stage, GFLOP/s, and part of the peak in multiply-adds, one core"),
    "startup": (
        startup,
        "startup",
        "ms of processor time to open a model for H and Cu, one core; in brackets what it then holds",
    ),
    "surrogates": (
        surrogates,
        "surrogate",
        "µs per atom and MD step on one core / on two; times faster than ML-PACE's faster form",
    ),
    "surrogate-fit": (
        surrogate_fit,
        "surrogate-fit",
        "linear fits of silicon beside ace-jax, one core; in brackets times FrozenTL's step in double",
    ),
    "linear": (linear, "scaling", "mp0a-small, one core, processor time: cost against the number of atoms"),
    "models": (models, "scaling", "memory of each model, one core"),
    "parallel": (parallel, "scaling", "threads and ranks"),
    "million": (million, "scaling", "one evaluation of a million atoms of mp0a-small in double"),
    "halo": (halo, "inference", "a model of large runs: mp0a-small, double (bench/programs/halo_model)"),
    "training-ranks": (sum_ranks.measured, "training_ranks", "ms of one sum over ranks that share the cores of this machine"),
    "training-ranks-model": (sum_ranks.model, "training", "a model of training on many ranks (bench/programs/training_ranks)"),
    "delayed-mpi": (delayed.table, "delayed_mpi", "a step's waiting for a slow network, and the model's (bench/programs/delayed_mpi)"),
    "halo-check": (
        halo_steps.check,
        "scaling",
        "the same model beside what was measured on one rank and two (double)",
    ),
}


FAMILIES = {"speed": False, "speed-sevennet": True}
ON_CORES = {"speed": "1", "speed-sevennet": "1", "targets": "1", "memory": "1", "halo": "1", "two-cores": "2"}
KINDS = {"models": ("memory",), "parallel": ("threads", "strong", "weak"), "halo-check": ("strong", "weak")}


def rows_of(name):
    """What a table is made from."""
    rows = results(TABLES[name][1])
    if name in FAMILIES:
        rows = of_family(rows, FAMILIES[name])
    if name in ON_CORES:
        rows = [r for r in rows if r["cores"] == ON_CORES[name]]
    if name == "halo":
        rows = [r for r in rows if r["model"] == "mp0a-small"]
    return [r for r in rows if r.get("table", name) in KINDS.get(name, (name,))]


def update(path):
    with open(path) as f:
        old = f.read()

    def block(match):
        name = match.group(1)
        if name not in TABLES:
            sys.exit(f"{path}: no table {name}")
        lines = list(TABLES[name][0]())
        if len(lines) <= 2:
            return f"<!-- bench/programs/table.py {name} -->\n\n*Not measured yet.*\n\n<!-- end -->"
        when = "; ".join(stamp(rows_of(name)))
        return f"<!-- bench/programs/table.py {name} -->\n\n" + "\n".join(lines) + f"\n\n*{when}*\n\n<!-- end -->"

    new = re.sub(r"<!-- bench/programs/table\.py ([a-z0-9-]+) -->\n.*?<!-- end -->", block, old, flags=re.S)
    if new != old:
        with open(path, "w") as f:
            f.write(new)
        print(f"updated {os.path.relpath(path, ROOT)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TABLES))
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    if args.update:
        for path in FILES:
            update(os.path.join(ROOT, path))
        return 0
    for name in args.names or TABLES:
        lines = list(TABLES[name][0]())
        if len(lines) > 2:
            when = "".join(f"({line})\n" for line in stamp(rows_of(name)))
            print(f"\n{TABLES[name][2]}\n{when}\n" + "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
