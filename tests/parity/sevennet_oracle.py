"""What sevenn 0.13 says in float64: the oracle of the SevenNet twins. Needs the Python of `bench/setup_rivals.sh sevenn`.

Parameters are the file's float32 values; all else is float64. `model.double()` alone is not enough: e3nn keeps 3j symbols as
float32 buffers (up to 5e-9 eV an atom). They are replaced by float64 ones of the sign that the model holds."""

import os
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import ase.io
import numpy as np
import sevenn._keys as KEY
import torch
from e3nn.o3 import wigner_3j
from sevenn.atom_graph_data import AtomGraphData
from sevenn.checkpoint import SevenNetCheckpoint
from sevenn.nn.node_embedding import OnehotEmbedding
from sevenn.train.dataload import unlabeled_atoms_to_graph


def one_hot_in_double(module, _, data):
    """A hook: sevenn makes one-hot vectors of float32, whatever the model is."""
    for key in filter(None, (module.key_output, module.key_additional_output)):
        data[key] = data[key].double()


def in_double(model):
    """`model` in float64, also its 3j symbols."""
    model = model.double()
    model.set_is_batch_data(False)
    for module in model.modules():
        if isinstance(module, OnehotEmbedding):
            module.register_forward_hook(one_hot_in_double)
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            at = name.rfind("_w3j_")
            if at >= 0:
                exact = wigner_3j(*map(int, name[at + 5 :].split("_")), dtype=torch.float64)
                if torch.sum(exact * buffer) < 0:
                    exact = -exact
                assert torch.allclose(exact, buffer, rtol=0, atol=1e-6), name
                buffer.copy_(exact)
    return model


def open_double(path):
    """(model in float64, the checkpoint's config)"""
    checkpoint = SevenNetCheckpoint(path)
    return in_double(checkpoint.build_model()), checkpoint.config


def heads_of(config):
    """As the answers name them: modalities in the order of their index."""
    modalities = config.get(KEY.MODAL_MAP) if config.get(KEY.USE_MODALITY) else None
    return sorted(modalities, key=modalities.get) if modalities else ["Default"]


def graph(atoms, cutoff, head):
    arrays = unlabeled_atoms_to_graph(atoms, cutoff)
    data = AtomGraphData.from_numpy_dict(dict(arrays))
    for key, value in arrays.items():  # which from_numpy_dict rounds to float32
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            data[key] = torch.from_numpy(np.array(value))
    if head != "Default":
        data[KEY.DATA_MODALITY] = head
    return data


def evaluate(model, config, atoms, head):
    """energy, node energies, forces and stress (None unless periodic in all three directions) as tensors that still know
    where they come from; sevenn keeps that of forces when model.training."""
    out = model(graph(atoms, config[KEY.CUTOFF], head))
    stress = -out[KEY.PRED_STRESS].reshape(-1)[[0, 1, 2, 4, 5, 3]] if all(atoms.pbc) else None
    return out[KEY.PRED_TOTAL_ENERGY].reshape(()), out[KEY.ATOMIC_ENERGY].reshape(-1), out[KEY.PRED_FORCE], stress


def answers(model, config, frames):
    """The list that goes into NAME.json."""
    model.eval()
    found = []
    for head in heads_of(config):
        for k, atoms in enumerate(frames):
            energy, node_energy, forces, stress = evaluate(model, config, atoms, head)
            found.append(dict(frame=k, head=head, energy=energy.item(), forces=forces.tolist(),
                              node_energy=node_energy.tolist(), stress=None if stress is None else stress.tolist()))  # fmt: skip
    return found


def largest_difference(want, got):
    """quantity -> largest |difference| of two lists of answers; inf if they are not of the same frames."""
    if [(a["frame"], a["head"]) for a in want] != [(a["frame"], a["head"]) for a in got]:
        return {"frames": np.inf}
    return {q: max((np.abs(np.subtract(a[q], b[q])).max() for a, b in zip(want, got) if a[q] is not None), default=0.0)
            for q in ("energy", "node_energy", "forces", "stress")}  # fmt: skip


def read_frames(path):
    return ase.io.read(path, ":")
