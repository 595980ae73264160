"""Runs LAMMPS with pair_style frozentl on small inputs and compares numbers. Standard library only.

A test file defines functions test_NAME(), each of which is a test for ctest, and ends with run_tests(globals()). Every
comparison prints its largest error next to its limit; the exit code is 0 (all passed), 1 (something failed) or 77
(nothing could run, and why was printed).

Environment (set by CMake; the defaults are what `make build` makes):
  FTL_PLUGIN_DIR  folder of frozentlplugin.so     FTL_COMMAND  the command frozentl
  FTL_LMP, FTL_MPIRUN                             LAMMPS and MPI's launcher, by default those of build/venv
  FTL_LAMMPS_ARGUMENTS  arguments that every run of LAMMPS gets: `-k on -sf kk -pk kokkos newton on neigh half`, for one
  FTL_TEST_MODEL  what potential() is: so tests run once more on another family (a file of copper and hydrogen)
  FTL_PRELOAD     libraries for LAMMPS to load first: those of the sanitizers, if the plugin was built with them
"""
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(os.path.dirname(ROOT), "shared")


def _setting(name, default):
    return os.environ.get(name) or os.path.join(ROOT, default)


PLUGIN_DIR = _setting("FTL_PLUGIN_DIR", "build/release/pair_style")
COMMAND = _setting("FTL_COMMAND", "build/release/train/frozentl")
LMP = _setting("FTL_LMP", "build/venv/bin/lmp")
MPIRUN = _setting("FTL_MPIRUN", "build/venv/bin/mpirun")
ARGUMENTS = os.environ.get("FTL_LAMMPS_ARGUMENTS", "").split()
PYTHON = os.path.join(os.path.dirname(LMP), "python")  # the one that has the package lammps

BAR = 1.6021765e6  # LAMMPS' nktv2p in metal units: eV/Angstrom^3 in bar
KCAL = 23.060549  # LAMMPS' eV in kcal/mol
MASS = {"H": 1.008, "O": 15.999, "Al": 26.982, "Ti": 47.867, "V": 50.942, "Cu": 63.546, "C": 12.011, "N": 14.007}


class Skip(Exception):
    """What a test needs is not on this machine."""


class Failure(Exception):
    pass


# ---- models and structures


def shared(path):
    full = os.path.join(SHARED, path)
    if not os.path.exists(full):
        raise Skip(f"{path} is not in ../shared")
    return full


def twin(name):
    return shared(f"reference/mace/{name}.model")


def sevennet(name):
    """A twin of SevenNet: of ../shared, or one of the tree, which are of copper and hydrogen."""
    tracked = os.path.join(ROOT, "tests", "parity", "sevennet-twins", name + ".pth")
    return tracked if os.path.exists(tracked) else shared(f"reference/sevennet/{name}.pth")


def shipped():
    """The H2/Cu potential that is shipped."""
    return os.path.join(ROOT, "potentials", "h2cu.ftl")


def potential():
    """An H2/Cu potential: FTL_TEST_MODEL; else a small one from ../shared where that is, as these tests take many steps; else
    the shipped one."""
    if os.environ.get("FTL_TEST_MODEL"):
        return os.environ["FTL_TEST_MODEL"]
    small = os.path.join(SHARED, "reference/h2cu-trained/h2cu-16x0e.model")
    return small if os.path.exists(small) else shipped()


def surrogate():
    """Of copper and hydrogen; made by tests/lammps/make_surrogate.c."""
    path = os.environ.get("FTL_SURROGATE")
    if not path or not os.path.exists(path):
        raise Skip("no surrogate: run this through ctest")
    return path


