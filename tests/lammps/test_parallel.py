"""Numbers do not depend on how atoms are spread over ranks and threads."""
from harness import *


def ranks_agree(name, structure, model, ranks, limit=1e-10, **options):
    one = point(structure, model, **options)
    for n in ranks:
        same(f"{name}, {n} ranks", point(structure, model, ranks=n, **options), one, limit)


def test_ranks():
    ranks_agree("H2Cu", crystal(), potential(), (2, 4, 8))


def test_ranks_of_twins():
    structure = fcc(3.62, (3, 2, 2), hydrogens=4)
    for name in ("mp0a-medium", "three-layers", "mh1"):
        ranks_agree(name, structure, twin(name), (2, 4))
    ranks_agree("mp0b3-medium", structure, twin("mp0b3-medium"), (8,))


def test_ranks_of_sevennet_twins():
    """An exchange before each layer but the first, of features of several multiplicities and parities."""
    structure = fcc(3.62, (3, 2, 2), hydrogens=4)
    for name, style in (("sev0-like", ""), ("parity-l2-ssp-abs-mixed", ""), ("modal-all", "head PBE")):
        ranks_agree(name, structure, sevennet(name), (2, 4), style=style)


def test_heads():
    """Heads are chosen by name."""
    structure = fcc(3.62, (2, 2, 2), hydrogens=2)
    answers = [point(structure, twin("two-heads"), style=f"head {h}", ranks=2) for h in ("pt_head", "Default")]
    default = point(structure, twin("two-heads"))
    same("two heads: unnamed is Default", default, answers[1], 1e-10)
    if abs(answers[0]["PotEng"] - answers[1]["PotEng"]) < 1e-3:
        raise Failure("both heads answer the same energy")


def test_modalities():
    """Of a SevenNet none is chosen by itself."""
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=2), sevennet("s-modal")
    energies = [point(structure, model, style=f"head {h}", ranks=2)["PotEng"] for h in ("PBE", "R2SCAN", "hse")]
    check("modalities that answer the same energy", 3 - len({round(e, 3) for e in energies}), 0)
    for name, style, pattern in (("no head", "", "several heads.*: PBE, R2SCAN, hse"), ("unknown head", "head pbe", "no head 'pbe'; it has: PBE")):
        for ranks in (1, 2):
            says(name, pattern, setup(structure, structure.elements(), model, style=style)[0] + "run 0\n", ranks=ranks)


def test_threads():
    structure, model = crystal(), potential()
    one = point(structure, model)
    same("threads 2", point(structure, model, style="threads 2"), one, 1e-12)
    same("OMP_NUM_THREADS=2", point(structure, model, threads=2), one, 1e-12)
    same("2 ranks of 2 threads", point(structure, model, style="threads 2", ranks=2), one, 1e-10)


def test_mixed_precision():
    structure, model = crystal(), potential()
    one, mixed = point(structure, model), point(structure, model, style="precision mixed")
    close("mixed against double: energy per atom", mixed.frames[0]["c_e"], one.frames[0]["c_e"], 1e-5)
    close("mixed against double: forces", forces(mixed), forces(one), 1e-3)
    if forces(mixed) == forces(one):
        raise Failure("mixed precision answers in double precision")
    many = point(structure, model, style="precision mixed", ranks=4)
    close("mixed, 4 ranks: energy per atom", many.frames[0]["c_e"], mixed.frames[0]["c_e"], 1e-6)
    close("mixed, 4 ranks: forces", forces(many), forces(mixed), 1e-4)


def test_ranks_without_atoms():
    cluster = fcc(3.62, (1, 1, 1), hydrogens=1)
    cluster.cell, cluster.pbc = None, (False, False, False)
    ranks_agree("cluster in a large box", cluster, potential(), (4, 8), before="processors * 1 1")


def test_slab_open_in_z():
    slab = fcc(3.62, (2, 2, 2), hydrogens=2)
    slab.cell[2][2], slab.pbc = 40.0, (True, True, False)
    for p in slab.positions:
        p[2] += 15.0
    ranks_agree("slab, boundary p p f", slab, potential(), (2, 4))


def test_interior_atoms():
    """A long box, where each rank has atoms that no other rank sees: they are computed while rows of the others travel."""
    structure = fcc(3.62, (11, 2, 2), hydrogens=8)
    ranks_agree("long box", structure, potential(), (2, 3), before="processors * 1 1")
    ranks_agree("long box, 2 threads", structure, potential(), (2,), before="processors * 1 1", style="threads 2")
    ranks_agree("long box, three layers", structure, twin("three-layers"), (2,), before="processors * 1 1")


def test_triclinic_ranks():
    structure = strained(fcc(3.62, (3, 3, 2), hydrogens=4), [[1, 0.3, -0.2], [0, 1.02, 0.25], [0, 0, 0.98]])
    ranks_agree("triclinic", structure, potential(), (2, 4, 8))


def test_tiled_decomposition():
    structure, model = crystal(), potential()
    text, _ = setup(structure, structure.elements(), model)
    text += POINT + "comm_style tiled\nbalance 1.0 rcb\nrun 0\n"
    same("comm_style tiled, 4 ranks", must(lammps(text, ranks=4)), point(structure, model), 1e-10)


def test_multi_cutoff_lists():
    structure, model = crystal(), potential()
    text, _ = setup(structure, structure.elements(), model)
    text += POINT + "neighbor 1.0 multi\ncomm_modify mode multi\nrun 0\n"
    same("neighbor multi, 4 ranks", must(lammps(text, ranks=4)), point(structure, model), 1e-10)


