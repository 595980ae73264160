#!/usr/bin/env python3
"""Makes SevenNet checkpoints with random weights in many combinations of sevenn's options, and their float64 answers.

    PYTHON tests/parity/make_sevennet_twins.py                   # all of them, into build/sevennet-twins/
    PYTHON tests/parity/make_sevennet_twins.py --tree            # the small ones kept in tests/parity/sevennet-twins/
    PYTHON tests/parity/make_sevennet_twins.py --only NAME ...   # some of them
    PYTHON tests/parity/make_sevennet_twins.py --check FILE.json ...  # does this generator reproduce FILE.json?

PYTHON is what `bench/setup_rivals.sh sevenn` prints: sevenn 0.13.0 (an oracle for development, never a dependency). For each
twin it writes NAME.pth as sevenn saves it, NAME.xyz with five structures, and NAME.json: heads, elements and configuration;
energy, forces, node energies (which add up to the energy) and stress (ASE's Voigt order xx yy zz yz xz xy; null without a full
periodic cell) of every structure and head, by sevenn in float64 (sevennet_oracle.py). Units: eV, Angstrom.
"""

import argparse
import copy
import hashlib
import json
import os
import sys

import sevennet_oracle as oracle
import ase.io
import numpy as np
import sevenn._const as const
import torch
from ase.data import atomic_numbers, chemical_symbols
from sevenn.model_build import build_E3_equivariant_model
from twin_structures import structures

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# Options are entries of sevenn's config, except: elements (atomic numbers), heads (modalities), seed, saved_as (the version
# whose conventions the file follows: "0.9.5", "0.10.3", "0.11.0.dev0"), old_signs (3j symbols of e3nn 0.4),
# stepped (with the state of an optimiser that has taken a step).
BASE = dict(elements=[1, 8, 29], channel=4, lmax=1, num_convolution_layer=2, cutoff=4.0, weight_nn_hidden_neurons=[8, 6],
            radial_basis={"radial_basis_name": "bessel", "bessel_basis_num": 5}, self_connection_type="linear")  # fmt: skip
XPLOR = {"cutoff_function_name": "XPLOR", "cutoff_on": 3.4}
MODAL = dict(heads=["PBE", "R2SCAN"], use_modality=True)
# Signs that e3nn changed after 0.4
CHANGED = {(1, 2, 2), (2, 1, 2), (2, 2, 1), (1, 3, 3), (3, 1, 3), (3, 3, 1)}


def poly(p):
    return {"cutoff_function_name": "poly_cut", "poly_cut_p_value": p}


def bessel(n, trained=True):
    return {"radial_basis_name": "bessel", "bessel_basis_num": n, "trainable_coeff": trained}


def fcn(activation, *hidden):
    return dict(readout_as_fcn=True, readout_fcn_activation=activation, readout_fcn_hidden_neurons=list(hidden))


def act(e_scalar, o_scalar, e_gate, o_gate):
    return dict(act_scalar={"e": e_scalar, "o": o_scalar}, act_gate={"e": e_gate, "o": o_gate})


