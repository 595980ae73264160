"""Contour plots side by side as one SVG. Standard library only."""

import math
import os
import tempfile

PANEL, GAP, LEFT, TOP, BOTTOM = 250, 34, 52, 78, 46  # pixels
LOWEST, HIGHEST, STEP = -0.2, 1.6, 0.1  # eV: levels drawn; every fifth is thick
COLOURS = ((49, 54, 149), (69, 117, 180), (116, 173, 209), (90, 160, 90), (222, 165, 40), (244, 109, 67), (165, 0, 38))


def colour(level):
    """From blue, low, to red, high."""
    at = (level - LOWEST) / (HIGHEST - LOWEST) * (len(COLOURS) - 1)
    k = min(max(int(at), 0), len(COLOURS) - 2)
    return "#" + "".join(f"{round(a + (at - k) * (b - a)):02x}" for a, b in zip(COLOURS[k], COLOURS[k + 1]))


def segments(values, level):
    """Straight pieces of the line at a level, one or two per square of the grid; their ends are named by the grid's edge
    they lie on, so that neighbours meet exactly."""
    for i in range(len(values) - 1):
        for j in range(len(values[0]) - 1):
            corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            cuts = [(min(a, b), max(a, b)) for a, b in zip(corners, corners[1:] + corners[:1])
                    if (values[a[0]][a[1]] > level) != (values[b[0]][b[1]] > level)]  # fmt: skip
            yield from zip(cuts[::2], cuts[1::2])


def chains(pieces):
    """Pieces that share an end, joined to lines."""
    ends = {}
    for piece in pieces:
        for end in piece:
            ends.setdefault(end, []).append(piece)
    left = dict.fromkeys(pieces)
    while left:
        piece = next((p for p in left if any(len(ends[e]) == 1 for e in p)), next(iter(left)))
        end = next((e for e in piece if len(ends[e]) == 1), piece[0])
        line = [end]
        while piece is not None:
            del left[piece]
            end = piece[1] if piece[0] == end else piece[0]
            line.append(end)
            piece = next((p for p in ends[end] if p in left), None)
        yield line


def line_at(values, edge, level):
    """Where the level lies on an edge of the grid, in units of the grid."""
    (i, j), (k, m) = edge
    part = (level - values[i][j]) / (values[k][m] - values[i][j])
    return i + part * (k - i), j + part * (m - j)


class Panel:
    """One plot: x is the first axis of the grid (bond length), y the second (height)."""

    def __init__(self, left, top, lengths, heights):
        self.left, self.top, self.lengths, self.heights = left, top, lengths, heights

    def x(self, length):
        return self.left + PANEL * (length - self.lengths[0]) / (self.lengths[-1] - self.lengths[0])

    def y(self, height):
        return self.top + PANEL * (self.heights[-1] - height) / (self.heights[-1] - self.heights[0])

    def at(self, point):
        d, z = self.lengths, self.heights
        return f"{self.x(d[0] + point[0] * (d[1] - d[0])):.1f},{self.y(z[0] + point[1] * (z[1] - z[0])):.1f}"

    def axes(self, title):
        yield f'<rect x="{self.left}" y="{self.top}" width="{PANEL}" height="{PANEL}" fill="none" stroke="#767676"/>'
        yield text(self.left, self.top - 8, title, 12, "start", "bold")
        for k in range(math.ceil(2 * self.lengths[0]), math.floor(2 * self.lengths[-1]) + 1):
            yield text(self.x(k / 2), self.top + PANEL + 15, f"{k / 2:.1f}", 11)
        for k in range(math.ceil(2 * self.heights[0]), math.floor(2 * self.heights[-1]) + 1):
            yield text(self.left - 6, self.y(k / 2) + 4, f"{k / 2:.1f}", 11, "end")

    def contours(self, values):
        for n in range(round(LOWEST / STEP), round(HIGHEST / STEP) + 1):
            level = n * STEP + 1e-9  # never just at a value
            path = "".join("M" + " ".join(self.at(line_at(values, edge, level)) for edge in line)
                           for line in chains(list(segments(values, level))))  # fmt: skip
            if path:
                width = 1.8 if n % 5 == 0 else 0.8
                yield f'<path d="{path}" fill="none" stroke="{colour(level)}" stroke-width="{width}"/>'

    def mark(self, length, height, label):
        x, y = self.x(length), self.y(height)
        yield f'<path d="M{x - 5:.1f},{y - 5:.1f} l10,10 m0,-10 l-10,10" stroke="#000000" stroke-width="1.8"/>'
        yield text(x + 9, y - 5, label, 12, "start", "bold")


def text(x, y, words, size, anchor="middle", weight="normal"):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="#222222">{words}</text>'


def draw(plots, path):
    """plots: potential -> [(title, lengths, heights, energies, barrier or None)]; one row of panels per potential."""
    columns = max(len(row) for row in plots.values())
    width = LEFT + columns * (PANEL + GAP)
    height = TOP + len(plots) * (PANEL + BOTTOM + 20)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="Helvetica, Arial, sans-serif">', f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           text(20, 26, "H2 over a rigid copper surface: energy against bond length d (across) and height Z (up), Å", 14, "start", "bold"),
           text(20, 45, f"Lines every {STEP} eV from {LOWEST} to {HIGHEST}, thick every {5 * STEP}; 0 is the free molecule. "
                "Cross: the pass.", 12, "start")]  # fmt: skip
    for row, (label, panels) in enumerate(plots.items()):
        for column, (title, lengths, heights, values, barrier) in enumerate(panels):
            panel = Panel(LEFT + column * (PANEL + GAP), TOP + row * (PANEL + BOTTOM + 20), lengths, heights)
            out += [*panel.axes(f"{label}: {title}"), *panel.contours(values)]
            if barrier:
                out += panel.mark(barrier.length, barrier.height, f"{barrier.energy:.2f}")
    handle, part = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))
    with os.fdopen(handle, "w") as f:
        f.write("\n".join(out) + "\n</svg>\n")
    os.chmod(part, 0o644)
    os.replace(part, path)
