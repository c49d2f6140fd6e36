"""Every number in every YAML of a loss or regularizer: what is no finite number is refused by name, range and unit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from snnctl.errors import UserError
from snnctl.losses import CTC, FiringRate, L1Sparsity, MembraneBounds, RateCrossEntropy, SpikeTimeMSE

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
NUMBERS = [
    (path, key)
    for group in ("loss", "regularizer")
    for path in sorted((CONFIGS / group).glob("*.yaml"))
    for key, value in OmegaConf.load(path).items()
    if isinstance(value, int | float) and not isinstance(value, bool)
]


@pytest.mark.parametrize("value", [math.nan, math.inf, "x"])
@pytest.mark.parametrize(("path", "key"), NUMBERS, ids=lambda x: x.stem if isinstance(x, Path) else x)
def test_what_is_no_finite_number_is_refused(path, key, value):
    with pytest.raises((UserError, InstantiationException)) as caught:
        instantiate(OmegaConf.load(path), **{key: value})
    error = caught.value if isinstance(caught.value, UserError) else caught.value.__cause__
    assert isinstance(error, UserError), error
    assert (
        error.problem.endswith(f".{key} = {value!r}")
        and error.hint.startswith("range          ")
        and ", " in error.hint
    )


@pytest.mark.parametrize(("make", "problem", "hint"), [
    (lambda: RateCrossEntropy(scale=0.0), "loss.scale = 0.0", "finite, above 0, no unit"),
    (lambda: RateCrossEntropy(label_smoothing=2), "loss.label_smoothing = 2", "0 to 1, no unit"),
    (lambda: CTC(blank=-1), "loss.blank = -1", "finite, 0 or more, index of an output"),
    (lambda: SpikeTimeMSE(on_target=[1, math.inf], off_target=[2, 3]), "loss.on_target = inf", "finite, steps"),
    (lambda: L1Sparsity(weight=-1.0), "regularizer L1Sparsity.weight = -1.0", "finite, 0 or more, no unit"),
    (lambda: FiringRate(low=0.3, high=0.1), "regularizer FiringRate.high = 0.1",
     "finite, 0.3 or more, spikes a neuron and step"),
    (lambda: MembraneBounds(low=None, high=None), "regularizer MembraneBounds: low and high are null",
     "low <= high, one or both, unit of v"),
])  # fmt: skip
def test_what_a_refusal_says(make, problem, hint):
    with pytest.raises(UserError) as caught:
        make()
    assert (caught.value.problem, caught.value.hint) == (problem, f"range          {hint}")
