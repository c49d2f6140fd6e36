"""The window of learned delays, narrowed while they are trained."""

from __future__ import annotations

import lightning

from snnctl.errors import UserError, number
from snnctl.networks.delays import DelayedLinear


class DelayWidth(lightning.Callback):
    """Narrows the gaussian window of every `DelayedLinear`, epoch by epoch, geometrically:

        sigma[e] = first (last / first)^min(e / epochs, 1),   e = 0, 1, ...

    A wide window lets a delay feel inputs far from it; a narrow one is close to the whole steps of evaluation. What
    sigma is follows from the epoch alone, so a resumed run goes on as it was.

    Args:
        first: sigma in epoch 0, steps, above 0; None: half of the longest delay, at least 1.
        last: sigma from epoch `epochs` on, steps, above 0.
        epochs: how many epochs it takes, 1 and above.

    Source: I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier, "Learning delays in spiking neural networks using
    dilated convolutions with learnable spacings", ICLR 2024, arXiv:2306.17670.

    Raises:
        UserError: a value is out of range; when training starts: the network has no such layer.
    """

    def __init__(self, first: float | None = None, last: float = 0.5, epochs: int = 10):
        if first is not None:
            number("DelayWidth: first is", first, "steps", 0.0, above=True)
        number("DelayWidth: last is", last, "steps", 0.0, above=True)
        number("DelayWidth: epochs is", epochs, "epochs", 1)
        self.first, self.last, self.epochs = first, last, epochs

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        network = pl_module.network
        layers = [m for m in network.modules() if isinstance(m, DelayedLinear)]
        if not layers:
            raise UserError("DelayWidth: the network has no DelayedLinear", "choose         network=delays")
        for layer in layers:
            layer.sigma = self.width(trainer.current_epoch, layer.longest / network.dt)

    def width(self, epoch: int, longest: float) -> float:
        """sigma of an epoch, steps.

        Args:
            epoch: counted from 0.
            longest: the longest delay, steps.
        """
        first = max(longest / 2, 1.0) if self.first is None else self.first
        return first * (self.last / first) ** min(epoch / self.epochs, 1.0)
