"""The blocks of WaveSense: dilated convolutions over time, done by synaptic time constants."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.kernels.backend import Backend
from snnctl.networks.chain import Chain, State
from snnctl.networks.place import Place
from snnctl.neurons.multi_synapse import MultiSynapse
from snnctl.neurons.synapse import Synapse


class Waves(Chain):
    """Blocks after each other, each with a short cut, whose hidden spikes are gathered:

        h = neuron_S(A x[t])           S synapses a neuron, of time constants tau_syn, d tau_syn, 2 d tau_syn ...
        x' = x + neuron(B h)           goes to the next block, with its own dilation d; the last has none
        out += neuron(C h)

    A synapse of a long time constant stands for an input from long ago: a convolution over time with dilation d.

    Args:
        neuron: partial of the neurons' membrane; tau_mem is given by the block.
        place: where it stands, behind a layer of neurons (N,); filled in by the network.
        dilations: d of each block, 1 and above.
        out_features: neurons that gather.
        kernel_size: S, above 1.
        tau_mem: of neurons behind B and C, s; that of h is its longest tau_syn.
        tau_syn: the shortest time constant, s.
        synapse: order of decay and arrival, as in `MultiSynapse`.
        backend: what runs the synapses, as of `Neuron`.

    Raises:
        UserError: dilations or kernel_size are out of range, or the input is no vector.

    Source: P. Weidel, S. Sheik, "WaveSense: efficient temporal convolutions with spiking neural networks for keyword
    spotting" (2021), arXiv:2111.01456.
    """

    def __init__(
        self,
        neuron: Callable[..., nn.Module],
        place: Place,
        dilations: Sequence[int] = (2, 4, 8),
        out_features: int = 32,
        kernel_size: int = 2,
        tau_mem: float = 20e-3,
        tau_syn: float = 20e-3,
        synapse: Synapse = "decay_then_add",
        backend: Backend = "auto",
    ):
        nn.Module.__init__(self)
        title = f"network layer {place.name} (Waves)"
        if len(place.shape) != 1:
            raise UserError(f"{title} got {place.shape} at each step", "expected       (N,): put a linear layer before")
        if kernel_size < 2 or not dilations or any(type(d) is not int or d < 1 for d in dilations):
            problem = f"{title}: dilations {list(dilations)}, kernel_size {kernel_size!r}"
            raise UserError(problem, "range          whole, 1 and above; whole, 2 and above")
        (size,) = place.shape
        self.layers, self.shapes = nn.ModuleDict(), {}
        self.shape_out = (out_features,)
        self.blocks = len(dilations)

        def branch(name: str, inputs: int, outputs: int, taus: Sequence[float], tau: float) -> None:
            layers: dict[str, Any] = {
                "linear": functools.partial(nn.Linear, out_features=outputs * len(taus), bias=False),
                "neuron": functools.partial(MultiSynapse, neuron=functools.partial(neuron, tau_mem=tau),
                                            tau_syn=list(taus), synapse=synapse, backend=backend),
            }  # fmt: skip
            at = replace(place, name=f"{place.name}.{name}", shape=(inputs,), last=False)
            self.layers[name], self.shapes[name] = Chain(layers, at), (outputs,)

        for i, d in enumerate(dilations):
            taus = [max(k * d, 1) * tau_syn for k in range(kernel_size)]
            branch(f"hidden{i}", size, size, taus, max(taus))
            if i + 1 < self.blocks:
                branch(f"next{i}", size, size, [tau_syn], tau_mem)
            branch(f"out{i}", size, out_features, [tau_syn], tau_mem)

    def forward(self, x: Tensor, state: State | None = None, *, dt: float) -> tuple[Tensor, State]:
        """(T, B, N) -> (T, B, out_features), and the states."""
        before, after = state or {}, {}

        def run(name: str, given: Tensor) -> Tensor:
            given, after[name] = self.layers[name](given, before.get(name), dt=dt)
            return given

        gathered = None
        for i in range(self.blocks):
            hidden = run(f"hidden{i}", x)
            out = run(f"out{i}", hidden)
            x = run(f"next{i}", hidden) + x if i + 1 < self.blocks else x
            gathered = out if gathered is None else out + gathered
        return gathered, after
