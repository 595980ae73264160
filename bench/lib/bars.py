"""Horizontal bar charts."""

import dataclasses
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "surrogate"))
from panels import style

ROW, AROUND = 0.42, 1.1  # cm: a bar, and what else a panel needs


@dataclasses.dataclass
class Bar:
    label: str
    value: float
    colour: str
    more: str = ""  # written behind the value
    may_break: bool = False  # drawn broken if it is longer than all others


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def panel(frame, title, bars, target):
    end = max([b.value for b in bars if not b.may_break] or [b.value for b in bars])
    end = max(end, target or 0)
    frame.set_title(title, loc="left")
    frame.set_yticks(range(len(bars)), [bar.label for bar in bars])
    frame.tick_params(axis="y", length=0)
    frame.set(xlim=(0, 1.3 * end), ylim=(len(bars) - 0.4, -0.6))
    frame.grid(axis="y", visible=False)
    for k, bar in enumerate(bars):
        broken = bar.value > end
        width = 1.04 * end if broken else bar.value
        frame.barh(k, width, 0.78, color=bar.colour)
        if broken:  # two white strokes through a bar that would be longer
            for x in (0.985, 1.005):
                frame.plot([x * end, (x + 0.012) * end], [k + 0.42, k - 0.42], color="white", lw=1.5)
        frame.annotate(number(bar.value) + (f"  ({bar.more})" if bar.more else ""), (width, k), (3, 0), textcoords="offset points",
                       va="center", fontsize=style.SMALL)  # fmt: skip
    if target:
        frame.axvline(target, color=style.INK, lw=0.8, ls="--")


def draw(path, title, axis, panels):
    """[(title of a panel, bars, target or None)]; False, and a picture that says so, if there are none. `axis`: what the bars are."""
    panels = [p for p in panels if p[1]]
    if not panels:  # a page links to it
        made, axes = style.figure(height=2.5)
        style.note(axes[0][0], f"{title}: not measured yet: make bench")
        axes[0][0].set(xticks=[], yticks=[])
        style.save(made, path)
        return False
    rows = [len(p[1]) for p in panels]
    made, axes = style.figure(len(panels), 1, height=sum(AROUND + ROW * n for n in rows) + 1.3, height_ratios=[AROUND / ROW + n for n in rows])
    for frame, of_panel in zip(axes[:, 0], panels):
        panel(frame, *of_panel)
    axes[-1, 0].set_xlabel(axis)
    made.suptitle(title, fontsize=7.5)
    style.letters(axes[:, 0])
    style.save(made, path)
    return True
