#!/usr/bin/env python3
"""The same MACE potential, written with correlation 3: python as_correlation_3.py MODEL OUT, in the rivals' environment.

symmetrix-xl's converter takes correlation 3 only, and the H2/Cu potential has correlation 2. Products of three get the weight
zero, so that energies and forces are the same numbers. Called by setup_rivals.sh."""

import sys
import warnings

warnings.filterwarnings("ignore")
import torch
from mace.modules.symmetric_contraction import SymmetricContraction

source, target = sys.argv[1:3]
model = torch.load(source, map_location="cpu", weights_only=False)
torch.set_default_dtype(next(model.parameters()).dtype)
for product in model.products:
    old = product.symmetric_contractions
    new = SymmetricContraction(old.irreps_in, old.irreps_out, correlation=3, num_elements=len(model.atomic_numbers))
    for was, now in zip(old.contractions, new.contractions):
        if was.correlation != 2:
            sys.exit(f"{source}: correlation {was.correlation}, not 2")
        with torch.no_grad():
            now.weights_max.zero_()  # of three
            now.weights[0].copy_(was.weights_max)  # of two
            now.weights[1].copy_(was.weights[0])  # of one
    product.symmetric_contractions = new
torch.save(model, target)
