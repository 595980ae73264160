"""CSV files whose first line names the columns (RFC 4180), and what is said of one that cannot be read."""

import csv
import io
import math
import os


class Refused(Exception):
    """An input that cannot be drawn: where ("FILE, line 3") and what is wrong with it."""

    def __init__(self, where, message):
        super().__init__(f"{where}: {message}")
        self.where, self.message = where, message


class Table:
    """Rows of a file, one after the other; `line` is where the present one ends."""

    def __init__(self, path, names):
        self.path, self.line, self.cells = path, 0, []
        try:
            with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
                text = file.read()
        except OSError as error:
            raise Refused(path, os.strerror(error.errno)) from None
        self.reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self.columns = {}
        first = self._next()
        if first is None:
            raise Refused(path, "it is empty; the first line must name the columns")
        for k, name in enumerate(first):
            if name in self.columns:
                raise self.refuse(f"two columns are named '{name[:60]}'")
            self.columns[name] = k
        for name in names:
            if name not in self.columns:
                raise self.refuse(f"it names no column '{name}'")

    def _next(self):
        try:
            for cells in self.reader:
                self.line = self.reader.line_num
                if cells:
                    return cells
        except csv.Error as error:
            self.line = self.reader.line_num
            raise self.refuse(str(error)) from None
        return None

    def __iter__(self):
        while (cells := self._next()) is not None:
            if len(cells) != len(self.columns):
                raise self.refuse(f"{len(cells)} cells, but {len(self.columns)} columns are named in the first line")
            self.cells = cells
            yield self

    def refuse(self, message):
        return Refused(f"{self.path}, line {self.line}", message)

    def has(self, name):
        return name in self.columns

    def text(self, name):
        return self.cells[self.columns[name]]

    def number(self, name, any_number=False):
        """NaN for an empty cell; nan and inf are refused unless `any_number`."""
        text = self.cells[self.columns[name]]
        if not text:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            value = None
        if value is None or "_" in text or text != text.strip():
            raise self.refuse(f"column '{name}' has '{text[:60]}' in place of a number")
        if not any_number and not math.isfinite(value):
            raise self.refuse(f"column '{name}' has '{text[:60]}'; only finite numbers can be shown")
        return value

    def value(self, name):
        """A number that must be there."""
        if not self.text(name):
            raise self.refuse(f"column '{name}' is empty")
        return self.number(name)
