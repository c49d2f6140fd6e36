"""Linear layers by our own products: torch's numbers and gradients, the same bits for a row whatever is beside it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.kernels import linear as kernels
from snnctl.kernels.linear import linear


def sparse(rows: int, width: int, rate: float, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(rows, width, generator=generator) < rate) * torch.randn(rows, width, generator=generator)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 150), depth=st.integers(1, 70), width=st.sampled_from([1, 4, 10, 20, 64, 85]),
    rate=st.sampled_from([0.0, 0.05, 0.5, 1.0]), biased=st.booleans(), spikes=st.booleans(), own=st.booleans(),
    order=st.sampled_from(["contiguous", "columns", "cut"]),
)  # fmt: skip
def test_it_is_the_layer_of_torch_with_its_gradients(rows, depth, width, rate, biased, spikes, own, order):
    x = sparse(rows, depth, rate)
    if order == "columns":
        x = x.t().contiguous().t()
    elif order == "cut":
        x = torch.cat([x, x], 1)[:, :depth]
    weight, bias, g = torch.randn(width, depth), torch.randn(width) if biased else None, torch.randn(rows, width)

    def both(function, dtype):
        given = [None if a is None else a.to(dtype).clone().requires_grad_() for a in (x, weight, bias)]
        y = function(*given)
        return [y.detach(), *torch.autograd.grad(y, [a for a in given if a is not None], g.to(dtype))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "outruns_torch", lambda: own)
        found = both(lambda *given: linear(*given, spikes=spikes), torch.float32)
    for mine, theirs in zip(found, both(F.linear, torch.float64), strict=True):
        torch.testing.assert_close(mine.double(), theirs, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("rate", [0.05, 1.0])
def test_a_row_does_not_depend_on_the_others_nor_on_the_threads(rate):
    x, weight = sparse(1000, 40, rate), torch.randn(90, 40)
    whole = linear(x, weight)
    alone = torch.cat([linear(row, weight) for row in x.split(1)])
    torch.set_num_threads(2)
    assert torch.equal(whole, alone) and torch.equal(whole, linear(x, weight))


@pytest.mark.parametrize("spikes", [True, False])
def test_the_gradients_have_the_same_bits_with_any_number_of_threads(spikes):
    x, weight, g = (
        sparse(3000, 40, 0.1).requires_grad_(),
        torch.randn(90, 40, requires_grad=True),
        torch.randn(3000, 90),
    )
    runs = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        runs.append(torch.autograd.grad(linear(x, weight, spikes=spikes), (x, weight), g))
    assert all(torch.equal(a, b) for run in runs for a, b in zip(run, runs[0], strict=True))


def test_second_derivatives():
    x, weight, bias = (torch.randn(size, requires_grad=True) for size in ((6, 5), (4, 5), (4,)))

    def second(function):
        d_x, d_weight = torch.autograd.grad(function(x, weight, bias).square().sum(), (x, weight), create_graph=True)
        return torch.autograd.grad(d_x.square().sum() + d_weight.square().sum(), (x, weight, bias))

    for mine, theirs in zip(second(linear), second(F.linear), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_what_needs_no_gradient_gets_none():
    x, weight = torch.randn(6, 5), torch.randn(4, 5, requires_grad=True)
    linear(x, weight).sum().backward()
    assert x.grad is None and weight.grad is not None
    assert not linear(x, weight.detach()).requires_grad
