"""Structures with the stresses that ../shared/data/mlearn lacks, from the files that their authors published, BSD-3, from a folder where they lie as

    Mo_training.json, Mo_test.json, Cu_test.json    data/Mo, data/Cu of github.com/materialsvirtuallab/mlearn
    Cu_AIMD.json, Cu_Elastic.json, Cu_Surface.json, Cu_Vacancy.json    Cu/training of github.com/materialsvirtuallab/snap

Copper's four files have the structures of its test file too; what is in both is tested on. mlearn's virial_stress is in the order xx yy zz xy xz yz,
snap's stress in xx yy zz xy yz xz (a cell sheared in one plane has it in that component only, and the 31 structures that both have agree), both in
kbar, positive under compression. The normal stresses of simple shear belong to the lattice as it is written.
"""

import json
import os

KBAR = 1 / 1602.176634  # eV/Angstrom^3


def read(path):
    """The structures of one file: (group, lattice, sites, energy, forces, stress xx yy zz xy xz yz in kbar)."""
    with open(path) as f:
        entries = json.load(f)
    found = []
    for entry in entries:
        outputs = entry["outputs"]
        if "virial_stress" in outputs:
            group, stress = entry["group"], outputs["virial_stress"]
        else:
            group = os.path.splitext(os.path.basename(path))[0].split("_")[1]
            xx, yy, zz, xy, yz, xz = outputs["stress"]
            stress = xx, yy, zz, xy, xz, yz
        structure = entry["structure"]
        found.append((group, structure["lattice"]["matrix"], structure["sites"], outputs["energy"], outputs["forces"], stress))
    return found


def frame(group, lattice, sites, energy, forces, stress):
    """A structure as extended XYZ; the stress has ASE's sign, 3x3 by rows."""
    cell = " ".join(repr(float(x)) for vector in lattice for x in vector)
    xx, yy, zz, xy, xz, yz = (-KBAR * x for x in stress)
    stress = " ".join(f"{x:.9g}" for x in (xx, xy, xz, xy, yy, yz, xz, yz, zz))
    rows = [f"{site['label']} " + " ".join(f"{x:.8f}" for x in (*site["xyz"], *force)) for site, force in zip(sites, forces)]
    return (f"{len(sites)}\nLattice=\"{cell}\" Properties=species:S:1:pos:R:3:REF_forces:R:3 config_type={group} "
            f"REF_energy={energy:.8f} REF_stress=\"{stress}\" pbc=\"T T T\"\n" + "\n".join(rows) + "\n")  # fmt: skip


def same(entry):
    """What two copies of a structure have in common: energies alone would not do, as strained cells have equivalent ones."""
    return round(entry[3], 4), tuple(round(x, 3) for vector in entry[1] for x in vector)


def frames(paths, without=()):
    """The structures of these files, but those of the files `without`, each as extended XYZ."""
    left_out = {same(entry) for path in without for entry in read(path)}
    return [frame(*entry) for path in paths for entry in read(path) if same(entry) not in left_out]
