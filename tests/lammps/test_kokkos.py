"""pair_style frozentl/kk gives the numbers of pair_style frozentl, and says what it lacks. Needs a LAMMPS with the KOKKOS
package (`make test-kokkos`). That its own numbers do not depend on ranks, and that energy is conserved, is for the tests of
the plain style to see, which `make test-kokkos` runs with -sf kk as well."""
import harness
from harness import *


class Kokkos:
    """Runs of LAMMPS within `with Kokkos(threads):` have KOKKOS switched on, and /kk styles where there are some."""

    def __init__(self, threads=1, package="newton on neigh half"):
        self.arguments = f"-k on t {threads} -sf kk -pk kokkos {package}".split()

    def __enter__(self):
        self.before, harness.ARGUMENTS = harness.ARGUMENTS, self.arguments

    def __exit__(self, *_):
        harness.ARGUMENTS = self.before


def crystal():
    return fcc(3.62, (3, 2, 2), hydrogens=4)


def kokkos_point(structure, model, threads=1, **options):
    with Kokkos(threads):
        run = point(structure, model, **options)
    if "Kokkos" not in run.log.split("pair_style frozentl: ")[1].splitlines()[0]:
        raise Failure("not frozentl/kk that ran:\n" + run.log)
    return run


def agree(name, structure, model, layouts=((1, 1), (1, 2), (2, 1), (2, 2)), limit=1e-10, **options):
    plain = point(structure, model, **options)
    for ranks, threads in layouts:
        run = kokkos_point(structure, model, threads, ranks=ranks, **options)
        same(f"{name}, {ranks} ranks of {threads}", run, plain, limit)


def test_h2cu():
    agree("H2Cu", crystal(), potential())


def test_twins():
    for name in ("mp0a-small", "mp0a-medium", "three-layers", "mh1"):
        agree(name, fcc(3.62, (2, 2, 2), hydrogens=2), twin(name), ((1, 2), (2, 1)))


def test_sevennet():
    """Layers whose gate makes the output: both parities, l = 3, biases, heads."""
    structure = fcc(3.62, (2, 2, 2), hydrogens=2)
    for name, options in (("s-parity-l3", {}), ("s-manual", {}), ("s-modal", {"style": "head PBE"})):
        model = os.path.join(ROOT, "tests", "parity", "sevennet-twins", name + ".pth")
        agree(name, structure, model, ((1, 2), (2, 1)), **options)


def test_real_units():
    agree("units real", crystal(), potential(), ((2, 1),), units="real")


def test_mixed_precision():
    structure, model = crystal(), potential()
    double = point(structure, model)
    for ranks, threads in ((1, 1), (2, 2)):
        run = kokkos_point(structure, model, threads, ranks=ranks, style="precision mixed")
        close(f"mixed, {ranks} ranks: energy per atom", run.frames[0]["c_e"], double.frames[0]["c_e"], 1e-5)
        close(f"mixed, {ranks} ranks: forces", forces(run), forces(double), 1e-4)
    if forces(run) == forces(double):
        raise Failure("mixed precision answers in double precision")


def test_triclinic():
    structure = strained(crystal(), [[1, 0.3, -0.2], [0, 1.02, 0.25], [0, 0, 0.98]])
    agree("triclinic", structure, potential(), ((2, 1),))


def test_ranks_without_atoms():
    cluster = fcc(3.62, (1, 1, 1), hydrogens=1)
    cluster.cell, cluster.pbc = None, (False, False, False)
    agree("cluster in a large box", cluster, potential(), ((4, 1),), before="processors * 1 1")


def test_small_cell():
    """Atoms are neighbours of their own images, many times."""
    agree("one cell", fcc(3.62, (1, 1, 1), hydrogens=1), potential(), ((1, 2), (2, 1)))


def test_styles_by_name():
    structure, model = crystal(), potential()
    plain = point(structure, model)
    for name in ("frozentl/kk", "frozentl/kk/device", "frozentl/kk/host"):
        pair = f"pair_style {name}\npair_coeff * * {model} {' '.join(structure.elements())}"
        same(name, kokkos_point(structure, model, ranks=2, pair=pair), plain, 1e-10)


