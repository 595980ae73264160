"""Sums of gradients over ranks: the tables of programs/training_ranks. Standard library only."""

from halo_steps import HDR, network_of
from machine import markdown, read, results_of

NUMBERS = (1, 1000, 75920, 842440)
ATOMS = 31  # of a structure of tialv
MODEL = "sevennet-0"


def measured():
    rows = {(r["numbers"], r["ranks"]): r["ms"] for r in read(results_of("training_ranks"))}
    ranks = sorted({r for _, r in rows}, key=int)
    return markdown(
        ["numbers", *(f"{r} ranks" for r in ranks)],
        ([f"{n:,}", *(rows.get((str(n), r), "") for r in ranks)] for n in NUMBERS),
    )


def step():
    """Milliseconds of a structure on one core, or None."""
    for r in read(results_of("training")):
        if (r["model"], r["freeze"], r["precision"], r["engine"], r["cores"]) == (MODEL, "f0", "mixed", "frozentl", "1"):
            return ATOMS * float(r["ms_per_atom_step"])
    return None


def model():
    compute, network, n = step(), network_of(**HDR), NUMBERS[-1]
    if not compute:
        return ["no training time of " + MODEL + " in bench/results/training.csv: run bench/programs/training"]
    rows = []
    for ranks in (1, 4, 16, 64, 256, 1024):
        others = ranks - 1
        sliced = 2e3 * (others * network.latency + 8 * n * others / ranks / network.bandwidth)
        first = 2e3 * 8 * n * others / network.bandwidth
        rows.append([f"{ranks:,}", f"{compute:.1f}", f"{sliced:.1f}", f"{100 * compute / (compute + sliced):.0f} %", f"{first:,.0f}"])
    return list(
        markdown(["ranks", "structure, ms", "sum in slices, ms", "part that is compute", "all through rank 0, ms"], rows)
    )
