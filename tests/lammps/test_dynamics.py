"""Trajectories, minimisations, restarts."""
from harness import *


def per_atom_slope(run, n_atoms, timestep):
    """Least-squares slope of the total energy, eV/atom/ps, over all thermo lines but the first tenth."""
    start = len(run.thermo["Step"]) // 10
    t = [s * timestep for s in run.thermo["Step"]][start:]
    e = run.thermo["TotEng"][start:]
    mt, me = sum(t) / len(t), sum(e) / len(e)
    return sum((a - mt) * (b - me) for a, b in zip(t, e)) / sum((a - mt) ** 2 for a in t) / n_atoms


NVE = """
timestep 0.00025
fix 1 all nve
thermo_style custom step temp pe etotal press
thermo_modify norm no format float %.17g
"""


def hydrogen_on_copper():
    """H2 flying towards a Cu(100) slab."""
    slab = fcc(3.62, (2, 2, 2), rattle=0.0)
    slab.cell[2][2] = 22.0
    slab.symbols += ["H", "H"]
    slab.positions += [[3.5, 3.6, 10.4], [4.25, 3.6, 10.4]]
    return slab


def drift(name, structure, velocities, model=None, style="", ranks=1, timestep=0.0005):
    """Over 2 ps. At 0.5 fs what Verlet itself makes of the slope is 4e-8 (H2) and 7e-8 (copper), a fourteenth of the limit.
    One trajectory goes over two ranks, whose edges in such small boxes cost as much as all atoms; that ranks change no
    trajectory is tested by parallel.atoms_change_ranks."""
    text, _ = setup(structure, structure.elements(), model or potential(), style=style)
    steps = round(2 / timestep)
    tail = f"timestep {timestep}\nthermo {steps // 400}\nrun {steps}\n"
    run = must(lammps(text + NVE + velocities + tail, ranks=ranks))
    slope = per_atom_slope(run, len(structure.symbols), timestep)
    print(f"    {name}: mean temperature {sum(run.thermo['Temp']) / len(run.thermo['Temp']):.0f} K over 2 ps")
    check(f"{name}: |drift|, eV/atom/ps", abs(slope), 1e-6)


CRYSTAL = "velocity all create 1200 4711 mom yes rot no dist gaussian\n"
# elements in order: Cu is type 1, H type 2
BEAM = "group h type 2\ngroup cu type 1\nvelocity cu create 1200 4711 mom yes rot no dist gaussian\nvelocity h set 0 0 -60 units box\n"


def test_nve_copper():
    drift("Cu crystal", fcc(3.65, (2, 2, 2), rattle=0.0), CRYSTAL)


def test_nve_hydrogen_on_copper():
    drift("H2 on Cu", hydrogen_on_copper(), BEAM, ranks=2)


# Forces of float32 stages are not the slope of their energy to the last digit, which could heat or cool.
def test_nve_copper_mixed():
    drift("Cu crystal, mixed", fcc(3.65, (2, 2, 2), rattle=0.0), CRYSTAL, style="precision mixed")


def test_nve_hydrogen_on_copper_mixed():
    drift("H2 on Cu, mixed, shipped model", hydrogen_on_copper(), BEAM, shipped(), "precision mixed")


