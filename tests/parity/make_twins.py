#!/usr/bin/env python3
"""Makes MACE models with random weights in many combinations of mace-torch's options, and their float64 answers.

    build/oracle/bin/python tests/parity/make_twins.py                  # 75 models into build/twins/
    build/oracle/bin/python tests/parity/make_twins.py --seed 1         # 25 more, of other random draws
    build/oracle/bin/python tests/parity/make_twins.py --tree           # the small ones kept in tests/parity/twins/
    build/oracle/bin/python tests/parity/make_twins.py --only NAME ...  # some of them
    build/oracle/bin/python tests/parity/make_twins.py --check FILE.model ...   # does this generator reproduce FILE.json?

Needs mace-torch 0.3.16 (an oracle for development, never a dependency). For each twin it writes NAME.model as torch.save
makes it, NAME.xyz with five structures, and NAME.json: the options, and energy, forces, node energies and stress (in
ASE's Voigt order xx yy zz yz xz xy; null without a full periodic cell) of every structure and head, computed by
mace-torch after model.double(). parity.py compares `frozentl eval` with them. Units: eV, Angstrom.
"""

import argparse
import io
import json
import os
import random
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import ase.io
import numpy as np
import torch
from e3nn import o3
from mace import data as mace_data
from mace import modules
from mace.modules.blocks import NonLinearBiasReadoutBlock, NonLinearReadoutBlock
from mace.modules.radial import ChebychevBasis
from mace.tools import torch_geometric, utils
from twin_structures import structures

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

BLOCKS = {
    "plain": "RealAgnosticInteractionBlock",
    "residual": "RealAgnosticResidualInteractionBlock",
    "density": "RealAgnosticDensityInteractionBlock",
    "density_residual": "RealAgnosticDensityResidualInteractionBlock",
    "nonlinear": "RealAgnosticResidualNonLinearInteractionBlock",
}
GATES = {"silu": torch.nn.functional.silu, "tanh": torch.tanh, "abs": torch.abs, "None": None}

DEFAULTS = dict(
    first="residual", other="residual", layers=2, hidden="8x0e+8x1o", ell=2, correlation=2, r_max=4.0, bessel=5, p=5,
    transform="None", zbl=False, scale_shift=True, heads=["Default"], apply_cutoff=True, edge_irreps=None,
    edge_irreps_first=False, agnostic=False, last_only=False, so3=False, gate="silu", keep_last=False, radial="bessel",
    radial_mlp=[16, 16], mlp="8x0e", elements=[1, 8, 29], dtype="float64", readout="nonlinear", reduced_cg=True,
    avg=7.3, perturb_buffers=False, legacy=False, e0_matrix=False,
)  # fmt: skip


def chebyshev_by_recurrence(self, x):
    """torch has no derivative of chebyshev_polynomial_t, so that mace-torch's forces silently lack this term: the
    answers of Chebyshev models are made with the same polynomials as a recurrence, which autograd can follow."""
    t = [torch.ones_like(x), x]
    for _ in range(2, self.num_basis + 1):
        t.append(2 * x * t[-1] - t[-2])
    return torch.cat(t[1 : self.num_basis + 1], dim=1)


ChebychevBasis.forward = chebyshev_by_recurrence


# ---- models -----------------------------------------------------------------------------------------------------------


