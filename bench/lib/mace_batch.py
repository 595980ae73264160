"""What both of mace-torch's programs here begin with: a model in a number type, and structures as one batch. In the rivals'
environment."""

import torch
from mace import data
from mace.tools import torch_geometric, utils


def load(path, dtype, threads):
    torch.set_num_threads(int(threads))
    torch.set_default_dtype(getattr(torch, dtype))
    return torch.load(path, map_location="cpu", weights_only=False).to(getattr(torch, dtype))


def batch_of(model, structures, **keys):
    """One batch of ASE's atoms; `keys`: what data.KeySpecification takes. Models of older versions have no heads."""
    table = utils.AtomicNumberTable([int(z) for z in model.atomic_numbers])
    heads = list(getattr(model, "heads", ["Default"]))
    items = [
        data.AtomicData.from_config(
            data.config_from_atoms(atoms, key_specification=data.KeySpecification(**keys)),
            z_table=table,
            cutoff=float(model.r_max),
            heads=heads,
        )
        for atoms in structures
    ]
    return next(iter(torch_geometric.dataloader.DataLoader(items, batch_size=len(items))))
