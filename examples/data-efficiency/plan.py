"""What is trained in this study: targets, modes, settings, and the list of runs. Standard library only."""

import hashlib
import json
import os
import re
import subprocess

import published

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PUBLISHED = os.environ.get("MLEARN", os.path.join(ROOT, "build", "mlearn"))  # the folder with what published.py reads
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
DATA = os.path.join(SHARED, "data")

ALL = 0  # a size: every structure that is not validated on
SIZES = (12, 25, 50, 100, 200, 400, ALL)
SEEDS = (1, 2, 3)
LEVELS = ("f0", "f3", "f4", "f5")  # of a SevenNet of five layers: nothing frozen, layers 0 and 1, 0 to 2, 0 to 3 (and the embedding)

# What each mode trains. The first learning rate is the one to use until a search has found a better one.
LINEARS = "linear_up,linear,skip,readout"
MODES = {
    "scratch": {},
    **{level: {"freeze": level} for level in LEVELS},
    "linears": {"train": LINEARS},
    "radial": {"train": "radial,readout"},
    "skip": {"train": "skip,readout"},
    "lora": {"lora.rank": 8, "train": "readout"},
    "linear": {"method": "linear"},
    "linear+256": {"method": "linear", "random_features": 256},
    "f0-sevennet-0": {"freeze": "f0"},
}
SOLVED = ("linear", "linear+256")  # in closed form: no rate to search, no steps, and squares for the universal loss
OTHERS = {"f0-sevennet-0": "sevennet-0"}  # modes that begin with another foundation than the target's
ORDER = ("f0", "linears", "f3", "lora", "f4", "radial", "f5", "skip")  # the most telling first

# From scratch: a MACE that converges within the bound of time; SevenNet's family cannot be made anew.
SCRATCH = {"scratch.hidden": "32x0e+32x1o", "scratch.r_max": 5, "scratch.correlation": 3, "scratch.max_ell": 3,
           "scratch.zbl": "true"}  # fmt: skip

ALWAYS = {"precision": "mixed", "threads": 1, "cache_mb": 6000, "trust": "false", "loss.energy": 500, "loss.forces": 100}
COMMON = {**ALWAYS, "ema": 0.99, "schedule.kind": "cosine", "loss.kind": "universal"}
START = {"elements": "all", "e0.kind": "fit"}
TUNING = {**START, "optimiser.weight_decay": 0}
FROM_SCRATCH = {**SCRATCH, "batch_size": 5}


class Target:
    """A data set: files (valid: a file and each how many-th structure of it, or None: a tenth of the training file,
    drawn by the trainer), its foundation, options, and how long runs may be. `only`: (element, largest number of atoms) of the
    structures that are taken.

    steps, passes: the upper bound of a fine-tuning, and of a run from scratch: so many optimiser steps, or so many passes over
    the structures if that is more; it has to grow with them (README). Half of it without a better loss on valid ends a run.
    batch: of a fine-tuning, such that a step has some
    25 to 100 atoms; search: on how many structures the rates are tried; rates: the target whose
    search this one takes instead of one of its own, or None. published: names of the files of train and of test in PUBLISHED, in place of `train` and
    `test`; what is in a file of test is not trained on.
    """

    def __init__(self, title, train, valid, test, total, foundation, steps, passes, search, options=None, only=None, rates=None, batch=2, published=None):
        self.title, self.train, self.valid, self.test, self.total = title, train, valid, test, total
        self.foundation, self.steps, self.passes, self.search = foundation, steps, passes, search
        self.options, self.only, self.rates, self.batch, self.published = options or {}, only, rates, batch, published

    def count(self, size):
        return self.total if size == ALL else size

    def sizes(self):
        return [size for size in SIZES if size < self.total]