def build(o, rng):
    n, heads = len(o["elements"]), o["heads"]
    e0 = rng.normal(scale=2.0, size=(len(heads), n))
    if len(heads) == 1 and not o["e0_matrix"]:
        e0 = e0[0]
    kwargs = dict(
        r_max=o["r_max"],
        num_bessel=o["bessel"],
        num_polynomial_cutoff=o["p"],
        max_ell=o["ell"],
        interaction_cls=modules.interaction_classes[BLOCKS[o["other"]]],
        interaction_cls_first=modules.interaction_classes[BLOCKS[o["first"]]],
        num_interactions=o["layers"],
        num_elements=n,
        hidden_irreps=o3.Irreps(o["hidden"]),
        MLP_irreps=o3.Irreps(o["mlp"]),
        atomic_energies=e0,
        avg_num_neighbors=o["avg"],
        atomic_numbers=o["elements"],
        correlation=o["correlation"],
        gate=GATES[o["gate"]],
        pair_repulsion=o["zbl"],
        apply_cutoff=o["apply_cutoff"],
        use_reduced_cg=o["reduced_cg"],
        use_so3=o["so3"],
        use_agnostic_product=o["agnostic"],
        use_last_readout_only=o["last_only"],
        distance_transform=o["transform"],
        edge_irreps=o3.Irreps(o["edge_irreps"]) if o["edge_irreps"] else None,
        use_edge_irreps_first=o["edge_irreps_first"],
        radial_MLP=o["radial_mlp"],
        radial_type=o["radial"],
        heads=heads,
        readout_cls=NonLinearBiasReadoutBlock if o["readout"] == "bias" else NonLinearReadoutBlock,
        keep_last_layer_irreps=o["keep_last"],
    )
    if not o["scale_shift"]:
        return modules.MACE(**kwargs)
    scale, shift = rng.uniform(0.6, 1.4, len(heads)), rng.normal(scale=0.3, size=len(heads))
    if len(heads) == 1 and not o["e0_matrix"]:
        scale, shift = float(scale[0]), float(shift[0])
    return modules.ScaleShiftMACE(atomic_inter_scale=scale, atomic_inter_shift=shift, **kwargs)


def perturb(model, o, generator):
    """Random values wherever the constructor leaves ones, zeros or next to nothing, so that no term can be missed."""

    def normal(t):
        return torch.randn(t.shape, generator=generator, dtype=torch.float64).to(t.dtype)

    with torch.no_grad():
        for name, p in model.named_parameters():
            last = name.rsplit(".", 1)[-1]
            if not p.requires_grad or p.numel() == 0:
                continue  # EmptyParam: a product path that does not exist
            if last == "alpha":
                p.copy_(5.0 + normal(p).abs())
            elif last == "beta":
                p.copy_(0.2 + 0.3 * normal(p).abs())
            elif "_embedding.weight" in name and "interactions" in name:
                p.copy_(0.3 * normal(p))
            elif ".net." in name and p.ndim == 1:
                p.copy_((1.0 if last == "weight" else 0.0) + 0.2 * normal(p))
            elif last == "bias":
                p.copy_(0.3 * normal(p))
        if o["perturb_buffers"]:
            # what a reader must take from the file rather than recompute
            for name, b in model.named_buffers():
                if name.endswith(("bessel_weights", "distance_transform.a", "distance_transform.q", "prefactor",
                                  "distance_transform.p", "distance_transform.alpha", "gaussian_weights",
                                  "pair_repulsion_fn.c", "pair_repulsion_fn.a_exp", "a_prefactor")):  # fmt: skip
                    b.mul_(1.0 + 0.02 * normal(b).clamp(-2, 2))
                elif name.endswith("covalent_radii"):
                    b.mul_(1.0 + 0.05 * normal(b).clamp(-2, 2))


def scale_readouts(model, frames):
    """Multiplies the last weights of each readout so that the largest force, ZBL apart, is about 2 eV/Angstrom."""
    weights = [r.linear_2.weight if hasattr(r, "linear_2") else r.linear.weight for r in model.readouts]

    def forces():
        m = as_double(model)
        return [a["forces"] for a in answers(m, frames, only_head=0)]

    one = forces()
    for w in weights:
        w.data.mul_(2.0)
    two = forces()
    largest = max(np.abs(np.array(b) - np.array(a)).max() for a, b in zip(one, two))
    for w in weights:
        w.data.mul_(0.5 * 2.0 / max(largest, 1e-6))


