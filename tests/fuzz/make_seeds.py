#!/usr/bin/env python3
"""Makes the fuzzers' seed corpus: the smallest MACE models that still reach every part of the readers.

    build/oracle/bin/python tests/fuzz/make_seeds.py        # writes tests/fuzz/corpus/model/*.model
    build/release/train/frozentl convert X.model X.ftl      # and from these the .ftl seeds

Take content_sha256 out of the headers of .ftl seeds: with it hardly any mutation gets past the reader.

Needs mace-torch 0.3.16 (an oracle for development, never a dependency). What torch.save writes is kept as it is, save for
what the reader never looks at: hooks, generated code, graph modules. That makes the files ten times smaller.
"""

import io
import os
import warnings
import zipfile

warnings.filterwarnings("ignore")

import numpy as np
import torch
from e3nn import nn, o3
from e3nn.util.codegen import CodeGenMixin
from mace import modules

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "model")
KEPT = {"_parameters", "_buffers", "_modules"}
DROPPED = {"graph_opt_main", "contractions_weighting", "contractions_features", "non_persistent"}

BLOCKS = {
    "plain": modules.blocks.RealAgnosticInteractionBlock,
    "residual": modules.blocks.RealAgnosticResidualInteractionBlock,
    "density": modules.blocks.RealAgnosticDensityInteractionBlock,
    "nonlinear": modules.blocks.RealAgnosticResidualNonLinearInteractionBlock,
}

SEEDS = {
    "residual": dict(first="residual", other="residual"),
    "density-agnesi-zbl": dict(first="density", other=None, num_interactions=1, distance_transform="Agnesi", zbl=True),
    "nonlinear-heads": dict(
        first="nonlinear", other=None, num_interactions=1, heads=["a", "b"], apply_cutoff=False, agnostic=True
    ),
    "older-versions": dict(first="nonlinear", other=None, num_interactions=1, zbl=True, older=True),
    "plain-gaussian": dict(first="plain", other=None, num_interactions=1, radial_type="gaussian", scale_shift=False),
}


def without_code(blob):
    """A TorchScript archive reduced to its pickle and storages."""
    source, out = zipfile.ZipFile(io.BytesIO(blob)), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            part = name.split("/", 1)[1]
            if part == "data.pkl" or (part.startswith("data/")):
                data = source.read(name)
                target.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def module_state(self):
    state = {k: v for k, v in self.__dict__.items() if k in KEPT or not k.startswith("_") or k.startswith(("_is", "_s", "_g", "_act", "_layout"))}
    for key in [k for k in state if "hook" in k]:
        del state[key]
    state["_modules"] = {k: v for k, v in self._modules.items() if k not in DROPPED}
    return state


def codegen_state(self):
    state = module_state(self)
    names = list(getattr(self, "__codegen__", []))
    state["_modules"] = {k: v for k, v in state["_modules"].items() if k not in names}
    state.pop("__codegen__", None)
    if type(self) is o3.TensorProduct:
        code = io.BytesIO()
        torch.jit.save(getattr(self, "_compiled_main_left_right"), code)
        state["__codegen__"] = {"_compiled_main_left_right": without_code(code.getvalue())}
    return state


def as_of_2025(model):
    """What models look like that were saved before gates, heads and ZBL had their present form."""
    zbl = model.pair_repulsion_fn
    zbl.register_buffer("r_max", torch.tensor(4.0))
    zbl.cutoff = modules.radial.PolynomialCutoff(4.0, 4)
    zbl.p = zbl.p.to(torch.float32)
    for owner, name in [(model, "heads"), (model, "edge_irreps"), (model.radial_embedding, "apply_cutoff")]:
        delattr(owner, name)
    model.interactions[0].avg_num_neighbors = np.float64(8.0)
    model.interactions[0].hidden_irreps = str(model.interactions[0].hidden_irreps)
    return model


def build(first, other, num_interactions=2, older=False, zbl=False, agnostic=False, scale_shift=True, heads=None, **options):
    heads = heads or ["Default"]
    arguments = dict(
        r_max=4.0,
        num_bessel=2,
        num_polynomial_cutoff=4,
        max_ell=2 if num_interactions > 1 else 1,
        interaction_cls=BLOCKS[other or first],
        interaction_cls_first=BLOCKS[first],
        num_interactions=num_interactions,
        num_elements=2,
        hidden_irreps=o3.Irreps("2x0e+2x1o"),
        MLP_irreps=o3.Irreps("2x0e"),
        atomic_energies=np.zeros((len(heads), 2)) if len(heads) > 1 else np.zeros(2),
        avg_num_neighbors=8.0,
        atomic_numbers=[1, 29],
        correlation=2,
        gate=torch.nn.functional.silu,
        radial_MLP=[4],
        pair_repulsion=zbl,
        use_agnostic_product=agnostic,
        heads=heads,
        **options,
    )
    if not scale_shift:
        return modules.MACE(**arguments)
    n = len(heads)
    if older:
        modules.blocks.GatedEquivariantBlock = lambda layout, **gate: nn.Gate(**gate)
    model = modules.ScaleShiftMACE(
        atomic_inter_scale=[1.0] * n if n > 1 else 1.0, atomic_inter_shift=[0.0] * n if n > 1 else 0.0, **arguments
    )
    return as_of_2025(model) if older else model


def main():
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float32)
    os.makedirs(OUT, exist_ok=True)
    ordered = sorted(SEEDS, key=lambda name: SEEDS[name].get("older", False))  # it changes mace.modules
    models = {name: build(**SEEDS[name]) for name in ordered}
    torch.nn.Module.__getstate__ = module_state
    CodeGenMixin.__getstate__ = codegen_state
    for name, model in models.items():
        path = os.path.join(OUT, name + ".model")
        torch.save(model, path)
        print(path, os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
