"""Molybdenum's structures with their stresses, from the file that Zuo et al. published (github.com/materialsvirtuallab/mlearn, data/Mo, BSD-3):
../shared/data/mlearn has energies and forces of the same structures only.

virial_stress is in kbar, positive under compression, in the order xx yy zz xy xz yz: cells sheared in one plane have it in that component
only, and the normal stresses of simple shear belong to the lattice as it is written.
"""

import json

KBAR = 1 / 1602.176634  # eV/Angstrom^3


def frame(entry):
    """A structure as extended XYZ; the stress has ASE's sign, 3x3 by rows."""
    sites, outputs = entry["structure"]["sites"], entry["outputs"]
    cell = " ".join(repr(float(x)) for vector in entry["structure"]["lattice"]["matrix"] for x in vector)
    xx, yy, zz, xy, xz, yz = (-KBAR * x for x in outputs["virial_stress"])
    stress = " ".join(f"{x:.9g}" for x in (xx, xy, xz, xy, yy, yz, xz, yz, zz))
    rows = [f"{site['label']} " + " ".join(f"{x:.8f}" for x in (*site["xyz"], *force)) for site, force in zip(sites, outputs["forces"])]
    return (f"{len(sites)}\nLattice=\"{cell}\" Properties=species:S:1:pos:R:3:REF_forces:R:3 config_type={entry['group']} "
            f"REF_energy={outputs['energy']:.8f} REF_stress=\"{stress}\" pbc=\"T T T\"\n" + "\n".join(rows) + "\n")  # fmt: skip


def frames(path):
    with open(path) as f:
        return [frame(entry) for entry in json.load(f)]
