"""A step of one rank among many: what programs/halo_model prints and programs/charts draws. Standard library only."""

import dataclasses
import math
import os

from halo_formula import count, grid_of, halo_rows, inner_part, lammps_ghosts, neighbours
from machine import markdown, read, results_of
from structures import LATTICE, Crystal

DENSITY = 4 * 1.02 / 3.615**3  # atoms per cubic Angstrom of bench/lib/structures.py
SKIN = 1.0


@dataclasses.dataclass
class Model:
    row: int  # numbers that a node has in a row, after linear_up
    cutoff: float
    exchanges: int = 1  # layers - 1, each forward and back


MODELS = {
    "mp0a-small": Model(128, 6),
    "mp0a-medium": Model(512, 6),
    "mp0b3-medium": Model(512, 6),
    "mp0a-large": Model(1152, 6),
    "h2cu": Model(16, 5), # the published one; the next is that of potentials/
    "h2cu.ftl": Model(128, 5),
}
REAL = {"double": 8, "mixed": 4}
# What of an atom's time its inner receivers take while rows are under way: the first layer forward, the last layer.
HIDES = {"forward": 0.15, "back": 0.5}


@dataclasses.dataclass
class Network:
    latency: float  # s
    bandwidth: float  # bytes/s of one rank


@dataclasses.dataclass
class Step:
    """Of one rank."""

    grid: tuple
    atoms: float
    rows: float
    ghosts: float
    halo_bytes: float
    compute: float  # seconds
    halo: float
    hidden: float
    rest: float  # LAMMPS' exchange and reduction

    @property
    def open_total(self):
        return self.compute + self.halo + self.rest

    @property
    def total(self):
        return self.compute + self.halo - self.hidden + self.rest


def step_of(model, precision, atoms, ranks, ms_per_atom, network, density=DENSITY, edges=None):
    edges = edges or [(atoms / density) ** (1 / 3)] * 3
    grid = grid_of(ranks, edges)
    box, reach = [e / g for e, g in zip(edges, grid)], model.cutoff + SKIN
    rows, ghosts, peers = (
        halo_rows(density, box, grid, reach),
        lammps_ghosts(density, box, reach),
        neighbours(box, grid, reach),
    )
    one_way = peers * network.latency + rows * model.row * REAL[precision] / network.bandwidth
    compute = 1e-3 * ms_per_atom * atoms / ranks
    inner = inner_part(box, grid, reach) * compute
    hidden = model.exchanges * sum(min(one_way, inner * part) for part in HIDES.values())
    swaps = sum(2 * math.ceil(reach / b) for b, g in zip(box, grid) if g > 1)
    foreign = ghosts if ranks > 1 else 0
    rest = (
        2 * (swaps * network.latency + foreign * 24 / network.bandwidth)
        + 2 * math.ceil(math.log2(ranks)) * network.latency
    )
    return Step(
        grid,
        atoms / ranks,
        rows,
        ghosts,
        2 * model.exchanges * rows * model.row * REAL[precision],
        compute,
        2 * model.exchanges * one_way,
        hidden,
        rest,
    )


def measured(name, precision):
    """ms per atom and step in LAMMPS on one core, of the largest crystal, or None."""
    rows = [
        r
        for table in ("inference", "scaling")
        for r in read(results_of(table))
        if (r["model"], r["precision"], r["engine"], r["cores"]) == (name, precision, "frozentl in LAMMPS", "1")
        and r.get("table", "strong") == "strong"
    ]
    return float(max(rows, key=lambda r: int(r["atoms"]))["ms_per_atom_step"]) if rows else None


HDR = dict(latency=2.0, node_bandwidth=25.0, ranks_per_node=64)  # microseconds, GB/s


def network_of(latency, node_bandwidth, ranks_per_node):
    return Network(1e-6 * latency, 1e9 * node_bandwidth / ranks_per_node)


CASES = [(10**n, 10**p) for n in (6, 7, 8, 9) for p in (2, 3, 4, 5) if 100 <= 10 ** (n - p) <= 100000]


COLUMNS = (
    "atoms",
    "ranks",
    "atoms per rank",
    "halo rows per rank",
    "MB sent per rank and step",
    "compute, ms",
    "halo, ms",
    "hidden, ms",
    "rest, ms",
    "step, ms",
    "part that is compute",
)


def table(name, precision, ms, network):
    def row(atoms, ranks):
        s = step_of(MODELS[name], precision, atoms, ranks, ms, network)
        times = [f"{1e3 * t:.2f}" for t in (s.halo, s.hidden, s.rest)]
        return [
            f"10^{round(math.log10(atoms))}",
            f"10^{round(math.log10(ranks))}",
            f"{s.atoms:,.0f}",
            f"{s.rows:,.0f}",
            f"{s.halo_bytes / 1e6:.2f}",
            f"{1e3 * s.compute:.1f}",
            *times,
            f"{1e3 * s.total:.1f}",
            f"{100 * s.compute / s.total:.1f} %",
        ]

    return markdown(COLUMNS, (row(*case) for case in CASES))


LOCAL = Network(1e-6, 5e9)  # two ranks that share memory


CHECKED = (
    "model",
    "atoms",
    "ranks",
    "LAMMPS' ghosts per rank",
    "counted",
    "formula",
    "formula, by lattice planes",
    "halo rows per rank, counted",
    "formula",
    "halo MB per rank and step",
    "µs per atom, measured",
    "formula",
)


def check():
    """Rows of results/scaling.csv on ranks, beside the formulas."""
    rows = [r for r in read(results_of("scaling")) if r["table"] in ("strong", "weak")]
    rows = [r for r in rows if r["precision"] == "double"]
    counted = {}

    def line(r):
        one = next(q for q in rows if q["cores"] == "1" and (q["table"], q["model"]) == (r["table"], r["model"]))
        ranks, atoms, model, ms = int(r["cores"]), int(r["atoms"]), MODELS[r["model"]], float(one["ms_per_atom_step"])
        crystal = Crystal(round((int(one["atoms"]) / 4.08) ** (1 / 3)))
        copies = atoms // len(crystal)
        edges = [crystal.edge * copies, crystal.edge, crystal.edge]
        s = step_of(model, "double", atoms, ranks, ms, LOCAL, atoms / math.prod(edges), edges)
        key = (atoms, ranks, model.cutoff)
        if key not in counted:
            positions = [[x + k * crystal.edge, y, z] for k in range(copies) for x, y, z in crystal.positions]
            found = count(positions, edges, s.grid, model.cutoff + SKIN).values()
            counted[key] = [sum(n) / len(found) for n in zip(*found)]
        return [
            f"{r['model']}, {r['table']}",
            str(atoms),
            str(ranks),
            r["ghosts_per_rank"],
            f"{counted[key][1]:.0f}",
            f"{s.ghosts:.0f}",
            f"{lammps_ghosts(atoms / math.prod(edges), [e / g for e, g in zip(edges, s.grid)], model.cutoff + SKIN, LATTICE / 2):.0f}",
            f"{counted[key][0]:.0f}",
            f"{s.rows:.0f}",
            f"{s.halo_bytes / 1e6:.2f}",
            f"{1e3 * float(r['ms_per_atom_step']):.2f}",
            f"{1e6 * s.total / atoms:.2f}",
        ]

    return markdown(CHECKED, map(line, rows))
