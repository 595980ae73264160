#!/usr/bin/env python3
"""Writes optimiser_cases.h, steps of torch.optim on made-up gradients, clipped and averaged as mace-torch does, and
schedule_cases.h, learning rates of torch.optim.lr_scheduler. Any Python with torch and torch-ema:

    python tests/unit/make_optimiser_cases.py && clang-format -i tests/unit/{optimiser,schedule}_cases.h

Three tensors of 3 numbers: one that decays, one that does not, and one with a tenth of the learning rate, which decays.
"""
import pathlib

import torch
from torch_ema import ExponentialMovingAverage

torch.set_default_dtype(torch.float64)
torch.manual_seed(7)
STEPS, TENSORS, NUMBERS = 6, 3, 3
LR, DECAY, BETAS, EPSILON, EMA = 0.02, 0.03, (0.8, 0.95), 1e-7, 0.99
RATES, DECAYS = (1.0, 1.0, 0.1), (True, False, True)
KINDS = [
    ("FTL_OPTIMISER_ADAM", torch.optim.Adam, {"amsgrad": False}),
    ("FTL_OPTIMISER_AMSGRAD", torch.optim.Adam, {"amsgrad": True}),
    ("FTL_OPTIMISER_ADAMW", torch.optim.AdamW, {"amsgrad": False}),
]
CLIPS = [0.0, 1.5]

start = torch.randn(TENSORS, NUMBERS)
# falling gradients, so that AMSGrad differs from Adam
gradients = torch.randn(STEPS, TENSORS, NUMBERS) * (3.0 * 0.5 ** torch.arange(STEPS)).reshape(-1, 1, 1)


def numbers(tensor):
    if tensor.dim() == 0:
        return repr(float(tensor))
    return "{" + ", ".join(numbers(row) for row in tensor) + "}"


def run(kind, options, clip):
    """Norms, values after every step, and averages after the last."""
    tensors = [torch.nn.Parameter(row.clone()) for row in start]
    groups = [
        {"params": [tensors[k]], "lr": LR * RATES[k], "weight_decay": DECAY if DECAYS[k] else 0.0}
        for k in range(TENSORS)
    ]
    optimiser = kind(groups, lr=LR, betas=BETAS, eps=EPSILON, foreach=False, **options)
    ema = ExponentialMovingAverage(tensors, decay=EMA)
    norms, values = [], []
    for gradient in gradients:
        for tensor, row in zip(tensors, gradient):
            tensor.grad = row.clone()
        norms.append(torch.nn.utils.clip_grad_norm_(tensors, max_norm=clip if clip else float("inf")).detach())
        optimiser.step()
        ema.update()
        values.append(torch.stack([t.detach().clone() for t in tensors]))
    return torch.stack(norms), torch.stack(values), torch.stack(ema.shadow_params)


def plateau(losses, lr, factor, patience, least):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=factor, patience=patience, min_lr=least)
    rates = []
    for loss in losses:
        schedule.step(loss)
        rates.append(optimiser.param_groups[0]["lr"])
    return torch.tensor(rates)


def new_header(name):
    header = (pathlib.Path(__file__).parent / name).open("w")
    print("/* Made by make_optimiser_cases.py with torch: do not edit. */", file=header)
    return header


with new_header("optimiser_cases.h") as header:
    for name, value in [("STEPS", STEPS), ("TENSORS", TENSORS), ("NUMBERS", NUMBERS)]:
        print(f"#define CASE_{name} {value}", file=header)
    print(f"static const double case_lr = {LR}, case_decay = {DECAY}, case_beta1 = {BETAS[0]}, case_beta2 = {BETAS[1]},",
          f"case_epsilon = {EPSILON}, case_ema = {EMA};", file=header)
    print("static const double case_start[CASE_TENSORS][CASE_NUMBERS] =", numbers(start), ";", file=header)
    print("static const double case_gradients[CASE_STEPS][CASE_TENSORS][CASE_NUMBERS] =", numbers(gradients), ";",
          file=header)
    print("typedef struct { int kind; double clip; double norm[CASE_STEPS];",
          "double values[CASE_STEPS][CASE_TENSORS][CASE_NUMBERS], average[CASE_TENSORS][CASE_NUMBERS]; } optimiser_case;",
          file=header)
    print("static const optimiser_case optimiser_cases[] = {", file=header)
    for name, kind, options in KINDS:
        for clip in CLIPS:
            norms, values, average = run(kind, options, clip)
            print(f"{{{name}, {clip}, {numbers(norms)}, {numbers(values)}, {numbers(average)}}},", file=header)
    print("};", file=header)

with new_header("schedule_cases.h") as header:
    losses = [9, 8, 8, 7.9996, 7.9991, 8.5, 8.2, 8.1, 8, 7, 7, 7, 7, float("nan"), 7, 7, 7, 7, 7, 7]
    print("/* ReduceLROnPlateau: lr 0.01, factor 0.5, patience 2, min_lr 0.002 */", file=header)
    print(f"#define CASE_EPOCHS {len(losses)}", file=header)
    print("static const double case_losses[CASE_EPOCHS] =", numbers(torch.tensor(losses)).replace("nan", "NAN"), ";",
          file=header)
    print("static const double case_plateau[CASE_EPOCHS] =", numbers(plateau(losses, 0.01, 0.5, 2, 0.002)), ";",
          file=header)
