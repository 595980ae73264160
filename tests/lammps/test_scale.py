"""Thermodynamic integration: fix adapt scales everything that the model gives by one number, in double and mixed precision, in
hybrid and on several ranks; the derivative of the energy by that number is the energy. One scale for all types of the model."""
from harness import *


def crystal():
    return fcc(3.62, (2, 2, 2), hydrogens=3)


def model_pair(style=""):
    return f"pair_style frozentl {style}\npair_coeff * * {potential()} Cu H"


def script(pair, tail, elements=("Cu", "H"), structure=None, units="metal"):
    return setup(structure or crystal(), list(elements), None, pair=pair, units=units)[0] + tail


ADAPT = "variable lambda equal {}\nfix a all adapt 1 pair frozentl scale {} {} v_lambda\n"


def scaled(value, style="", ranks=1, pair=None, types=("*", "*"), **options):
    text = script(pair or model_pair(style), ADAPT.format(value, *types) + POINT + "run 0\n", **options)
    return must(lammps(text, ranks=ranks))


def test_everything_is_scaled():
    for style, limit in (("", 1e-12), ("precision mixed", 1e-6)):
        one = must(lammps(script(model_pair(style), POINT + "run 0\n")))
        centroid = columns(one, "c_c", 9)  # the model's own: LAMMPS's stand-in for styles without one is symmetric
        if largest([xy - yx for xy, yx in zip(centroid[3], centroid[6])]) < 1e-3 * largest(centroid):
            raise Failure("xy and yx of centroid virials are the same")
        for value, ranks in ((0.3, 1), (0.3, 2), (1.0, 1), (-2.0, 1), (0.0, 1)):
            run = scaled(value, style, ranks)
            name = f"{style or 'double'}, {value}, {ranks} ranks"
            times = lambda x: [value * v for v in flat(x)]
            big = lambda x: max(largest(x), 1e-3)
            for quantity, of in (
                ("energy", lambda r: r["PotEng"]),
                ("forces", forces),
                ("energy per atom", lambda r: r.frames[0]["c_e"]),
                ("virial", virial),
                ("virial per atom", lambda r: columns(r, "c_s", 6)),
                ("centroid virial per atom", lambda r: columns(r, "c_c", 9)),
            ):
                close(f"{name}: {quantity}", of(run), times(of(one)), limit, big(of(one)))


def test_real_units():
    one = must(lammps(script(model_pair(), POINT + "run 0\n", units="real")))
    close("energy in kcal/mol", scaled(0.3, units="real")["PotEng"], 0.3 * one["PotEng"], 1e-12)


def test_derivative():
    """dU/dlambda by compute ti and by differences is the energy of lambda = 1, along a run with lambda that grows."""
    move = (
        "variable lambda equal 0.2+0.1*step\nvariable one equal 1.0\nfix a all adapt 1 pair frozentl scale * * v_lambda\n"
        "compute t all ti frozentl * v_lambda v_one\nthermo_style custom step pe c_t\nthermo 1\n"
        "thermo_modify norm no format float %.17g\nrun 5\n"
    )
    energy = point(crystal(), potential())["PotEng"]
    for ranks in (1, 2):
        run = must(lammps(script(model_pair(), move), ranks=ranks))
        close(f"compute ti, {ranks} ranks", run.thermo["c_t"], [energy] * 6, 1e-11)
        differences = [(b - a) / 0.1 for a, b in zip(run.thermo["PotEng"], run.thermo["PotEng"][1:])]
        close(f"differences, {ranks} ranks", differences, [energy] * 5, 1e-11)


def test_hybrid():
    """Only the model is scaled, not what is beside it; types of others have no say."""
    whole = crystal()
    whole.symbols += ["Al"]
    whole.positions += [[1.9, 0.4, 2.0]]
    elements = ("Cu", "H", "Al")
    pair = f"pair_style hybrid/overlay frozentl lj/cut 5.0\npair_coeff * * frozentl {potential()} Cu H NULL\npair_coeff * * lj/cut 0.01 2.5"
    start = lambda tail: script(pair, tail + "thermo_style custom step pe\nthermo_modify norm no format float %.17g\nrun 0\n", elements, whole)
    energy = lambda tail, ranks=1: must(lammps(start(tail), ranks=ranks))["PotEng"]
    adapt = lambda value: ADAPT.format(value, "1*2", "1*2")
    zero, one = energy(adapt(0.0)), energy("")
    parts = point(crystal(), potential())["PotEng"]
    close("1 less 0 of the model", one - zero, parts, 1e-9)
    for ranks in (1, 2):
        close(f"0.4 of the model, {ranks} ranks", energy(adapt(0.4), ranks), zero + 0.4 * (one - zero), 1e-12)
    ti = "variable one equal 1.0\ncompute t all ti frozentl 1*2 v_lambda v_one\nthermo_style custom step c_t\nthermo_modify norm no format float %.17g\nrun 0\n"
    derivative = must(lammps(script(pair, adapt(0.4) + ti, elements, whole)))["c_t"]
    close("compute ti", derivative, one - zero, 1e-11)


def test_fep():
    """fix adapt/fep sets it as well, compute fep asks for the energy with another scale and puts the old one back."""
    tail = (
        "variable d equal 0.25\ncompute f all fep 300 pair frozentl scale * * v_d\n"
        "thermo_style custom step pe c_f[1]\nthermo_modify norm no format float %.17g\nrun 0\nrun 0\n"
    )
    energy = point(crystal(), potential())["PotEng"]
    run = must(lammps(script(model_pair(), tail), ranks=2))
    close("compute fep: U(1.25) - U(1)", run["c_f[1]"], 0.25 * energy, 1e-11)
    close("and the energy stays", run.thermo["PotEng"], [energy] * 2, 1e-12)
    fep = "variable l equal 0.3\nfix a all adapt/fep 1 pair frozentl scale * * v_l\nthermo_style custom step pe\nthermo_modify norm no format float %.17g\nrun 0\n"
    close("fix adapt/fep", must(lammps(script(model_pair(), fep)))["PotEng"], 0.3 * energy, 1e-12)


def test_one_for_all():
    one_type = "variable l equal 0.5\nfix a all adapt 1 pair frozentl scale 1 1 v_l\nrun 0\n"
    for ranks in (1, 2):
        says(
            f"of one type, {ranks} ranks",
            "scale is 0.5 for types 1 1 and 1 for types 1 2: the energy is not a sum over pairs, so give one scale",
            script(model_pair(), one_type),
            ranks=ranks,
        )


def test_reset():
    """A new pair_coeff begins with 1 again, `reset yes` ends with it."""
    tail = "thermo_style custom step pe\nthermo_modify norm no format float %.17g\n"
    adapt = ADAPT.format(0.3, "*", "*")
    energy = point(crystal(), potential())["PotEng"]
    again = must(lammps(script(model_pair(), tail + adapt + "run 0\nunfix a\n" + model_pair() + "\nrun 0\n")))
    close("pair_coeff again", again.thermo["PotEng"], [0.3 * energy, energy], 1e-12)
    reset = must(lammps(script(model_pair(), tail + adapt.replace("v_lambda\n", "v_lambda reset yes\n") + "run 0\nunfix a\nrun 0\n")))
    close("reset yes", reset.thermo["PotEng"], [0.3 * energy, energy], 1e-12)


run_tests(globals())
