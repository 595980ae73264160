"""The same numbers as mace-torch, sevenn and the command frozentl, whatever the box and the units."""
from harness import *

FRAMES = ("open cluster", "slab", "strained crystal", "cell smaller than the cutoff")


def eval_json(model, path):
    out = tempfile.mkdtemp(prefix="frozentl-")
    try:
        name = os.path.join(out, "out.json")
        done = subprocess.run(
            [COMMAND, "eval", model, path, "--json", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            raise Failure(f"frozentl eval ended with {done.returncode}: {done.stdout}")
        return json.load(open(name))
    finally:
        shutil.rmtree(out)


VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))  # ASE's order of six numbers


def square(stress):
    """3x3 from 3x3 or from ASE's six."""
    if len(stress) == 3:
        return stress
    m = [[0.0] * 3 for _ in range(3)]
    for (a, b), value in zip(VOIGT, stress):
        m[a][b] = m[b][a] = value
    return m


def without_e0(energies, expected, symbols):
    """Energies per atom with one constant per element shifted to agree: answers may leave out E0 (as ASE's MACE does)."""
    shifted = list(energies)
    for s in set(symbols):
        atoms = [k for k, t in enumerate(symbols) if t == s]
        shift = sum(energies[k] - expected[k] for k in atoms) / len(atoms)
        for k in atoms:
            shifted[k] -= shift
    return shifted


def compare(name, run, answer, structure, limit):
    expected = answer["node_energy"]
    close(f"{name}: energy", run["PotEng"], answer["energy"], limit, scale=largest(expected))
    close(f"{name}: energy per atom", without_e0(run.frames[0]["c_e"], expected, structure.symbols), expected, limit)
    close(f"{name}: forces", forces_in_cell(run), answer["forces"], limit)
    if structure.cell and answer.get("stress") is not None:
        stress, e = square(answer["stress"]), run.turn
        turned = lambda a, b: sum(e[a][k] * stress[k][l] * e[b][l] for k in range(3) for l in range(3))
        expected = [turned(a, b) for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
        close(f"{name}: stress", [-run[f"c_p[{k}]"] / BAR for k in range(1, 7)], expected, limit)


def against_answers(name, path, answers, structures, limit, labels=FRAMES):
    """answers: list of frame, head, energy, forces, node_energy, stress."""
    for label, (k, structure) in zip(labels, enumerate(structures)):
        for answer in (a for a in answers if a["frame"] == k):
            run = point(structure, path, style=f"head {answer['head']}")
            compare(f"{name}, {label}", run, answer, structure, limit)


def test_twins_against_mace_torch():
    for name in ("mp0a-small", "mh1", "three-layers", "two-heads"):
        answers = json.load(open(shared(f"reference/mace/{name}.json")))
        against_answers(name, twin(name), answers["answers"], read_xyz(shared(f"reference/mace/{name}.xyz")), 1e-8)


def test_twins_against_sevenn():
    for name in ("sev0-like", "parity-l2-ssp-abs-mixed", "modal-all", "s-v09"):
        base = sevennet(name)[: -len(".pth")]
        answers = json.load(open(base + ".json"))
        against_answers(name, base + ".pth", answers["answers"], read_xyz(base + ".xyz")[:4], 1e-8)


def test_h2cu_against_frozentl_eval():
    path = shared("reference/h2cu-trained/h2cu-16x0e.xyz")
    model = shipped()
    answers = eval_json(model, path)
    for k, structure in enumerate(read_xyz(path)):
        if k % 2 == 0:
            compare(f"frame {k}", point(structure, model, ranks=1 + k % 4), answers[k], structure, 1e-9)


def test_units():
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=2), potential()
    metal, real = point(structure, model), point(structure, model, units="real", ranks=2)
    close("real and metal: energy", real["PotEng"] / KCAL, metal["PotEng"], 1e-10)
    close("real and metal: forces", [[x / KCAL for x in f] for f in forces(real)], forces(metal), 1e-10)
    close("real and metal: energy per atom", [x / KCAL for x in real.frames[0]["c_e"]], metal.frames[0]["c_e"], 1e-10)
    # bar and atmospheres: 1.6021765e6 and 68568.415 are LAMMPS' constants for eV and kcal/mol per Angstrom^3
    atmospheres = [real[f"c_p[{k}]"] / 68568.415 / KCAL * real["Volume"] for k in range(1, 7)]
    close("real and metal: virial", atmospheres, virial(metal), 1e-10)
    for name, n in (("c_s", 6), ("c_c", 9)):
        got = [[x / 68568.415 / KCAL for x in column] for column in columns(real, name, n)]
        expected = [[x / BAR for x in column] for column in columns(metal, name, n)]
        close(f"real and metal: {name}", got, expected, 1e-10)


def test_wrapped_positions():
    """Atoms outside the box, as data files may have them."""
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=2), potential()
    moved = Structure(structure.symbols, [list(p) for p in structure.positions], structure.cell)
    for k, p in enumerate(moved.positions):
        p[k % 3] += (k % 5 - 2) * 2 * 3.62
    close("images of atoms: energy", point(moved, model)["PotEng"], point(structure, model)["PotEng"], 1e-10)


run_tests(globals())
