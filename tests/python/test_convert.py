"""python -m frozentl.convert: what ASE reads, as training data with its labels. Files of other codes are made here, small and
by hand. Run by tests/python/run.sh."""

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixBondLength, FixCartesian
from ase.db import connect
from ase.io import read, write
from ase.units import GPa

from frozentl.convert import ConvertError, convert
from frozentl.convert.__main__ import main


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frames():
    made = []
    for k in range(3):
        atoms = bulk("Cu", cubic=True, a=3.6)
        atoms.rattle(0.1, seed=k)
        atoms.info.update(config_type="bulk of copper", number=k, note='a "b" \\c = d', vector=[1.5, 2.5], nested={"a": [1, 2]}, flag=True)
        atoms.set_tags([1, 2, 3, 4])
        atoms.calc = EMT()
        atoms.get_stress()
        made.append(atoms)
    return made


def same(a, b, prefix="REF_"):
    """The structure `a`, with its calculator, against what was read back."""
    assert a.get_chemical_symbols() == b.get_chemical_symbols() and (a.pbc == b.pbc).all()
    assert (a.positions == b.positions).all() and (a.cell == b.cell).all()
    assert b.info[prefix + "energy"] == a.get_potential_energy()
    assert (b.arrays[prefix + "forces"] == a.get_forces(apply_constraint=False)).all()
    assert (b.info[prefix + "stress"].reshape(3, 3) == a.get_stress(voigt=False, apply_constraint=False)).all()


@pytest.mark.parametrize("name", ["a.traj", "a.db", "a.json", "a.xyz"])
def test_round_trips(name):
    write(name, frames())
    report = convert(name, "out.xyz")
    assert [report.structures, report.labels["energy"], report.labels["forces"], report.labels["stress"]] == [3] * 4
    out = read("out.xyz", ":")
    for a, b in zip(read(name, ":"), out):
        same(a, b)
        assert (b.get_tags() == [1, 2, 3, 4]).all() or name == "a.xyz"
    if name in ("a.traj", "a.xyz"):
        assert out[1].info["config_type"] == "bulk of copper" and out[1].info["number"] == 1 and out[1].info["flag"] is True
        assert out[1].info["vector"].tolist() == [1.5, 2.5] and out[1].info["nested"] == {"a": [1, 2]}
    if name == "a.traj":
        assert out[1].info["note"] == 'a "b" \\c = d'
    again = convert("out.xyz", "again.xyz")  # labels that are there already stay
    assert all(again.labels[k] == 3 for k in ("energy", "forces", "stress"))
    for a, b in zip(out, read("again.xyz", ":")):
        assert (a.arrays["REF_forces"] == b.arrays["REF_forces"]).all() and a.info["REF_energy"] == b.info["REF_energy"]


def test_keys_of_a_database():
    with connect("a.db") as db:
        for k, atoms in enumerate(frames()):
            db.write(atoms, config_type=f"set{k}", weight=2.5, data={"more": [1, 2]})
    convert("a.db", "out.xyz", index="1:", labels_prefix="dft_")
    out = read("out.xyz", ":")
    assert [a.info["config_type"] for a in out] == ["set1", "set2"] and out[0].info["weight"] == 2.5
    same(frames()[1], out[0], "dft_")


