"""Tables of what was measured: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import re
from typing import Any

from .measure import Measured

DIGITS = {"GPa": 1, "eV": 3, "eV/atom": 4, "meV/atom": 1, "Å": 4, "Å³/atom": 3, "J/m²": 3, "THz": 2, "": 3}


def number(value: float | None, unit: str, digits: int | None = None) -> str:
    if value is None:
        return "-"
    text = f"{value:.{DIGITS.get(unit, 3) if digits is None else digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def by_structure(found: list[Measured]) -> dict[str, list[Measured]]:
    groups: dict[str, list[Measured]] = {}
    for one in found:
        groups.setdefault(one.structure, []).append(one)
    return groups


def table(structure: str, group: list[Measured], references: dict[str, dict]) -> list[str]:
    known = {name: content[structure] for name, content in references.items() if structure in content}
    lines = [f"## {structure}", "", "| | unit | " + " | ".join([*(one.potential for one in group), *known]) + " |"]
    lines.append("| --- | --- |" + " ---: |" * (len(group) + len(known)))
    units = {name: unit for one in group for name, _, unit in one.rows}
    for name, unit in units.items():
        cells = [one.values().get(name) for one in group] + [entry["values"].get(name) for entry in known.values()]
        lines.append(f"| {name} | {unit} | " + " | ".join(number(value, unit) if value is not None else ("-" if k < len(group) else "")
                                                           for k, value in enumerate(cells)) + " |")  # fmt: skip
    notes = [f"* {name}: {entry['source']}" for name, entry in known.items()]
    notes += [f"* {one.potential}: {what}: no value: {why}" for one in group for what, why in one.missing.items()]
    return lines + ([""] + notes if notes else []) + [""]


def composition(one: Measured) -> tuple | None:
    """Of what the structures are that may be compared: the share of each element."""
    numbers = one.data.get("relaxed", {}).get("numbers")
    return tuple(sorted((z, numbers.count(z) / len(numbers)) for z in set(numbers))) if numbers else None


def phases(found: list[Measured], references: dict[str, dict]) -> list[str]:
    """Energies over the lowest of the structures of the same composition, meV/atom."""
    groups: dict[tuple, list[str]] = {}
    for one in found:
        of = composition(one)
        if of is not None and one.structure not in groups.setdefault(of, []):
            groups[of].append(one.structure)
    several = [names for names in groups.values() if len(names) > 1]
    if not several:
        return []
    potentials = list(dict.fromkeys(one.potential for one in found))
    energies = {p: {one.structure: one.values().get("energy") for one in found if one.potential == p} for p in potentials}
    for name, content in references.items():
        energies[name] = {s: content[s]["values"].get("energy") for s in content}
    shown = [p for p in energies if any(sum(energies[p].get(s) is not None for s in names) > 1 for names in several)]
    lines = ["## Order of phases", "", "Energy over the lowest, meV/atom.", "", "| | " + " | ".join(shown) + " |", "| --- |" + " ---: |" * len(shown)]
    for names in several:
        lowest = {p: min((energies[p][s] for s in names if energies[p].get(s) is not None), default=None) for p in shown}
        for s in names:
            cells = [None if energies[p].get(s) is None else 1000 * (energies[p][s] - lowest[p]) for p in shown]
            lines.append(f"| {s} | " + " | ".join(number(value, "meV/atom") for value in cells) + " |")
    return [*lines, ""]


def deviations(found: list[Measured], references: dict[str, dict]) -> list[dict[str, Any]]:
    """Of each structure with a potential from each reference that has elastic constants of it: the mean deviation (of the reference's values), and
    how many are within 10 % or 5 GPa; a constant that a potential has no value for is not within."""
    answers = []
    for name, content in references.items():
        for one in found:
            known = {q: v for q, v in content.get(one.structure, {"values": {}})["values"].items() if re.fullmatch(r"C\d\d", q)}
            if not known or not ("elastic" in one.data or {"elastic", "relaxed"} & one.missing.keys()):
                continue  # it was not asked for
            values = one.values()
            away = {q: abs(values[q] - v) for q, v in known.items() if q in values}
            within = sum(away[q] <= max(0.1 * abs(known[q]), 5) for q in away)
            mean = sum(away[q] / abs(known[q]) for q in away) / len(away) if away else None
            answers.append({"reference": name, "potential": one.potential, "structure": one.structure, "mean": mean, "within": within, "of": len(known)})
    return answers


def against(found: list[Measured], references: dict[str, dict]) -> list[str]:
    answers, lines = deviations(found, references), []
    potentials = list(dict.fromkeys(one.potential for one in found))
    for name in dict.fromkeys(answer["reference"] for answer in answers):
        lines += [f"## Elastic constants against {name}", "", "Mean deviation, and how many are within 10 % or 5 GPa.", "",
                  "| | " + " | ".join(potentials) + " |", "| --- |" + " ---: |" * len(potentials)]  # fmt: skip
        of = {(a["structure"], a["potential"]): a for a in answers if a["reference"] == name}
        for structure in dict.fromkeys(s for s, _ in of):
            cells = [of.get((structure, potential)) for potential in potentials]
            lines.append(f"| {structure} | " + " | ".join("-" if a is None or a["mean"] is None else
                                                          f"{100 * a['mean']:.0f} %, {a['within']} of {a['of']}" for a in cells) + " |")  # fmt: skip
        lines.append("")
    return lines


def markdown(found: list[Measured], references: dict[str, dict], pictures: list[str]) -> str:
    lines = ["# Properties", ""]
    for structure, group in by_structure(found).items():
        lines += table(structure, group, references)
    lines += phases(found, references) + against(found, references)
    lines += [line for name in pictures for line in (f"![{name}]({name})", "")]
    return "\n".join(lines).rstrip() + "\n"


def as_json(found: list[Measured], references: dict[str, dict], about: dict[str, Any]) -> str:
    structures = {one.structure for one in found}
    results = [{"potential": one.potential, "structure": one.structure,
                "quantities": {name: {"value": value, "unit": unit} for name, value, unit in one.rows}, "data": one.data, "missing": one.missing}
               for one in found]  # fmt: skip
    used = {name: {s: content[s] for s in content if s in structures} for name, content in references.items()}
    return json.dumps({**about, "results": results, "references": used,
                       "deviations": deviations(found, references)}, indent=1, ensure_ascii=False) + "\n"