def taught(model):
    """A model that knows its errors; the labels of the data are made up, so that there are some."""
    rng, text = random.Random(4), ""
    folder = tempfile.mkdtemp(prefix="frozentl-")
    _folders.append(folder)
    for k in range(6):
        s = fcc(3.5 + 0.06 * k, (1, 1, 1), hydrogens=1)
        lattice = " ".join(str(x) for row in s.cell for x in row)
        text += f'{len(s.symbols)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3:REF_forces:R:3 REF_energy={rng.gauss(-15, 0.1)}\n'
        for symbol, p in zip(s.symbols, s.positions):
            text += " ".join([symbol, *(str(x + 0.1 * rng.gauss(0, 1)) for x in p), *(str(rng.gauss(0, 0.5)) for _ in p)]) + "\n"
    data, out = os.path.join(folder, "made-up.xyz"), os.path.join(folder, "taught.ftl")
    with open(data, "w") as f:
        f.write(text)
    subprocess.run([os.environ["FTL_COMMAND"], "trust", model, data, "-o", out, "--quiet", "--members", "3"], check=True)
    return out


class Structure:
    """Symbols, positions [n][3], cell [3][3] (rows are vectors) or None, pbc [3]."""

    def __init__(self, symbols, positions, cell=None, pbc=(True, True, True)):
        self.symbols, self.positions, self.cell, self.pbc = symbols, positions, cell, pbc

    def elements(self):
        return sorted(set(self.symbols))


def read_xyz(path):
    """All frames of an extended XYZ file with columns species, pos, ..."""
    frames, lines = [], open(path).read().splitlines()
    k = 0
    while k < len(lines) and lines[k].strip():
        n, comment = int(lines[k]), lines[k + 1]
        lattice = re.search(r'Lattice="([^"]*)"', comment)
        pbc = re.search(r'pbc="([^"]*)"', comment)
        cell = None
        if lattice:
            v = [float(x) for x in lattice.group(1).split()]
            cell = [v[0:3], v[3:6], v[6:9]]
        rows = [line.split() for line in lines[k + 2 : k + 2 + n]]
        frames.append(
            Structure(
                [r[0] for r in rows],
                [[float(x) for x in r[1:4]] for r in rows],
                cell,
                [x == "T" for x in pbc.group(1).split()] if pbc else [cell is not None] * 3,
            )
        )
        k += 2 + n
    return frames


