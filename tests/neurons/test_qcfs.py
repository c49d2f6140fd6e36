"""QCFS: the stairs, and their gradient."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import IF, QCFS


def stairs(x: list[float], **options) -> list[float]:
    return QCFS(**options)(torch.tensor(x).view(1, 1, -1), dt=1e-3)[0].flatten().tolist()


def test_levels_are_rounded_to_and_the_end_clips():
    # Four levels of a threshold of 2: 0, 1/2, 1, 3/2, 2; the steps lie halfway between.
    assert stairs([-1, 0, 0.24, 0.25, 0.74, 0.76, 1.9, 5], levels=4, threshold=2.0) == [0, 0, 0, 0.5, 0.5, 1, 2, 2]


def test_the_gradient_is_that_of_the_ramp_and_of_the_steps_to_the_threshold():
    neuron = QCFS(levels=4, threshold=2.0)
    x = torch.tensor([-1.0, 0.3, 1.2, 5.0]).view(1, 1, 4).requires_grad_()
    out = neuron(x, dt=1e-3)[0]
    out.sum().backward()
    assert x.grad.flatten().tolist() == [0, 1, 1, 0]
    # d/d threshold: out / threshold - x / threshold on the ramp, 1 above it.
    assert float(neuron.threshold.grad) == pytest.approx((0.5 - 0.3) / 2 + (1.0 - 1.2) / 2 + 1)


def test_it_is_what_an_integrate_and_fire_neuron_gives_on_average():
    draw = torch.Generator().manual_seed(0)
    x = 3 * torch.rand(1, 1, 200, generator=draw) - 0.5
    spikes = IF(threshold=2.0, rounding="nearest")(x.expand(8, 1, 200), dt=1e-3)[0]
    wanted = QCFS(levels=8, threshold=2.0)(x, dt=1e-3)[0][0].detach()
    torch.testing.assert_close(2 * spikes.mean(0), wanted)


def test_an_input_constant_in_time_is_computed_once():
    x = torch.randn(1, 4, 3).expand(10, 4, 3)
    assert QCFS()(x, dt=1e-3)[0].stride(0) == 0


def test_values_out_of_range():
    with pytest.raises(UserError, match="levels is 0"):
        QCFS(levels=0)
    with pytest.raises(UserError, match="threshold is -1"):
        QCFS(threshold=-1.0)
