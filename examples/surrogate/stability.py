"""Long molecular dynamics of Ti-6Al-4V with a surrogate, and how far from its data it goes:

    examples/surrogate/run.sh stability.py ace=potentials/tialv-ace.ftl
    examples/surrogate/run.sh stability.py --temperatures 300 --ps 1000 ace=FILE.ftl

128 atoms on hcp sites, 13 Al and 5 V at random, at zero pressure (NPT, 2 fs) and each temperature. Every 100 steps the largest extrapolation grade
of an atom is asked for. Every 20 ps the state is kept: the same command goes on from there, to more picoseconds too. A run is stopped where the
volume leaves 10 to 30 cubic Angstrom an atom.
"""

import csv
import os
import sys

import numpy as np

from common import MASS, hcp, started
from report import ROOT, Table, arguments, progress, shipped
from titanium_properties import random_alloy

FEMTOSECONDS = 2
ASKED, KEPT = 100, 10000  # steps from one question for gamma to the next, from one restart file to the next
COLUMNS = ("step", "K", "A3_atom", "eV_atom", "gamma")
VOLUMES = (10, 30)


class Run:
    """One potential at one temperature: its folder, restart file and table of what was seen."""

    def __init__(self, folder, potential, temperature, quick):
        self.potential, self.temperature = potential, temperature
        self.asked, self.kept = (5, 20) if quick else (ASKED, KEPT)
        self.restart, self.table = os.path.join(folder, "state.restart"), os.path.join(folder, "seen.csv")
        self.chunk = os.path.join(folder, "chunk.txt")
        os.makedirs(folder, exist_ok=True)
        self.rows = self._rows() if os.path.exists(self.restart) else []

    def _rows(self):
        with open(self.table, newline="") as f:
            return [[float(x) for x in row] for row in list(csv.reader(f))[1:]]

    def advance(self, steps):
        """Until so many steps are done; rows and restart file grow together."""
        if self._done() >= steps:
            return
        with started() as lammps:
            self._set_up(lammps)
            while self._done() < steps and self.inside():
                lammps.commands_list([f"fix seen all print {self.asked} \"{self._line()}\" file {self.chunk} screen no title ''", f"run {self.kept}",
                                      "unfix seen", f"write_restart {self.restart}.part"])  # fmt: skip
                self._take_chunk()
                progress(f"{self.temperature} K, {self._done() * FEMTOSECONDS / 1000:g} ps: largest gamma so far {max(row[4] for row in self.rows):.2f}")

    def _done(self):
        return int(self.rows[-1][0]) if self.rows else 0

    def _line(self):
        return "$(step) $(temp:%.3f) $(vol/count(all):%.6f) $(pe/count(all):%.7f) $(v_told:%.4f)"

    def _set_up(self, lammps):
        structure = random_alloy(hcp("Ti", 2.93, 4.66).repeated((4, 2, 4)), 1)
        elements = sorted(set(structure.symbols))
        begin = ["units metal", "atom_style atomic", "atom_modify map array", "newton on"]
        if self.rows:
            lammps.commands_list([*begin, f"read_restart {self.restart}"])
            at = lammps.extract_global("ntimestep")  # the table was written first: it may be ahead
            self.rows = [row for row in self.rows if row[0] <= at]
        else:
            edges = np.diag(structure.cell)
            lammps.commands_list([*begin, f"region box block 0 {edges[0]} 0 {edges[1]} 0 {edges[2]} units box", f"create_box {len(elements)} box"])
            lammps.create_atoms(len(structure), None, [elements.index(s) + 1 for s in structure.symbols], structure.positions.ravel().tolist())
            lammps.commands_list([f"mass {k + 1} {MASS[e]}" for k, e in enumerate(elements)])
            lammps.command(f"velocity all create {2 * self.temperature} 4711 mom yes rot no dist gaussian")
        lammps.commands_list([
            "pair_style frozentl", f"pair_coeff * * {self.potential} {' '.join(elements)}", "neighbor 1.0 bin", f"timestep {FEMTOSECONDS / 1000}",
            "compute trust all frozentl/trust gamma", "compute largest all reduce max c_trust", "variable told equal c_largest",
            f"fix bath all npt temp {self.temperature} {self.temperature} 0.1 aniso 0 0 1.0", f"thermo {self.kept}",
            "thermo_style custom step temp vol pe c_largest",
        ])  # fmt: skip

    def _take_chunk(self):
        last = self.rows[-1][0] if self.rows else -1
        with open(self.chunk) as f:
            found = [[float(x) for x in line.split()] for line in f if line.strip()]
        self.rows += [row for row in found if row[0] > last]
        with open(self.table + ".part", "w", newline="") as f:
            csv.writer(f, lineterminator="\n").writerows([COLUMNS, *self.rows])
        os.replace(self.table + ".part", self.table)
        os.replace(self.restart + ".part", self.restart)

    def inside(self):
        return not self.rows or VOLUMES[0] < self.rows[-1][2] < VOLUMES[1]

    def values(self):
        """Of all that was seen: the largest gamma, how often it is above 2 and 5; means of the second half, and its drift."""
        rows = np.array(self.rows)
        half = rows[len(rows) // 2 :]
        quarter = len(half) // 2
        gamma = rows[:, 4]
        yield "length", "ps", rows[-1, 0] * FEMTOSECONDS / 1000, 0
        yield "largest gamma", "", gamma.max(), 2
        yield "mean of the largest gamma of a frame", "", gamma.mean(), 2
        yield "frames with gamma above 5", "%", 100 * (gamma > 5).mean(), 2
        yield "temperature", "K", half[:, 1].mean(), 1
        yield "volume", "Å³/atom", half[:, 2].mean(), 3
        yield "energy", "eV/atom", half[:, 3].mean(), 4
        yield "energy, third against fourth quarter", "meV/atom", 1000 * (half[quarter:, 3].mean() - half[:quarter, 3].mean()), 2


def main():
    options = arguments(__doc__, [f"ace={shipped('tialv-ace.ftl')}"], temperatures=("temperatures, K, with commas between", "300,900,1500"),
                        ps=("picoseconds (default: 1000)", None), work=("folder of the runs (default: build/surrogate)", None))  # fmt: skip
    steps = round(float(options.ps or (0.08 if options.quick else 1000)) * 1000 / FEMTOSECONDS)
    table, whole = Table(("K", "quantity", "unit"), options.potentials), True
    for label, potential in options.potentials.items():
        for temperature in (int(word) for word in options.temperatures.split(",")):
            run = Run(os.path.join(options.work or os.path.join(ROOT, "build", "surrogate"), "stability", label, f"{temperature}K"), potential, temperature, options.quick)
            run.advance(steps)
            whole = whole and run.inside()
            for name, unit, value, digits in run.values():
                table.put(label, (str(temperature), name, unit), value, digits)
    table.finish(options.out, "stability")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
