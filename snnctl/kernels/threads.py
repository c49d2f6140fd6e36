"""Our own threads under kernels: Numba's abort after a fork, or when two Python threads call at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

ALONE = 200_000  # element-steps below which waking a second thread costs more than it saves

_pool: ThreadPoolExecutor | None = None
_size = 0
_lock = threading.Lock()
_here = threading.local()  # working: on a thread of the pool, which must not wait for the pool


def run(kernel: Callable[[int, int], None], jobs: int, work: int) -> None:
    """Call `kernel(j0, j1)` over ranges that make up 0..jobs, on torch.get_num_threads() threads.

    Args:
        kernel: releases the GIL; what it does for a job depends on that job alone.
        jobs: how many.
        work: element-steps of all jobs; little work stays on the caller's thread.

    Raises:
        Exception: what the kernel raised, when all ranges have ended.
    """
    parts = min(torch.get_num_threads(), jobs)
    if parts <= 1 or work < ALONE or getattr(_here, "working", False):
        kernel(0, jobs)
        return
    bounds = [jobs * i // parts for i in range(parts + 1)]
    pool = _threads(parts - 1)
    others = [pool.submit(_work, kernel, a, b) for a, b in zip(bounds[1:-1], bounds[2:], strict=True)]
    try:
        kernel(bounds[0], bounds[1])
    finally:
        errors = [other.exception() for other in others]
    for error in errors:
        if error:
            raise error


def _work(kernel: Callable[[int, int], None], first: int, stop: int) -> None:
    _here.working = True
    kernel(first, stop)


def _threads(count: int) -> ThreadPoolExecutor:
    global _pool, _size
    with _lock:
        if _pool is None or _size < count:
            _pool, _size = ThreadPoolExecutor(count, "snnctl-kernel"), count
        return _pool


def _forget() -> None:
    """In a forked child the pool's threads do not exist."""
    global _pool, _size, _lock
    _pool, _size, _lock = None, 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
