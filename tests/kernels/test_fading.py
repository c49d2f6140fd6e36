"""A fading response led back through time, against its matrix."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.kernels.fading import led_back
from tests.kernels.many_threads import many_threads


@settings(deadline=None)
@given(
    steps=st.integers(1, 12),
    shape=st.sampled_from([(1,), (3, 5), (2, 700), (0,)]),
    states=st.integers(1, 3),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_it_is_the_product_with_the_matrix(steps, shape, states, dtype, threads, seed):
    draw = torch.Generator().manual_seed(seed)
    delta = torch.randn(steps, *shape, generator=draw, dtype=dtype)
    q, b = torch.randn(2, states, generator=draw, dtype=torch.float64)
    a = torch.rand(states, states, generator=draw, dtype=torch.float64) / states
    r = [1.0] + [float(q @ torch.linalg.matrix_power(a, k - 1) @ b) for k in range(1, steps)]
    wanted = torch.stack([sum(r[t - s] * delta[t].double() for t in range(s, steps)) for s in range(steps)])
    with many_threads(threads):
        found = led_back(delta, q, a, b)
    close = dict.fromkeys(("rtol", "atol"), 1e-4 if dtype == torch.float32 else 1e-10)
    assert found.dtype == dtype and found.shape == delta.shape
    torch.testing.assert_close(found.double(), wanted, **close)


def test_steps_that_do_not_lie_one_after_the_other():
    delta = torch.randn(4, 6, 5).transpose(1, 2)
    one = torch.ones(1)
    assert torch.equal(led_back(delta, one, one[None], one), led_back(delta.contiguous(), one, one[None], one))
    torch.testing.assert_close(led_back(delta, one, one[None], one), delta.flip(0).cumsum(0).flip(0))
