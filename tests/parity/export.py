"""`frozentl convert --to mace` and `--to sevennet`: what mace-torch and sevenn then answer is what frozentl does.

    PYTHON-WITH-TORCH tests/parity/export.py mace|sevennet [--frozentl PATH]

Each twin is converted to .ftl, all its weights, E0 and scales are changed a little, as a training would, and the model goes back into the
twin's format; also cut to one element or one head. Run by ctest in build/oracle or build/bench-venv, and build/sevenn-venv (bench/setup_rivals.sh), where these are."""

import argparse
import json
import os
import sys
import tempfile

import ftl_eval

sys.path.insert(0, os.path.join(ftl_eval.ROOT, "python"))
try:
    import numpy as np
    import torch
    from ase.io import read

    import frozentl.export.fill as fill
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(ftl_eval.SKIPPED)

MACES = ("t-density-zbl", "t-nonlinear-heads")
SEVENNETS = ("s-modal", "s-v09")
# Energies by their size, forces by the largest; a checkpoint of sevenn has E0 and scales in float32, a .ftl in float64.
TOLERANCE = {"mace": (1e-9, 1e-7), "sevennet": (1e-6, 1e-6)}
NO_WEIGHTS = ("U_matrix", "_w3j_", "r_max", "atomic_numbers", "num_interactions", "radial_embedding", "pair_repulsion", "alpha", "beta", "denominator")


