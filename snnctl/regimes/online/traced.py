"""Traces at the inputs: what each input has left behind in the neurons that it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.neurons.neuron import Neuron
from snnctl.regimes.online.layered import Layered
from snnctl.regimes.online.online import add
from snnctl.regimes.online.response import Response
from snnctl.regimes.online.stages import Run, Stage

AFFINE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class Traced(Layered):
    """Gradients of weights as errors times traces of the inputs, (B, inputs) whatever the number of neurons:

        dL / dW = sum_t d[t] a[t]^T,   a[t] = sum_k r[k] s[t-k]

    r: response of the neurons that the weights lead to, decay^k for LIF; the bias has the trace of a constant 1.
    Within a chunk it is R^T d times s, with R[t, s] = r[t-s]; between chunks, the states that s drives are kept.

    Args:
        others: as in `Layered`.

    Raises:
        UserError: neurons that are not linear below threshold or differ in their decays; where a sequence is longer
            than a chunk: a stage whose weights are not those of one linear or convolutional layer right before it.
    """

    def suits(self, stage: Stage) -> None:
        self.response(stage)
        if not self.streams:
            return
        weighted = stage.weighted
        if weighted and (weighted != stage.before[-1:] or not isinstance(weighted[0], AFFINE)):
            raise carries_affine_only(self, stage)

    def response(self, stage: Stage) -> Response | None:
        """Of the neurons that a stage's weights lead to; None: they keep nothing."""
        return None if stage.layer is None else self.of_neuron(stage.name, stage.neuron)

    def of_neuron(self, name: str, neuron: Neuron) -> Response:
        """The response of the neurons of a layer, found once where none of their numbers can change."""
        known = vars(self).setdefault("_responses", {})
        if any(True for _ in (*neuron.parameters(), *neuron.buffers())):
            return Response(neuron, self.network.dt, self.wrong)
        if known.get(name, (None,))[0] is not neuron:
            known[name] = neuron, Response(neuron, self.network.dt, self.wrong)
        return known[name][1]

    def begin(self, x: Any) -> list[dict[str, Any]]:
        carried = super().begin(x)
        for kept in carried:
            kept["response"] = self.response(kept["stage"])
        return carried

    def through_time(
        self, here: Run, signal: Tensor, delta: Tensor, kept: dict[str, Any], more: bool
    ) -> dict[nn.Parameter, Tensor]:
        response: Response | None = kept["response"]
        found = dict(here.extra.get("own", {}))
        if response is None:
            return found | here.to_weights(delta)
        steps = len(delta)
        found |= here.to_weights(response.led_back(delta))
        feedback = here.stage.feedback
        if "into" in kept:
            powers = response.powers(steps).to(delta)
            late = torch.einsum("tk,t...->k...", powers, delta)  # (states, B, ...)
            for module in here.stage.weighted:
                add(found, _of_past(module, kept["into"], kept["one"], late))
            if feedback is not None:
                add(found, _of_past(feedback, kept["shifted"], kept["one"], late))
        if more:
            kept["into"] = response.left(kept.get("into"), here.into.detach())
            kept["one"] = response.left(kept.get("one"), delta.new_ones(steps))
            if feedback is not None:
                kept["shifted"] = response.left(kept.get("shifted"), here.shifted)
        return found


def carries_affine_only(rule: Layered, stage: Stage) -> UserError:
    """The error for a stage whose weights have no trace between chunks."""
    kinds = ", ".join(type(module).__name__ for module in stage.before) or "none"
    return rule.wrong(
        f"layers before {stage.name} ({kinds}): traces are kept for one linear or convolutional layer right before "
        "the neurons",
        f"set            regime.chunk of a whole sequence, so that none leads out of a chunk (now {rule.chunk})",
    )


def _of_past(module: nn.Module, x: Tensor, one: Tensor, late: Tensor) -> dict[nn.Parameter, Tensor]:
    """Gradients of weights at the traces x (states, B, ...) of their inputs, of a bias at that of a constant 1."""
    bias = getattr(module, "bias", None)
    found = _pulled(module, x, late, [p for p in module.parameters() if p is not bias])
    return found | _pulled(module, x, late * one.view(-1, *[1] * (late.dim() - 1)), [bias])


def _pulled(
    module: nn.Module, x: Tensor, cotangent: Tensor, parameters: Sequence[nn.Parameter | None]
) -> dict[nn.Parameter, Tensor]:
    """Gradients of a module at inputs x (k, B, ...), summed over k."""
    parameters = [p for p in parameters if p is not None and p.requires_grad]
    if not parameters:
        return {}
    with torch.enable_grad():
        y = module(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    grads = torch.autograd.grad(y, parameters, cotangent.to(y.dtype))
    return dict(zip(parameters, grads, strict=True))