def outcar(steps, end=True):
    """The lines of VASP that ASE looks for."""
    text = [" vasp.6.3.2", " POTCAR:    PAW_PBE Cu 22Jun2005", " POTCAR:    PAW_PBE H 15Jun2001", " POTCAR:    PAW_PBE Cu 22Jun2005",
            " POTCAR:    PAW_PBE H 15Jun2001", "   ISPIN  =      1    spin polarized calculation?", "   ions per type =               1   1"]  # fmt: skip
    for k in range(steps):
        text += [f"--- Iteration      {k + 1}(   1)  ---", "  FORCE on cell =-STRESS in cart. coord.  units (eV):",
                 "  Direction    XX          YY          ZZ          XY          YZ          ZX",
                 "  in kB      10.00000    20.00000    30.00000     4.00000     5.00000     6.00000",
                 "      direct lattice vectors                 reciprocal lattice vectors",
                 "     4.0 0.0 0.0     0.25 0.0 0.0", "     0.0 5.0 0.0     0.0 0.2 0.0", "     0.0 0.0 6.0     0.0 0.0 0.1667",
                 " POSITION                                       TOTAL-FORCE (eV/Angst)", " ------", f" 0.0 0.0 {0.1 * k} 0.5 0.0 {k}.25",
                 f" 1.0 1.0 1.0 -0.5 0.0 -{k}.25", " ------", "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)", "  ------",
                 f"  free  energy   TOTEN  =       -{k + 7}.50000000 eV", "",
                 f"  energy  without entropy=      -{k + 7}.10000000  energy(sigma->0) =      -{k + 7}.30000000"]  # fmt: skip
    return "\n".join(text + ([" General timing and accounting informations for this job:"] if end else []) + [""])


def check_vasp(report, out, steps=2):
    assert (report.structures, report.labels["energy"], report.labels["forces"], report.labels["stress"]) == (steps,) * 4
    kbar = np.array([[10, 4, 6], [4, 20, 5], [6, 5, 30]]) * 0.1 * GPa
    for k, atoms in enumerate(out):
        assert atoms.get_chemical_symbols() == ["Cu", "H"] and atoms.pbc.all() and atoms.cell.lengths().tolist() == [4, 5, 6]
        assert atoms.info["REF_energy"] == pytest.approx(-7.5 - k)
        assert atoms.arrays["REF_forces"] == pytest.approx(np.array([[0.5, 0, k + 0.25], [-0.5, 0, -k - 0.25]]))
        assert atoms.info["REF_stress"].reshape(3, 3) == pytest.approx(-kbar)  # VASP's is the pressure's sign


@pytest.mark.parametrize("name", ["OUTCAR", "run1.OUTCAR.gz", "OUTCAR.bz2", "OUTCAR.xz", "results.txt"])
def test_outcar(name, here, capsys):
    opener = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}.get(name.rsplit(".", 1)[-1], open)
    with opener(name, "wt") as file:
        file.write(outcar(2))
    report = convert(name, "out.xyz", format="vasp-out" if name == "results.txt" else None)
    check_vasp(report, read("out.xyz", ":"))
    assert "free energy" in report.summary() and report.warnings() == []
    convert(name, "zero.xyz", energy="zero", format="vasp-out")
    assert read("zero.xyz", 0).info["REF_energy"] == -7.3
    assert convert(name, "last.xyz", index="-1", format="vasp-out").structures == 1
    assert read("last.xyz").info["REF_energy"] == -8.5


def test_outcar_that_ends_early():
    with open("OUTCAR", "w") as file:
        file.write(outcar(3, end=False)[:-200])
    report = convert("OUTCAR", "out.xyz")
    assert report.structures == 2 and any("ends early" in w for w in report.warnings())


