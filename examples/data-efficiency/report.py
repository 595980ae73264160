"""From results/runs.csv to the pictures and the tables of README.md."""

import json
import os
import subprocess
import sys
import tempfile

import barriers
import table
from checks import BEFORE, ELEMENTS
from plan import DATA, HERE, MODES, RATES, ROOT, SOLVED, TARGETS

LOSS_WORDS = {"squares": "weighted squares, 500, 100, 10000 (the trainer's defaults)", "stress": "universal, 500, 100, 1000",
              "both": "weighted squares, 500, 100, 1000"}  # fmt: skip
CHOSEN = ", chosen"  # structures by frozentl select, not drawn
CURVES = [name for mode in MODES for name in (mode, mode + CHOSEN)]
ERRORS = ("energy_rmse_meV_atom", "force_rmse_meV_A", "stress_rmse_meV_A3")


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def curve_of(row):
    """The name of the curve of which a run is a point, or None."""
    return {"curve": row["mode"], "chosen": row["mode"] + CHOSEN}.get(row["purpose"])


def points(rows, target):
    """(name of the curve, structures) -> the runs of all seeds."""
    found = {}
    for row in rows:
        if row["target"] == target and curve_of(row):
            found.setdefault((curve_of(row), int(row["structures"])), []).append(row)
    return found


def in_order(found):
    """The keys of `points`."""
    return sorted(found, key=lambda at: (CURVES.index(at[0]), at[1]))


def mean(rows, column):
    values = [float(row[column]) for row in rows if row[column]]
    return sum(values) / len(values) if values else None


def spread(rows, column):
    """Half of what lies between the seeds' lowest and highest."""
    values = [float(row[column]) for row in rows if row[column]]
    return (max(values) - min(values)) / 2 if len(values) > 1 else None


def number(value, digits=3):
    """Three digits of a number, without an exponent."""
    return f"{value:.{max(0, digits - len(str(int(abs(value)))))}f}"


def errors(rows, of=""):
    """'energy / forces / stress' of the seeds' mean on test (`of` "valid_": on valid), each with the spread where there are
    several."""
    words = []
    for column in ERRORS:
        value, half = mean(rows, of + column), spread(rows, of + column)
        if value is not None:
            words.append(number(value) + (f" ± {number(half, 2)}" if half is not None else ""))
    return " / ".join(words)


def best_mode(found, size):
    """The fine-tuned mode with the lowest mean loss on valid, over the seeds that all modes of this size have."""
    runs = {mode: at for (mode, n), at in found.items() if n == size and mode not in ("scratch", *SOLVED)}
    if not runs:
        return None
    seeds = set.intersection(*({row["seed"] for row in at} for at in runs.values()))
    return min(runs, key=lambda mode: mean([row for row in runs[mode] if row["seed"] in seeds], "valid_loss"))


def curve_table(rows, target):
    found = points(rows, target)
    sizes = sorted({size for _, size in found})
    best = {size: best_mode(found, size) for size in sizes}
    lines = []
    for mode in CURVES:
        at = {size: found.get((mode, size)) for size in sizes}
        if not any(at.values()):
            continue
        some = next(runs for runs in at.values() if runs)[0]
        cells = [errors(at[size]) if at[size] else "" for size in sizes]
        cells = [f"**{cell}**" if best[size] == mode else cell for size, cell in zip(sizes, cells)]
        lines.append([mode, some["trained_parameters"], some["lr"], *cells])
    return markdown(["mode", "trained", "rate", *(str(size) for size in sizes)], lines) if lines else "Not run yet."


def headline_table(rows):
    lines = []
    for target, entry in TARGETS.items():
        found = points(rows, target)
        scratch = found.get(("scratch", entry.total))
        for size in sorted({size for mode, size in found if mode != "scratch"}):
            mode = best_mode(found, size)
            if not scratch or not mode:
                continue
            here = found[mode, size]
            ratios = [f"{mean(here, c) / mean(scratch, c):.2f}" for c in ERRORS if mean(here, c) and mean(scratch, c)]
            lines.append([entry.title, f"{size} ({100 * size / entry.total:.0f} %)", mode, str(len(here)), errors(here),
                          errors(scratch), " / ".join(ratios)])  # fmt: skip
    return markdown(["target", "structures", "mode, best on valid", "seeds", "its errors", "scratch on all",
                     "ratios"], lines)  # fmt: skip


