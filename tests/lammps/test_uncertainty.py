"""Extrapolation grades and deviations through fix pair, of a surrogate and of a MACE or SevenNet that frozentl trust has
taught: the same on any number of ranks, in real units, with types of other styles, and a clear word where a potential has none."""
from harness import *

FIELDS = ("gamma", "energy_deviation", "force_deviation")
FIX = "fix u all pair {every} frozentl gamma 1 energy_deviation 1 force_deviation 1\n"
POINT_OF_FIX = (
    FIX.format(every=1) + "compute top all reduce max f_u[1] f_u[2] f_u[3]\n"
    "thermo_style custom step pe c_top[1] c_top[2] c_top[3]\nthermo_modify norm no format float %.17g\n"
    "dump d all custom 1 dump.txt id type f_u[1] f_u[2] f_u[3]\ndump_modify d sort id format float %.17g\nrun 0\n"
)


def ask(structure, model=None, ranks=1, threads=None, **options):
    text, _ = setup(structure, options.pop("elements", structure.elements()), model or surrogate(), **options)
    run = must(lammps(text + POINT_OF_FIX, ranks=ranks, threads=threads))
    return [run.frames[0][f"f_u[{k}]"] for k in (1, 2, 3)], [run[f"c_top[{k}]"] for k in (1, 2, 3)]


def agree(name, a, b, limit=1e-9):
    for field, x, y in zip(FIELDS, a[0], b[0]):
        close(f"{name}: {field}", x, y, limit)
        if not largest(y) > 0:
            raise Failure(f"{name}: {field} is 0 everywhere")
    close(f"{name}: largest of each", a[1], [max(x) for x in a[0]], 1e-12)


def test_ranks_and_threads():
    one = ask(crystal())
    for ranks, threads in ((1, 3), (2, 1), (4, 1), (2, 2)):
        agree(f"{ranks} ranks, {threads} threads", ask(crystal(), ranks=ranks, threads=threads), one)


def test_ranks_and_threads_of_taught_models():
    """Two layers and three; the members' adjoints are exchanged between ranks too."""
    for model in (potential(), os.path.join(ROOT, "tests/parity/sevennet-twins/s-parity-l3.pth")):
        path = taught(model)
        one = ask(crystal(), path)
        for ranks, threads in ((1, 3), (2, 1), (4, 1)):
            agree(f"{os.path.basename(model)}, {ranks} ranks, {threads} threads", ask(crystal(), path, ranks=ranks, threads=threads), one)


def test_ranks_without_atoms():
    cluster = fcc(3.62, (1, 1, 1), hydrogens=1)
    cluster.cell, cluster.pbc = None, (False, False, False)
    one = ask(cluster)
    agree("cluster on 4 ranks", ask(cluster, ranks=4, before="processors * 1 1"), one)


def test_types():
    """Two types of one element, and another order."""
    one = ask(crystal())
    agree("another order", ask(crystal(), elements=["H", "Cu"]), one)
    two = crystal()
    two.symbols = ["Al" if s == "Cu" and k % 2 else s for k, s in enumerate(two.symbols)]
    agree("two types of Cu", ask(two, elements=["Cu", "H", "Al"], mapping=["Cu", "H", "Cu"], ranks=2), one)


def test_real_units():
    metal, real = ask(crystal()), ask(crystal(), units="real")
    close("gamma", real[0][0], metal[0][0], 1e-9)
    for k in (1, 2):
        close(FIELDS[k], real[0][k], [KCAL * x for x in metal[0][k]], 1e-6)


def test_null_types():
    """Atoms that another style handles have none, and do not count as neighbours."""
    with_o = crystal()
    copper = ask(Structure(with_o.symbols[:], [p[:] for p in with_o.positions], with_o.cell))
    with_o.symbols.append("O")
    with_o.positions.append([0.9, 0.9, 0.9])
    pair = (
        f"pair_style hybrid/overlay frozentl lj/cut 3.0\npair_coeff * * frozentl {surrogate()} Cu H NULL\n"
        "pair_coeff * * lj/cut 0.0 1.0"
    )
    for ranks in (1, 2):
        both = ask(with_o, pair=pair, elements=["Cu", "H", "O"], ranks=ranks)
        for k in range(3):
            close(f"{ranks} ranks: {FIELDS[k]} of O", both[0][k][-1], 0.0, 0)
            close(f"{ranks} ranks: {FIELDS[k]} of the others", both[0][k][:-1], copper[0][k], 1e-9)


