"""How well predicted deviations tell errors (docs/uncertainty.md, Calibration): the figures of `frozentl eval --trust`, for any model's."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Calibration:
    """n errors; their root mean square and that of the deviations (units of the errors); the parts of the errors inside of the intervals
    that should have 68 % and 95 % of them; the mean distance of the part inside from what it should be, over all intervals (0 to 0.5);
    Spearman's rank correlation of error and deviation (nan where either is constant)."""

    n: int
    error: float
    deviation: float
    within_68: float
    within_95: float
    miscalibration: float
    spearman: float


def ranks(values: Floats) -> Floats:
    """Equal ones share theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - 0.5 * (counts + 1))[inverse]


def correlation(x: Floats, y: Floats) -> float:
    x, y = ranks(x), ranks(y)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def probability(error: Floats, deviation: Floats, dimensions: int) -> Floats:
    """Of a smaller error, were it normal: of a number, or of the length of a vector of three equal components."""
    x = error / deviation * math.sqrt(dimensions)
    p = np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2))
    return p - math.sqrt(2 / math.pi) * x * np.exp(-0.5 * x * x) if dimensions == 3 else p


def scale(errors: ArrayLike, deviations: ArrayLike) -> float:
    """By which deviations are to be multiplied so that the errors are as likely as can be, were they normal (eq. U9)."""
    e, d = np.asarray(errors, float), np.asarray(deviations, float)
    return float(np.sqrt(np.mean((e / d) ** 2)))


def calibration(errors: ArrayLike, deviations: ArrayLike, dimensions: int = 1) -> Calibration:
    """errors[n]: sizes of errors, of numbers (dimensions 1) or lengths of vectors (3); deviations[n], above 0: what was told of each."""
    e, d = np.abs(np.asarray(errors, float)), np.asarray(deviations, float)
    if e.shape != d.shape or e.ndim != 1 or len(e) == 0:
        raise ValueError(f"errors and deviations are one list of numbers each, of the same length; here they are {e.shape} and {d.shape}")
    if dimensions not in (1, 3) or not (d > 0).all():
        raise ValueError("dimensions are 1 or 3, and deviations above 0")
    p = np.sort(probability(e, d, dimensions))
    even = (np.arange(len(p)) + 0.5) / len(p)
    return Calibration(len(e), float(np.sqrt(np.mean(e**2))), float(np.sqrt(np.mean(d**2))), float(np.mean(p <= 0.68)),
                       float(np.mean(p <= 0.95)), float(np.mean(np.abs(even - p))), correlation(e, d))  # fmt: skip