VASPRUN = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <generator><i name="program" type="string">vasp</i></generator>
 <kpoints><varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights"><v>1.0</v></varray></kpoints>
 <parameters><separator name="general"><i name="PSTRESS">0.0</i></separator></parameters>
 <atominfo><atoms>2</atoms><types>2</types>
  <array name="atoms"><set><rc><c>Cu</c><c>1</c></rc><rc><c>H </c><c>2</c></rc></set></array></atominfo>
 <structure name="initialpos"><crystal>{basis}</crystal><varray name="positions"><v>0 0 0</v><v>.25 .2 .1</v></varray>{selective}</structure>
{steps}
</modeling>
"""
STEP = """ <calculation><scstep><energy><i name="e_fr_energy">-{e}.5</i><i name="e_0_energy">-{e}.3</i></energy></scstep>
  <structure><crystal>{basis}</crystal><varray name="positions"><v>0 0 0</v><v>.25 .2 .1</v></varray></structure>
  <varray name="forces"><v>0.5 0 {k}.25</v><v>-0.5 0 -{k}.25</v></varray>
  <varray name="stress"><v>10 4 6</v><v>4 20 5</v><v>6 5 30</v></varray>
  <energy><i name="e_fr_energy">-{e}.5</i><i name="e_0_energy">-{e}.3</i></energy></calculation>"""
BASIS = '<varray name="basis"><v>4 0 0</v><v>0 5 0</v><v>0 0 6</v></varray>'


def vasprun(selective=""):
    return VASPRUN.format(basis=BASIS, selective=selective, steps="\n".join(STEP.format(basis=BASIS, k=k, e=k + 7) for k in range(2)))


def test_vasprun():
    with open("vasprun.xml", "w") as file:
        file.write(vasprun())
    check_vasp(convert("vasprun.xml", "out.xyz"), read("out.xyz", ":"))
    with open("vasprun.xml", "w") as file:
        file.write(vasprun('<varray name="selective"><v>F F F</v><v>T T T</v></varray>'))
    report = convert("vasprun.xml", "out.xyz", overwrite=True)
    check_vasp(report, read("out.xyz", ":"))  # forces of the fixed atom, too
    assert read("out.xyz").constraints[0].index.tolist() == [0]
    with open("vasprun.xml", "w") as file:
        file.write(vasprun()[:-400])
    assert any("ends early" in w for w in convert("vasprun.xml", "out.xyz", overwrite=True).warnings())


def test_vasp_that_did_not_converge():
    steps = 3 * ' <scstep><energy><i name="e_fr_energy">-7.0</i><i name="e_0_energy">-7.0</i></energy></scstep>\n'
    text = vasprun().replace("<scstep>", steps + "<scstep>", 1)
    for most, doubtful in ((4, True), (60, False)):
        with open("vasprun.xml", "w") as file:
            file.write(text.replace("<parameters>", f'<parameters><i type="int" name="NELM">{most}</i>'))
        warnings = convert("vasprun.xml", "out.xyz", overwrite=True).warnings()
        assert any("of 1 of the file's steps did not converge" in w for w in warnings) == doubtful
    with open("OUTCAR", "w") as file:
        file.write(outcar(2).replace("FREE ENERGIE", "aborting loop EDIFF was not reached (unconverged)\n  FREE ENERGIE", 1))
    assert any("converge" in w for w in convert("OUTCAR", "out.xyz", overwrite=True).warnings())


def test_partly_occupied_sites():
    loop = "".join(f"_atom_site_{k}\n" for k in ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"))
    cell = "".join(f"_cell_length_{k} 4\n" for k in "abc") + "".join(f"_cell_angle_{k} 90\n" for k in ("alpha", "beta", "gamma"))
    with open("a.cif", "w") as file:
        file.write(f"data_x\n{cell}_symmetry_space_group_name_H-M 'P 1'\nloop_\n{loop}Cu1 Cu 0 0 0 0.5\nAu1 Au 0 0 0 0.5\n")
    assert any("partly occupied" in w for w in convert("a.cif", "out.xyz").warnings())


def test_structures_without_labels(capsys):
    write("a.cif", bulk("Cu", cubic=True))
    write("POSCAR", bulk("Cu", cubic=True))
    for name in ("a.cif", "POSCAR"):
        assert main([name, "out.xyz", "--overwrite"]) == 0
        said = capsys.readouterr()
        assert "1 structure, 4 atoms: 0 energies, 0 forces, 0 stresses" in said.out and "nothing in out.xyz to train on" in said.err
        assert read("out.xyz").cell.lengths() == pytest.approx([3.61] * 3)


DUMP = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp ff
0 4
0 5
0 6
ITEM: ATOMS id {columns} x y z fx fy fz
2 {second} 1 1 1 -0.5 0 0
1 {first} 0 0 0 0.5 0 0
"""


