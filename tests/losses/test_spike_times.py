"""Times of spikes, and losses of them: by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.losses import FirstSpike, SpikeTimeMSE
from snnctl.losses.spike_times import spike_times


def train(*times: int, steps: int = 8) -> torch.Tensor:
    """(T, 1, 1) with spikes at these times."""
    x = torch.zeros(steps, 1, 1)
    x[list(times)] = 1
    return x.requires_grad_()


def test_times_and_their_gradient():
    x = train(1, 4, 6)
    times = spike_times(x, x > 0, torch.tensor([6]), n=3)  # the spike at 6 is past the sample's end
    assert times.flatten().tolist() == [1, 4, 5]
    (times * torch.tensor([1.0, 10.0, 100.0])[:, None, None]).sum().backward()
    assert x.grad.flatten().tolist() == [0, -1, 0, 0, -10, -100, 0, 0]


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**12 - 1), st.integers(1, 12), st.integers(1, 4))
def test_times_are_those_of_a_loop(steps, pattern, length, n):
    x = torch.tensor([float(pattern >> t & 1) for t in range(steps)])[:, None, None]
    end = min(length, steps)
    found = [t for t in range(end) if x[t] > 0][:n]
    wanted = found + [end - 1] * (n - len(found))
    assert spike_times(x, x > 0, torch.tensor([length]), n).flatten().tolist() == wanted


def test_squared_error_of_the_first_time():
    x = train(3)
    loss = SpikeTimeMSE(on_target=1)(x, torch.tensor([0]), torch.tensor([8]))
    loss.backward()
    assert loss.item() == pytest.approx((2 / 8) ** 2)
    assert x.grad[3].item() == pytest.approx(-2 * 2 / 64)  # earlier is better


def test_times_from_the_end_and_of_the_sample():
    late = SpikeTimeMSE(on_target=-2)(train(3), torch.tensor([0]), torch.tensor([6]))
    assert late.item() == pytest.approx((1 / 6) ** 2)  # step 4 of 6 is wanted


def test_several_spikes_and_the_tolerance():
    loss = SpikeTimeMSE(on_target=[1, 5], off_target=[0, 0], tolerance=2)
    assert loss(train(2, 8, steps=10), torch.tensor([0]), torch.tensor([10])).item() == pytest.approx((3 / 10) ** 2 / 2)


def test_times_as_target():
    loss = SpikeTimeMSE()
    x = train(3)
    assert loss(x, torch.tensor([[2.0]]), torch.tensor([8])).item() == pytest.approx((1 / 8) ** 2)
    assert loss(x, torch.tensor([[[3]], [[7]]]), torch.tensor([8])).item() == 0
    with pytest.raises(UserError, match=r"wanted         \(1,\) classes, or \(\[n,\] 1, 1\) times"):
        loss(x, torch.zeros(2, 3), torch.tensor([8]))


def test_unequal_numbers_of_times_are_refused():
    with pytest.raises(UserError, match="equally many"):
        SpikeTimeMSE(on_target=[1, 2], off_target=3)


def test_the_sign_of_a_membrane_that_crosses_a_threshold():
    v = torch.tensor([0.1, 0.7, 0.9])[:, None, None].requires_grad_()
    times = FirstSpike(threshold=0.5, gradient="sign").first_times(v, torch.tensor([3]))
    times.sum().backward()
    assert times.item() == 1 and v.grad.flatten().tolist() == [0, -1, 0]