def test_tiled():
    """comm_style tiled has no exchange on devices: rows go by way of the host."""
    structure, model = crystal(), potential()
    text, _ = setup(structure, structure.elements(), model)
    with Kokkos():
        tiled = must(lammps(text + POINT + "comm_style tiled\nbalance 1.0 rcb\nrun 0\n", ranks=4))
    same("comm_style tiled, 4 ranks", tiled, point(structure, model), 1e-10)


def test_hybrid():
    """In hybrid/kk, with atoms of a type that the model does not know: NULL, and in the list all the same."""
    structure, model = crystal(), potential()
    structure.symbols += ["Al", "Al"]
    structure.positions += [[1.9, 0.4, 2.0], [5.5, 0.4, 2.2]]
    pair = f"pair_style hybrid/overlay frozentl lj/cut 7.0\npair_coeff * * frozentl {model} Cu H NULL\npair_coeff * * lj/cut 0.01 2.5"
    agree("hybrid/overlay with NULL", structure, model, ((1, 2), (2, 1)), elements=["Cu", "H", "Al"], pair=pair)


def test_trajectory():
    """Fifty steps of atoms that change neighbours and ranks."""
    structure, model = crystal(), potential()
    text, _ = setup(structure, structure.elements(), model)
    text += (
        "velocity all create 900 4711 mom yes rot no dist gaussian\nvelocity all set 40 25 -30 sum yes units box\n"
        "fix n all nve\ntimestep 0.001\nneighbor 0.3 bin\nneigh_modify every 1 delay 0 check yes\n"
        "thermo_style custom step temp pe etotal press\nthermo 1\nthermo_modify norm no format float %.17g\nrun 50\n"
    )
    plain = must(lammps(text))
    for ranks, threads in ((1, 2), (2, 1)):
        with Kokkos(threads):
            run = must(lammps(text, ranks=ranks))
        lists = int(re.search(r"Neighbor list builds = (\d+)", run.log).group(1))
        check(f"{ranks} ranks: {lists} new lists (0: 3 or more)", int(lists < 3), 0)
        for quantity in ("PotEng", "TotEng", "Press"):
            close(f"{ranks} ranks of {threads}: {quantity} of all steps", run.thermo[quantity], plain.thermo[quantity], 1e-9)


def test_surrogate():
    """PACE potentials."""
    answers = json.load(open(os.path.join(ROOT, "tests", "ace", "coupled.json")))
    MASS["Ni"] = 58.693
    structure = Structure(answers["elements"], answers["positions"], answers["cell"])
    agree("coupled.yace", structure, os.path.join(ROOT, "tests", "ace", "coupled.yace"))


def trust(structure, model, ranks=1, ask=""):
    """Columns of grades and deviations: of the compute, which asks by itself, and of what `ask` adds."""
    fix = "fix u all pair 1 frozentl gamma 1 energy_deviation 1 force_deviation 1\n" if ask else ""
    dump = f"dump d all custom 1 dump.txt id c_t[1] c_t[2] c_t[3] {ask}\ndump_modify d sort id format float %.17g\nrun 0\n"
    run = must(lammps(setup(structure, structure.elements(), model)[0] + "compute t all frozentl/trust\n" + fix + dump, ranks=ranks))
    return {name: column for name, column in run.frames[0].items() if name != "id"}


def test_trust():
    """Grades and deviations, on demand and with the forces: of a surrogate, which is A once more, and of last layers, whose
    committee goes back through one layer, two or three."""
    one_layer = os.path.join(ROOT, "tests", "parity", "twins", "t-one-layer.model")
    three = os.path.join(ROOT, "tests", "parity", "sevennet-twins", "s-parity-l3.pth")
    for name, model in (("surrogate", surrogate()), ("h2cu", taught(potential())), ("SevenNet", taught(three)), ("one layer", taught(one_layer))):
        plain = trust(crystal(), model)
        for column in plain.values():
            if not largest(column) > 0:
                raise Failure(f"{name}: 0 everywhere")
        for ranks, threads in ((1, 2), (2, 1)):
            with Kokkos(threads):
                alone, both = trust(crystal(), model, ranks), trust(crystal(), model, ranks, "f_u[1] f_u[2] f_u[3]")
            for k in (1, 2, 3):
                for what, columns in (("on demand", alone[f"c_t[{k}]"]), ("compute", both[f"c_t[{k}]"]), ("fix pair", both[f"f_u[{k}]"])):
                    close(f"{name}, {ranks} ranks of {threads}, {what} {k}", columns, plain[f"c_t[{k}]"], 1e-10)