def make_legacy(model):
    """Attributes that mace-torch added over the years and that files of older versions lack; its code reads them with
    hasattr, or not at all in forward."""
    for m in [model] + list(model.interactions) + list(model.products) + list(model.readouts):
        for name in ("apply_cutoff", "use_agnostic_product", "use_reduced_cg", "use_so3", "use_last_readout_only",
                     "use_edge_irreps_first", "lammps_mliap", "oeq_config", "cueq_config", "num_heads"):  # fmt: skip
            if name in m.__dict__ and not (name == "lammps_mliap"):
                del m.__dict__[name]
    model.radial_embedding.__dict__.pop("apply_cutoff", None)


# ---- answers ----------------------------------------------------------------------------------------------------------


def as_double(model):
    # through a file, as a user has it; copy.deepcopy fails on mace-torch's EmptyParam
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    return torch.load(buffer, map_location="cpu", weights_only=False).double().eval()


def answers(model, frames, only_head=None):
    """model: float64. The list that goes into NAME.json.

    Neighbours and input are float64, but the model runs with torch's default dtype float32, as the answers in
    ../shared/reference were made: there ZBLBasis computes 14.3996 * Z_u * Z_v in float32 (a number times an integer
    tensor has the default dtype), which moves forces by about 1e-8 relative."""
    heads = list(getattr(model, "heads", ["Default"]))
    table = utils.AtomicNumberTable([int(z) for z in model.atomic_numbers])
    out = []
    for head in heads if only_head is None else [heads[only_head]]:
        for i, atoms in enumerate(frames):
            torch.set_default_dtype(torch.float64)
            atoms = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
            atoms.info["head"] = head
            config = mace_data.config_from_atoms(atoms, head_name=head)
            item = mace_data.AtomicData.from_config(config, z_table=table, cutoff=float(model.r_max), heads=heads)
            batch = next(iter(torch_geometric.dataloader.DataLoader([item], batch_size=1, shuffle=False)))
            full = bool(all(atoms.pbc))
            torch.set_default_dtype(torch.float32)
            r = model(batch.to_dict(), compute_force=True, compute_stress=full)
            stress = None
            if full:
                s = r["stress"][0].detach().numpy()
                stress = [s[0, 0], s[1, 1], s[2, 2], s[1, 2], s[0, 2], s[0, 1]]
            # as ASE's MACECalculator: node_energy is without E0
            e0 = model.atomic_energies_fn(batch["node_attrs"])[:, heads.index(head)]
            node = r["node_energy"] - e0
            out.append(dict(
                frame=i, head=head, energy=float(r["energy"][0]), forces=r["forces"].detach().numpy().tolist(),
                node_energy=node.detach().numpy().tolist(),
                stress=None if stress is None else [float(x) for x in stress]))  # fmt: skip
    return out


def check(path):
    """Largest differences between this generator's answers and those next to a reference model."""
    with open(path.replace(".model", ".json")) as f:
        want = json.load(f)["answers"]
    model = torch.load(path, map_location="cpu", weights_only=False).double().eval()
    got = answers(model, ase.io.read(path.replace(".model", ".xyz"), ":"))
    worst = {}
    key = lambda a: (a["head"], a["frame"])
    for w, g in zip(sorted(want, key=key), sorted(got, key=key)):
        assert key(w) == key(g)
        for q in ("energy", "forces", "node_energy", "stress"):
            if w[q] is None:
                assert g[q] is None
                continue
            w_, g_ = np.array(w[q]), np.array(g[q])
            worst[q] = max(worst.get(q, 0.0), np.abs(g_ - w_).max() / np.abs(w_).max())
    print(os.path.basename(path), {q: f"{e:.1e}" for q, e in worst.items()})
    return max(worst.values())


# ---- which twins ------------------------------------------------------------------------------------------------------


