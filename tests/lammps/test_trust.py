"""Grades and deviations belong to the positions of the energy beside them, however often and whenever they are asked for: by
compute frozentl/trust, on demand, and by fix pair, in several runs of one step, after other fixes have changed which atoms
there are, in hybrid, after another file was opened."""
from harness import *

FIELDS = ("gamma", "energy_deviation", "force_deviation")
COMPUTE = "compute t all frozentl/trust\n"
FIX = "fix u all pair {every} frozentl gamma 1 energy_deviation 1 force_deviation 1\n"
ACE = os.path.join(ROOT, "potentials", "h2cu-ace.ftl")


def pair(model=None):
    return f"pair_style frozentl\npair_coeff * * {model or surrogate()} Cu H"


def dump(name, columns):
    return f"dump {name} all custom 1 {name}.txt id type {columns}\ndump_modify {name} sort id format float %.17g first yes\n"


def snapshot(name, columns):
    """After a run: dump itself writes a step only once."""
    return f"write_dump all custom {name}.txt id type {columns} modify sort id format float %.17g\n"


BOTH = dump("c", "x y z c_t[1] c_t[2] c_t[3]") + dump("f", "x y z f_u[1] f_u[2] f_u[3]")
THERMO = "thermo_style custom step atoms pe\nthermo 1\nthermo_modify norm no format float %.17g lost ignore\n"


def frames(run, name):
    return read_dump(os.path.join(run.folder, f"{name}.txt"))


def values(frame, what):
    return [frame[f"{what}[{k}]"] for k in (1, 2, 3)]


def fresh(frame):
    """What a LAMMPS that knows of nothing before answers for the atoms of a frame."""
    atoms = Structure([["Cu", "H"][int(t) - 1] for t in frame["type"]], list(zip(frame["x"], frame["y"], frame["z"])), crystal().cell)
    text, _ = setup(atoms, ["Cu", "H"], surrogate())
    return values(read_dump(os.path.join(must(lammps(text + COMPUTE + dump("c", "c_t[1] c_t[2] c_t[3]") + "run 0\n")).folder, "c.txt"))[-1], "c_t")


def agree(name, got, expected, limit=1e-8):
    for field, x, y in zip(FIELDS, got, expected):
        close(f"{name}: {field}", x, y, limit)
        if not largest(y) > 0:
            raise Failure(f"{name}: {field} is 0 everywhere")


def test_against_fix_pair():
    """One evaluation; all ways to ask give the same, in metal and real units."""
    for units in ("metal", "real"):
        text, _ = setup(crystal(), ["Cu", "H"], surrogate(), units=units)
        one = must(lammps(text + COMPUTE + FIX.format(every=1) + BOTH + "run 0\n"))
        agree(f"compute and fix, {units}", values(frames(one, "c")[0], "c_t"), values(frames(one, "f")[0], "f_u"), 1e-12)
        for ranks, threads in ((2, 1), (4, 1), (1, 3)):
            run = must(lammps(text + COMPUTE + dump("c", "c_t[1] c_t[2] c_t[3]") + "run 0\n", ranks=ranks, threads=threads))
            agree(f"{ranks} ranks, {threads} threads, {units}", values(frames(run, "c")[0], "c_t"), values(frames(one, "f")[0], "f_u"))
    order = "compute t all frozentl/trust force_deviation gamma\ncompute g all frozentl/trust gamma\n"
    run = must(lammps(text + order + dump("c", "c_t[1] c_t[2] c_g") + "run 0\n", ranks=2))
    last = frames(run, "c")[0]
    close("names in another order", [last["c_t[2]"], last["c_t[1]"]], [last["c_g"], values(frames(one, "f")[0], "f_u")[2]], 1e-9)
    few = must(lammps(text + "group few id 1:5\ncompute t few frozentl/trust gamma\n" + dump("c", "c_t") + "run 0\n"))
    close("of a group", frames(few, "c")[0]["c_t"], last["c_g"][:5] + [0.0] * (len(last["c_g"]) - 5), 1e-9)


def test_several_runs_of_one_step():
    """displace_atoms, other types, pair_coeff again, minimize: each `run 0` has its own."""
    changes = ["", "displace_atoms all random 0.15 0.15 0.15 7\n", "set atom 3 type 2\n", pair() + "\n", "set atom 3 type 1\n"]
    runs = ["run 0\n"] * 4 + ["minimize 0 0 0 0\n"]
    columns = "x y z c_t[1] c_t[2] c_t[3] f_u[1] f_u[2] f_u[3]"
    tail = "".join(change + run + snapshot(f"d{k}", columns) for k, (change, run) in enumerate(zip(changes, runs)))
    text, _ = setup(crystal(), ["Cu", "H"], surrogate())
    for ranks in (1, 2):
        run = must(lammps(text + COMPUTE + FIX.format(every=1) + tail, ranks=ranks))
        for k in range(len(runs)):
            frame = frames(run, f"d{k}")[0]
            expected = fresh(frame)
            agree(f"run {k + 1}, {ranks} ranks, compute", values(frame, "c_t"), expected, 1e-6)
            agree(f"run {k + 1}, {ranks} ranks, fix", values(frame, "f_u"), expected, 1e-6)


