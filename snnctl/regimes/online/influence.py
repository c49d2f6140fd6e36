"""How states hang on parameters, in full: d state / d parameters, carried from chunk to chunk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

Run = Callable[[dict[str, Tensor], Any, Tensor], Any]  # parameters by name, state, x (K, 1, ...) -> state after


class Influence:
    """M = d state / d parameters of each sample, (B, S, P):

        M[end] = J M[start] + D,   J = d state[end] / d state[start],   D = d state[end] / d parameters at fixed start

    J and D come from S backward passes through the chunk, so that a step costs about S forward passes, and a chunk one
    product (S x S)(S x P) a sample: in a dense layer of n neurons n^3 a step and n^4 a chunk.

    Args:
        parameters: name -> parameter.
        run: one sample's chunk, differentiable.
        module: what runs; its hooks are not called.

    Source: R. J. Williams, D. Zipser, "A learning algorithm for continually running fully recurrent neural networks",
    Neural Computation 1 (1989), doi:10.1162/neco.1989.1.2.270.
    """

    def __init__(self, parameters: dict[str, nn.Parameter], run: Run, module: nn.Module):
        self.parameters, self.run, self.module = parameters, run, module
        self.matrix: Tensor | None = None  # None: zero

    def gradient(self, adjoints: Sequence[Tensor]) -> dict[nn.Parameter, Tensor]:
        """What dL / d state[start], leaves (B, ...) in order, means for each parameter."""
        if self.matrix is None:
            return {}
        row = torch.cat([a.flatten(1) for a in adjoints], 1)
        flat = torch.einsum("bs,bsp->p", row.to(self.matrix.dtype), self.matrix)
        sizes = [p.numel() for p in self.parameters.values()]
        return {p: g.view_as(p) for p, g in zip(self.parameters.values(), flat.split(sizes), strict=True)}

    def advance(self, x: Tensor, state: Any) -> None:
        """Over a chunk x (K, B, ...) that began in `state`; None: at rest."""
        given = {name: p.detach() for name, p in self.parameters.items()}

        def end(parameters: dict[str, Tensor], leaves: list[Tensor], x: Tensor) -> Tensor:
            begun = with_tensors(state, [leaf[None] for leaf in leaves])
            return torch.cat([leaf.flatten() for leaf in tensors(self.run(parameters, begun, x[:, None]))])

        jacobians = torch.vmap(torch.func.jacrev(end, argnums=(0, 1)), in_dims=(None, 0, 1), randomness="same")
        with torch.enable_grad(), unheard(self.module):
            direct, through = jacobians(given, [leaf.detach() for leaf in tensors(state)], x.detach())
        matrix = torch.cat([direct[name].detach().reshape(*direct[name].shape[:2], -1) for name in given], 2)
        if self.matrix is not None:
            matrix += torch.bmm(torch.cat([j.detach().flatten(2) for j in through], 2), self.matrix)
        self.matrix = matrix


@contextmanager
def unheard(module: nn.Module) -> Iterator[None]:
    """Meanwhile no hook of a module, or of one inside it, is called: they would see tensors of a transform."""
    kept = [(m, name, vars(m)[name]) for m in module.modules() for name in ("_forward_pre_hooks", "_forward_hooks")]
    for m, name, _ in kept:
        vars(m)[name] = OrderedDict()
    try:
        yield
    finally:
        for m, name, hooks in kept:
            vars(m)[name] = hooks


def tensors(state: Any) -> list[Tensor]:
    """What of a state is numbers, in order; none of None, which is at rest."""
    return [leaf for leaf in pytree.tree_leaves(state) if isinstance(leaf, Tensor)]


def with_tensors(state: Any, others: Sequence[Tensor]) -> Any:
    """The state with other numbers in their places."""
    rest = iter(others)
    return pytree.tree_map_only(Tensor, lambda leaf: next(rest), state)
