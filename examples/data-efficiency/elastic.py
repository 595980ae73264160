"""Crystals of a model: relaxed cell, energy and elastic constants, by frozentl.properties (docs/properties.md)."""

import json
import os
import subprocess
import sys
import tempfile

from plan import ROOT

CRYSTALS = {"ti": ("hcp-Ti", "bcc-Ti", "omega-Ti"), "mo": ("bcc-Mo",), "mo-stress": ("bcc-Mo",), "cu-stress": ("fcc-Cu",), "tialv": ("hcp-Ti", "bcc-Ti", "omega-Ti", "fcc-Al", "bcc-V")}
NUMBERS = ("energy", "a", "c", "C11", "C12", "C13", "C33", "C44", "C66")  # eV/atom, Angstrom, GPa
COLUMNS = ("run", "structure", *NUMBERS)


class Crystals:
    """`python`: one with ase and spglib."""

    def __init__(self, python):
        self.python = python
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1",
                            "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), os.path.join(ROOT, "python"))))}  # fmt: skip
        done = subprocess.run([python, "-c", "import frozentl.properties, ase, spglib"], env=self.environment,
                              stderr=subprocess.PIPE, text=True) if os.path.exists(python) else None  # fmt: skip
        self.there = done is not None and done.returncode == 0
        if not self.there:
            why = done.stderr.strip().splitlines()[-1] if done else "there is no such file"
            print(f"elastic constants are left out: {python}: {why}", file=sys.stderr)

    def measure(self, model, crystals):
        """A row for each crystal; a constant that a crystal does not have, or a crystal that is not stable, leaves cells empty."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([self.python, "-m", "frozentl.properties", "--potential", f"model={model}", "--structure", *crystals,
                            "--properties", "elastic", "--reference", "none", "--format", "none", "--output", folder, "--threads", "1"],
                           env=self.environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            with open(os.path.join(folder, "properties.json")) as f:
                results = json.load(f)["results"]
        rows = []
        for result in results:
            found = {name: entry["value"] for name, entry in result["quantities"].items()}
            rows.append({"structure": result["structure"], **{name: f"{found[name]:.5g}" for name in NUMBERS if name in found}})
        return rows
