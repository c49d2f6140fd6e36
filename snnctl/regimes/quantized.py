"""Training in the numbers of the chip that the network is for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from snnctl import interchange
from snnctl.circuits import Circuit
from snnctl.datasets.batch import dense
from snnctl.errors import UserError
from snnctl.targets.target import Model, Target, Traces


class Quantized:
    """A part of a gradient regime: forward what the target computes, backward the gradient of the float network,

        y = y_float + (y_target - y_float)    the bracket without gradient

    for the spikes of every layer and for the output. So each layer sees the spikes that the chip would send it, and the
    loss is that of the chip's own output: rounded weights, time constants and states, saturation included.

    In training the target's integers are made anew from the weights for every batch, with scales by that batch, and run
    beside the float network. An evaluation makes them once, with scales by training samples, as a deployment does.

    Args:
        target: whose arithmetic.

    Source: the straight-through estimator: Y. Bengio, N. Leonard, A. Courville 2013, arXiv:1308.3432.
    """

    def __init__(self, target: Target):
        self.target = target
        self._settled: tuple[Circuit, Model] | None = None

    def settle(self, network: nn.Module, x: Tensor) -> None:
        """Keep the integers of the weights as they are now, with scales by x (T, B, *input), until `release`."""
        self._settled = self._integers(network, x)

    def release(self) -> None:
        """Make integers anew for every batch."""
        self._settled = None

    def run(self, network: nn.Module, x: Any) -> Tensor:
        """The readout over time (T, B, C) of a batch's input.

        Raises:
            UserError: the network does not fit the target, or does not give what the target gives.
        """
        x = dense(x)
        circuit, given = self.traces(network, x)
        with replaced(network, circuit, given.spikes):
            out = network(x)[0]
        return through(out, given.out)

    @torch.no_grad()
    def traces(self, network: nn.Module, x: Tensor) -> tuple[Circuit, Traces]:
        """What the target gives for x, with the network's weights as they are now, or were when they were settled."""
        circuit, model = self._settled or self._integers(network, x)
        return circuit, model.run(x)

    @torch.no_grad()
    def _integers(self, network: nn.Module, x: Tensor) -> tuple[Circuit, Model]:
        training = {module: module.training for module in network.modules()}
        network.eval()
        try:
            graph = interchange.graph_of(network, allow=interchange.sayable())
            circuit = interchange.circuit_of(graph)
            return circuit, self.target.quantise(circuit, self.target.plan(circuit), x)
        finally:
            for module, mode in training.items():
                module.training = mode


class _Through(torch.autograd.Function):
    """The value of one, the gradient of the other; y + (target - y) would round."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, target: Tensor) -> Tensor:
        return target.to(y.dtype).clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


def through(y: Tensor, target: Tensor) -> Tensor:
    """The value of `target` with the gradient of y."""
    return _Through.apply(y, target)


@contextmanager
def replaced(network: nn.Module, circuit: Circuit, spikes: dict[str, Tensor]) -> Iterator[None]:
    """While it lasts, every spiking layer gives the target's spikes, with its own gradient.

    Raises:
        UserError: a layer of the circuit is none of the network.
    """
    layers = {name: layer for name, layer in network.temporal_layers().items() if getattr(layer, "spiking", False)}
    hooks = []
    try:
        for name in circuit.names:
            if name not in spikes or not circuit.populations[name].spiking:
                continue
            layer = next((layers[n] for n in layers if name == n or name.startswith(f"{n}.")), None)
            if layer is None:
                raise UserError(
                    f"regime.quantize: {name} is no layer of the network", f"they are   {', '.join(layers)}"
                )
            hooks.append(layer.register_forward_hook(_gives(spikes[name])))
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _gives(spikes: Tensor) -> Any:
    def hook(layer: nn.Module, args: Any, output: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
        return through(output[0], spikes), output[1]

    return hook
