"""Many structures at once: a pool of threads, each with a copy of the model that computes with one thread. The library works without
Python's lock, so that they do run at once."""

from __future__ import annotations

import os
import queue
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable, Sequence, TypeVar

from ._library import InputError

if TYPE_CHECKING:
    from .model import Model

Answer = TypeVar("Answer")


def is_structure(given: Any) -> bool:
    """ASE's Atoms, or what has their arrays."""
    return all(hasattr(given, name) for name in ("numbers", "positions", "cell", "pbc"))


def structures_of(given: Any) -> Sequence[Any]:
    """A list of structures, or TypeError."""
    structures = list(given)
    for k, one in enumerate(structures):
        if not is_structure(one):
            raise TypeError(f"structure {k} is a {type(one).__name__}: Atoms are needed, or arrays numbers, positions, cell, pbc of one structure")
    return structures


def parts_of(atoms: Any) -> tuple[Any, Any, Any, Any]:
    return atoms.numbers, atoms.positions, getattr(atoms.cell, "array", atoms.cell), atoms.pbc


def workers_for(threads: int, n: int) -> int:
    return max(1, min(threads or len(os.sched_getaffinity(0)), n))


def each(model: Model, items: Sequence[Any], task: Callable[[Model, Any], Answer]) -> list[Answer]:
    """task(a copy of the model, item) for every item, in their order; the first error in their order is raised."""
    n = workers_for(model.threads, len(items))
    if n == 1:
        return [named(k, task, model, item) for k, item in enumerate(items)]
    free: queue.SimpleQueue[Model] = queue.SimpleQueue()
    for _ in range(n):
        free.put(model.single_threaded())

    def one(k: int) -> Answer:
        mine = free.get()
        try:
            return named(k, task, mine, items[k])
        finally:
            free.put(mine)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(len(items))))


def named(k: int, task: Callable[[Model, Any], Answer], model: Model, item: Any) -> Answer:
    """An InputError says which structure it is about."""
    try:
        return task(model, item)
    except InputError as e:
        raise InputError(e.message, f"structure {k}, {e.where}" if e.where else f"structure {k}") from None
