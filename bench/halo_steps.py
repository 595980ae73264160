"""A step of one rank among many: what bench/halo_model prints and bench/charts draws. Standard library only."""

import dataclasses
import math
import os

from halo_formula import count, grid_of, halo_rows, inner_part, lammps_ghosts, neighbours
from machine import HERE, read
from structures import Crystal

DENSITY = 4 * 1.02 / 3.615**3  # atoms per cubic Angstrom of bench/structures.py
SKIN = 1.0


@dataclasses.dataclass
class Model:
    row: int  # numbers that a node has in a row, after linear_up
    cutoff: float
    exchanges: int = 1  # layers - 1, each forward and back


MODELS = {"mp0a-small": Model(128, 6), "mp0a-medium": Model(512, 6), "mp0b3-medium": Model(512, 6), "mp0a-large": Model(1152, 6),
          "h2cu": Model(16, 5)}  # fmt: skip
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
    rows, ghosts, peers = halo_rows(density, box, grid, reach), lammps_ghosts(density, box, reach), neighbours(box, grid, reach)
    one_way = peers * network.latency + rows * model.row * REAL[precision] / network.bandwidth
    compute = 1e-3 * ms_per_atom * atoms / ranks
    inner = inner_part(box, grid, reach) * compute
    hidden = model.exchanges * sum(min(one_way, inner * part) for part in HIDES.values())
    swaps = sum(2 * math.ceil(reach / b) for b, g in zip(box, grid) if g > 1)
    foreign = ghosts if ranks > 1 else 0
    rest = 2 * (swaps * network.latency + foreign * 24 / network.bandwidth) + 2 * math.ceil(math.log2(ranks)) * network.latency
    return Step(grid, atoms / ranks, rows, ghosts, 2 * model.exchanges * rows * model.row * REAL[precision], compute,
                2 * model.exchanges * one_way, hidden, rest)  # fmt: skip


def measured(name, precision):
    """ms per atom and step in LAMMPS on one core, of the largest crystal, or None."""
    rows = [r for file in ("results.csv", "results-scaling.csv") for r in read(os.path.join(HERE, file))
            if (r["model"], r["precision"], r["engine"], r["cores"]) == (name, precision, "frozentl in LAMMPS", "1")
            and r.get("table", "strong") == "strong"]  # fmt: skip
    return float(max(rows, key=lambda r: int(r["atoms"]))["ms_per_atom_step"]) if rows else None


HDR = dict(latency=2.0, node_bandwidth=25.0, ranks_per_node=64)  # microseconds, GB/s


def network_of(latency, node_bandwidth, ranks_per_node):
    return Network(1e-6 * latency, 1e9 * node_bandwidth / ranks_per_node)


CASES = [(10**n, 10**p) for n in (6, 7, 8, 9) for p in (2, 3, 4, 5) if 100 <= 10 ** (n - p) <= 100000]


def table(name, precision, ms, network):
    yield "| atoms | ranks | atoms per rank | halo rows per rank | MB sent per rank and step | compute, ms | halo, ms | hidden, ms | rest, ms | step, ms | part that is compute |"
    yield "| ---: |" + " ---: |" * 10
    for atoms, ranks in CASES:
        s = step_of(MODELS[name], precision, atoms, ranks, ms, network)
        yield (f"| 10^{round(math.log10(atoms))} | 10^{round(math.log10(ranks))} | {s.atoms:,.0f} | {s.rows:,.0f} | {s.halo_bytes / 1e6:.2f} | "
               f"{1e3 * s.compute:.1f} | {1e3 * s.halo:.2f} | {1e3 * s.hidden:.2f} | {1e3 * s.rest:.2f} | {1e3 * s.total:.1f} | "
               f"{100 * s.compute / s.total:.1f} % |")  # fmt: skip


LOCAL = Network(1e-6, 5e9)  # two ranks that share memory


def check():
    """Rows of results-scaling.csv on ranks, beside the formulas."""
    yield "| model | atoms | ranks | LAMMPS' ghosts per rank, measured | formula | halo rows per rank, counted | formula | halo MB per step | ms per atom, measured | formula |"
    yield "| --- | ---: |" + " ---: |" * 8
    counted = {}
    for r in read(os.path.join(HERE, "results-scaling.csv")):
        if r["table"] not in ("strong", "weak") or r["precision"] != "double":
            continue
        ranks, atoms, model = int(r["cores"]), int(r["atoms"]), MODELS[r["model"]]
        one = next(q for q in read(os.path.join(HERE, "results-scaling.csv")) if q["cores"] == "1" and
                   all(q[k] == r[k] for k in ("table", "model", "precision", "engine")))  # fmt: skip
        cells, double = round((int(one["atoms"]) / 4.08) ** (1 / 3)), atoms > int(one["atoms"])
        crystal = Crystal(cells)
        edges = [crystal.edge * (2 if double else 1), crystal.edge, crystal.edge]
        s = step_of(model, "double", atoms, ranks, float(one["ms_per_atom_step"]), LOCAL, len(crystal) / crystal.edge**3, edges)
        key = (cells, double, ranks, model.cutoff)
        if key not in counted:
            positions = crystal.positions + [[x + crystal.edge, y, z] for x, y, z in crystal.positions] * double
            rows = [n for n, _ in count(positions, edges, s.grid, model.cutoff + SKIN).values()]
            counted[key] = sum(rows) / len(rows)
        yield (f"| {r['model']}, {r['table']} | {atoms} | {ranks} | {r['ghosts_per_rank']} | {s.ghosts:.0f} | {counted[key]:.0f} | {s.rows:.0f} | "
               f"{s.halo_bytes / 1e6:.2f} | {float(r['ms_per_atom_step']):.4f} | {1e3 * s.total / atoms:.4f} |")  # fmt: skip