COPPER = ("Cu_AIMD.json", "Cu_Elastic.json", "Cu_Surface.json", "Cu_Vacancy.json")
TARGETS = {
    "ti": Target("Ti, cells of up to 6 atoms (UNEP-v1)", "tialv/train.xyz", ("tialv/valid.xyz", 1), "tialv/test.xyz", 113, "sevennet-l3i5",
                 {"tune": 1500, "scratch": 3000}, {"tune": 60, "scratch": 300}, 50, {"loss.stress": 10000}, ("Ti", 6)),
    "mo": Target("Mo (mlearn, DFT)", "mlearn/Mo_training.xyz", None, "mlearn/Mo_test.xyz", 175, "sevennet-l3i5",
                 {"tune": 1500, "scratch": 4000}, {"tune": 12, "scratch": 100}, 50, rates="ti"),
    "mo-stress": Target("Mo (mlearn, DFT with stresses)", None, None, None, 175, "sevennet-l3i5", {"tune": 1500, "scratch": 4000},
                        {"tune": 12, "scratch": 100}, 50, {"loss.stress": 10000}, rates="ti", published=(("Mo_training.json",), ("Mo_test.json",))),
    "tialv": Target("Ti\u2013Al\u2013V (UNEP-v1)", "tialv/train.xyz", ("tialv/valid.xyz", 4), "tialv/test.xyz", 2000, "sevennet-l3i5",
                    {"tune": 6000, "scratch": 8000}, {"tune": 20, "scratch": 60}, 50, {"loss.stress": 10000}, rates="ti"),
    "cu-stress": Target("Cu (mlearn, DFT with stresses)", None, None, None, 237, "sevennet-l3i5", {"tune": 500, "scratch": 4000},
                        {"tune": 10, "scratch": 100}, 25, {"loss.stress": 10000}, rates="ti", published=(COPPER, ("Cu_test.json",))),
    "h2cu": Target("H\u2082 on Cu", "h2cu/train.xyz", ("h2cu/valid.xyz", 8), "h2cu/test.xyz", 2000, "sevennet-l3i5",
                   {"tune": 1000, "scratch": 10000}, {"tune": 10, "scratch": 40}, 50),
    "water": Target("Water (hybrid DFT)", "water/train.xyz", ("water/valid.xyz", 5), "water/valid.xyz", 30, "go-mace",
                    {"tune": 600, "scratch": 4000}, {"tune": 12, "scratch": 100}, 12, {"labels": ""}),
}  # fmt: skip
RATES = {"scratch": (0.01, 0.003, 0.03), "f0": (0.003, 0.0015), "f0-sevennet-0": (0.003, 0.0015), "f3": (0.003, 0.01), "f4": (0.003, 0.01), "f5": (0.01, 0.03),
         "linears": (0.003, 0.01), "radial": (0.01, 0.03), "skip": (0.01, 0.03), "lora": (0.01, 0.03)}  # fmt: skip
SEARCH_STEPS = {"ti": 400, "h2cu": 250, "water": 180}  # of the search for a rate; three times as many from scratch


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


def is_only(text, element, largest):
    """Whether a frame has this element only, and at most so many atoms."""
    lines = text.splitlines()
    return int(lines[0]) <= largest and all(line.split()[0] == element for line in lines[2:])


def by_lattice(text):
    """The frame with its lattice as config_type, so that a draw has each phase in proportion."""
    return re.sub(r"config_type=(\w+) lattice=(\w+)", r"config_type=\2 kind=\1", text)


def missing(target):
    """The published files that this target would need."""
    return [path for files in TARGETS[target].published or () for file in files if not os.path.exists(path := os.path.join(PUBLISHED, file))]


def prepare(work, target):
    """Writes the files that shared/data does not have as they are needed: what `only` asks for, parts of valid, and of water
    what is tested on."""
    entry = TARGETS[target]
    if entry.published:
        train, test = ([os.path.join(PUBLISHED, file) for file in files] for files in entry.published)
        write_if_other(os.path.join(work, f"{target}-train.xyz"), "".join(published.frames(train, test)))
        write_if_other(os.path.join(work, f"{target}-test.xyz"), "".join(published.frames(test)))
    if entry.only:
        for what, file in (("train", entry.train), ("valid", entry.valid[0]), ("test", entry.test)):
            frames = [by_lattice(text) for text in frames_of(os.path.join(DATA, file)) if is_only(text, *entry.only)]
            write_if_other(os.path.join(work, f"{target}-{what}.xyz"), "".join(frames))
        return
    if entry.valid:
        file, every = entry.valid
        frames = frames_of(os.path.join(DATA, file))
        write_if_other(os.path.join(work, f"{target}-valid.xyz"), "".join(frames[::every]))
        if file == entry.test:
            write_if_other(os.path.join(work, f"{target}-test.xyz"), "".join(f for k, f in enumerate(frames) if k % every))


def foundation_of(target, mode):
    """Name of what a mode fine-tunes."""
    return OTHERS.get(mode, TARGETS[target].foundation)