# One idea each; together with ../shared/reference/sevennet every option of the family.
TWINS = {
    "odd-channels": dict(is_parity=False, lmax=2, num_convolution_layer=3, cutoff_function=XPLOR, elements=[1, 29],
                         irreps_manual=["5x0e", "5x0e+3x1e+1x2e", "3x0e+5x1e+2x2e", "7x0e"]),
    "parity-l3-nequip-bias": dict(lmax=3, channel=3, use_bias_in_linear=True, self_connection_type="nequip",
                                  radial_basis=bessel(6, False), cutoff_function=poly(9), weight_nn_hidden_neurons=[12]),
    "edge1-node2": dict(is_parity=False, lmax=2, lmax_edge=1, lmax_node=2, num_convolution_layer=3, elements=[1, 22, 29]),
    "edge3-node1-mixed": dict(lmax=2, lmax_edge=3, lmax_node=1, num_convolution_layer=3, channel=5,
                              self_connection_type=["linear", "nequip", "linear"], cutoff_function=XPLOR),
    "five-layers": dict(num_convolution_layer=5, channel=5, act_radial="tanh", elements=[29], conv_denominator=[3.0, 5.0, 4.0, 6.0, 5.5]),
    "parity-gates-odd": dict(lmax=2, num_convolution_layer=4, channel=3, act_radial="ssp", use_bias_in_linear=True,
                             **act("ssp", "abs", "ssp", "abs")),
    "manual-parities": dict(lmax=2, num_convolution_layer=3, elements=[6, 29], weight_nn_hidden_neurons=[7, 6, 5],
                            irreps_manual=["6x0e", "5x0e+3x1o+2x2e", "4x0o+6x0e+2x1o+3x1e+1x2o+2x2e", "5x0e"]),
    # blocks in any order, and one irrep in several blocks: sevenn takes what e3nn does
    "manual-order": dict(is_parity=False, lmax=2, num_convolution_layer=3, irreps_manual=["4x0e", "2x2e+3x1e+5x0e", "4x0e+3x1e", "6x0e"]),
    "manual-repeated": dict(is_parity=False, num_convolution_layer=3,
                            irreps_manual=["4x0e", "4x0e+2x0e+3x1e", "4x0e+3x1e+2x1e", "6x0e"]),
    "last-layer-vectors": dict(is_parity=False, elements=[1, 29], irreps_manual=["4x0e", "4x0e+3x1e", "5x0e+2x1e"]),
    "scalars-only": dict(lmax=0, channel=6, num_convolution_layer=3, act_radial="sigmoid"),
    "rawsph-so3-l3": dict(is_parity=False, lmax=3, channel=3, _normalize_sph=False, conv_denominator=40.0, cutoff_function=poly(4)),
    "fcn-relu": dict(**fcn("relu", 9, 7, 5), act_radial="elu"),
    "fcn-tanh": dict(**fcn("tanh", 6), num_convolution_layer=1, channel=7, act_radial="abs", elements=[29]),
    "fcn-abs": dict(**fcn("abs", 8, 8), is_parity=False, lmax=2, act_radial="relu"),
    "fcn-ssp": dict(**fcn("ssp", 5, 6), use_bias_in_linear=True, self_connection_type="nequip"),
    "fcn-sigmoid": dict(**fcn("sigmoid", 12), is_parity=False, shift=-1.5),
    "modal-node": dict(**MODAL, use_modal_node_embedding=True, use_modal_wise_scale=True, self_connection_type="nequip"),
    "modal-intro": dict(**MODAL, use_modal_self_inter_intro=True, is_parity=False, lmax=2),
    "modal-outro-bias": dict(MODAL, heads=["a", "b", "c"], use_modal_self_inter_outro=True, use_modal_wise_shift=True,
                             use_bias_in_linear=True, num_convolution_layer=3),
    "modal-output": dict(**MODAL, use_modal_output_block=True, shift=-2.0, scale=1.3, use_modal_wise_shift=True),
    "modal-shift-only": dict(**MODAL, use_modal_wise_shift=True, use_modal_wise_scale=True),
    "modal-fcn": dict(**MODAL, **fcn("silu", 7), use_modal_output_block=True, use_modal_self_inter_intro=True,
                      use_modal_wise_shift=True, lmax=2, channel=3),
    "trained-denominators": dict(train_denominator=True, train_shift_scale=True, conv_denominator=[3.3, 7.1, 4.2],
                                 num_convolution_layer=3, stepped=True, is_parity=False, lmax=2, channel=5, scale=1.2),
    "global-shift": dict(shift=-3.25, elements=[1, 29], is_parity=False),
    "global-both": dict(shift=-3.25, scale=0.8, elements=[13, 22, 23], cutoff_function=poly(6)),
    "defaults": dict(radial_basis={"radial_basis_name": "bessel"}, cutoff_function={"cutoff_function_name": "poly_cut"},
                     weight_nn_hidden_neurons=[64, 64], channel=8),
    "long-cutoff": dict(cutoff=6.0, lmax=2, channel=3, elements=[22, 29], is_parity=False, conv_denominator=35.5, cutoff_function=dict(XPLOR, cutoff_on=5.5)),
    "univ": dict(elements=list(range(1, 95)), is_parity=False, cutoff_function=XPLOR, channel=3),
    "radial-three": dict(weight_nn_hidden_neurons=[10, 9, 11], channel=5, lmax=2, radial_basis=bessel(3)),
    "radial-one": dict(weight_nn_hidden_neurons=[5], channel=3, lmax=3, radial_basis=bessel(1), num_convolution_layer=1),
    # what other versions wrote
    "v09-parity-old-signs": dict(saved_as="0.9.5", old_signs=True, lmax=2, channel=3, num_convolution_layer=3, cutoff_function=XPLOR),
    # sevenn >= 0.11 opens this one wrongly (see the reference's README): --check differs, the answers are right
    "v09-parity-shared-triples": dict(saved_as="0.9.5", old_signs=True, lmax=2, channel=3, num_convolution_layer=4),
    "v09-so3-l3-old-signs": dict(saved_as="0.9.4", old_signs=True, is_parity=False, lmax=3, channel=3, self_connection_type="nequip",
                                 _normalize_sph=True),
    "v010-old-signs": dict(saved_as="0.10.3", old_signs=True, is_parity=False, lmax=2, channel=5, num_convolution_layer=3),
    "v010-modal": dict(MODAL, saved_as="0.10.4", use_modal_self_inter_intro=True, use_modal_output_block=True, is_parity=False, lmax=2,
                       use_modal_wise_shift=True),
    "v011dev0-parity": dict(saved_as="0.11.0.dev0", lmax=2, channel=3),
    "v011": dict(saved_as="0.11.2", lmax=2, channel=3, num_convolution_layer=3),
    "v012-old-signs": dict(saved_as="0.12.1", old_signs=True, is_parity=False, lmax=3, channel=3),
}  # fmt: skip

