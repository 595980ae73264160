"""Errors by round, from rounds.json of `frozentl distill --rounds`."""

import json
import math
import os

from . import style
from .table import Refused

QUANTITIES = (("Energy", "meV/atom"), ("Forces", "meV/\u00c5"))
LINES = {"after": "held back", "before": "the same, with the potential before", "valid": "valid"}


def read(path):
    """Numbers of the rounds, structures fitted, and line -> quantity -> RMSE by round, meV; nan where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            rounds = json.load(file)
        found = {name: [[math.nan if of[name][k] is None else 1000 * float(of[name][k]) for of in rounds] for k in range(2)] for name in LINES}
        fitted = [int(of["fitted"]) for of in rounds]
    except OSError as error:
        raise Refused(path, os.strerror(error.errno)) from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise Refused(path, "it is not what the rounds of frozentl distill gave") from None
    if not fitted:
        raise Refused(path, "it has no round")
    return fitted, found


def draw(path, title):
    fitted, found = read(path)
    made, axes = style.figure(1, 2, width=style.DOUBLE, height=6.4)
    for k, (frame, (what, unit)) in enumerate(zip(axes[0], QUANTITIES)):
        frame.set_gid(what)
        frame.set_title(what, loc="left")
        for s, (name, label) in enumerate(LINES.items()):
            values = [value if value > 0 else math.nan for value in found[name][k]]
            if all(value != value for value in values):
                continue
            how = {"ls": "none", "mfc": "none"} if name == "before" else {}
            frame.plot(range(len(values)), values, marker="o", color=style.colour(s), label=label, **how)[0].set_gid(f"{what} {name}")
        style.logarithmic(frame.yaxis, [value for name in LINES for value in found[name][k]])
        frame.set_ylabel(f"RMSE ({unit})")
        frame.set_xticks(range(len(fitted)), [f"{k}\n({n})" for k, n in enumerate(fitted)])
        frame.set_xlabel("round (structures fitted)")
    handles, labels = axes[0][1].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=len(labels) or 1)
    made.suptitle(f"{style.clean(title)}: errors by round", fontsize=7.5)
    style.letters(axes[0])
    return made
