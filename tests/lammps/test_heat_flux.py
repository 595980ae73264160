"""The heat flux: compute heat/flux with centroid/stress/atom, and compute heat/flux/frozentl. tests/unit/test_heat_flux.c has the
finite differences of the energies of single atoms."""
from harness import *

FLUX = """
compute ke all ke/atom
compute pe all pe/atom
compute cs all centroid/stress/atom NULL virial
compute theirs all heat/flux ke pe cs
compute ours all heat/flux/frozentl
"""
COLUMNS = " ".join(f"c_{c}[{k}]" for c in ("ours", "theirs") for k in range(1, 7))


def cluster(symbols, spacing=2.6, seed=3):
    """Three by three by two atoms, rattled."""
    rng = random.Random(seed)
    sites = [(i, j, k) for i in range(3) for j in range(3) for k in range(2)]
    positions = [[spacing * x + rng.uniform(-0.15, 0.15) for x in s] for s in sites]
    return Structure([symbols[n % len(symbols)] for n in range(len(sites))], positions)


def flux(run, name="ours", first=1, row=-1):
    return [run.thermo[f"c_{name}[{k}]"][row] for k in range(first, first + 3)]


def models():
    yield "ACE", os.path.join(ROOT, "potentials", "tialv-ace.ftl"), ["Ti", "Al", "V"], 2.9, ""
    yield "two layers", potential(), ["Cu", "Cu", "H"], 2.6, ""
    for name, style in (("mp0a-small", ""), ("mp0a-small-r1", ""), ("three-layers", ""), ("mh1", "head oc20_usemppbe"), ("mp0b3-medium", "")):
        elements = json.load(open(shared(f"reference/mace/{name}.json"))).get("elements", ["Cu", "H"])
        names = [e for e in elements if e in MASS][:2] if isinstance(elements[0], str) else ["H", "O"]
        yield name, twin(name), names, 2.6, style
    yield "s-v09", sevennet("s-v09"), ["Cu", "H"], 2.6, ""
    yield "modal-all", sevennet("modal-all"), ["Cu", "H"], 2.6, "head R2SCAN"


def evolve(model, symbols, spacing, style, units, ranks=1):
    """The flux of a cluster, and d/dt of sum r e by five-point differences, at step 4 of a run."""
    structure = cluster(symbols, spacing)
    dt = {"metal": 5e-6, "real": 5e-3}[units]  # Verlet's velocities are off by its square
    text, _ = setup(structure, structure.elements(), model, style=style, units=units)
    text += "velocity all create 900 991 loop geom\n" + FLUX
    for x in "xyz":
        text += f"variable m{x} atom {x}*(c_ke+c_pe)\n"
    text += f"""compute m all reduce sum v_mx v_my v_mz
fix 1 all nve
timestep {dt}
thermo 1
thermo_style custom step c_m[1] c_m[2] c_m[3] {COLUMNS}
thermo_modify format float %.17g
run 8
"""
    run = must(lammps(text, ranks=ranks))
    m = [run.thermo[f"c_m[{k}]"] for k in (1, 2, 3)]
    return run, [(8 * (x[5] - x[3]) - (x[6] - x[2])) / (12 * dt) for x in m]


def test_cluster():
    """An isolated cluster: the flux is d/dt of sum r_i e_i."""
    for name, model, symbols, spacing, style in models():
        for units in ("metal", "real") if name in ("ACE", "two layers") else ("metal",):
            run, slope = evolve(model, symbols, spacing, style, units)
            close(f"{name}, {units}: d/dt of sum r e", flux(run, row=4), slope, 2e-6)
            close(f"{name}, {units}: compute heat/flux", run_row(run, "theirs"), run_row(run, "ours"), 1e-12)
    for ranks in (2, 4):
        run, slope = evolve(potential(), ["Cu", "Cu", "H"], 2.6, "", "metal", ranks)
        close(f"{ranks} ranks: d/dt of sum r e", flux(run, row=4), slope, 2e-6)


def run_row(run, name):
    return [run.thermo[f"c_{name}[{k}]"][4] for k in range(1, 7)]


def periodic(structure, model, elements, ranks=1, style="", before="", more="", units="metal", mapping=None, pair=None):
    text, _ = setup(structure, elements, model, style=style, units=units, mapping=mapping, pair=pair)
    text += f"velocity all create 900 991 loop geom\n{before}{FLUX}{more}"
    text += f"thermo_style custom step {COLUMNS}\nthermo_modify format float %.17g\nrun 0\n"
    return must(lammps(text, ranks=ranks))


def six(run, name="ours"):
    return [run[f"c_{name}[{k}]"] for k in range(1, 7)]


SKEW = [[1, 0.15, 0.05], [0, 0.98, -0.12], [0, 0, 1.03]]


def test_periodic():
    """A triclinic cell smaller than the cutoff, and a larger one: ranks, wrapping and translation do not matter."""
    for name, model, repeats in (("two layers", potential(), (1, 1, 1)), ("two layers", potential(), (3, 2, 2)), ("three layers", twin("three-layers"), (2, 1, 1))):
        structure = strained(fcc(3.62, repeats, hydrogens=1), SKEW)
        elements = structure.elements()
        name = f"{name}, {len(structure.symbols)} atoms"
        first = periodic(structure, model, elements)
        close(f"{name}: compute heat/flux", six(first, "theirs"), six(first), 1e-12)
        for ranks in (2, 4):
            run = periodic(structure, model, elements, ranks=ranks)
            close(f"{name}: {ranks} ranks", six(run), six(first), 1e-11)
        moved = periodic(structure, model, elements, before="displace_atoms all move 1.3 -2.1 0.77 units box\n", ranks=2)
        close(f"{name}: translated and wrapped", six(moved), six(first), 1e-11)
        mixed = periodic(structure, model, elements, style="precision mixed")
        close(f"{name}: precision mixed", six(mixed), six(first), 1e-3)


