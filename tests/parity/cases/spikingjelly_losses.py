"""SpikingJelly's losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from snnctl.losses import PerStepCrossEntropy, SpikeSimilarity
from snnctl.losses.similarity import kernel_products
from tests.parity.loss_drive import membranes, ours, spikes, with_gradient
from tests.parity.parity import Inputs, Parity, Traces

MODULE = "spikingjelly.activation_based.functional"


def _their_tet(given: Inputs) -> Traces:
    from spikingjelly.activation_based.functional import temporal_efficient_training_cross_entropy as loss

    return with_gradient(given, lambda x: loss(x, given["target"]))


def _their_similarity(given: Inputs, *options: Any) -> Traces:
    from spikingjelly.activation_based.functional import spike_similar_loss

    labels = torch.nn.functional.one_hot(given["target"] % 3)
    return with_gradient(given, lambda x: spike_similar_loss(x.permute(1, 2, 0), labels, *options))


def _similarity(setting: str, options: tuple, mine: SpikeSimilarity) -> Parity:
    return Parity(
        f"{MODULE}.spike_similar_loss", "loss=similarity", setting, spikes(rate=0.05),
        lambda given: _their_similarity(given, *options),
        lambda given: ours({**given, "target": given["target"] % 3}, mine),
    )  # fmt: skip


def _rows(x: Tensor) -> Tensor:
    return x.transpose(0, 1).flatten(1) / 10


def _their_product(given: Inputs, kernel: str, *options: float) -> Traces:
    from spikingjelly.activation_based.functional import kernel_dot_product

    x = _rows(given["x"])
    return {"products": kernel_dot_product(x, x.flip(0), kernel, *options)}


def _product(kernel: str, *options: float) -> Parity:
    return Parity(
        f"{MODULE}.kernel_dot_product", "snnctl.losses.similarity.kernel_products", f"kernel={kernel}", membranes(),
        lambda given: _their_product(given, kernel, *options),
        lambda given: {"products": kernel_products(_rows(given["x"]), _rows(given["x"]).flip(0), kernel, *options)},
    )  # fmt: skip


CASES = [
    Parity(
        f"{MODULE}.temporal_efficient_training_cross_entropy", "loss=per_step", "defaults", membranes(),
        _their_tet, lambda given: ours(given, PerStepCrossEntropy()),
    ),
    _similarity("defaults", (), SpikeSimilarity()),
    _similarity("sigmoid,l1", ("sigmoid", "l1", 0.2), SpikeSimilarity("sigmoid", 0.2, "l1")),
    _similarity("gaussian,bce", ("gaussian", "bce", 5.0), SpikeSimilarity("gaussian", 5.0, "bce")),
    _product("linear"),
    _product("polynomial", 2.0),
    _product("sigmoid", 0.5),
    _product("gaussian", 1.5),
]  # fmt: skip