# Small enough for the tree; what ../shared has not.
TREE = {
    "s-parity-l3": dict(lmax=3, lmax_edge=2, channel=3, use_bias_in_linear=True, self_connection_type=["nequip", "linear"],
                        elements=[1, 29], radial_basis=bessel(3, False), cutoff_function=poly(5), weight_nn_hidden_neurons=[6]),
    "s-manual": dict(lmax=2, num_convolution_layer=3, elements=[1, 29], weight_nn_hidden_neurons=[6, 5, 4], cutoff_function=XPLOR,
                     irreps_manual=["3x0e", "4x0e+3x1o+1x2e", "2x0o+3x0e+2x1o+1x1e+2x2e", "5x0e"], radial_basis=bessel(4),
                     train_denominator=True, conv_denominator=[3.3, 7.1, 4.2], **act("ssp", "abs", "silu", "abs")),
    "s-modal": dict(heads=["PBE", "R2SCAN", "hse"], use_modality=True, use_modal_self_inter_intro=True, use_modal_output_block=True,
                    use_modal_wise_shift=True, use_modal_wise_scale=True, is_parity=False, lmax=2, channel=3, elements=[1, 29],
                    weight_nn_hidden_neurons=[6, 6], use_bias_in_linear=True),
    "s-fcn": dict(**fcn("ssp", 5, 4), is_parity=False, elements=[1, 29], act_radial="tanh", num_convolution_layer=1, channel=3,
                  lmax=2, shift=-2.25, weight_nn_hidden_neurons=[6], _normalize_sph=False, conv_denominator=30.0),
    "s-v09": dict(saved_as="0.9.5", old_signs=True, lmax=2, channel=3, num_convolution_layer=2, cutoff_function=XPLOR, elements=[1, 29],
                  weight_nn_hidden_neurons=[6, 6], self_connection_type="nequip"),
}  # fmt: skip


# ---- models -----------------------------------------------------------------------------------------------------------


def sorted_species(elements):
    """Indices are in the order of the symbols, as sevenn's."""
    return [atomic_numbers[s] for s in sorted(chemical_symbols[z] for z in elements)]