def search_table(rows):
    tried = sorted({rate for rates in RATES.values() for rate in rates} |
                   {float(row["lr"]) for row in rows if row["purpose"] == "search"})  # fmt: skip
    lines = []
    for target, entry in TARGETS.items():
        for mode in MODES:
            at = {float(row["lr"]): float(row["valid_loss"]) for row in rows
                  if row["purpose"] == "search" and row["target"] == target and row["mode"] == mode}  # fmt: skip
            if at:
                cells = [f"{at[rate]:.3g}" if rate in at else "" for rate in tried]
                lowest = min(at, key=at.get)
                cells = [f"**{cell}**" if rate == lowest else cell for rate, cell in zip(tried, cells)]
                lines.append([entry.title, str(entry.search), mode, *cells])
    return markdown(["target", "structures", "mode", *(f"{rate:g}" for rate in tried)], lines)


def reference_crystals(target):
    """structure -> its numbers with the reference method."""
    if target in ("mo", "mo-stress"):
        return {"bcc Mo": {"C11": 472.0, "C12": 158.0, "C44": 106.0}}  # PBE, Zuo et al., J. Phys. Chem. A 124, 731 (2020)
    if target == "cu-stress":
        with open(os.path.join(ROOT, "python", "frozentl", "properties", "references", "dft.json")) as f:
            return {"fcc Cu": json.load(f)["fcc Cu"]["values"]}
    if target not in ("ti", "tialv"):
        return {}
    with open(os.path.join(DATA, "tialv", "reference.json")) as f:
        given = json.load(f)
    crystals = {}
    for name in ("Ti_hcp", "Ti_bcc", "Ti_omega", "Al_fcc", "V_bcc"):
        element, lattice = name.split("_")
        of = given[name]
        crystals[f"{lattice} {element}"] = {"a": of["cell"][0], "c": of["cell"][2], **of}
    return crystals


def worst(found, reference):
    """(constant, deviation in GPa, deviation in units of what is asked for: 10 % of the reference, or 5 GPa if that is more)
    of the constant that is farthest off."""
    constants = [name for name in reference if name[0] == "C" and name[1:].isdigit()]
    if any(name not in found for name in constants):
        return None

    def off(name):
        return abs(found[name] - reference[name]) / max(5, 0.1 * abs(reference[name]))

    name = max(constants, key=off)
    return name, found[name] - reference[name], off(name)


TITANIUM = ("hcp Ti", ("a", "c", "C11", "C12", "C13", "C33", "C44", "C66"), ("bcc Ti", "omega Ti"))
CUBIC = ("a", "C11", "C12", "C44")
ELASTIC = {"ti": TITANIUM, "tialv": TITANIUM, **dict.fromkeys(("mo", "mo-stress"), ("bcc Mo", CUBIC, ())),
           "cu-stress": ("fcc Cu", CUBIC, ())}


def crystals_of(results):
    """run -> structure -> its numbers."""
    measured = {}
    for row in table.read(os.path.join(results, "elastic.csv")):
        found = {key: float(value) for key, value in row.items() if key not in ("run", "structure") and value}
        measured.setdefault(row["run"], {})[row["structure"]] = found
    return measured


def average(several):
    """Of crystals of some seeds: means of what all of them have."""
    names = set.intersection(*(set(crystals) for crystals in several))
    return {name: {key: sum(crystals[name][key] for crystals in several) / len(several)
                   for key in several[0][name] if all(key in crystals[name] for crystals in several)}
            for name in names}  # fmt: skip


