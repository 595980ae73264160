"""The property calculations of examples/surrogate with the shipped potentials, in their short versions: the physics must hold,
and numbers must be those that other ways lead to."""
import csv

from harness import *

FOLDER = os.path.join(ROOT, "examples", "surrogate")


def answers(script, arguments):
    """What a script wrote to its CSV files: name of the file -> its rows."""
    out = tempfile.mkdtemp(prefix="frozentl-")
    libraries = os.path.join(os.path.dirname(os.path.dirname(LMP)), "lib")  # libmpi of the package mpich
    done = subprocess.run(
        [PYTHON, os.path.join(FOLDER, script), *arguments, "--quick", "--out", out],
        env=host_environment({"LD_LIBRARY_PATH": libraries}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise Failure(f"{script} ended with {done.returncode}: {done.stdout[-1500:]}")
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
    totals = [float(row[4]) for row in rows["errors_labels.csv"] if row[0] == "total"]
    said = subprocess.run([COMMAND, "eval", model, data], stdout=subprocess.PIPE, text=True, check=True).stdout
    numbers_said = re.search(r"^total +\d+ +\d+ \| +(\S+) +\S+ \| +(\S+) +\S+ \| +(\S+)", said, re.M).groups()
    close("RMSE against frozentl eval", totals, [float(x) for x in numbers_said], 1e-3)
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


run_tests(globals())
