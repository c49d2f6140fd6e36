"""Every number in the YAML of every neuron: what it may not be is refused by name, range and unit."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from snnctl.errors import UserError
from snnctl.neurons import ColouredNoise, MaskedPSN, SlidingPSN

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "neuron"
DT = 1e-3
NUMBERS = [
    (path.stem, key)
    for path in sorted(CONFIGS.glob("*.yaml"))
    if path.stem != "base"
    for key, value in OmegaConf.to_container(OmegaConf.load(path)).items()
    if isinstance(value, int | float) and not isinstance(value, bool)
]
TIMES = [(name, key) for name, key in NUMBERS if key.startswith("tau")]
# a starting point of learned weights, or of a membrane in mV or of a rate that lies on either side of 0
EITHER_SIDE = {"izhikevich", "masked_psn", "psn", "rate", "sliding_psn"}
THRESHOLDS = [(name, key) for name, key in NUMBERS if key == "threshold" and name not in EITHER_SIDE]


@pytest.fixture(scope="module")
def partial(composed) -> Callable[[str], Any]:
    """Name -> the neuron, not built yet; composed once."""
    return cache(lambda name: instantiate(composed(f"neuron={name}")))


def refusal(partial: Any, key: str, value: object) -> UserError:
    """The error of a neuron built with one other number, and run for three steps."""
    known, asked = {"shape": (3,), "steps": 3, "backend": "eager"}, inspect.signature(partial.func).parameters
    given = {name: value for name, value in known.items() if name in asked}
    with pytest.raises(UserError) as caught:
        partial(**{**given, key: value})(torch.zeros(3, 2, 3), dt=DT)
    return caught.value


@pytest.mark.parametrize("value", [math.nan, math.inf, "x"])
@pytest.mark.parametrize(("name", "key"), NUMBERS)
def test_what_is_no_finite_number_is_refused(partial, name, key, value):
    error = refusal(partial(name), key, value)
    assert f": {key} is " in error.problem and error.hint.startswith(("range  ", "wanted ", "choose from"))


@pytest.mark.parametrize("value", [0.0, -DT, DT / 4])
@pytest.mark.parametrize(("name", "key"), TIMES)
def test_a_time_constant_of_less_than_half_a_step_is_refused(partial, name, key, value):
    error = refusal(partial(name), key, value)
    assert key in error.problem and f" {value:g} s" in error.problem and error.hint.startswith("range  ")


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize(("name", "key"), THRESHOLDS)
def test_a_threshold_that_is_not_above_0_is_refused(partial, name, key, value):
    error = refusal(partial(name), key, value)
    assert f": {key} is {value:g}" in error.problem and error.hint.startswith("range  ")


@pytest.mark.parametrize(("make", "problem", "hint"), [
    (lambda: SlidingPSN(decay=1.5), "SlidingPSN: decay is 1.5", "above 0 to 1, no unit, or null to draw weights"),
    (lambda: SlidingPSN(decay=0), "SlidingPSN: decay is 0", "above 0 to 1, no unit, or null to draw weights"),
    (lambda: MaskedPSN(steps=4, masking=-0.1), "MaskedPSN: masking is -0.1", "0 to 1, no unit"),
    (lambda: ColouredNoise(sigma=-1), "ColouredNoise: sigma is -1", "finite, 0 or more, unit of x"),
    (lambda: ColouredNoise(exponent=5), "ColouredNoise: exponent is 5", "0 to 4, no unit"),
])  # fmt: skip
def test_what_a_refusal_says(make, problem, hint):
    with pytest.raises(UserError) as caught:
        make()
    assert (caught.value.problem, caught.value.hint) == (problem, f"range          {hint}")