def config_of(options, rng):
    """sevenn's whole config, as a training run leaves it in a checkpoint."""
    o = {**copy.deepcopy(BASE), **copy.deepcopy(options)}
    species, heads = sorted_species(o.pop("elements")), o.pop("heads", [])
    config = {}
    for defaults in (const.DEFAULT_E3_EQUIVARIANT_MODEL_CONFIG, const.DEFAULT_DATA_CONFIG, const.DEFAULT_TRAINING_CONFIG):
        config.update(copy.deepcopy(defaults))
    layers = o["num_convolution_layer"]
    config.update(conv_denominator=rng.uniform(3, 8, layers).round(3).tolist(), save_dataset_path=False)

    def numbers(centre, spread):
        return (centre + spread * rng.normal(size=len(species))).tolist()

    def values(centre, spread, by_modality):
        if not by_modality:
            return numbers(centre, spread)
        found = {}
        for head in heads:  # as sevenn keeps them: a list over all Z
            of_z = dict(zip(species, numbers(centre, spread)))
            found[head] = [of_z.get(z, 0.0) for z in range(const.NUM_UNIV_ELEMENT)]
        return found

    config.update(shift=values(-3, 2, o.get("use_modal_wise_shift")), scale=values(1, 0.2, o.get("use_modal_wise_scale")))
    config.update({k: v for k, v in o.items() if k not in ("saved_as", "old_signs", "stepped")})
    config.update(
        version="0.13.0",
        _model_type="E3_equivariant_model",
        device=torch.device("cpu"),
        chemical_species=[chemical_symbols[z] for z in species],
        _chemical_species_by_atomic_number=species,
        _number_of_species=len(species),
        _type_map={z: k for k, z in enumerate(species)},
    )
    if heads:
        config.update(_modal_map={head: k for k, head in enumerate(heads)}, _number_of_modalities=len(heads))
    if not isinstance(config["conv_denominator"], list):
        config["conv_denominator"] = [config["conv_denominator"]] * layers
    return config