def test_only_when_asked():
    """Every second step; forces and so the trajectory are the same with and without."""
    text, _ = setup(crystal(), ["Cu", "H"], surrogate())
    move = "velocity all create 300 5\nfix n all nve\ntimestep 0.0005\nthermo 1\nthermo_modify norm no format float %.17g\nrun 4\n"
    columns = "thermo_style custom step pe\n"
    plain = must(lammps(text + columns + move, ranks=2))
    with_fix = must(lammps(text + FIX.format(every=2) + columns + move, ranks=2))
    close("energies", with_fix.thermo["PotEng"], plain.thermo["PotEng"], 1e-12)
    dump = "dump d all custom 1 dump.txt id f_u[1]\ndump_modify d sort id format float %.17g\n"
    every_2 = must(lammps(text + FIX.format(every=2) + dump.replace("all custom 1", "all custom 2") + columns + move))
    every_1 = must(lammps(text + FIX.format(every=1) + dump + columns + move))
    for k, frame in enumerate(every_2.frames):
        close(f"gamma at step {2 * k}", frame["f_u[1]"], every_1.frames[2 * k]["f_u[1]"], 1e-9)


def test_halt():
    """A run stops where gamma exceeds a bound: copper that is squeezed."""
    text, _ = setup(fcc(3.62, (3, 3, 3), hydrogens=2), ["Cu", "H"], surrogate())
    run = must(
        lammps(
            text + "fix u all pair 1 frozentl gamma 1\ncompute top all reduce max f_u\n"
            "thermo_style custom step vol c_top\nthermo 5\nthermo_modify norm no\nrun 0\n"
            "variable top equal c_top\nvariable bound equal $(5+3*c_top)\n"
            "fix squeeze all deform 1 x erate -2 y erate -2 z erate -2 remap x\nfix n all nve\n"
            "fix stop all halt 5 v_top > ${bound} error soft\nrun 400\n",
            ranks=2,
        )
    )
    check("stopped on the way", 0 if 0 < run["Step"] < 400 else 1, 0)
    check("gamma at the end is above the bound", 0 if run["c_top"] > 5 + 3 * run.thermo["c_top"][0] else 1, 0)


def refuses(name, sentence, pair, fix, elements=("Cu", "H"), structure=None):
    text, _ = setup(structure or crystal(), list(elements), "", pair=pair)
    run = lammps(text + fix + "run 0\n", ranks=2)
    check(name, 0 if run.code != 0 and sentence in " ".join(run.log.split()) else 1, 0)


def test_errors():
    mace = f"pair_style frozentl\npair_coeff * * {potential()} Cu H"
    for field in FIELDS:
        refuses(
            f"MACE: {field}",
            f"fix pair asks for {field}, which this potential does not know (it has no "
            f"{'active set' if field == 'gamma' else 'committee'}): 'frozentl trust' teaches it",
            mace,
            f"fix u all pair 1 frozentl {field} 1\n",
        )
    MASS.update({"Ni": 58.693})
    answers = json.load(open(os.path.join(ROOT, "tests", "ace", "coupled.json")))
    pace = f"pair_style frozentl\npair_coeff * * {ROOT}/tests/ace/coupled.yace Ni O"
    nickel = Structure(answers["elements"], answers["positions"], answers["cell"])
    refuses("PACE: gamma", "(it has no active set)", pace, "fix u all pair 1 frozentl gamma 1\n", ("Ni", "O"), nickel)
    refuses("no potential yet", "put it after pair_coeff", "pair_style frozentl", "fix u all pair 1 frozentl gamma 1\n")


def test_citations():
    """log.cite names what a run uses."""

    def cited(pair, elements, structure, fix=""):
        text, _ = setup(structure, elements, "", pair=pair)
        run = must(lammps(text + fix + "run 0\n", arguments=["-cite", "cite.txt"]))
        return open(os.path.join(run.folder, "cite.txt")).read()

    mace = cited(f"pair_style frozentl\npair_coeff * * {potential()} Cu H", ["Cu", "H"], crystal())
    ours = cited(f"pair_style frozentl\npair_coeff * * {surrogate()} Cu H", ["Cu", "H"], crystal(), FIX.format(every=1))
    for name, text, there, absent in (
        ("MACE", mace, ("Batatia2022", "Radova2025"), ("Drautz2019", "Lysogorskiy2021", "Lysogorskiy2023")),
        ("surrogate", ours, ("Drautz2019", "Lysogorskiy2021", "Lysogorskiy2023", "Radova2025"), ("Batatia2022",)),
    ):
        for key in there:
            check(f"{name} cites {key}", 0 if key in text else 1, 0)
        for key in absent:
            check(f"{name} does not cite {key}", 0 if key not in text else 1, 0)


run_tests(globals())
