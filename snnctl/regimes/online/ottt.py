"""OTTT: online training through time."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn

from snnctl.neurons.quantity import one_of
from snnctl.regimes.online.online import add
from snnctl.regimes.online.response import Response
from snnctl.regimes.online.stages import Run, Stage, stages
from snnctl.regimes.online.traced import Traced

Traces = Literal["postsynaptic", "presynaptic"]


class OTTT(Traced):
    """Errors of each step times traces of the spikes that came before:

        dL / dW = sum_t d[t] a[t]^T,   a[t] = decay a[t-1] + s[t]

    With update_every = chunk = 1 weights move at every step.

    Args:
        traces: whose decay a trace has: "postsynaptic": that of the neurons that the weights lead to, as in the
            derivation; a constant input has one too. "presynaptic": that of the neurons that spike, none for the
            network's input and for a bias: SpikingJelly's.
        others: as in `Traced`.

    Raises:
        UserError: a recurrent layer with presynaptic traces; as `Traced`.

    Source: M. Xiao et al., "Online training through time for spiking neural networks", NeurIPS 2022, arXiv 2210.04195.
    """

    def __init__(self, *args: Any, traces: Traces = "postsynaptic", **kwargs: Any):
        self.decay_of = one_of("OTTT", "traces", traces, Traces)  # before what the base looks at
        super().__init__(*args, **kwargs)

    def suits(self, stage: Stage) -> None:
        if self.decay_of == "presynaptic" and stage.feedback is not None:
            raise self.wrong(
                f"{stage.name} is recurrent, and traces are presynaptic", "set   regime.traces=postsynaptic"
            )
        super().suits(stage)

    def response(self, stage: Stage) -> Response | None:
        if self.decay_of == "postsynaptic":
            return super().response(stage)
        row = stages(self.network, "OTTT")
        names = [s.name for s in row]
        number = names.index(stage.name)
        return super().response(row[number - 1]) if number else None

    def through_time(
        self, here: Run, signal: Tensor, delta: Tensor, kept: dict[str, Any], more: bool
    ) -> dict[nn.Parameter, Tensor]:
        found = super().through_time(here, signal, delta, kept, more)
        if self.decay_of == "presynaptic":
            biases = {p for module in here.stage.weighted for name, p in module.named_parameters() if name == "bias"}
            found = {p: g for p, g in found.items() if p not in biases}
            add(found, {p: g for p, g in here.to_weights(delta).items() if p in biases})
        return found
