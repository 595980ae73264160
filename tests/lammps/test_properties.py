"""The property calculations of examples/surrogate with the shipped potentials, in their short versions: the physics must hold,
and numbers must be those that other ways lead to."""
import csv

from harness import *

FOLDER = os.path.join(ROOT, "examples", "surrogate")


def said(script, *arguments, code=0):
    """What a script says; it must end with this code."""
    libraries = os.path.join(os.path.dirname(os.path.dirname(LMP)), "lib")  # libmpi of the package mpich
    done = subprocess.run([PYTHON, os.path.join(FOLDER, script), *arguments], env=host_environment({"LD_LIBRARY_PATH": libraries}),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip
    if done.returncode != code:
        raise Failure(f"{script} ended with {done.returncode}: {done.stdout[-1500:]}")
    return done.stdout


def answers(script, arguments):
    """What a script wrote to its CSV files: name of the file -> its rows."""
    out = tempfile.mkdtemp(prefix="frozentl-")
    said(script, *arguments, "--quick", "--out", out)
    rows = {}
    for name in os.listdir(out):
        if name.endswith(".csv"):
            with open(os.path.join(out, name), newline="") as f:
                rows[name] = list(csv.reader(f))
        elif name.endswith(".svg"):
            with open(os.path.join(out, name)) as f:
                rows[name] = f.read()
    shutil.rmtree(out)
    return rows


def numbers(rows):
    """(system, property) -> value of the only potential."""
    return {(row[0], row[1]): float(row[3]) for row in rows[1:]}


def between(name, value, low, high):
    check(f"{name}: {value:.4g}, in {low} to {high} (0: yes)", int(not low <= value <= high), 0)


def eval_errors(model, data, *flags):
    """RMSE of energies per atom, forces and stresses that frozentl eval prints, in milli-units."""
    told = subprocess.run([COMMAND, "eval", model, data, *flags], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = re.search(r"^total +\d+ +\d+ \| +(\S+) +\S+ \| +(\S+) +\S+ \| +(\S+)", told, re.M).groups()
    return [float(x) for x in found if x != "-"]


def test_titanium():
    """Lattices and elastic constants near those of the labels (UNEP-v1: 2.928 A, 1.585; 173, 94, 69, 208, 41 GPa; bcc 55 meV
    above hcp), symmetric, derivatives of the energy (the script gives none otherwise), and stable."""
    have = numbers(answers("titanium_properties.py", ["ace=potentials/tialv-ace.ftl"])["titanium_properties.csv"])
    between("hcp: a", have["hcp Ti", "a"], 2.92, 2.94)
    between("hcp: c/a", have["hcp Ti", "c/a"], 1.57, 1.6)
    c = {name: have["hcp Ti", name] for name in ("C11", "C12", "C13", "C33", "C44", "B")}
    between("hcp: C33", c["C33"], 190, 225)
    between("hcp: C44", c["C44"], 36, 46)
    between("hcp: (C11 - C12) / 2", (c["C11"] - c["C12"]) / 2, 35, 45)
    between("hcp: C33 (C11 + C12) - 2 C13^2", c["C33"] * (c["C11"] + c["C12"]) - 2 * c["C13"] ** 2, 1, 1e5)
    between("hcp: bulk modulus", c["B"], 105, 120)
    between("hcp: stable", have["hcp Ti", "stable (Born)"], 1, 1)
    between("bcc: a", have["bcc Ti", "a"], 3.24, 3.29)
    between("bcc over hcp, meV per atom", have["bcc Ti", "energy over hcp"], 45, 65)


def test_hydrogen_on_copper():
    """The barrier of Cu(111) near the published potential's (0.587 eV, at d = 0.98 and Z = 1.21 A), and in order."""
    rows = answers("h2cu_properties.py", [f"mace={shipped()}"])
    have = numbers(rows["h2cu_properties.csv"])
    parallel, free, relaxed = (have["Cu(111)", f"barrier, {kind}"] for kind in ("parallel", "free", "surface relaxed"))
    between("barrier", parallel, 0.53, 0.65)
    between("barrier, what freedom of the molecule takes off", parallel - free, 0, 0.05)
    between("barrier, what a surface that relaxes takes off", free - relaxed, 0, 0.1)
    between("d at the barrier", have["Cu(111)", "d, parallel"], 0.9, 1.1)
    between("Z at the barrier", have["Cu(111)", "Z, parallel"], 1.1, 1.35)
    between("bond length of H2", have["H2", "bond length"], 0.73, 0.77)
    between("H: hcp over fcc", have["Cu(111)", "H on hcp"] - have["Cu(111)", "H on fcc"], 0, 0.1)
    between("H: bridge over fcc", have["Cu(111)", "H on bridge"] - have["Cu(111)", "H on fcc"], 0.05, 0.3)
    check("the plot has its lines (0: yes)", int(rows["elbows.svg"].count("<path") < 10), 0)
    with open(os.path.join(ROOT, "examples", "elastic", "results", "elastic.csv"), newline="") as f:
        kept = {row[3]: float(row[4]) for row in csv.reader(f) if row[:3] == ["Cu", "fine-tuned", "0"]}
    close("copper's elastic constants, against examples/elastic's", [have["Cu", name] for name in ("C11", "C12", "C44")],
          [kept[name] for name in ("C11", "C12", "C44")], 3e-3)  # fmt: skip


def test_errors():
    """The totals are those that frozentl eval prints."""
    data = shared("data/tialv/test.xyz")
    model = os.path.join(ROOT, "potentials", "tialv-ace.ftl")
    rows = answers("errors.py", [f"a={model}", f"b={model}", "--data", data, "--frozentl", COMMAND])
    have = [float(row[4]) for row in rows["errors_labels.csv"] if row[0] == "total"]
    close("RMSE against frozentl eval", have, eval_errors(model, data), 1e-3)
    check("RMSE of a potential against itself", max(float(row[4]) for row in rows["errors_against_a.csv"][1:]), 0)


def test_stability():
    """Long runs: one that stopped goes on from its restart file as if it had not, and gamma is told."""
    seen = {}
    for name, lengths in (("whole", ("0.08",)), ("broken", ("0.04", "0.08"))):
        folder = tempfile.mkdtemp(prefix="frozentl-")
        for length in lengths:
            rows = answers("stability.py", ["ace=potentials/tialv-ace.ftl", "--temperatures", "900", "--ps", length, "--work", folder])
        with open(os.path.join(folder, "stability", "ace", "900K", "seen.csv"), newline="") as f:
            seen[name] = [[float(x) for x in row] for row in list(csv.reader(f))[1:]]
        shutil.rmtree(folder)
    check("rows: one every five steps (0: yes)", int([row[0] for row in seen["broken"]] != list(range(0, 41, 5))), 0)
    for k, what in ((2, "volume"), (3, "energy")):
        close(f"{what} of a run that went on", [row[k] for row in seen["broken"]], [row[k] for row in seen["whole"]], 1e-6)
    largest = max(row[4] for row in seen["broken"])
    between("largest gamma of hcp", largest, 0.1, 5)
    told = [float(row[3]) for row in rows["stability.csv"][1:] if row[1] == "largest gamma"]
    close("gamma in the table", told, [largest], 1e-4)


NEAREST = {"Ti": 2.90, "Al": 2.86, "V": 2.59}  # Angstrom
SITE = {"hcp": 2**-0.5, "bcc": 4 / 27**0.5, "fcc": 2**-0.5}  # volume of an atom where the nearest distance is 1


def pairs(structure):
    """(atom, atom, nearest distance, images among them)"""
    shifts = [[sum(n * v[d] for n, v in zip((i, j, k), structure.cell)) for d in range(3)] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]
    for i, a in enumerate(structure.positions):
        for j, b in enumerate(structure.positions[: i + 1]):
            yield i, j, min(d for d in (math.dist(a, [x + y for x, y in zip(b, shift)]) for shift in shifts) if d > 1e-9)


def volume(cell):
    a, b, c = cell
    return abs(sum(a[k] * (b[k - 2] * c[k - 1] - b[k - 1] * c[k - 2]) for k in range(3)))


def test_crowded():
    """Pressed alloys: no pair is nearer than 0.76 of its nearest distance, lengths are 0.86 to 1.04 of those of the lattice, strained by up to 0.03; the
    first are pressed indeed, mixed and pure. They are the same each time, and a fit to them has the teacher's labels."""
    folder = tempfile.mkdtemp(prefix="frozentl-")
    paths = [os.path.join(folder, name) for name in ("some.xyz", "more.xyz")]
    for path, count in zip(paths, ("2", "12")):
        said("crowded.py", path, "--count", count)
    some, more = (open(path).read() for path in paths)
    check("the first of more are the same (0: yes)", int(not more.startswith(some)), 0)
    frames = read_xyz(paths[1])
    nearest, lengths = [], []
    for k, frame in enumerate(frames):
        metals = [NEAREST[symbol] for symbol in frame.symbols]
        nearest.append(min(d / ((metals[i] + metals[j]) / 2) for i, j, d in pairs(frame)))
        size = volume(frame.cell) / len(metals) / SITE[list(SITE)[k % 3]]
        lengths.append(size ** (1 / 3) / (sum(metals) / len(metals)))
    between("nearest pair, of the nearest distance", min(nearest), 0.76 - 1e-6, 0.8)
    between("smallest length", min(lengths), 0.86 * 0.97, 0.9)
    between("largest length", max(lengths), 0.98, 1.04 * 1.03)
    kinds = [len(frame.elements()) for frame in frames]
    check("structures: 12, pure and mixed ones among them (0: yes)", int(len(kinds) != 12 or not {1, 3} <= set(kinds)), 0)
    out, model = os.path.join(folder, "run"), os.path.join(ROOT, "potentials", "tialv.ftl")
    flags = "--jobs start --n-starts 12 --sampled-frames 12 --n 4 --cutoff 5 --set holdout=0 --set uncertainty.committee=0 --quiet"
    subprocess.run([COMMAND, "distill", "-m", model, "--starts", paths[1], "-o", out, *flags.split()], check=True)
    labelled = os.path.join(out, "sampled.xyz")
    check("RMSE of the labels against the teacher", max(eval_errors(model, labelled, "--labels", "REF_")), 1e-3)
    shutil.rmtree(folder)


def test_knocks():
    """Two neighbours pushed together: one pair of a cell, each kind in turn, is brought to 0.57 to 0.9 of its nearest distance, all others stay beyond 0.76 of theirs."""
    path = os.path.join(tempfile.mkdtemp(prefix="frozentl-"), "knocks.xyz")
    said("knocks.py", path, "--count", "24")
    kinds, pushed, others = [], [], []
    for frame in read_xyz(path):
        near = sorted((2 * d / (NEAREST[frame.symbols[i]] + NEAREST[frame.symbols[j]]), i, j) for i, j, d in pairs(frame) if i != j)
        pushed.append(near[0][0])
        others.append(near[1][0])
        kinds.append(tuple(sorted(frame.symbols[k] for k in near[0][1:])))
    check("kinds of pairs, all six (0: yes)", int(len(set(kinds)) != 6), 0)
    between("least of the pushed pairs", min(pushed), 0.57, 0.9)
    between("those that are nearer than any other may be", sum(d < 0.76 for d in pushed), 8, 24)
    between("least of the others", min(others), 0.76 - 1e-6, 1)
    shutil.rmtree(os.path.dirname(path))


def test_scattered():
    """Searches for the pass of H2 on copper end at one, which is that of h2cu_properties.py."""
    lines = said("scattered.py", "mace=potentials/h2cu.ftl", "--quick", "--out", tempfile.gettempdir())
    with open(os.path.join(FOLDER, "results", "h2cu_properties.csv"), newline="") as f:
        kept = {row["system"]: float(row["mace"]) for row in csv.DictReader(f) if row["property"] == "barrier, free"}
    found = re.search(r"^mace, (\S+): (\S+) eV; 2 of 2 searches end there; 0 nowhere$", lines, re.M)
    if not found:
        raise Failure(lines)
    between("barrier against results/, eV", float(found[2]) - kept[found[1]], -0.003, 0.003)


def test_added_to_curve():
    """Accuracy against cost: a potential that is added has its errors and times beside the rows that are there; what is no SET:LABEL=FILE is refused in a
    sentence."""
    data, model, out = shared("data/h2cu/test.xyz"), os.path.join(ROOT, "potentials", "h2cu-ace.ftl"), tempfile.mkdtemp(prefix="frozentl-")

    def table():
        with open(os.path.join(out, "cost.csv"), newline="") as f:
            return list(csv.reader(f))

    shutil.copy(os.path.join(FOLDER, "results", "cost.csv"), out)
    before = table()
    common = ["--only", "h2cu", "--add", "--out", out, "--work", out, "--frozentl", COMMAND]
    for words, sentence in ((f"again={model}", "expected SET:LABEL=FILE"), (f"h2cu:again={model}x", "no such file")):
        between(f"{words} is refused", said("curve.py", *common, words, code=2).count(f"error: {words.removeprefix('h2cu:')}: {sentence}"), 1, 1)
    said("curve.py", *common, f"h2cu:again={model}")
    new = [row for row in table() if row[1].startswith("again")]
    check("rows that were there stay (0: yes)", int([row for row in table() if row not in new] != before), 0)
    check("nothing is labelled or fitted for it (0: yes)", int(any(name.startswith("h2cu-labelled") for name in os.listdir(out))), 0)
    close("RMSE against frozentl eval", [float(x) for x in new[0][4:6]], eval_errors(model, data)[:2], 2e-2)
    between("times, double and mixed, microseconds", min(float(x) for x in new[0][6:8]), 0.1, 1e5)
    with open(os.path.join(out, "cost.svg")) as svg, open(os.path.join(out, "cost.md")) as markdown:
        between("it is in the picture and in the table", (">again<" in svg.read()) + ("| h2cu | again |" in markdown.read()), 2, 2)
    shutil.rmtree(out)


run_tests(globals())