def test_lammps_dumps():
    with open("dump.lammpstrj", "w") as file:
        file.write(DUMP.format(columns="type", first=1, second=2))
    with pytest.raises(ConvertError, match="--species"):
        convert("dump.lammpstrj", "out.xyz")
    for species in (["Cu", "H"], ["2=H", "1=Cu"]):
        report = convert("dump.lammpstrj", "out.xyz", species=species, overwrite=True)
        atoms = read("out.xyz")
        assert atoms.get_chemical_symbols() == ["Cu", "H"] and atoms.pbc.tolist() == [True, True, False]
        assert atoms.arrays["REF_forces"].tolist() == [[0.5, 0, 0], [-0.5, 0, 0]]
        assert report.labels["energy"] == 0 and "metal" in report.summary()  # a dump has no energy
    for wrong in (["Cu"], ["Cu", "Xx"], ["2=H"], ["1=Cu", "1=H"], ["X", "H"]):
        with pytest.raises(ConvertError, match="species|ASE cannot"):
            convert("dump.lammpstrj", "out.xyz", species=wrong, overwrite=True)
    with open("dump.lammpstrj", "w") as file:
        file.write(DUMP.format(columns="element", first="Cu", second="H"))
    convert("dump.lammpstrj", "real.xyz", units="real")
    assert read("real.xyz").arrays["REF_forces"][0, 0] == pytest.approx(0.5 * 0.0433641, rel=1e-5)
    with pytest.raises(ConvertError, match="leave --species out"):
        convert("dump.lammpstrj", "out.xyz", species=["Cu", "H"], overwrite=True)
    write("a.traj", frames())
    with pytest.raises(ConvertError, match="LAMMPS"):
        convert("a.traj", "out.xyz", species=["Cu"], overwrite=True)


def test_constraints():
    atoms = fcc111("Cu", (1, 1, 3), vacuum=5)
    forces = np.arange(1.0, 10).reshape(3, 3)
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=forces)
    atoms.set_constraint([FixAtoms([0]), FixCartesian(1, [True, False, False]), FixBondLength(1, 2)])
    write("a.traj", atoms)
    report = convert("a.traj", "out.xyz")
    out = read("out.xyz")
    assert (out.arrays["REF_forces"] == forces).all()
    assert "move_mask:L:3" in open("out.xyz").read() and "FixBondLength" in report.summary() and "move_mask" in report.summary()
    assert report.warnings() == []
    forces[0] = 0  # as get_forces() would have it
    atoms.set_constraint(FixAtoms([0]))
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=forces)
    write("a.traj", atoms)
    assert any("forces of fixed atoms are exactly zero" in w for w in convert("a.traj", "out.xyz", overwrite=True).warnings())
    assert read("out.xyz").constraints[0].index.tolist() == [0]


@pytest.mark.parametrize("name", ["virial", "virials"])
def test_virials(name):
    """A virial is -volume * stress: the label where there is no stress, and checked where there is."""
    atoms, stress = bulk("Cu", cubic=True, a=3.6), np.array([[1, 0.1, 0.2], [0.1, 2, 0.3], [0.2, 0.3, 3]])
    virial = -atoms.get_volume() * stress
    for value in (virial, virial.ravel(), virial[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]):
        atoms.info = {name: value}
        atoms.calc = SinglePointCalculator(atoms, energy=-1.0)
        write("a.traj", atoms)
        report = convert("a.traj", "out.xyz", overwrite=True)
        assert report.labels["virial"] == 1 and report.labels["stress"] == 0 and name in report.summary()
        assert read("out.xyz").info["REF_virial"].reshape(3, 3) == pytest.approx(virial) and name not in read("out.xyz").info
    for sign in (1, -1):
        atoms.info = {name: sign * virial}
        atoms.calc = SinglePointCalculator(atoms, energy=-1.0, stress=stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]])
        write("a.traj", atoms)
        report = convert("a.traj", "out.xyz", overwrite=True)
        assert read("out.xyz").info["REF_stress"].reshape(3, 3) == pytest.approx(stress)
        assert any("sign" in w for w in report.warnings()) == (sign < 0)


def test_slabs_molecules_and_what_is_not_finite():
    slab = fcc111("Cu", (1, 1, 2), vacuum=5)
    slab.calc = SinglePointCalculator(slab, energy=-1.0, stress=np.arange(6.0))
    lone = Atoms("Cu")
    lone.calc = SinglePointCalculator(lone, energy=-2.0, forces=[[0, 0, np.nan]], stress=np.arange(6.0))
    write("a.traj", [slab, lone])
    report = convert("a.traj", "out.xyz")
    out = read("out.xyz", ":")
    assert out[0].info["REF_stress"].reshape(3, 3)[2, 1] == 3 and "periodic in all directions" in report.summary()
    assert "REF_stress" not in out[1].info and "REF_forces" not in out[1].arrays and out[1].info["REF_energy"] == -2
    said = "\n".join(report.warnings())
    assert "no volume: 1 structure, the first at index 1" in said and "forces that are not finite" in said


