"""A network that learns while it runs: each sequence moves the weights, at every step or at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from snnctl.datasets.batch import dense
from snnctl.errors import UserError
from snnctl.kernels.backend import Backend
from snnctl.networks.sparse import SparseLinear
from snnctl.neurons.quantity import one_of
from snnctl.plasticity.connections import changed, limited_by
from snnctl.plasticity.fast import Competition, recognised
from snnctl.plasticity.kept import KeptThresholds
from snnctl.plasticity.rule import Rule, Term
from snnctl.plasticity.sites import Site, sites

if TYPE_CHECKING:
    from snnctl.networks.network import Network

Apply = Literal["step", "sequence"]


class PlasticPass:
    """Runs a network and lets its synapses learn by what they see.

    Args:
        network: of the run.
        rules: name -> rule.
        apply: "step": weights move at every step, so that the next one sees them (BindsNET, Norse); "sequence": the
            changes of all steps, at the weights of its beginning, are added at its end (snnTorch, SpikingJelly).
        keep: layers whose thresholds are learned, see `KeptThresholds`.
        backend: "eager": layers in torch, step by step, the reference; "auto" and "cpu": a kernel where there is one,
            see `Competition`.

    Attributes:
        outside: weights that were put back within their bounds since it was last set to 0, () int64.

    Raises:
        UserError: a rule does not fit the network; see `sites`.
    """

    def __init__(self, network: Network, rules: dict[str, Rule], apply: Apply = "step", keep: Sequence[str] = (),
                 backend: Backend = "auto"):  # fmt: skip
        if not rules and not keep:
            raise UserError("regime.rules is empty: nothing learns", "add   +plasticity@regime.rules.NAME=pair")
        self.network = network
        self.apply = one_of("regime", "apply", apply, Apply)
        self.sites = sites(network, rules)
        self.kept = KeptThresholds(network, keep)
        self.outside = torch.zeros((), dtype=torch.int64)
        self._competition: tuple[Competition | None] | None = None  # looked for once
        self.backend = one_of("regime", "backend", backend, Backend)
        for site in self.sites:
            site.layer.weight.requires_grad_(False).plastic = True  # so that pictures of what learned show it
            if site.rule.start is not None:
                nn.init.uniform_(site.layer.weight, *site.rule.start)
                if isinstance(site.layer, SparseLinear):
                    with torch.no_grad():
                        site.layer.weight.mul_(site.layer.mask)
        self.coefs = [site.rule.coefficients(network.dt) for site in self.sites]

    @torch.no_grad()
    def run(self, x: Any, length: Tensor) -> Tensor:
        """Run over a batch and learn from it.

        Args:
            x: (T, B, *shape) or a list of events. length: (B,) valid steps; what happens after them teaches nothing.

        Returns:
            The network's output while it learned, (T, B, C).

        Raises:
            UserError: a weight left its bounds where a rule stops at that, or is no number.
        """
        x = dense(x)
        valid = torch.arange(len(x), device=x.device)[:, None] < length.to(x.device)
        if self.apply == "step" and (fast := self._fast(x)) is not None:
            out, count = fast.run(x, valid, learn=True)
            self.outside = self.outside + count
            for site in self.sites:
                limited_by(site.rule, site.layer.weight, count)
            return out
        with self._watching(x.shape[1]) as seen:
            return (self._by_step if self.apply == "step" else self._by_sequence)(x, valid, seen)

    def evaluate(self, x: Any) -> Tensor:
        """The network's output over time, (T, B, C), without learning; what learns by a gradient has its own."""
        fast = self._fast(x) if isinstance(x, Tensor) else None
        if fast is None:
            return self.network(x)[0]
        return fast.run(x, torch.ones(x.shape[:2], dtype=torch.bool), learn=False)[0]

    def _fast(self, x: Tensor) -> Competition | None:
        if self.backend in ("eager", "cuda") or x.device.type != "cpu" or x.dtype == torch.float64:
            return None
        if self._competition is None:
            self._competition = (recognised(self.network, self.sites, self.kept),)
        fast = self._competition[0]
        return None if fast is None or fast.hidden() else fast

    def _by_step(self, x: Tensor, valid: Tensor, seen: dict[str, Tensor]) -> Tensor:
        state, traces, outs = None, [None] * len(self.sites), []
        for t in range(len(x)):
            before = state
            out, state = self.network(x[t : t + 1], state)
            state = self.kept.share(state, before)
            outs.append(out)
            for k, site in enumerate(self.sites):
                pre, post = (_masked(seen[name][0], valid[t]) for name in (site.synapses, site.neurons))
                if traces[k] is None:
                    traces[k] = site.rule.initial_state(pre, post)
                terms, traces[k] = site.rule.step(pre, post, traces[k], self.coefs[k])
                self._move(site, _ended(terms, valid[t]), x.shape[1])
        self.kept.fold(state, len(x), shared=True)
        return torch.cat(outs)

    def _by_sequence(self, x: Tensor, valid: Tensor, seen: dict[str, Tensor]) -> Tensor:
        out, state = self.network(x)
        self.kept.fold(state, len(x), shared=False)
        for k, site in enumerate(self.sites):
            pre, post = (_masked(seen[name], valid) for name in (site.synapses, site.neurons))
            traces, steps = site.rule.initial_state(pre[0], post[0]), []
            for t in range(len(x)):
                terms, traces = site.rule.step(pre[t], post[t], traces, self.coefs[k])
                steps.append(_ended(terms, valid[t]))
            self._move(site, tuple(map(_stacked, zip(*steps, strict=True))), x.shape[1])
        return out

    def _move(self, site: Site, terms: tuple[Term, ...], batch: int) -> None:
        w, count = changed(site.layer, site.rule, terms, batch)
        site.layer.weight.copy_(w)
        self.outside = self.outside.to(count.device) + count

    @contextmanager
    def _watching(self, batch: int) -> Iterator[dict[str, Tensor]]:
        """What the last call gave: the inputs of synapses and the spikes of neurons by layer, each (T, B, ...)."""
        seen: dict[str, Tensor] = {}
        hooks = []
        chains = [m for m in self.network.modules() if hasattr(m, "time_major")]
        before = [m.time_major for m in chains]
        for m in chains:
            m.time_major = True  # so that rows are (T B)

        def inputs(name: str) -> Any:
            def hook(layer: Any, args: Any, output: Any) -> None:
                x = args[0]
                seen[name] = x if getattr(layer, "temporal", False) else x.unflatten(0, (-1, batch))

            return hook

        def outputs(name: str) -> Any:
            def hook(layer: Any, args: Any, output: Any) -> None:
                seen[name] = output[0]

            return hook

        for site in {s.synapses: s for s in self.sites}.values():
            hooks.append(site.layer.register_forward_hook(inputs(site.synapses)))
        for site in {s.neurons: s for s in self.sites}.values():
            hooks.append(site.behind.register_forward_hook(outputs(site.neurons)))
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()
            for m, was in zip(chains, before, strict=True):
                m.time_major = was


def _masked(s: Tensor, valid: Tensor) -> Tensor:
    """Spikes with 0 where a sample has ended: s (..., B, *shape), valid (..., B)."""
    return s.float() * valid.view(*valid.shape, *[1] * (s.dim() - valid.dim()))


def _ended(terms: tuple[Term, ...], valid: Tensor) -> tuple[Term, ...]:
    """Terms to which samples that have ended add nothing, whatever their traces still hold; valid (B,)."""
    return tuple(term._replace(post=_masked(term.post, valid)) for term in terms)


def _stacked(terms: tuple[Term, ...]) -> Term:
    """One term of all steps: the batch holds them all."""
    pre = None if terms[0].pre is None else torch.cat([term.pre for term in terms])
    return Term(pre, torch.cat([term.post for term in terms]), terms[0].gain)
