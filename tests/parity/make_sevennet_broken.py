#!/usr/bin/env python3
"""Files that a reader of SevenNet's checkpoints must refuse in one sentence, or is asked to think about.

    PYTHON tests/parity/make_sevennet_broken.py FOLDER

PYTHON is what `bench/setup_rivals.sh sevenn` prints. All are one small twin, spoilt; README.md in FOLDER says what each is.
"""

import os
import sys
import zipfile

import make_sevennet_twins as twins
import numpy as np
import torch
from sevenn.scripts.deploy import deploy

LAST = "2_convolution.weight_nn.layer2.weight"


def spoilt(change):
    """A checkpoint after change(file, its config, its state dict)."""

    def write(folder, good, name):
        file = torch.load(good, weights_only=False)
        made = change(file, file["config"], file["model_state_dict"])
        torch.save(file if made is None else made, os.path.join(folder, name))

    return write


def config(**entries):
    return spoilt(lambda file, config, state: config.update(entries))


def cut(part):
    def write(folder, good, name):
        with open(good, "rb") as f:
            whole = f.read()
        with open(os.path.join(folder, name), "wb") as f:
            f.write(whole[: int(part * len(whole))])

    return write


def deployed(folder, good, name):
    deploy(good, os.path.join(folder, name))


def flip_byte(folder, good, name):
    """In the data of the largest tensor: the zip's checksum is wrong."""
    with open(good, "rb") as f:
        whole = bytearray(f.read())
    with zipfile.ZipFile(good) as z:
        entry = max((i for i in z.infolist() if "/data/" in i.filename), key=lambda i: i.file_size)
    whole[entry.header_offset + 300] ^= 0x40
    with open(os.path.join(folder, name), "wb") as f:
        f.write(whole)


def newer(file, config, state):
    config.update(version="0.15.0", use_long_range=True, long_range_channels=8)
    state["long_range.linear.weight"] = torch.randn(64)


def wrong_couplings(file, config, state):
    key = next(k for k in state if "_w3j_" in k)
    state[key] = torch.randn_like(state[key])


