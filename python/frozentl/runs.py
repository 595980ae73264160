"""Training, fitting, distilling and evaluating: the command `frozentl` with a recipe's keys as arguments, and its results as arrays.

    run = frozentl.train(data="train.xyz", foundation="sevennet-0", output="run", freeze=["f5"], optimiser={"lr": 0.002})
    run.log["valid_loss"], run.errors, run.model()

Keys are those of docs/training.md and docs/surrogate.md; sections are dictionaries. Relative paths are relative to the current folder.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from typing import Any, Callable, Mapping, Optional, Sequence, Union

import numpy as np
from numpy.typing import NDArray

from ._calibration import Calibration, calibration
from ._command import CommandError, run as _run

Path = Union[str, "os.PathLike[str]"]
Progress = Optional[Callable[[dict[str, Any]], None]]
Table = dict[str, NDArray[Any]]

__all__ = ["Calibration", "CommandError", "Evaluation", "Run", "calibration", "distill", "evaluate", "fit", "train", "trust"]


def _column(words: Sequence[str]) -> NDArray[Any]:
    """Numbers where all are numbers or empty (nan), words else."""
    try:
        return np.array([float(w) if w else np.nan for w in words])
    except ValueError:
        return np.array(words, dtype=str)


def read_table(path: Path) -> Table:
    """A CSV file with a header, by column."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return {name: _column([row[k] for row in rows[1:]]) for k, name in enumerate(rows[0])} if rows else {}


