"""pair_style frozentl next to other styles: energies, forces and virials are sums."""
from harness import *

TYPES = ["Cu", "H", "Al"]  # Al: the type that the model does not know


def with_strangers():
    """A copper crystal with hydrogen, and a few atoms of another type between."""
    s = fcc(3.62, (3, 2, 2), hydrogens=4)
    for k in range(3):
        s.symbols.append("Al")
        s.positions.append([3.62 * (k + 0.5) + 0.1, 0.4, 3.62 * 0.5 + 0.2 * k])
    return s


def without(structure, symbol):
    keep = [k for k, s in enumerate(structure.symbols) if s != symbol]
    return keep, Structure([structure.symbols[k] for k in keep], [structure.positions[k] for k in keep], structure.cell)


def add(name, run, parts, limit=1e-10):
    """run equals the sum of parts, each (run, indices of its atoms in the whole)."""
    n = len(run.frames[0]["fx"])
    energy, f, e, w = 0.0, [[0.0] * 3 for _ in range(n)], [0.0] * n, [0.0] * 6
    s = [[0.0] * n for _ in range(9)]
    for part, atoms in parts:
        energy += part["PotEng"]
        w = [x + y for x, y in zip(w, virial(part))]
        for column, theirs in zip(s, columns(part, "c_c", 9)):
            for k, value in zip(atoms, theirs):
                column[k] += value
        for k, fk, ek in zip(atoms, forces(part), part.frames[0]["c_e"]):
            f[k] = [x + y for x, y in zip(f[k], fk)]
            e[k] += ek
    close(f"{name}: energy", run["PotEng"], energy, limit)
    close(f"{name}: forces", forces(run), f, limit)
    close(f"{name}: energy per atom", run.frames[0]["c_e"], e, limit)
    close(f"{name}: virial", virial(run), w, limit)
    close(f"{name}: centroid virial per atom", columns(run, "c_c", 9), s, limit)


def test_null_types():
    whole = with_strangers()
    keep, bare = without(whole, "Al")
    model = potential()
    lj = "pair_coeff 1*2 3 {0} 0.02 2.6\npair_coeff 3 3 {0} 0.05 2.8\n"
    hybrid = f"pair_style hybrid frozentl lj/cut 6.0\npair_coeff * * frozentl {model} Cu H NULL\n" + lj.format("lj/cut")
    alone = "pair_style lj/cut 6.0\npair_coeff 1*2 1*2 0.0 1.0\n" + lj.format("")
    parts = [(point(bare, model, elements=["Cu", "H"]), keep), (point(whole, model, elements=TYPES, pair=alone), range(len(whole.symbols)))]
    for ranks in (1, 4):
        run = point(whole, model, elements=TYPES, pair=hybrid, ranks=ranks)
        add(f"hybrid with NULL, {ranks} ranks", run, parts)


def test_overlay_with_null_types():
    """As before, but the model gets a neighbour list with strangers in it."""
    whole = with_strangers()
    keep, bare = without(whole, "Al")
    model, atoms = potential(), range(len(whole.symbols))
    overlay = f"pair_style hybrid/overlay frozentl lj/cut 7.0\npair_coeff * * frozentl {model} Cu H NULL\npair_coeff * * lj/cut 0.01 2.5"
    alone = "pair_style lj/cut 7.0\npair_coeff * * 0.01 2.5"
    parts = [(point(bare, model, elements=["Cu", "H"]), keep), (point(whole, model, elements=TYPES, pair=alone), atoms)]
    for ranks in (1, 4):
        run = point(whole, model, elements=TYPES, pair=overlay, ranks=ranks)
        add(f"hybrid/overlay with NULL, {ranks} ranks", run, parts)


def test_overlay_zbl():
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=3), potential()
    elements, atoms = ["Cu", "H"], range(len(structure.symbols))
    zbl = "pair_coeff 1 1 {0} 29 29\npair_coeff 1 2 {0} 29 1\npair_coeff 2 2 {0} 1 1\n"
    overlay = f"pair_style hybrid/overlay frozentl zbl 2.0 4.0\npair_coeff * * frozentl {model} Cu H\n" + zbl.format("zbl")
    parts = [
        (point(structure, model, elements=elements), atoms),
        (point(structure, model, elements=elements, pair="pair_style zbl 2.0 4.0\n" + zbl.format("")), atoms),
    ]
    for ranks in (1, 2):
        run = point(structure, model, elements=elements, pair=overlay, ranks=ranks)
        add(f"hybrid/overlay with zbl, {ranks} ranks", run, parts)


def test_overlay_d3():
    """The recipe of the user guide for SevenNet with D3."""
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=3), potential()
    elements, atoms = ["Cu", "H"], range(len(structure.symbols))
    style = "dispersion/d3 bj pbe 10.0 8.0"
    overlay = f"pair_style hybrid/overlay frozentl {style}\npair_coeff * * frozentl {model} Cu H\npair_coeff * * dispersion/d3 Cu H"
    alone = f"pair_style {style}\npair_coeff * * Cu H"
    parts = [(point(structure, model, elements=elements, pair=p), atoms) for p in (None, alone)]
    check("dispersion's share of the energy: 1 / eV", 1 / max(abs(parts[1][0]["PotEng"]), 1e-9), 100)
    for ranks in (1, 2):
        add(f"hybrid/overlay with D3, {ranks} ranks", point(structure, model, elements=elements, pair=overlay, ranks=ranks), parts)


def test_overlay_lj_real_units():
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=3), potential()
    elements, atoms = ["Cu", "H"], range(len(structure.symbols))
    overlay = f"pair_style hybrid/overlay frozentl lj/cut 4.0\npair_coeff * * frozentl {model} Cu H\npair_coeff * * lj/cut 0.1 2.2"
    alone = "pair_style lj/cut 4.0\npair_coeff * * 0.1 2.2"
    parts = [(point(structure, model, elements=elements, units="real", pair=p), atoms) for p in (None, alone)]
    add("hybrid/overlay with lj in real units", point(structure, model, elements=elements, units="real", pair=overlay), parts)


def test_two_models():
    structure = fcc(3.62, (2, 2, 2), hydrogens=3)
    elements, atoms = ["Cu", "H"], range(len(structure.symbols))
    first, second = potential(), twin("two-heads")
    both = (
        "pair_style hybrid/overlay frozentl precision double frozentl head pt_head threads 2\n"
        f"pair_coeff * * frozentl 1 {first} Cu H\npair_coeff * * frozentl 2 {second} Cu H"
    )
    parts = [(point(structure, first, elements=elements), atoms), (point(structure, second, elements=elements, style="head pt_head"), atoms)]
    add("two models, 2 ranks", point(structure, first, elements=elements, pair=both, ranks=2), parts)


def test_hybrid_scaled():
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=3), potential()
    pair = f"pair_style hybrid/scaled 0.25 frozentl 0.75 frozentl\npair_coeff * * frozentl 1 {model} Cu H\npair_coeff * * frozentl 2 {model} Cu H"
    add("0.25 + 0.75 of one model", point(structure, model, elements=["Cu", "H"], pair=pair), [(point(structure, model, elements=["Cu", "H"]), range(len(structure.symbols)))])


run_tests(globals())
