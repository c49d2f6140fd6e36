"""A linear layer on a list of events: torch's own on the event counts, but for the order of a sum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import linear

from snnctl.errors import UserError
from snnctl.kernels import events as module
from snnctl.kernels import threads
from snnctl.kernels.events import event_linear, pays
from snnctl.kernels.gather import add_rows


def events(cells: int, inputs: int, density: float, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Counts (M, K), some of them 2 and more, and the same as codes and offsets; a cell's events in no order."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(density, (cells, inputs))
    codes = [rng.permutation(np.repeat(np.arange(inputs), row)) for row in counts]
    flat = np.concatenate([*codes, np.empty(0, np.int64)]).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(counts.sum(1, dtype=np.int64))])
    return torch.from_numpy(counts).float(), torch.from_numpy(flat), torch.from_numpy(offsets)


def weights(inputs: int, width: int, seed: int = 0, bias: bool = True) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    shapes = [(width, inputs), (width,)] if bias else [(width, inputs)]
    return [torch.randn(*shape, generator=rng).requires_grad_() for shape in shapes]


def same(a: Tensor, b: Tensor) -> None:
    scale = float(b.detach().abs().max()) if b.numel() else 1.0
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5 * max(scale, 1.0))


@settings(deadline=None, max_examples=60)
@given(
    cells=st.integers(0, 40),
    inputs=st.integers(1, 90),
    width=st.integers(1, 150),
    density=st.sampled_from([0.0, 0.02, 0.2, 1.0]),
    bias=st.booleans(),
    block=st.sampled_from([1, 2000, module.BLOCK]),
    seed=st.integers(0, 99),
)
def test_output_and_gradients_are_those_of_the_dense_layer(cells, inputs, width, density, bias, block, seed):
    counts, codes, offsets = events(cells, inputs, density, seed)
    own = weights(inputs, width, seed, bias)
    up = torch.randn(cells, width, generator=torch.Generator().manual_seed(seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)  # many blocks of cells, down to one cell each
        out = event_linear(codes, offsets, *own)
        gradients = torch.autograd.grad(out, own, up)
    expected = linear(counts, *own)
    same(out, expected)
    for a, b in zip(gradients, torch.autograd.grad(expected, own, up), strict=True):
        assert a.shape == b.shape and a.is_contiguous()
        same(a, b)


def test_a_written_out_case():
    """Two cells; the second has input 2 twice."""
    codes, offsets = torch.tensor([1, 2, 0, 2], dtype=torch.int32), torch.tensor([0, 1, 4])
    weight = torch.tensor([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]], requires_grad=True)
    bias = torch.tensor([0.5, -0.5], requires_grad=True)
    out = event_linear(codes, offsets, weight, bias)
    assert out.tolist() == [[10.5, 19.5], [201.5, 401.5]]
    out.backward(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert weight.grad.tolist() == [[3.0, 1.0, 6.0], [4.0, 2.0, 8.0]]
    assert bias.grad.tolist() == [4.0, 6.0]


@pytest.mark.parametrize("width", [1, 3, 4, 15, 16, 17, 63, 64, 85, 128, 150])
def test_rows_are_added_in_the_order_of_the_list_and_then_to_the_start(width):
    rng = np.random.default_rng(width)
    rows, start = rng.normal(size=(9, width)).astype(np.float32), rng.normal(size=width).astype(np.float32)
    index = rng.integers(0, 9, 23).astype(np.int32)
    out = np.full(3 * width, 7, np.float32)
    add_rows(rows.ravel(), width, index, 2, 20, start, 0, out, width)
    total = np.zeros(width, np.float32)
    for i in index[2:20]:
        total += rows[i]
    assert np.array_equal(out, np.concatenate([np.full(width, 7), start + total, np.full(width, 7)]).astype(np.float32))
    add_rows(rows.ravel(), width, index, 5, 5, start, 0, out, 0)
    assert np.array_equal(out[:width], start)


def test_bits_do_not_depend_on_threads_and_repeat(monkeypatch):
    monkeypatch.setattr(threads, "ALONE", 0)
    before = torch.get_num_threads()
    _, codes, offsets = events(500, 130, 0.1)
    own = weights(130, 70)
    up = torch.randn(500, 70)
    results = []
    try:
        for number in (1, 2, 3, 2):
            torch.set_num_threads(number)
            out = event_linear(codes, offsets, *own)
            results.append((out, *torch.autograd.grad(out, own, up)))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_gradient_without_strides_and_one_of_another_order():
    counts, codes, offsets = events(30, 12, 0.3)
    for lose in (lambda y: y.sum(), lambda y: (y.t() * torch.arange(30.0)).sum()):
        own = weights(12, 5)
        gradients = torch.autograd.grad(lose(event_linear(codes, offsets, *own)), own)
        for a, b in zip(gradients, torch.autograd.grad(lose(linear(counts, *own)), own), strict=True):
            same(a, b)


def test_second_and_third_derivatives():
    counts, codes, offsets = events(25, 14, 0.3)

    def third(product) -> list[Tensor]:
        own = weights(14, 6)
        loss = product(*own).pow(3).mean()
        for _ in range(2):
            gradients = torch.autograd.grad(loss, own, create_graph=True)
            loss = sum(g.pow(2).sum() for g in gradients)
        return torch.autograd.grad(loss, own)

    found = third(lambda w, b: event_linear(codes, offsets, w, b))
    for a, b in zip(found, third(lambda w, b: linear(counts, w, b)), strict=True):
        assert b.abs().max() > 0
        same(a, b)


def test_one_of_weight_and_bias_may_be_frozen():
    _, codes, offsets = events(10, 6, 0.5)
    weight, bias = weights(6, 4)
    whole = torch.autograd.grad(event_linear(codes, offsets, weight, bias).sum(), [weight, bias])
    (alone,) = torch.autograd.grad(event_linear(codes, offsets, weight.detach(), bias).sum(), [bias])
    assert torch.equal(alone, whole[1])
    (alone,) = torch.autograd.grad(event_linear(codes, offsets, weight, bias.detach()).sum(), [weight])
    assert torch.equal(alone, whole[0])
    with torch.no_grad():
        assert not event_linear(codes, offsets, weight, bias).requires_grad


def test_autocast_does_not_lower_its_precision():
    counts, codes, offsets = events(20, 30, 0.3)
    own = weights(30, 8)
    with torch.autocast("cpu", torch.bfloat16):
        out = event_linear(codes, offsets, *own)
    assert out.dtype == torch.float32
    same(out, linear(counts, *own))
    assert torch.autograd.grad(out.sum(), own)[0].dtype == torch.float32


@pytest.mark.parametrize(
    ("codes", "offsets", "words"),
    [
        ([0, 5], [0, 1, 2], "code 5, the layer has the inputs 0 to 4"),
        ([-1, 0], [0, 1, 2], "code -1"),
        ([2**32], [0, 1], "code 4294967296"),
        ([0, 1], [0, 1], "2 events has offsets"),
        ([0, 1], [1, 2], "2 events has offsets"),
        ([0, 1], [0, 2, 1, 2], "2 events has offsets"),
        ([0, 1], [], "2 events has offsets"),
    ],
)
def test_a_list_that_is_none_is_refused(codes, offsets, words):
    with pytest.raises(UserError, match=words):
        event_linear(torch.tensor(codes), torch.tensor(offsets, dtype=torch.int64), *weights(5, 3))


def test_when_it_pays():
    weight = nn.Parameter(torch.randn(20, 50))
    assert pays(0, 1000, weight) and pays(5000, 1000, weight)
    assert not pays(40_000, 1000, weight)  # 80 % of 1000 cells of 50
    assert not pays(0, 8, weight)  # the weights are copied for eight cells
    assert not pays(10, 1000, weight.double())
    assert not pays(10, 1000, weight.to("meta"))
    assert not pays(10, 1000, nn.Parameter(torch.empty(0, 50)))
    seen = []
    torch.func.grad(lambda w: (seen.append(pays(10, 1000, w)), w.sum())[1])(weight.detach())
    assert seen == [False]