def random_options(k, first, other, draw, seed):
    """Options of random twin k; its blocks are given so that all 25 pairs are there."""
    r = random.Random(100000 * seed + 1000 * (draw + 1) + k)
    c = r.choice([6, 8, 12, 20, 33])
    lmax = r.choice([0, 0, 1, 1, 1, 2])
    hidden = "+".join(f"{c}x{l}{'eo'[l % 2]}" for l in range(lmax + 1))
    ell = r.choice([1, 2, 2, 2, 3])
    ell = max(ell, lmax)
    layers = r.choice([1, 2, 2, 2, 3])
    if ell == 3:
        top = 3 if lmax < 2 else 2
    elif ell == 2:
        top = 3
    else:
        top = 4
    correlation = r.randint(1, top)
    if r.random() < 0.35:
        correlation = [r.randint(1, top) for _ in range(layers)]
    elements = sorted(r.sample([1, 5, 6, 7, 8, 13, 14, 22, 23, 29, 46, 79], r.randint(1, 6)))
    heads = r.choice([["Default"], ["Default"], ["a", "b"], ["pt_head", "Default", "dft-2"]])
    edge = None
    if r.random() < 0.45:
        ce = r.choice([4, 6, 10, c])
        le = r.randint(0, 2)
        edge = "+".join(f"{ce}x{l}{'eo'[l % 2]}" for l in range(le + 1))
    radial = "bessel" if r.random() < 0.8 else "gaussian"
    return dict(
        first=first, other=other, layers=layers, hidden=hidden, ell=ell, correlation=correlation,
        r_max=r.choice([3.3, 3.7, 4.0, 4.4]), bessel=r.choice([3, 5, 8, 10]), p=r.choice([3, 4, 5, 6, 7, 8]),
        transform=r.choice(["None", "Agnesi", "Soft"]), zbl=r.random() < 0.5, scale_shift=r.random() < 0.7, heads=heads,
        apply_cutoff=r.random() < 0.6, edge_irreps=edge, edge_irreps_first=edge is not None and r.random() < 0.5,
        agnostic=r.random() < 0.3, last_only=layers > 1 and r.random() < 0.3, so3=False,
        gate=r.choice(["silu", "silu", "tanh", "abs", "None"]), keep_last=r.random() < 0.25, radial=radial,
        radial_mlp=r.choice([[16], [12, 20], [16, 16, 16], [64, 64, 64], [8, 8, 8, 8]]),
        mlp=r.choice(["8x0e", "16x0e", "5x0e"]), elements=elements, dtype=r.choice(["float32", "float64"]),
        readout=r.choice(["nonlinear", "nonlinear", "bias"]), reduced_cg=r.random() < 0.5,
        avg=r.choice([3.1, 7.3, 12, 24.75]), perturb_buffers=r.random() < 0.4, e0_matrix=r.random() < 0.3,
    )  # fmt: skip


