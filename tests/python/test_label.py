"""python -m frozentl.label: labels by a calculator of ASE that is named, and by VASP's files."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write

from frozentl.label import WAITING, main

VASPRUN = """<?xml version="1.0"?>
<modeling>
<kpoints><varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights"><v>1</v></varray></kpoints>
<parameters><separator name="electronic"><i type="int" name="NELM">{most}</i></separator></parameters>
<atominfo><atoms>{n}</atoms><array name="atoms"><set>{symbols}</set></array>
<array name="atomtypes"><set><rc><c>3</c><c>Cu</c><c>63.5</c><c>11.0</c><c>PAW</c></rc></set></array></atominfo>
<structure name="initialpos"><crystal><varray name="basis">{cell}</varray></crystal><varray name="positions">{scaled}</varray></structure>
<calculation>{scsteps}
<structure><crystal><varray name="basis">{cell}</varray></crystal><varray name="positions">{scaled}</varray></structure>
<varray name="forces">{forces}</varray><varray name="stress">{stress}</varray>
<energy><i name="e_fr_energy">{energy}</i><i name="e_wo_entrp">{energy}</i><i name="e_0_energy">{energy}</i></energy>
</calculation>
<structure name="finalpos"><crystal><varray name="basis">{cell}</varray></crystal><varray name="positions">{scaled}</varray></structure>
</modeling>
"""


def rows(array):
    return "".join("<v> " + " ".join(f"{x:.10f}" for x in row) + " </v>" for row in array)


def vasprun(folder, energy, forces, stress_kbar, most=60, done=3):
    atoms = read(folder / "POSCAR", format="vasp")
    step = f"<scstep><energy><i name='e_fr_energy'>{energy}</i><i name='e_0_energy'>{energy}</i></energy></scstep>"
    (folder / "vasprun.xml").write_text(VASPRUN.format(
        n=len(atoms), symbols="".join(f"<rc><c>{s}</c><c>1</c></rc>" for s in atoms.get_chemical_symbols()), cell=rows(atoms.cell[:]),
        scaled=rows(atoms.get_scaled_positions()), energy=energy, forces=rows(forces), stress=rows(stress_kbar), most=most,
        scsteps=done * step))  # fmt: skip


def alloy(k=0):
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[[0, 2]] = "Au"  # not grouped
    atoms.rattle(0.05, seed=k)
    atoms.info.update(config_type="alloy", REF_energy=1.0)
    return atoms


def test_calculator(tmp_path):
    frames = [alloy(0), alloy(1), Atoms("Cu2", [[0, 0, 0], [2.4, 0, 0]])]
    write(tmp_path / "in.xyz", frames, format="extxyz")
    assert main(["--calculator", "ase.calculators.emt:EMT", "--set", "asap_cutoff=True", str(tmp_path / "in.xyz"), str(tmp_path / "out.xyz")]) == 0
    for atoms, got in zip(frames, read(tmp_path / "out.xyz", ":")):
        atoms.calc = EMT(asap_cutoff=True)
        assert got.info["REF_energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-7)
        np.testing.assert_allclose(got.arrays["REF_forces"], atoms.get_forces(), atol=1e-7)
        if atoms.pbc.all():
            assert got.info["config_type"] == "alloy"
            np.testing.assert_allclose(got.info["REF_stress"], atoms.get_stress(voigt=False), atol=1e-7)
        else:
            assert "REF_stress" not in got.info


def test_vasp(tmp_path, capsys):
    frames = [alloy(0), alloy(1)]
    write(tmp_path / "in.xyz", frames, format="extxyz")
    (tmp_path / "INCAR").write_text("ENCUT = 400\nKSPACING = 0.2\n")
    for symbol in ("Cu", "Au"):
        (tmp_path / "potcar" / symbol).mkdir(parents=True)
        (tmp_path / "potcar" / symbol / "POTCAR").write_text(f"potential of {symbol}\n")
    command = ["--vasp", str(tmp_path / "jobs"), "--incar", str(tmp_path / "INCAR"), "--potcar", str(tmp_path / "potcar"), str(tmp_path / "in.xyz"),
               str(tmp_path / "out.xyz")]  # fmt: skip
    assert main(command) == WAITING
    assert capsys.readouterr().out.count("waiting for") == 2 and not (tmp_path / "out.xyz").exists()
    folders = sorted((tmp_path / "jobs").iterdir())
    assert len(folders) == 2 and (folders[0] / "POTCAR").read_text() == "potential of Au\npotential of Cu\n"
    forces = np.arange(12.0).reshape(4, 3) / 10  # in the order of POSCAR: Au Au Cu Cu, atoms 0 2 1 3 of the frame
    stress = np.diag([10.0, 20.0, 30.0])  # kbar, VASP's sign
    vasprun(folders[0], -12.5, forces, stress)
    assert main(command) == WAITING
    vasprun(folders[1], -12.5, forces, stress)
    assert main(command) == 0
    for atoms, got in zip(frames, read(tmp_path / "out.xyz", ":")):
        assert got.info["REF_energy"] == -12.5 and got.get_chemical_symbols() == atoms.get_chemical_symbols()
        np.testing.assert_allclose(got.arrays["REF_forces"], forces[[0, 2, 1, 3]])
        np.testing.assert_allclose(np.diag(got.info["REF_stress"]), np.array([-10.0, -20.0, -30.0]) / 1602.1766, rtol=1e-5)

    def refused(*words):
        assert main(command) == 1
        said = capsys.readouterr().err
        assert all(word in said for word in words), said

    vasprun(folders[0], -12.5, forces, stress, most=3)
    refused("not converged", "NELM = 3")
    text = (folders[0] / "vasprun.xml").read_text()
    (folders[0] / "vasprun.xml").write_text(text[:-40])
    refused("not whole")
    write(folders[0] / "POSCAR", frames[0][[0, 2, 1, 3]] * (1, 1, 1), format="vasp")
    moved = read(folders[0] / "POSCAR", format="vasp")
    moved.positions[0] += 0.1
    write(folders[0] / "POSCAR", moved, format="vasp")
    vasprun(folders[0], -12.5, forces, stress)
    refused("another structure")


def test_refused(tmp_path, capsys):
    write(tmp_path / "in.xyz", [alloy()], format="extxyz")
    files = [str(tmp_path / "in.xyz"), str(tmp_path / "out.xyz")]
    (tmp_path / "INCAR").write_text("ENCUT = 400\n")
    for options, words in (
        (["--calculator", "ase.calculators.emt"], "MODULE:NAME"),
        (["--calculator", "ase.calculators.emt:EMU"], "EMU"),
        (["--calculator", "ase.calculators.emt:EMT", "--set", "asap_cutoff"], "KEY=VALUE"),
        (["--vasp", str(tmp_path / "jobs"), "--incar", str(tmp_path / "INCAR")], "KSPACING"),
    ):
        assert main([*options, *files]) == 1
        assert words in capsys.readouterr().err
    write(tmp_path / "in.xyz", [Atoms("Ti", cell=[3, 3, 3], pbc=True)], format="extxyz")
    assert main(["--calculator", "ase.calculators.emt:EMT", *files]) == 1
    assert "structure 0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--calculator", "ase.calculators.emt:EMT", "--incar", "INCAR", *files])
