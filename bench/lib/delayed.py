"""The tables of programs/delayed_mpi: what a step waits for its messages, beside the model of large runs. Standard library only."""

import math

from halo_steps import MODELS, Network, step_of
from machine import STAMP, markdown, read, results_of
from structures import LATTICE

RESULTS = results_of("delayed_mpi")
KEY = ("model", "precision", "ranks", "part")
COLUMNS = (*STAMP, *KEY, "atoms", "MB_per_s", "compute_ms", "step_ms", "exposed_ms", "sent_kB")
LATENCY = 2e-6


CELLS = 8  # along each edge of a rank's box
GRIDS = {2: (2, 1, 1), 4: (2, 2, 1)}


def modelled(model, precision, atoms, ranks, compute, latency, bandwidth):
    """The model's step: compute is a rank's seconds."""
    edges = [CELLS * LATTICE * n for n in GRIDS[ranks]]
    ms = 1e3 * compute * ranks / atoms
    return step_of(MODELS[model], precision, atoms, ranks, ms, Network(latency, bandwidth), atoms / math.prod(edges), edges)


def table():
    header = ("model", "ranks", "one way, of a step", "computing, ms", "rows both ways, ms", "not hidden, ms: measured", "model", "model, nothing hidden")
    rows = []
    for r in read(RESULTS):
        if not r["MB_per_s"]:
            continue
        s = modelled(r["model"], r["precision"], int(r["atoms"]), int(r["ranks"]), 1e-3 * float(r["compute_ms"]), LATENCY, 1e6 * float(r["MB_per_s"]))
        rows.append([r["model"], r["ranks"], r["part"], r["compute_ms"], f"{1e3 * s.halo:.1f}", r["exposed_ms"], f"{1e3 * (s.total - s.compute):.1f}", f"{1e3 * (s.open_total - s.compute):.1f}"])  # fmt: skip
    return markdown(header, rows)
