"""Arguments LABEL=FILE and tables with one column per potential, for the scripts in this folder. Standard library only."""

import argparse
import csv
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def arguments(description, default, **more):
    """Potentials as LABEL=FILE, --against LABEL, --out FOLDER, --record and --quick; `more` adds options: name=(help, default)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potentials", nargs="*", metavar="LABEL=FILE", help=f"default: {' '.join(map(short, default))}")
    parser.add_argument("--against", metavar="LABEL", help="the potential that deviations are measured from (default: the first)")
    add_out(parser, HERE)
    parser.add_argument("--quick", action="store_true", help="a short version, for ctest")
    for name, (text, value) in more.items():
        parser.add_argument(f"--{name}", help=text, default=value)
    options = parser.parse_args()
    options.potentials = dict(split(parser, word) for word in options.potentials or default)
    options.against = options.against or next(iter(options.potentials))
    if options.against not in options.potentials:
        parser.error(f"--against {options.against}: the labels are {', '.join(options.potentials)}")
    make_out(parser, options, HERE)
    return options


def add_out(parser, example):
    """--out and --record of an example's folder."""
    parser.add_argument("--out", metavar="FOLDER", help=f"of the results (default: build/{os.path.basename(example)}/results)")
    parser.add_argument("--record", action="store_true", help="write results/ beside the scripts, which the project keeps")


def make_out(parser, options, example):
    """options.out becomes the folder that they mean, and is there."""
    if options.out and options.record:
        parser.error("--record writes results/ beside the scripts, --out another folder: give one of them")
    options.out = options.out or os.path.join(example if options.record else os.path.join(ROOT, "build", os.path.basename(example)), "results")
    os.makedirs(options.out, exist_ok=True)


def split(parser, word):
    label, equals, path = word.partition("=")
    if not equals or not label or not path:
        parser.error(f"{word}: expected LABEL=FILE, e.g. tuned=potentials/tialv.ftl")
    if not os.path.exists(path):
        parser.error(f"{word}: no such file {path}")
    return label, os.path.abspath(path)


def short(word):
    label, _, path = word.partition("=")
    return f"{label}={os.path.relpath(path, ROOT)}"


def shipped(name):
    return os.path.join(ROOT, "potentials", name)


def progress(text):
    print(text, file=sys.stderr, flush=True)


class Table:
    """One row per quantity, one column per potential, and between brackets how far a value is from the column `against`."""

    def __init__(self, first, columns, against=None):
        self.first, self.columns, self.against = first, list(columns), against  # first: names of the columns before the numbers
        self.rows, self.digits = {}, {}

    def put(self, column, row, value, digits):
        self.rows.setdefault(row, {})[column] = None if value is None else float(value)
        self.digits[row] = digits

    def markdown(self):
        yield "| " + " | ".join([*self.first, *self.columns]) + " |"
        yield "| " + " | ".join(["---"] * len(self.first) + ["---:"] * len(self.columns)) + " |"
        for row in self.rows:
            yield "| " + " | ".join([*row, *(self._cell(row, column) for column in self.columns)]) + " |"

    def _cell(self, row, column):
        value, away, digits = self.rows[row].get(column), self.deviation(row, column), self.digits[row]
        if value is None:
            return "-"
        return f"{value:.{digits}f}" + (f" ({away:+.{digits}f})" if away is not None else "")

    def deviation(self, row, column):
        value, base = self.rows[row].get(column), self.rows[row].get(self.against)
        return None if value is None or base is None or column == self.against else value - base

    def write_csv(self, path):
        others = [c for c in self.columns if c != self.against] if self.against else []
        with open(path + ".part", "w", newline="") as f:
            out = csv.writer(f, lineterminator="\n")
            out.writerow([*self.first, *self.columns, *(f"{c} - {self.against}" for c in others)])
            for row, values in self.rows.items():
                numbers = [values.get(c) for c in self.columns] + [self.deviation(row, c) for c in others]
                out.writerow([*row, *("" if x is None else f"{x:.6g}" for x in numbers)])
        os.replace(path + ".part", path)

    def finish(self, folder, name):
        """The Markdown on standard output and in FOLDER/NAME.md, the numbers in FOLDER/NAME.csv."""
        text = "\n".join(self.markdown()) + "\n"
        print(text, flush=True)
        self.write_csv(os.path.join(folder, name + ".csv"))
        with open(os.path.join(folder, name + ".md"), "w") as f:
            f.write(text)
