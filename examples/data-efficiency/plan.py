"""What is trained in this study: data sets, modes, settings, and the list of runs. Standard library only."""

import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DATA = os.path.join(os.path.dirname(ROOT), "shared", "data")
FOUNDATION_TRAIN = os.path.join(DATA, "foundation", "train.xyz")
FOUNDATION_VALID = os.path.join(DATA, "foundation", "valid.xyz")

FRACTIONS = (0.025, 0.05, 0.1, 0.2, 0.5, 1.0)
BATCH = 2
STEPS = 500
LONG_STEPS = 4000

# The architecture of potentials/ftl-metals-0.yaml, with new weights.
SCRATCH = {"scratch.hidden": "32x0e+32x1o", "scratch.r_max": 5, "scratch.correlation": 3, "scratch.max_ell": 3,
           "scratch.zbl": "true"}  # fmt: skip

# What each mode trains, and its learning rate: the best on valid of those tried at 10 % of h2cu (README).
MODES = {
    "scratch": {**SCRATCH, "optimiser.lr": 0.01},
    "f0": {"freeze": "f0", "optimiser.lr": 0.01},
    "f4": {"freeze": "f4", "optimiser.lr": 0.01},
    "f5": {"freeze": "f5", "optimiser.lr": 0.03},
    "f6": {"freeze": "f6", "optimiser.lr": 0.1},
    "radial": {"train": "radial", "optimiser.lr": 0.03},
    "linears": {"train": "linear_up,linear,skip,product.linear", "optimiser.lr": 0.02},
    "products": {"train": "product.weights,readout", "optimiser.lr": 0.03},
}
FINE_TUNED = tuple(mode for mode in MODES if mode != "scratch")

LONG_MODE = {"h2cu": "linears", "ti64": "f4"}
# Modes that train tensors with a part for each element to which weight decay applies (README, what is forgotten).
DECAYING = ("f0", "f4", "f5", "products")
MO_MODES = ("scratch", "f0", "f4", "f5", "linears")

SLOW_RATE = 0.005  # of a run with replay, a quarter of the mode's own

COMMON = {"batch_size": BATCH, "schedule.kind": "cosine", "ema": 0.99, "precision": "mixed", "threads": 1,
          "cache_mb": 700, "loss.energy": 300, "loss.forces": 100}  # fmt: skip

# `every`: only every so many structures of valid are validated on after each epoch.
SETS = {
    "h2cu": {"train": "h2cu/train.xyz", "valid": "h2cu/valid.xyz", "every": 8, "test": "h2cu/test.xyz", "options": {}},
    "ti64": {"train": "ti64/train.xyz", "valid": "ti64/valid.xyz", "every": 3, "test": "ti64/test.xyz",
             "options": {"loss.stress": 100}},
    "mo": {"train": "mlearn/Mo_training.xyz", "valid": None, "test": "mlearn/Mo_test.xyz", "options": {}},
}  # fmt: skip


def frames_of(path):
    """The frames of an extended XYZ file, each as its text."""
    frames = []
    with open(path) as f:
        while line := f.readline():
            frames.append("".join([line] + [f.readline() for _ in range(int(line) + 1)]))
    return frames


def write_if_other(path, text):
    if os.path.exists(path):
        with open(path) as f:
            if f.read() == text:
                return
    with open(path + ".part", "w") as f:
        f.write(text)
    os.replace(path + ".part", path)


def prepare(work):
    """Writes the files that are not in shared/data as they are needed: part of valid, and Mo without what validates, one
    in ten of its shuffled structures."""
    for name, data in SETS.items():
        train, valid = os.path.join(DATA, data["train"]), os.path.join(work, f"{name}-valid.xyz")
        if data["valid"]:
            write_if_other(valid, "".join(frames_of(os.path.join(DATA, data["valid"]))[:: data["every"]]))
            continue
        frames = frames_of(train)
        random.Random(1).shuffle(frames)
        keep = len(frames) // 10
        write_if_other(valid, "".join(frames[:keep]))
        write_if_other(os.path.join(work, f"{name}-train.xyz"), "".join(frames[keep:]))