# One idea each; those that random draws reach seldom or not at all. What mace-torch 0.3.16 cannot build is not here:
# max_ell=0 (U_matrix_real squeezes the only dimension away), nonlinear blocks with 0o in the hidden irreps.
SPECIAL = {
    "three-heads-zbl": dict(heads=["a", "b", "c"], zbl=True, transform="Agnesi", readout="bias"),
    "one-layer": dict(layers=1, first="plain", hidden="12x0e", correlation=3, elements=[29]),
    "one-layer-density": dict(layers=1, first="density", hidden="8x0e+8x1o", correlation=3, heads=["x", "y"]),
    "one-layer-nonlinear": dict(layers=1, first="nonlinear", hidden="8x0e", apply_cutoff=False, ell=3),
    "three-layers-mixed": dict(layers=3, first="density", other="nonlinear", correlation=[3, 1, 2], hidden="8x0e+8x1o"),
    "three-layers-L2": dict(layers=3, first="nonlinear", other="density", hidden="6x0e+6x1o+6x2e", keep_last=True),
    "corr4": dict(correlation=4, ell=1, hidden="7x0e+7x1o", other="density_residual"),
    "corr4-ell2": dict(correlation=[4, 2], ell=2, hidden="6x0e", first="plain"),
    "corr1": dict(correlation=1, ell=3, hidden="8x0e+8x1o+8x2e"),
    "ell1-L2-hidden": dict(ell=1, hidden="8x0e+8x1o+8x2e", correlation=3),
    "ell3-corr3": dict(ell=3, hidden="8x0e+8x1o", correlation=3, elements=[1, 29], bessel=8),
    "odd-parity": dict(hidden="8x0e+8x0o+8x1o+8x1e", correlation=2, ell=2),
    "odd-parity-density": dict(hidden="6x0e+6x0o+6x1e+6x1o", first="density", other="density", correlation=3, ell=1),
    "so3": dict(so3=True, hidden="8x0e+8x1e", correlation=3),
    "so3-nonlinear": dict(so3=True, hidden="8x0e+8x1e+8x2e", first="nonlinear", other="nonlinear", apply_cutoff=False),
    "chebyshev": dict(radial="chebyshev", transform="Agnesi", bessel=6),
    "gaussian": dict(radial="gaussian", bessel=12, perturb_buffers=True),
    "soft-float32": dict(transform="Soft", dtype="float32", zbl=True, perturb_buffers=True, p=8),
    "agnesi-perturbed": dict(transform="Agnesi", zbl=True, perturb_buffers=True, p=3),
    "edge-irreps-plain": dict(first="plain", other="plain", edge_irreps="5x0e+5x1o+5x2e", edge_irreps_first=True),
    "edge-irreps-uneven": dict(edge_irreps="10x0e+6x1o+4x2e", other="nonlinear", first="nonlinear"),
    "edge-irreps-scalar": dict(edge_irreps="8x0e", hidden="16x0e+16x1o", other="density_residual"),
    "gate-abs": dict(gate="abs", mlp="24x0e", heads=["p", "q"]),
    "gate-none": dict(gate="None", readout="bias"),
    "legacy": dict(legacy=True, dtype="float32", first="residual", hidden="8x0e+8x1o"),
    "legacy-plain": dict(legacy=True, first="plain", scale_shift=False, hidden="8x0e"),
    "deep-radial": dict(radial_mlp=[12, 10, 14, 9], bessel=3, p=7),
    "six-elements": dict(elements=[1, 6, 8, 14, 29, 79], hidden="33x0e+33x1o", correlation=3, zbl=True),
    "keep-last": dict(keep_last=True, hidden="8x0e+8x1o+8x2e", heads=["u", "v"]),
    "last-only-bias": dict(last_only=True, readout="bias", agnostic=True, layers=3),
    "plain-mace-heads": dict(scale_shift=False, heads=["u", "v"], zbl=True),
    "three-layers-corr1-L2": dict(first="density", other="nonlinear", layers=3, correlation=1, ell=3, apply_cutoff=False,
                                  hidden="16x0e+16x1o+16x2e", transform="Soft", zbl=True, p=8),
    "one-layer-corr4": dict(first="plain", layers=1, correlation=4, hidden="10x0e", zbl=True, transform="Agnesi", p=6),
    "one-layer-L2": dict(layers=1, hidden="16x0e+16x1o+16x2e", ell=3, zbl=True, keep_last=True, p=8, dtype="float32"),
    "one-layer-nonlinear-heads": dict(first="nonlinear", layers=1, heads=["h1", "h2"], agnostic=True, hidden="16x0e", ell=3,
                                      correlation=3, transform="Soft", radial="gaussian", readout="bias"),
    "three-heads-L2-agnostic": dict(hidden="16x0e+16x1o+16x2e", agnostic=True, transform="Agnesi", zbl=True, p=8,
                                    heads=["x", "y", "z"]),
    "four-heads-three-layers": dict(first="nonlinear", other="nonlinear", layers=3, heads=["omat", "rgd1", "oc20", "spice"],
                                    readout="bias", correlation=[2, 2, 1], edge_irreps="6x0e+6x1o+6x2e", ell=3,
                                    apply_cutoff=False, agnostic=True, last_only=True, hidden="10x0e+10x1o", keep_last=True),
    "mh1-like": dict(first="nonlinear", other="nonlinear", hidden="24x0e+24x1o+24x2e", ell=3, heads=["m", "n", "o"],
                     edge_irreps="8x0e+8x1o+8x2e", edge_irreps_first=True, agnostic=True, apply_cutoff=False, last_only=True,
                     readout="bias", radial_mlp=[32, 32], zbl=True, transform="Agnesi", dtype="float32",
                     perturb_buffers=True),
    "density-no-cutoff": dict(first="density", other="density", apply_cutoff=False, correlation=3, hidden="24x0e+24x1o",
                              zbl=True, transform="Soft", p=6),
    "density-no-cutoff-gaussian": dict(first="density", other="density_residual", apply_cutoff=False, radial="gaussian",
                                       bessel=9, hidden="10x0e+10x1o+10x2e", ell=3, heads=["u", "v"], readout="bias"),
    "edge-irreps-agnostic-plain-mace": dict(first="plain", other="density", scale_shift=False, edge_irreps="10x0e+4x1o",
                                            edge_irreps_first=True, agnostic=True, last_only=True, layers=3, ell=1,
                                            hidden="10x0e+10x1o", correlation=[1, 2, 4], heads=["h1", "h2"], zbl=True),
    "many-elements": dict(first="density", other="density_residual", elements=[*range(1, 100)], hidden="10x0e+10x1o",
                          zbl=True, transform="Agnesi", dtype="float32", correlation=3),
    "long-cutoff": dict(elements=[22, 29], r_max=6.0, bessel=10, hidden="16x0e+16x1o", first="density", ell=3, zbl=True,
                        other="density_residual", transform="Agnesi", correlation=3, radial_mlp=[64, 64, 64]),
    "one-channel": dict(hidden="1x0e+1x1o", correlation=3, mlp="1x0e", radial_mlp=[1], bessel=1),
    "odd-channels": dict(hidden="129x0e", ell=1, first="plain", other="nonlinear", mlp="7x0e"),
    "p1": dict(p=1, transform="Agnesi"),
    "p12": dict(p=12, transform="Soft", first="density", other="density_residual"),
    "four-layers": dict(layers=4, first="density", hidden="6x0e+6x1o"),
    "linear-radial": dict(radial_mlp=[], first="plain"),
    "no-L1": dict(hidden="8x0e+8x2e"),
}

