"""What is measured: crystals, potentials, how long, and what is known of them from elsewhere (GPa)."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "examples", "surrogate"))  # crystals, tables of pictures, where potentials are

import labels  # noqa: E402
from common import bcc, fcc, hcp  # noqa: E402
from report import shipped  # noqa: E402
from titanium_properties import random_alloy  # noqa: E402


class Case:
    """`cold`: cells at 0 K, one for each realisation; `warm`: the same at 300 K. `parent`: the lattice whose symmetry counts."""

    def __init__(self, title, shape, parent, cold, warm, elements, potentials, known, settings):
        self.title, self.shape, self.parent, self.cold, self.warm = title, shape, parent, cold, warm
        self.elements, self.potentials, self.known, self.settings = elements, potentials, known, settings


def alloys(seeds):
    return [random_alloy(hcp("Ti", 2.91, 4.67).repeated((4, 2, 4)), seed) for seed in seeds]


def cases(molybdenum, foundation, quick):
    """name -> Case. `molybdenum` is the surrogate that is fitted to DFT here, or None; `foundation` the file of
    titanium's, or None. `settings`: of in.warm, by label of the potential; one without has no run at 300 K. quick: what a minute has room for."""
    titanium = {"fine-tuned": shipped("tialv.ftl"), "surrogate": shipped("tialv-ace.ftl")}
    if foundation:
        titanium = {"foundation": foundation, **titanium}
    mo = {"foundation": shipped("ftl-metals-0.ftl")}
    if molybdenum:
        mo["surrogate"] = molybdenum
    every = {
        "Cu": Case("Copper, fcc", "cubic", fcc("Cu", 3.65), [fcc("Cu", 3.65)], [fcc("Cu", 3.65).repeated((3, 3, 3))], ["Cu"],
                   {"fine-tuned": shipped("h2cu.ftl"), "surrogate": shipped("h2cu-ace.ftl")},
                   {"measured, 300 K (Overton and Gaffney 1955)": {"C11": 168.4, "C12": 121.4, "C44": 75.4}},
                   {"surrogate": {"steps": 10000, "settle": 3000}}),
        "Mo": Case("Molybdenum, bcc", "cubic", bcc("Mo", 3.17), [bcc("Mo", 3.17)], [bcc("Mo", 3.17).repeated((4, 4, 4))] * 2, ["Mo"], mo,
                   {"DFT labels, strained cells": {name: value for name, (value, _) in labels.kept().get(labels.DFT, {}).items()}},
                   {"surrogate": {"steps": 8000}}),
        "Ti": Case("Titanium, hcp", "hexagonal", hcp("Ti", 2.94, 4.65), [hcp("Ti", 2.94, 4.65)], [], ["Ti"], titanium,
                   {"measured, 4 K (Fisher and Renken 1964)": {"C11": 176.1, "C12": 86.9, "C13": 68.3, "C33": 190.5, "C44": 50.8}}, {}),
        "Ti64": Case("Ti-6Al-4V, hcp", "hexagonal", hcp("Ti", 2.94, 4.65), alloys((1, 2, 3, 4)), alloys((1, 2, 3, 4)), ["Al", "Ti", "V"],
                     titanium, {}, {"surrogate": {"settle": 2000, "steps": 6000}}),
    }  # fmt: skip
    if quick:
        del every["Ti"]
        every["Ti64"].cold = every["Ti64"].cold[:1]
        every["Ti64"].potentials = {"surrogate": titanium["surrogate"]}
        every["Ti64"].settings, every["Mo"].settings = {}, {}
    return every
