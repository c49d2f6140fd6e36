"""Kernels on several threads, however little there is to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from snnctl.kernels import threads


@contextmanager
def many_threads(count: int) -> Iterator[None]:
    """While it lasts, torch has `count` threads, and no work is too little for them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threads, "ALONE", 0)
            yield
    finally:
        torch.set_num_threads(before)