def test_other_file():
    """Opened between two runs; or one that does not know, which is said."""
    text = setup(crystal(), ["Cu", "H"], None, pair=pair())[0] + "compute t all frozentl/trust gamma\nfix u all pair 1 frozentl gamma 1\n"
    ask = lambda name: "run 0\n" + snapshot(name, "c_t f_u")
    both = must(lammps(text + ask("a") + pair(ACE) + "\n" + ask("b")))
    other = setup(crystal(), ["Cu", "H"], None, pair=pair(ACE))[0] + "compute t all frozentl/trust gamma\n"
    alone = frames(must(lammps(other + "run 0\n" + snapshot("a", "c_t"))), "a")[0]["c_t"]
    for what in ("c_t", "f_u"):
        close(f"another file: {what}", frames(both, "b")[0][what], alone, 1e-9)
    says("a MACE model", "asks for gamma, which this potential does not know", text + "run 0\n" + pair(potential()) + "\nrun 0\n")
    anew = must(lammps(text + ask("a") + "pair_style lj/cut 3\npair_coeff * * 0 1\n" + pair() + "\n" + ask("b")))
    for what in ("c_t", "f_u"):
        close(f"another style between: {what}", frames(anew, "b")[0][what], frames(anew, "a")[0]["c_t"], 1e-9)


def during(name, commands, every=1, ranks=1, pick=(0, -1), tail="run 6\n"):
    """Both ways along a run, against a fresh LAMMPS at some of its steps."""
    text, _ = setup(crystal(), ["Cu", "H"], surrogate())
    fix = FIX.format(every=every)
    start = "velocity all create 900 4711\nfix n all nve\ntimestep 0.00002\nneighbor 0.3 bin\nneigh_modify every 1 delay 0 check yes\n"
    run = must(lammps(text + start + COMPUTE + fix + commands + BOTH + THERMO + tail, ranks=ranks))
    c, f = frames(run, "c"), frames(run, "f")
    for k in pick:
        expected = fresh(c[k])
        agree(f"{name}, {ranks} ranks, frame {k}: compute", values(c[k], "c_t"), expected, 1e-6)
        if k % every == 0 or k == -1:
            agree(f"{name}, {ranks} ranks, frame {k}: fix", values(f[k], "f_u"), expected, 1e-6)
    return run, c, f


def test_atoms_that_come_and_go():
    deposit = "region r block 0 10 0 10 0 10 units box\nfix d all deposit 3 2 2 12345 region r near 1.2 units box\n"
    run, _, _ = during("deposit", deposit, ranks=2, pick=(1, 2, 4))
    check("atoms were added (0: yes)", int(run["Atoms"] <= run.thermo["Atoms"][0]), 0)
    gcmc = "group h type 2\nfix g h gcmc 2 4 0 2 29494 3000 0.0 0.1 full_energy overlap_cutoff 1.2 group h\n"
    during("gcmc", gcmc, pick=(1, 2, 4))
    evaporate = "group h type 2\nregion r block 0 10 0 10 0 10 units box\nfix e h evaporate 2 1 r 4711\n"
    run, _, _ = during("evaporate", evaporate, ranks=2, pick=(2, 4))
    check("atoms were taken (0: yes)", int(run["Atoms"] >= run.thermo["Atoms"][0]), 0)
    during("sort", "atom_modify sort 1 2.0\n", pick=(3, 5))
    during("atom/swap", "fix s all atom/swap 1 5 29494 3000 ke no types 1 2\n", ranks=2, pick=(3,))
    during("minimize", "unfix n\n", ranks=2, pick=(0, -1), tail="minimize 0 0 4 20\n")
    # between its own steps the fix shows what it saw last; but not nothing for atoms that are new
    _, c, f = during("deposit, fix every 10", deposit, every=10, pick=(0,))
    for k in (1, 3, 5):
        close(f"fix every 10, after a deposit at step {k}", values(f[k], "f_u"), values(c[k], "c_t"), 1e-8)


def test_box_moves_at_the_end_of_a_step():
    """fix deform moves the atoms after the forces: the values are those of the energy."""
    squeeze = "unfix n\nfix squeeze all deform 1 x erate -20 y erate -20 z erate -20 remap x\nvariable top equal 0\n"
    text, _ = setup(crystal(), ["Cu", "H"], surrogate())
    columns = "c_t[1] c_t[2] c_t[3] f_u[1] f_u[2] f_u[3]"
    run = must(lammps(text + COMPUTE + FIX.format(every=1) + squeeze.replace("unfix n\n", "") + dump("d", columns) + "run 3\n", ranks=2))
    for k, frame in enumerate(frames(run, "d")):
        agree(f"step {k}", values(frame, "c_t"), values(frame, "f_u"), 1e-9)