class Run:
    """One training run: its name, its folder, its options. `foundations`: name -> file."""

    def __init__(self, work, foundations, target, mode, size, seed=1, rate=None, purpose="curve", steps=None, options=None):
        entry = TARGETS[target]
        self.target, self.mode, self.size, self.seed, self.purpose, self.rate = target, mode, size, seed, purpose, rate
        self.structures = entry.count(size)
        kind = "scratch" if mode == "scratch" else "tune"
        batch = FROM_SCRATCH["batch_size"] if mode == "scratch" else entry.batch
        epoch = -(-self.structures // batch)
        self.steps = max(epoch, steps or max(entry.steps[kind], entry.passes[kind] * epoch))
        patience = max(1, self.steps // (2 * epoch))  # in passes
        self.name = f"{target}-{'all' if size == ALL else size}-{mode}-s{seed}"
        if purpose != "curve":
            self.name += f"-{purpose}"
        if purpose == "search":
            self.name += f"-{rate:g}"
        self.folder = os.path.join(work, self.name)
        valid = os.path.join(work, f"{target}-valid.xyz") if entry.valid else None
        made = entry.only or entry.published  # by `prepare`
        train = os.path.join(work, f"{target}-train.xyz") if made else os.path.join(DATA, entry.train)
        if made or entry.valid and entry.valid[0] == entry.test:
            test = os.path.join(work, f"{target}-test.xyz")
        else:
            test = os.path.join(DATA, entry.test)
        self.options = {"data": train, "test": test, "seed": seed, "steps": self.steps,
                        **COMMON, **entry.options, **MODES[mode], "optimiser.lr": rate}  # fmt: skip
        if size != ALL:
            self.options["frames"] = size
        if valid:
            self.options["valid"] = valid
        else:
            self.options["valid_fraction"] = 0.1
        if patience < -(-self.steps // epoch):
            self.options["patience"] = patience
        if mode == "scratch":
            self.options.update(FROM_SCRATCH)
        else:
            self.options.update({"foundation": foundations[foundation_of(target, mode)], "batch_size": batch, **TUNING})
        if mode in SOLVED:
            self.options = {"data": train, "test": test, "seed": seed, **ALWAYS, **entry.options, **MODES[mode],
                            **{key: self.options[key] for key in ("frames", "valid", "valid_fraction", "foundation") if key in self.options},
                            **START}  # fmt: skip
        self.options.update(options or {})

    def digest(self):
        """What a line of results must have been made with to be kept: options, files by their names. Not what
        leaves the weights as they are (threads, memory, what teaches a model its errors), nor patience: where a run
        went to its bound, a longer one changes nothing; of those that it ended, remove the line after changing it."""
        files = ("data", "valid", "test", "foundation", "replay.data")
        plain = {k: os.path.basename(v) if k in files else v for k, v in self.options.items()}
        for name in ("threads", "cache_mb", "trust", "patience"):
            plain.pop(name, None)
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def best_rate(rows, target, mode):
    """The rate with the lowest loss on valid in the search, once all of its rates have been tried; else None."""
    if mode in SOLVED:
        return None
    target = TARGETS[target].rates or target
    tried = [row for row in rows if row["purpose"] == "search" and row["target"] == target and row["mode"] == mode]
    if {float(row["lr"]) for row in tried} < set(RATES[mode]):
        return None
    return float(min(tried, key=lambda row: float(row["valid_loss"]))["lr"])


class Search:
    """The runs by which the rate of a mode is chosen."""

    def __init__(self, target, mode):
        self.target, self.mode = target, mode

    def runs(self, work, foundations, rows):
        if TARGETS[self.target].rates:
            return []
        steps = SEARCH_STEPS[self.target] * (3 if self.mode == "scratch" else 1)
        return [Run(work, foundations, self.target, self.mode, TARGETS[self.target].search, rate=rate, purpose="search",
                    steps=steps) for rate in RATES[self.mode]]  # fmt: skip


class Point:
    """A point of a curve, which wants its rate chosen first."""

    def __init__(self, target, mode, size, seed):
        self.target, self.mode, self.size, self.seed = target, mode, size, seed

    def runs(self, work, foundations, rows):
        rate = best_rate(rows, self.target, self.mode)
        ready = rate or self.mode in SOLVED
        return [Run(work, foundations, self.target, self.mode, self.size, self.seed, rate)] if ready else []


# What the headline needs.
FIRST = (("ti", "f4", 12, 25), ("ti", "seeds"), ("ti", "f4", 50), ("tialv", "f4", 200), ("tialv", "scratch", ALL),
         ("ti", "f0", 25, 50, 12), ("ti", "f0-sevennet-0", 25, 50), ("ti", "scratch", 25, 50), ("tialv", "f4", 400), ("ti", "f0", ALL), ("ti", "f4", ALL),
         ("ti", "linears", 25, 50, 12, ALL), ("tialv", "f0", 200), ("mo", "f4", 100), ("mo", "scratch", ALL), ("mo", "f4", 25, 50), ("tialv", "chosen", 200, 400), ("mo-stress", "f4", 25, 100), ("mo-stress", "scratch", ALL),
         ("ti", "losses", "f4", 25), ("mo-stress", "losses", "f4", 25, "stress"), ("mo-stress", "losses", "scratch", ALL, "stress"), ("ti", "f5", 25, ALL, 50, 12), ("ti", "lora", 25, ALL, 50, 12), ("ti", "f3", 25, ALL, 50, 12),
         ("ti", "radial", 25, ALL, 50, 12), ("ti", "skip", 25, ALL, 50, 12))  # fmt: skip


LOSSES = {"squares": {"loss.kind": "weighted"}, "stress": {"loss.stress": 1000}, "both": {"loss.kind": "weighted", "loss.stress": 1000}}


class Loss:
    """A point of a curve with another loss than that of the curves."""

    def __init__(self, target, name, mode, size, seed):
        self.target, self.name, self.mode, self.size, self.seed = target, name, mode, size, seed

    def runs(self, work, foundations, rows):
        rate = best_rate(rows, self.target, self.mode)
        return [Run(work, foundations, self.target, self.mode, self.size, self.seed, rate, purpose=f"loss-{self.name}",
                    options=LOSSES[self.name])] if rate else []  # fmt: skip


class Chosen:
    """A point of a curve whose structures are not drawn but chosen by `frozentl select`, by their surroundings, without labels."""

    def __init__(self, target, mode, size, seed):
        self.target, self.mode, self.size, self.seed = target, mode, size, seed

    def file(self, work):
        return os.path.join(work, f"{self.target}-chosen-{self.size}.xyz")

    def runs(self, work, foundations, rows):
        rate = best_rate(rows, self.target, self.mode)
        if not rate:
            return []
        run = Run(work, foundations, self.target, self.mode, self.size, self.seed, rate, purpose="chosen")
        run.options["data"] = self.file(work)
        del run.options["frames"]
        return [run]

    def choose(self, frozentl, work, foundations):
        """Writes the file, in seconds."""
        if os.path.exists(self.file(work)):
            return
        candidates = os.path.join(DATA, TARGETS[self.target].train)
        part = self.file(work) + ".part"
        subprocess.run([frozentl, "select", foundations[foundation_of(self.target, self.mode)], candidates, "-n", str(self.size), "-t", "1", "-o", part],
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        os.replace(part, self.file(work))


class Replay:
    """A point of a curve with replay: in an epoch half as many structures of the foundation's kind as new ones, labelled by
    itself, in batches that are larger by half, so that a step sees as many new ones; at a third of the rate (README)."""

    SIZE = 50

    def __init__(self, target, mode):
        self.target, self.mode = target, mode

    def runs(self, work, foundations, rows):
        rate = best_rate(rows, self.target, self.mode)
        options = {"replay.data": os.path.join(DATA, "foundation", "train.xyz"), "replay.frames": self.SIZE // 2,
                   "batch_size": 3 * TARGETS[self.target].batch // 2}  # fmt: skip
        return [Run(work, foundations, self.target, self.mode, self.SIZE, 1, rate / 3, purpose="replay", options=options)] if rate else []


def whole_plan():
    """All there is to do, what the headline needs first."""
    tasks = []

    def points(target, modes, sizes, seeds):
        tasks.extend(Point(target, mode, size, seed) for seed in seeds for mode in modes for size in sizes)

    for target, mode, *sizes in FIRST:
        if mode == "seeds":
            points(target, ("f4",), (12,), SEEDS[1:])
            tasks.append(Search(target, "scratch"))
            points(target, ("scratch",), (ALL,), SEEDS[:1])
            points(target, ("f4",), (25,), SEEDS[1:])
            points(target, ("scratch",), (ALL,), SEEDS[1:])
            points(target, ("f4",), (50,), SEEDS[1:])
        elif mode == "chosen":
            tasks.extend(Chosen(target, "f4", size, seed) for seed in SEEDS[:2] for size in sizes)
        elif mode == "losses":
            mode, size, *names = sizes
            tasks.extend(Loss(target, name, mode, size, seed) for seed in SEEDS for name in names or LOSSES)
        else:
            tasks.append(Search(target, mode))
            points(target, (mode,), sizes, (1,))
    points("ti", SOLVED, (12, 25, 50, ALL), (1,))
    tasks.extend(Replay("ti", mode) for mode in ("f0", "linears", "f4"))
    for target in TARGETS:
        tasks.extend(Search(target, mode) for mode in ("scratch", *ORDER))
        sizes = (*TARGETS[target].sizes(), ALL)
        for seed in SEEDS:
            points(target, ("scratch", *ORDER), [size for size in sizes if tunes(target, size)], (seed,))
            points(target, ("scratch",), [size for size in sizes if not tunes(target, size)], (seed,))
    return tasks


def tunes(target, size):
    """Whether this size is fine-tuned on too: above 400 structures only scratch is trained."""
    return TARGETS[target].count(size) <= 400