def fcc(a, repeats, hydrogens=0, rattle=0.1, seed=7):
    """Rattled fcc copper with a few octahedral hydrogens."""
    rng = random.Random(seed)
    base = [(0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    sites = [(i, j, k) for i in range(repeats[0]) for j in range(repeats[1]) for k in range(repeats[2])]
    symbols, positions = [], []
    for s in sites:
        for b in base:
            symbols.append("Cu")
            positions.append([a * (s[d] + b[d]) for d in range(3)])
    for s in rng.sample(sites, hydrogens):
        symbols.append("H")
        positions.append([a * (s[d] + 0.5) for d in range(3)])
    positions = [[x + rng.uniform(-rattle, rattle) for x in p] for p in positions]
    cell = [[a * repeats[d] if e == d else 0.0 for e in range(3)] for d in range(3)]
    return Structure(symbols, positions, cell)


def crystal():
    """Copper with hydrogen between its atoms."""
    return fcc(3.62, (3, 3, 3), hydrogens=6)


def strained(structure, matrix):
    """Every vector v becomes matrix v."""
    turn = lambda v: [sum(matrix[a][b] * v[b] for b in range(3)) for a in range(3)]
    return Structure(
        structure.symbols, [turn(p) for p in structure.positions], [turn(v) for v in structure.cell], structure.pbc
    )


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def unit(a):
    s = math.sqrt(dot(a, a))
    return [x / s for x in a]


def lammps_frame(cell):
    """Rows e_x, e_y, e_z of LAMMPS' axes: a along x, b in the xy plane."""
    ex = unit(cell[0])
    ez = unit(cross(cell[0], cell[1]))
    return [ex, cross(ez, ex), ez]


def write_data(structure, path, elements, margin=30.0):
    """A LAMMPS data file. Returns the rotation (rows: LAMMPS' axes) that went into it. Without a cell, or along open
    directions, the box has a margin around the atoms."""
    turn, pos, tilt = [[1, 0, 0], [0, 1, 0], [0, 0, 1]], structure.positions, (0.0, 0.0, 0.0)
    if structure.cell:
        turn = lammps_frame(structure.cell)
        pos = [[dot(e, p) for e in turn] for p in pos]
        a, b, c = [[dot(e, v) for e in turn] for v in structure.cell]
        low, high, tilt = [0.0] * 3, [a[0], b[1], c[2]], (b[0], c[0], c[1])
    else:
        low = [min(p[d] for p in pos) - margin for d in range(3)]
        high = [max(p[d] for p in pos) + margin for d in range(3)]
    with open(path, "w") as f:
        f.write(f"test\n\n{len(pos)} atoms\n{len(elements)} atom types\n\n")
        for d, x in enumerate("xyz"):
            f.write(f"{low[d]:.17g} {high[d]:.17g} {x}lo {x}hi\n")
        if any(abs(t) > 1e-12 for t in tilt):
            f.write("{:.17g} {:.17g} {:.17g} xy xz yz\n".format(*tilt))
        f.write("\nMasses\n\n")
        for k, e in enumerate(elements):
            f.write(f"{k + 1} {MASS[e]}\n")
        f.write("\nAtoms # atomic\n\n")
        for k, (s, p) in enumerate(zip(structure.symbols, pos)):
            f.write("{} {} {:.17g} {:.17g} {:.17g}\n".format(k + 1, elements.index(s) + 1, *p))
    return turn


# ---- running


class Run:
    """What LAMMPS answered: thermo (name -> values), frames of dump.txt, the log, the folder."""

    def __init__(self, folder, log, code):
        self.folder, self.log, self.code = folder, log, code
        self.thermo, self.frames = {}, []
        table = None
        for line in log.splitlines():
            words = line.split()
            if words and words[0] == "Step":
                table = words
                for name in table:
                    self.thermo.setdefault(name, [])
            elif table and words and re.fullmatch(r"-?\d+", words[0]) and len(words) == len(table):
                for name, word in zip(table, words):
                    self.thermo[name].append(float(word))
            elif words and words[0] == "Loop":
                table = None
        if os.path.exists(os.path.join(folder, "dump.txt")):
            self.frames = read_dump(os.path.join(folder, "dump.txt"))

    def __getitem__(self, name):
        """The last value of a thermo column."""
        return self.thermo[name][-1]


def read_dump(path):
    """Frames of a custom dump: column name -> values, in order of atom IDs."""
    frames, lines = [], open(path).read().splitlines()
    k = 0
    while k < len(lines):
        n = int(lines[k + 3])
        names = lines[k + 8].split()[2:]
        rows = sorted(([float(x) for x in line.split()] for line in lines[k + 9 : k + 9 + n]), key=lambda r: r[0])
        frames.append({name: [r[c] for r in rows] for c, name in enumerate(names)})
        k += 9 + n
    return frames


def host_environment(variables):
    """The environment of a program that loads the plugin. MPI and Python leave memory behind: that is not looked for."""
    environment = dict(os.environ, LAMMPS_PLUGIN_PATH=PLUGIN_DIR, OMP_NUM_THREADS="1")
    environment.pop("LAMMPS_POTENTIALS", None)
    if os.environ.get("FTL_PRELOAD"):
        environment.update(LD_PRELOAD=os.environ["FTL_PRELOAD"], ASAN_OPTIONS="detect_leaks=0")
    environment.update(variables)
    return environment


def no_sanitizer_speaks(log):
    for line in log.splitlines():
        if "Sanitizer" in line or "runtime error:" in line:
            raise Failure(f"{line}:\n{log[-4000:]}")


def lammps(script, ranks=1, threads=None, files=(), arguments=(), plugins=None, variables=None, timeout=600):
    """Runs an input script. `files` are (name, text) written next to it, `plugins` a folder to look for plugins in other
    than PLUGIN_DIR, `variables` more of the environment. Never raises for LAMMPS' own errors."""
    if not plugins and not os.path.exists(os.path.join(PLUGIN_DIR, "frozentlplugin.so")):
        raise Failure(f"no frozentlplugin.so in {PLUGIN_DIR}: run make build")
    if not shutil.which(LMP):
        raise Skip(f"no LAMMPS at {LMP}: run scripts/setup.sh")
    folder = tempfile.mkdtemp(prefix="frozentl-")
    _folders.append(folder)
    if "kk" in ARGUMENTS:  # of more than one layer frozentl/kk has no centroid virials
        script = script.replace("compute c all centroid/stress/atom NULL virial\n", "").replace(" c_c[*]", "")
    for name, text in [("in.test", script), *files]:
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    cite = [] if "-cite" in arguments else ["-nocite"]
    command = [LMP, "-in", "in.test", "-log", "log.lammps", *cite, *ARGUMENTS, *arguments]
    if ranks > 1:
        command = [MPIRUN, "-n", str(ranks), *command]
    environment = host_environment(
        {"LAMMPS_PLUGIN_PATH": plugins or PLUGIN_DIR, "OMP_NUM_THREADS": str(threads or 1), **(variables or {})}
    )
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout
    )
    no_sanitizer_speaks(done.stdout)
    return Run(folder, done.stdout, done.returncode)


def must(run):
    """The run, if LAMMPS was content."""
    if run.code != 0:
        raise Failure(f"LAMMPS ended with {run.code}:\n" + "\n".join(run.log.splitlines()[-12:]))
    return run


POINT = """
compute e all pe/atom
compute s all stress/atom NULL virial
compute c all centroid/stress/atom NULL virial
compute p all pressure NULL virial
thermo_style custom step pe vol c_p[1] c_p[2] c_p[3] c_p[4] c_p[5] c_p[6]
thermo_modify norm no format float %.17g
dump d all custom 1 dump.txt id type x y z fx fy fz c_e c_s[*] c_c[*]
dump_modify d sort id format float %.17g
"""


def setup(structure, elements, model, units="metal", style="", mapping=None, before="", pair=None, margin=30.0):
    """The start of a script, and its data file: (text, files, rotation)."""
    folder = tempfile.mkdtemp(prefix="frozentl-")
    _folders.append(folder)
    path = os.path.join(folder, "data")
    turn = write_data(structure, path, elements, margin)
    boundary = " ".join("p" if structure.cell and p else "f" for p in structure.pbc)
    pair = pair or f"pair_style frozentl {style}\npair_coeff * * {model} {' '.join(mapping or elements)}"
    text = f"""units {units}
atom_style atomic
atom_modify map yes
newton on
boundary {boundary}
{before}
box tilt large
read_data {path}
{pair}
neighbor 1.0 bin
"""
    return text, turn


def point(structure, model, ranks=1, threads=None, **options):
    """One evaluation with everything: Run whose frames[0] has forces, c_e, c_s, c_c."""
    text, turn = setup(structure, options.pop("elements", structure.elements()), model, **options)
    run = must(lammps(text + POINT + "run 0\n", ranks=ranks, threads=threads))
    run.turn = turn
    return run


def says(name, pattern, script, ranks=1, plugins=None, files=()):
    """LAMMPS stops, prints exactly one error, and that matches."""
    run = lammps(script, ranks=ranks, plugins=plugins, files=files)
    errors = [line for line in run.log.splitlines() if line.startswith("ERROR")]
    text = " ".join(run.log.split())
    if run.code == 0:
        fault = "LAMMPS was content"
    elif run.code < 0 or run.code > 128 or "egmentation" in run.log:
        fault = f"LAMMPS crashed ({run.code})"
    elif len(errors) != 1:
        fault = f"{len(errors)} errors: {errors}"
    elif not re.search(pattern, text):
        fault = f"'{errors[0]}' does not match '{pattern}'"
    else:
        fault = None
    print(f"    {name:<44} {errors[0][:150] if errors else ''}")
    if fault:
        raise Failure(f"{name}: {fault}\n" + "\n".join(run.log.splitlines()[-8:]))


# ---- answers of a run


def forces(run):
    f = run.frames[-1]
    return [list(v) for v in zip(f["fx"], f["fy"], f["fz"])]


def forces_in_cell(run):
    """Forces in the axes of the structure (LAMMPS' may be rotated)."""
    return [[sum(run.turn[k][d] * v[k] for k in range(3)) for d in range(3)] for v in forces(run)]


def virial(run):
    """xx yy zz xy xz yz in eV (metal) from compute pressure."""
    return [run[f"c_p[{k}]"] * run["Volume"] / BAR for k in range(1, 7)]


def columns(run, name, n):
    f = run.frames[-1]
    return [f[f"{name}[{k}]"] for k in range(1, n + 1)]


def flat(x):
    return [x] if not isinstance(x, list) else [v for y in x for v in flat(y)]


def largest(x):
    return max((abs(v) for v in flat(x)), default=0.0)


# ---- checks


def check(name, value, limit):
    """value <= limit, printed either way; not a number fails."""
    ok = value <= limit
    print(f"    {name:<58} {value:9.2e}  (limit {limit:.0e})  {'ok' if ok else 'FAILED'}", flush=True)
    if not ok:
        _failed.append(name)


def close(name, got, expected, limit, scale=None):
    """Largest |got - expected| relative to the largest |expected| (or to scale)."""
    a, b = flat(got), flat(expected)
    if len(a) != len(b):
        raise Failure(f"{name}: {len(a)} numbers, expected {len(b)}")
    scale = scale or largest(b) or 1.0
    check(name, max(abs(x - y) if math.isfinite(x) else math.inf for x, y in zip(a, b)) / scale, limit)


def same(name, run, reference, limit):
    """Everything that POINT answers agrees with another run, relative to its largest value."""
    close(f"{name}: energy", run["PotEng"], reference["PotEng"], limit)
    close(f"{name}: forces", forces(run), forces(reference), limit)
    close(f"{name}: energy per atom", run.frames[-1]["c_e"], reference.frames[-1]["c_e"], limit)
    close(f"{name}: virial", virial(run), virial(reference), limit)
    close(f"{name}: virial per atom", columns(run, "c_s", 6), columns(reference, "c_s", 6), limit)
    if "c_c[1]" in run.frames[-1] and "c_c[1]" in reference.frames[-1]:
        close(f"{name}: centroid virial per atom", columns(run, "c_c", 9), columns(reference, "c_c", 9), limit)


_failed, _folders = [], []


def run_tests(names):
    """Runs test_* of a module, or those named on the command line."""
    tests = {n[5:]: f for n, f in names.items() if n.startswith("test_")}
    wanted = sys.argv[1:] or list(tests)
    for n in wanted:
        if n not in tests:
            sys.exit(f"no test '{n}'; there are: {' '.join(tests)}")
    passed, skipped = 0, 0
    for n in wanted:
        start, before = time.time(), len(_failed)
        print(f"{n}", flush=True)
        try:
            tests[n]()
            passed += len(_failed) == before
        except Skip as reason:
            skipped += 1
            print(f"    skipped: {reason}", flush=True)
        except (Failure, subprocess.TimeoutExpired) as reason:
            _failed.append(n)
            print(f"    FAILED: {reason}", flush=True)
        finally:
            for folder in _folders:
                shutil.rmtree(folder, ignore_errors=True)
            _folders.clear()
        print(f"    {time.time() - start:.1f} s", flush=True)
    print(f"{passed} passed, {len(_failed)} failed checks, {skipped} skipped")
    sys.exit(1 if _failed else 77 if not passed else 0)
