"""An ordinary network, without time: each sample is one frame."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from snnctl.datasets.batch import Batch, EventList
from snnctl.errors import UserError, did_you_mean
from snnctl.losses.loss import mean, total
from snnctl.regimes.supervised import Supervised

Frame = Literal["sum", "mean"]


class ANN(Supervised):
    """Backpropagation in a network of ReLUs that sees a sample as one frame:

        x = sum_t x[t]            (sum: of events, their accumulated frame)
        x = mean_t x[t]           (mean: of random or analogue input)

    over its valid steps; a still image, shown unchanged at each step, is the frame itself. It is evaluated the same
    way. `snnctl convert` makes a spiking network of what was trained.

    Args:
        frame: sum or mean.
        others: as in `Supervised`.

    Raises:
        UserError: the network has neurons that spike.

    Source: D. E. Rumelhart, G. E. Hinton, R. J. Williams 1986, doi 10.1038/323533a0.
    """

    def __init__(self, *args: Any, frame: Frame = "sum", **kwargs: Any):
        super().__init__(*args, **kwargs)
        if frame not in ("sum", "mean"):
            raise UserError(f"regime.frame = {frame!r}", did_you_mean(str(frame), ("sum", "mean")))
        self.frame = frame
        for name, layer in spiking_layers(self.network).items():
            raise UserError(
                f"regime=ann trains networks without spikes, and layer {name} ({type(layer).__name__}) spikes",
                "set   neuron=relu, or neuron=qcfs",
            )

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """The batch with one step, so that whoever counts or records sees what the network sees."""
        x = framed(batch.x, batch.length, self.frame)[None]
        return batch._replace(x=x, length=torch.ones_like(batch.length))

    def outputs(self, batch: Batch) -> Tensor:
        return self(batch)

    def forward(self, batch: Batch) -> Tensor:
        """The readout of one step, (1, B, C)."""
        return self.network(framed(batch.x, batch.length, self.frame)[None])[0]


def framed(x: Tensor | EventList, length: Tensor, frame: Frame = "sum") -> Tensor:
    """The one frame of each sample.

    Args:
        x: (T, B, *shape).
        length: (B,) valid steps.
        frame: sum or mean over them.

    Returns:
        (B, *shape) float32.
    """
    if not isinstance(x, Tensor):
        x = x.dense()
    if constant(x):
        return x[0].float()
    return total(x, length) if frame == "sum" else mean(x, length)


def constant(x: Tensor | EventList) -> bool:
    """Whether an input (T, B, ...) is one frame shown at each step, as direct encoding gives a still image."""
    return isinstance(x, Tensor) and (len(x) == 1 or x.stride(0) == 0)


def spiking_layers(network: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Layers that give spikes, by dotted name."""
    return {name: layer for name, layer in network.temporal_layers().items() if getattr(layer, "spiking", False)}
