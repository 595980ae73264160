"""Trial configurations: atoms that a fix takes out for a moment are not there, so that Monte Carlo in the grand canonical,
semi-grand and Widom's ensembles gives the exact means of an ideal gas, of atoms and of molecules; and what LAMMPS can be told
to hide from the model ends a run. All seeds are fixed; bounds of means are three standard errors or more."""
from harness import *

BOLTZMANN, PLANCK, MVV2E = 8.617343e-5, 4.135667403e-3, 1.0364269e-4  # LAMMPS' in metal units
TEMPERATURE = 3000.0
MASS.update({"Ti": 47.867, "Al": 26.982})


def metals():
    """Its E0 are not zero."""
    return os.path.join(ROOT, "potentials", "ftl-metals-0.ftl")


def chemical_potential(energy, mass, number, volume):
    """Of an ideal gas whose particles have `energy` each."""
    kt = BOLTZMANN * TEMPERATURE
    wavelength = PLANCK / math.sqrt(2 * math.pi * mass * MVV2E * kt)
    return energy + kt * math.log(number * wavelength**3 / volume)


def energy_of(symbols, positions, model=None):
    atoms = Structure(symbols, positions, None, (False, False, False))
    return point(atoms, model or metals(), elements=["Al", "Ti"])["PotEng"]


# ---- the same numbers as without the atoms


def test_excluded_atoms_are_absent():
    """An atom, and a cluster of atoms that are neighbours, at the corner of the box, where ranks and images meet."""
    for name, model, elements in (("MACE", twin("two-heads"), ["H", "O"]), ("ACE", os.path.join(ROOT, "potentials", "h2cu-ace.ftl"), ["Cu", "H"])):
        structure = fcc(3.9, (3, 2, 2), hydrogens=4, rattle=0.1)
        if name == "MACE":
            structure.symbols = [{"Cu": "O"}.get(s, s) for s in structure.symbols]
        for gone in ([0], [0, 1, 2, 3, len(structure.symbols) - 1]):
            keep = [k for k in range(len(structure.symbols)) if k not in gone]
            rest = Structure([structure.symbols[k] for k in keep], [structure.positions[k] for k in keep], structure.cell)
            deleted = point(rest, model, elements=elements)
            ids = " ".join(str(k + 1) for k in gone)
            for ranks in (1, 4):
                text, _ = setup(structure, elements, model)
                exclude = f"group gone id {ids}\nneigh_modify exclude group gone all\n"
                run = must(lammps(text + exclude + POINT + "run 0\n", ranks=ranks))
                label = f"{name}, {len(gone)} gone, {ranks} ranks"
                close(f"{label}: energy", run["PotEng"], deleted["PotEng"], 1e-10)
                close(f"{label}: forces", [forces(run)[k] for k in keep], forces(deleted), 1e-9)
                close(f"{label}: virial", virial(run), virial(deleted), 1e-9)
                close(f"{label}: forces on what is gone", [forces(run)[k] for k in gone], [[0.0] * 3] * len(gone), 0, 1.0)
                close(f"{label}: energy of what is gone", [run.frames[0]["c_e"][k] for k in gone], [0.0] * len(gone), 0, 1.0)


# ---- ideal gases


def gas(style, commands, edge, run, model=None):
    return (
        f"units metal\natom_style {style}\natom_modify map array\nregion box block 0 {edge} 0 {edge} 0 {edge}\n"
        "create_box 2 box\nmass 1 26.982\nmass 2 47.867\nneighbor 0.3 nsq\n"
        f"pair_style frozentl\npair_coeff * * {model or metals()} Al Ti\n{commands}"
        "thermo_modify norm no\n" + run
    )


def mean_of(run, name):
    return float(re.search(rf"^MEAN {name} (\S+)", run.log, re.M).group(1))


AVERAGE = "fix av all ave/time 1 {n} {all} v_n\nthermo {all}\nrun {all}\nprint \"MEAN n $(f_av)\"\n"


