"""PACE potentials in LAMMPS: the numbers of ML-PACE's own evaluator, on any number of ranks, threads and types; errors.

Only `coupled` is invariant: LAMMPS turns cells, which random coefficients do not survive."""
from harness import *

MASS.update({"Ni": 58.693})
POTENTIAL = os.path.join(ROOT, "tests", "ace", "coupled.yace")


def answers_and_structure():
    answers = json.load(open(os.path.join(ROOT, "tests", "ace", "coupled.json")))
    return answers, Structure(answers["elements"], answers["positions"], answers["cell"])


def test_against_ml_pace():
    answers, structure = answers_and_structure()
    for ranks, threads in ((1, 1), (2, 1), (4, 1), (1, 3)):
        run = point(structure, POTENTIAL, ranks=ranks, threads=threads)
        name = f"{ranks} ranks, {threads} threads"
        close(f"{name}: energy", run["PotEng"], answers["energy"], 1e-9, scale=largest(answers["node_energy"]))
        close(f"{name}: energy per atom", run.frames[0]["c_e"], answers["node_energy"], 1e-9)
        close(f"{name}: forces", forces_in_cell(run), answers["forces"], 1e-9)


def test_ranks_and_virials():
    _, structure = answers_and_structure()
    one = point(structure, POTENTIAL)
    same("4 ranks", point(structure, POTENTIAL, ranks=4), one, 1e-10)
    trace = sum(virial(one)[:3])
    close("trace of virial per atom", sum(sum(columns(one, "c_s", 3), [])) / -BAR, trace, 1e-10)


def test_types_in_another_order():
    _, structure = answers_and_structure()
    same("O before Ni", point(structure, POTENTIAL, elements=["O", "Ni"]), point(structure, POTENTIAL), 1e-12)


def test_mixed_precision():
    answers, structure = answers_and_structure()
    run = point(structure, POTENTIAL, ranks=2, style="precision mixed")
    close("mixed: energy per atom", run.frames[0]["c_e"], answers["node_energy"], 1e-5)
    close("mixed: forces", forces_in_cell(run), answers["forces"], 1e-5)


def test_errors():
    _, structure = answers_and_structure()
    for style, mapping, sentence in (
        ("", ["Ni", "Cu"], "does not have the element Cu"),
        ("head dft", None, "it has no head 'dft'"),
    ):
        text, _ = setup(structure, ["Ni", "O"], POTENTIAL, style=style, mapping=mapping)
        run = lammps(text + "run 0\n")
        check(sentence, 0 if run.code != 0 and sentence in " ".join(run.log.split()) else 1, 0)


run_tests(globals())
