"""Encounters counted: probabilities, their intervals, and where a curve passes a tenth. Standard library only."""

import csv
import os

from frozentl.reactions import records
from frozentl.reactions.records import wilson

TENTH = 0.1  # probability at which vibrational states are compared


class Point:
    """The encounters of one face, state and energy with one potential: number -> line of the file."""

    def __init__(self):
        self.lines = {}

    def count(self, outcome="dissociated"):
        return sum(line["outcome"] == outcome for line in self.lines.values())

    def among(self, numbers):
        point = Point()
        point.lines = {n: self.lines[n] for n in numbers}
        return point

    def probability(self):
        return self.count() / len(self.lines)

    def interval(self):
        return wilson(self.count(), len(self.lines))

    def drift(self):
        """How much the total energy varied in the encounter in the middle, meV."""
        drifts = sorted(float(line["drift_meV"]) for line in self.lines.values())
        return drifts[len(drifts) // 2]

    def text(self):
        return "{:.2f} ({:.2f} to {:.2f})".format(self.probability(), *self.interval())


class Counted(Point):
    """The same of an earlier summary, which has the counts and not the encounters."""

    def __init__(self, line):
        self.line = line
        self.lines = range(int(line["encounters"]))

    def count(self, outcome="dissociated"):
        return int(self.line[outcome])

    def drift(self):
        return float(self.line["energy_varies_meV"])


def kept_points(path):
    """potential -> (face, v, energy) -> point, of a sticking.csv."""
    kept = {}
    if os.path.exists(path):
        with open(path, newline="") as f:
            for line in csv.DictReader(f):
                where = line["surface"][len("Cu(") : -1], int(line["v"]), float(line["energy_eV"])
                kept.setdefault(line["potential"], {})[where] = Counted(line)
    return kept


def together(kept, files):
    """Of each point the one with more encounters, of as many the folder's: a batch adds to what an earlier one has told."""
    every = {}
    for label in [*files, *(label for label in kept if label not in files)]:
        both = [of.get(label, {}) for of in (files, kept)]
        every[label] = {where: max((points[where] for points in both if where in points), key=lambda point: len(point.lines))
                        for where in sorted(set().union(*both))}  # fmt: skip
    return every


def points_of(path):
    """(face, v, energy) -> point, of a file of sticking.py."""
    points = {}
    for line in records.read(path)[1]:
        face, v, energy, number = records.key(line)
        points.setdefault((face, v, energy), Point()).lines[number] = line
    return dict(sorted(points.items()))


def curve(points, face, v):
    """[(energy, probability, low, high)]"""
    return [(energy, point.probability(), *point.interval()) for (f, w, energy), point in points.items() if (f, w) == (face, v)]


def threshold(points, face, v):
    """The energy at which the curve first passes a tenth, or None."""
    of_state = curve(points, face, v)
    for (e0, p0, *_), (e1, p1, *_) in zip(of_state, of_state[1:]):
        if p0 < TENTH <= p1:
            return e0 + (TENTH - p0) / (p1 - p0) * (e1 - e0)
    return None


def in_common(files):
    """label -> (face, v, energy) -> point, of the encounters that all files have."""
    common = {}
    for where in sorted(set.intersection(*(set(points) for points in files.values()))):
        numbers = set.intersection(*(set(points[where].lines) for points in files.values()))
        for label, points in files.items():
            if numbers:
                common.setdefault(label, {})[where] = points[where].among(sorted(numbers))
    return common


def differing(one, other):
    """How many encounters of two points ended differently."""
    return sum(one.lines[n]["outcome"] != other.lines[n]["outcome"] for n in one.lines)
