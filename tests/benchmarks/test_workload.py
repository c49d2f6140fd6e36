from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from snnctl.benchmarks.workload import event_list, inputs, passes


@pytest.mark.parametrize("name", ["lif", "onb512", "shd100", "conv"])
def test_both_layouts_hold_the_same_values(tiny, name):
    case = tiny(name)
    x = inputs(case)
    assert x.shape == (case.steps, case.batch, *case.shape)
    flipped = inputs(case, batch_first=True)
    assert flipped.is_contiguous() and torch.equal(flipped.transpose(0, 1), x)
    assert torch.equal(inputs(case), x)


def test_density_and_scale():
    from snnctl.benchmarks.cases import CASES

    x = inputs(CASES["shd250"])
    assert set(x.unique().tolist()) == {0.0, 1.0} and x.mean().item() == pytest.approx(0.03, rel=0.05)
    assert inputs(CASES["lif"]).std().item() == pytest.approx(0.6, rel=0.01)


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 3), st.sampled_from([(5,), (2, 3, 4)]), st.floats(0, 1))
def test_an_event_list_is_its_dense_input(seed, steps, batch, shape, density):
    draw = torch.Generator().manual_seed(seed)
    x = (torch.rand(steps, batch, *shape, generator=draw) < density).float()
    events = event_list(x)
    assert torch.equal(events.dense(), x)
    assert events.shape == x.shape and events.codes.dtype == torch.int32 and events.offsets.dtype == torch.int64


def test_a_layer_gets_the_gradient_of_its_input(tiny):
    case = tiny("lif")
    seen = []
    run = passes(case, lambda x: seen.append(x) or x * 2)
    for _ in range(2):
        run.backward(run.forward())
    draw = torch.randn(seen[0].shape, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(seen[0].grad, 2 * draw)  # of one pass: nothing is left of the one before


def test_a_sum_gives_the_gradient_of_the_weights(tiny):
    case, weight = tiny("onb512"), nn.Parameter(torch.ones(12))
    run = passes(case, lambda x: x * weight, [weight])
    for _ in range(2):
        run.backward(run.forward())
    torch.testing.assert_close(weight.grad, inputs(case).sum((0, 1)))


def test_a_training_step_lowers_the_loss(tiny):
    case = tiny("shd100")
    readout = nn.Linear(20, 3)
    run = passes(case, lambda x: readout(x.sum(1)), readout.parameters(), batch_first=True)
    losses = []
    for _ in range(20):
        loss = run.forward()
        losses.append(loss.item())
        run.backward(loss)
    assert losses[-1] < losses[0]


def test_fixed_parameters_are_left_alone(tiny):
    learned, fixed = nn.Parameter(torch.ones(12)), nn.Parameter(torch.ones(12), requires_grad=False)
    run = passes(tiny("onb512"), lambda x: x * learned * fixed, [learned, fixed])
    run.backward(run.forward())
    assert fixed.grad is None and learned.grad is not None
