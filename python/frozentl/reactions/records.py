"""Encounters in a file: a comment with the settings, then a line each; and what a count of them says."""

import csv
import math
import os

from ..properties.errors import PropertyError

COLUMNS = ("face", "v", "energy_eV", "number", "outcome", "time_fs", "bond_A", "lowest_A", "leaving_eV", "drift_meV")


class Records:
    """A file that lines are added to; a line that was cut off is dropped when it is opened again."""

    def __init__(self, path, settings):
        self.path, self.settings, self.rows = path, settings, {}
        if os.path.exists(path):
            kept, lines = read(path)
            if kept != settings:
                raise PropertyError(f"{path}: made with settings {kept}, not {settings}: give another folder, or remove it")
            self.rows = {key(line): line for line in lines}
        self.file = None

    def __contains__(self, encounter):
        return encounter in self.rows

    def __enter__(self):
        self._write()
        self.file = open(self.path, "a")
        return self

    def __exit__(self, *_):
        self.file.close()
        self._write()

    def add(self, encounter, result):
        face, v, energy, number = encounter
        words = (face, str(v), f"{energy:g}", str(number), result.outcome, f"{result.time:.0f}", f"{result.bond:.3f}",
                 f"{result.lowest:.3f}", f"{result.leaving:.4f}", f"{result.drift:.2f}")  # fmt: skip
        self.rows[encounter] = dict(zip(COLUMNS, words))
        self.file.write(",".join(self.rows[encounter].values()) + "\n")
        self.file.flush()

    def _write(self):
        """The whole file, in order."""
        with open(self.path + ".part", "w") as f:
            f.write(f"# {self.settings}\n{','.join(COLUMNS)}\n")
            f.writelines(",".join(self.rows[encounter].values()) + "\n" for encounter in sorted(self.rows))
        os.replace(self.path + ".part", self.path)


def key(line):
    return line["face"], int(line["v"]), float(line["energy_eV"]), int(line["number"])


def read(path):
    """The settings and the whole lines, as dictionaries."""
    with open(path, newline="") as f:
        text = f.read()
    first, *lines = text[: text.rfind("\n") + 1].splitlines()
    whole = [line for line in csv.DictReader(lines)]
    if not first.startswith("# ") or (whole and tuple(whole[0]) != COLUMNS):
        raise PropertyError(f"{path}: not a file of encounters")
    return first[2:], whole


def wilson(hits, tries, z=1.96):
    """Lowest and highest probability that go with hits of tries, with 95 % confidence."""
    p, square = hits / tries, z * z
    middle = (p + square / (2 * tries)) / (1 + square / tries)
    half = z * math.sqrt(p * (1 - p) / tries + square / (4 * tries**2)) / (1 + square / tries)
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == tries else middle + half)
