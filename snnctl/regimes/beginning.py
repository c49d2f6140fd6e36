"""What a regime does to a network before it trains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from snnctl.networks.initialise import init_rates

if TYPE_CHECKING:
    from snnctl.regimes.supervised import Supervised


def scale_rates(regime: Supervised, rates: tuple[float, float] | None) -> None:
    """Scale weights until each spiking layer's rate lies in a range, on the first batch of a run that begins anew.

    Args:
        regime: attached to a trainer.
        rates: (low, high), spikes a neuron and step; None: leave the weights.
    """
    trainer, network = regime.trainer, regime.network
    if rates is None or trainer.ckpt_path is not None:
        return
    batch = next(iter(trainer.datamodule.train_dataloader()))
    init_rates(network, batch.x.to(regime.device), *rates, length=batch.length)
    if trainer.world_size > 1:  # each process saw another batch
        for tensor in network.state_dict().values():
            torch.distributed.broadcast(tensor, 0)
