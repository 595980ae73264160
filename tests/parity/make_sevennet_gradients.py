#!/usr/bin/env python3
"""Gradients of sevenn's training loss in float64, as in ../shared/reference/sevennet/train.

    PYTHON tests/parity/make_sevennet_gradients.py FOLDER/NAME.pth ... --out FOLDER
    PYTHON tests/parity/make_sevennet_gradients.py --check ../shared/reference/sevennet/train/NAME.json ...

PYTHON is what `bench/setup_rivals.sh sevenn` prints, with safetensors. Of NAME.pth and NAME.xyz it writes to --out: NAME.xyz
with labels REF_energy, REF_forces, REF_stress (the model's own answers plus noise) and `head`; NAME.json: loss, its three terms,
formula, which parameters the config trains, and losses of 8 AMSGrad steps; NAME.grads.safetensors: the gradient by every
parameter, under its name in the file. For files of sevenn 0.11 and later, which hold the parameters as sevenn has them in
memory. --check: does this script reproduce NAME.json and NAME.grads.safetensors? (checkpoints in the folder above)
"""

import argparse
import json
import os
import sys

import sevennet_oracle as oracle
import ase.io
import numpy as np
import torch
from ase import Atoms
from safetensors.torch import load_file, save_file

WEIGHTS = {"energy": 1.0, "forces": 10.0, "stress": 100.0}
FORMULA = (
    "L = energy_weight * mean_b(((E_b - REF_energy_b) / N_b)^2) + forces_weight * mean over all 3*sum_b(N_b) force "
    "components of (F - REF_forces)^2 + stress_weight * mean over the periodic structures and their 6 components "
    "xx yy zz yz xz xy of (S - REF_stress)^2; S = ASE stress (+dE/dstrain / V), eV/Angstrom^3; structures that are not "
    "periodic in all three directions have no stress term"
)


def labelled(path, model, config, rng):
    """The frames of `path` with labels; heads in turn."""
    heads, frames = oracle.heads_of(config), []
    model.eval()
    for k, atoms in enumerate(oracle.read_frames(path)):
        head = heads[k % len(heads)]
        energy, _, forces, stress = oracle.evaluate(model, config, atoms, head)
        new = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        new.info["head"] = head
        new.info["REF_energy"] = energy.item() + 0.1 * len(atoms) * rng.normal()
        new.arrays["REF_forces"] = forces.detach().numpy() + 0.3 * rng.normal(size=forces.shape)
        if stress is not None:
            s = stress.detach().numpy() + 0.02 * rng.normal(size=6)
            new.info["REF_stress"] = s[[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3)
        frames.append(new)
    return frames


def terms(model, config, frames):
    """The three terms of the loss, without their weights, and the energies."""
    model.train()
    energies, forces, stresses, found = [], [], [], []
    for atoms in frames:
        energy, _, force, stress = oracle.evaluate(model, config, atoms, atoms.info["head"])
        found.append(energy.item())
        energies.append(((energy - atoms.info["REF_energy"]) / len(atoms)) ** 2)
        forces.append((force - torch.from_numpy(atoms.arrays["REF_forces"])).reshape(-1))
        if stress is not None:
            reference = np.array(atoms.info["REF_stress"]).reshape(9)[[0, 4, 8, 5, 2, 1]]
            stresses.append(stress - torch.from_numpy(reference))
    zero = torch.zeros((), dtype=torch.float64)
    stress = torch.mean(torch.cat(stresses) ** 2) if stresses else zero
    return {"energy": torch.mean(torch.stack(energies)), "forces": torch.mean(torch.cat(forces) ** 2), "stress": stress}, found


def total(loss_terms):
    return sum(WEIGHTS[q] * t for q, t in loss_terms.items())


def losses_of_steps(model, config, frames, trained, n=8, lr=1e-3):
    for name, p in model.named_parameters():
        p.requires_grad_(trained[name])
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr, amsgrad=True)
    losses = []
    for _ in range(n):
        optimiser.zero_grad()
        loss = total(terms(model, config, frames)[0])
        losses.append(loss.item())
        loss.backward()
        optimiser.step()
    return losses