# Small enough for the tree; together they touch every block and nearly every option.
TREE = {
    "t-plain-residual": dict(first="plain", other="residual", hidden="6x0e+6x1o", ell=1, correlation=[2, 3],
                             elements=[1, 29], bessel=3, p=4, radial_mlp=[8], mlp="4x0e", dtype="float32"),
    "t-density-zbl": dict(first="density", other="density_residual", hidden="5x0e+5x1o", ell=1, correlation=2, zbl=True,
                          transform="Agnesi", elements=[1, 29], bessel=4, radial_mlp=[8, 6], mlp="4x0e", dtype="float32",
                          perturb_buffers=True, p=6),
    "t-nonlinear-heads": dict(first="nonlinear", other="nonlinear", hidden="6x0e+6x1o", ell=1, correlation=2,
                              heads=["omat", "oc20"], apply_cutoff=False, edge_irreps="4x0e+4x1o", agnostic=True,
                              last_only=True, elements=[1, 29], bessel=3, radial_mlp=[8, 8], mlp="4x0e",
                              dtype="float32", transform="Agnesi", zbl=True),
    "t-nonresidual": dict(first="residual", other="plain", hidden="6x0e", ell=2, correlation=1, layers=2,
                          elements=[8], bessel=3, radial_mlp=[6], mlp="4x0e", dtype="float64", scale_shift=False,
                          transform="Soft", gate="tanh"),
    "t-density-other": dict(first="nonlinear", other="density", hidden="4x0e+4x1o", ell=1, correlation=[1, 2, 3],
                            layers=3, elements=[1, 29], bessel=3, radial_mlp=[6], mlp="3x0e", dtype="float32",
                            readout="bias", heads=["a", "b", "c"], keep_last=True),
    "t-one-layer": dict(first="plain", layers=1, hidden="6x0e", ell=2, correlation=2, elements=[1, 29], radial="gaussian",
                        bessel=5, radial_mlp=[8], dtype="float32", p=3),
}  # fmt: skip


