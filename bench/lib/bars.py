"""Horizontal bar charts as SVG. Standard library only."""

import dataclasses
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "surrogate"))
from contours import text
from panels import save

LABELS, BARS, VALUES, PITCH, GAP = 235, 400, 120, 20, 34  # pixels: widths, distance of bars and of panels


@dataclasses.dataclass
class Bar:
    label: str
    value: float
    colour: str
    more: str = ""  # written behind the value
    may_break: bool = False  # drawn broken if it is longer than all others


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def panel(top, title, bars, target):
    """Its pieces and where the next one begins."""
    pieces = [text(14, top, title, 13, "start", "bold")] if title else []
    first = top + (10 if title else -6)
    end = max([b.value for b in bars if not b.may_break] or [b.value for b in bars])
    end = max(end, target or 0)
    for k, bar in enumerate(bars):
        y, broken = first + k * PITCH, bar.value > end
        width = BARS * min(bar.value / end, 1.0) + (16 if broken else 0)
        pieces.append(text(LABELS - 8, y + 12, bar.label, 12, "end"))
        pieces.append(
            f'<rect x="{LABELS}" y="{y}" width="{max(width, 1):.1f}" height="{PITCH - 5}" fill="{bar.colour}"/>'
        )
        if broken:  # two white strokes through a bar that would be longer
            for x in (LABELS + BARS - 6, LABELS + BARS + 2):
                pieces.append(f'<path d="M{x},{y + PITCH - 4} l6,{-PITCH + 3}" stroke="#ffffff" stroke-width="3"/>')
        pieces.append(
            text(LABELS + width + 6, y + 12, number(bar.value) + (f"  ({bar.more})" if bar.more else ""), 12, "start")
        )
    bottom = first + len(bars) * PITCH
    pieces.append(f'<path d="M{LABELS},{first - 3} V{bottom}" stroke="#767676"/>')
    if target:
        x = LABELS + BARS * target / end
        pieces.append(f'<path d="M{x:.1f},{first - 3} V{bottom}" stroke="#222222" stroke-dasharray="4,3"/>')
    return pieces, bottom + GAP


def draw(path, title, panels):
    """[(title of a panel, bars, target or None)]; False, and a picture that says so, if there are none."""
    panels = [p for p in panels if p[1]]
    if not panels:  # a page links to it
        words = [text(14, 24, title, 12, "start"), text(14, 54, "not measured yet: make bench", 12, "start")]
        save(path, LABELS + BARS + VALUES, 70, words)
        return False
    pieces, top = [text(14, 24, title, 12, "start")], 54
    for of_panel in panels:
        more, top = panel(top, *of_panel)
        pieces += more
    save(path, LABELS + BARS + VALUES, top - GAP + 12, pieces)
    return True