def test_hybrid():
    """Atoms of other styles have 0; of several frozentl, the one that knows; or the one that is named."""
    whole = crystal()
    whole.symbols.append("O")
    whole.positions.append([0.9, 0.9, 0.9])
    lj = "pair_coeff * * lj/cut 0.0 1.0\n"
    alone = frames(must(lammps(setup(crystal(), ["Cu", "H"], surrogate())[0] + COMPUTE + dump("c", "c_t[1] c_t[2] c_t[3]") + "run 0\n")), "c")[0]
    one = f"pair_style hybrid/overlay frozentl lj/cut 3.0\npair_coeff * * frozentl {surrogate()} Cu H NULL\n{lj}"
    two = (
        "pair_style hybrid/overlay frozentl frozentl lj/cut 3.0\n"
        f"pair_coeff * * frozentl 1 {potential()} Cu H NULL\npair_coeff * * frozentl 2 {surrogate()} Cu H NULL\n{lj}"
    )
    for name, style, word in (("one", one, ""), ("two", two, ""), ("two, by number", two, "style 2 gamma energy_deviation force_deviation")):
        text, _ = setup(whole, ["Cu", "H", "O"], None, pair=style)
        for ranks in (1, 2):
            run = must(lammps(text + f"compute t all frozentl/trust {word}\n" + dump("c", "c_t[1] c_t[2] c_t[3]") + "run 0\n", ranks=ranks))
            got = values(frames(run, "c")[0], "c_t")
            close(f"{name}, {ranks} ranks: 0 of O", [x[-1] for x in got], [0.0] * 3, 0, 1.0)
            agree(f"{name}, {ranks} ranks", [x[:-1] for x in got], values(alone, "c_t"))
    same = two.replace(potential(), ACE)
    text, _ = setup(whole, ["Cu", "H", "O"], None, pair=same)
    says("two that know", "2 frozentl of pair_style hybrid know it: say which by 'style N'", text + "compute t all frozentl/trust gamma\n")
    by_number = [must(lammps(text + f"compute t all frozentl/trust style {n} gamma\n" + dump("c", "c_t") + "run 0\n")) for n in (1, 2)]
    first, second = (frames(r, "c")[0]["c_t"] for r in by_number)
    close("the second of two", second[:-1], alone["c_t[1]"], 1e-9)
    check("the first is another (0: yes)", int(first == second), 0)


def test_halt():
    """By reduce and fix halt, whose step need not fit any other."""
    text, _ = setup(fcc(3.62, (3, 3, 3), hydrogens=2), ["Cu", "H"], surrogate())
    script = (
        text + "compute g all frozentl/trust gamma\ncompute top all reduce max c_g\nvariable top equal c_top\n"
        "thermo_style custom step c_top\nthermo_modify norm no\nrun 0\nvariable bound equal $(5+3*c_top)\n"
        "fix squeeze all deform 1 x erate -2 y erate -2 z erate -2 remap x\nfix n all nve\n"
        "fix stop all halt 7 v_top > ${bound} error soft\nrun 400\n"
    )
    run = must(lammps(script, ranks=2))
    halt = re.search(r"Fix halt condition for fix-id stop met on step (\d+)", run.log)
    check(f"stopped on the way, step {halt and halt.group(1)} (0: yes)", int(not halt), 0)


def test_errors():
    mace = setup(crystal(), ["Cu", "H"], None, pair=pair(potential()))[0]
    text = setup(crystal(), ["Cu", "H"], None, pair=pair())[0]
    for field in FIELDS:
        says(f"MACE: {field}", f"compute t asks for {field}, which this potential does not know", mace + f"compute t all frozentl/trust {field}\n", ranks=2)
    says("MACE: whatever it knows", "which this potential does not know", mace + COMPUTE)
    says("no such word", "unknown word 'gama'; known are gamma, energy_deviation, force_deviation and style N", text + "compute t all frozentl/trust gama\n")
    says("twice", "'gamma' is there twice", text + "compute t all frozentl/trust gamma gamma\n")
    says("style 3", "'style 3', but pair_style has only 1 frozentl", text + "compute t all frozentl/trust style 3\n")
    says("style x", "from 1, not 'x'", text + "compute t all frozentl/trust style x\n")
    says("no potential yet", "put it after pair_coeff", setup(crystal(), ["Cu", "H"], None, pair="pair_style frozentl")[0] + COMPUTE)
    lj = setup(crystal(), ["Cu", "H"], None, pair="pair_style lj/cut 3\npair_coeff * * 0 1")[0]
    says("another style", "there is no pair_style frozentl: put it after pair_style", lj + COMPUTE)
    says("fix pair ... 0", "frozentl gamma 1', not 0", text + "fix u all pair 1 frozentl gamma 0\nrun 0\n")
    went = "run 0\ngroup few id 1:5\ndelete_atoms group few\nwrite_dump all custom out.txt id c_t[1]\n"
    says("atoms that went", "whose energy has not been computed: atoms came or went since the last run", text + COMPUTE + went)


run_tests(globals())
