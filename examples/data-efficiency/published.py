"""Structures with the stresses that ../shared/data/mlearn lacks, from the files that their authors published, BSD-3, from a folder where they lie as

    Mo_training.json, Mo_test.json, Cu_test.json    data/Mo, data/Cu of github.com/materialsvirtuallab/mlearn
    Cu_AIMD.json, Cu_Elastic.json, Cu_Surface.json, Cu_Vacancy.json    Cu/training of github.com/materialsvirtuallab/snap

Copper's four files have the structures of its test file too; what is in both is tested on. mlearn's virial_stress is in the order xx yy zz xy xz yz,
snap's stress in xx yy zz xy yz xz (a cell sheared in one plane has it in that component only, and the 31 structures that both have agree), both in
kbar, positive under compression. The normal stresses of simple shear belong to the lattice as it is written.
"""

import collections
import json
import os

KBAR = 1 / 1602.176634  # eV/Angstrom^3


Structure = collections.namedtuple("Structure", ("group", "lattice", "sites", "energy", "forces", "stress"))  # xx yy zz xy xz yz, kbar


def read(path):
    """The structures of one file."""
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
        found.append(Structure(group, structure["lattice"]["matrix"], structure["sites"], outputs["energy"], outputs["forces"], stress))
    return found


def frame(s):
    """A structure as extended XYZ; the stress has ASE's sign, 3x3 by rows."""
    cell = " ".join(repr(float(x)) for vector in s.lattice for x in vector)
    xx, yy, zz, xy, xz, yz = (-KBAR * x for x in s.stress)
    stress = " ".join(f"{x:.9g}" for x in (xx, xy, xz, xy, yy, yz, xz, yz, zz))
    rows = [f"{site['label']} " + " ".join(f"{x:.8f}" for x in (*site["xyz"], *force)) for site, force in zip(s.sites, s.forces)]
    return (f"{len(s.sites)}\nLattice=\"{cell}\" Properties=species:S:1:pos:R:3:REF_forces:R:3 config_type={s.group} "
            f"REF_energy={s.energy:.8f} REF_stress=\"{stress}\" pbc=\"T T T\"\n" + "\n".join(rows) + "\n")  # fmt: skip


def same(s):
    """What two copies of a structure have in common: energies alone would not do, as strained cells have equivalent ones."""
    return round(s.energy, 4), tuple(round(x, 3) for vector in s.lattice for x in vector)


def frames(paths, without=()):
    """The structures of these files, but those of the files `without`, each as extended XYZ."""
    left_out = {same(s) for path in without for s in read(path)}
    return [frame(s) for path in paths for s in read(path) if same(s) not in left_out]
