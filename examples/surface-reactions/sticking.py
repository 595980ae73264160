"""Sticking of H2 on copper: batches of encounters with a 300 K surface, by incidence energy and vibrational state.

    examples/surface-reactions/run.sh sticking.py ace=potentials/h2cu-ace.ftl --count 150
    examples/surface-reactions/run.sh sticking.py published=FILE --faces 111 --energies 0.5 0.9 --count 40
    examples/surface-reactions/run.sh sticking.py ace=potentials/h2cu-ace.ftl --film 111 0 0.9 2

A line per encounter in FOLDER/trajectories-LABEL.csv. What is there already is not done again, so that a batch that was stopped
goes on, and a larger --count adds to a smaller one. Encounter number n of a face, state and energy begins the same whatever the
potential, the number of jobs and the order: it depends on --seed alone. summary.py makes probabilities of the files. --film runs
one encounter (face, v, energy, number) with the first potential and leaves it in FOLDER/film-....xyz.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import time

import numpy as np

from frozentl.calculator import FrozenTL
from frozentl.properties import PropertyError
from frozentl.reactions.molecule import Vibration, curve_of, incoming
from frozentl.reactions.records import Records
from report import ROOT, progress, shipped, split
from surface import TEMPERATURE, thermal
from trajectory import BROKEN, HEIGHT, STEP, Encounters

FACES = ("111", "100", "110")
STARTS = shipped("h2cu-ace.ftl")  # makes the surfaces and the vibrations that every potential starts from
ENERGIES = [round(0.2 + 0.1 * k, 1) for k in range(11)]  # eV


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potentials", nargs="+", metavar="LABEL=FILE", help="e.g. ace=potentials/h2cu-ace.ftl")
    parser.add_argument("--faces", nargs="+", choices=FACES, default=["111", "100"], help="of copper (default: 111 100)")
    parser.add_argument("--vibrations", nargs="+", type=int, choices=(0, 1, 2), default=[0, 1], help="states v (default: 0 1)")
    parser.add_argument("--energies", nargs="+", type=float, default=ENERGIES, metavar="EV",
                        help="of incidence (default: 0.2 to 1.2)")  # fmt: skip
    parser.add_argument("--count", type=int, default=80, help="encounters for each face, state and energy (default: 80)")
    parser.add_argument("--seed", type=int, default=4711)
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with a LAMMPS of its own (default: 1)")
    parser.add_argument("--out", metavar="FOLDER", default=os.path.join(ROOT, "build", "surface-reactions"),
                        help="default: build/surface-reactions")  # fmt: skip
    parser.add_argument("--film", nargs=4, metavar=("FACE", "V", "EV", "N"), help="one encounter, as extended XYZ")
    options = parser.parse_args()
    options.potentials = dict(split(parser, word) for word in options.potentials)
    os.makedirs(options.out, exist_ok=True)
    return options


class Batch:
    """Encounters of one potential with one face; each is (v, energy, number)."""

    def __init__(self, potential, face, folder, seed):
        self.thermal, self.key = thermal(folder, STARTS, face, seed), [seed, int(face)]
        self.encounters = Encounters(potential, self.thermal)
        curve = curve_of(FrozenTL(STARTS, threads=1))
        self.vibrations = [Vibration(curve, v) for v in range(3)]

    def start(self, v, energy, number):
        """Positions and velocities, of the copper atoms from a frame of the clean surface."""
        random = np.random.default_rng([*self.key, v, round(1e4 * energy), number])
        surface, frame = self.thermal, random.integers(len(self.thermal.positions))
        x, u = incoming(self.vibrations[v], energy, random.random(2) @ surface.cell[:2, :2], surface.top + HEIGHT, random)
        return np.vstack([surface.positions[frame], x]), np.vstack([surface.velocities[frame], u])

    def run(self, v, energy, number, film=None):
        return self.encounters.run(*self.start(v, energy, number), film)


def begin(*what):
    """In a process of the pool."""
    global batch
    batch = Batch(*what)


def one(encounter):
    return encounter, batch.run(*encounter)


def settings(potential, seed):
    """What has to be the same for encounters in one file."""
    digests = [hashlib.sha256(open(path, "rb").read()).hexdigest()[:16] for path in (potential, STARTS)]
    return json.dumps({"seed": seed, "step_fs": 1000 * STEP, "T_K": TEMPERATURE, "broken_A": BROKEN, "height_A": HEIGHT,
                       "potential": digests[0], "starts": digests[1]})  # fmt: skip


def run_face(label, potential, face, options):
    """Those that are not in the file yet."""
    records = Records(os.path.join(options.out, f"trajectories-{label}.csv"), settings(potential, options.seed))
    wanted = [(v, energy, n) for n in range(options.count) for v in options.vibrations for energy in options.energies]
    missing = [encounter for encounter in wanted if (face, *encounter) not in records]
    progress(f"{label}, Cu({face}): {len(wanted)} encounters, {len(wanted) - len(missing)} of them done before")
    if not missing:
        return
    thermal(options.out, STARTS, face, options.seed)  # made once, here
    start, told = time.time(), time.time()
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.jobs, begin, (potential, face, options.out, options.seed)) as pool, records:
        for done, (encounter, result) in enumerate(pool.imap(one, missing), 1):
            records.add((face, *encounter), result)
            if time.time() - told > 20 or done == len(missing):
                told = time.time()
                progress(f"  {done} of {len(missing)} after {told - start:.0f} s")


def film(potential, options):
    face, v, energy, number = options.film[0], int(options.film[1]), float(options.film[2]), int(options.film[3])
    path = os.path.join(options.out, f"film-{face}-v{v}-{energy:g}eV-{number}.xyz")
    result = Batch(potential, face, options.out, options.seed).run(v, energy, number, path)
    print(f"{path}: {result.outcome} after {result.time:.0f} fs")


def main():
    options = arguments()
    if options.film:
        return film(next(iter(options.potentials.values())), options)
    for label, potential in options.potentials.items():
        for face in options.faces:
            run_face(label, potential, face, options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PropertyError as error:
        sys.exit(str(error))
