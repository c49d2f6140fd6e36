"""snnTorch's losses.

Not proven: population_code of ce_rate_loss, which sums nothing; class weights of its squared errors, which fall on the
outputs instead of the samples; a second spike where there are several neurons, since finding it wipes out that step of
all of them; an off_target below 0, which becomes 0 (so by default mse_temporal_loss wants every neuron to fire at once,
and not at the last step, as it says).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from snnctl.losses import (
    FirstSpike,
    L1Sparsity,
    Loss,
    MaxMembraneCrossEntropy,
    MembraneMSE,
    PerStepCrossEntropy,
    SpikeCountCrossEntropy,
    SpikeCountMSE,
    SpikeTimeMSE,
)
from tests.parity.loss_drive import membranes, spikes, with_gradient
from tests.parity.parity import Inputs, Parity, Traces

WEIGHTS = (0.5, 1.0, 2.0, 0.25, 1.5)


def _theirs(given: Inputs, name: str, options: dict[str, Any]) -> Traces:
    import snntorch.functional as functional

    if "weight" in options:
        options = options | {"weight": torch.tensor(options["weight"])}
    loss = getattr(functional, name)(**options)
    return with_gradient(given, lambda x: loss(x, given["target"].clone()))


def _mine(given: Inputs, loss: Loss, pool: int = 1) -> Traces:
    population = nn.AvgPool1d(pool) if pool > 1 else nn.Identity()
    length = torch.full(given["target"].shape, len(given["x"]))
    return with_gradient(given, lambda x: loss(population(x), given["target"], length))


def _case(
    name: str, ours: str, setting: str, inputs: Callable[[], Inputs], theirs: dict[str, Any], mine: Loss, pool: int = 1
) -> Parity:
    return Parity(
        f"snntorch.functional.{name}", f"loss={ours}", setting, inputs,
        lambda given: _theirs(given, name, theirs), lambda given: _mine(given, mine, pool),
    )  # fmt: skip


def _weighted_mean(given: Inputs) -> Traces:
    """Theirs divides by the weights of the samples, ours by their number."""
    loss = FirstSpike(gradient="sign", class_weights=WEIGHTS)
    length = torch.full(given["target"].shape, len(given["x"]))
    factor = len(length) / torch.tensor(WEIGHTS)[given["target"]].sum()
    return with_gradient(given, lambda x: factor * loss(x, given["target"], length))


def _one_neuron() -> Inputs:
    x = torch.zeros(40, 1, 1)
    x[[3, 9, 10, 25]] = 1
    return {"x": x, "target": torch.zeros(1, dtype=torch.int64)}


def _their_l1(given: Inputs, **options: float) -> Traces:
    from snntorch.functional import reg

    return with_gradient(given, reg.l1_rate_sparsity(**options))


def _my_l1(given: Inputs, weight: float) -> Traces:
    length = torch.full(given["target"].shape, len(given["x"]))
    return with_gradient(given, lambda x: L1Sparsity(weight, total=True)({"out": x}, length))


def _l1(setting: str, theirs: dict[str, float], weight: float) -> Parity:
    return Parity(
        "snntorch.functional.reg.l1_rate_sparsity", "regularizer=l1_sparsity", setting, spikes(),
        lambda given: _their_l1(given, **theirs), lambda given: _my_l1(given, weight),
    )  # fmt: skip


POPULATION = {"population_code": True, "num_classes": 5}

CASES = [
    _case("ce_rate_loss", "per_step", "defaults", spikes(), {}, PerStepCrossEntropy()),
    _case(
        "ce_rate_loss", "per_step", "weight", spikes(), {"weight": WEIGHTS}, PerStepCrossEntropy(class_weights=WEIGHTS)
    ),
    _case("ce_rate_loss", "per_step", "membranes", membranes(), {}, PerStepCrossEntropy()),
    _case("ce_count_loss", "spike_count", "defaults", spikes(), {}, SpikeCountCrossEntropy()),
    _case(
        "ce_count_loss", "spike_count", "weight", spikes(), {"weight": WEIGHTS},
        SpikeCountCrossEntropy(class_weights=WEIGHTS),
    ),
    _case(
        "ce_count_loss", "spike_count", "population_code", spikes(20), POPULATION, SpikeCountCrossEntropy(scale=4.0), 4
    ),
    _case("ce_max_membrane_loss", "max_membrane", "defaults", membranes(), {}, MaxMembraneCrossEntropy()),
    _case(
        "ce_max_membrane_loss", "max_membrane", "weight", membranes(), {"weight": WEIGHTS},
        MaxMembraneCrossEntropy(class_weights=WEIGHTS),
    ),
    _case(
        "ce_max_membrane_loss", "max_membrane", "weight_of_two", membranes(), {"weight": (0.0, 1.0, 0.0, 3.0, 0.0)},
        MaxMembraneCrossEntropy(class_weights=(0.0, 1.0, 0.0, 3.0, 0.0)),
    ),
    _case("mse_count_loss", "count_mse", "defaults", spikes(), {}, SpikeCountMSE()),
    _case(
        "mse_count_loss", "count_mse", "rates=0.81_0.22", spikes(), {"correct_rate": 0.81, "incorrect_rate": 0.22},
        SpikeCountMSE(0.81, 0.22),
    ),
    _case(
        "mse_count_loss", "count_mse", "population_code", spikes(20),
        {"correct_rate": 0.8, "incorrect_rate": 0.1} | POPULATION, SpikeCountMSE(0.8, 0.1, scale=4.0), 4,
    ),
    _case("mse_membrane_loss", "membrane_mse", "defaults", membranes(), {}, MembraneMSE()),
    _case(
        "mse_membrane_loss", "membrane_mse", "targets=1.5_0.25", membranes(), {"on_target": 1.5, "off_target": 0.25},
        MembraneMSE(1.5, 0.25),
    ),
    _case(
        "mse_membrane_loss", "membrane_mse", "on_target=0.3", membranes(), {"on_target": 0.3}, MembraneMSE(0.3)
    ),
    _case("mse_temporal_loss", "spike_time_mse", "defaults", spikes(), {}, SpikeTimeMSE(0, 0)),
    _case("mse_temporal_loss", "spike_time_mse", "off_target=39", spikes(), {"off_target": 39}, SpikeTimeMSE()),
    _case(
        "mse_temporal_loss", "spike_time_mse", "targets=3_12,tolerance=4", spikes(),
        {"on_target": 3, "off_target": 12, "tolerance": 4}, SpikeTimeMSE(3, 12, tolerance=4),
    ),
    _case(
        "mse_temporal_loss", "spike_time_mse", "multi_spike", _one_neuron,
        {"on_target": torch.tensor((5, 10, 20)), "off_target": torch.tensor((30, 35, 39)), "multi_spike": True},
        SpikeTimeMSE([5, 10, 20], [30, 35, 39]),
    ),
    _case("ce_temporal_loss", "first_spike", "defaults", spikes(), {}, FirstSpike(gradient="sign")),
    _case(
        "ce_temporal_loss", "first_spike", "inverse=reciprocal", spikes(), {"inverse": "reciprocal"},
        FirstSpike(gradient="sign", inverse="reciprocal"),
    ),
    Parity(
        "snntorch.functional.ce_temporal_loss", "loss=first_spike", "weight", spikes(),
        lambda given: _theirs(given, "ce_temporal_loss", {"weight": WEIGHTS}), _weighted_mean,
    ),
    _l1("defaults", {}, 1e-5),
    _l1("Lambda=1", {"Lambda": 1.0}, 1.0),
    _l1("Lambda=0.01", {"Lambda": 0.01}, 0.01),
]  # fmt: skip