def test_gcmc_atoms():
    """<N> = 10. No two come within the cutoff of each other, which keeps the gas ideal to 1e-4. An exchange changes N by
    one, which is forgotten in about 2 N of them, so that 4000 are 100 independent values: a standard error of 0.32."""
    def mean(model, steps, ranks=1):
        mu = chemical_potential(energy_of(["Al"], [[0, 0, 0]], model), MASS["Al"], 10, 300.0**3)
        commands = (
            "create_atoms 1 random 10 4711 NULL overlap 12 maxtry 1000\ngroup gas type 1\n"
            f"fix g gas gcmc 1 20 0 1 29494 {TEMPERATURE} {mu:.15g} 0.01 full_energy overlap_cutoff 5.5 group gas\n"
            "variable n equal atoms\n"
        )
        return mean_of(must(lammps(gas("atomic", commands, 300, AVERAGE.format(n=steps, all=steps), model), ranks=ranks)), "n")

    for model in (metals(), os.path.join(ROOT, "potentials", "tialv-ace.ftl")):
        n = mean(model, 200)
        check(f"{os.path.basename(model)}: <N> = {n:.2f} (10)", abs(n - 10), 1.0)
        close(f"{os.path.basename(model)}: 2 ranks do the same", mean(model, 20, ranks=2), mean(model, 20), 1e-12)


DIMER = "a dimer\n\n2 atoms\n\nCoords\n\n1 0 0 0\n2 2.4 0 0\n\nTypes\n\n1 1\n2 2\n"


def dimer_energy():
    return energy_of(["Al", "Ti"], [[0, 0, 0], [2.4, 0, 0]])


def molecules(fix):
    return (
        "molecule dimer dimer.txt\ncreate_atoms 0 random 8 4711 NULL overlap 14 maxtry 1000 mol dimer 12345\n"
        "group gas type 1 2\n" + fix
    )


def test_gcmc_molecules():
    """<N> = 8 molecules, whose atoms are neighbours of each other; their energy is the fix's intra_energy. As above, with a
    standard error of 0.25."""
    energy = dimer_energy()
    mu = chemical_potential(0.0, MASS["Al"] + MASS["Ti"], 8, 300.0**3)
    commands = molecules(
        f"fix g gas gcmc 1 20 0 0 29494 {TEMPERATURE} {mu:.15g} 0.01 mol dimer full_energy intra_energy {energy:.15g} "
        "overlap_cutoff 5.5 group gas\nvariable n equal atoms/2\n"
    )
    run = must(lammps(gas("molecular", commands, 300, AVERAGE.format(n=200, all=200)), files=[("dimer.txt", DIMER)]))
    check(f"<N> = {mean_of(run, 'n'):.2f} (8)", abs(mean_of(run, "n") - 8), 0.8)


def test_widom():
    """The excess chemical potential of an ideal gas is the energy of what is inserted."""
    atom, dimer = energy_of(["Ti"], [[0, 0, 0]]), dimer_energy()
    commands = "create_atoms 1 random 10 4711 NULL overlap 12 maxtry 1000\nfix w all widom 1 20 2 29494 3000.0 full_energy\n"
    ask = 'thermo_style custom step pe f_w[1]\nrun 3\nprint "MEAN mu $(f_w[1])"\n'
    for ranks in (1, 2):
        run = must(lammps(gas("atomic", commands, 300, ask), ranks=ranks))
        close(f"of an atom, {ranks} ranks", mean_of(run, "mu"), atom, 1e-5)
    commands = molecules("fix w all widom 1 20 0 29494 3000.0 mol dimer full_energy\n")
    run = must(lammps(gas("molecular", commands, 300, ask), files=[("dimer.txt", DIMER)]))
    close("of a molecule", mean_of(run, "mu"), dimer, 1e-5)


