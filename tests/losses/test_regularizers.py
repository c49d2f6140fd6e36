"""Penalties on firing: values by hand, padding left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from snnctl.config.building import build
from snnctl.errors import UserError
from snnctl.losses import FiringRate, L1Sparsity, MembraneBounds, ParameterBounds, ParameterNorm, SynapseBudget

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
    with pytest.raises(UserError, match=r"range +finite, 0\.5 or more"):
        FiringRate(low=0.5, high=0.1)
    with pytest.raises(UserError, match="neuron, sample"):
        FiringRate(of="layer")
    with pytest.raises(UserError, match="this network has none"):
        L1Sparsity()({}, LENGTH)


def test_the_total_number_of_spikes():
    maps = SPIKES[..., None].expand(4, 2, 2, 3).clone().requires_grad_()
    loss = L1Sparsity(weight=0.1, total=True)({"a": SPIKES, "b": maps}, LENGTH)
    assert loss.item() == pytest.approx(0.1 * (4 + 3 * 4))
    loss.backward()
    assert (maps.grad[:2] == 0.1).all()  # a spike that is not there yet costs as much
    assert L1Sparsity(weight=1.0, total=True)({"a": -SPIKES}, LENGTH).item() == 4


def test_membranes_within_a_range():
    v = torch.tensor([[-3.0, 0.0], [0.5, 4.0], [9.0, 9.0]])[..., None]  # two samples, of 3 and 2 steps
    length = torch.tensor([3, 2])
    low, high = MembraneBounds(low=-1.0)({"a": v}, length), MembraneBounds(low=None, high=1.0)({"a": v}, length)
    assert low.item() == pytest.approx((4 / 3 + 0) / 2)
    assert high.item() == pytest.approx((64 / 3 + 9 / 2) / 2)
    assert MembraneBounds(low=0, high=0, weight=0.5)({"a": v}, length).item() == pytest.approx(
        0.5 * ((9 + 0.25 + 81) / 3 + 16 / 2) / 2
    )


def test_a_budget_of_operations():
    operations = {"a": torch.tensor([[10.0, 20.0], [30.0, 99.0]]), "b": torch.ones(2, 2)}
    length = torch.tensor([2, 1])  # a: means 20 and 20; b: 1
    assert SynapseBudget(budget=14.0, weight=2.0)(operations, length).item() == pytest.approx(2 * 0.5**2)
    assert SynapseBudget(budget=42.0)(operations, length).item() == 0
    assert SynapseBudget(budget=42.0, both=True)(operations, length).item() == pytest.approx(0.25)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MembraneBounds(low=None),
        lambda: MembraneBounds(low=1.0, high=0.0),
        lambda: SynapseBudget(budget=0.0),
        lambda: ParameterBounds(low=None, high=None),
        lambda: ParameterBounds(scale=0.0),
        lambda: ParameterBounds(form="linear"),
        lambda: ParameterNorm(norm="l3"),
        lambda: ParameterNorm(sigma=0.0),
    ],
)
def test_values_out_of_range(make):
    with pytest.raises(UserError, match=r"range|choose from|quadratic or"):
        make()


@pytest.mark.parametrize("path", sorted((CONFIGS / "regularizer").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_preset_is_the_class_with_its_defaults(path):
    with initialize_config_dir(str(CONFIGS), version_base=None):
        built = build(compose("train", [f"+regularizer@regime.regularizers.mine={path.stem}"]).regime.regularizers.mine)
    expected = FiringRate(low=0.0, high=0.0) if path.stem == "l2_rate" else type(built)()
    assert built == expected