def test_trust_along_a_trajectory():
    """Asked for in every second step: what the plain style tells there, and forces that are the same unasked."""
    text, _ = setup(crystal(), ["Cu", "H"], taught(potential()))
    text += "velocity all create 300 5\nfix n all nve\ntimestep 0.001\nneighbor 0.3 bin\nneigh_modify every 1 delay 0 check yes\n"
    thermo = "thermo_style custom step pe\nthermo 1\nthermo_modify norm no format float %.17g\n"
    fix = "fix u all pair 2 frozentl gamma 1 energy_deviation 1 force_deviation 1\n"
    dump = "dump d all custom 2 dump.txt id f_u[1] f_u[2] f_u[3]\ndump_modify d sort id format float %.17g\n"
    plain = must(lammps(text + thermo + fix + dump + "run 6\n"))
    with Kokkos():
        unasked = must(lammps(text + thermo + "run 6\n", ranks=2))
        asked = must(lammps(text + thermo + fix + dump + "run 6\n", ranks=2))
    close("energies", asked.thermo["PotEng"], unasked.thermo["PotEng"], 1e-13)
    for frame, (have, want) in enumerate(zip(asked.frames, plain.frames)):
        for k in (1, 2, 3):
            close(f"frame {frame}, f_u[{k}]", have[f"f_u[{k}]"], want[f"f_u[{k}]"], 1e-9)


def test_errors():
    model, structure = potential(), fcc(3.62, (2, 2, 2))
    pair = f"pair_style frozentl\npair_coeff * * {model} Cu\n"

    def script(pair, tail="run 0\n", structure=structure, **options):
        return setup(structure, ["Cu"], None, pair=pair, **options)[0] + tail

    with Kokkos(package="newton off neigh half"):
        off = script(pair).replace("newton on\n", "")
        says("newton off", "frozentl/kk needs 'newton on'.*-pk kokkos newton on neigh half", off)
    with Kokkos(package="newton off neigh full"):
        says("newton off, neigh full", "frozentl/kk needs 'newton on'.*-pk kokkos newton on neigh half", off)
    with Kokkos():
        says("threads", "no keyword threads: Kokkos has its own, '-k on t 3'", script(pair.replace("frozentl\n", "frozentl threads 3\n")))
        gamma = "fix u all pair 1 frozentl/kk gamma 1\n"
        says("centroid virials", "compute cs centroid/stress/atom needs centroid virials.*several layers; pair_style frozentl does", script(pair, "compute cs all centroid/stress/atom NULL virial\nrun 0\n"))
        says("heat flux", "compute j heat/flux/frozentl needs centroid virials", script(pair, "compute j all heat/flux/frozentl\nrun 0\n"))
        says("fix pair", "asks for gamma, which this potential does not know.*'frozentl trust' teaches it", script(pair, gamma + "run 0\n"))
        twice = fcc(3.62, (2, 2, 2))
        twice.positions[5] = list(twice.positions[3])
        pattern = "atom (4 and atom 6|6 and atom 4) are in one place"
        for ranks in (1, 2):
            says(f"atoms in one place, {ranks} ranks", pattern, script(pair, structure=twice), ranks=ranks)
        fly = "group one id 7\nvelocity one set 1e308 0 0\nfix 1 all nve\ntimestep 100\nneigh_modify every 50 delay 50\nrun 2\n"
        says("a position that is not a number", "atom 7 has a position that is not a number", script(pair, fly))
    says("without -k on", "without enabling KOKKOS", script(pair.replace("frozentl\n", "frozentl/kk\n")))


run_tests(globals())
