"""FPTT: forward propagation through time."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from snnctl.datasets.batch import EventList
from snnctl.errors import UserError, number
from snnctl.regimes.online.online import Gradients, Online
from snnctl.regimes.online.streaming import Criterion


class FPTT(Online):
    """Each chunk has a loss of its own and moves the weights, which are held near their running mean:

        W   <- optimizer step on   l_t(W) - lambda W + alpha / 2 |W - mean|^2
        lambda <- lambda - alpha (W - mean),   mean <- (mean + W) / 2 - lambda / (2 alpha)

    No gradient goes back beyond a chunk. lambda stands for the gradient of the chunk before, as in the authors' own
    program, so that a chunk is run once; mean and lambda go on from sequence to sequence.

    Args:
        alpha: how strongly weights are held, above 0, 1 / unit of a weight squared.
        chunk: steps between two moves of the weights.
        others: as in `Online`; update_every is the chunk.

    Raises:
        UserError: alpha is out of range; a loss that is no mean over steps where a sequence is longer than a chunk.

    Source: A. Kag, V. Saligrama, "Training recurrent neural networks via forward propagation through time", ICML 2021;
    of spiking networks: B. Yin, F. Corradi, S. M. Bohte, Nature Machine Intelligence 5 (2023), arXiv 2112.11231.
    """

    def __init__(self, *args: Any, alpha: float = 0.5, chunk: int = 10, update_every: int | None = None, **kwargs: Any):
        if update_every not in (None, chunk):
            raise UserError(f"regime.update_every = {update_every}, regime.chunk = {chunk}",
                            "FPTT moves weights after each chunk: leave update_every out")  # fmt: skip
        super().__init__(*args, chunk=chunk, update_every=chunk, **kwargs)
        self.alpha = number("regime.alpha =", alpha, "no unit", 0.0, math.inf, True)
        self.held = [p for p in self.network.parameters() if p.requires_grad]
        for i, p in enumerate(self.held):
            self.register_buffer(f"mean_{i}", p.detach().clone())
            self.register_buffer(f"lambda_{i}", torch.zeros_like(p))
        self.register_buffer("moved", torch.tensor(False))  # since mean and lambda were last changed

    def on_fit_start(self) -> None:
        super().on_fit_start()
        if self.trainer.ckpt_path is None:  # weights may have been set since
            for i, p in enumerate(self.held):
                getattr(self, f"mean_{i}").copy_(p.detach())

    def begin(self, x: Tensor | EventList) -> None:
        self._follow()

    def learn(self, x: Tensor | EventList, carried: Any, criterion: Criterion, more: bool) -> tuple[Gradients, Any]:
        self._follow()
        state = pytree.tree_map_only(Tensor, Tensor.detach, carried)
        with torch.enable_grad():
            out, after = self.network(x, state)
            found = torch.autograd.grad(out, self.held, criterion(out), allow_unused=True)
        self.moved.fill_(True)
        return {p: self._held(i, p, g) for i, (p, g) in enumerate(zip(self.held, found, strict=True))}, after

    def _held(self, i: int, p: nn.Parameter, gradient: Tensor | None) -> Tensor:
        pull = self.alpha * (p.detach() - getattr(self, f"mean_{i}")) - getattr(self, f"lambda_{i}")
        return pull if gradient is None else gradient + pull

    def _follow(self) -> None:
        """Mean and lambda after the weights have moved."""
        if not self.moved:
            return
        for i, p in enumerate(self.held):
            mean, past = getattr(self, f"mean_{i}"), getattr(self, f"lambda_{i}")
            past -= self.alpha * (p.detach() - mean)
            mean.copy_((mean + p.detach()) / 2 - past / (2 * self.alpha))
        self.moved.fill_(False)
