"""The scan against a loop over the steps."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from snnctl.neurons import linear_scan as module
from snnctl.neurons.linear_scan import linear_scan

SHAPES = [(), (4,), (3, 1), (3, 4)]


def loop(x: Tensor, decay: Tensor, v: Tensor) -> Tensor:
    after = []
    for t, x_t in enumerate(x.unbind(0)):
        v = (decay[t] if decay.dim() == x.dim() else decay) * v + x_t
        after.append(v)
    return torch.stack(after)


def drawn(steps: int, decay: tuple[int, ...], dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x, v = (torch.randn(*shape, 3, 4, generator=draw, dtype=dtype) for shape in ((steps,), ()))
    a = torch.rand(decay, generator=draw, dtype=torch.float64) * 1.02
    turn = torch.rand(decay, generator=draw, dtype=torch.float64)
    return tuple(t.requires_grad_() for t in (x, torch.polar(a, turn) if dtype.is_complex else a, v))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 3 * module.BLOCK + 5),
    st.sampled_from(SHAPES),
    st.booleans(),
    st.sampled_from([torch.float64, torch.complex128]),
    st.integers(0, 9),
)
def test_it_is_the_loop_and_so_is_its_gradient(steps, decay, each, dtype, seed):
    shape = (steps, *(1 for _ in range(2 - len(decay))), *decay) if each else decay
    leaves = drawn(steps, shape, dtype, seed)
    ours, theirs = linear_scan(*leaves), loop(*leaves)
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn_like(theirs)
    for mine, expected in zip(*(torch.autograd.grad(o, leaves, upstream) for o in (ours, theirs)), strict=True):
        torch.testing.assert_close(mine, expected)


def test_long_and_wide_sequences_and_small_decays():
    leaves = drawn(5000, (), torch.float64)
    torch.testing.assert_close(linear_scan(*leaves), loop(*leaves))
    x, v = torch.rand(40, 2, module.WIDE), torch.rand(2, module.WIDE)
    for decay in (torch.tensor(0.9), torch.tensor(1e-12), torch.tensor(0.0)):
        torch.testing.assert_close(linear_scan(x, decay, v), loop(x, decay, v))


def test_a_state_for_all_samples_gets_their_summed_gradient():
    x, v = torch.rand(40, 3, 4, dtype=torch.float64), torch.rand(4, dtype=torch.float64, requires_grad=True)
    decay = torch.tensor(0.9, dtype=torch.float64)
    (mine,) = torch.autograd.grad(linear_scan(x, decay, v).sum(), v)
    torch.testing.assert_close(mine, torch.autograd.grad(loop(x, decay, v).sum(), v)[0])


class Counted(TorchDispatchMode):
    calls = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.calls += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("steps", [1000, 4000])
def test_it_needs_far_fewer_operations_than_stepping(steps):
    x, v = torch.rand(steps, 1, 8, requires_grad=True), torch.zeros(1, 8)
    with Counted() as forward:
        y = linear_scan(x, torch.tensor(0.9), v)
    with Counted() as backward:
        y.sum().backward()
    # a step of the loop is two operations, and two more in its gradient
    assert forward.calls < 2 * steps / 5 and backward.calls < 2 * steps / 5


def test_no_second_derivative_in_silence():
    x, decay, v = drawn(5, (), torch.float64)
    (first,) = torch.autograd.grad(linear_scan(x, decay, v).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiat"):
        first.sum().backward()
