"""The tempotron: one layer of neurons that learn to fire, or not to, by where their membrane is highest."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from snnctl.datasets.batch import Batch
from snnctl.errors import UserError
from snnctl.losses import Tempotron as Cost
from snnctl.neurons import LI
from snnctl.regimes.supervised import Supervised


class Tempotron(Supervised):
    """The tempotron's rule, of one layer of weights.

        v_c(t) = sum_i w_ci sum_{t_i < t} K(t - t_i),   K of `LI` with tau_syn: rises in tau_syn, falls in tau_mem
        dw_ci  = +- lr sum_{t_i < t_max} K(t_max - t_i)      + where class c should have fired, - where it should not

    The cost is that of `loss=tempotron`, of which this is the gradient. Momentum, as in the paper, is the optimizer's.

    Args:
        args: as of `Supervised`.

    Source: R. Guetig, H. Sompolinsky, Nature Neuroscience 9 (2006), doi 10.1038/nn1643.

    Raises:
        UserError: another loss; more than one layer with weights; a readout that spikes or has no synapse.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not isinstance(self.loss, Cost):
            raise UserError(f"Tempotron: {type(self.loss).__name__} is not its cost", "choose   loss=tempotron")
        neurons = list(self.network.temporal_layers().values())
        if len(neurons) != 1 or type(neurons[0]) is not LI or neurons[0].tau_syn is None:
            found = ", ".join(type(n).__name__ for n in neurons) or "none"
            raise UserError(
                f"Tempotron: its one layer of neurons is an LI with tau_syn, and the network has {found}",
                "choose   network=tempotron, or regime=bptt for more layers",
            )
        weighted = [m for m in self.network.modules() if isinstance(getattr(m, "weight", None), nn.Parameter)]
        if len(weighted) != 1 or not isinstance(weighted[0], nn.Linear):
            names = ", ".join(type(m).__name__ for m in weighted)
            raise UserError(f"Tempotron: it has one torch.nn.Linear, and the network has {names}", "network=tempotron")

    def outputs(self, batch: Batch) -> Tensor:
        """The membranes (T, B, C)."""
        return self.network(batch.x)[0]