def test_moments_and_charges():
    atoms = molecule("O2")
    atoms.set_initial_magnetic_moments([1.5, 0.5])
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, free_energy=-1.5, forces=np.ones((2, 3)), magmoms=[1.0, 1.5],
                                       charges=[0.1, -0.1], dipole=[1, 2, 3.0], magmom=2.5)  # fmt: skip
    atoms.info["dft_energy"] = -9.0
    write("a.traj", atoms)
    report = convert("a.traj", "out.xyz")
    out = read("out.xyz")
    assert out.info["REF_energy"] == -1.5 and out.info["REF_dipole"].tolist() == [1, 2, 3] and out.info["REF_magmom"] == 2.5
    assert out.arrays["REF_magmoms"].tolist() == [1, 1.5] and out.arrays["REF_charges"].tolist() == [0.1, -0.1]
    assert out.get_initial_magnetic_moments().tolist() == [1.5, 0.5]
    assert "kept under its own name: dft_energy" in report.summary() and out.info["dft_energy"] == -9


def test_what_cannot_be_held():
    atoms = bulk("Cu")
    atoms.info = {"of an object": 1, "thing": {1, 2}, "lines": "a\nb\tc", "Lattice": "no", "ok": 1, "empty": None}
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0)
    from frozentl.convert.labels import Report, prepare
    from frozentl.convert.write import write_frame

    report = Report("a", "b", "REF_", "free")
    text = write_frame(prepare(atoms, report))
    assert text.count("\n") == 3 and 'lines="a b c"' in text and " ok=1 " in text and "object" not in text
    assert all(f"info '{k}'" in report.summary() for k in ("of an object", "thing", "Lattice", "empty"))


def test_hdf5_of_mace():
    h5py = pytest.importorskip("h5py")
    with h5py.File("train_0.h5", "w") as file:
        batch = file.create_group("config_batch_0")
        for k in range(11):
            one = batch.create_group(f"config_{k}")
            one["atomic_numbers"], one["positions"], one["pbc"] = [29, 1], np.eye(3)[:2] + k, [True] * 3
            one["cell"], one["config_type"], one["weight"] = np.eye(3) * 5, "Default", 1.0
            for name, value in (("energy", -k), ("forces", np.ones((2, 3))), ("stress", np.zeros((3, 3))), ("virials", "None")):
                one[f"properties/{name}"], one[f"property_weights/{name}"] = value, float(name != "stress")
    report = convert("train_0.h5", "out.xyz")
    out = read("out.xyz", ":")
    assert [a.info["REF_energy"] for a in out] == [-k for k in range(11)] and out[10].positions[0, 0] == 11
    assert (report.labels["forces"], report.labels["stress"], report.labels["virial"]) == (11, 0, 0)
    with h5py.File("other.h5", "w") as file:
        file["conformations"] = [1, 2]
    with pytest.raises(ConvertError, match="conformations"):
        convert("other.h5", "out.xyz", overwrite=True)