def changed(path, target, seed=5):
    """A .ftl file whose weights are a few per cent off those of another."""
    metadata, tensors = fill.read_ftl(path)
    rng = np.random.default_rng(seed)
    metadata.pop("content_sha256", None)
    header, data = {"__metadata__": metadata}, b""
    names = {v: k for k, v in fill.TYPES.items()}
    for name, array in tensors.items():
        if array.dtype.kind == "f" and not any(word in name for word in NO_WEIGHTS):
            array = (array * (1 + 0.05 * rng.standard_normal(array.shape))).astype(array.dtype)
        content = np.ascontiguousarray(array).tobytes()
        kind = names["?" if array.dtype == bool else array.dtype.str.replace("|", "")]
        header[name] = dict(dtype=kind, shape=list(array.shape), data_offsets=[len(data), len(data) + len(content)])
        data += content
    text = json.dumps(header).encode()
    with open(target, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


def mace_answers(path, frames, heads):
    from mace.calculators import MACECalculator

    torch.set_default_dtype(torch.float64)
    out = []
    for head in heads:
        calculator = MACECalculator(model_paths=path, device="cpu", default_dtype="float64", **({"head": head} if len(heads) > 1 else {}))
        for k, atoms in enumerate(frames):
            atoms.calc = calculator
            out.append((k, head, atoms.get_potential_energy(), atoms.get_forces()))
    return out


def sevennet_answers(path, frames, heads):
    import sevennet_oracle

    model, config = sevennet_oracle.open_double(path)
    model.eval()
    out = []
    for head in heads:
        for k, atoms in enumerate(frames):
            energy, _, forces, _ = sevennet_oracle.evaluate(model, config, atoms, head)
            out.append((k, head, energy.item(), forces.detach().numpy()))
    return out


def check_states(frozentl, model, checkpoint, foundation):
    """OUT.safetensors, which is made without torch, has the state_dict of OUT.pth."""
    out = checkpoint.replace(".pth", ".safetensors")
    ftl_eval.run([frozentl, "convert", "--force", model, "--to", "sevennet", out, "--foundation", foundation])
    _, ours = fill.read_ftl(out)
    theirs = torch.load(checkpoint, weights_only=False)["model_state_dict"]
    assert {name for name, t in theirs.items() if t.numel()} <= set(ours) <= set(theirs), set(theirs) ^ set(ours)
    for name, array in ours.items():
        assert np.array_equal(array, theirs[name].numpy()), name


def check(frozentl, program, model, foundation, xyz, folder):
    """Largest deviation of energies, by their size, and of forces, by the largest."""
    ending, answers_of = (".model", mace_answers) if program == "mace" else (".pth", sevennet_answers)
    out = os.path.join(folder, "out" + ending)
    said = ftl_eval.run([frozentl, "convert", "--force", model, "--to", program, out, "--foundation", foundation])
    if program == "sevennet":
        check_states(frozentl, model, out, foundation)
    metadata, _ = fill.read_ftl(model)
    elements, heads = set(metadata["elements"].split()), json.loads(metadata["heads"])
    whole = json.loads(fill.read_ftl(os.path.join(folder, "whole.ftl"))[0]["heads"])
    frames = read(xyz, ":")
    keep = [k for k, a in enumerate(frames) if set(a.symbols) <= elements]
    one_of_many = len(heads) == 1 < len(whole)
    theirs = answers_of(out, [frames[k] for k in keep], whole if one_of_many else heads)
    mine = ftl_eval.evaluate(frozentl, model, xyz_of_kept(frames, keep, folder), options=["--head", "all"])
    mine = {(a["frame"], a["head"]): a for a in mine}
    worst = [0.0, 0.0]
    for frame, head, energy, forces in theirs:
        if head not in heads:
            continue
        own = mine[frame, head]
        worst[0] = max(worst[0], abs(energy - own["energy"]) / max(abs(energy), 1))
        if len(forces) > 1:
            worst[1] = max(worst[1], np.abs(forces - own["forces"]).max() / max(np.abs(forces).max(), 0.1))
    assert theirs, f"{model}: no frame of {elements}"
    return worst, said


def xyz_of_kept(frames, keep, folder):
    path = os.path.join(folder, "kept.xyz")
    ftl_eval.write_xyz(path, [dict(symbols=frames[k].get_chemical_symbols(), positions=frames[k].positions,
                                   cell=frames[k].cell.array if frames[k].cell.rank == 3 else None, pbc=frames[k].pbc) for k in keep])  # fmt: skip
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", choices=("mace", "sevennet"))
    parser.add_argument("--frozentl")
    o = parser.parse_args()
    frozentl = ftl_eval.command(o.frozentl)
    os.environ["FROZENTL_PYTHON"] = sys.executable
    here, ending, names = ("twins", ".model", MACES) if o.program == "mace" else ("sevennet-twins", ".pth", SEVENNETS)
    failed = False
    for name in names:
        foundation = os.path.join(ftl_eval.HERE, here, name + ending)
        xyz = os.path.join(ftl_eval.HERE, here, name + ".xyz")
        with tempfile.TemporaryDirectory() as folder:
            whole, tuned, cut = (os.path.join(folder, n + ".ftl") for n in ("whole", "tuned", "cut"))
            ftl_eval.run([frozentl, "convert", foundation, whole])
            changed(whole, tuned)
            metadata, _ = fill.read_ftl(whole)
            cases = [("whole", tuned)]
            heads, first = json.loads(metadata["heads"]), read(xyz, 0)
            options = ["--elements", ",".join(sorted(set(first.symbols)))] if len(set(first.symbols)) < len(metadata["elements"].split()) else []
            options += ["--head", heads[-1]] if len(heads) > 1 else []
            if options:
                ftl_eval.run([frozentl, "convert", tuned, cut, *options])
                cases.append((" ".join(options), cut))
            for what, model in cases:
                (energy, forces), said = check(frozentl, o.program, model, foundation, xyz, folder)
                assert ("note: " in said) == (model == cut), said
                bad = energy > TOLERANCE[o.program][0] or forces > TOLERANCE[o.program][1]
                failed |= bad
                print(f"{name:20s} {what:24s} energy {energy:.1e}  forces {forces:.1e}{'  TOO MUCH' if bad else ''}")
    sys.exit(1 if failed else 0)


main()
