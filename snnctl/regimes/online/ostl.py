"""OSTL: online spatio-temporal learning."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils import _pytree as pytree

from snnctl.networks.folding import over_time
from snnctl.regimes.online import eligibility
from snnctl.regimes.online.eligibility import Eligibility
from snnctl.regimes.online.influence import Influence, tensors
from snnctl.regimes.online.layered import Layered
from snnctl.regimes.online.online import add
from snnctl.regimes.online.stages import Run, Stage, stages
from snnctl.regimes.watching import short


class OSTL(Layered):
    """Errors of each step times traces that are exact within a layer, resets and recurrent weights included:

        dL / dtheta_i = sum_t l_i[t] e_i[t],   e_i[t] = dout_i[t] / dtheta_i  with the layer's inputs as they were

    BPTT's gradient where one layer of neurons is read out without memory; in deeper networks what crosses layers and
    steps both is left out. A linear layer and its neurons have (B, neurons, inputs) traces for each field of their
    state; a recurrent layer, or any other, carries the full influence of `RTRL`, of that layer alone.

    Args:
        others: as in `Layered`.

    Raises:
        UserError: a batch norm, where a sequence is longer than a chunk.

    Source: T. Bohnstingl et al., "Online spatio-temporal learning in deep neural networks", IEEE Transactions on Neural
    Networks and Learning Systems 34 (2023), doi:10.1109/TNNLS.2022.3153985.
    """

    def suits(self, stage: Stage) -> None:
        for module in stage.before:
            if self.streams and isinstance(module, nn.modules.batchnorm._BatchNorm):
                raise self.wrong(
                    f"{short(stage.name)} has a {type(module).__name__} before it, which makes samples depend on each "
                    "other",
                    "choose         a LayerNorm or GroupNorm, or regime=ottt",
                )

    def through_time(
        self, here: Run, signal: Tensor, delta: Tensor, kept: dict[str, Any], more: bool
    ) -> dict[nn.Parameter, Tensor]:
        stage = here.stage
        if stage.layer is None:
            return here.to_weights(delta)
        state = pytree.tree_map_only(Tensor, lambda leaf: leaf.detach().requires_grad_(), kept["state"])
        x = here.drive if stage.feedback is None else here.y.detach().requires_grad_()
        starts, learned = tensors(state), [p for p in stage.layer.parameters() if p.requires_grad]
        out, after = stage.layer.forward(x, state, dt=self.network.dt)
        grads = torch.autograd.grad(out, [x, *learned, *starts], signal, retain_graph=more, allow_unused=True)
        found = dict(zip(stage.weights(), self._before(here, grads[0]), strict=True))
        found |= {p: g for p, g in zip(learned, grads[1:], strict=False) if g is not None}
        adjoints = grads[1 + len(learned) :]
        if stage.feedback is None and eligibility.is_local(stage):
            trace = kept.setdefault("trace", Eligibility())
            past = trace.gradient(adjoints)
            if past is not None:
                add(found, eligibility.to_parameters(stage, past))
            if more:
                trace.advance(tensors(after), x, starts, eligibility.inputs(here))
        elif more or "influence" in kept:
            influence = kept.setdefault("influence", self._influence(stage))
            full = [torch.zeros_like(s) if g is None else g for s, g in zip(starts, adjoints, strict=True)]
            add(found, influence.gradient(full))
            if more:
                influence.advance(here.pre.detach(), kept["state"])
        return found

    def _before(self, here: Run, delta: Tensor) -> list[Tensor]:
        weights = here.stage.weights()
        return list(torch.autograd.grad(here.y, weights, delta, retain_graph=True)) if weights else []

    def _influence(self, stage: Stage) -> Influence:
        layer = _Alone(stage, self.network.dt)
        learned = {name: p for name, p in layer.named_parameters() if p.requires_grad}
        return Influence(learned, lambda parameters, state, x: functional_call(layer, parameters, (x, state)), layer)

    def traces(self, batch_size: int) -> int:
        """Bytes of the traces of all layers; none where a chunk holds the sequence."""
        if not self.streams:
            return 0
        total = 0
        for stage in stages(self.network, "OSTL"):
            if stage.layer is None:
                continue
            fields = len(tensors(stage.neuron.initial_state(torch.empty(1, *stage.shape, device="meta"))))
            if stage.feedback is None and eligibility.is_local(stage):
                total += eligibility.numbers(stage, fields)
                continue
            size = torch.Size(stage.shape).numel()
            values = size * (fields + (stage.feedback is not None))
            learned = [*stage.weights(), *(p for p in stage.layer.parameters() if p.requires_grad)]
            total += 3 * values * sum(p.numel() for p in learned)
        return 4 * batch_size * total


class _Alone(nn.Module):
    """A stage as a module: (pre, state) -> state after."""

    def __init__(self, stage: Stage, dt: float):
        super().__init__()
        self.before, self.layer, self.dt = nn.ModuleList(stage.before), stage.layer, dt

    def forward(self, x: Tensor, state: Any) -> Any:
        for module in self.before:
            x = over_time(module, x)
        return self.layer(x, state, dt=self.dt)[1]
