#!/usr/bin/env python3
"""Writes loss_cases.h: losses of mace-torch, and their derivatives by torch, on made-up labels and predictions.

    build/oracle/bin/python tests/unit/make_loss_cases.py && clang-format -i tests/unit/loss_cases.h

Batch 0 has every label and weights of 1. Batch 1 has weights, and labels are missing: mace-torch gives those the value
and the weight zero. mace-torch's universal loss ignores the weight of a structure, so in batch 1 it is 1 there.
"""
import pathlib

import torch
from mace.modules import loss

torch.set_default_dtype(torch.float64)
torch.manual_seed(5)
SIZES = [2, 3, 1, 4]
MOST = max(SIZES)
# batch 1: weight, energy_weight, forces_weight, stress_weight (0: no label)
WEIGHTS = torch.tensor([[2.0, 1.5, 0.5, 3.0], [0.25, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 2.0], [0.0, 1.0, 1.0, 1.0]])
header = (pathlib.Path(__file__).parent / "loss_cases.h").open("w")  # mace-torch prints on stdout
LOSSES = [
    ("FTL_LOSS_WEIGHTED", loss.WeightedEnergyForcesStressLoss, {}, (0, 1)),
    ("FTL_LOSS_WEIGHTED", loss.WeightedEnergyForcesLoss, {}, (0, 1)),
    ("FTL_LOSS_HUBER", loss.WeightedHuberEnergyForcesStressLoss, {"huber_delta": 0.02}, (0,)),
    ("FTL_LOSS_UNIVERSAL", loss.UniversalLoss, {"huber_delta": 0.02}, (0, 1)),
]


class Batch(dict):
    __getattr__ = dict.__getitem__


def numbers(tensor):
    if tensor.dim() == 0:
        return repr(float(tensor))
    return "{" + ", ".join(numbers(row) for row in tensor) + "}"


atoms, graphs = sum(SIZES), len(SIZES)
# lengths of the force labels in every range of the conditional Huber loss, and errors on both sides of delta
lengths = torch.tensor([0.5, 99.0, 101.0, 150.0, 199.0, 250.0, 301.0, 1.0, 2.0, 500.0])
direction = torch.randn(atoms, 3)
label = {
    "energy": torch.randn(graphs) * 10,
    "forces": direction / direction.norm(dim=1, keepdim=True) * lengths[:, None],
    "stress": torch.randn(graphs, 3, 3) * 0.1,
}
label["stress"] = (label["stress"] + label["stress"].mT) / 2
error = {"energy": torch.randn(graphs) * 0.1, "forces": torch.randn(atoms, 3) * 0.02,
         "stress": torch.randn(graphs, 3, 3) * 0.02}
error["stress"] = (error["stress"] + error["stress"].mT) / 2
prediction = {key: label[key] + error[key] for key in label}
starts = torch.tensor([0] + [sum(SIZES[: k + 1]) for k in range(graphs)])
volumes = torch.tensor([30.0, 41.5, 17.25, 60.0])


def write(text):
    print(text, file=header)


def padded(forces):
    rows = torch.zeros(graphs, MOST, 3)
    for k, n in enumerate(SIZES):
        rows[k, :n] = forces[starts[k] : starts[k + 1]]
    return rows


write("/* Made by make_loss_cases.py with mace-torch: do not edit. */")
write(f"#define CASE_STRUCTURES {graphs}\n#define CASE_ATOMS {MOST}\n")
write("static const int case_sizes[CASE_STRUCTURES] = {" + ", ".join(map(str, SIZES)) + "};")
write(f"static const double case_volume[CASE_STRUCTURES] = {numbers(volumes)};")
write("/* of batch 1: weight, energy_weight, forces_weight, stress_weight; 0 means that the label is missing */")
write(f"static const double case_weights[CASE_STRUCTURES][4] = {numbers(WEIGHTS)};")
for name, values in (("label", label), ("predicted", prediction)):
    write(f"static const double case_{name}_energy[CASE_STRUCTURES] = {numbers(values['energy'])};")
    write(f"static const double case_{name}_forces[CASE_STRUCTURES][CASE_ATOMS][3] = {numbers(padded(values['forces']))};")
    write(f"static const double case_{name}_stress[CASE_STRUCTURES][3][3] = {numbers(values['stress'])};")
write("""
/* Expected: value, and derivatives by energy, forces and stress. */
typedef struct {
  int batch;
  ftl_loss loss;
  double value, d_energy[CASE_STRUCTURES], d_forces[CASE_STRUCTURES][CASE_ATOMS][3], d_stress[CASE_STRUCTURES][3][3];
} loss_case;

static const loss_case loss_cases[] = {""")
for kind, make, options, batches in LOSSES:
    for batch in batches:
        weights = WEIGHTS.clone() if batch else torch.ones_like(WEIGHTS)
        if kind == "FTL_LOSS_UNIVERSAL":
            weights[:, 0] = 1
        reference = Batch({key: value.clone() for key, value in label.items()})
        if batch:
            reference["energy"][weights[:, 1] == 0] = 0
            reference["forces"][torch.repeat_interleave(weights[:, 2] == 0, torch.tensor(SIZES))] = 0
            reference["stress"][weights[:, 3] == 0] = 0
        reference.update(ptr=starts, weight=weights[:, 0], energy_weight=weights[:, 1], forces_weight=weights[:, 2],
                         stress_weight=weights[:, 3])
        predicted = {key: value.clone().requires_grad_() for key, value in prediction.items()}
        with_stress = make is not loss.WeightedEnergyForcesLoss
        factors = {"energy_weight": 2.0, "forces_weight": 30.0}
        if with_stress:
            factors["stress_weight"] = 5.0
        value = make(**factors, **options)(reference, predicted)
        value.backward()
        grads = {key: p.grad if p.grad is not None else torch.zeros_like(p) for key, p in predicted.items()}
        write(f"    {{.batch = {batch},")
        write(f"     .loss = {{{kind}, 2, 30, {5 if with_stress else 0}, {options.get('huber_delta', 0)}}},")
        write(f"     .value = {float(value.detach())!r},")
        write(f"     .d_energy = {numbers(grads['energy'])},")
        write(f"     .d_forces = {numbers(padded(grads['forces']))},")
        write(f"     .d_stress = {numbers(grads['stress'])}}},")
write("};")