def test_atom_swap():
    """Semi-grand: the share of Ti among 20 isolated atoms is 1/4 where its chemical potential makes up for E0 but for
    kT ln 3. Two thirds of the trials change an atom; 3000 are about 75 independent values of a share with a standard
    deviation of sqrt(3 / 16 / 20): a standard error of 0.011."""
    al, ti = energy_of(["Al"], [[0, 0, 0]]), energy_of(["Ti"], [[0, 0, 0]])
    difference = (ti - al) - BOLTZMANN * TEMPERATURE * math.log(3)
    commands = (
        "create_atoms 1 random 20 4711 NULL overlap 12 maxtry 1000\n"
        f"fix s all atom/swap 1 20 29494 {TEMPERATURE} ke no types 1 2 semi-grand yes mu 0.0 {difference:.15g}\n"
        "variable ti atom type==2\ncompute n all reduce sum v_ti\nvariable n equal c_n/20\n"
    )
    for ranks, steps, bound in ((1, 150, 0.035), (2, 20, 0.1)):
        run = must(lammps(gas("atomic", commands, 300, AVERAGE.format(n=steps, all=steps)), ranks=ranks))
        check(f"{ranks} ranks: share of Ti {mean_of(run, 'n'):.4f} (0.25)", abs(mean_of(run, "n") - 0.25), bound)


def test_sgcmc():
    """The same with LAMMPS' other fix for it, whose chemical potential has the other sign; on one rank, as LAMMPS demands."""
    al, ti = energy_of(["Al"], [[0, 0, 0]]), energy_of(["Ti"], [[0, 0, 0]])
    mu = (al - ti) + BOLTZMANN * TEMPERATURE * math.log(3)
    commands = (
        "create_atoms 1 random 20 4711 NULL overlap 12 maxtry 1000\n"
        f"fix s all sgcmc 1 0.5 {TEMPERATURE} {mu:.15g} randseed 123\n"
        "variable ti atom type==2\ncompute n all reduce sum v_ti\nvariable n equal c_n/20\n"
    )
    run = must(lammps(gas("atomic", commands, 300, AVERAGE.format(n=200, all=200))))
    check(f"share of Ti {mean_of(run, 'n'):.4f} (0.25)", abs(mean_of(run, "n") - 0.25), 0.04)


# ---- what can't be right


def test_hidden_pairs():
    structure = fcc(3.62, (2, 2, 2), hydrogens=2)

    def script(commands, elements=("Cu", "H"), pair=None, before=""):
        text, _ = setup(structure, list(elements), potential(), pair=pair, before=before)
        return text + commands + "run 0\n"

    for ranks in (1, 2):
        few = "group few id 1:10\nneigh_modify exclude group few few\n"
        says(f"a group, {ranks} ranks", "'neigh_modify exclude group few few' hides pairs", script(few), ranks=ranks)
    says("two groups", "exclude group a b' hides", script("group a id 3\ngroup b id 9\nneigh_modify exclude group a b\n"))
    says("types", "'neigh_modify exclude type 1 2' hides pairs", script("neigh_modify exclude type 1 2\n"))
    only = "group few id 1:10\nneigh_modify include few\n"
    says("include", "'neigh_modify include' takes group 'few' alone", script(only, before="atom_modify first few"))
    pair = f"pair_style hybrid/overlay frozentl lj/cut 3.0\npair_coeff * * frozentl {potential()} Cu NULL\npair_coeff * * lj/cut 0 1"
    must(lammps(script("neigh_modify exclude type 2 2\ngroup h type 2\nneigh_modify exclude group h h\n", pair=pair)))
    empty = "group none empty\nneigh_modify exclude group none none\n"
    must(lammps(script(empty)))


def test_pairs_of_another_style():
    """Asked for in pair_style hybrid, but said."""
    pair = f"pair_style hybrid frozentl lj/cut 3.0\npair_coeff * * frozentl {potential()} Cu H\n"
    for other, warns in (("pair_coeff 1 2 lj/cut 0 1", 1), ("pair_coeff 2 2 lj/cut 0 1\npair_coeff * * frozentl " + potential() + " Cu H", 0)):
        log = lammps(setup(fcc(3.62, (2, 2, 2), hydrogens=2), ["Cu", "H"], None, pair=pair + other)[0] + "run 0\n").log
        said = "pairs of types 1 and 2 are left to another style" in log
        check(f"a warning ({warns}): {int(said)}", abs(warns - said), 0)


def test_tail_and_shift():
    for word in ("tail", "shift"):
        text, _ = setup(fcc(3.62, (2, 2, 2)), ["Cu"], potential())
        says(word, f"'pair_modify {word} yes' does not apply", text + f"pair_modify {word} yes\nrun 0\n")


run_tests(globals())
