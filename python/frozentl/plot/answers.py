"""Parity of what `frozentl eval --json` has written: its answers beside the labels that the data had; with --trust, how well it tells its errors."""

import json
import os

from .parity import QUANTITIES, Pairs, draw_rows
from .table import Refused
from .trust import Told, draw_row


def read(path):
    """quantity -> Pairs; energies per atom, all components of forces, the nine of stress. And what was told of errors."""
    try:
        with open(path, encoding="utf-8") as file:
            answers = json.load(file)
    except OSError as error:
        raise Refused(path, os.strerror(error.errno)) from None
    except ValueError as error:
        raise Refused(path, f"it is no JSON: {error}") from None
    if not isinstance(answers, list):
        raise Refused(path, "it is not what frozentl eval --json writes: a list of predictions")
    pairs, told = {name: Pairs() for name in QUANTITIES}, Told()
    for k, answer in enumerate(answers):
        try:
            _add(pairs, answer)
            told.add(answer, answer.get("reference") or {})
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError):
            raise Refused(f"{path}, structure {k}", "it is not what frozentl eval --json writes") from None
    if not any(len(of) for of in pairs.values()):
        raise Refused(path, "no structure has a reference to compare with: the data that frozentl eval read had no labels")
    return pairs, told


def _add(pairs, answer):
    reference, kind = answer.get("reference") or {}, answer.get("config_type") or ""
    n = len(answer["forces"])
    if "energy" in reference:
        pairs["energy"].add(float(reference["energy"]) / n, float(answer["energy"]) / n, kind)
    for name, key in (("force", "forces"), ("stress", "stress")):
        if reference.get(key) is None or answer[key] is None:
            continue
        if len(reference[key]) != len(answer[key]):
            raise ValueError
        for want, have in zip(reference[key], answer[key]):
            for c in range(3):
                pairs[name].add(float(want[c]), float(have[c]), kind)


def draw(path, title):
    pairs, told = read(path)
    return draw_rows({title: pairs}, (lambda frames: draw_row(frames, told)) if len(told) else None)
