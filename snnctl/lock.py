"""A lock between processes that the system releases when its holder ends, however it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt


def _take(descriptor: int) -> bool:
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    return True


@contextmanager
def held(path: Path, wait: bool = True, waiting: Callable[[], None] | None = None) -> Iterator[bool]:
    """Hold the lock file `path`; yields whether it is held, which is False only without `wait`.

    Args:
        path: the lock file; it stays behind, empty.
        wait: wait for another holder to end.
        waiting: called once when there is something to wait for.

    Raises:
        OSError: the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        taken = _take(descriptor)
        if not taken and wait and waiting:
            waiting()
        while wait and not taken:
            time.sleep(0.1)
            taken = _take(descriptor)
        yield taken
    finally:
        os.close(descriptor)  # releases it