def reference(model, config, frames, steps):
    """(what goes into NAME.json, gradients)"""
    parameters = {name: p for name, p in model.named_parameters() if p.numel()}
    trained = {name: p.requires_grad for name, p in model.named_parameters()}
    for p in parameters.values():
        p.requires_grad_(True)
    loss_terms, energies = terms(model, config, frames)
    loss = total(loss_terms)
    # one that nothing depends on has a gradient of zeros
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    gradients = {n: torch.zeros_like(p) if g is None else g.contiguous() for (n, p), g in zip(parameters.items(), gradients)}
    about = dict(
        formula=FORMULA, **{f"{q}_weight": w for q, w in WEIGHTS.items()}, loss=loss.item(),
        **{f"{q}_term": t.item() for q, t in loss_terms.items()}, predictions={"energy": energies},
        parameters={n: list(p.shape) for n, p in parameters.items()},
        trainable_by_config={n: trained[n] for n in parameters},
        note="Gradients with respect to every parameter as the file holds it (also the ones the config freezes).",
    )  # fmt: skip
    if steps:
        about["amsgrad_lr1e-3"] = dict(losses=losses_of_steps(model, config, frames, trained),
                                       note="losses before each of 8 steps of torch.optim.Adam(amsgrad=True, lr=1e-3)")  # fmt: skip
    return about, gradients


def make(path, folder):
    name = os.path.basename(path)[: -len(".pth")]
    model, config = oracle.open_double(path)
    base = os.path.join(folder, name)
    ase.io.write(base + ".xyz", labelled(path[: -len(".pth")] + ".xyz", model, config, np.random.default_rng(17)), format="extxyz")
    frames = oracle.read_frames(base + ".xyz")
    about, gradients = reference(model, config, frames, steps=True)
    heads = dict(heads=oracle.heads_of(config), frame_heads=[a.info["head"] for a in frames])
    with open(base + ".json", "w") as f:
        json.dump(dict(model=name, checkpoint=name + ".pth", batch=name + ".xyz", **heads, **about), f, indent=1)
    save_file(gradients, base + ".grads.safetensors")
    print(f"{name:24s} loss {about['loss']:.4f}  {sum(g.numel() for g in gradients.values())} parameters", flush=True)


def check(path):
    """Largest relative difference from the files of `path`."""
    with open(path) as f:
        want = json.load(f)
    folder = os.path.dirname(os.path.abspath(path))
    model, config = oracle.open_double(os.path.join(os.path.dirname(folder), want["checkpoint"]))
    frames = oracle.read_frames(os.path.join(folder, want["batch"]))
    got, gradients = reference(model, config, frames, steps=True)
    wanted = load_file(path[: -len(".json")] + ".grads.safetensors")
    assert set(wanted) == set(gradients), set(wanted) ^ set(gradients)
    worst = {"loss": abs(got["loss"] / want["loss"] - 1)}
    worst["gradients"] = max(((gradients[n] - g).abs().max() / g.abs().max()).item() for n, g in wanted.items())
    worst["steps"] = max(abs(a / b - 1) for a, b in zip(got["amsgrad_lr1e-3"]["losses"], want["amsgrad_lr1e-3"]["losses"]))
    print(os.path.basename(path), {q: f"{e:.1e}" for q, e in worst.items()}, flush=True)
    return max(worst.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="*", metavar="FILE.pth")
    parser.add_argument("--out", help="folder")
    parser.add_argument("--check", nargs="+", metavar="JSON")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.check:
        return 0 if max([check(p) for p in args.check]) < 1e-9 else 1
    if not args.out or not args.checkpoints:
        parser.error("give checkpoints and --out, or --check")
    os.makedirs(args.out, exist_ok=True)
    for path in args.checkpoints:
        make(path, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