class Run:
    """One training run: its name, its folder, its options."""

    def __init__(
        self, work, foundation, data, mode, fraction, seed=1, steps=STEPS, replay=False, decay=True, rate=None
    ):
        self.data, self.mode, self.fraction = data, mode, fraction
        self.seed, self.steps, self.replay = seed, steps, replay
        self.long = steps != STEPS
        self.name = f"{data}-{100 * fraction:g}-{mode}"
        parts = ((replay, "replay"), (not decay, "nodecay"), (rate, f"lr{rate}"), (steps != STEPS, steps),
                 (seed != 1, f"s{seed}"))  # fmt: skip
        self.name += "".join(f"-{word}" for there, word in parts if there)
        self.folder = os.path.join(work, self.name)
        entry = SETS[data]
        train = os.path.join(DATA, entry["train"]) if entry["valid"] else os.path.join(work, f"{data}-train.xyz")
        self.options = {"data": train, "valid": os.path.join(work, f"{data}-valid.xyz"),
                        "test": os.path.join(DATA, entry["test"]), "fraction": fraction, "seed": seed, "steps": steps,
                        **COMMON, **entry["options"], **MODES[mode]}  # fmt: skip
        if mode != "scratch":
            self.options.update({"foundation": foundation, "elements": "all", "e0.kind": "fit"})
        if rate:
            self.options["optimiser.lr"] = rate
        if not decay:
            self.options["optimiser.weight_decay"] = 0
        if replay:
            # Half as many of the foundation's structures as of the new ones in an epoch, in batches that are larger
            # by half: as many new ones in a step as without replay.
            n = max(1, round(fraction * len(frames_of(train))))
            self.options.update({"replay.data": FOUNDATION_TRAIN, "replay.frames": n // 2,
                                 "batch_size": BATCH * 3 // 2})  # fmt: skip

    def shows_forgetting(self):
        return self.data != "mo" and self.fraction == 0.2 and self.mode != "scratch" and not self.long


def all_runs(work, foundation):
    """All runs, what the headline needs first."""

    def run(*arguments, **more):
        return Run(work, foundation, *arguments, **more)

    def curve(data, *fractions):
        return [run(data, mode, fraction) for fraction in fractions for mode in MODES]

    def forgetting(data):
        return [run(data, mode, 0.2, decay=False) for mode in DECAYING]

    def replay(data):
        return [run(data, mode, 0.2, decay=False, replay=True) for mode in FINE_TUNED] + \
            [run(data, "linears", 0.2, decay=False, replay=True, rate=SLOW_RATE)]  # fmt: skip

    def long(data, *fractions):
        return [run(data, "scratch", 1.0, steps=LONG_STEPS)] + \
            [run(data, LONG_MODE[data], fraction, steps=LONG_STEPS) for fraction in fractions]  # fmt: skip

    def molybdenum(fraction):
        return [run("mo", mode, fraction) for mode in MO_MODES]

    return [
        *curve("h2cu", 0.2, 1.0), *curve("ti64", 0.2, 1.0), *curve("h2cu", 0.1), *curve("ti64", 0.1, 0.025),
        *long("h2cu", 0.2), *forgetting("ti64"), *curve("h2cu", 0.025), *replay("ti64"), *curve("ti64", 0.05, 0.5),
        *molybdenum(0.2), *forgetting("h2cu"), *molybdenum(1.0), *curve("h2cu", 0.05, 0.5), *replay("h2cu"),
        *long("ti64", 0.2, 0.1), run("h2cu", LONG_MODE["h2cu"], 0.1, steps=LONG_STEPS),
        *[run(data, mode, 0.025, seed=seed) for data in ("ti64", "h2cu") for seed in (2, 3) for mode in MODES],
    ]  # fmt: skip