def test_repeated_cell():
    """Twice the cell, with velocities alike: twice the flux. A cell smaller than the cutoff has its images counted right."""
    structure = strained(fcc(3.62, (1, 1, 1), hydrogens=1), SKEW)
    speeds = "".join(f"variable v{x} atom sin({k}+id*{k + 2})\n" for k, x in enumerate("xyz"))
    speeds += "velocity all set v_vx v_vy v_vz\n"
    one = periodic(structure, potential(), structure.elements(), before=speeds)
    two = periodic(structure, potential(), structure.elements(), before=speeds + "replicate 2 2 1\n", ranks=2)
    close("four times the cell", six(two), [4 * x for x in six(one)], 1e-11)


def test_units_and_groups():
    structure = fcc(3.62, (2, 2, 2), hydrogens=3)
    elements = structure.elements()
    metal = periodic(structure, potential(), elements)
    set_to = "velocity all scale 900\n"  # the same velocities in either units
    real = periodic(structure, potential(), elements, units="real", before=set_to)
    metal_scaled = periodic(structure, potential(), elements, before=set_to)
    close("units real", six(real), [x * KCAL * 1e-3 for x in six(metal_scaled)], 2e-5)
    parts = """group h type 2
group rest subtract all h
compute a h heat/flux/frozentl
compute b rest heat/flux/frozentl
compute d h heat/flux ke pe cs
"""
    more = parts + "".join(f"variable s{k} equal c_a[{k}]+c_b[{k}]\nvariable d{k} equal c_a[{k}]-c_d[{k}]\n" for k in range(1, 7))
    names = " ".join(f"v_s{k} v_d{k}" for k in range(1, 7))
    text, _ = setup(structure, elements, potential())
    text += f"velocity all create 900 991 loop geom\n{FLUX}{more}thermo_style custom step {COLUMNS} {names}\nthermo_modify format float %.17g\nrun 0\n"
    run = must(lammps(text, ranks=2))
    close("groups add up", [run[f"v_s{k}"] for k in range(1, 7)], six(run), 1e-12)
    check("a group's is compute heat/flux's", largest([run[f"v_d{k}"] for k in range(1, 7)]) / largest(six(run)), 1e-12)


def test_hybrid():
    """In pair_style hybrid compute heat/flux adds all styles, whichever atoms they handle."""
    whole = fcc(3.62, (2, 2, 2), hydrogens=3)
    question = """velocity all create 900 991 loop geom
compute ke all ke/atom
compute pe all pe/atom
compute cs all centroid/stress/atom NULL virial
compute theirs all heat/flux ke pe cs
thermo_style custom step c_theirs[1] c_theirs[2] c_theirs[3]
thermo_modify format float %.17g
run 0
"""

    def answer(pair):
        return flux(must(lammps(setup(whole, ["Cu", "H"], None, pair=pair)[0] + question, ranks=2)), "theirs")

    # each answer has the flux of the kinetic energy in it: that of a style which does nothing is taken off
    bare = answer("pair_style lj/cut 5.0\npair_coeff * * 0 1")
    lj = "pair_coeff * * {} 0.02 2.2\n"
    alone = answer("pair_style lj/cut 5.0\n" + lj.format(""))
    for mapping in ("Cu H", "Cu NULL"):
        style = f"pair_style hybrid/overlay frozentl lj/cut 5.0\npair_coeff * * frozentl {potential()} {mapping}\n"
        both = answer(style + lj.format("lj/cut"))
        model = answer(style + "pair_coeff * * lj/cut 0 1\n")
        sums = [a + b - k for a, b, k in zip(alone, model, bare)]
        close(f"hybrid/overlay, {mapping}", both, sums, 1e-11)


def test_refused():
    structure = fcc(3.62, (2, 2, 2), hydrogens=3)
    elements = structure.elements()

    def script(more, pair=None, before=""):
        return setup(structure, elements, potential(), pair=pair, before=before)[0] + more + "\nrun 0\n"

    atoms = "compute ke all ke/atom\ncompute pe all pe/atom\n"
    stress = atoms + "compute st all stress/atom NULL virial\ncompute j all heat/flux ke pe st\n"
    for model in (potential(), os.path.join(ROOT, "potentials", "h2cu-ace.ftl")):
        says("heat/flux with stress/atom", r"compute st stress/atom make compute heat/flux \(j\) wrong.*centroid/stress/atom.*heat/flux/frozentl", setup(structure, elements, model)[0] + stress + "run 0\n", ranks=2)
    run = must(lammps(script(stress + "compute cs all centroid/stress/atom NULL virial")))
    if not re.search(r"WARNING: pair_style frozentl: .* make compute heat/flux \(j\) wrong.*compute cs", run.log):
        raise Failure("no warning about stress/atom")
    for style in ("heat/flux/tally all", "stress/tally all", "force/tally all", "heat/flux/virial/tally all", "pe/tally all"):
        says(style, "which a many-body potential does not have", script(f"compute t all {style}"))
    says("arguments", "takes no arguments", script("compute j all heat/flux/frozentl ke"))
    says("no frozentl", "needs pair_style frozentl", script("compute j all heat/flux/frozentl", pair="pair_style lj/cut 5\npair_coeff * * 0.1 2"))
    overlay = f"pair_style hybrid/overlay frozentl lj/cut 5\npair_coeff * * frozentl {potential()} Cu H\npair_coeff * * lj/cut 0.1 2"
    says("hybrid", "other parts that carry heat; compute heat/flux", script("compute j all heat/flux/frozentl", pair=overlay), ranks=2)


run_tests(globals())
