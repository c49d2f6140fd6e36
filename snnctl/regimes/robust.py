"""Training a network that must bear wrong parameters: mismatch drawn at random, or chosen by an adversary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from snnctl.errors import UserError
from snnctl.losses.loss import mean
from snnctl.losses.parameters import Patterns, chosen
from snnctl.neurons.neuron import Neuron
from snnctl.regimes.watching import short

Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class Robust:
    """A part of a gradient regime: the loss is taken at perturbed parameters, and a distance is added.

        L   = L_task(f(p + noise |p| R)) + weight D(f(p), f(p*))
        p*  = p_K,   p_0 = p + start |p| R,   p_k = p_{k-1} + level / K |p| sign(dD(f(p), f(p_{k-1})) / dp_{k-1})
        R   ~ N(0, 1), drawn anew each batch

    p* is what an adversary finds by K steps uphill within level |p|. A learnable time constant is kept as its
    logarithm; there |p| is 1, so that `noise` and `level` are shares of the time constant as well. The distance is
    taken as in evaluation: without dropout, with the running statistics of a batch norm. It costs K + 2 more passes a
    batch.

    Args:
        noise: standard deviation of the mismatch in training, as a share of each parameter; 0: none.
        weight: factor of the distance; 0: no adversary.
        level: how far the adversary goes, as a share of each parameter.
        steps: K, 1 and above.
        start: standard deviation of where it starts, as a share of each parameter.
        distance: D. kl: KL divergence of the softmaxes of the scores; mse: of the outputs at every step.
        parameters: which ones are perturbed: names, or patterns with *: *.weight, lif.tau_mem.

    Source: Buechel et al. 2021, arXiv 2106.05009.

    Raises:
        UserError: a value is out of range.
    """

    noise: float = 0.0
    weight: float = 0.25
    level: float = 0.025
    steps: int = 10
    start: float = 1e-3
    distance: Literal["kl", "mse"] = "kl"
    parameters: Patterns = "*"

    def __post_init__(self) -> None:
        for name in ("noise", "weight", "level", "start"):
            if not getattr(self, name) >= 0:
                raise UserError(f"regime.robust.{name} = {getattr(self, name)}", "range   0 and above")
        if self.steps < 1:
            raise UserError(f"regime.robust.steps = {self.steps}", "range   1 and above")
        if self.distance not in ("kl", "mse"):
            raise UserError(f"regime.robust.distance = {self.distance!r}", "choose from   kl, mse")

    def mismatched(self, network: nn.Module) -> Callable[..., Any]:
        """The network with parameters drawn anew: (x, state) -> (out, state); the gradient goes to its own."""
        return at(network, self.drawn(network)) if self.noise else network

    def drawn(self, network: nn.Module) -> Parameters:
        """p + noise |p| R of the parameters perturbed, by their path in the network."""
        scales = self._scales(network)
        return {name: p + self.noise * s.detach() * torch.randn_like(p) for name, (p, s) in scales.items()}

    def penalty(self, network: nn.Module, scores: Callable[[Tensor], Tensor], x: Any, length: Tensor) -> Tensor | None:
        """weight D(f(p), f(p*)), shape (); None without adversary.

        Args:
            network: (x, state) -> (out (T, B, C), state).
            scores: out -> (B, C).
            x: the batch's input.
            length: (B,) valid steps.
        """
        if not self.weight:
            return None
        training = {module: module.training for module in network.modules()}
        network.eval()
        try:
            clean = network(x)[0]
            wrong = at(network, self.attack(network, clean.detach(), scores, x, length))(x)[0]
            return self.weight * self.apart(clean, wrong, scores, length)
        finally:
            for module, mode in training.items():
                module.training = mode

    def attack(
        self, network: nn.Module, clean: Tensor, scores: Callable[[Tensor], Tensor], x: Any, length: Tensor
    ) -> Parameters:
        """p* of the parameters perturbed, by name; d p* / d p is that of p + |p| times what was found.

        Args:
            clean: (T, B, C), f(p); others as of `penalty`.
        """
        scales = self._scales(network)
        shares = {name: self.start * torch.randn_like(p) for name, (p, _) in scales.items()}
        for _ in range(self.steps):
            here = {name: (p + s * shares[name]).detach().requires_grad_() for name, (p, s) in scales.items()}
            apart = self.apart(clean, at(network, here)(x)[0], scores, length)
            slopes = torch.autograd.grad(apart, list(here.values()), allow_unused=True)
            for name, slope in zip(here, slopes, strict=True):
                if slope is not None:
                    shares[name] = shares[name] + self.level / self.steps * slope.sign()
        return {name: p + s * shares[name] for name, (p, s) in scales.items()}

    def apart(self, clean: Tensor, wrong: Tensor, scores: Callable[[Tensor], Tensor], length: Tensor) -> Tensor:
        """D: (T, B, C), (T, B, C) -> ()."""
        if self.distance == "mse":
            return mean((wrong - clean).square().mean(2), length).mean()
        logs = [scores(out).log_softmax(1) for out in (wrong, clean)]
        return F.kl_div(*logs, reduction="batchmean", log_target=True)

    def _scales(self, network: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
        return scales(network, self.parameters)


def scales(network: nn.Module, parameters: Patterns, learned: bool = True) -> dict[str, tuple[Tensor, Tensor]]:
    """Path -> parameter, and what its errors are shares of: |p|, or 1 for a logarithm.

    Args:
        network: whose parameters.
        parameters: which ones: names, or patterns.
        learned: only those that a gradient moves; False: those too that a rule, or nothing, moves.

    Raises:
        UserError: a pattern fits none.
    """
    paths, found = {}, {}
    for path, p in network.named_parameters():
        if p.requires_grad or not learned:
            owner, _, name = path.rpartition(".")
            log = name.startswith("log_") and isinstance(network.get_submodule(owner), Neuron)
            paths[short(f"{owner}.{name.removeprefix('log_')}" if log else path)] = path
            found[path] = p, torch.ones_like(p) if log else p.abs()
    named = chosen({name: found[path][0] for name, path in paths.items()}, parameters)
    return {paths[name]: found[paths[name]] for name in named}


def at(network: nn.Module, parameters: Mapping[str, Tensor]) -> Callable[..., Any]:
    """The network with some parameters replaced: (x, state=None) -> (out, state)."""
    return lambda x, state=None: functional_call(network, dict(parameters), (x, state))