class Run:
    """The folder of a run of train, fit or distill. Tables are read when they are asked for, so those of a run that goes on grow."""

    def __init__(self, path: Path):
        self.path = os.path.abspath(os.fspath(path))
        if not os.path.exists(os.path.join(self.path, "recipe.yaml")):
            raise FileNotFoundError(f"{self.path} is not the folder of a run: it has no recipe.yaml")

    def file(self, name: str) -> str:
        """The path of a file of the run; FileNotFoundError if it is not there (yet)."""
        path = os.path.join(self.path, name)
        if not os.path.exists(path):
            raise FileNotFoundError(f"{self.path} has no {name}: the run has not come so far, or it is of another kind")
        return path

    @property
    def log(self) -> Table:
        """log.csv by column: epoch, train_loss, valid_loss, energy_rmse (eV/atom), forces_rmse (eV/Angstrom), ... of train."""
        return read_table(self.file("log.csv"))

    @property
    def events(self) -> list[dict[str, Any]]:
        """log.jsonl: what was found in the data, a dictionary per epoch, how the run ended."""
        with open(self.file("log.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    @property
    def errors(self) -> Table:
        """errors.csv by column: RMSE and MAE by set and config_type, of a finished run."""
        return read_table(self.file("errors.csv"))

    def predictions(self, which: str = "test") -> Table:
        """predictions-WHICH.csv by column, of a finished run of train; `which`: valid or test."""
        return read_table(self.file(f"predictions-{which}.csv"))

    @property
    def report(self) -> dict[str, Any]:
        """report.json of fit and distill."""
        with open(self.file("report.json"), encoding="utf-8") as file:
            return json.load(file)

    def model(self, **options: Any):
        """model.ftl, or model.yace where no .ftl stores the potential (embedding), opened: Model's options."""
        from .model import Model

        yace = not os.path.exists(os.path.join(self.path, "model.ftl")) and os.path.exists(os.path.join(self.path, "model.yace"))
        return Model(self.file("model.yace" if yace else "model.ftl"), **options)

    def plot(self, form: str = "svg") -> list[str]:
        """Draws the pictures of docs/plots.md into the run's folder `plots`; their paths."""
        folder = os.path.join(self.path, "plots")
        _run(["plot", self.path, "--format", form])
        return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith("." + form))

    def __repr__(self) -> str:
        return f"Run({self.path!r})"


def _resume(command: str, run: Path, progress: Progress, keys: Mapping[str, Any]) -> Run:
    old = Run(run)
    changes = [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
    _run([command, "--resume", old.path, "--quiet", *changes], log=os.path.join(old.path, "log.jsonl"), progress=progress)
    return old


def _plain(value: Any) -> Any:
    """What JSON can hold: paths as text, NumPy's numbers as Python's."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if isinstance(value, np.generic) else value


def _start(command: str, output: Path, progress: Progress, keys: Mapping[str, Any]) -> Run:
    """A recipe in JSON, which YAML contains, in the current folder, as its paths are relative to where it lies."""
    output = os.path.abspath(os.fspath(output))
    handle, recipe = tempfile.mkstemp(prefix=".frozentl-", suffix=".yaml", dir=os.getcwd())
    try:
        with os.fdopen(handle, "w") as file:
            json.dump({k: _plain(v) for k, v in keys.items() if v is not None}, file)
        _run([command, recipe, "-o", output, "--quiet"], log=os.path.join(output, "log.jsonl"), progress=progress)
    finally:
        os.unlink(recipe)
    return Run(output)


def train(data: Union[Path, Sequence[Path], None] = None, *, foundation: Optional[Path] = None, output: Path = "run",
          resume: Optional[Path] = None, progress: Progress = None, **keys: Any) -> Run:  # fmt: skip
    """Fine-tunes `foundation` (a file or the name of a published one), or trains a new model without one, on the labelled structures of
    `data`, into the folder `output`. `keys`: any other of the recipe (docs/training.md): freeze=["f5"], loss={"energy": 500}, epochs=20.
    progress: called with each line of log.jsonl as a dictionary; an exception in it, or Ctrl-C, ends the run in order, and
    train(resume=FOLDER) goes on to the same bits (with keys: those that a resumed run may change, as epochs).
    CommandError for what the command refuses, in its words."""
    if resume is not None:
        if data is not None or foundation is not None:
            raise TypeError("resume goes on with a run's own data and foundation: leave them out")
        return _resume("train", resume, progress, keys)
    return _start("train", output, progress, dict(keys, data=data, foundation=foundation))


def fit(data: Union[Path, Sequence[Path], None] = None, *, output: Path = "run", resume: Optional[Path] = None, progress: Progress = None,
        **keys: Any) -> Run:  # fmt: skip
    """Fits an ACE potential to labelled structures (docs/surrogate.md); as `train`."""
    if resume is not None:
        return _resume("fit", resume, progress, keys)
    return _start("fit", output, progress, dict(keys, data=data))


def distill(model: Optional[Path] = None, data: Union[Path, Sequence[Path], None] = None, *, output: Path = "run",
            resume: Optional[Path] = None, progress: Progress = None, **keys: Any) -> Run:  # fmt: skip
    """Samples structures with `model`, labels them, and fits a surrogate (docs/surrogate.md); as `train`."""
    if resume is not None:
        return _resume("distill", resume, progress, keys)
    return _start("distill", output, progress, dict(keys, model=model, data=data))


class Evaluation:
    """What `frozentl eval --json` wrote: a dictionary per frame (docs/user-guide.md), and errors against the frames' labels."""

    def __init__(self, frames: list[dict[str, Any]]):
        self.frames = frames

    def values(self, name: str) -> list[NDArray[np.float64]]:
        """energy, forces, node_energy or stress, and with `trust` extrapolation, energy_deviation, force_deviation or total_deviation, by
        frame; nan where a frame has none."""
        return [np.array(np.nan if f.get(name) is None else f[name], dtype=float) for f in self.frames]

    def errors(self, name: str) -> NDArray[np.float64]:
        """Predicted minus reference, of all frames that have the label: energy per atom (eV), forces (eV/Angstrom), stress (eV/Angstrom^3)."""
        found = []
        for f in self.frames:
            reference = (f.get("reference") or {}).get(name)
            if reference is None or f.get(name) is None:
                continue
            scale = len(f["forces"]) if name == "energy" else 1
            found.append((np.array(f[name], dtype=float) - np.array(reference, dtype=float)).ravel() / scale)
        return np.concatenate(found) if found else np.zeros(0)

    def rmse(self, name: str) -> float:
        """nan if no frame has the label."""
        e = self.errors(name)
        return float(np.sqrt(np.mean(e * e))) if len(e) else float("nan")

    def mae(self, name: str) -> float:
        """nan if no frame has the label."""
        e = self.errors(name)
        return float(np.mean(np.abs(e))) if len(e) else float("nan")

    def told(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of an evaluation with `trust`, of all frames that have the label: sizes of errors, and the deviations told: of "energy" per
        atom (eV), a number each frame; of "forces" the lengths of vectors (eV/Angstrom), a number each atom."""
        per_atom = {"energy": False, "forces": True}[name]
        labelled = [f for f in self.frames if (f.get("reference") or {}).get(name) is not None]
        if labelled and "force_deviation" not in labelled[0]:
            raise ValueError("no deviations were asked for: evaluate(..., trust=True)")
        errors = Evaluation(labelled).errors(name)
        if per_atom:
            told = [d for f in labelled for d in f["force_deviation"]]
            return np.linalg.norm(errors.reshape(-1, 3), axis=1), np.array(told, dtype=float)
        return np.abs(errors), np.array([f["total_deviation"] / len(f["forces"]) for f in labelled], dtype=float)

    def calibration(self, name: str) -> Calibration:
        """How well the deviations of "energy" (per atom) or "forces" tell the errors; with `trust`."""
        return calibration(*self.told(name), dimensions=3 if name == "forces" else 1)

    def __len__(self) -> int:
        return len(self.frames)


def _flags(options: Mapping[str, Any]) -> list[str]:
    """Of a command without a recipe: True is a switch, a list its words with commas between them."""
    flags = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            flags.append(flag)
        elif value is not None and value is not False:
            words = [value] if isinstance(value, (str, os.PathLike)) or not isinstance(value, Sequence) else value
            flags.append(f"{flag}={','.join(os.fspath(w) if isinstance(w, os.PathLike) else str(w) for w in words)}")
    return flags


def evaluate(model: Path, data: Path, *, foundation: Optional[Path] = None, head: Optional[str] = None, precision: str = "double",
             labels: Optional[str] = None, threads: Optional[int] = None, trust: bool = False) -> Evaluation:  # fmt: skip
    """`frozentl eval MODEL DATA`: energies, forces and stress of the frames of an extended XYZ file, beside the labels that they have
    (`labels`: their prefix, REF_ by default); `trust`: also what the model knows of its errors. CommandError for what it refuses."""
    options = {"foundation": foundation, "head": head, "precision": precision, "labels": labels, "threads": threads, "trust": trust}
    with tempfile.TemporaryDirectory() as folder:
        answers = os.path.join(folder, "answers.json")
        _run(["eval", os.fspath(model), os.fspath(data), "--json", answers, "--quiet", *_flags(options)])
        with open(answers, encoding="utf-8") as file:
            return Evaluation(json.load(file))


def trust(model: Path, data: Path, *, output: Optional[Path] = None, **options: Any) -> str:
    """`frozentl trust MODEL DATA`: the model learns to tell its errors from the data that it was trained on, and the path of the file
    that then does is returned: `output`, or MODEL itself where that is an .ftl file. options: those of the command (docs/uncertainty.md):
    valid="valid.xyz", members=4, rows=8, foundation=..., force=True. CommandError for what it refuses."""
    _run(["trust", os.fspath(model), os.fspath(data), "--quiet", *_flags(dict(options, output=output))])
    return os.path.abspath(os.fspath(model if output is None else output))