def test_refusals(here, capsys):
    write("a.traj", frames())
    write("a.xyz", frames())
    before = open("a.xyz").read()
    shutil.copy("a.traj", "unknown.abc")
    os.symlink("a.xyz", "link.xyz")
    os.mkdir("folder")
    files = {"empty.xyz": b"", "bad.xyz": b"2\nx\nCu 0 0 0\n", "OUTCAR": b"nothing", "z.npz": b"PK\x03\x04..", "z.zst": b"\x28\xb5\x2f\xfd..",
             "bad.xyz.gz": gzip.compress(before.encode())[:-20], "vasprun.xml": b"<?xml?><modeling>", "what.abc": b"what is it",
             "x.h5": b"\x89HDF\r\n\x1a\n broken", "dummy.xyz": b"1\nLattice=\"5 0 0 0 5 0 0 0 5\"\nX 0 0 0\n",
             "data.lmp": b"LAMMPS\n\n1 atoms\n1 atom types\n0 5 xlo xhi\n0 5 ylo yhi\n0 5 zlo zhi\n\nAtoms # atomic\n\n1 1 0 0 0\n"}  # fmt: skip
    for name, content in files.items():
        (here / name).write_bytes(content)
    for name, target, says, more in [
        ("a.xyz", "a.xyz", "is the file that is read", ["--overwrite"]), ("a.xyz", "link.xyz", "is the file that is read", ["--overwrite"]),
        ("a.traj", "a.xyz", "--overwrite", []), ("none.traj", "b.xyz", "no such file", []), ("a.traj", "b.traj", "ends in .xyz", []),
        ("a.traj", "none/b.xyz", "no folder", []), ("folder", "b.xyz", "is a folder", []), ("a.traj", "b.xyz", "index", ["--index", "x"]),
        ("a.traj", "b.xyz", "index", ["--index", "::0"]), ("a.traj", "b.xyz", "no structures", ["--index", "7:"]),
        ("a.traj", "b.xyz", "vasp-xml", ["--format", "vasprun"]), ("a.traj", "b.xyz", "prefix", ["--labels-prefix", "a b"]),
        ("what.abc", "b.xyz", "--format", []), ("data.lmp", "b.xyz", "--species", ["--format", "lammps-data"]),
        *((name, "b.xyz", name, []) for name in files if name not in ("what.abc", "data.lmp"))]:  # fmt: skip
        assert main([name, target, *more]) == 1, (name, target)
        said = capsys.readouterr().err
        assert says in said and said.count("\n") == 1 and "Traceback" not in said, said
    assert open("a.xyz").read() == before and not os.path.exists("b.xyz")
    assert not [f for f in os.listdir() if f.endswith(".part")]
    assert main(["a.traj", "a.xyz", "--overwrite"]) == 0 and main(["a.traj", "b.xyz.gz"]) == 0
    assert gzip.open("b.xyz.gz", "rt").read() == open("a.xyz").read()
    with pytest.raises(SystemExit) as e:
        main(["a.traj", "b.xyz", "--energy", "total"])
    assert e.value.code == 2


def test_command_without_ase():
    code = "import sys; sys.modules['ase'] = None; from frozentl.convert.__main__ import main; sys.exit(main(['a.traj', 'b.xyz']))"
    write("a.traj", frames())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "pip install ase" in done.stderr and done.stderr.count("\n") == 1
    done = subprocess.run([sys.executable, "-m", "frozentl.convert", "a.traj", "b.xyz"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("b.xyz: 3 structures, 12 atoms: 3 energies, 3 forces, 3 stresses")


def test_frozentl_reads_it():
    """The command takes labels, virials' sign included, as they are meant."""
    command = shutil.which("frozentl", path=os.path.dirname(sys.executable)) or os.environ.get("FTL")
    if not command:
        pytest.skip("the command is not beside Python")
    import frozentl
    from frozentl.calculator import FrozenTL

    made = []
    for k in range(3):
        atoms = bulk("Cu", cubic=True, a=3.6)
        atoms.rattle(0.1, seed=k)
        atoms.info["note"] = 'a "b" \\c = [d]'
        atoms.calc = FrozenTL(frozentl.potential("h2cu.ftl"), threads=1)
        if k == 1:
            stress, energy = atoms.get_stress(voigt=False), atoms.get_potential_energy()
            atoms.calc = SinglePointCalculator(atoms, energy=energy)
            atoms.info["virial"] = -atoms.get_volume() * stress
        else:
            atoms.get_stress()
        made.append(atoms)
    write("a.traj", made)
    convert("a.traj", "out.xyz")
    done = subprocess.run([command, "eval", frozentl.potential("h2cu.ftl"), "out.xyz"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stress" in done.stdout and "error" not in done.stderr.lower(), done.stdout + done.stderr
