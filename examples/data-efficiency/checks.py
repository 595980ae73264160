"""What is looked at in each model of a curve when it is made: what it has forgotten, its repulsive wall, its crystals, its barriers."""

import os

import barriers
import elastic
import forgetting
import short_range
import table
from plan import SEEDS, foundation_of

FORGETTING = ("run", "energy_rmse_meV_atom", "force_rmse_meV_A")
SHORT_RANGE = ("run", "what", "elements", "from", "to", "height_eV")
BEFORE = ("sevennet-0", "sevennet-l3i5")
ELEMENTS = {"ti": ("Ti",), "mo": ("Mo",), "mo-stress": ("Mo",), "tialv": ("Ti", "Al", "V"), "cu-stress": ("Cu",), "h2cu": ("Cu",)}


class Checks:
    """Adds lines to forgetting.csv, short-range.csv, elastic.csv and barriers.csv of `results`. `crystals`: an elastic.Crystals;
    `foundations`: name -> file."""

    def __init__(self, frozentl, results, crystals, foundations):
        self.frozentl, self.results, self.crystals, self.foundations = frozentl, results, crystals, foundations

    def add(self, name, columns, run, rows):
        table.add(os.path.join(self.results, name), columns, *({"run": run, **row} for row in rows))

    def model(self, run, path, target, foundation=None, short=True):
        """`foundation`: the one that may have been forgotten; `short`: its wall is looked at too."""
        if foundation:
            energy, force = forgetting.errors_of(self.frozentl, path, self.foundations[foundation])
            row = {"energy_rmse_meV_atom": f"{energy:.2f}", "force_rmse_meV_A": f"{force:.1f}"}
            self.add("forgetting.csv", FORGETTING, run, [row])
        if short:
            self.add("short-range.csv", SHORT_RANGE, run, short_range.measure(self.frozentl, path, ELEMENTS[target]))
        if self.crystals.there and target in elastic.CRYSTALS:
            self.add("elastic.csv", elastic.COLUMNS, run, self.crystals.measure(path, elastic.CRYSTALS[target]))
        if target == "h2cu":
            self.add("barriers.csv", barriers.COLUMNS, run, barriers.measure(self.frozentl, path))

    def run(self, run):
        """Of a point of a curve of metals; of the other seeds crystals and barriers only."""
        if run.purpose != "search" and run.target in ELEMENTS:
            first = run.seed == SEEDS[0]
            foundation = foundation_of(run.target, run.mode) if first and run.mode != "scratch" else None
            self.model(run.name, os.path.join(run.folder, "model.ftl"), run.target, foundation, first)

    def before_training(self):
        """Of the foundations themselves, for each target."""
        for name in BEFORE:
            for target in ELEMENTS:
                run = f"{target}-{name}"
                if not any(row["run"] == run for row in table.read(os.path.join(self.results, "short-range.csv"))):
                    self.model(run, self.foundations[name], target)
