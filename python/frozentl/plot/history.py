"""Loss, learning rate and errors by epoch, from log.csv of `frozentl train`."""

import math

from . import style
from .table import Table

SERIES = ("epoch", "lr", "train_loss", "valid_loss", "energy_rmse", "forces_rmse", "stress_rmse")
ERRORS = {
    "energy_rmse": ("Energy", "meV/atom"),
    "forces_rmse": ("Forces", "meV/\u00c5"),
    "stress_rmse": ("Stress", "meV/\u00c5\u00b3"),
}


class History:
    def __init__(self, path):
        self.series = {name: [] for name in SERIES}
        self.best, self.stage2 = None, None  # index of the last best epoch; the last epoch of stage one
        table = Table(path, [*SERIES, "stage", "best"])
        for row in table:
            epoch = row.value("epoch")
            if self.n and epoch <= self.epochs[-1]:
                raise row.refuse(f"epoch {epoch:g} comes after epoch {self.epochs[-1]:g}")
            for name in SERIES:  # a run that diverged may have logged nan and inf: they are not drawn
                value = row.number(name, any_number=True) * (1000 if name in ERRORS else 1)
                self.series[name].append(value if math.isfinite(value) else math.nan)
            if row.number("stage", any_number=True) < 2:
                self.stage2 = epoch
            if row.number("best", any_number=True) == 1:
                self.best = self.n - 1
        if self.n and self.stage2 == self.epochs[-1]:
            self.stage2 = None

    @property
    def epochs(self):
        return self.series["epoch"]

    @property
    def n(self):
        return len(self.series["epoch"])

    def positive(self, name):
        """A number that has no place on a logarithmic scale interrupts the line."""
        return [v if v > 0 else math.nan for v in self.series[name]]

    def summary(self):
        """ "up to epoch 12; best: epoch 11, 2.31 meV/atom, 14.2 meV/Å" """
        if not self.n:
            return "no epoch is finished yet"
        words = f"up to epoch {self.epochs[-1]:.0f}"
        if self.best is not None:
            words += f"; best: epoch {self.epochs[self.best]:.0f}"
            for name, (_, unit) in ERRORS.items():
                value = self.series[name][self.best]
                words += f", {style.digits(value)} {unit}" if math.isfinite(value) else ""
        return words


def _line(frame, history, name, **how):
    (line,) = frame.plot(history.epochs, history.positive(name), marker="o" if history.n <= 25 else "", **how)
    line.set_gid(name)
    return line


def _marks(frame, history, name):
    if history.stage2 is not None:
        frame.axvline(history.stage2, color=style.GREY, lw=0.8, ls="--").set_gid("stage two")
        frame.text(history.stage2, 1, " stage 2", transform=frame.get_xaxis_transform(), va="top", fontsize=style.SMALL, color=style.GREY)
    if history.best is not None:
        at = history.positive(name)[history.best]
        frame.plot(history.epochs[history.best], at, "o", ms=7, mfc="none", mec=style.INK, mew=0.9)[0].set_gid("best")


def _loss(frame, history):
    frame.set_title("Loss", loc="left")
    handles = [_line(frame, history, name, color=colour, label=label)
               for name, label, colour in (("train_loss", "train", style.BLUE), ("valid_loss", "valid", style.VERMILLION))]  # fmt: skip
    style.logarithmic(frame.yaxis, history.series["train_loss"] + history.series["valid_loss"])
    frame.set_ylabel("weighted loss")
    _marks(frame, history, "valid_loss")
    rate = frame.twinx()
    rate.grid(False)
    (line,) = rate.plot(history.epochs, history.positive("lr"), color=style.GREY, lw=0.7, label="learning rate")
    line.set_gid("lr")
    style.logarithmic(rate.yaxis, history.series["lr"])
    rate.set_ylabel("learning rate", color=style.GREY)
    frame.legend(handles=[*handles, line], loc="lower left", ncols=3, borderaxespad=0.2)


def draw(path, title):
    history = History(path)
    shown = [name for name in ERRORS if name != "stress_rmse" or any(v == v for v in history.series[name])]
    made, axes = style.figure(1 + len(shown), 1, width=style.SINGLE, height=3.6 * (1 + len(shown)) + 1.2, sharex=True)
    axes = axes[:, 0]
    _loss(axes[0], history)
    for frame, name in zip(axes[1:], shown):
        what, unit = ERRORS[name]
        frame.set_title(f"{what}, valid", loc="left")
        _line(frame, history, name, color=style.VERMILLION)
        style.logarithmic(frame.yaxis, history.series[name])
        frame.set_ylabel(f"RMSE ({unit})")
        _marks(frame, history, name)
    for frame, name in zip(axes, ["valid_loss", *shown]):
        if not any(v > 0 for v in history.series[name]):
            style.note(frame, "no numbers yet")
    axes[-1].set_xlabel("epoch")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    if not history.n:
        axes[-1].set_xlim(0, 1)
    made.suptitle(f"{style.clean(title)}\n{history.summary()}", fontsize=7.5)
    style.letters(axes)
    return made
