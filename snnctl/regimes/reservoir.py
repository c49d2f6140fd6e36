"""Reservoir computing: a network of random weights, and a readout solved by ridge regression."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from snnctl.datasets.batch import Batch
from snnctl.errors import UserError, number
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.losses.loss import mean
from snnctl.networks.chain import Chain
from snnctl.neurons import LI
from snnctl.regimes.beginning import scale_rates
from snnctl.regimes.unmoved import GradientFree


class Reservoir(GradientFree):
    """Nothing is trained but the last torch.nn.Linear, once an epoch, from all its samples:

        f_b = mean_{t < T_b} LI(s)[t],   s what reaches the last layer;    z_b = (f_b, 1)
        W   = (sum_b y_b z_b^T) (sum_b z_b z_b^T + ridge n I)^-1,          y_bc = 1 for the sample's class, else 0

    so that the mean over time of the readout's membranes, which `loss=mean_membrane` reads, is closest to y. The
    bias is not penalised. It is added at each step, as in any network, and counts with the mean of LI(1) there.
    train/loss is mean_b |y_b - W z_b|^2. An epoch keeps N + 1 numbers a sample.

    Args:
        ridge: penalty of W^2 a sample, unit of f^2; above 0.
        init_rates: (low, high): scale weights before training until each spiking layer's rate, spikes a neuron and
            step, lies in it; None: as drawn.
        others: as in `Supervised`; optimizer and scheduler are not used.

    Raises:
        UserError: the network does not end in Linear and LI, it has no neurons before them, or the loss is another.

    Sources: H. Jaeger, GMD Report 148 (2001); W. Maass, T. Natschlaeger, H. Markram, Neural Computation 14 (2002),
    doi 10.1162/089976602760407955.
    """

    def __init__(
        self, *args: Any, ridge: float = 1e-4, init_rates: tuple[float, float] | None = (0.02, 0.2), **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self.ridge = number("regime.ridge =", ridge, "unit of f^2", 0.0, above=True)
        self.init_rates = init_rates
        layers = [layer for _, layer, _ in self.network.walk()]
        if len(layers) < 2 or type(layers[-1]) is not LI or type(layers[-2]) is not nn.Linear:
            names = ", ".join(type(layer).__name__ for layer in layers[-2:])
            raise UserError(
                f"Reservoir: the network ends in {names}; its readout is a torch.nn.Linear and an LI",
                "choose   network=recurrent, neuron@network.readout=li",
            )
        if not any(getattr(layer, "spiking", False) for layer in self.network.temporal_layers().values()):
            raise UserError(
                "Reservoir: the network has no neurons that spike", "choose   network=recurrent, neuron=lif"
            )
        if type(self.loss) is not MeanMembraneCrossEntropy:
            problem = f"Reservoir: {type(self.loss).__name__} does not read the mean membrane, which is solved for"
            raise UserError(problem, "choose   loss=mean_membrane")
        self.linear, self.readout = layers[-2:]
        if self.linear.bias is None or self.readout.v_min is not None or self.readout._parameters:
            raise UserError("Reservoir: the readout is linear, with a bias and nothing to train", "set   bias: true")
        self.linear.requires_grad_(False)  # no optimizer moves it
        self.rows: list[tuple[Tensor, Tensor]] = []  # z (B, N + 1) and classes (B,) of this epoch's batches

    def on_fit_start(self) -> None:
        scale_rates(self, self.init_rates)

    def learn(self, batch: Batch) -> None:
        self.rows.append((self.features(batch), batch.target))

    @torch.no_grad()
    def features(self, batch: Batch) -> Tensor:
        """z of each sample, (B, N + 1) float64; the last is what a bias of 1 counts."""
        seen: list[Tensor] = []
        hook = self.linear.register_forward_pre_hook(lambda layer, args: seen.append(args[0]))
        chains = [m for m in self.network.modules() if isinstance(m, Chain)]
        for chain in chains:
            chain.time_major = True  # so that rows are (T B)
        try:
            self.network(batch.x)
        finally:
            hook.remove()
            for chain in chains:
                chain.time_major = False
        s = seen[0].unflatten(0, tuple(batch.x.shape[:2])).double()
        one = s.new_ones(*s.shape[:2], 1)
        dt = self.network.dt
        return torch.cat([mean(self.readout(part, dt=dt)[0], batch.length).double() for part in (s, one)], 1)

    def solve(self) -> dict[str, Tensor]:
        """Set the readout from this epoch's samples; the mean squared error and the accuracy on them."""
        z, target = (torch.cat(parts) for parts in zip(*self.rows, strict=True))
        y = nn.functional.one_hot(target, self.linear.out_features).double()
        zz, yz, n = z.t() @ z, y.t() @ z, z.new_tensor(float(len(z)))
        if self.trainer.world_size > 1:
            for value in (zz, yz, n):
                torch.distributed.all_reduce(value)
        penalty = self.ridge * n * torch.eye(len(zz), dtype=zz.dtype, device=zz.device)
        penalty[-1, -1] = 0
        w = torch.linalg.solve(zz + penalty, yz.t()).t()
        with torch.no_grad():
            self.linear.weight.copy_(w[:, :-1])
            self.linear.bias.copy_(w[:, -1])
        found = z @ w.t()
        return {"loss": (y - found).square().sum(1).mean(), "acc": (found.argmax(1) == target).double().mean()}

    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()
        self.rows = []

    def on_validation_start(self) -> None:
        if self.rows and not self.trainer.sanity_checking:
            self.solve()

    def on_train_epoch_end(self) -> None:
        for name, value in self.solve().items():
            self.log(f"train/{name}", value.float(), prog_bar=True, batch_size=1, sync_dist=True)

    def running_state(self) -> dict[str, Any]:
        if not self.rows:
            return {}
        return {
            name: torch.cat(parts).cpu()
            for name, parts in zip(("z", "target"), zip(*self.rows, strict=True), strict=True)
        }

    def load_running_state(self, state: dict[str, Any]) -> None:
        self.rows = [(state["z"].to(self.device), state["target"].to(self.device))] if state else []
