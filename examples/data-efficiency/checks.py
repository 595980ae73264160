"""What is looked at in each model of a curve when it is made: what it has forgotten, and its repulsive wall."""

import os

import forgetting
import short_range
import table

FORGETTING = ("run", "energy_rmse_meV_atom", "force_rmse_meV_A")
SHORT_RANGE = ("run", "what", "elements", "from", "to", "height_eV")
ELEMENTS = {"mo": ("Mo",), "tialv": ("Ti", "Al", "V"), "cu": ("Cu",), "h2cu": ("Cu",)}


def of_model(frozentl, results, name, model, elements):
    energy, force = forgetting.errors_of(frozentl, model)
    table.add(os.path.join(results, "forgetting.csv"), FORGETTING,
              {"run": name, "energy_rmse_meV_atom": f"{energy:.2f}", "force_rmse_meV_A": f"{force:.1f}"})  # fmt: skip
    rows = short_range.measure(frozentl, model, elements)
    table.add(os.path.join(results, "short-range.csv"), SHORT_RANGE, *({"run": name, **row} for row in rows))


def of_run(frozentl, results, run):
    """Of a point of a curve of metals."""
    if run.purpose != "search" and run.target in ELEMENTS:
        model = os.path.join(run.folder, "model.ftl")
        if run.mode == "scratch":  # it has nothing to forget
            rows = short_range.measure(frozentl, model, ELEMENTS[run.target])
            table.add(os.path.join(results, "short-range.csv"), SHORT_RANGE, *({"run": run.name, **row} for row in rows))
        else:
            of_model(frozentl, results, run.name, model, ELEMENTS[run.target])


def of_foundations(frozentl, results, files):
    if any(row["run"] == "sevennet-0" for row in table.read(os.path.join(results, "short-range.csv"))):
        return
    of_model(frozentl, results, "sevennet-0", files["sevennet-0"], ("Mo", "Ti", "Al", "V", "Cu"))
