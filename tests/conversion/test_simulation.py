"""Traces of converted neurons, written out, in the ANN's unit."""

from __future__ import annotations

import pytest
import torch

from snnctl.conversion.simulation import Dynamics, fire
from snnctl.neurons import IF, STBIF


def fired(currents: list[float], threshold: float = 2.0, **options) -> list[float]:
    z = torch.tensor(currents).view(-1, 1, 1)
    return fire(z, torch.tensor(threshold), Dynamics(len(currents), **options)).flatten().tolist()


def test_a_spike_is_worth_its_threshold_and_half_of_it_comes_in_advance():
    ramp = [1.0] * 4  # v in thresholds: 0.5, 1, 0.5, 1
    assert fired(ramp, shift="none") == [0.0, 2.0, 0.0, 2.0]
    assert fired(ramp, shift="membrane") == [2.0, 0.0, 2.0, 0.0]
    # 0.5 + 1/8 a step: 0.625, 1.25, 0.875, 1.5
    assert fired(ramp, shift="bias") == [0.0, 2.0, 0.0, 2.0]
    assert fired([0.5] * 4, shift="none") == [0.0, 0.0, 0.0, 2.0]
    assert fired([0.5] * 4, shift="membrane") == [0.0, 2.0, 0.0, 0.0]  # 0.75, 1 -> 0, 0.25, 0.5
    assert fired([0.3] * 4, shift="none") == [0.0] * 4  # 0.6 of a threshold in all
    assert sum(fired([0.3] * 4, shift="bias")) == 2.0  # rounded up


def test_more_spikes_a_step_and_a_floor():
    assert fired([5.0, 0.0], shift="none") == [2.0, 2.0]
    assert fired([5.0, 0.0], shift="none", max_spikes=None) == [4.0, 0.0]
    assert fired([-4.0, 3.0, 3.0], shift="none") == [0.0, 0.0, 2.0]
    assert fired([-4.0, 3.0, 3.0], shift="none", v_min=0.0) == [0.0, 2.0, 2.0]


def test_a_spike_is_taken_back():
    assert fired([2.0, -2.0, 0.0], signed=True) == [2.0, -2.0, 0.0]
    assert fired([-2.0, 2.0], signed=True) == [0.0, 0.0]  # no spike before: nothing to take back


def test_one_threshold_a_channel():
    z = torch.ones(4, 1, 2, 1)
    out = fire(z, torch.tensor([1.0, 2.0]), Dynamics(4, shift="none"))
    assert out[:, 0, :, 0].tolist() == [[1, 0], [1, 2], [1, 0], [1, 2]]


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({}, IF, {"threshold": 2.0}),
        ({"shift": "membrane"}, IF, {"threshold": 2.0, "rounding": "nearest"}),
        ({"max_spikes": None, "v_min": -0.5}, IF, {"threshold": 2.0, "max_spikes": None, "v_min": -1.0}),
        ({"signed": True}, STBIF, {"threshold": 2.0, "levels": 9}),
    ],
)
def test_arguments_of_the_neuron(options, kind, said):
    assert Dynamics(8, **options).arguments(2.0, shifted=True) == (
        kind, said if options.get("shift") != "membrane" else {"threshold": 2.0}
    )  # fmt: skip
    if options.get("shift") == "membrane":
        assert Dynamics(8, **options).arguments(2.0) == (kind, said)


def test_a_half_that_no_bias_carries_is_in_the_membrane():
    assert Dynamics(8).arguments()[1] == {"threshold": 1.0, "rounding": "nearest"}