def randomise(model, generator):
    """Random values wherever the constructor leaves zeros or exact numbers, so that no term can be missed."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith(".bias"):
                p.copy_(0.3 * torch.randn(p.shape, generator=generator))
            elif name.endswith("basis_function.coeffs"):
                p.mul_(1 + 0.02 * torch.randn(p.shape, generator=generator))


def save(model, config, path, stepped):
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.004, amsgrad=bool(stepped))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma=0.99)
    state = copy.deepcopy(model.state_dict())
    if stepped:
        for p in model.parameters():
            p.grad = torch.zeros_like(p) if p.requires_grad else None
        optimiser.step()
    torch.save(dict(model_state_dict=state, optimizer_state_dict=optimiser.state_dict(), scheduler_state_dict=schedule.state_dict(),
                    time="2026-01-01 12:00", hash=hashlib.md5(path.encode()).hexdigest(), config=config, epoch=1), path)  # fmt: skip


def as_version(path, model, version, old_signs):
    """Rewrites the file as sevenn `version` would have written it (see ../shared/reference/sevennet/README.md)."""
    file = torch.load(path, weights_only=False)
    state, config = file["model_state_dict"], file["config"]
    number = tuple(map(int, version.split(".")[:2]))
    enumerated = number < (0, 11) or version.endswith("dev0")
    for t in range(config["num_convolution_layer"]):
        conv = model._modules[f"{t}_convolution"]
        first, second, out = (conv.convolution_kwargs[k] for k in ("irreps_in1", "irreps_in2", "irreps_out"))
        last = f"{t}_convolution.weight_nn.layer{len(config['weight_nn_hidden_neurons'])}.weight"
        before = [i[:3] for i in conv._instructions_before_sort]
        after = sorted(before, key=lambda i: i[2])
        columns = torch.split(state[last], [first[i[0]].mul for i in after], dim=1)
        columns = dict(zip(after, columns))
        for i in after:
            l = (first[i[0]].ir.l, second[i[1]].ir.l, out[i[2]].ir.l)
            if old_signs and l in CHANGED:
                columns[i] = -columns[i]
        state[last] = torch.cat([columns[i] for i in (before if enumerated else after)], dim=1).contiguous()
        for l in CHANGED if old_signs else ():
            key = f"{t}_convolution.convolution._compiled_main_left_right._w3j_{l[0]}_{l[1]}_{l[2]}"
            if key in state:
                state[key] = -state[key]
    config["version"] = version
    if number < (0, 10):
        for key in ("time", "hash"):
            del file[key]
        normalised = config["_normalize_sph"]
        for key in ("conv_denominator", "train_denominator", "interaction_type", "use_flash_tp", "cuequivariance_config", "use_oeq",
                    "_normalize_sph"):  # fmt: skip
            del config[key]
        if normalised:
            config["_normalize_sph"] = True
        config.update(avg_num_neigh=[15.0] * config["num_convolution_layer"], train_avg_num_neigh=False, optimize_by_reduce=True)
        config.update({k: np.array(config[k]) for k in ("shift", "scale") if isinstance(config[k], list)})
    torch.save(file, path)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def plain(x):
    """For JSON."""
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x if isinstance(x, (str, int, float, bool, type(None))) else x.tolist() if hasattr(x, "tolist") else str(x)


def make(name, options, folder, seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    config = config_of(options, rng)
    # atoms of a twin for many elements: five of them
    elements = sorted(config["_type_map"])
    frames = structures(rng, elements if len(elements) < 9 else [1, 8, 79, 13, 29])
    base = os.path.join(folder, name)
    ase.io.write(base + ".xyz", frames, format="extxyz")
    frames = oracle.read_frames(base + ".xyz")

    model = build_E3_equivariant_model(copy.deepcopy(config))
    randomise(model, torch.Generator().manual_seed(seed + 1))
    in_double = build_E3_equivariant_model(copy.deepcopy(config))
    in_double.load_state_dict(model.state_dict())
    in_double = oracle.in_double(in_double)
    largest = max(np.abs(a["forces"]).max() for a in oracle.answers(in_double, config, frames))
    factor = 2.0 / largest  # the largest force is about 2 eV/Angstrom
    with torch.no_grad():
        model.rescale_atomic_energy.scale.mul_(factor)
        in_double.rescale_atomic_energy.scale.copy_(model.rescale_atomic_energy.scale)
    scale = config["scale"]
    config["scale"] = ({k: [factor * x for x in v] for k, v in scale.items()} if isinstance(scale, dict)
                       else [factor * x for x in scale] if isinstance(scale, list) else factor * scale)  # fmt: skip

    save(model, config, base + ".pth", options.get("stepped"))
    result = oracle.answers(in_double, config, frames)
    if "saved_as" in options:
        as_version(base + ".pth", model, options["saved_as"], options.get("old_signs"))
        config = torch.load(base + ".pth", weights_only=False)["config"]
    with open(base + ".json", "w") as f:  # one answer a line: the files in the tree stay readable and diff well
        f.write('{"model": %s,\n "architecture": %s,\n "units": "eV, eV/Angstrom, eV/Angstrom^3",\n "checkpoint": %s, "sha256": %s,\n "answers": [\n  '
                % tuple(map(json.dumps, (name, dict(heads=oracle.heads_of(config), z=elements, config=plain(config)), name + ".pth",
                                         digest(base + ".pth")))))  # fmt: skip
        f.write(",\n  ".join(json.dumps(a) for a in result))
        f.write("\n ]}\n")
    print(f"{name:24s} {os.path.getsize(base + '.pth') / 1024:6.0f} kB", flush=True)


def check(path):
    """Largest difference between this generator's answers and those in `path`."""
    with open(path) as f:
        want = json.load(f)["answers"]
    base = path[: -len(".json")]
    model, config = oracle.open_double(base + ".pth")
    worst = oracle.largest_difference(want, oracle.answers(model, config, oracle.read_frames(base + ".xyz")))
    print(f"{os.path.basename(base):28s}", {q: f"{e:.1e}" for q, e in worst.items()}, flush=True)
    return max(worst.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", action="store_true", help="make the small twins of tests/parity/sevennet-twins/")
    parser.add_argument("--only", nargs="+", default=None, help="names (or beginnings of names) to make")
    parser.add_argument("--seed", type=int, default=0, help="other random numbers")
    parser.add_argument("--out", default=None, help="folder")
    parser.add_argument("--check", nargs="+", default=None, metavar="JSON", help="compare with these answers and stop")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.check:
        return 0 if max([check(p) for p in args.check]) < 1e-12 else 1
    folder = args.out or (os.path.join(HERE, "sevennet-twins") if args.tree else os.path.join(ROOT, "build", "sevennet-twins"))
    os.makedirs(folder, exist_ok=True)
    failed = []
    for k, (name, options) in enumerate((TREE if args.tree else TWINS).items()):
        if args.only and not any(name.startswith(p) for p in args.only):
            continue
        try:
            make(name, options, folder, seed=91 + 1000 * args.seed + k)
        except Exception as e:  # listed, not hidden
            failed.append(name)
            print(f"{name:24s} sevenn cannot: {type(e).__name__}: {(str(e).splitlines() or [''])[-1]}"[:220], flush=True)
    if failed:
        print(f"not made: {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
