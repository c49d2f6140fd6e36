"""Large buffers that are used again: fresh pages from the system cost more than the arithmetic done on them."""

from __future__ import annotations

import sys
import threading

import numpy as np
import torch
from torch import Tensor

SMALL = 1 << 20  # bytes below which the allocator of torch keeps memory itself
KEEP = 64  # requests for which an unused buffer is kept
_ALIGN = 64  # bytes: a cache line, and a vector register

_kept: list[list] = []  # [aligned array of bytes, when it was last asked for]
_lock = threading.Lock()
_requests = 0


def empty(count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """An uninitialised tensor (count,) on the CPU, in memory that nobody uses any more if there is some.

    A buffer is in use as long as any tensor lies in it: the tensors hold it, and it is handed out again only when none
    does.
    """
    global _requests
    size = count * dtype.itemsize
    if size < SMALL:
        return torch.empty(count, dtype=dtype)
    with _lock:
        _requests += 1
        chosen = None
        for entry in _kept:
            # Two references: the entry's, and the argument of getrefcount. A tensor in it holds a third.
            if entry[0].nbytes == size and sys.getrefcount(entry[0]) == 2:
                chosen = entry
                break
        if chosen is None:
            _kept[:] = [e for e in _kept if e[1] > _requests - KEEP or sys.getrefcount(e[0]) > 2]
            raw = np.empty(size + _ALIGN, np.uint8)
            start = -raw.ctypes.data % _ALIGN
            chosen = [raw[start : start + size], 0]
            del raw
            _kept.append(chosen)
        chosen[1] = _requests
        return torch.from_numpy(chosen[0]).view(dtype)


def release() -> None:
    """Give the memory of all unused buffers back."""
    with _lock:
        _kept.clear()