def elastic_table(rows, results, target):
    crystal, columns, phases = ELASTIC[target]
    reference, measured = reference_crystals(target), crystals_of(results)

    def line(mode, size, seeds, crystals):
        main = crystals.get(crystal, {})
        cells = [(f"{main[c]:.3f}" if c in ("a", "c") else f"{main[c]:.0f}") if c in main else "" for c in columns]
        for phase in phases:
            both = "energy" in main and "energy" in crystals.get(phase, {})
            cells.append(f"{1e3 * (crystals[phase]['energy'] - main['energy']):.0f}" if both else "")
        off = worst(main, reference[crystal]) if crystals is not reference else None
        return [mode, size, seeds, *cells, f"{off[0]} {off[1]:+.0f} ({off[2]:.1f})" if off else ""]

    lines = [line("reference", "", "", reference)]
    lines += [line(name, "", "", measured[f"{target}-{name}"]) for name in BEFORE if f"{target}-{name}" in measured]
    found = points(rows, target)
    for mode, size in in_order(found):
        several = [measured[row["run"]] for row in found[mode, size] if row["run"] in measured]
        if several:
            lines.append(line(mode, str(size), str(len(several)), average(several)))
    head = ["mode", "structures", "seeds", *columns, *(f"{phase.split()[0]} above" for phase in phases), "farthest"]
    return markdown(head, lines)


def barrier_table(rows, results):
    """Energies along the paths of the labels' potential: barrier (largest difference on the path), of several seeds means and the largest."""
    labels = barriers.of_labels()
    measured = barriers.profiles(table.read(os.path.join(results, "barriers.csv")))
    lines = [["labels", "", "", *(f"{max(energies):.3f}" for energies in labels.values())]]

    def line(mode, size, runs):
        cells = []
        for surface in labels:
            at = [barriers.summary(measured[run][surface], labels[surface]) for run in runs]
            cells.append(f"{sum(height for height, _ in at) / len(at):.3f} ({max((off for _, off in at), key=abs):+.0f} meV)")
        return [mode, size, str(len(runs)) if size else "", *cells]

    lines += [line(name, "", [f"h2cu-{name}"]) for name in BEFORE if f"h2cu-{name}" in measured]
    found = points(rows, "h2cu")
    for mode, size in in_order(found):
        if runs := [row["run"] for row in found[mode, size] if row["run"] in measured]:
            lines.append(line(mode, str(size), runs))
    return markdown(["mode", "structures", "seeds", *labels], lines)


def loss_table(rows, results):
    """Modes and sizes that were trained with other losses too, by target."""
    measured = crystals_of(results)
    words = {"curve": "universal, 500, 100, 10000 (this study's)", **{f"loss-{name}": of for name, of in LOSS_WORDS.items()}}
    also = {(row["target"], row["mode"], row["structures"]) for row in rows if row["purpose"] in words and row["purpose"] != "curve"}
    lines = []
    for target, mode, size in sorted(also, key=lambda at: (list(TARGETS).index(at[0]), list(MODES).index(at[1]), int(at[2]))):
        reference = reference_crystals(target)[crystal := ELASTIC[target][0]]
        for purpose, name in words.items():
            runs = [row for row in rows if (row["purpose"], row["target"], row["mode"], row["structures"]) == (purpose, target, mode, size)]
            if not runs:
                continue
            offs = [off for row in runs if (off := worst(measured.get(row["run"], {}).get(crystal, {}), reference))]
            farthest = number(sum(off[2] for off in offs) / len(offs), 2) if offs else ""
            lines.append([TARGETS[target].title, mode, size, name, str(len(runs)), errors(runs, "valid_"), errors(runs), farthest])
    return markdown(["target", "mode", "structures", "loss, weights of energy, forces, stress", "seeds", "errors on valid", "errors on test", "farthest"], lines)


def checks_table(rows, results):
    """What is forgotten, and the walls: of dimers and crystals the one that ends soonest, and how high it is."""
    forgotten = {row["run"]: row for row in table.read(os.path.join(results, "forgetting.csv"))}
    walls = {}
    for row in table.read(os.path.join(results, "short-range.csv")):
        walls.setdefault((row["run"], row["what"]), []).append(row)
    own = {target: set(elements) for target, elements in ELEMENTS.items()}

    def line(name, run, elements, words):
        cells = []
        for what in ("dimer", "crystal"):
            scans = [s for s in walls.get((run, what), []) if set(s["elements"].split("-")) <= elements]
            first = max(scans, key=lambda s: float(s["to"])) if scans else None
            cells.append(f"{first['elements']} to {first['to']}, {first['height_eV']} eV" if first else "")
        at = forgotten.get(run)
        errors_there = f"{float(at['energy_rmse_meV_atom']):.1f} / {float(at['force_rmse_meV_A']):.0f}" if at else ""
        return [name, *words, errors_there, *cells]

    lines = []
    for target, entry in TARGETS.items():
        here = [row for row in rows if row["purpose"] in ("curve", "replay") and row["target"] == target and row["seed"] == "1"
                and (row["run"], "dimer") in walls]  # fmt: skip
        if not here:
            continue
        here.sort(key=lambda row: (list(MODES).index(row["mode"]), int(row["structures"])))
        lines += [line(entry.title, f"{target}-{name}", own[target], [name, ""]) for name in BEFORE if (f"{target}-{name}", "dimer") in walls]
        lines += [line("", row["run"], own[target], [row["mode"] + (", replay" if row["purpose"] == "replay" else ""), row["structures"]])
                  for row in here]  # fmt: skip
    return markdown(["target", "mode", "structures", "forgotten", "dimer", "crystal"], lines)