def all_options(seed):
    """NAME -> list of options to try, of the twins for build/twins/. Other seeds: the random ones only, others."""
    twins = {}
    names = list(BLOCKS)
    for k, (first, other) in enumerate((a, b) for a in names for b in names):
        # mace-torch cannot run every combination (a view of a non-contiguous tensor in its contraction): draw again
        name = f"r{k:02d}-{first}-{other}" + (f"-{seed}" if seed else "")
        twins[name] = [random_options(k, first, other, draw, seed) for draw in range(6)]
    if seed == 0:
        twins.update({name: [o] for name, o in SPECIAL.items()})
    return twins


def make(name, options, folder, seed):
    o = dict(DEFAULTS, **options)
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.set_default_dtype(getattr(torch, o["dtype"]))
    model = build(o, rng)
    generator = torch.Generator().manual_seed(seed + 1)
    perturb(model, o, generator)
    frames = structures(rng, o["elements"])
    scale_readouts(model, frames)
    torch.set_default_dtype(getattr(torch, o["dtype"]))
    if o["legacy"]:
        make_legacy(model)
    base = os.path.join(folder, name)
    torch.save(model, base + ".model")
    ase.io.write(base + ".xyz", frames, format="extxyz")
    loaded = torch.load(base + ".model", map_location="cpu", weights_only=False).double().eval()
    result = answers(loaded, ase.io.read(base + ".xyz", ":"))
    # One answer a line: the files in the tree stay readable and diff well.
    with open(base + ".json", "w") as f:
        f.write('{"model": %s,\n "architecture": %s,\n "units": "eV, eV/Angstrom, eV/Angstrom^3",\n "answers": [\n  ' % (
            json.dumps(name), json.dumps({k: v for k, v in o.items() if v != DEFAULTS[k]})))  # fmt: skip
        f.write(",\n  ".join(json.dumps(a) for a in result))
        f.write("\n ]}\n")
    largest = max(np.abs(a["forces"]).max() for a in result)
    kb = os.path.getsize(base + ".model") / 1024
    print(f"{name:40s} {kb:7.0f} kB  largest force {largest:.3g}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", action="store_true", help="make the small twins of tests/parity/twins/")
    parser.add_argument("--only", nargs="+", default=None, help="names (or beginnings of names) to make")
    parser.add_argument("--seed", type=int, default=0, help="another 25 random models")
    parser.add_argument("--out", default=None, help="folder (build/twins, or tests/parity/twins with --tree)")
    parser.add_argument("--check", nargs="+", default=None, metavar="MODEL", help="compare with MODEL's answers and stop")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.check:
        return 0 if max([check(p) for p in args.check]) < 1e-10 else 1
    folder = args.out or (os.path.join(HERE, "twins") if args.tree else os.path.join(ROOT, "build", "twins"))
    os.makedirs(folder, exist_ok=True)
    twins = {name: [o] for name, o in TREE.items()} if args.tree else all_options(args.seed)
    failed = []
    for k, (name, draws) in enumerate(twins.items()):
        if args.only and not any(name.startswith(p) for p in args.only):
            continue
        for options in draws:
            try:
                make(name, options, folder, seed=77 + 1000 * args.seed + k)
                break
            except Exception as e:  # listed, not hidden
                for ext in (".model", ".xyz", ".json"):
                    if os.path.exists(os.path.join(folder, name + ext)):
                        os.remove(os.path.join(folder, name + ext))
                reason = str(e).splitlines()[0] if str(e) else ""
                print(f"{name:40s} mace-torch cannot: {type(e).__name__}: {reason}"[:200], flush=True)
        else:
            failed.append(name)
    if failed:
        print(f"not made: {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
