"""Real-time recurrent learning."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils import _pytree as pytree

from snnctl.datasets.batch import EventList, dense
from snnctl.regimes.online.influence import Influence, tensors, unheard
from snnctl.regimes.online.online import Gradients, Online, add
from snnctl.regimes.online.streaming import Criterion
from snnctl.regimes.watching import short


class RTRL(Online):
    """BPTT's gradient, exactly, without going back in time: the influence of each parameter on each state is carried.

        M[t] = dS[t]/dS[t-1] M[t-1] + dS[t]/dtheta,   dL/dtheta = sum_t dL/dS[t] M[t]

    Works with any network whose layers take and give their state. M has B S P numbers: of a dense recurrent layer of n
    neurons about n^3 a sample; within a chunk the gradient is taken back through its steps. Measured on one core,
    T = 40, B = 2, chunks of 10: 0.04 s a batch at n = 32, 0.09 s at 64, 1.24 s and 108 MB at 128.

    Args:
        others: as in `Online`.

    Raises:
        UserError: a batch norm, where sequences are longer than a chunk.

    Source: R. J. Williams, D. Zipser, "A learning algorithm for continually running fully recurrent neural networks",
    Neural Computation 1 (1989), doi:10.1162/neco.1989.1.2.270.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name, module in self.network.named_modules():
            if self.streams and isinstance(module, nn.modules.batchnorm._BatchNorm):
                raise self.wrong(
                    f"{short(name)} ({type(module).__name__}) makes samples depend on each other",
                    "choose         a LayerNorm or GroupNorm, or regime=bptt",
                )

    def begin(self, x: Tensor | EventList) -> tuple[Any, Influence]:
        learned = {name: p for name, p in self.network.named_parameters() if p.requires_grad}

        def run(parameters: dict[str, Tensor], state: Any, x: Tensor) -> Any:
            return functional_call(self.network, parameters, (x, state))[1]

        return None, Influence(learned, run, self.network)

    def learn(
        self, x: Tensor | EventList, carried: tuple[Any, Influence], criterion: Criterion, more: bool
    ) -> tuple[Gradients, tuple[Any, Influence]]:
        before, influence = carried
        state = pytree.tree_map_only(Tensor, lambda leaf: leaf.detach().requires_grad_(), before)
        starts, learned = tensors(state), list(influence.parameters.values())
        with torch.enable_grad():
            out, after = self.network(x, state)
            wanted = [*learned, *starts]
            found = torch.autograd.grad(out, wanted, criterion(out), allow_unused=True)
        gradients = {p: g for p, g in zip(learned, found, strict=False) if g is not None}
        adjoints = [torch.zeros_like(s) if g is None else g for s, g in zip(starts, found[len(learned) :], strict=True)]
        add(gradients, influence.gradient(adjoints))
        if more:
            influence.advance(dense(x), before)
        return gradients, (pytree.tree_map_only(Tensor, Tensor.detach, after), influence)

    def traces(self, batch_size: int) -> int:
        """Three times B S P numbers, M, J M and D; none where a chunk holds the sequence."""
        if not self.streams:
            return 0
        x = torch.empty(1, 1, *self.network.facts.shape, device="meta")
        with torch.no_grad(), unheard(self.network):
            state = copy.deepcopy(self.network).to("meta")(x)[1]
        values = sum(leaf.numel() for leaf in tensors(state))
        learned = [p for p in self.network.parameters() if p.requires_grad]
        return 3 * batch_size * values * sum(p.numel() * p.element_size() for p in learned)