def cost_table(rows):
    lines = []
    for target, entry in TARGETS.items():
        own = [row for row in rows if row["target"] == target]
        for purpose in sorted({row["purpose"] for row in own}):
            at = [row for row in own if row["purpose"] == purpose]
            early = sum(row["stopped"] == "patience" for row in at)
            seconds = sum(float(row["cpu_seconds"]) for row in at)
            lines.append([entry.title, purpose, str(len(at)), str(early), f"{seconds / 3600:.2f}"])
    total = sum(float(row["cpu_seconds"]) for row in rows) / 3600
    return markdown(["target", "runs for", "runs", "ended by patience", "processor hours"],
                    [*lines, ["all", "", str(len(rows)), "", f"{total:.2f}"]])  # fmt: skip


def draw(frozentl, results, rows):
    """A picture a target, by frozentl plot --curve: means over the seeds with their spread."""
    columns = ("mode", "structures", "seed", "energy_rmse_meV_atom", "force_rmse_meV_A")
    with tempfile.TemporaryDirectory() as folder:
        for target, entry in TARGETS.items():
            own = sorted((row for row in rows if row["target"] == target and curve_of(row)),
                         key=lambda row: (CURVES.index(curve_of(row)), int(row["structures"])))  # fmt: skip
            if not own:
                continue
            own = [{**row, "mode": curve_of(row).replace(",", "")} for row in own]
            path = os.path.join(folder, entry.title + ".csv")  # the picture's title
            with open(path, "w") as f:
                f.write("\n".join([",".join(columns), *(",".join(row[c] for c in columns) for row in own)]) + "\n")
            picture = os.path.join(results, f"curve-{target}.svg")
            subprocess.run([frozentl, "plot", "--curve", path, "--output", picture], check=True, stdout=subprocess.DEVNULL)


def draw_others(python, results):
    """docs/img/which-freezing.svg and results/barriers-h2cu.svg, where this Python has matplotlib."""
    done = subprocess.run([python, os.path.join(HERE, "picture.py"), results, os.path.join(ROOT, "docs", "img", "which-freezing.svg"),
                           os.path.join(results, "barriers-h2cu.svg")], stderr=subprocess.PIPE, text=True)  # fmt: skip
    if done.returncode:
        print(f"which-freezing.svg and barriers-h2cu.svg are left as they are: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)


def fill(path, tables):
    """Replaces what is between '<!-- NAME -->' and '<!-- end -->'."""
    with open(path) as f:
        text = f.read()
    for name, body in tables.items():
        before, found, rest = text.partition(f"<!-- {name} -->\n")
        if found:
            _, _, after = rest.partition("<!-- end -->")
            text = before + found + body + "\n<!-- end -->" + after
    with open(path + ".part", "w") as f:
        f.write(text)
    os.replace(path + ".part", path)


def make(frozentl, python, results):
    rows = table.read(os.path.join(results, "runs.csv"))
    if not rows:
        return
    draw(frozentl, results, rows)
    if os.path.samefile(results, os.path.join(HERE, "results")):
        draw_others(python, results)
        fill(os.path.join(HERE, "README.md"),
             {**{target: curve_table(rows, target) for target in TARGETS},
              **{f"elastic-{target}": elastic_table(rows, results, target) for target in ELASTIC},
              "barriers-h2cu": barrier_table(rows, results), "loss": loss_table(rows, results), "headline": headline_table(rows),
              "search": search_table(rows), "checks": checks_table(rows, results), "cost": cost_table(rows)})  # fmt: skip