def test_nve_sevennet():
    """SevenNet-0, cut to copper: the total energy swings with the square of the time step about a mean that stays. (Its cutoff,
    XPLOR, has a second derivative that jumps.)"""
    structure = fcc(3.62, (2, 1, 1), rattle=0.0)
    folder = tempfile.mkdtemp(prefix="frozentl-")
    try:
        model = os.path.join(folder, "cu.ftl")
        subprocess.run([COMMAND, "convert", shared("reference/sevennet/SevenNet_0__11Jul2024.pth"), model, "--elements", "Cu"],
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        text, _ = setup(structure, ["Cu"], model)
        swing = []
        for steps in (100, 200):
            step = 0.1 / steps
            run = must(lammps(text + NVE + CRYSTAL + f"timestep {step}\nthermo 1\nrun {steps}\n"))
            e = run.thermo["TotEng"]
            swing.append((max(e) - min(e)) / len(structure.symbols))
        check(f"energy swings by {swing[1]:.1e} eV/atom; this against the same at twice the step", swing[1] / swing[0], 0.3)
        check("swing, eV/atom", swing[1], 1e-4)
    finally:
        shutil.rmtree(folder)


def test_neighbour_lists_between_rebuilds():
    """Pairs that move through the cutoff between two rebuilds of the list are seen: atoms move about 1 A here."""
    text, _ = setup(fcc(3.62, (2, 2, 2)), ["Cu"], potential())
    tail = NVE + "timestep 0.002\nvelocity all create 2000 99\nthermo 100\n{}\nrun 100\n"
    often = must(lammps(text + tail.format("neigh_modify every 1 delay 0 check no")))
    seldom = must(lammps(text + tail.format("neighbor 4.0 bin\nneigh_modify every 100 delay 0 check no")))
    close("total energy", seldom["TotEng"], often["TotEng"], 1e-11)
    close("potential energy", seldom["PotEng"], often["PotEng"], 1e-9)


def test_minimize():
    structure = fcc(3.62, (2, 2, 2), hydrogens=2)
    text, _ = setup(structure, structure.elements(), potential())
    run = must(lammps(text + POINT + "min_style cg\nminimize 0.0 1e-5 500 5000\n", ranks=2))
    check("largest force after minimize, eV/A", largest(forces(run)), 1e-5)
    check("energy after minus before, eV", run["PotEng"] - run.thermo["PotEng"][0], -0.1)


def test_box_relax():
    structure = fcc(3.72, (2, 2, 2), rattle=0.02)
    text, _ = setup(structure, structure.elements(), potential())
    text += "change_box all triclinic\n" + POINT
    text += "thermo_style custom step pe press pxx pyy pzz pxy pxz pyz vol\nthermo_modify norm no format float %.17g\n"
    text += "fix 1 all box/relax aniso 0.0 vmax 0.002\nmin_modify line quadratic\n"
    text += "minimize 0.0 1e-6 500 5000\nunfix 1\nfix 1 all box/relax tri 0.0 vmax 0.002\nminimize 0.0 1e-6 500 5000\n"
    run = must(lammps(text, ranks=2))
    check("pressure before, bar (must be large)", 1.0 / abs(run.thermo["Press"][0]), 1e-4)
    check("largest pressure component after, bar", largest([run[p] for p in ("Pxx", "Pyy", "Pzz", "Pxy", "Pxz", "Pyz")]), 5.0)
    check("largest force after, eV/A", largest(forces(run)), 1e-4)


def test_restart():
    """A run from a restart file prints what the run that went on prints."""
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=2), potential()
    text, _ = setup(structure, structure.elements(), model)
    folder = tempfile.mkdtemp(prefix="frozentl-")
    try:
        file = os.path.join(folder, "restart")
        tail = "thermo 1\nrun 10\nwrite_restart {}\nrun 20\n"
        whole = must(lammps(text + NVE + "velocity all create 900 12\n" + tail.format(file), ranks=2))
        again = f"read_restart {file}\npair_style frozentl\npair_coeff * * {model} Cu H\nneighbor 1.0 bin\n"
        rest = must(lammps(again + NVE + "thermo 1\nrun 20\n", ranks=2))
        one = must(lammps(again + NVE + "thermo 1\nrun 20\n"))
    finally:
        shutil.rmtree(folder)
    for name, run in (("2 ranks", rest), ("1 rank", one)):
        for quantity in ("PotEng", "TotEng", "Temp", "Press"):
            a, b = whole.thermo[quantity][-21:], run.thermo[quantity][-21:]
            differ = sum(f"{x:.8g}" != f"{y:.8g}" for x, y in zip(a, b))
            check(f"restart, {name}: lines whose {quantity} differs in 8 digits", differ, 0)
            close(f"restart, {name}: {quantity}", b, a, 1e-9)


def test_neb():
    """Three replicas, each on its own rank: a hydrogen hops between octahedral sites."""
    structure = fcc(3.62, (2, 2, 2), rattle=0.0)
    structure.symbols.append("H")
    structure.positions.append([1.81, 1.81, 1.81])
    n = len(structure.symbols)
    text, _ = setup(structure, structure.elements(), potential(), before="variable u uloop 3")
    text += f"timestep 0.001\nfix 1 all neb 1.0\nthermo 10\nmin_style quickmin\n"
    # start 0.03 A off the straight line, which is a symmetry line of the crystal
    final = f"1\n{n} 3.62 3.62 1.81\n"
    text += "neb 0.0 0.05 60 60 20 final final.txt\n"
    run = lammps(text, ranks=3, files=[("final.txt", final)], arguments=["-partition", "3x1"])
    must(run)
    lines = [line.split() for line in run.log.splitlines() if re.match(r"\s*\d+\s", line)]
    barrier = float(lines[-1][6])
    print(f"    forward barrier {barrier:.3f} eV")
    check("barrier is positive: 1 / barrier", 1 / max(barrier, 1e-9), 100)


def test_lost_atoms():
    structure = fcc(3.62, (2, 2, 2), hydrogens=1)
    structure.cell, structure.pbc = None, (False, False, False)
    text, _ = setup(structure, structure.elements(), potential(), margin=2.0)
    fly = "group h type 2\nvelocity h set 0 0 900 units box\nthermo 10\n"
    lost = lammps(text + NVE + fly + "run 100\n", ranks=2)
    check("LAMMPS says that an atom is lost (0: yes)", int(lost.code == 0 or "Lost atoms" not in lost.log), 0)
    counted = "thermo_style custom step atoms pe etotal\nthermo_modify lost ignore norm no\n"
    kept = must(lammps(text + NVE + fly + counted + "run 100\n", ranks=2))
    check("atoms lost with thermo_modify lost ignore, minus one", abs(kept.thermo["Atoms"][0] - kept["Atoms"] - 1), 0)
    check("the energy goes on (0: yes)", int(not math.isfinite(kept["PotEng"])), 0)


def test_atoms_come_and_go():
    """Other atoms and another box between two runs of one script."""
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=3), potential()
    text, _ = setup(structure, structure.elements(), model)
    text += POINT + "run 0\ngroup h type 2\ndelete_atoms group h\nrun 0\nreplicate 2 1 1\nrun 0\n"
    run = must(lammps(text, ranks=2))
    keep = [k for k, s in enumerate(structure.symbols) if s == "Cu"]
    bare = Structure(["Cu"] * len(keep), [structure.positions[k] for k in keep], structure.cell)
    one = point(bare, model, elements=["Cu", "H"])
    close("after delete_atoms: energy", run.thermo["PotEng"][1], one["PotEng"], 1e-10)
    close("after replicate: energy", run.thermo["PotEng"][2], 2 * one["PotEng"], 1e-10)


run_tests(globals())