FILES = {
    "deployed.pt": (deployed, "TorchScript that `sevenn_get_model` makes for LAMMPS: say to give the checkpoint (.pth) instead"),
    "newer-version.pth": (config(version="0.14.0"), "a newer version, nothing else is new: readable; a warning is right"),
    "newer-option.pth": (spoilt(newer), "version 0.15.0 with an unknown option that is on (use_long_range), and a tensor of it"),
    "unknown-option-off.pth": (config(use_long_range=False, some_list=[]), "unknown options that are off"),
    "interaction-type.pth": (config(interaction_type="so2"), "interaction_type so2"),
    "radial-basis.pth": (config(radial_basis={"radial_basis_name": "gaussian"}), "another radial basis"),
    "cutoff-function.pth": (config(cutoff_function={"cutoff_function_name": "cosine"}), "another cutoff function"),
    "act-radial.pth": (config(act_radial="gelu"), "an activation that sevenn 0.13 has not"),
    "act-gate.pth": (config(act_gate={"e": "relu", "o": "tanh"}), "a gate's activation that sevenn 0.13 has not"),
    "self-connection.pth": (config(self_connection_type=["linear", "linear", "none"]), "self-connection none (no such file can be made by sevenn)"),
    "self-connection-short.pth": (config(self_connection_type=["linear"]), "one self-connection for three layers"),
    "cueq.pth": (config(cuequivariance_config={"use": True}), "says that its tensors are cuEquivariance's (here they are not)"),
    "model-type.pth": (config(_model_type="new_model"), "another _model_type"),
    "lmax4.pth": (config(lmax=4), "lmax 4: over what FrozenTL has, and the tensors do not fit"),
    "cutoff-negative.pth": (config(cutoff=-1.0), "cutoff below 0"),
    "cutoff-on.pth": (config(cutoff_function={"cutoff_function_name": "XPLOR", "cutoff_on": 9.0}), "XPLOR begins beyond the cutoff"),
    "no-layers.pth": (config(num_convolution_layer=0), "no layers"),
    "manual-irreps.pth": (config(irreps_manual=["4x0e", "rubbish", "4x0e", "4x0e"]), "irreps that cannot be read"),
    "manual-length.pth": (config(irreps_manual=["4x0e", "4x0e"]), "irreps_manual of 2 entries for 3 layers"),
    "type-map-hole.pth": (config(_type_map={1: 0, 8: 1, 29: 3}), "species indices 0 1 3"),
    "type-map-twice.pth": (config(_type_map={1: 0, 8: 1, 29: 1}), "two elements with one index"),
    "type-map-z.pth": (config(_type_map={1: 0, 8: 1, 290: 2}), "element 290"),
    "modal-map.pth": (config(use_modality=True, _modal_map={}, _number_of_modalities=0), "a multi-modal model without modalities"),
    "modal-no-weights.pth": (config(use_modality=True, _modal_map={"a": 0, "b": 1}, _number_of_modalities=2,
                                    use_modal_self_inter_intro=True), "modalities that the tensors do not have"),
    "no-reduce.pth": (config(version="0.9.5", optimize_by_reduce=False), "optimize_by_reduce false, which sevenn >= 0.10 refuses too"),
    "no-version.pth": (spoilt(lambda f, c, s: c.pop("version") and None), "no version: the order of the columns is unknown"),
    "odd-version.pth": (config(version="main"), "a version that is no number"),
    "no-config.pth": (spoilt(lambda f, c, s: f.pop("config") and None), "no config"),
    "no-state.pth": (spoilt(lambda f, c, s: f.pop("model_state_dict") and None), "no model_state_dict"),
    "no-cutoff.pth": (spoilt(lambda f, c, s: c.pop("cutoff") and None), "config without cutoff"),
    "missing-tensor.pth": (spoilt(lambda f, c, s: s.pop(LAST) is None or None), f"{LAST} is missing"),
    "wrong-shape.pth": (spoilt(lambda f, c, s: s.update({LAST: torch.cat([s[LAST], s[LAST]], 1)})), f"{LAST} has twice the columns"),
    "extra-tensor.pth": (spoilt(lambda f, c, s: s.update({"3_extra.weight": torch.ones(3)})), "a tensor that no option explains"),
    "nan.pth": (spoilt(lambda f, c, s: s[LAST].fill_(float("nan")) is None or None), f"{LAST} is not a number"),
    "denominator-zero.pth": (spoilt(lambda f, c, s: s["0_convolution.denominator"].zero_() is None or None), "a denominator of 0"),
    "half.pth": (spoilt(lambda f, c, s: s.update({LAST: s[LAST].half()})), f"{LAST} in float16"),
    "double.pth": (spoilt(lambda f, c, s: s.update({k: v.double() for k, v in s.items() if v.is_floating_point()})), "all in float64: readable"),
    "view.pth": (spoilt(lambda f, c, s: s.update({LAST: s[LAST].t().contiguous().t()})), f"{LAST} with strides of a transposed matrix: readable"),
    "couplings.pth": (spoilt(wrong_couplings), "a 3j symbol that is neither plus nor minus the right one"),
    "other-dict.pth": (spoilt(lambda f, c, s: {"state_dict": dict(s), "args": {"lr": 0.1}}), "a checkpoint of another program"),
    "other-lightning.ckpt": (spoilt(lambda f, c, s: {"pytorch-lightning_version": "2.4.0", "epoch": 3, "state_dict": dict(s),
                                                     "hyper_parameters": {"cutoff": 5.0}}), "PyTorch Lightning's"),
    "other-config.pth": (spoilt(lambda f, c, s: {"config": {"model": "chgnet"}, "model_state_dict": dict(s)}), "its keys, another program's config"),
    "other-state.pth": (spoilt(lambda f, c, s: dict(s)), "a bare state dict"),
    "other-tensor.pth": (spoilt(lambda f, c, s: torch.ones(3, 4)), "one tensor"),
    "other-list.pth": (spoilt(lambda f, c, s: [1, 2, 3]), "a list"),
    "other-numpy.pth": (spoilt(lambda f, c, s: {"config": np.arange(3), "model_state_dict": {}}), "config is an array"),
    "truncated-10.pth": (cut(0.1), "the first tenth of the file"),
    "truncated-60.pth": (cut(0.6), "three fifths of it"),
    "truncated-99.pth": (cut(0.99), "all but the end of the zip directory"),
    "empty.pth": (cut(0), "0 bytes"),
    "flipped-bit.pth": (flip_byte, "one bit of a tensor differs: its checksum in the zip is wrong"),
}  # fmt: skip


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    twins.make("good", dict(lmax=1, is_parity=False, num_convolution_layer=3), folder, 5)
    good = os.path.join(folder, "good.pth")
    lines = ["# Spoilt SevenNet checkpoints", "", "Made by tests/parity/make_sevennet_broken.py from `good.pth` (SO(3), l 1, 3 layers).", "", "| file | what it is |",
             "| --- | --- |", "| good.pth, .xyz, .json | the sound one |"]  # fmt: skip
    for name, (write, what) in FILES.items():
        write(folder, good, name)
        lines.append(f"| {name} | {what} |")
    with open(os.path.join(folder, "README.md"), "w") as f:
        f.write("\n".join(lines) + "\n")
    print(f"{len(FILES)} files in {folder}")


if __name__ == "__main__":
    main()
