"""The knee of accuracy against cost: of what nothing beats in both, the point farthest below the line between the ends, both scales
logarithmic (Satopaa et al., ICDCS Workshops 2011: where the curve bends most). Standard library only.
"""

import math
from collections import namedtuple

Point = namedtuple("Point", "cost error name")


def front(points):
    """By rising cost: those that no other beats in cost and error."""
    best, error = [], math.inf
    for point in sorted(points):
        if point.error < error:
            best.append(point)
            error = point.error
    return best


def find(best):
    """The index of the knee, or None: fewer than three points, or none below the line."""
    if len(best) < 3:
        return None
    x = [math.log(p.cost / best[0].cost) / math.log(best[-1].cost / best[0].cost) for p in best]
    y = [math.log(p.error / best[-1].error) / math.log(best[0].error / best[-1].error) for p in best]
    below = [1 - a - b for a, b in zip(x, y)]
    k = max(range(len(best)), key=below.__getitem__)
    return k if below[k] > 0 else None


def sentence(points, cost_unit, error_unit):
    """ "" where there is no knee. """
    best = front(points)
    k = find(best)
    if k is None:
        return ""
    at, before, after = best[k], best[k - 1], best[k + 1]
    return (f"the knee is {at.name}: {at.error:.3g} {error_unit} at {at.cost:.3g} {cost_unit}. {at.cost / before.cost:.2g} times the time of {before.name} "
            f"has {at.error / before.error:.2g} of its error; {after.name} takes {after.cost / at.cost:.2g} times as long for {after.error / at.error:.2g}")  # fmt: skip
