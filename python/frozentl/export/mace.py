"""`frozentl convert --to mace`: the module of a mace-torch foundation with a model's weights, as torch.save writes it."""

from __future__ import annotations

import numpy as np

from .fill import Arrays, Refusal, SavedFile, run, silence

with silence():
    import mace.modules  # noqa: F401 (what the file's pickle names; without it, another Python is tried)
    import torch

# Buffers that are no constants of the architecture.
TUNED = ("atomic_energies_fn.atomic_energies", "scale_shift.scale", "scale_shift.shift")


class Module(SavedFile):
    ending = ".model"

    def __init__(self, path: str):
        self.module = torch.load(path, map_location="cpu", weights_only=False)
        if not isinstance(self.module, torch.nn.Module):
            raise Refusal(path, "it is no model of mace-torch, as torch.save writes them")
        self.dtype = next(self.module.parameters()).dtype
        self.tensors = {name: t for name, t in self.module.named_parameters() if t.numel() and t.is_floating_point()}
        self.tensors.update((name, t) for name, t in self.module.named_buffers() if name in TUNED)

    def numbers(self) -> Arrays:
        return {name: t.detach().numpy().copy() for name, t in self.tensors.items()}

    def save(self, numbers: Arrays, path: str) -> None:
        double = any(a.dtype == np.float64 for a in numbers.values())
        self.module.to(torch.float64 if double else self.dtype)  # in place
        current = dict(self.module.named_parameters())
        current.update(self.module.named_buffers())
        with torch.no_grad():
            for name, array in numbers.items():
                current[name].copy_(torch.from_numpy(array))
        torch.save(self.module, path)


def main() -> int:
    return run(Module)
