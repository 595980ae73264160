"""A lock that survives fork."""

import os
import threading
import weakref

_locks: "weakref.WeakSet[Lock]" = weakref.WeakSet()


class Lock:
    """Reentrant. A child made by fork finds it open, even if another thread of the parent held it: then `torn` is True, since
    what it guards may have been half done."""

    def __init__(self):
        self._lock, self.torn = threading.RLock(), False
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_) -> None:
        self._lock.release()

    def _renew(self) -> None:
        if self._lock._is_owned():  # type: ignore[attr-defined] # a signal's handler that forks: this thread goes on
            return
        self.torn = self.torn or not self._lock.acquire(blocking=False)
        self._lock = threading.RLock()


def _in_child() -> None:
    for lock in list(_locks):
        lock._renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