def test_atoms_change_ranks():
    """A hot crystal that moves as a whole: after several new neighbour lists most atoms are on other ranks, and with `fix
    balance` boundaries move too. Each new list means new owners of ghosts and new rows."""
    structure = crystal()
    move = (
        "velocity all create 600 11 mom yes rot no dist gaussian\nvelocity all set 120 90 -100 sum yes units box\n"
        "fix n all nve\ntimestep 0.001\nneighbor 0.5 bin\nneigh_modify every 1 delay 0 check yes\n"
        "compute rank all property/atom proc\n"
        "thermo_style custom step pe etotal\nthermo 1\nthermo_modify norm no format float %.17g\n"
        "dump d all custom 10 dump.txt id fx fy fz c_rank\ndump_modify d sort id format float %.17g\n"
    )
    shift = "fix b all balance 5 1.0 shift xyz 10 1.0 weight group 1 all 1.0\n"
    bisect = "comm_style tiled\nfix b all balance 6 0.9 rcb\n"
    for name, model, steps, plans in (
        ("H2Cu", potential(), 20, ((2, ""), (4, shift), (8, ""))),
        ("three layers", twin("three-layers"), 10, ((3, bisect),)),
    ):
        text, _ = setup(structure, structure.elements(), model)
        one = must(lammps(text + move + f"run {steps}\n"))
        for ranks, balance in plans:
            many = must(lammps(text + move + balance + f"run {steps}\n", ranks=ranks))
            label = f"{name}, {ranks} ranks"
            lists = int(re.search(r"Neighbor list builds = (\d+)", many.log).group(1))
            moved = sum(a != b for a, b in zip(many.frames[0]["c_rank"], many.frames[-1]["c_rank"]))
            check(f"{label}: {lists} new lists (0: 3 or more)", int(lists < 3), 0)
            check(f"{label}: {moved} atoms changed ranks (0: a fifth or more)", int(5 * moved < len(structure.symbols)), 0)
            for quantity in ("PotEng", "TotEng"):
                close(f"{label}: {quantity} of all steps", many.thermo[quantity], one.thermo[quantity], 1e-10)
            close(f"{label}: forces at the end", forces(many), forces(one), 1e-9)


def test_same_bits():
    """Sums of what comes from several ranks are made in one order."""
    text, _ = setup(crystal(), ["Cu", "H"], potential())
    one, other = (must(lammps(text + POINT + "run 0\n", ranks=8)) for _ in range(2))
    check("8 ranks, twice: numbers that differ", sum(a != b for a, b in zip(flat(forces(one)), flat(forces(other)))), 0)


def test_shared_tables():
    """Ranks of a node have one copy of the tables, without a name; where that cannot be had, each its own and the same bits."""
    look = "for p in /proc/[0-9]*; do [ $(readlink $p/cwd) = $PWD ] && sed -n 's/.* \\([0-9][0-9]*\\) .*frozentl-model.*/object \\1/p' $p/maps | sort -u; done"
    warning = "WARNING: pair_style frozentl: ranks of a node cannot share the potential's tables"
    preload = " ".join(filter(None, (os.environ.get("FTL_PRELOAD"), os.environ["FTL_NO_MEMFD"])))
    for model in (potential(), surrogate() if os.environ.get("FTL_SURROGATE") else shipped()):
        text, _ = setup(crystal(), ["Cu", "H"], model)
        text += POINT + "shell sh look.sh\nrun 0\n"
        shared, alone = (
            must(lammps(text, ranks=2, files=[("look.sh", look)], variables=v)) for v in ({}, {"LD_PRELOAD": preload})
        )
        objects = re.findall(r"^object (\d+)$", shared.log, re.M)
        check(f"{len(objects)} ranks that share an object (0: 2)", int(len(objects) != 2 or len(set(objects)) != 1), 0)
        check("warnings where they share", shared.log.count(warning), 0)
        check("warnings where they cannot (0: one)", abs(alone.log.count(warning) - 1), 0)
        check("shared objects where there can be none", alone.log.count("object "), 0)
        check("numbers that differ", sum(a != b for a, b in zip(flat(forces(shared)), flat(forces(alone)))), 0)
        check("energies that differ", int(shared["PotEng"] != alone["PotEng"]), 0)


def test_no_atoms():
    """An empty box, then one atom, whose energy is E0 on whichever rank."""
    text = f"""units metal
region box block 0 20 0 20 0 20
create_box 2 box
mass * 1.0
pair_style frozentl
pair_coeff * * {twin('mp0a-small')} Cu H
{POINT}
run 0
create_atoms 2 single 15 5 5
run 0
"""
    one, many = must(lammps(text)), must(lammps(text, ranks=4))
    close("empty box", many.thermo["PotEng"][0], 0.0, 0)
    close("one atom, 4 ranks: energy", many["PotEng"], one["PotEng"], 1e-14)
    check("one atom has an energy: 1 / |E0|", 1 / max(abs(one["PotEng"]), 1e-9), 100)


def test_larger_ghost_cutoff():
    """Ghosts beyond the model's reach and another skin change nothing."""
    structure, model = crystal(), potential()
    text, _ = setup(structure, structure.elements(), model)
    text += POINT + "neighbor 2.5 bin\ncomm_modify cutoff 12.0\nrun 0\n"
    same("comm_modify cutoff 12, skin 2.5", must(lammps(text, ranks=2)), point(structure, model), 1e-10)


run_tests(globals())
