"""Large buffers are used again, and never while any tensor lies in them."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.kernels import buffers

TYPES = [torch.float32, torch.uint8, torch.uint16]


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(buffers, "_kept", [])
    monkeypatch.setattr(buffers, "SMALL", 256)


HOLDS = {
    "tensor": lambda t: t, "part": lambda t: t[t.numel() // 2 :], "view": lambda t: t.view(1, -1).t(),
    "detached": lambda t: t.detach(), "numpy": lambda t: t.numpy(), "part of numpy": lambda t: t.numpy()[3:],
    "bytes": lambda t: t.view(torch.uint8), "storage": lambda t: t.untyped_storage(),
    "strided": lambda t: t.as_strided((2,), (1,)), "saved": lambda t: _saved(t), "iterator": lambda t: iter(t.numpy()),
}  # fmt: skip


def _saved(t):
    """Only autograd holds it."""
    if t.dtype != torch.float32:
        return t
    return (torch.ones(t.numel(), requires_grad=True) * t.detach()).sum()


def span(t: torch.Tensor) -> tuple[int, int]:
    return t.data_ptr(), t.data_ptr() + t.numel() * t.itemsize


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(
    st.sampled_from([100, 100, 128, 300]), st.sampled_from(TYPES), st.sampled_from(list(HOLDS)), st.integers(0, 5),
), min_size=1, max_size=40))  # fmt: skip
def test_a_buffer_is_never_handed_out_while_any_tensor_lies_in_it(requests):
    buffers._kept.clear()
    held: list[tuple[tuple[int, int], object]] = []
    for count, dtype, how, dropped in requests:
        t = buffers.empty(count * 4 // dtype.itemsize, dtype)
        begin, end = span(t)
        for (low, high), _ in held:
            assert end <= low or high <= begin, f"the memory is still held as {how}"
        held.append(((begin, end), HOLDS[how](t)))
        del t
        del held[:dropped]


def test_values_stay_while_others_come_and_go():
    kept = []
    for k in range(50):
        t = buffers.empty(200)
        t.fill_(k)
        if k % 3 == 0:
            kept.append((k, t[10:20]))
        del t
    assert all((part == k).all() for k, part in kept)


def test_memory_is_used_again_when_the_last_tensor_is_gone():
    first = buffers.empty(1000)
    address, view = first.data_ptr(), first[5:]
    assert buffers.empty(1000).data_ptr() != address
    del first
    assert address not in [buffers.empty(1000).data_ptr() for _ in range(5)]
    del view
    gc.collect()
    taken = [buffers.empty(1000) for _ in range(3)]
    assert address in [t.data_ptr() for t in taken]


@pytest.mark.parametrize("dtype", [*TYPES, torch.float64, torch.int32], ids=str)
@pytest.mark.parametrize("count", [257, 1000, 4097])
def test_buffers_begin_at_a_cache_line_and_have_the_type_asked_for(dtype, count):
    held = [buffers.empty(count, dtype) for _ in range(4)]
    for t in held:
        assert t.shape == (count,) and t.dtype == dtype and t.is_contiguous() and t.data_ptr() % 64 == 0
        assert t.untyped_storage().nbytes() == count * dtype.itemsize


def test_small_tensors_are_left_to_torch():
    assert buffers.empty(63).shape == (63,) and buffers.empty(0).shape == (0,) and not buffers._kept


def test_a_buffer_that_is_not_asked_for_any_more_is_given_back():
    buffers.empty(5000)
    busy = buffers.empty(6000)
    for k in range(2 * buffers.KEEP):
        buffers.empty(300 + k)
    sizes = [array.nbytes for array, _ in buffers._kept]
    assert 4 * 5000 not in sizes and 4 * 6000 in sizes and len(sizes) <= buffers.KEEP + 2
    assert busy.fill_(1).sum() == 6000


def test_release_gives_back_what_is_unused_and_harms_nothing_that_is_used():
    used = buffers.empty(5000).fill_(3)
    buffers.empty(6000)
    buffers.release()
    assert not [array for array, _ in buffers._kept if array.nbytes == 4 * 6000]
    others = [buffers.empty(5000).fill_(k) for k in range(5)]
    assert (used == 3).all() and len({t.data_ptr() for t in (used, *others)}) == 6


def test_many_threads_never_share_a_buffer():
    wrong = []

    def work(tag: int) -> None:
        for k in range(200):
            t = buffers.empty(300 + k % 3)
            t.fill_(tag)
            if not (t == tag).all():
                wrong.append(tag)

    workers = [threading.Thread(target=work, args=(tag,)) for tag in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_what_numpy_makes_of_a_buffer_holds_it():
    array = np.asarray(buffers.empty(1000).fill_(2))[::2]
    assert all((buffers.empty(1000).fill_(9) == 9).all() for _ in range(3)) and (array == 2).all()
