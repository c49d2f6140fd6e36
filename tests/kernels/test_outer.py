"""Outer products over time, against einsum: dense and sparse inputs, with and without what was before."""

from __future__ import annotations

from itertools import product

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.kernels import outer
from tests.kernels.many_threads import many_threads


@settings(deadline=None)
@given(
    steps=st.integers(1, 20),
    batch=st.integers(1, 5),
    share=st.sampled_from([0.0, 0.05, 0.6]),
    used=st.lists(st.booleans(), min_size=0, max_size=3),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    threads=st.integers(1, 3),
    sparse=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_it_is_the_sum(steps, batch, share, used, dtype, threads, sparse, seed):
    draw = torch.Generator().manual_seed(seed)
    inputs, neurons = 7, 5
    d = torch.randn(steps, batch, neurons, generator=draw, dtype=dtype)
    s = torch.rand(steps, batch, inputs, generator=draw, dtype=dtype)
    s[s > share] = 0
    old = torch.randn(len(used), batch, inputs, neurons, generator=draw, dtype=dtype) if used else None
    gains = [torch.randn(batch, neurons, generator=draw, dtype=dtype) if here else None for here in used]
    wanted = torch.einsum("tbm,tbn->bmn", s, d)
    for f, gain in enumerate(gains):
        if gain is not None:
            wanted += gain[:, None] * old[f]
    out = torch.full((batch, inputs, neurons), torch.nan, dtype=dtype)
    with many_threads(threads):
        outer.advance(out, gains, old, d, s, sparse)
    torch.testing.assert_close(out, wanted)


def test_nothing_is_kept_of_what_is_not_used():
    """Memory that nobody has written may hold anything, NaN too: a field without a gain is not read."""
    old = torch.full((2, 1, 2, 3), torch.nan)
    out = torch.empty(1, 2, 3)
    for s, sparse in product((torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[1.0, 1.0]]])), (True, False)):
        outer.advance(out, [None, None], old, torch.ones(1, 1, 3), s, sparse)
        assert torch.equal(out, s.view(1, 2, 1).expand(1, 2, 3))


def test_few_inputs_pay():
    s = torch.zeros(16, 2, 5)
    assert outer.pays(s) and outer.pays(s.double()) and not outer.pays(s.bfloat16())
    assert not outer.pays(s + 1)


def test_a_weighed_sum_over_samples():
    adjoint, field = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.arange(12.0).view(2, 3, 2)
    assert torch.equal(outer.weighed(adjoint, field), torch.einsum("bn,bmn->nm", adjoint, field))
