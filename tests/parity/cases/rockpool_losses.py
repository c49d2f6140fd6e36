"""Rockpool's losses of torch.

Not proven: nontarget_output other than 0, which its peak losses do not look at.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from snnctl.losses import CTC, BinaryPeak, Loss, MembraneMSE, Peak
from tests.parity.frameworks import guard
from tests.parity.loss_drive import STEPS, membranes, ours, with_gradient
from tests.parity.parity import Inputs, Parity, Traces


def _their_peak(given: Inputs, name: str, options: tuple) -> Traces:
    guard()
    from rockpool.nn import losses

    loss = getattr(losses, name)(*options)
    return with_gradient(given, lambda x: loss(x.transpose(0, 1), given["target"]))


def _peak(name: str, ours_name: str, setting: str, inputs: Callable[[], Inputs], options: tuple, mine: Loss) -> Parity:
    return Parity(
        f"rockpool.nn.losses.{name}", f"loss={ours_name}", setting, inputs,
        lambda given: _their_peak(given, name, options), lambda given: ours(given, mine),
    )  # fmt: skip


def _late_peak() -> Inputs:
    """Peaks at the end, where the window starts over."""
    given = membranes()()
    x = given["x"].clone()
    x[-2] += 5
    return {**given, "x": x}


def _trace(given: Inputs) -> Tensor:
    return given["x"].roll(1, 2)


def _their_mse(given: Inputs) -> Traces:
    guard()
    from rockpool.nn.losses import MSELoss

    return with_gradient(given, lambda x: MSELoss()(x, _trace(given)))


def _my_mse(given: Inputs) -> Traces:
    length = torch.full(given["target"].shape, STEPS)
    return with_gradient(given, lambda x: MembraneMSE()(x, _trace(given), length))


SEQUENCES = torch.tensor([[1, 2, 1], [3, 3, 4], [4, 1, 2], [2, 2, 2], [1, 2, 3], [4, 3, 2]])  # 0 is the blank


def _their_ctc(given: Inputs) -> Traces:
    guard()
    from rockpool.training.ctc_loss import ctc_loss_torch

    def loss(x: Tensor) -> Tensor:
        chances = x.log_softmax(2)
        return torch.stack([ctc_loss_torch(s.tolist(), chances[:, b], 8) for b, s in enumerate(SEQUENCES)]).mean()

    return with_gradient(given, loss)


def _their_other_ctc(given: Inputs, name: str) -> Traces:
    """In numpy and jax; the loss only."""
    guard()
    from rockpool.training import ctc_loss

    chances = given["x"].log_softmax(2).numpy()
    found = [float(getattr(ctc_loss, name)(s.numpy(), chances[:, b], 8)) for b, s in enumerate(SEQUENCES)]
    return {"loss": torch.tensor(found).mean()}


def _my_ctc(given: Inputs) -> Traces:
    return ours({**given, "target": SEQUENCES}, CTC(blank=0))


def _ctc_inputs() -> Inputs:
    given = membranes()()
    return {**given, "x": given["x"][:8]}


CASES = [
    _peak("PeakLoss", "peak", "max_interval=5", membranes(), (5, 1.0, 1.0), Peak()),
    _peak("PeakLoss", "peak", "max_interval=1", membranes(), (1, 0.3, 2.5), Peak(1, 0.3, 2.5)),
    _peak("PeakLoss", "peak", "peaks at the end", _late_peak, (7, 0.5, 1.0), Peak(7, 0.5)),
    _peak("BinaryPeakLoss", "binary_peak", "max_interval=5", membranes(1, 2), (5, 1.0, 1.0), BinaryPeak()),
    _peak("BinaryPeakLoss", "binary_peak", "max_interval=3", membranes(1, 2), (3, 0.3, 2.0), BinaryPeak(3, 0.3, 2.0)),
    _peak("BinaryPeakLoss", "binary_peak", "one class", membranes(1, 1), (3, 0.3, 2.0), BinaryPeak(3, 0.3, 2.0)),
    Parity("rockpool.nn.losses.MSELoss", "loss=membrane_mse", "defaults", membranes(), _their_mse, _my_mse),
    Parity(
        "rockpool.training.ctc_loss.ctc_loss_torch", "loss=ctc", "blank=0", _ctc_inputs, _their_ctc,
        _my_ctc,
    ),
    *(
        Parity(f"rockpool.training.ctc_loss.{name}", "loss=ctc", "blank=0", _ctc_inputs,
               lambda given, name=name: _their_other_ctc(given, name),
               lambda given: {"loss": _my_ctc(given)["loss"]})
        for name in ("ctc_loss_numpy", "ctc_loss_jax")
    ),
]  # fmt: skip
