"""Plots with linear or logarithmic axes as SVG: lines, dots, words. Standard library only."""

import math
import os
import tempfile

from contours import text

COLOURS = ("#1f5fa8", "#c0501a", "#2f7d3b")


class Axis:
    def __init__(self, lowest, highest, logarithmic=False):
        self.lowest, self.highest, self.logarithmic = lowest, highest, logarithmic

    def part(self, value):
        """Where a value lies on the axis, 0 to 1."""
        if self.logarithmic:
            return math.log(value / self.lowest) / math.log(self.highest / self.lowest)
        return (value - self.lowest) / (self.highest - self.lowest)

    def ticks(self):
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.lowest)), math.ceil(math.log10(self.highest)) + 1)
            digits = (1, 2, 5) if self.highest > 8 * self.lowest else (1, 1.2, 1.5, 2, 3, 4, 5, 6, 8)
            every = [digit * 10.0**power for power in powers for digit in digits]
            return [x for x in every if self.lowest <= x * 1.000001 and x <= self.highest * 1.000001]
        raw = (self.highest - self.lowest) / 5
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= raw)
        first = math.ceil(self.lowest / step - 1e-9)
        return [step * k for k in range(first, math.floor(self.highest / step + 1e-9) + 1)]


def around(values, logarithmic=False, margin=0.08):
    """An axis that has room for all values."""
    lowest, highest = min(values), max(values)
    if logarithmic:
        factor = (highest / lowest) ** margin * 1.05
        return Axis(lowest / factor, highest * factor, True)
    room = margin * (highest - lowest) or 1.0
    return Axis(lowest - room, highest + room)


class Panel:
    def __init__(self, left, top, width, height, across, up):
        self.left, self.top, self.width, self.height, self.across, self.up = left, top, width, height, across, up

    def x(self, value):
        return self.left + self.width * self.across.part(value)

    def y(self, value):
        return self.top + self.height * (1 - self.up.part(value))

    def frame(self, title, across_label, up_label):
        yield text(self.left, self.top - 28, title, 13, "start", "bold")
        yield text(self.left, self.top - 10, up_label, 12, "start")
        bottom, right = self.top + self.height, self.left + self.width
        for value in self.across.ticks():
            x = self.x(value)
            yield f'<path d="M{x:.1f},{self.top} V{bottom}" stroke="#e2e2e2"/>'
            yield text(x, bottom + 16, f"{round(value, 9):g}", 11)
        for value in self.up.ticks():
            y = self.y(value)
            yield f'<path d="M{self.left},{y:.1f} H{right}" stroke="#e2e2e2"/>'
            yield text(self.left - 6, y + 4, f"{round(value, 9):g}", 11, "end")
        yield f'<rect x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}" fill="none" stroke="#767676"/>'
        yield text(self.left + self.width / 2, bottom + 34, across_label, 12)

    def line(self, points, colour, width=1.6, dashes=""):
        path = "M" + " L".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        more = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{more}/>'

    def dots(self, points, colour, radius=3.5):
        """As one path of short lines with round ends, which is a third of the size of as many circles."""
        path = "".join(f"M{self.x(x):.1f},{self.y(y):.1f}h0" for x, y in points)
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{2 * radius}" stroke-linecap="round"/>'

    def word(self, x, y, words, colour="#222222", anchor="start", down=-8, right=6):
        yield text(self.x(x) + right, self.y(y) + down, words, 11, anchor).replace("#222222", colour)


def save(path, width, height, pieces):
    """The file appears whole or not at all."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="Helvetica, Arial, sans-serif">', f'<rect width="{width}" height="{height}" fill="#ffffff"/>']  # fmt: skip
    handle, part = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))
    with os.fdopen(handle, "w") as f:
        f.write("\n".join([*out, *pieces]) + "\n</svg>\n")
    os.chmod(part, 0o644)
    os.replace(part, path)
