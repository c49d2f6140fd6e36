"""Penalties on firing: values by hand, padding left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from snnctl.config.building import build
from snnctl.errors import UserError
from snnctl.losses import FiringRate, L1Sparsity

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
LENGTH = torch.tensor([4, 2])
# two neurons; rates of sample 0: 1/4, 0; of sample 1 (2 steps): 1, 1/2
SPIKES = torch.tensor(
    [
        [[1.0, 0.0], [1.0, 1.0]],
        [[0.0, 0.0], [1.0, 0.0]],
        [[0.0, 0.0], [7.0, 7.0]],
        [[0.0, 0.0], [7.0, 7.0]],
    ]
)


def test_rates_of_neurons():
    # mean rates 0.625 and 0.25; above 0.5 by 0.125; below 0.3 by 0.05
    loss = FiringRate(low=0.3, high=0.5, weight=2.0)({"a": SPIKES}, LENGTH)
    assert loss.item() == pytest.approx(2 * (0.125**2 + 0.05**2) / 2)


def test_rates_of_samples():
    # mean rates 0.125 and 0.75
    loss = FiringRate(low=0.2, high=0.5, of="sample")({"a": SPIKES}, LENGTH)
    assert loss.item() == pytest.approx((0.075**2 + 0.25**2) / 2)


def test_within_the_range_nothing_is_paid():
    s = SPIKES.clone().requires_grad_()
    loss = FiringRate(low=0.1, high=0.7)({"a": s}, LENGTH)
    loss.backward()
    assert loss.item() == 0 and not s.grad.any()


def test_sparsity_is_the_mean_rate_summed_over_layers():
    maps = SPIKES[..., None].expand(4, 2, 2, 3)
    assert L1Sparsity(weight=0.1)({"a": SPIKES, "b": maps}, LENGTH).item() == pytest.approx(0.1 * 2 * 0.4375)


@pytest.mark.parametrize("penalty", [FiringRate(0.3, 0.5), FiringRate(0.2, 0.5, of="sample"), L1Sparsity()], ids=repr)
def test_what_is_padded_does_not_count(penalty):
    results = []
    for padding in (0.0, 1.0, float("nan")):
        s = SPIKES.clone()
        s[2:, 1] = padding
        s.requires_grad_()
        loss = penalty({"a": s}, LENGTH)
        loss.backward()
        results.append((loss.item(), s.grad))
        assert not s.grad[2:, 1].any() and s.grad.any()
    assert len({value for value, _ in results}) == 1
    assert all(torch.equal(grad, results[0][1]) for _, grad in results)


def test_silent_neurons_are_pushed_up():
    s = torch.zeros(4, 2, 3, requires_grad=True)
    FiringRate(low=0.1, high=0.5)({"a": s}, LENGTH).backward()
    assert (s.grad[:2] < 0).all()


def test_mistakes():
    with pytest.raises(UserError, match="low <= high"):
        FiringRate(low=0.5, high=0.1)
    with pytest.raises(UserError, match="neuron, sample"):
        FiringRate(of="layer")
    with pytest.raises(UserError, match="this network has none"):
        L1Sparsity()({}, LENGTH)


@pytest.mark.parametrize(("name", "expected"), [("firing_rate", FiringRate()), ("l1_sparsity", L1Sparsity())])
def test_presets(name, expected):
    with initialize_config_dir(str(CONFIGS), version_base=None):
        cfg = compose("train", [f"+regularizer@regime.regularizers.rate={name}"])
    assert build(cfg.regime.regularizers.rate) == expected
