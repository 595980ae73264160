"""Forces and virial are the derivatives of the energy; what is per atom sums to the total."""
from harness import *


def test_per_atom_sums():
    for name, model in (("H2Cu", potential()), ("mp0a-small", twin("mp0a-small"))):
        structure = strained(fcc(3.62, (2, 2, 2), hydrogens=2), [[1, 0.05, 0], [0, 1, -0.04], [0, 0, 0.97]])
        run = point(structure, model, ranks=2)
        total = virial(run)
        close(f"{name}: sum of energies", sum(run.frames[0]["c_e"]), run["PotEng"], 1e-12)
        sums = [-sum(c) / BAR for c in columns(run, "c_s", 6)]
        close(f"{name}: sum of stress/atom", sums, total, 1e-10)
        sums = [-sum(c) / BAR for c in columns(run, "c_c", 9)]
        close(f"{name}: sum of centroid/stress/atom", sums, total + total[3:], 1e-10)
        close(f"{name}: forces add to zero", [sum(f[d] for f in forces(run)) for d in range(3)], [0.0] * 3, 1e-11, scale=largest(forces(run)))


def test_virial_against_strain():
    """W_ab = -dE/d(strain_ab) by five-point differences, with LAMMPS' own change_box on a triclinic box."""
    structure = strained(fcc(3.62, (2, 2, 2), hydrogens=2, rattle=0.15), [[1.01, 0.06, 0.03], [0, 0.99, -0.05], [0, 0, 1.02]])
    text, _ = setup(structure, structure.elements(), potential())
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = structure.cell
    h = 2.5e-4
    text += POINT + "run 0\n"
    for axis in "xyz":
        for k in (-2, -1, 1, 2):
            # scaling one axis: tilts that point along it scale with it
            f = 1 + k * h
            tilts = {"x": {"xy": xy * f, "xz": xz * f}, "y": {"yz": yz * f}, "z": {}}[axis]
            back = {"x": {"xy": xy, "xz": xz}, "y": {"yz": yz}, "z": {}}[axis]
            words = lambda s, t: f"{axis} scale {s:.17g} " + " ".join(f"{n} final {v:.17g}" for n, v in t.items())
            text += f"change_box all {words(f, tilts)} remap units box\nrun 0\nchange_box all {words(1 / f, back)} remap units box\n"
    for tilt, value, length in (("xy", xy, ly), ("xz", xz, lz), ("yz", yz, lz)):
        for k in (-2, -1, 1, 2):
            # x' = x + e y: with xy, the c vector's part along y takes xz along
            e = k * h
            extra = f" xz final {xz + e * yz:.17g}" if tilt == "xy" else ""
            back = f" xz final {xz:.17g}" if tilt == "xy" else ""
            text += f"change_box all {tilt} final {value + e * length:.17g}{extra} remap units box\nrun 0\n"
            text += f"change_box all {tilt} final {value:.17g}{back} remap units box\n"
    text += "run 0\n"
    run = must(lammps(text))
    energies = run.thermo["PotEng"]
    close("the box is as it was", energies[-1], energies[0], 1e-12)
    slopes = []
    for c in range(6):
        a, b, d, e = energies[1 + 4 * c : 5 + 4 * c]
        slopes.append(-(a - 8 * b + 8 * d - e) / (12 * h))
    close("virial against finite strain", virial(run), slopes, 1e-6)


def test_forces_against_displacement():
    structure, model = fcc(3.62, (2, 2, 2), hydrogens=2), potential()
    text, _ = setup(structure, structure.elements(), model)
    h, atoms = 1e-3, (1, 17, len(structure.symbols))
    text += POINT + "run 0\n"
    for atom in atoms:
        for axis in range(3):
            move = lambda s: " ".join(f"{s * h:.17g}" if d == axis else "0" for d in range(3))
            text += f"group g{atom} id {atom}\n" if axis == 0 else ""
            for k in (-2, -1, 1, 2):
                text += f"displace_atoms g{atom} move {move(k)} units box\nrun 0\ndisplace_atoms g{atom} move {move(-k)} units box\n"
    run = must(lammps(text))
    energies, f = run.thermo["PotEng"], run.frames[0]
    slopes, mine, k = [], [], 1
    for atom in atoms:
        for axis in "xyz":
            a, b, d, e = energies[k : k + 4]
            slopes.append(-(a - 8 * b + 8 * d - e) / (12 * h))
            mine.append(f["f" + axis][atom - 1])
            k += 4
    close("forces against displacement", mine, slopes, 1e-7)


run_tests(globals())
